"""The config block `config.MONOIMAGE.SOURCE`: a recipe by name, what is changed in it, and how many crops it gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.data.crops.recipe import RECIPES, WHERE, Recipe
from vissl_monoimage.errors import unknown

_RANGES = {
    "SIZE": (8, 2048),
    "NUM_SAMPLES": (1, 2**40),
    "TEST_SAMPLES": (1, 2**40),
    "SEED": (0, 2**62),
    "INITIAL_CROP": (0, 1),
    "ROTATION": (0, 180),
    "SHEAR": (0, 80),
    "VFLIP": (0, 1),
    "HFLIP": (0, 1),
    "JITTER": (0, 1),
    "JPEG": (0, 100),
}
_FILLS = ("black", "photo")
OPENCV, TORCH = "opencv", "torch"
_RENDERERS = (OPENCV, TORCH)
_STRENGTHS = (1.0, 1.0, 1.0, 0.5)


@dataclass(frozen=True)
class SourceBlock:
    """`config.MONOIMAGE.SOURCE`; every key is optional.

    The keys from INITIAL_CROP to JPEG replace the parts of the recipe that `Recipe` has under the same names; None
    keeps them.

    Attributes:
        RECIPE: a name of `RECIPES`.
        SIZE: px, side of a crop.
        NUM_SAMPLES: crops of the training split.
        TEST_SAMPLES: crops of the test split.
        SEED: another seed draws other crops.
        FRESH: whether the training split draws its crops anew in every epoch.
        RENDERER: "opencv" renders a crop in the loader, and "torch" a batch of them on the device of the training.
    """

    RECIPE: str = "released"
    SIZE: int = 256
    NUM_SAMPLES: int = 1281167
    TEST_SAMPLES: int = 10000
    SEED: int = 0
    FRESH: bool = False
    INITIAL_CROP: float | None = None
    SCALE: list[float] | None = None
    ASPECT: list[float] | None = None
    ROTATION: float | None = None
    SHEAR: float | None = None
    VFLIP: float | None = None
    HFLIP: float | None = None
    JITTER: float | None = None
    JITTER_STRENGTH: list[float] | None = None
    FILL: str | None = None
    JPEG: int | None = None
    RENDERER: str = OPENCV

    def problems(self) -> list[str]:
        """Return a sentence for each value out of range: 'KEY=value must be ...'."""
        sentences = []
        if self.RECIPE not in RECIPES:
            sentences.append(f"RECIPE: {unknown('recipe', self.RECIPE, RECIPES)}")
        if self.FILL not in (None, *_FILLS):
            sentences.append(f"FILL: {unknown('fill', str(self.FILL), _FILLS)}")
        if self.RENDERER not in _RENDERERS:
            sentences.append(f"RENDERER: {unknown('renderer', self.RENDERER, _RENDERERS)}")
        elif self.RENDERER == TORCH and self.JPEG:
            sentences.append(f"RENDERER={TORCH} has no JPEG round trip: JPEG=0, or RENDERER={OPENCV}")
        for key, (least, most) in _RANGES.items():
            value = getattr(self, key)
            if value is not None and not least <= value <= most:
                sentences.append(f"{key}={value} must be between {least} and {most}")
        sentences += _pair_problem("SCALE", self.SCALE, 1e-6, 1.0)
        sentences += _pair_problem("ASPECT", self.ASPECT, 0.1, 10.0)
        return sentences + _strength_problem(self.JITTER_STRENGTH)

    def recipe(self) -> Recipe:
        """Return the named recipe with this block's changes."""
        parts: dict[str, Any] = {}
        for field in dataclasses.fields(Recipe):
            value = getattr(self, field.name.upper(), None)
            if isinstance(value, (list, tuple)):
                parts[field.name] = tuple(map(float, value))
            elif value is not None:
                parts[field.name] = value
        return dataclasses.replace(RECIPES[self.RECIPE], **parts)


def read_source_block(values: Mapping[str, Any] | None, where: str = WHERE) -> SourceBlock:
    """Return the block of `values`, which lies at `where`; None gives all defaults.

    Raises:
        MonoImageError: naming every unknown key, wrong type and value out of range.
    """
    return read_block(SourceBlock, values, where)


def recipe_from_options(name: str, size: int, seed: int) -> Recipe:
    """Return the recipe `name` at `size` px; the options of a command are validated as the config block is.

    Raises:
        MonoImageError: an unknown name, or a number out of range.
    """
    return read_source_block({"RECIPE": name, "SIZE": size, "SEED": seed}, "options").recipe()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _pair_problem(key: str, value: list[float] | None, least: float, most: float) -> list[str]:
    if value is None or (len(value) == 2 and all(map(_is_number, value)) and least <= value[0] <= value[1] <= most):
        return []
    return [f"{key}={list(value)} must be [least, most], two numbers between {least:g} and {most:g}"]


def _strength_problem(value: list[float] | None) -> list[str]:
    if value is None or (
        len(value) == 4
        and all(map(_is_number, value))
        and all(0 <= v <= most for v, most in zip(value, _STRENGTHS, strict=True))
    ):
        return []
    wanted = "[brightness, contrast, saturation, hue], the first three in 0..1, hue in 0..0.5"
    return [f"JITTER_STRENGTH={list(value)} must be {wanted}"]
