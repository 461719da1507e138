"""Four rotations of an image in one batch: pixels, labels, their way through VISSL's data loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP
from vissl.data.collators import get_collator
from vissl.data.ssl_dataset import GenericSSLDataset
from vissl.data.ssl_transforms import get_transform
from vissl.data.ssl_transforms.img_rotate_pil import ImgRotatePil
from vissl.utils.hydra_config import convert_to_attrdict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.launch import prepare
from vissl_monoimage.pretext.rotnet import FourRotations
from vissl_monoimage.training.seeding import SeededSSLDataset
from vissl_monoimage.utils.random import seed_everything

COLLATE = get_collator("four_rotations_collator", {})


def photo(seed: int, side: int = 8) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


class Photos(Dataset[dict[str, list[Any]]]):
    """Samples as VISSL's data set makes them, through VISSL's own transform wrapper."""

    def __init__(self, number: int, names: tuple[str, ...] = ("FourRotations", "ToTensor")) -> None:
        self.number = number
        self.transform = get_transform([{"name": name} for name in names])

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int) -> dict[str, list[Any]]:
        if index >= self.number:
            raise IndexError(index)
        sample = {"data": [photo(index)], "label": [index], "data_valid": [1], "data_idx": [index]}
        return self.transform(sample)


@given(st.integers(1, 12).flatmap(lambda side: arrays(np.uint8, (side, side, 3))))
@settings(max_examples=50, deadline=None)
def test_rotations_move_pixels_and_change_none(pixels: np.ndarray) -> None:
    image = Image.fromarray(pixels)
    turned = FourRotations()(image)
    for turns, rotated in enumerate(turned):
        assert np.array_equal(np.asarray(rotated), np.rot90(pixels, turns))
        assert np.array_equal(np.asarray(rotated), np.asarray(image.rotate(90 * turns)))


def test_label_k_means_the_rotation_that_vissls_label_k_means() -> None:
    image, seen = photo(3), set()
    for seed in range(20):
        torch.manual_seed(seed)
        rotated, label = ImgRotatePil()(image)
        assert np.array_equal(np.asarray(rotated), np.asarray(FourRotations()(image)[label]))
        seen.add(label)
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_holds_the_rotations_of_each_image_side_by_side(workers: int) -> None:
    loader = DataLoader(Photos(6), batch_size=3, num_workers=workers, collate_fn=COLLATE)
    for number, batch in enumerate(loader):
        assert batch["data"][0].shape == (12, 3, 8, 8)
        assert batch["label"][0].tolist() == [0, 1, 2, 3] * 3
        assert batch["label"][0].dtype == torch.int64
        assert batch["data_idx"][0].tolist() == [3 * number + i for i in range(3) for _ in range(4)]
        assert batch["data_valid"][0].tolist() == [1] * 12
        for position, (image, label) in enumerate(zip(batch["data"][0], batch["label"][0], strict=True)):
            pixels = np.rot90(np.asarray(photo(3 * number + position // 4)), int(label))
            assert np.array_equal((image * 255).round().byte().permute(1, 2, 0).numpy(), pixels)


def test_an_oblong_image_is_refused() -> None:
    with pytest.raises(MonoImageError, match="square images, not 8 x 6: put it after the crop"):
        FourRotations()(photo(0).crop((0, 0, 8, 6)))


def test_a_batch_without_one_or_four_images_a_sample_is_refused() -> None:
    with pytest.raises(MonoImageError, match="needs one image a sample or 4, got 16"):
        COLLATE([Photos(2, ("FourRotations", "FourRotations", "ToTensor"))[0]])


def test_the_collator_refuses_oblong_images_as_the_transform_does() -> None:
    sample = {"data": [torch.zeros(3, 6, 8)], "label": [0], "data_valid": [1], "data_idx": [0]}
    with pytest.raises(MonoImageError, match="square images, not 8 x 6: put it after the crop"):
        COLLATE([sample])


def data_sets(*overrides: str) -> tuple[Any, Any]:
    """VISSL's data set of our RotNet, and ours, which leaves the rotations to the collator."""
    config = compose_config(
        ["config=pretrain/monoimage/rotnet_convnet4", "config.DATA.TRAIN.DATA_PATHS=[china]", *overrides]
    )
    prepare(config)
    _, settings = convert_to_attrdict(config)
    return tuple(
        kind(settings, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
        for kind in (GenericSSLDataset, SeededSSLDataset)
    )


def test_rotations_by_the_collator_are_those_of_vissls_data_set_to_the_bit(tmp_path: Path) -> None:
    theirs, ours = data_sets("config.MONOIMAGE.SOURCE.NUM_SAMPLES=9", f"config.CHECKPOINT.DIR={tmp_path}")
    samples = []
    for index in range(9):
        seed_everything("sample", ours.cfg["SEED_VALUE"], "TRAIN", 0, index)
        samples.append(theirs[index])
    wanted, batch = COLLATE(samples), COLLATE(ours.__getitems__(list(range(9))))
    assert len(ours[0]["data"]) == 1
    assert batch.keys() == wanted.keys()
    for key, values in wanted.items():
        assert torch.equal(batch[key][0], values[0]), key
        assert batch[key][0].dtype == values[0].dtype


def test_other_transforms_between_are_applied_to_each_rotation(tmp_path: Path) -> None:
    flip = "config.DATA.TRAIN.TRANSFORMS=[{name: FourRotations}, {name: RandomVerticalFlip}, {name: ToTensor}]"
    _, ours = data_sets("config.MONOIMAGE.SOURCE.NUM_SAMPLES=2", f"config.CHECKPOINT.DIR={tmp_path}", flip)
    assert len(ours[0]["data"]) == 4
