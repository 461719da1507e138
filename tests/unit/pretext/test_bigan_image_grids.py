"""Pictures of a generator: where each image lies, and that the training data set is left as it was."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.utils import save_image
from vissl.config import AttrDict
from vissl.models.heads import get_model_head

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.pretext.bigan.artifacts import GridLayout
from vissl_monoimage.pretext.bigan.image_grids import reconstructions, save_grid

NETWORK = {"widths": [2, 2]}
HEAD = get_model_head("bigan")(AttrDict({}), features=3, latent=5, generator=NETWORK, discriminator=NETWORK)


class Images:
    """A training set whose sample says in which epoch it was asked for; sample `broken` cannot be read."""

    def __init__(self, broken: int | None = None) -> None:
        self.epoch = 7
        self.broken = broken
        self.epochs_asked: list[int] = []

    def __len__(self) -> int:
        return 4

    def renderer(self, device: torch.device) -> None:
        """Its samples are images already."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        self.epochs_asked.append(self.epoch)
        if index == self.broken:
            raise MonoImageError("a.jpg: cannot be read")
        return {"data": [torch.zeros(3, 16, 16)]}


class Encoder(torch.nn.Module):
    heads = [HEAD]  # noqa: RUF012

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [torch.zeros(len(images), 5)]


def task(images: Images) -> SimpleNamespace:
    return SimpleNamespace(datasets={"train": images}, base_model=Encoder(), device=torch.device("cpu"))


@pytest.mark.parametrize("broken", [None, 0, 2])
def test_the_epoch_of_the_images_is_the_first_for_the_pictures_and_afterwards_its_own(broken: int | None) -> None:
    images = Images(broken)
    if broken is None:
        assert reconstructions(task(images)).shape == (8, 3, 16, 16)
    else:
        with pytest.raises(MonoImageError, match=r"a\.jpg"):
            reconstructions(task(images))
    assert set(images.epochs_asked) == {0}
    assert images.epoch == 7


@pytest.mark.parametrize(("count", "side"), [(64, 8), (20, 32), (5, 100)])
def test_every_image_is_found_again_where_the_recorded_layout_says(tmp_path: Path, count: int, side: int) -> None:
    images = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))
    save_grid(images, tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as picture:
        layout, pixels = GridLayout.of_png(picture.info), np.array(picture)
    assert layout is not None
    assert layout.count == count
    zoom, pitch = layout.cell // side, layout.cell + layout.gap
    for number, image in enumerate(images):
        row, column = divmod(number, layout.columns)
        top, left = layout.gap + row * pitch, layout.gap + column * pitch
        cell = pixels[top : top + layout.cell : zoom, left : left + layout.cell : zoom]
        assert np.array_equal(cell, (image.permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8))
        pixels[top : top + layout.cell, left : left + layout.cell] = 255
    assert (pixels == 255).all()  # nothing but white is left
    assert pixels.shape[:2] == (layout.rows * pitch + layout.gap, min(count, layout.columns) * pitch + layout.gap)


def test_the_pixels_are_those_that_torchvision_saves(tmp_path: Path) -> None:
    images = torch.rand(20, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.1
    save_grid(images, tmp_path / "ours.png")
    save_image(images, tmp_path / "theirs.png", nrow=16, pad_value=1.0)
    ours, theirs = (np.array(Image.open(tmp_path / f"{name}.png")) for name in ("ours", "theirs"))
    assert np.array_equal(ours, theirs)
