"""The head that turns VISSL's model of a trunk into a BiGAN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.gan import Generator, JointDiscriminator, NetworkSettings

NAME = "bigan"
WHERE = "config.MODEL.HEAD.PARAMS, head bigan"


@dataclass(frozen=True)
class HeadSettings:
    """Settings of the head `bigan` in `config.MODEL.HEAD.PARAMS`.

    Attributes:
        features: number of values in the trunk's last feature.
        latent: dimensions of z, which is uniform in [-1, 1].
        generator: its `NetworkSettings`.
        discriminator: its `NetworkSettings`, for images of the same side.
        mean: of the colours (R, G, B) of the encoder's images; the task takes it from the transforms.
        std: likewise.
    """

    features: int
    latent: int
    generator: Mapping[str, Any]
    discriminator: Mapping[str, Any]
    mean: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    std: list[float] = field(default_factory=lambda: [1.0, 1.0, 1.0])

    def problems(self) -> list[str]:
        """Return what is out of range."""
        counts = {"features": self.features, "latent": self.latent}
        return [f"{name}={count} must be at least 1" for name, count in counts.items() if count < 1]


class BiGANHead(nn.Module):
    """The last layer of the encoder, and with it the generator and the discriminator (Donahue et al., ICLR 2017).

    The model's output is E(x): the trunk, then `to_latent`. Probes read the trunk alone. The train step
    calls `generator` and `discriminator`, which are part of the head so that VISSL moves, saves and restores them.

    Args:
        settings: as in `HeadSettings`.

    Raises:
        MonoImageError: a setting that is unknown or out of range, or images of two sizes.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        head = read_block(HeadSettings, settings, WHERE)
        generator = read_block(NetworkSettings, head.generator, f"{WHERE}.generator")
        discriminator = read_block(NetworkSettings, head.discriminator, f"{WHERE}.discriminator")
        if generator.size != discriminator.size:
            raise MonoImageError(
                f"{WHERE}: the generator makes images of {generator.size} px and the discriminator sees "
                f"{discriminator.size} px: give both as many widths (now {generator.widths} and "
                f"{discriminator.widths})"
            )
        if len(discriminator.widths) == 1 and not discriminator.hidden:
            raise MonoImageError(
                f"{WHERE}: discriminator: widths={discriminator.widths} and hidden=0 leave no layer that sees z, and "
                "the encoder would never learn: give it two widths, or a hidden layer"
            )
        self.features, self.latent = head.features, head.latent
        self.to_latent = nn.Linear(head.features, head.latent)
        self.generator = Generator(head.latent, generator, head.mean, head.std)
        self.discriminator = JointDiscriminator(head.latent, discriminator)

    def forward(self, feature: torch.Tensor) -> torch.Tensor:
        """Return codes (N, latent) in [-1, 1], the range of z, of the trunk's last feature (N, ...).

        Raises:
            MonoImageError: the feature does not have `features` values.
        """
        flat = feature.flatten(1)
        if flat.shape[1] != self.features:
            size = f"{' x '.join(str(side) for side in feature.shape[1:])} = {flat.shape[1]}"
            raise MonoImageError(f"{WHERE}: features={self.features}, but the trunk gives {size} numbers")
        return torch.tanh(self.to_latent(flat))
