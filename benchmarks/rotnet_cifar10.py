"""RotNet from one photo, from CIFAR-10's own images, and random weights: every layer of convnet4 probed on CIFAR-10.

    python benchmarks/rotnet_cifar10.py PHOTO CIFAR10 OUT [--seeds 0 1 2] [--jobs 2]
        [--methods random photo cifar10]

PHOTO is any photo, CIFAR10 a folder {train,test}/<class>/*.png, OUT the folder of the runs (a kill loses little).
The rows of the ledger are copied to benchmarks/results/rotnet_cifar10.jsonl, the table to rotnet_cifar10.csv there.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from vissl_monoimage.report import ledger
from vissl_monoimage.report.table import build, link

RESULTS = Path(__file__).parent / "results"
PRETRAIN = "config=pretrain/monoimage/rotnet_convnet4"
PROBE = "config=benchmark/monoimage/linear_cifar10"
METHODS = ("random", "photo", "cifar10")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("cifar10", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, a core each")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["random", "photo"])
    options = parser.parse_args()
    with ThreadPoolExecutor(options.jobs) as pool:
        cells = [(method, seed) for seed in options.seeds for method in options.methods]
        list(pool.map(lambda cell: run_cell(cell[0], cell[1], options), cells))
    write_results(options)


def run_cell(method: str, seed: int, options: argparse.Namespace) -> None:
    """Pretrain where the method asks for it, then probe; what is finished is skipped."""
    folder = options.out / f"{method}_{seed}"
    probe = [PROBE, *from_folder("TRAIN", options.cifar10 / "train"), *from_folder("TEST", options.cifar10 / "test")]
    if method != "random":
        run(folder / "rotnet", seed, list(pretrain(method, seed, options)))
        probe.append(f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={final(folder / 'rotnet')}")
    run(folder / "probe", seed, probe)


def pretrain(method: str, seed: int, options: argparse.Namespace) -> Iterator[str]:
    yield PRETRAIN
    yield "config.MONOIMAGE.BF16=true"  # 2 to 3 times faster where the CPU has it
    if method == "photo":
        yield f"config.DATA.TRAIN.DATA_PATHS=[{options.photo}]"
        yield f"config.MONOIMAGE.SOURCE.SEED={seed}"
    else:
        yield from from_folder("TRAIN", options.cifar10 / "train", labels=False)
        yield from from_folder("TEST", options.cifar10 / "test", labels=False)


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
    if (folder / ledger.FILE_NAME).exists():
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


def write_results(options: argparse.Namespace) -> None:
    """The ledger's rows of all runs, without this machine's folders, and their table with intervals."""
    rows = ledger.read([options.out])
    folders = {str(options.out): "OUT", str(options.cifar10): "CIFAR10", str(options.photo): options.photo.name}
    target = RESULTS / "rotnet_cifar10.jsonl"
    target.unlink(missing_ok=True)
    for row in rows:
        text = json.dumps(asdict(row), separators=(",", ":"))
        for folder, name in folders.items():
            text = text.replace(folder, name)
        ledger.append_text(target, text + "\n")
    with open(RESULTS / "rotnet_cifar10.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["protocol", "method", "n", "layer", "mean", "half_width_95"])
        for table in build(link(rows)):
            for line in table.lines:
                for layer, cell in line.cells.items():
                    half = "" if cell.half is None else f"{cell.half:.2f}"
                    writer.writerow([table.protocol, line.label, cell.n, layer, f"{cell.mean:.2f}", half])


if __name__ == "__main__":
    main()
