"""The ten crops of a test image compared with torchvision's."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import numpy as np
import pytest
import torch
from classy_vision.dataset.transforms import build_transform
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms

from vissl_monoimage.errors import MonoImageError


@given(width=st.integers(32, 60), height=st.integers(32, 60), size=st.sampled_from([16, 31, 32]))
@settings(max_examples=25, deadline=None)
def test_ten_crops_equal_those_of_torchvision_on_pil_images(width, height, size):
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    ours = build_transform({"name": "TenCropToTensor", "size": size})(image)
    theirs = torch.stack([transforms.ToTensor()(crop) for crop in transforms.TenCrop(size)(image)])
    assert torch.equal(ours, theirs)


def test_ten_crops_refuse_a_small_image():
    with pytest.raises(MonoImageError, match=r"32 px crops from an image of 40x30 px"):
        build_transform({"name": "TenCropToTensor", "size": 32})(Image.new("RGB", (40, 30)))
