"""Reading benchmarks from their YAMLs.

A benchmark has `title`, `probes`, `cells` and `profiles`, each of the last three a mapping by name, whose keys are the
fields of `Probe`, `Cell` and `Profile`. `beside` names benchmarks whose committed rows are shown beside its own.
`defaults` has keys of cells: every cell inherits those that it does not have itself, unless it says `defaults: false`.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.reproduce.cell import Cell
from vissl_monoimage.reproduce.grid import Grid, Probe, Profile, select
from vissl_monoimage.utils.paths import benchmarks

Item = TypeVar("Item")


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is there twice, where YAML's loader takes the last one."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node.

        Raises:
            yaml.YAMLError: a key is there twice.
        """
        keys: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in keys:
                    raise yaml.YAMLError(f"key '{key.value}' in line {key.start_mark.line + 1} is there twice")
                keys.add(key.value)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class _Sheet:
    """The YAML before its parts are read."""

    title: str
    probes: Mapping[str, Any]
    cells: Mapping[str, Any]
    profiles: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    beside: list[str] = field(default_factory=list)


def read_grid(name: str) -> Grid:
    """Return a benchmark by its name, or from any YAML of this form by its path.

    Raises:
        MonoImageError: no such benchmark, or every key, type and name in it that is wrong.
    """
    path = Path(name)
    if path.suffix != ".yaml":
        if name not in grid_names():
            raise MonoImageError(f"{unknown('benchmark', name, grid_names())}; or the path of a .yaml")
        path = benchmarks("grids") / f"{name}.yaml"
    values = _read(path)
    if not isinstance(values, Mapping):
        raise MonoImageError(f"benchmark {path} must be a mapping with title, probes, cells and profiles")
    sheet = read_block(_Sheet, values, path.name)
    committed = {file.stem: file for file in benchmarks("results").glob("*.jsonl")}
    select(f"{path.name}: beside: ", "benchmark with results", committed, sheet.beside)
    probes = _parts(Probe, sheet.probes, f"{path.name}: probes")
    cells = _parts(Cell, _inherited(sheet, path.name), f"{path.name}: cells")
    for key, cell in cells.items():
        select(f"{path.name}: cells.{key}.probes: ", "probe", probes, cell.probes)
    cells = {key: _with_words(cell, cells, f"{path.name}: cells.{key}.of: ") for key, cell in cells.items()}
    profiles = _parts(Profile, sheet.profiles, f"{path.name}: profiles")
    return Grid(path.stem, sheet.title, probes, cells, profiles, sheet.beside)


def _read(path: Path) -> Any:
    """Return what a YAML holds.

    Raises:
        MonoImageError: it cannot be read, or has a key twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except RecursionError:
        raise MonoImageError(f"benchmark {path} cannot be read: it is nested too deeply") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise MonoImageError(f"benchmark {path} cannot be read: {' '.join(str(error).split())}") from None


def grid_names() -> list[str]:
    """Return the names of the benchmarks that come with the package."""
    return sorted(path.stem for path in benchmarks("grids").glob("*.yaml"))


def _inherited(sheet: _Sheet, where: str) -> dict[str, Any]:
    keys = [key.name for key in dataclasses.fields(Cell)]
    for key in sheet.defaults:
        if key not in keys:
            raise MonoImageError(f"{where}: defaults: {unknown('key', key, keys)}")
    return {name: _with_defaults(cell, sheet.defaults, f"{where}: cells.{name}") for name, cell in sheet.cells.items()}


def _with_defaults(cell: Any, defaults: Mapping[str, Any], where: str) -> Any:
    if not isinstance(cell, Mapping):
        return cell  # `_parts` refuses it
    own = {key: value for key, value in cell.items() if key != "defaults"}
    if not isinstance(cell.get("defaults", True), bool):
        raise MonoImageError(f"{where}.defaults={cell['defaults']!r} must be false for a cell that inherits nothing")
    return {**defaults, **own} if cell.get("defaults", True) else own


def _with_words(cell: Cell, cells: Mapping[str, Cell], where: str) -> Cell:
    """Return `cell` with the words of a pretraining, and its trunk, in place of the name of its cell."""
    if not cell.of or cell.of.startswith("config="):
        return cell
    pretrained = {name: other for name, other in cells.items() if other.pretrain}
    other = next(iter(select(where, "cell with a pretraining", pretrained, [cell.of]).values()))
    words = shlex.join([f"config={other.pretrain}", *other.overrides])
    return dataclasses.replace(cell, of=words, trunk=cell.trunk or other.trunk)


def _parts(kind: type[Item], values: Mapping[str, Any], where: str) -> dict[str, Item]:
    if not values:
        raise MonoImageError(f"{where} must name one at least")
    for name, value in values.items():
        if not isinstance(name, str):
            raise MonoImageError(f"{where}: {name} must be a name: put it in quotes")
        if not re.fullmatch(r"\w[\w+-]*", name):  # it begins the names of folders
            raise MonoImageError(f"{where}: name {name!r} must have letters, digits, +, - and _ only")
        if not isinstance(value, Mapping):
            raise MonoImageError(f"{where}.{name}={value!r} must be a mapping; {{}} is an empty one")
    return {name: read_block(kind, value, f"{where}.{name}") for name, value in values.items()}
