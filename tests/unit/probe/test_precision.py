"""How far bfloat16 is from float32 on a CPU: the tolerance that docs/reliability.md states."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo
from vissl_monoimage.models.features import probed_layers
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.utils.precision import autocast

PHOTOS, SIDE = ("china", "coffee", "chelsea"), 32  # px
FEATURES, ANSWERS = 0.01, 0.02  # of their length, and of the images


def patches(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return patches (count, 3, SIDE, SIDE) and the number of the photo that each is from."""
    rng, pixels = np.random.default_rng(seed), [load_photo(CATALOG[name].path).pixels for name in PHOTOS]
    cut, labels = [], torch.arange(count) % len(PHOTOS)
    for label in labels:
        photo = pixels[label]
        y, x = (rng.integers(0, length - SIDE) for length in photo.shape[:2])
        cut.append(torch.tensor(photo[y : y + SIDE, x : x + SIDE]))
    return (torch.stack(cut).permute(0, 3, 1, 2).float() / 255 - 0.45) / 0.25, labels


@pytest.mark.parametrize("name", ["convnet4", pytest.param("resnet18_32px", marks=pytest.mark.slow)])
def test_bfloat16_has_the_features_and_answers_of_float32_within_a_tolerance(name: str) -> None:
    torch.manual_seed(0)
    trunk = build_trunk(name).eval()
    layers = probed_layers(trunk)
    (train, labels), (test, expected) = patches(150, 0), patches(150, 1)

    def features(images: Tensor, on: bool) -> list[Tensor]:
        with torch.no_grad(), autocast("cpu", on):
            return [feature.flatten(1).float() for feature in trunk(images, layers)]

    def answers(known: Tensor, asked: Tensor) -> Tensor:
        """Return the class of the nearest neighbour of each image asked for."""
        return labels[(normalize(asked) @ normalize(known).T).argmax(1)]

    both = [zip(features(train, on), features(test, on), strict=True) for on in (False, True)]
    for (known, asked), (known_16, asked_16) in zip(*both, strict=True):
        error = float((known - known_16).norm() / known.norm())
        assert 1e-4 < error < FEATURES  # and not 0, as without autocast
        exact, rounded = answers(known, asked), answers(known_16, asked_16)
        assert float((exact != rounded).float().mean()) <= ANSWERS
        assert float((exact == expected).float().mean()) > 0.6  # of three photos: the answers mean something
