"""The head that makes a VISSL model of a trunk into a BiGAN."""

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
    """What stands behind `bigan` in `config.MODEL.HEAD.PARAMS`.

    features: how many numbers the trunk's last feature has.
    latent: dimensions of z, which is uniform in [-1, 1].
    generator, discriminator: `NetworkSettings` each, for images of the same side.
    mean, std: colour normalisation of the encoder's images (R, G, B); the task takes them from the transforms.
    """

    features: int
    latent: int
    generator: Mapping[str, Any]
    discriminator: Mapping[str, Any]
    mean: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    std: list[float] = field(default_factory=lambda: [1.0, 1.0, 1.0])

    def problems(self) -> list[str]:
        """What is out of range."""
        counts = {"features": self.features, "latent": self.latent}
        return [f"{name}={count} must be at least 1" for name, count in counts.items() if count < 1]


class BiGANHead(nn.Module):
    """The last layer of the encoder, and with it the generator and the discriminator (Donahue et al., ICLR 2017).

    The model's output is E(x): trunk, then `to_latent`. The trunk alone is what is probed. The train step
    calls `generator` and `discriminator`, which are here so that VISSL moves, saves and restores them.

    Args:
        settings: the keys of `HeadSettings`.

    Raises:
        MonoImageError: a setting that is unknown or out of range, or two sides.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        wanted = read_block(HeadSettings, settings, WHERE)
        drawing = read_block(NetworkSettings, wanted.generator, f"{WHERE}.generator")
        judging = read_block(NetworkSettings, wanted.discriminator, f"{WHERE}.discriminator")
        if drawing.size != judging.size:
            raise MonoImageError(
                f"{WHERE}: the generator makes images of {drawing.size} px and the discriminator sees "
                f"{judging.size} px: give both as many widths (now {drawing.widths} and {judging.widths})"
            )
        if len(judging.widths) == 1 and not judging.hidden:
            raise MonoImageError(
                f"{WHERE}: discriminator: widths={judging.widths} and hidden=0 leave no layer that sees z, and the "
                "encoder would never learn: give it two widths, or a hidden layer"
            )
        self.features, self.latent = wanted.features, wanted.latent
        self.to_latent = nn.Linear(wanted.features, wanted.latent)
        self.generator = Generator(wanted.latent, drawing, wanted.mean, wanted.std)
        self.discriminator = JointDiscriminator(wanted.latent, judging)

    def forward(self, feature: torch.Tensor) -> torch.Tensor:
        """Codes (N, latent) in [-1, 1], z's own range, of the trunk's last feature (N, ...).

        Raises:
            MonoImageError: where the feature does not have `features` numbers.
        """
        flat = feature.flatten(1)
        if flat.shape[1] != self.features:
            got = f"{' x '.join(str(side) for side in feature.shape[1:])} = {flat.shape[1]}"
            raise MonoImageError(f"{WHERE}: features={self.features}, but the trunk gives {got} numbers")
        return torch.tanh(self.to_latent(flat))
