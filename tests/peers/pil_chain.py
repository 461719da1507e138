"""The chain of torchvision transforms on PIL images with which the paper's authors made their crops.

It crops, resizes (bicubic, antialiased), rotates and shears with black fill, flips, cuts the centre and jitters the
colours, one image after the other, where we have one warp. Tests and `benchmarks/speed/crops.py` compare the two.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable

import numpy as np
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tv

from vissl_monoimage.data.crops.params import Crop, draw_crop
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.render import render

LEAST_PSNR = {256: 33.5, 128: 33.0, 64: 32.0, 32: 31.5}
"""Side of a sample in px -> dB: the agreement our warp must reach on the paper's market photo."""


class FittingCrop(transforms.RandomResizedCrop):
    """The release's random resized crop: redraws until the box fits, where torchvision falls back to the centre."""

    @staticmethod
    def get_params(img: Image.Image, scale: list[float], ratio: list[float]) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width) in px."""
        while True:
            area = img.width * img.height * random.uniform(*scale)
            aspect = math.exp(random.uniform(math.log(ratio[0]), math.log(ratio[1])))
            width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < width <= img.width and 0 < height <= img.height:
                top, left = random.randint(0, img.height - height), random.randint(0, img.width - width)
                return top, left, height, width


def random_chain(recipe: Recipe, photo: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """Return the transforms for `recipe`, which draw their own parameters for every PIL image they are given."""
    steps = [
        transforms.RandomCrop(recipe.region(*photo.size)[1]),
        FittingCrop(recipe.resized, recipe.scale, recipe.aspect, InterpolationMode.BICUBIC),
        transforms.RandomAffine(recipe.rotation, shear=recipe.shear, interpolation=InterpolationMode.BILINEAR, fill=0),
        transforms.CenterCrop(recipe.size),
    ]
    if recipe.jitter:
        jitter = transforms.ColorJitter(*recipe.jitter_strength)
        steps.append(transforms.RandomApply([jitter], recipe.jitter))
    chain: Callable[[Image.Image], Image.Image] = transforms.Compose(steps)
    return chain


def render_with_pil(photo: Image.Image, crop: Crop, recipe: Recipe) -> Image.Image:
    """Return what the chain without colour jitter makes of given parameters."""
    side = (recipe.resized, recipe.resized)
    box = (crop.top, crop.left, crop.height, crop.width)
    image = tv.resized_crop(photo, *box, side, InterpolationMode.BICUBIC)
    image = tv.affine(image, crop.rotation, (0, 0), 1.0, (crop.shear, 0.0), InterpolationMode.BILINEAR, fill=0)
    image = tv.vflip(image) if crop.vflip else image
    image = tv.hflip(image) if crop.hflip else image
    return tv.center_crop(image, recipe.size)


def mean_psnr(photo: Image.Image, pyramid: Pyramid, recipe: Recipe, draws: int) -> float:
    """Return the mean PSNR in dB between the two renderings of the first `draws` training crops."""
    values = []
    for index in range(draws):
        crop = draw_crop(recipe, *photo.size, seed=0, split=0, index=index)
        ours = np.asarray(render(pyramid, crop, recipe), dtype=np.float64)
        theirs = np.asarray(render_with_pil(photo, crop, recipe), dtype=np.float64)
        values.append(10 * math.log10(255**2 / max(float(((ours - theirs) ** 2).mean()), 1e-9)))
    return statistics.fmean(values)
