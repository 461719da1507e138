"""From the parameters of a crop to its pixels: warp, colour jitter, JPEG, as a PIL image."""

from __future__ import annotations

import io

import cv2
from PIL import Image

from vissl_monoimage.compat.process_settings import keep_image_memory
from vissl_monoimage.data.crops.buffers import buffers_for
from vissl_monoimage.data.crops.color_jitter import jitter
from vissl_monoimage.data.crops.params import Crop
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.warp import warp

keep_image_memory()


def render(pyramid: Pyramid, crop: Crop, recipe: Recipe) -> Image.Image:
    """Return the crop, RGB and `recipe.size` px squared: equal bytes on every machine."""
    size = recipe.size, recipe.size
    buffers = buffers_for(recipe.size)
    pixels = warp(pyramid, crop, recipe, buffers)
    if crop.jitter is None:
        # Pillow keeps four bytes a pixel: reading RGBX is a plain copy, several times faster than from three.
        image = Image.frombytes("RGB", size, pixels, "raw", "RGBX")
    else:
        colours = jitter(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB, buffers.rgb), crop.jitter, buffers)
        image = Image.frombytes("RGB", size, colours, "raw", "RGB")
    return jpeg_round_trip(image, recipe.jpeg) if recipe.jpeg else image


def centre_square(pyramid: Pyramid, size: int) -> Image.Image:
    """Return the centre square of the photo, resized to `size` px (bicubic, antialiased)."""
    photo = Image.fromarray(pyramid.levels[0][..., :3])
    side = min(photo.size)
    left, top = (photo.width - side) / 2, (photo.height - side) / 2
    return photo.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))


def jpeg_round_trip(image: Image.Image, quality: int) -> Image.Image:
    """Return `image` as it comes back from a JPEG file of this quality (the release saves at 75)."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
