"""Data sets of torchvision whose files are not there, or are other files."""

from __future__ import annotations

# isort: split
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from vissl.config import AttrDict
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.probe.configure import configure_probe
from vissl_monoimage.probe.validate import count_samples
from vissl_monoimage.training.seeding import SeededSSLDataset


def test_an_incomplete_set_is_one_sentence(tmp_path: Path) -> None:
    files = tmp_path / "cifar-10-batches-py"
    files.mkdir()
    (files / "data_batch_1").write_bytes(b"cut short")
    paths = f"config.DATA.TRAIN.DATA_PATHS=[{tmp_path}]"
    composed = compose_config(["config=benchmark/monoimage/linear_cifar10", paths]).config
    config = AttrDict(OmegaConf.to_container(composed, resolve=True))
    configure_probe(config)
    sentence = rf"config.DATA.TRAIN.DATA_PATHS: CIFAR10 in {tmp_path} is incomplete or damaged"
    with pytest.raises(MonoImageError, match=sentence):
        SeededSSLDataset(config, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
    assert count_samples("TRAIN", config) == 0  # a plan goes on to the next check
