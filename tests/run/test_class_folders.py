"""Probes on class folders, through the launcher: odd images count as what they show, bad ones end the run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import launcher
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CLASSES = 3
LR = "config.OPTIMIZER.param_schedulers.lr"


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
    overrides = ["config=benchmark/monoimage/linear_folder", "config.MODEL.TRUNK.NAME=convnet4"]
    overrides += [f"config.DATA.{split.upper()}.DATA_PATHS=[{root / split}]" for split in ("train", "test")]
    return [
        *overrides,
        "config.OPTIMIZER.num_epochs=1",
        f"{LR}.values=[0.01]",
        f"{LR}.milestones=[]",
        "config.DATA.NUM_DATALOADER_WORKERS=0",
        "config.CHECKPOINT.DIR=probe",
    ]


def as_bytes(values: NDArray[np.float64], path: Path) -> None:
    Image.fromarray((values * 255).round().astype(np.uint8)).save(path)


def as_sixteen_bits(values: NDArray[np.float64], path: Path) -> None:
    Image.fromarray(((values * 255).round() * 257).astype(np.uint16)).save(path)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The rows of probes of the same images in 8 and in 16 bits."""
    found = []
    for save in (as_bytes, as_sixteen_bits):
        folder = tmp_path_factory.mktemp(save.__name__)
        launcher.monoimage("run", *write_folders(folder, save), cwd=folder)
        (line,) = (folder / "probe" / "ledger.jsonl").read_text().splitlines()
        found.append(json.loads(line))
    return found


def test_images_of_sixteen_bits_teach_what_those_of_eight_do(rows: list[dict[str, Any]]) -> None:
    """With Pillow's plain conversion they are white, and every accuracy is at chance."""
    assert rows[0]["losses"] == rows[1]["losses"]
    assert rows[0]["accuracies"] == rows[1]["accuracies"]


def test_a_row_states_classes_size_and_normalisation_of_ones_own_folder(rows: list[dict[str, Any]]) -> None:
    normal = "mean 0.485 0.456 0.406, std 0.229 0.224 0.225"
    for split, images in (("train", 48), ("test", 24)):
        stated = {key: rows[0]["data"][split][key] for key in ("name", "images", "classes", "size", "normalisation")}
        assert stated == {"name": "mine", "images": images, "classes": CLASSES, "size": 32, "normalisation": normal}
    assert rows[0]["protocol"] == "folder-v1"
    deviating = [change.partition("=")[0] for change in rows[0]["protocol_changes"]]
    assert deviating[:3] == [
        "OPTIMIZER.num_epochs",
        f"{LR}.values".removeprefix("config."),
        f"{LR}.milestones".removeprefix("config."),
    ]


def test_an_image_damaged_meanwhile_ends_the_run_with_its_name(tmp_path: Path, monoimage: Run) -> None:
    overrides = write_folders(tmp_path / "data", as_bytes)
    bad = tmp_path / "data" / "train" / "class1" / "03.png"
    bad.write_bytes(bad.read_bytes()[:-40])
    run = monoimage("run", *overrides, "config.DATA.NUM_DATALOADER_WORKERS=1", status=2)
    assert run.stderr.splitlines()[-1].startswith(f"monoimage: {bad} is truncated or damaged")
    assert "Traceback" not in run.stderr
