"""Batches of crops rendered on the device of the training: `config.MONOIMAGE.SOURCE.RENDERER: torch`.

The data set then gives the numbers of a crop in place of the crop: what `crop_row` draws, and the window that the
random transforms draw behind it, with the seeds and in the order of the usual renderer. The collator stacks them, VISSL
copies them to the device, and the loader's wrapper makes images of them there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from classy_vision.dataset.dataloader_wrapper import DataloaderWrapper
from torch import Tensor, nn
from vissl.data.collators import COLLATOR_REGISTRY
from vissl.data.ssl_transforms import get_transform

from vissl_monoimage.data.crops.crop_row import WIDTH
from vissl_monoimage.data.crops.torch_renderer import TorchRenderer
from vissl_monoimage.data.crops.window import resample, window_row
from vissl_monoimage.data.crops.window_draws import Draw, draw_window, read_draws
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.training.transform_order import without_batched
from vissl_monoimage.utils.random import preserved_generators

BatchTransform = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class RowTransforms:
    """A list of TRANSFORMS for crops that are rendered later: a transform of a sample, as VISSL's data set calls it.

    Attributes:
        size: px, side of a crop.
        draws: what the geometric transforms draw.
        mean: of each colour, taken from images in 0..1.
        std: of each colour, by which they are divided.
        batch_transform: what the collator would have done with a batch of images.
    """

    size: int
    draws: tuple[Draw, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    batch_transform: BatchTransform | None

    def __call__(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Append to the row of the crop the numbers of its window, if there are such transforms."""
        if self.draws:
            window = window_row(draw_window(self.size, self.draws))
            sample["data"] = [torch.cat((row, window)) for row in sample["data"]]
        return sample

    @property
    def output_size(self) -> int:
        """The side of an image in px."""
        with preserved_generators():
            return draw_window(self.size, self.draws)[0].size


def read_row_transforms(size: int, transforms: Sequence[Mapping[str, Any]], collator: str = "") -> RowTransforms:
    """Return TRANSFORMS for crops of `size` px squared that are rendered later.

    Raises:
        MonoImageError: a transform that only the usual renderer has.
    """
    left = without_batched(transforms, collator)
    batched = getattr(COLLATOR_REGISTRY[collator], "batch_transform", None) if len(left) < len(transforms) else None
    names = [transform["name"] for transform in left]
    geometric = names.index("ToTensor") if "ToTensor" in names else len(names)
    if names[geometric:] not in (["ToTensor"], ["ToTensor", "Normalize"]):
        raise MonoImageError(f"{', '.join(names)} must end with ToTensor, or with ToTensor and Normalize")
    normalise = left[-1] if names[-1] == "Normalize" else {"mean": (0.0,), "std": (1.0,)}
    made = [wrapper.transform for wrapper in get_transform(left[:geometric]).transforms]
    mean, std = (tuple(map(float, normalise[key])) for key in ("mean", "std"))
    return RowTransforms(size, tuple(read_draws(made)), mean, std, batched)


class BatchRenderer(nn.Module):
    """Make images of rows: render, apply the windows, normalise, and what the collator would have done.

    Args:
        crops: whose rows they are.
        transforms: the transforms of the data set that gave them.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, crops: SingleImageCrops, transforms: RowTransforms) -> None:
        super().__init__()
        self.render = TorchRenderer(crops.photos, crops.recipe)
        self.transforms, self.size = transforms, transforms.output_size
        for name, values in (("mean", transforms.mean), ("std", transforms.std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    @torch.no_grad()
    def forward(self, rows: Tensor) -> Tensor:
        """Return normalised images, float32 (N, 3, side, side), or as many as the collator would have made of N."""
        images = self.render(rows)
        if self.transforms.draws:
            images = resample(images, rows[:, WIDTH:], self.size)
        images = (images / 255 - self.mean) / self.std
        turn = self.transforms.batch_transform
        return images if turn is None else turn(images)


class RenderedLoader(DataloaderWrapper):
    """A loader, maybe one of VISSL's that copy batches to a GPU, whose rows become images when a batch is taken."""

    def __init__(self, dataloader: Any, renderer: BatchRenderer) -> None:
        super().__init__(dataloader)
        self.__dict__["renderer"] = renderer  # an ordinary attribute would be set on the loader inside

    def __iter__(self) -> Iterator[Any]:
        self._iter = iter(self.dataloader)
        return self

    def __next__(self) -> Any:
        batch = next(self._iter)
        batch["data"] = [self.renderer(rows) for rows in batch["data"]]
        return batch

    def __len__(self) -> int:
        return len(self.dataloader)
