"""Windows drawn as numbers and applied to a batch, against torchvision's own transforms of PIL images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms as tv
from torchvision.transforms import InterpolationMode

from vissl_monoimage.data.crops.window import resample, window_row
from vissl_monoimage.data.crops.window_draws import draw_window, read_draws
from vissl_monoimage.errors import MonoImageError

LISTS: dict[str, list[Any]] = {
    "crop, resize and flip": [tv.RandomResizedCrop(24), tv.RandomHorizontalFlip()],
    "shrunk much": [tv.RandomResizedCrop(7, scale=(0.5, 1.0)), tv.RandomVerticalFlip()],
    "resize and centre crop": [tv.Resize(29), tv.CenterCrop(24)],
    "resize and random crop": [tv.Resize(41), tv.RandomCrop(24), tv.RandomHorizontalFlip()],
    "padded": [tv.RandomCrop(32, padding=4), tv.RandomHorizontalFlip()],
    "flip, then crop": [tv.RandomHorizontalFlip(), tv.RandomCrop(20), tv.RandomHorizontalFlip()],
}


@pytest.mark.parametrize("name", LISTS)
def test_windows_are_what_torchvision_does_to_pil_images_with_the_same_random_numbers(name: str) -> None:
    chain, draws = tv.Compose(LISTS[name]), read_draws(LISTS[name])
    images = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    wanted, rows, states = [], [], []
    for seed, image in enumerate(images):
        torch.manual_seed(seed)
        wanted.append(torch.from_numpy(np.array(chain(Image.fromarray(image)))))
        states.append(torch.get_rng_state())
        torch.manual_seed(seed)
        rows.append(window_row(draw_window(32, draws)))
        assert torch.equal(torch.get_rng_state(), states[-1])
    theirs = torch.stack(wanted).permute(0, 3, 1, 2).float()
    ours = resample(torch.from_numpy(images).permute(0, 3, 1, 2).float(), torch.stack(rows), theirs.shape[-1])
    difference = (theirs - ours).abs()
    # Pillow rounds sums that end in one half either way, so that the first pass is off by 1 at most. The second takes
    # means of such pixels, which are again off by 1 at most before its own rounding, and by 2 after it.
    assert difference.max() <= 2
    assert difference.mean() < 0.1  # as a whole batch, here of noise


@pytest.mark.parametrize(
    ("transforms", "sentence"),
    [
        ([tv.RandomGrayscale()], "RandomGrayscale is none of CenterCrop, .*, Resize"),
        ([tv.Resize(40), tv.RandomResizedCrop(32)], "resized once"),
        ([tv.RandomCrop(32, padding=4), tv.Resize(40)], "not after they were padded"),
        ([tv.RandomCrop(32, padding=4, padding_mode="reflect")], "black pixels, and in no other way"),
        ([tv.Resize(32, InterpolationMode.BICUBIC)], "must resize bilinearly, not bicubic"),
        ([tv.RandomResizedCrop((32, 48))], r"one size for both sides, not \[32, 48\]"),
    ],
)
def test_what_has_no_window_is_refused(transforms: list[Any], sentence: str) -> None:
    with pytest.raises(MonoImageError, match=sentence):
        read_draws(transforms)
