"""photo_patches: train and test share no pixel, samples repeat, nothing trivial gives the photo away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vissl_monoimage.data import photo_patches as patches
from vissl_monoimage.data.photo_patches import PatchesConfig, PhotoPatches
from vissl_monoimage.data.photo_patches_vissl import PhotoPatchesSource
from vissl_monoimage.errors import MonoImageError


def source(split: str, **block: int) -> PhotoPatchesSource:
    """The data source as VISSL makes it."""
    from vissl.config import AttrDict
    from vissl.data import DATASET_SOURCE_MAP

    made = DATASET_SOURCE_MAP["photo_patches"](
        cfg=AttrDict({"MONOIMAGE": {"PATCHES": block}}), data_source="photo_patches", path="", split=split,
        dataset_name="photo_patches",
    )  # fmt: skip
    assert isinstance(made, PhotoPatchesSource)
    return made


@pytest.fixture(scope="module")
def pair() -> tuple[PhotoPatches, PhotoPatches]:
    return PhotoPatches(PatchesConfig(TRAIN_SAMPLES=6000), True), PhotoPatches(PatchesConfig(TEST_SAMPLES=6000), False)


def test_splits_share_no_pixel_and_keep_the_gap(pair):
    """Painted onto each photo: every train pixel is at least GAP px from every test pixel."""
    from scipy.ndimage import distance_transform_cdt

    painted = [{split: np.zeros(photo.size[::-1], bool) for split in ("train", "test")} for photo in pair[0].photos]
    for split, one in zip(("train", "test"), pair, strict=True):
        for index in range(len(one)):
            box = one.box(index)
            rows, columns = slice(box.top, box.top + box.side), slice(box.left, box.left + box.side)
            assert painted[box.label][split][rows, columns].shape == (box.side, box.side)
            painted[box.label][split][rows, columns] = True
    for photo in painted:
        assert photo["train"].mean() > 0.25
        assert photo["test"].mean() > 0.25
        to_train = distance_transform_cdt(~photo["train"], metric="chessboard")
        assert to_train[photo["test"]].min() > patches.GAP


@given(st.integers(64, 3000), st.integers(64, 3000))
def test_regions_are_disjoint_for_any_photo(width, height):
    boxes = [(box, train) for train in (True, False) for box in patches.regions((width, height), train)]
    assert len(boxes) == patches.GRID**2
    for (left, top, right, bottom), train in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        for other, other_train in boxes:
            if other_train != train:
                apart_x = max(other[0] - right, left - other[2])
                apart_y = max(other[1] - bottom, top - other[3])
                assert max(apart_x, apart_y) >= patches.GAP


def test_samples_repeat_and_depend_on_seed_and_split():
    first, again = source("TRAIN", SIZE=32), source("TRAIN", SIZE=32)
    other, test = source("TRAIN", SIZE=32, SEED=1), source("TEST", SIZE=32)
    for index in (0, 5, 2999):
        assert first[index][0].tobytes() == again[index][0].tobytes()
    assert all(first[index][0].tobytes() != other[index][0].tobytes() for index in range(24))
    assert all(first[index][0].tobytes() != test[index][0].tobytes() for index in range(24))


def test_a_larger_set_begins_with_the_smaller_one():
    small, large = source("TEST", TEST_SAMPLES=24), source("TEST", TEST_SAMPLES=48)
    assert (len(small), small.num_samples(), len(large)) == (24, 24, 48)
    assert large.get_labels()[:24] == small.get_labels()
    assert all(small[index][0].tobytes() == large[index][0].tobytes() for index in range(24))


@given(st.integers(0, 2999), st.sampled_from([8, 33, 64]))
@settings(max_examples=30, deadline=None)
def test_patches_are_grey_of_the_size_asked_for_and_normalised(index, size):
    image, valid = source("TRAIN", SIZE=size)[index]
    values = np.asarray(image, dtype=float)
    assert (image.mode, image.size, valid) == ("RGB", (size, size), True)
    assert (values[..., 0] == values[..., 1]).all()
    assert (values[..., 0] == values[..., 2]).all()
    assert 105 < values.mean() < 150
    assert values.std() < 60


def test_labels_name_the_photo_the_pixels_come_from():
    """Each crop, cut anew from the photo its label names, is the patch."""
    one = PhotoPatches(PatchesConfig(SIZE=16), train=False)
    for index in range(24):
        box = one.box(index)
        photo = patches.load_grey(patches.PHOTOS[one.labels()[index]])
        corners = (box.left, box.top, box.left + box.side, box.top + box.side)
        cut = photo.crop(corners).resize((16, 16), Image.Resampling.BICUBIC)
        cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if box.mirrored else cut
        assert patches.normalise(cut).tobytes() == one[index].tobytes()
    assert sorted(set(one.labels())) == list(range(len(patches.PHOTOS)))


def test_the_pretraining_photo_is_not_among_the_labels():
    assert "china" not in patches.PHOTOS
    assert len(set(patches.PHOTOS)) == 12


def test_bad_values_are_named_together():
    with pytest.raises(MonoImageError, match=r"SIZE=4 must be 8 to 512; .*TEST_SAMPLES=0 must be at least 1"):
        source("TRAIN", SIZE=4, TEST_SAMPLES=0)
