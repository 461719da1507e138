"""VISSL's SVM tools on features as its extraction leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from vissl.config import AttrDict

from vissl_monoimage.config.compose import compose_config

CLASSES, LAYER = 3, "conv1"


@pytest.fixture
def settings() -> AttrDict:
    """VISSL's own for VOC07, with two costs."""
    changed = ["config=pretrain/monoimage/rotnet_convnet4", "config.SVM.costs.costs_list=[0.5,1.0]"]
    config: Any = OmegaConf.to_container(compose_config(changed).config, resolve=True)
    return AttrDict({"SVM": {**config["SVM"], "low_shot": {**config["SVM"]["low_shot"], "dataset_name": "voc"}}})


def extracted(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features of both splits, written as VISSL's extraction does: well apart, but for some noise."""
    draw = np.random.default_rng(0)
    labels = np.arange(60) % CLASSES
    targets = np.eye(CLASSES, dtype=np.int64)[labels]
    features = (3 * np.eye(8)[labels] + draw.normal(size=(60, 8))).astype(np.float32)
    for split in ("train", "test"):
        for kind, values in (("features", features), ("targets", targets), ("inds", np.arange(60))):
            np.save(folder / f"rank0_chunk0_{split}_{LAYER}_{kind}.npy", values)
    return features, targets


def test_svms_of_all_images_are_trained_and_tested(settings: AttrDict, tmp_path: Path) -> None:
    from vissl.utils.svm_utils.svm_trainer import SVMTrainer

    features, targets = extracted(tmp_path)
    trainer = SVMTrainer(settings.SVM, layer=LAYER, output_dir=str(tmp_path))
    trainer.train(features, targets)
    trainer.test(features, targets)
    found = np.load(tmp_path / LAYER / "test_ap.npy")
    assert found.shape == (CLASSES, 1)
    assert (found > 0.9).all()


def test_low_shot_svms_of_voc_are_sampled_trained_and_tested(settings: AttrDict, tmp_path: Path) -> None:
    from tools.train_svm_low_shot import train_svm_low_shot

    extracted(tmp_path)
    settings.SVM.low_shot.k_values = [1, 8]
    settings.SVM.low_shot.sample_inds = [1, 2]
    train_svm_low_shot(settings, str(tmp_path), LAYER)
    one, eight = np.load(tmp_path / LAYER / "test_ap_mean.npy")
    assert one.shape == (2,)  # a mean for each cost
    assert (eight > 0.85).all()
    assert (eight > one).all()
