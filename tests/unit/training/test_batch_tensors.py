"""Tensors made for a batch at once, against those of VISSL's data set, which makes them one by one."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # adapts VISSL before it is imported

# isort: split
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP
from vissl.data.ssl_dataset import GenericSSLDataset
from vissl.data.ssl_transforms import get_transform
from vissl.utils.hydra_config import convert_to_attrdict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.launch import prepare
from vissl_monoimage.training.batch_tensors import BatchTensors
from vissl_monoimage.training.seeding import SeededSSLDataset
from vissl_monoimage.training.transform_order import split_by_pixel
from vissl_monoimage.utils.random import seed_everything

TO_TENSOR = {"name": "ToTensor"}
NORMALIZE = {"name": "Normalize", "mean": [0.4914, 0.4822, 0.4465], "std": [0.2470, 0.2435, 0.2616]}
_CROPS = "total_num_crops: 3, num_crops: [2, 1], size_crops: [16, 9], crop_scales: [[1, 1], [0.3, 1]]"
VIEWS = f"{{name: ImgPilToMultiCrop, {_CROPS}}}"
COLOURS = "{name: Normalize, mean: [0.4, 0.5, 0.6], std: [0.3, 0.2, 0.1]}"


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    overrides = [
        "config.DATA.TRAIN.DATA_PATHS=[china]",
        "config.MONOIMAGE.SOURCE.NUM_SAMPLES=9",
        "config.MONOIMAGE.DEEPCLUSTER.K=5",
    ]
    folder = tmp_path_factory.mktemp("run")
    config = compose_config(
        ["config=pretrain/monoimage/deepcluster_convnet4", *overrides, f"config.CHECKPOINT.DIR={folder}"]
    )
    prepare(config)
    return config


@pytest.mark.parametrize(
    "transforms",
    [
        None,
        f"[{VIEWS}, {{name: ToTensor}}, {COLOURS}]",
        f"[{{name: RandomHorizontalFlip}}, {{name: ToTensor}}, {COLOURS}, {COLOURS}]",
        "[{name: ToTensor}, {name: RandomErasing, p: 1}]",
    ],
    ids=["of the configuration", "views of two sizes", "normalised twice", "another one after ToTensor"],
)
def test_a_batch_has_the_samples_of_vissls_data_set_to_the_bit(composed: Any, transforms: str | None) -> None:
    from omegaconf import OmegaConf

    composed = composed.copy()
    if transforms:
        composed.config.DATA.TRAIN.TRANSFORMS = OmegaConf.create(transforms)
    settings = convert_to_attrdict(composed, dump_config=False)[1]
    theirs, ours = (
        kind(settings, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
        for kind in (GenericSSLDataset, SeededSSLDataset)
    )
    for index, sample in enumerate(ours.__getitems__(list(range(9)))):
        seed_everything("sample", settings["SEED_VALUE"], "TRAIN", 0, index)
        wanted = theirs[index]
        assert sample.keys() == wanted.keys()
        assert len(sample["data"]) == len(wanted["data"])
        assert {key: value for key, value in sample.items() if key != "data"} == {
            key: value for key, value in wanted.items() if key != "data"
        }
        for tensor, expected in zip(sample["data"], wanted["data"], strict=True):
            assert torch.equal(tensor, expected)
            assert tensor.is_contiguous()
        assert all(map(torch.equal, ours[index]["data"], wanted["data"]))


@pytest.mark.parametrize("odd", [("RGB", (5, 4)), ("L", (6, 4)), ("F", (6, 4))], ids=str)
def test_images_of_another_kind_are_transformed_one_by_one(odd: tuple[str, tuple[int, int]]) -> None:
    draw = np.random.default_rng(0)
    images = [Image.fromarray(draw.integers(0, 256, (4, 6, 3), np.uint8)) for _ in range(3)]
    images.insert(1, Image.new(*odd))
    transforms = [TO_TENSOR]
    wanted = [get_transform(transforms)({"data": [image]})["data"][0] for image in images]
    samples = BatchTensors(transforms)([{"data": [image]} for image in images])
    assert all(map(torch.equal, [sample["data"][0] for sample in samples], wanted))


def test_only_by_pixel_transforms_at_the_end_are_done_for_a_batch() -> None:
    flip = {"name": "RandomHorizontalFlip"}
    assert split_by_pixel([flip, TO_TENSOR, NORMALIZE]) == ([flip], [TO_TENSOR, NORMALIZE])
    for other in (flip, {**NORMALIZE, "indices": [0]}):
        transforms = [TO_TENSOR, other]
        assert split_by_pixel(transforms) == (transforms, [])
    assert split_by_pixel([flip]) == ([flip], [])
