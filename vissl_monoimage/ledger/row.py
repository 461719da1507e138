"""A row of the results ledger: what one finished run was and what it measured."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError

KINDS = ("pretrain", "probe")


@dataclasses.dataclass(frozen=True)
class Row:
    """One finished run. Accuracies are percentages, `wall_s` seconds, `losses` [iteration, loss or null]."""

    run_id: str
    kind: str
    name: str
    command: str
    finished: str
    git_sha: str | None
    config_hash: str
    group_hash: str
    method: str
    trunk: str
    protocol: str | None
    protocol_changes: list[str]
    dataset: str
    images: list[dict[str, Any]]
    recipe: dict[str, Any]
    seed: int
    versions: dict[str, str]
    device: str
    wall_s: float
    iterations: int
    checkpoint_in: str | None
    checkpoint_in_sha256: str | None
    checkpoint_out: str | None
    checkpoint_out_sha256: str | None
    losses: list[list[Any]]
    accuracies: dict[str, dict[str, float]]
    pretext: dict[str, Any]

    @property
    def experiment(self) -> str:
        """A hash that is the same for the runs of one experiment: `group_hash`, and what is in a photo that was named.

        For `group_hash` knows a photo by its file name. Images drawn from a data set, others for each seed, are not
        named in the command.
        """
        name = Path(self.images[0].get("path", "")).name if len(self.images) == 1 else ""
        if not name or name not in self.command:
            return self.group_hash
        return hashlib.sha256(f"{self.group_hash} {self.images[0]['sha256']}".encode()).hexdigest()

    def problems(self) -> list[str]:
        """What `schema.read_block` cannot see from the types alone."""
        found = [] if self.kind in KINDS else [f"kind={self.kind!r} must be one of {', '.join(KINDS)}"]
        for layer, scores in self.accuracies.items():
            bad = not isinstance(scores, dict) or any(not _is_percentage(value) for value in scores.values())
            found += [f"accuracies: {layer} must map top_k to percentages, not {scores!r}"] if bad else []
        if any(not isinstance(point, list) or len(point) != 2 for point in self.losses):
            found.append("losses must be pairs [iteration, loss]")
        return found


def read_row(values: Any) -> Row:
    """Return the row in `values`, a line of a ledger.

    Raises:
        MonoImageError: everything that is wrong with it.
    """
    if not isinstance(values, dict):
        raise MonoImageError(f"it is a {type(values).__name__}")
    missing = [field.name for field in dataclasses.fields(Row) if field.name not in values]
    if missing:
        raise MonoImageError(f"it lacks {', '.join(missing)}")
    return read_block(Row, values, "row")


def _is_percentage(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100
