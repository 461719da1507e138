"""A row of the results ledger: what one finished run was and what it measured; `docs/ledger.md` has each field."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.data_hashes_table import hash_from_table
from vissl_monoimage.ledger.machine import DIRTY
from vissl_monoimage.ledger.row_parts import DataSplit, InitialWeights, Weights
from vissl_monoimage.ledger.row_values import (
    accuracy_problems,
    image_problems,
    loss_problems,
    text_problems,
    transfer_problems,
)
from vissl_monoimage.ledger.upgrade import upgrade_from_1

SCHEMA = 2
"""The version of the rows that are written; rows of all versions up to it can be read."""
KINDS = ("pretrain", "probe")

Part = TypeVar("Part")


@dataclasses.dataclass(frozen=True)
class Row:
    """One finished run. Accuracies are percentages, `wall_s` seconds, and `losses` pairs [iteration, loss or null]."""

    schema: int
    run_id: str
    kind: str
    name: str
    command: str
    overrides: list[str]
    finished: str
    git_sha: str | None
    config_hash: str
    group_hash: str
    method: str
    trunk: str
    protocol: str | None
    protocol_changes: list[str]
    shots: list[int]
    dataset: str
    data: dict[str, DataSplit]
    images: list[dict[str, Any]]
    n_images: int | None
    images_seen: int | None
    recipe: dict[str, Any]
    seed: int
    versions: dict[str, str]
    device: str
    wall_s: float
    iterations: int
    weights: Weights
    initial_weights: InitialWeights
    checkpoint_out: str | None
    checkpoint_out_sha256: str | None
    losses: list[list[Any]]
    accuracies: dict[str, dict[str, float]]
    pretext: dict[str, Any]

    @property
    def is_dirty(self) -> bool:
        """Whether the code had uncommitted changes, so that the commit alone does not repeat the run."""
        return (self.git_sha or "").endswith(DIRTY)

    @property
    def experiment(self) -> str:
        """A hash that the runs of one experiment share, made of `group_hash` and the content of the data.

        `group_hash` alone knows data by the last part of their path only. The test data of a probe count; those of a
        pretraining do not, because they have no influence on the weights.
        """
        if not any(self.contents):
            return self.group_hash
        return hashlib.sha256(f"{self.group_hash} {self.contents}".encode()).hexdigest()

    @property
    def contents(self) -> list[str | None]:
        """What the data of the run are, by split; None for a split whose content is not known."""
        splits = ("train",) if self.kind == "pretrain" else ("train", "test")
        recorded = [self.data[split].content if split in self.data else None for split in splits]
        return [content or hash_from_table(self.run_id, split) for content, split in zip(recorded, splits, strict=True)]

    @property
    def has_hashes_from_table(self) -> bool:
        """Whether the content of its data is known from a table, for the row itself does not have it."""
        return hash_from_table(self.run_id, "train") is not None

    @property
    def is_identified(self) -> bool:
        """Whether the content of all data of the run is known."""
        return None not in self.contents

    def problems(self) -> list[str]:
        """Return what `schema.read_block` cannot see from the types alone, a sentence each."""
        sentences = [] if self.kind in KINDS else [f"kind={self.kind!r} must be one of {', '.join(KINDS)}"]
        if self.n_images is not None and self.n_images < 0:
            sentences.append(f"n_images={self.n_images} must not be negative")
        sentences += accuracy_problems(self.accuracies, self.pretext)
        sentences += transfer_problems(self.pretext)
        sentences += loss_problems(self.losses)
        return [*sentences, *image_problems(self.images, self.recipe)]


def read_row(values: Any) -> Row:
    """Return the row in `values`, a line of a ledger; keys that this version does not know are ignored.

    Raises:
        MonoImageError: it is no row, or one of a later schema, with everything that is wrong with it in one line.
    """
    try:
        return _read(values)
    except MonoImageError as error:
        raise MonoImageError(str(error).replace("\n", "\\n")) from None


def _read(values: Any) -> Row:
    if not isinstance(values, dict):
        raise MonoImageError(f"it is a {type(values).__name__}")
    if problem := next(text_problems(values), None):
        raise MonoImageError(problem)
    schema = values.get("schema", 1)
    if type(schema) is not int or schema < 1:
        raise MonoImageError(f"schema={schema!r} must be a whole number from 1")
    if schema > SCHEMA:
        raise MonoImageError(
            f"it has schema {schema}, of a later version of vissl_monoimage, and this one reads schemas up to {SCHEMA}"
        )
    values = {**(upgrade_from_1(values) if schema == 1 else values), "schema": SCHEMA}
    missing = [field.name for field in dataclasses.fields(Row) if field.name not in values]
    if missing:
        raise MonoImageError(f"it lacks {', '.join(missing)}")
    values["weights"] = _part(Weights, values["weights"], "weights")
    values["initial_weights"] = _part(InitialWeights, values["initial_weights"], "initial_weights")
    if not isinstance(values["data"], dict):
        raise MonoImageError(f"data must be a mapping, not a {type(values['data']).__name__}")
    values["data"] = {split: _part(DataSplit, part, f"data.{split}") for split, part in values["data"].items()}
    return _part(Row, values, "row")


def _part(kind: type[Part], values: Any, where: str) -> Part:
    if not isinstance(values, Mapping):
        raise MonoImageError(f"{where} must be a mapping, not a {type(values).__name__}")
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return read_block(kind, {name: value for name, value in values.items() if name in names}, where)
