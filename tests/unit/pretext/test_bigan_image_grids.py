"""Pictures of a generator leave the training data set as it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from vissl.config import AttrDict
from vissl.models.heads import get_model_head

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.pretext.bigan.image_grids import reconstructions

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
