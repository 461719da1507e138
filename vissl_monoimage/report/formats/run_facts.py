"""The facts of a run that the page lists below its figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from vissl_monoimage.ledger.images_seen_table import images_seen
from vissl_monoimage.ledger.machine import DIRTY
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import DataSplit, Weights

_NAMED = 3  # photos; the others are counted


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """A run's title, and (name, value) of all that its row records."""

    title: str
    facts: list[tuple[str, Any]]


def run_facts(row: Row) -> RunFacts:
    """Return what a ledger row records of how its numbers were made, without empty values."""
    facts = {
        "command": row.command,
        "protocol": row.protocol,
        "changes to the protocol": "; ".join(row.protocol_changes),
        "trunk": row.trunk,
        "data set": row.dataset,
        **{f"{split} data": _split(data) for split, data in row.data.items()},
        "images": _images(row.images, row.n_images),
        "recipe": ", ".join(f"{key} {value}" for key, value in row.recipe.items()),
        "seed": row.seed,
        "steps": row.iterations,
        "images seen": f"{seen:,}" if (seen := images_seen(row)) else None,
        "labelled images per class": ", ".join(map(str, row.shots)),
        "wall time": f"{row.wall_s:.0f} s on {row.device}",
        "initial weights": _joined(row.initial_weights.origin, _sha256(row.initial_weights.sha256)),
        "weights in": _weights(row.weights),
        "weights out": row.checkpoint_out,
        **_pretext(row.pretext),
        "versions": ", ".join(f"{name} {version}" for name, version in row.versions.items()),
        "commit": (row.git_sha or "").replace(DIRTY, " and uncommitted changes"),
        "config hash": row.config_hash[:16],
        "finished": row.finished,
    }
    return RunFacts(
        f"{row.kind}: {row.name}, seed {row.seed}",
        [(name, value) for name, value in facts.items() if value not in (None, "")],
    )


def _split(data: DataSplit) -> str:
    """Return name, size and content of a split of a data set."""
    sha256 = _sha256(data.sha256) or "content unknown"
    return _joined(
        data.name,
        _count(data.images, "image", "images"),
        _count(data.classes, "class", "classes"),
        f"drawn from {data.drawn_from}" if data.drawn_from else None,
        f"{sha256} of the ends of the files" if data.sampled else sha256,
    )


def _images(images: Sequence[Mapping[str, Any]], count: int | None) -> str:
    named = ", ".join(f"{image['name']} ({_sha256(image['sha256'])})" for image in images[:_NAMED])
    return f"{named} and {(count or len(images)) - _NAMED} more" if images[_NAMED:] else named


def _weights(weights: Weights) -> str:
    zoo = f"{weights.zoo} of VISSL's zoo" if weights.zoo else None
    return _joined(zoo, weights.path, _sha256(weights.sha256))


def _count(number: int | None, one: str, several: str) -> str | None:
    return None if number is None else f"{number:,} {one if number == 1 else several}"


def _sha256(digits: str | None) -> str | None:
    return f"sha256 {digits[:12]}" if digits else None


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _pretext(measured: dict[str, Any]) -> dict[str, str]:
    """Return the accuracy on the method's own task, or whatever else was measured on it, and on images never seen."""
    split = measured.get("split")
    transfer = {
        f"pretext on {name.replace('_', ' ')}": _numbers(numbers)
        for name, numbers in measured.get("transfer", {}).items()
    }
    if "top_1" in measured:
        return {"pretext accuracy": f"{measured['top_1']:.1f} % ({split})", **transfer}
    return {f"pretext ({split})": _numbers(measured), **transfer}


def _numbers(measured: dict[str, Any]) -> str:
    numbers = {name.replace("_", " "): value for name, value in measured.items() if isinstance(value, (int, float))}
    return ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
