"""A probe is not reported on a published data set, or under a protocol, that its images do not follow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

LR = "config.OPTIMIZER.param_schedulers.lr"
PROBE = [
    "run",
    "config=benchmark/monoimage/linear_cifar10",
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=16",
    "config.OPTIMIZER.num_epochs=1",
    f"{LR}.values=[0.01]",
    f"{LR}.milestones=[]",
    "config.CHECKPOINT.DIR=probe",
    *(
        f"config.DATA.{split}.{key}=[disk_folder]"
        for split in ("TRAIN", "TEST")
        for key in ("DATA_SOURCES", "LABEL_SOURCES")
    ),
]


def paths(train: str, test: str, name: str = "") -> list[str]:
    """Return the overrides that read two folders, and call them `name`."""
    names = [f"config.DATA.{split}.DATASET_NAMES=[{name}]" for split in ("TRAIN", "TEST")] if name else []
    return [f"config.DATA.TRAIN.DATA_PATHS=[{train}]", f"config.DATA.TEST.DATA_PATHS=[{test}]", *names]


def save_classes(folder: Path, classes: int, each: int, seed: int, spread: float = 62.0) -> None:
    """Write noise with the mean of CIFAR-10 and this deviation, 32 x 32 px."""
    draw = np.random.default_rng(seed)
    for label in range(classes):
        (folder / f"class{label:02}").mkdir(parents=True)
        for number in range(each):
            noise = draw.normal((125, 123, 114), spread, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(folder / f"class{label:02}" / f"{number}.png")


def changes_of(folder: Path) -> list[str]:
    """Return the deviations in a run's row, without those of the settings above."""
    (line,) = (folder / "ledger.jsonl").read_text().splitlines()
    settings = ("global batch", "OPTIMIZER")
    return [change for change in json.loads(line)["protocol_changes"] if not change.startswith(settings)]


def test_other_images_are_refused_under_a_published_name(monoimage: Any, tmp_path: Path) -> None:
    save_classes(tmp_path / "train", 3, 2, seed=0)
    save_classes(tmp_path / "test", 3, 2, seed=1)
    done = monoimage(*PROBE, *paths("train", "test"), status=2)
    assert (
        "config.DATA.TRAIN.DATASET_NAMES=[CIFAR10], but 'train' has 3 classes, and CIFAR-10 has 10: give the data a "
        "name of their own, config.DATA.TRAIN.DATASET_NAMES=[mine]"
    ) in done.stderr
    assert not (tmp_path / "probe").exists()


def test_a_part_of_a_published_set_is_a_deviation(monoimage: Any, tmp_path: Path) -> None:
    save_classes(tmp_path / "train", 10, 3, seed=0)
    save_classes(tmp_path / "test", 10, 2, seed=1)
    done = monoimage(*PROBE, *paths("train", "test"))
    expected = ["train images of CIFAR-10=30 (50000)", "test images of CIFAR-10=20 (10000)"]
    assert changes_of(tmp_path / "probe") == expected
    assert all(f"the data deviate from protocol cifar-v1: {change}" in done.stderr for change in expected)


def test_ones_own_data_follow_the_protocol(monoimage: Any, tmp_path: Path) -> None:
    save_classes(tmp_path / "train", 3, 4, seed=0)
    save_classes(tmp_path / "test", 3, 2, seed=1)
    monoimage(*PROBE, *paths("train", "test", "mine"))
    assert changes_of(tmp_path / "probe") == []


def test_test_images_among_the_training_images_are_a_deviation(monoimage: Any, tmp_path: Path) -> None:
    save_classes(tmp_path / "train", 3, 4, seed=0)
    save_classes(tmp_path / "test", 3, 2, seed=1)
    copied = (tmp_path / "train" / "class00" / "1.png").read_bytes()
    (tmp_path / "test" / "class02" / "copy.png").write_bytes(copied)  # under another class, too
    monoimage(*PROBE, *paths("train", "test", "mine"))
    assert changes_of(tmp_path / "probe") == ["test images that are training images=1 of 7 (0)"]


def test_a_normalisation_for_other_images_is_a_deviation(monoimage: Any, tmp_path: Path) -> None:
    save_classes(tmp_path / "train", 3, 4, seed=0)
    save_classes(tmp_path / "test", 3, 2, seed=1, spread=12)
    monoimage(*PROBE, *paths("train", "test", "mine"))
    (change,) = changes_of(tmp_path / "probe")
    assert change == "mean and deviation of normalised test images=0.0, 0.2; 0.0, 0.2; 0.0, 0.2 (0, 1)"


@pytest.mark.parametrize(("name", "classes"), [("cifar100", 10), ("cifar10", 3)])
def test_a_benchmark_refuses_other_images_under_the_name_of_its_data(
    monoimage: Any, tmp_path: Path, name: str, classes: int
) -> None:
    for split in ("train", "test"):
        save_classes(tmp_path / "data" / split, classes, 1, seed=0)
    probe = {"config": f"benchmark/monoimage/linear_{name}", "data": name, "minutes": 0.1}
    grid = {"title": "t", "probes": {"p": probe}, "cells": {"random": {}}, "profiles": {"laptop": {"seeds": [0]}}}
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid))
    done = monoimage("reproduce", "grid.yaml", "--data", f"{name}=data", "--dry-run", status=2)
    where = tmp_path / "data" / "train"
    title = {"cifar100": "CIFAR-100 has 100", "cifar10": "CIFAR-10 has 10"}[name]
    assert f"--data {name}={tmp_path / 'data'}: '{where}' has {classes} classes, and {title}" in done.stderr
