"""The facts of a run that the page lists below its figures."""

from __future__ import annotations

import dataclasses
from typing import Any

from vissl_monoimage.ledger.row import Row


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
        "images": ", ".join(f"{image['name']} (sha256 {image['sha256'][:12]})" for image in row.images[:3]),
        "recipe": ", ".join(f"{key} {value}" for key, value in row.recipe.items()),
        "seed": row.seed,
        "steps": row.iterations,
        "wall time": f"{row.wall_s:.0f} s on {row.device}",
        "weights in": row.weights.path,
        "weights out": row.checkpoint_out,
        **_pretext(row.pretext),
        "versions": ", ".join(f"{name} {version}" for name, version in row.versions.items()),
        "commit": row.git_sha,
        "config hash": row.config_hash[:16],
        "finished": row.finished,
    }
    return RunFacts(
        f"{row.kind}: {row.name}, seed {row.seed}",
        [(name, value) for name, value in facts.items() if value not in (None, "")],
    )


def _pretext(measured: dict[str, Any]) -> dict[str, str]:
    """Return the accuracy on the method's own task, or whatever else was measured on it."""
    split = measured.get("split")
    if "top_1" in measured:
        return {"pretext accuracy": f"{measured['top_1']:.1f} % ({split})"}
    numbers = {name.replace("_", " "): value for name, value in measured.items() if isinstance(value, (int, float))}
    return {f"pretext ({split})": ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())}
