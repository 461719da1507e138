"""Labels of folders through a whole run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from vissl_monoimage.ledger import io as ledger

COLOURS = {"blue": (20, 20, 200), "green": (20, 180, 20), "red": (200, 20, 20)}


def test_a_class_missing_in_the_test_folder_costs_no_other_its_accuracy(
    monoimage: Callable[..., object], tmp_path: Path
) -> None:
    """The nearest neighbour of each test image is its copy among the training images: all are right, or all wrong."""
    for split, names in (("train", ["blue", "green", "red"]), ("test", ["green", "red"])):
        for name in names:
            (tmp_path / split / name).mkdir(parents=True)
            for shade in range(3):
                colour = tuple(value + 3 * shade for value in COLOURS[name])
                Image.new("RGB", (32, 32), colour).save(tmp_path / split / name / f"{shade}.png")
    overrides = [f"config.DATA.{split}.DATA_PATHS=[{split.lower()}]" for split in ("TRAIN", "TEST")]
    for split in ("TRAIN", "TEST"):
        overrides += [f"config.DATA.{split}.{key}=[disk_folder]" for key in ("DATA_SOURCES", "LABEL_SOURCES")]
        overrides.append(f"config.DATA.{split}.DATASET_NAMES=[colours]")
    monoimage(
        "run",
        "config=benchmark/monoimage/knn_cifar10",
        *overrides,
        "config.NEAREST_NEIGHBOR.TOPK=1",
        "config.CHECKPOINT.DIR=knn",
    )
    (row,) = ledger.read([tmp_path / "knn"])
    assert {accuracies["top_1"] for accuracies in row.accuracies.values()} == {100.0}
