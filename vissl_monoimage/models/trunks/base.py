"""What all our trunks do with a batch before their first layer."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from vissl_monoimage.errors import MonoImageError


class SizedInput(nn.Module):
    """Refuses images of another size than `input_size` px; goes before a trunk among the bases."""

    input_size: ClassVar[int]

    def forward(self, images: torch.Tensor, out_feat_keys: list[str] | None = None) -> list[torch.Tensor]:
        """The named features of `images` (N, 3, input_size, input_size), in the order asked for."""
        return super().forward(prepare_images(images, self.input_size, self), out_feat_keys)


def prepare_images(images: torch.Tensor, size: int, trunk: nn.Module) -> torch.Tensor:
    """`images` (N, 3, size, size) as the trunk wants them: of its size (or see `of_size`), and laid out for speed."""
    return laid_out(of_size(images, size, trunk))


def allow_any_size(trunk: nn.Module) -> None:
    """Let this one `trunk` take images of any height and width: for its convolutions, which are the same everywhere."""
    vars(trunk)["any_size"] = True


def of_size(images: torch.Tensor, size: int, trunk: nn.Module) -> torch.Tensor:
    """`images` (N, 3, size, size) as they are; of any size where `allow_any_size` said so of `trunk`.

    Raises:
        MonoImageError: where the images have another shape; pooling would otherwise work on, and
            the layers would silently have other sizes than the probes and heads were made for.
    """
    if tuple(images.shape[1:]) != (3, size, size) and not getattr(trunk, "any_size", False):
        got = " x ".join(str(side) for side in images.shape[1:])
        raise MonoImageError(
            f"trunk {type(trunk).__name__} takes images of 3 x {size} x {size}, not {got}: "
            "set the crop size in config.DATA.*.TRANSFORMS and config.MONOIMAGE.SOURCE.SIZE accordingly, "
            "or choose the trunk made for that size"
        )
    return images


def laid_out(images: torch.Tensor) -> torch.Tensor:
    """`images`, on CPU in channels_last layout, which the convolutions hand on to each other.

    A training step takes about a quarter less time. Shapes, values and state dicts do not show it.
    """
    return images.contiguous(memory_format=torch.channels_last) if images.device.type == "cpu" else images


def he_normal(module: nn.Module) -> None:
    """Initialise all convolutions below `module`: weights N(0, 2 / (k * k * out)), biases 0.

    As the authors' AlexNet does. It keeps the scale of an untrained network's features from layer to
    layer, where PyTorch's default lets it shrink sixfold in variance: with frozen statistics, as in a probe
    of random weights, nothing else would keep it.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
