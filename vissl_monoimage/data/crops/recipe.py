"""What is drawn: the paper's recipe for a sample, part by part.

`Recipe` is the complete list of numbers a sample depends on; `RECIPES` names the two of the paper. The config
block `config.MONOIMAGE.SOURCE` (`SourceBlock`) is a recipe by name, its changed parts, and how many samples.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError, unknown

WHERE = "config.MONOIMAGE.SOURCE"
SMALLEST_CROP = 2.0
"""px: a photo whose smallest crop would have a shorter side than this is refused."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One sample, in the order of the authors' generator (PAPER.md, 'The data').

    size: px, side of the square sample; the crop is first resized to `int(sqrt(2) * size)` (`resized`).
    initial_crop: side of a random square cut first, as a fraction of the shorter side; 0: the whole photo.
    scale: (least, most) area of the random crop as a fraction of the initial crop's; (1, 1): all of it.
    aspect: (least, most) width / height of the random crop, drawn log-uniformly; not drawn for scale (1, 1).
    rotation, shear: degrees, uniform in +- the value, about the centre of the resized crop; shear is along x.
    vflip, hflip, jitter: probabilities.
    jitter_strength: brightness, contrast, saturation (factors in 1 +- value) and hue (turns, +- value).
    fill: what rotation and shear uncover: "black" as in the release, or "photo", the photo's own surroundings
        (mirrored at its edge).
    jpeg: quality of a JPEG round trip at the end; 0: none.
    """

    name: str = "released"
    size: int = 256
    initial_crop: float = 0.5
    scale: tuple[float, float] = (1 / 500, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    rotation: float = 30.0
    shear: float = 30.0
    vflip: float = 0.0
    hflip: float = 0.0
    jitter: float = 0.5
    jitter_strength: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1)
    fill: str = "black"
    jpeg: int = 0

    @property
    def resized(self) -> int:
        """px: side the random crop is resized to, before rotation and the centre crop to `size`."""
        return int(math.sqrt(2) * self.size)

    def region(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) in px of the initial crop of a photo."""
        if self.initial_crop == 0:
            return width, height
        side = int(self.initial_crop * min(width, height))
        return side, side

    def coarsest(self, width: int, height: int) -> float:
        """Photo px per px of the resized crop in the largest crop that can be drawn from a photo of this size."""
        region_width, region_height = self.region(width, height)
        return math.sqrt(region_width * region_height) / self.resized

    def smallest_crop(self, width: int, height: int) -> float:
        """px: the shorter side of the smallest crop that can be drawn from a photo of this size."""
        region_width, region_height = self.region(width, height)
        if self.scale == (1.0, 1.0):
            return float(min(region_width, region_height))
        squeeze = min(self.aspect[0], 1 / self.aspect[1], 1.0)
        return math.sqrt(self.scale[0] * region_width * region_height * squeeze)

    def check_photo(self, name: str, width: int, height: int) -> None:
        """Raise MonoImageError where the photo is too small, or no crop of it fits scale and aspect."""
        smallest = self.smallest_crop(width, height)
        if smallest < SMALLEST_CROP:
            raise MonoImageError(
                f"{name} is {width}x{height} px, too small for recipe '{self.name}': "
                f"its smallest crop would be {smallest:.1f} px wide, the least is {SMALLEST_CROP:.0f}; "
                f"take a larger photo or raise {WHERE}.SCALE"
            )
        region_width, region_height = self.region(width, height)
        shape = region_width / region_height
        least, most = self.scale[0] * shape, shape / self.scale[0]
        if self.scale != (1.0, 1.0) and (least >= self.aspect[1] or most <= self.aspect[0]):
            raise MonoImageError(
                f"no crop with {WHERE}.SCALE={list(self.scale)} and ASPECT={list(self.aspect)} "
                f"fits into {region_width}x{region_height} px of {name}: lower SCALE or widen ASPECT"
            )


RECIPES: dict[str, Recipe] = {
    "released": Recipe(),
    # The paper's text differs from the released code in these two (PAPER.md, 'The data').
    "paper": Recipe(name="paper", rotation=35.0, hflip=0.5),
}

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
_STRENGTHS = (1.0, 1.0, 1.0, 0.5)


@dataclass(frozen=True)
class SourceBlock:
    """Every key is optional. NUM_SAMPLES to train on, TEST_SAMPLES to test on; FRESH: new ones every epoch.

    The keys below FRESH replace the recipe's parts, under the names they have in `Recipe`; None keeps them.
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

    def problems(self) -> list[str]:
        """Every value out of range, as 'KEY=value must be ...'."""
        found = []
        if self.RECIPE not in RECIPES:
            found.append(f"RECIPE: {unknown('recipe', self.RECIPE, RECIPES)}")
        if self.FILL not in (None, *_FILLS):
            found.append(f"FILL: {unknown('fill', str(self.FILL), _FILLS)}")
        for key, (least, most) in _RANGES.items():
            value = getattr(self, key)
            if value is not None and not least <= value <= most:
                found.append(f"{key}={value} must be between {least} and {most}")
        found += _pair_problem("SCALE", self.SCALE, 1e-6, 1.0)
        found += _pair_problem("ASPECT", self.ASPECT, 0.1, 10.0)
        return found + _strength_problem(self.JITTER_STRENGTH)

    def recipe(self) -> Recipe:
        """The named recipe with this block's parts in place."""
        parts: dict[str, Any] = {}
        for field in dataclasses.fields(Recipe):
            value = getattr(self, field.name.upper(), None)
            if isinstance(value, (list, tuple)):
                parts[field.name] = tuple(map(float, value))
            elif value is not None:
                parts[field.name] = value
        return dataclasses.replace(RECIPES[self.RECIPE], **parts)


def read_source_block(values: Mapping[str, Any] | None, where: str = WHERE) -> SourceBlock:
    """The validated block; `values` is `config.MONOIMAGE.SOURCE`, or None for all defaults."""
    return read_block(SourceBlock, values, where)


def command_recipe(name: str, size: int, seed: int) -> Recipe:
    """The recipe `name` at `size` px as options of a command, checked like the config block."""
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
