"""Images that cannot be read are replaced only where the user asks for it, and then they are counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

LR = "config.OPTIMIZER.param_schedulers.lr"
PROBE = [
    "run",
    "config=benchmark/monoimage/linear_cifar10",
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=4",
    "config.OPTIMIZER.num_epochs=2",
    f"{LR}.values=[0.01]",
    f"{LR}.milestones=[]",
    "config.CHECKPOINT.DIR=probe",
    *(
        f"config.DATA.{split}.{setting}"
        for split in ("TRAIN", "TEST")
        for setting in (
            "DATA_SOURCES=[disk_folder]", "LABEL_SOURCES=[disk_folder]", "DATASET_NAMES=[mine]",
            f"DATA_PATHS=[{split.lower()}]",
        )
    ),
]  # fmt: skip
REPLACED = [f"config.DATA.{split}.ENABLE_QUEUE_DATASET=true" for split in ("TRAIN", "TEST")]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two classes of noise: 12 training images, of which two are damaged, and four test images."""
    draw = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 2)):
        for label in ("a", "b"):
            (tmp_path / split / label).mkdir(parents=True)
            for number in range(count):
                noise = draw.normal(122, 62, (32, 32, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(noise).save(tmp_path / split / label / f"{number}.png")
    (tmp_path / "train" / "a" / "2.png").write_bytes(b"")
    (tmp_path / "train" / "b" / "3.png").write_text("no image")
    return tmp_path


def row_of(folder: Path) -> dict[str, Any]:
    (line,) = (folder / "ledger.jsonl").read_text().splitlines()
    row: dict[str, Any] = json.loads(line)
    return row


@pytest.mark.parametrize("workers", [0, 1])
def test_replaced_images_are_counted_in_row_and_console(monoimage: Any, images: Path, workers: int) -> None:
    done = monoimage(*PROBE, *REPLACED, f"config.DATA.NUM_DATALOADER_WORKERS={workers}")
    row = row_of(images / "probe")
    assert row["data"]["train"]["unreadable"] == 2  # each counts once, in however many epochs
    assert row["data"]["test"]["unreadable"] == 0
    assert "replaced train images=2 (0)" in row["protocol_changes"]
    assert "2 of 12 train images could not be read and were replaced: 'probe/unreadable.jsonl'" in done.stderr.replace(
        f"{images}/", ""
    )
    named = {json.loads(line)["path"] for line in (images / "probe" / "unreadable.jsonl").read_text().splitlines()}
    assert named == {"train/a/2.png", "train/b/3.png"}


def test_an_image_that_cannot_be_read_stops_the_run_unless_replacements_are_asked_for(
    monoimage: Any, images: Path
) -> None:
    done = monoimage(*PROBE, status=2)
    assert "train/a/2.png" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_counts_its_own_images_alone(monoimage: Any, images: Path) -> None:
    """A folder whose first run ended before a checkpoint is used again, when the images are whole."""
    (images / "probe").mkdir()
    (images / "probe" / "unreadable.jsonl").write_text('{"split": "train", "path": "train/a/0.png"}\n')
    for path in (images / "train" / "a" / "2.png", images / "train" / "b" / "3.png"):
        path.write_bytes((images / "train" / "a" / "0.png").read_bytes())
    monoimage(*PROBE, *REPLACED)
    assert row_of(images / "probe")["data"]["train"]["unreadable"] == 0
    assert not (images / "probe" / "unreadable.jsonl").exists()


def test_labels_and_images_of_different_number_are_refused(monoimage: Any, images: Path) -> None:
    np.save(images / "labels.npy", np.arange(11) % 2)
    labels = ["config.DATA.TRAIN.LABEL_SOURCES=[disk_filelist]", "config.DATA.TRAIN.LABEL_PATHS=[labels.npy]"]
    done = monoimage(*PROBE, *labels, status=2)
    assert "'labels.npy' has 11 labels for 12 images" in done.stderr


def test_sources_of_different_lengths_are_refused(monoimage: Any, images: Path) -> None:
    two = [
        "config.DATA.TRAIN.DATA_SOURCES=[disk_folder,disk_folder]",
        "config.DATA.TRAIN.LABEL_SOURCES=[disk_folder,disk_folder]",
        "config.DATA.TRAIN.DATASET_NAMES=[mine,other]",
        "config.DATA.TRAIN.DATA_PATHS=[train,test]",
    ]
    done = monoimage(*PROBE, *two, status=2)
    assert "read side by side, but differ in their images: disk_folder 12, disk_folder 4" in done.stderr
