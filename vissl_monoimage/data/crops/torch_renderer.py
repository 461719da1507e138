"""Crops of a batch rendered by torch where the photo lies: on a GPU, or on a CPU for tests.

The draws, the levels of the pyramid and the affines are those of `render`; what differs is rounding, which
`tests/unit/data/test_torch_renderer.py` bounds.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from vissl_monoimage.data.crops.crop_row import COLUMNS
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.render import centre_square
from vissl_monoimage.data.crops.torch_jitter import jitter_batch
from vissl_monoimage.data.photos.cache import PyramidCache


class TorchRenderer(nn.Module):
    """Render crops from rows of `crop_row`; `.to(device)` moves the photos' pyramids there, as bytes.

    Only the levels that the recipe reads are kept, and the centre squares, four bytes a pixel.

    Args:
        photos: all in memory.
        recipe: without the JPEG round trip, which is skipped.
    """

    pixels: Tensor
    levels: Tensor

    def __init__(self, photos: PyramidCache, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        pyramids = [photos[number] for number in range(len(photos))]
        most = max(len(pyramid.levels) for pyramid in pyramids)
        parts: list[Tensor] = []
        table = torch.zeros(len(pyramids), most + 1, 3, dtype=torch.int64)  # first pixel, width, height
        first = 0
        for photo, pyramid in enumerate(pyramids):
            square = np.asarray(centre_square(pyramid, recipe.size).convert("RGBA"))
            levels = [*pyramid.levels, square]
            for number, level in enumerate(levels):
                if level is square or pyramid.is_made(number):
                    height, width = level.shape[:2]
                    table[photo, number] = torch.tensor((first, width, height))
                    # A pixel's four bytes are one int32, so that it is read at once.
                    parts.append(torch.from_numpy(level.copy()).reshape(-1, 4).view(torch.int32)[:, 0])
                    first += height * width
        self.register_buffer("pixels", torch.cat(parts), persistent=False)
        self.register_buffer("levels", table, persistent=False)

    @torch.no_grad()
    def forward(self, rows: Tensor) -> Tensor:
        """Return the crops, float32 (N, 3, size, size), whole numbers 0 to 255.

        Args:
            rows: (N, at least WIDTH) of `crop_row`, on the device of the pyramids.
        """
        images = self._read(rows)
        if self.recipe.fill == "black":
            images = images * self._is_inside(rows[:, COLUMNS.inside])[:, None]
        if self.recipe.jitter == 0:
            return images
        return jitter_batch(images, rows[:, COLUMNS.factors], rows[:, COLUMNS.order])

    def _read(self, rows: Tensor) -> Tensor:
        """Return the bilinear samples of each crop's level, rounded."""
        place = torch.cat((rows[:, COLUMNS.photo], rows[:, COLUMNS.level]), 1).long()
        first, width, height = self.levels[place[:, 0], place[:, 1]][..., None, None].unbind(1)
        x, y = self._mapped(rows[:, COLUMNS.matrix], 0.0)
        left, top = x.floor(), y.floor()
        part_x, part_y = (x - left)[..., None], (y - top)[..., None]
        columns = [self._bordered(left.long() + step, width) for step in (0, 1)]
        lines = [first + self._bordered(top.long() + step, height) * width for step in (0, 1)]
        upper, lower = (
            torch.lerp(self._colours(line + columns[0]), self._colours(line + columns[1]), part_x) for line in lines
        )
        return torch.lerp(upper, lower, part_y).round().permute(0, 3, 1, 2).contiguous()

    def _colours(self, places: Tensor) -> Tensor:
        return self.pixels[places][..., None].view(torch.uint8)[..., :3].float()

    def _bordered(self, places: Tensor, length: Tensor) -> Tensor:
        """Return indices within `length`: mirrored at the ends where the photo itself fills corners, else the ends."""
        if self.recipe.fill != "photo":
            return torch.minimum(places.clamp(min=0), length - 1)
        period = (2 * (length - 1)).clamp(min=1)
        turned = places.abs() % period
        return torch.minimum(turned, period - turned)

    def _is_inside(self, affine: Tensor) -> Tensor:
        x, y = self._mapped(affine, 0.5)
        side = self.recipe.resized
        return (x >= 0) & (x < side) & (y >= 0) & (y < side)

    def _mapped(self, affine: Tensor, centre: float) -> tuple[Tensor, Tensor]:
        """Return where the affines (N, 6) map each pixel, whose centre is `centre` beyond its index: (N, H, W) each."""
        numbers = torch.arange(self.recipe.size, device=affine.device) + centre
        a, b, c, d, e, f = affine[:, :, None, None].unbind(1)
        x, y = numbers[None, None, :], numbers[None, :, None]
        return a * x + b * y + c, d * x + e * y + f
