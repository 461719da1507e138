"""Base classes of our trunks: features by name, the size of their images, and the layout of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from vissl_monoimage.errors import MonoImageError, unknown


class Trunk(nn.Module):
    """A network that computes features of square images: the base class of all trunks.

    Attributes:
        input_size: side in px of the images the trunk is made for.
        any_size: whether the trunk takes images of any height and width. Probes and heads are made for the feature
            sizes at `input_size`, so images of another size are refused unless this is set, on a class or an instance.
        all_feat_names: names of the features, in the order they are computed (VISSL's name for the attribute).
    """

    input_size: ClassVar[int]
    any_size: bool = False
    all_feat_names: Sequence[str]

    @classmethod
    def from_config(cls, model_config: Mapping[str, Any]) -> Self:
        """Build the trunk with the settings of `config.MODEL`; a trunk without settings ignores them."""
        return cls()

    def checked(self, images: Tensor) -> Tensor:
        """Return `images` (N, 3, height, width) unchanged.

        Raises:
            MonoImageError: their shape is not (3, input_size, input_size) and `any_size` is False.
        """
        size = self.input_size
        if self.any_size or tuple(images.shape[1:]) == (3, size, size):
            return images
        shape = " x ".join(str(side) for side in images.shape[1:])
        raise MonoImageError(
            f"trunk {type(self).__name__} takes images of 3 x {size} x {size}, not {shape}: "
            "set the crop size in config.DATA.*.TRANSFORMS and config.MONOIMAGE.SOURCE.SIZE accordingly, "
            "or choose the trunk made for that size"
        )

    def forward(self, images: Tensor, out_feat_keys: Sequence[str] | None = None) -> list[Tensor]:
        """Return the features `out_feat_keys` of `images` (N, 3, input_size, input_size), in the order given.

        Args:
            images: normalised RGB.
            out_feat_keys: names from `all_feat_names`; none means the last feature.

        Raises:
            MonoImageError: an unknown feature, or images of another size.
        """
        raise NotImplementedError


class LayeredTrunk(Trunk):
    """A chain of layers, each of which is a feature.

    Args:
        layers: the layers by the names of their features, in the order they are applied.
    """

    def __init__(self, layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.all_feat_names = list(layers)
        self._feature_blocks = nn.ModuleList(layers.values())

    def forward(self, images: Tensor, out_feat_keys: Sequence[str] | None = None) -> list[Tensor]:
        """Return features as `Trunk.forward`, running no layer behind the last of them."""
        named = zip(self.all_feat_names, self._feature_blocks, strict=True)
        return outputs_of(named, channels_last(self.checked(images)), wanted_features(self, out_feat_keys))


class FixedTrunk(Trunk):
    """A trunk without parameters, which computes each of its features from the image alone.

    Args:
        extractors: a module per feature, by name: (N, 3, input_size, input_size) -> (N, channels, height, width).

    Attributes:
        fixed: what a report calls the features.
        probed: names of the features a probe reads, which are all of them.
    """

    fixed: ClassVar[str]

    def __init__(self, extractors: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.all_feat_names = self.probed = list(extractors)
        self.extractors = nn.ModuleDict(extractors)

    def forward(self, images: Tensor, out_feat_keys: Sequence[str] | None = None) -> list[Tensor]:
        """Return features as `Trunk.forward`."""
        images = self.checked(images).contiguous()
        return [self.extractors[name](images) for name in wanted_features(self, out_feat_keys)]


def wanted_features(trunk: Trunk, out_feat_keys: Sequence[str] | None) -> Sequence[str]:
    """Return `out_feat_keys`, or the trunk's last feature where there are none.

    Raises:
        MonoImageError: the trunk has no feature of that name.
    """
    for name in out_feat_keys or ():
        if name not in trunk.all_feat_names:
            raise MonoImageError(unknown(f"feature of trunk {type(trunk).__name__}", name, trunk.all_feat_names))
    return out_feat_keys or trunk.all_feat_names[-1:]


def outputs_of(layers: Iterable[tuple[str, nn.Module]], images: Tensor, wanted: Sequence[str]) -> list[Tensor]:
    """Apply named `layers` one after another, up to the last of `wanted`, and return the outputs of these."""
    outputs: dict[str, Tensor] = {}
    for name, layer in layers:
        images = layer(images)
        if name in wanted:
            outputs[name] = images
        if len(outputs) == len(set(wanted)):
            break
    return [outputs[name] for name in wanted]


def channels_last(images: Tensor) -> Tensor:
    """Return `images` in channels_last layout if they are on a CPU; convolutions keep that layout.

    A training step takes about a quarter less time. Shapes, values and state dicts do not change.
    """
    return images.contiguous(memory_format=torch.channels_last) if images.device.type == "cpu" else images


def he_normal(module: nn.Module) -> None:
    """Initialise every convolution in `module`: weights N(0, 2 / (k * k * outputs)), biases 0.

    As in the authors' AlexNet (yukimasano/linear-probes). Untrained features keep their scale from layer to layer,
    where PyTorch's default loses a factor of six in variance per layer. A probe of random weights has frozen batch norm
    statistics, so nothing else would restore the scale.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
