"""The recipe of a crop: every number that a crop depends on beside the photo and the seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vissl_monoimage.errors import MonoImageError

WHERE = "config.MONOIMAGE.SOURCE"
SMALLEST_CROP = 2.0
"""px: a photo whose smallest crop would have a shorter side than this is refused."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a crop is drawn, in the order of the authors' generator (Asano, Rupprecht and Vedaldi, ICLR 2020).

    Attributes:
        name: the name in `RECIPES`.
        size: px, side of the square sample; the random crop is first resized to `int(sqrt(2) * size)` (`resized`).
        initial_crop: side of a random square that is cut first, as a fraction of the shorter side; 0 takes all of the
            photo.
        scale: (least, most) area of the random crop as a fraction of the initial crop's; (1, 1) takes all of it.
        aspect: (least, most) width / height of the random crop, drawn log-uniformly; not drawn for scale (1, 1).
        rotation: degrees, uniform in +- the value, about the centre of the resized crop.
        shear: degrees along x, uniform in +- the value.
        vflip: probability of a vertical flip.
        hflip: probability of a horizontal flip.
        jitter: probability of colour jitter.
        jitter_strength: brightness, contrast, saturation (factors in 1 +- value) and hue (turns, +- value).
        fill: what fills the corners that rotation and shear uncover: "black" as in the release, or "photo", the
            photo's own surroundings (mirrored at its edge).
        jpeg: quality of a JPEG round trip at the end; 0 for none.
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
        """px: the side that the random crop is resized to, before rotation and the centre crop to `size`."""
        return int(math.sqrt(2) * self.size)

    def region(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) in px of the initial crop of a photo of `width` x `height` px."""
        if self.initial_crop == 0:
            return width, height
        side = int(self.initial_crop * min(width, height))
        return side, side

    def largest_scale(self, width: int, height: int) -> float:
        """Return the photo px per px of the resized crop in the largest crop of a photo of this size."""
        region_width, region_height = self.region(width, height)
        return math.sqrt(region_width * region_height) / self.resized

    def smallest_scale(self, width: int, height: int) -> float:
        """Return the photo px per px of the resized crop in the smallest crop of a photo of this size."""
        return math.sqrt(self.scale[0]) * self.largest_scale(width, height)

    def smallest_crop(self, width: int, height: int) -> float:
        """Return the shorter side in px of the smallest crop of a photo of this size."""
        region_width, region_height = self.region(width, height)
        if self.scale == (1.0, 1.0):
            return float(min(region_width, region_height))
        squeeze = min(self.aspect[0], 1 / self.aspect[1], 1.0)
        return math.sqrt(self.scale[0] * region_width * region_height * squeeze)

    def check_photo(self, name: str, width: int, height: int) -> None:
        """Refuse a photo of `width` x `height` px that this recipe cannot draw crops from.

        Raises:
            MonoImageError: naming `name`; the photo is too small, or no crop of it fits scale and aspect.
        """
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
    # The paper's text differs from the released code in these two.
    "paper": Recipe(name="paper", rotation=35.0, hflip=0.5),
}
