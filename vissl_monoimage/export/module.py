"""A trunk as a plain module: `forward(images) -> {layer: feature}`, its image size and normalisation attached."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torchvision import transforms
from torchvision.transforms import functional

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.export.config import TrunkConfig
from vissl_monoimage.export.hub import HubMixin
from vissl_monoimage.models.features import probed_layers


class PretrainedTrunk(HubMixin, nn.Module):
    """A pretrained trunk for any code; `vissl_monoimage.load_trunk` makes it.

    `forward` takes normalised RGB images, float (N, 3, input_size, input_size), and returns {layer: feature} with
    features (N, channels, height, width), or (N, channels) where a layer is flat. They equal those of the trunk inside
    VISSL to the bit.

    Args:
        network: a trunk that can be asked for features by name.
        config: what the trunk is, and where its weights came from.

    Attributes:
        network: the trunk itself; its state dict has VISSL's names.
        trunk: name of the architecture.
        layers: names of the features that `forward` returns, in the order they are computed.
        probed_layers: names of those that probes read and tables of accuracies show.
        input_size: side of the images in px.
        any_size: whether the trunk also takes images of any other height and width.
        mean: mean of each channel, RGB, for images with values in [0, 1].
        std: standard deviation of each channel, in the same order.
        config: what the `config.json` of an exported folder holds: all of this, and where the weights came from.
    """

    def __init__(self, network: nn.Module, config: TrunkConfig) -> None:
        super().__init__()
        self.network = network.eval()
        self.config = config
        self.trunk = config.trunk
        self.layers = tuple(config.layers)
        self.probed_layers = tuple(name for name in probed_layers(network) if name in self.layers)
        self.input_size = config.input_size
        self.any_size = bool(getattr(network, "any_size", False))
        self.mean, self.std = config.normalisation.mean, config.normalisation.std
        self.eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the features of normalised images by layer.

        Raises:
            MonoImageError: the images are not float (N, 3, height, width), or of another size than the trunk's.
        """
        self._check(images)
        return dict(zip(self.layers, self.network(images, list(self.layers)), strict=True))

    def normalise(self, images: Tensor) -> Tensor:
        """Return images (..., 3, height, width) of values in [0, 1], RGB, normalised for `forward`."""
        normalised: Tensor = functional.normalize(images, [*self.mean], [*self.std])
        return normalised

    @property
    def transform(self) -> Any:
        """A function that resizes, centre-crops and normalises a PIL image to a tensor (3, input_size, input_size)."""
        return transforms.Compose(
            [
                transforms.Lambda(_to_rgb),
                transforms.Resize(self.input_size),
                transforms.CenterCrop(self.input_size),
                transforms.ToTensor(),
                transforms.Normalize(self.mean, self.std),
            ]
        )

    def extra_repr(self) -> str:
        return f"trunk={self.trunk}, layers={', '.join(self.layers)}, input_size={self.input_size}"

    def _check(self, images: Tensor) -> None:
        size = self.input_size
        fits = isinstance(images, Tensor) and images.is_floating_point() and images.ndim == 4 and images.shape[1] == 3
        if fits and (self.any_size or tuple(images.shape[2:]) == (size, size)):
            return
        what = f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
        sides = "height, width" if self.any_size else f"{size}, {size}"
        raise MonoImageError(
            f"trunk {self.trunk} takes normalised float images (N, 3, {sides}), not {what}: "
            "`transform` makes (3, height, width) of a PIL image, and torch.stack a batch of these"
        )


def _to_rgb(image: Any) -> Any:
    return image.convert("RGB")
