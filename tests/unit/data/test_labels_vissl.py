"""Labels of crops: asked for where a loss needs them, and counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Problems = Callable[..., list[str]]
CLUSTERFIT = ("config=pretrain/clusterfit/clusterfit_resnet_8gpu_imagenet", "+config/monoimage=[single_image,smoke]")
FROM_FILE = "config.DATA.TRAIN.LABEL_SOURCES=[disk_filelist]"


def test_clusterfit_without_labels_is_refused(problems: Problems) -> None:
    (told,) = problems(*CLUSTERFIT)
    assert "needs a label for every crop" in told
    assert f"{FROM_FILE} config.DATA.TRAIN.LABEL_PATHS=[clusters.npy]" in told


def test_labels_of_all_crops_are_taken(problems: Problems, tmp_path: Path) -> None:
    np.save(tmp_path / "clusters.npy", np.arange(64) % 4)
    labels = (FROM_FILE, f"config.DATA.TRAIN.LABEL_PATHS=[{tmp_path}/clusters.npy]")
    assert problems(*CLUSTERFIT, *labels, "config.MONOIMAGE.SOURCE.NUM_SAMPLES=64") == []
    (told,) = problems(*CLUSTERFIT, *labels, "config.MONOIMAGE.SOURCE.NUM_SAMPLES=65")
    assert "has 64 labels for 65 images; it must be of a run on the same crops" in told


@pytest.mark.parametrize(("given", "said"), [("[]", "names no file"), ("[gone.npy]", "there is no file 'gone.npy'")])
def test_a_missing_file_of_labels_is_refused(problems: Problems, given: str, said: str) -> None:
    told = problems(*CLUSTERFIT, FROM_FILE, f"config.DATA.TRAIN.LABEL_PATHS={given}")
    assert any(said in sentence for sentence in told), told


@pytest.mark.parametrize(
    "config",
    ["rotnet/rotnet_8gpu_resnet", "jigsaw/jigsaw_8gpu_resnet", "monoimage/rotnet_alexnet", "moco/moco_1node_resnet"],
)
def test_methods_that_make_their_own_labels_are_left_alone(problems: Problems, config: str) -> None:
    assert problems(f"config=pretrain/{config}", "+config/monoimage=[single_image,smoke]") == []
