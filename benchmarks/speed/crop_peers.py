"""The recipe of our crops in libraries that have its parts, one call after the other on the decoded photo.

None of them draws again where a random box does not fit, as the recipe does; that takes them no time.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms import InterpolationMode, v2

from vissl_monoimage.data.crops.recipe import Recipe

Draw = Callable[[], Any]
NAMES = {"torchvision v2 on tensors": "torchvision", "AlbumentationsX": "albumentations", "kornia": "kornia"}
"""What a peer is called, and the module that must be installed for it."""


def missing() -> list[str]:
    """Return the peers that are not installed."""
    return [name for name, module in NAMES.items() if importlib.util.find_spec(module) is None]


def peers(recipe: Recipe, pixels: NDArray[np.uint8]) -> Iterator[tuple[str, Draw]]:
    """Yield each installed peer and what draws one crop of the photo, uint8 (height, width, 3)."""
    makers = {"torchvision v2 on tensors": _torchvision, "AlbumentationsX": _albumentations, "kornia": _kornia}
    for name, make in makers.items():
        if name not in missing():
            yield name, make(recipe, pixels)


def _torchvision(recipe: Recipe, pixels: NDArray[np.uint8]) -> Draw:
    side = recipe.region(*pixels.shape[1::-1])[0]
    photo = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
    steps: list[Any] = [
        v2.RandomCrop(side),
        v2.RandomResizedCrop(recipe.resized, recipe.scale, recipe.aspect, InterpolationMode.BICUBIC, antialias=True),
        v2.RandomAffine(recipe.rotation, shear=recipe.shear, interpolation=InterpolationMode.BILINEAR),
        v2.CenterCrop(recipe.size),
    ]
    if recipe.jitter:
        steps.append(v2.RandomApply([v2.ColorJitter(*recipe.jitter_strength)], recipe.jitter))
    chain = v2.Compose(steps)
    return lambda: chain(photo)


def _albumentations(recipe: Recipe, pixels: NDArray[np.uint8]) -> Draw:
    import albumentations
    import cv2

    side = recipe.region(*pixels.shape[1::-1])[0]
    turn, shear = (-recipe.rotation, recipe.rotation), (-recipe.shear, recipe.shear)
    resized = (recipe.resized, recipe.resized)
    steps: list[Any] = [
        albumentations.RandomCrop(side, side),
        albumentations.RandomResizedCrop(resized, recipe.scale, recipe.aspect, interpolation=cv2.INTER_AREA),
        albumentations.Affine(rotate=turn, shear={"x": shear, "y": (0, 0)}, interpolation=cv2.INTER_LINEAR, p=1),
        albumentations.CenterCrop(recipe.size, recipe.size),
    ]
    if recipe.jitter:
        brightness, contrast, saturation, hue = recipe.jitter_strength
        ranges = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
        factors: dict[str, Any] = {f"{name}_range": (1 - value, 1 + value) for name, value in ranges.items()}
        steps.append(albumentations.ColorJitter(**factors, hue_range=(-hue, hue), p=recipe.jitter))
    chain = albumentations.Compose(steps)
    return lambda: chain(image=pixels)


def _kornia(recipe: Recipe, pixels: NDArray[np.uint8]) -> Draw:
    from kornia import augmentation

    side = recipe.region(*pixels.shape[1::-1])[0]
    photo = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous().float() / 255
    resized = (recipe.resized, recipe.resized)
    steps: list[Any] = [
        augmentation.RandomCrop((side, side), cropping_mode="slice"),
        augmentation.RandomResizedCrop(resized, recipe.scale, recipe.aspect, "bicubic", cropping_mode="slice"),
        augmentation.RandomAffine(recipe.rotation, shear=recipe.shear, p=1.0),
        augmentation.CenterCrop((recipe.size, recipe.size), cropping_mode="slice"),
    ]
    if recipe.jitter:
        steps.append(augmentation.ColorJitter(*recipe.jitter_strength, p=recipe.jitter))
    chain = torch.nn.Sequential(*steps)
    return lambda: chain(photo)
