"""Probes on class folders, through the launcher: odd images count as what they show, bad ones end the run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CLASSES = 3


def write_folders(root: Path, save: Callable[[NDArray[np.float64], Path], None]) -> list[str]:
    """Write two splits of three classes, textures that a random trunk can tell apart; return the overrides."""
    draw = np.random.default_rng(0)
    rows, columns = np.mgrid[:32, :32]
    for split, count in (("train", 16), ("test", 8)):
        for label in range(CLASSES):
            folder = root / split / f"class{label}"
            folder.mkdir(parents=True)
            for number in range(count):
                wave = np.sin((rows + draw.integers(32)) * (label + 1) / 3) * np.cos(columns * (CLASSES - label) / 4)
                save((wave + 1) / 2, folder / f"{number:02}.png")
    overrides = ["config=benchmark/monoimage/linear_cifar10", "config.MODEL.TRUNK.NAME=convnet4"]
    for split in ("TRAIN", "TEST"):
        values = {"DATA_SOURCES": "disk_folder", "LABEL_SOURCES": "disk_folder", "DATA_PATHS": root / split.lower()}
        values["DATASET_NAMES"] = "waves"
        overrides += [f"config.DATA.{split}.{key}=[{value}]" for key, value in values.items()]
    return [
        *overrides,
        "config.OPTIMIZER.num_epochs=1",
        "config.OPTIMIZER.param_schedulers.lr.values=[0.01]",
        "config.OPTIMIZER.param_schedulers.lr.milestones=[]",
        "config.DATA.NUM_DATALOADER_WORKERS=0",
        "config.CHECKPOINT.DIR=probe",
    ]


def as_bytes(values: NDArray[np.float64], path: Path) -> None:
    Image.fromarray((values * 255).round().astype(np.uint8)).save(path)


def as_sixteen_bits(values: NDArray[np.float64], path: Path) -> None:
    Image.fromarray(((values * 255).round() * 257).astype(np.uint16)).save(path)


def learned(folder: Path) -> tuple[Any, Any]:
    """Return losses and accuracies of the probe, and move it out of the way."""
    (line,) = (folder / "probe" / "ledger.jsonl").read_text().splitlines()
    (folder / "probe").rename(folder / f"probe{len(list(folder.iterdir()))}")
    row = json.loads(line)
    return row["losses"], row["accuracies"]


def test_images_of_sixteen_bits_teach_what_those_of_eight_do(tmp_path: Path, monoimage: Run) -> None:
    """With Pillow's plain conversion they are white, and every accuracy is at chance."""
    results = []
    for save in (as_bytes, as_sixteen_bits):
        monoimage("run", *write_folders(tmp_path / save.__name__, save))
        results.append(learned(tmp_path))
    assert results[0] == results[1]


def test_an_image_damaged_meanwhile_ends_the_run_with_its_name(tmp_path: Path, monoimage: Run) -> None:
    overrides = write_folders(tmp_path / "data", as_bytes)
    bad = tmp_path / "data" / "train" / "class1" / "03.png"
    bad.write_bytes(bad.read_bytes()[:-40])
    run = monoimage("run", *overrides, "config.DATA.NUM_DATALOADER_WORKERS=1", status=2)
    assert run.stderr.splitlines()[-1].startswith(f"monoimage: {bad} is truncated or damaged")
    assert "Traceback" not in run.stderr
