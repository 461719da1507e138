"""Figures of others, from `benchmarks/reference`: the paper's tables and VISSL's model zoo.

A `recalled` figure is from memory and could not be checked against its source: it is shown with a dagger alone.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import typing
from pathlib import Path
from typing import Any, TypeVar

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.utils.paths import benchmarks

MARKS = ("code", "text", "recalled")
DAGGER = "†"
ZOO = "zoo:"  # before the name of one of its AlexNets, where weights are named


@dataclasses.dataclass(frozen=True)
class _Marked:
    def problems(self) -> list[str]:
        """What `schema.read_block` cannot see from the types alone."""
        top_1, mark, verified = (getattr(self, name) for name in ("top_1", "mark", "verified"))
        found = [] if mark in MARKS else [f"mark: {unknown('mark', mark, MARKS)}"]
        if top_1 is not None and not 0 <= top_1 <= 100:
            found.append(f"top_1={top_1!r} must be a percentage, or empty where it is not known")
        if verified and (mark == "recalled" or top_1 is None):
            found.append("verified must be false for a recalled or unknown figure")
        return found


@dataclasses.dataclass(frozen=True)
class Reference(_Marked):
    """One number of the paper: top-1 accuracy in percent, None where unknown.

    source: the photo's file name without its ending, or the data set; "" where there is none or it is not known.
    augmentation: of the single image's crops: none, all, or rotation, jitter and scale joined by "+".
    """

    table: str
    dataset: str
    protocol: str
    method: str
    source: str
    n_images: int
    augmentation: str
    layer: str
    top_1: float | None
    mark: str
    verified: bool

    def __str__(self) -> str:
        if self.top_1 is None:
            return ""
        return f"{self.top_1:.1f}{DAGGER if self.mark == 'recalled' else ''}"


@dataclasses.dataclass(frozen=True)
class ZooModel(_Marked):
    """A model of VISSL's zoo: its ImageNet top-1 accuracy in percent, and the address of its weights.

    name, trunk: of an AlexNet, which our probes read as `zoo:NAME`, and VISSL's trunk for it; else "".
    """

    name: str
    trunk: str
    method: str
    model: str
    pretrained_on: str
    top_1: float | None
    url: str
    mark: str
    verified: bool


Kind = TypeVar("Kind", Reference, ZooModel)


def paper() -> list[Reference]:
    """Every number of the paper's tables."""
    return read(benchmarks("reference") / "paper.csv", Reference)


def zoo() -> list[ZooModel]:
    """VISSL's model zoo, as far as its methods are ours or the paper's."""
    return read(benchmarks("reference") / "vissl_zoo.csv", ZooModel)


@functools.cache
def named() -> dict[str, ZooModel]:
    """The models of the zoo that our probes read by name."""
    return {model.name: model for model in zoo() if model.name}


def zoo_model(name: str) -> ZooModel:
    """One of `named`; MonoImageError with the nearest where there is none."""
    if name not in named():
        raise MonoImageError(unknown("model of the zoo", name, named()))
    return named()[name]


def read(path: Path, kind: type[Kind]) -> list[Kind]:
    """The rows of a CSV whose header names the fields of `kind`.

    Raises:
        MonoImageError: unreadable, another header, or a cell that cannot be, naming file and line.
    """
    names = [field.name for field in dataclasses.fields(kind)]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file, strict=True))
    except OSError as error:
        raise MonoImageError(f"cannot read the reference figures '{path}': {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MonoImageError(f"'{path}' is no CSV of reference figures: {error}") from error
    if not lines or lines[0] != names:
        raise MonoImageError(f"'{path}' must begin with the header {','.join(names)}")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        where = f"{path}, line {number}"
        if len(cells) != len(names):
            raise MonoImageError(f"{where}: {len(cells)} cells, not {len(names)}")
        wanted = typing.get_type_hints(kind)
        values = {name: _typed(cell, wanted[name]) for name, cell in zip(names, cells, strict=True)}
        rows.append(read_block(kind, values, where))
    return rows


def _typed(cell: str, wanted: Any) -> Any:
    """The cell as `wanted`, or as it is where it cannot be: `read_block` then says so."""
    if wanted is bool:
        return {"true": True, "false": False}.get(cell, cell)
    if wanted is str or (cell == "" and wanted is int):
        return cell
    try:
        return (int(cell) if wanted is int else float(cell)) if cell else None
    except ValueError:
        return cell
