"""Run a grid: each cell is pretrained for each seed, every layer is probed on CIFAR-10, and a table is written.

    python benchmarks/run_grid.py benchmarks/GRID.yaml PHOTO CIFAR10 OUT [--jobs 2] [--cells CELL...] [--seeds SEED...]

PHOTO is any photo, CIFAR10 a folder {train,test}/<class>/*.png, OUT the folder of the runs. What is finished is
not run again, and a killed run goes on where it was. The rows of the ledger go to benchmarks/results/GRID.jsonl, the
table to GRID.csv there. The header of each grid says what it holds, what it costs, and what `Grid` below means.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.report import ledger
from vissl_monoimage.report.table import build, link
from vissl_monoimage.schema import read_block

RESULTS = Path(__file__).parent / "results"
SOURCES = ("photo", "cifar10", "random")


@dataclass(frozen=True)
class Grid:
    """A grid's YAML.

    pretrain, probe: the two configs. overrides: of every pretraining. minutes: of one core, a cell and seed.
    cells: {name: {source: photo, cifar10 or random (no pretraining), overrides: its own}}.
    trunk: the probe's, where it is not the one its YAML names.
    beside: grids whose rows are shown in the table too, such as the random weights they have already probed.
    """

    pretrain: str
    probe: str
    minutes: float
    cells: Mapping[str, Any]
    seeds: list[int]
    overrides: list[str] = field(default_factory=list)
    trunk: str = ""
    beside: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """Cells of unknown sources."""
        found = [cell["source"] for cell in self.cells.values() if cell["source"] not in SOURCES]
        return [f"cells: {unknown('source', source, SOURCES)}" for source in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grid", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("cifar10", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, a core each")
    parser.add_argument("--cells", nargs="+", help="only these")
    parser.add_argument("--seeds", type=int, nargs="+", help="other seeds than the grid's")
    options = parser.parse_args()
    try:
        grid = read_block(Grid, yaml.safe_load(options.grid.read_text()), str(options.grid))
    except MonoImageError as error:
        parser.error(str(error))
    names = options.cells or list(grid.cells)
    for name in names:
        if name not in grid.cells:
            parser.error(unknown("cell", name, grid.cells))
    cells = [(name, seed) for seed in options.seeds or grid.seeds for name in names]
    print(f"{len(cells)} cells of about {grid.minutes:g} core-minutes each, {options.jobs} at a time", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda cell: run_cell(grid, cell[0], cell[1], options), cells))
    keep_rows(RESULTS / f"{options.grid.stem}.jsonl", options)
    tabulate(options.grid.stem, grid.beside)


def run_cell(grid: Grid, name: str, seed: int, options: argparse.Namespace) -> None:
    """Pretrain where the cell asks for it, then probe."""
    folder, source = options.out / f"{name}_{seed}", grid.cells[name]["source"]
    probe = [f"config={grid.probe}", "config.MONOIMAGE.CACHE_FEATURES=true"]
    if grid.trunk:
        probe.append(f"config.MODEL.TRUNK.NAME={grid.trunk}")
    for split in ("train", "test"):
        probe += from_folder(split.upper(), options.cifar10 / split)
    if source != "random":
        run(folder / "pretrain", seed, list(pretraining(grid, name, seed, options)))
        probe.append(f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={final(folder / 'pretrain')}")
    run(folder / "probe", seed, probe)


def pretraining(grid: Grid, name: str, seed: int, options: argparse.Namespace) -> Iterator[str]:
    """The overrides of a cell's pretraining."""
    yield f"config={grid.pretrain}"
    yield from grid.overrides
    if grid.cells[name]["source"] == "photo":
        yield f"config.DATA.TRAIN.DATA_PATHS=[{options.photo}]"
        yield f"config.MONOIMAGE.SOURCE.SEED={seed}"
    else:
        yield from from_folder("TRAIN", options.cifar10 / "train", labels=False)
        yield from from_folder("TEST", options.cifar10 / "test", labels=False)
    yield from grid.cells[name].get("overrides", [])


def from_folder(split: str, folder: Path, labels: bool = True) -> Iterator[str]:
    """Overrides that read a split from a folder of images."""
    yield f"config.DATA.{split}.DATA_SOURCES=[disk_folder]"
    yield f"config.DATA.{split}.DATASET_NAMES=[cifar10]"
    yield f"config.DATA.{split}.DATA_PATHS=[{folder}]"
    yield f"config.DATA.{split}.LABEL_SOURCES=[{'disk_folder' if labels else ''}]"


def final(folder: Path) -> Path:
    """The checkpoint of a finished run."""
    return next(folder.glob("model_final_checkpoint_*.torch"))


def run(folder: Path, seed: int, overrides: list[str]) -> None:
    """One VISSL run on one core, its output in OUT/<cell>/<run>.log, unless its ledger row is there."""
    if (folder / ledger.FILE_NAME).exists() and (folder / ledger.FILE_NAME).stat().st_size:
        return
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "vissl_monoimage", "run", *overrides, f"config.SEED_VALUE={seed}"]
    print(" ".join(command[2:]), flush=True)
    with open(f"{folder}.log", "a") as log:
        subprocess.run(
            [*command, f"config.CHECKPOINT.DIR={folder}"],
            check=True,
            stdout=log,
            stderr=log,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )


def keep_rows(target: Path, options: argparse.Namespace) -> None:
    """The ledger's rows of all runs, without this machine's folders."""
    folders = {str(options.out): "OUT", str(options.cifar10): "CIFAR10", str(options.photo): options.photo.name}
    target.unlink(missing_ok=True)
    for row in ledger.read([options.out]):
        text = json.dumps(asdict(row), separators=(",", ":"))
        for folder, short in folders.items():
            text = text.replace(folder, short)
        ledger.append_text(target, text + "\n")


def tabulate(name: str, beside: list[str]) -> None:
    """The table of the rows kept for a grid, and for those beside it: mean and half the 95 % interval a layer."""
    probed = link(ledger.read([RESULTS / f"{grid}.jsonl" for grid in (name, *beside)]))
    with open(RESULTS / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["protocol", "cell", "method", "n", "layer", "mean", "half_width_95"])
        for cell in dict.fromkeys(cell_of(item.probe) for item in probed):
            for table in build(item for item in probed if cell_of(item.probe) == cell):
                for line in table.lines:
                    for layer, value in line.cells.items():
                        half = "" if value.half is None else f"{value.half:.2f}"
                        mean = f"{value.mean:.2f}"
                        writer.writerow([table.protocol, cell, line.label, value.n, layer, mean, half])


def cell_of(probe: ledger.Row) -> str:
    """The cell of a probe, by its folder OUT/<cell>_<seed>/probe."""
    return Path(probe.checkpoint_out or "").parent.parent.name.rpartition("_")[0]


if __name__ == "__main__":
    main()
