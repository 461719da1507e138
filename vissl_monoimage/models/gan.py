"""The generator and the discriminator of a BiGAN.

They are Donahue et al.'s for natural images (ICLR 2017, arXiv 1605.09782; jeffdonahue/bigan, net.py): convolutions
of stride 2 between a 4 x 4 map and the image, and a discriminator that sees the latent vector z at every
layer above the pixels. Widths, kernel and normalisation are settings, so that the same code makes the small
networks of the CIFAR tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import nn

from vissl_monoimage.errors import unknown
from vissl_monoimage.models.trunks.base import channels_last

NORMS = ("batch", "none")
SMALLEST = 4
"""Side in px of the generator's first map and of the discriminator's last."""


@dataclass(frozen=True)
class NetworkSettings:
    """Settings of a generator or a discriminator.

    Attributes:
        widths: channels of the maps between 4 x 4 px and the image, in the order of the layers; their number fixes the
            side of the image, 4 * 2^len(widths) px.
        kernel: side of the convolutions in px.
        norm: "batch" or "none". Under a gradient penalty the discriminator takes "none": with batch statistics
            the gradient at one pair would depend on the others (Gulrajani et al. 2017, section 4).
        hidden: width of a layer between the discriminator's last map and its score; 0 means no such layer.
        latent_hidden: widths of layers on z before the discriminator's layers see it; empty means none.
    """

    widths: list[int]
    kernel: int = 5
    norm: str = "batch"
    hidden: int = 0
    latent_hidden: list[int] = field(default_factory=list)

    def problems(self) -> list[str]:
        """Return what is out of range."""
        problems = []
        if not self.widths or any(not isinstance(width, int) or width < 1 for width in self.widths):
            problems.append(
                f"widths={self.widths} must be positive whole numbers, one a doubling of the side from 4 px"
            )
        if not 2 <= self.kernel <= 7:
            problems.append(f"kernel={self.kernel} must be between 2 and 7 px")
        if self.norm not in NORMS:
            problems.append(f"norm: {unknown('norm', self.norm, NORMS)}")
        if self.hidden < 0:
            problems.append(f"hidden={self.hidden} must not be negative")
        return problems

    @property
    def size(self) -> int:
        """Side of the images in px."""
        return int(SMALLEST * 2 ** len(self.widths))


class Generator(nn.Module):
    """A generator of images: z (N, latent) -> (N, 3, size, size).

    A linear map to widths[0] x 4 x 4, then transposed convolutions that double the side, norm and ReLU
    between them, and a sigmoid. The images have the colour normalisation of the encoder's images.

    Args:
        latent: dimensions of z.
        settings: widths, kernel and norm.
        mean: of each channel, for the normalisation.
        std: of each channel, likewise.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, latent: int, settings: NetworkSettings, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.size = settings.size
        widths, bias = settings.widths, settings.norm == "none"  # a norm brings its own bias
        self.project = nn.Linear(latent, widths[0] * SMALLEST**2, bias=bias)
        layers: list[nn.Module] = [*_norm(settings, widths[0]), nn.ReLU(inplace=True)]
        for inputs, outputs in pairwise(widths):
            layers += [_doubling(inputs, outputs, settings.kernel, bias), *_norm(settings, outputs)]
            layers += [nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, _doubling(widths[-1], 3, settings.kernel, bias=True))
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        _normal_weights(self)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Return normalised images, which `to_pixels` takes back to [0, 1]."""
        maps = channels_last(self.project(latents).unflatten(1, (-1, SMALLEST, SMALLEST)))
        return (torch.sigmoid(self.layers(maps)) - self.mean) / self.std

    def to_pixels(self, images: torch.Tensor) -> torch.Tensor:
        """Return normalised images (N, 3, H, W) as they are in [0, 1]."""
        return (images.float() * self.std + self.mean).clamp(0, 1)


class JointDiscriminator(nn.Module):
    """A discriminator of pairs: an image (N, 3, size, size) and z (N, latent) -> scores (N,).

    The score is higher for a real image and its code. One convolution of stride 2 per width, down to 4 x 4, then the
    score. A linear map of z is added to every layer but the first, before norm and leaky ReLU (0.2), so that image and
    z meet at every scale.

    Args:
        latent: dimensions of z.
        settings: of the network.
    """

    def __init__(self, latent: int, settings: NetworkSettings) -> None:
        super().__init__()
        widths = settings.widths
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, settings.kernel, stride=2, padding=(settings.kernel - 1) // 2)
            for inputs, outputs in pairwise((3, *widths))
        )
        # The first layer, on the pixels, has no norm, as in DCGAN.
        self.norms = nn.ModuleList(
            nn.Sequential(*(_norm(settings, width) if layer else [])) for layer, width in enumerate(widths)
        )
        reading: list[nn.Module] = []
        for inputs, outputs in pairwise((latent, *settings.latent_hidden)):
            reading += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
        self.read_latent = nn.Sequential(*reading)
        code = settings.latent_hidden[-1] if settings.latent_hidden else latent
        self.of_latent = nn.ModuleList(nn.Linear(code, width, bias=False) for width in widths[1:])
        features = widths[-1] * SMALLEST**2
        self.hidden = nn.Linear(features, settings.hidden) if settings.hidden else None
        self.hidden_of_latent = nn.Linear(code, settings.hidden, bias=False) if settings.hidden else None
        self.score = nn.Linear(settings.hidden or features, 1)
        self.activation = nn.LeakyReLU(0.2)
        _normal_weights(self)

    def forward(self, images: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """Return the scores (N,) of N pairs."""
        maps, latents = channels_last(images), self.read_latent(latents)
        for layer, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            maps = convolution(maps)
            if layer:
                maps = maps + self.of_latent[layer - 1](latents)[:, :, None, None]
            maps = self.activation(norm(maps))
        feature = maps.flatten(1)
        if self.hidden is not None and self.hidden_of_latent is not None:
            feature = self.activation(self.hidden(feature) + self.hidden_of_latent(latents))
        return self.score(feature).squeeze(1)


def _doubling(inputs: int, outputs: int, kernel: int, bias: bool) -> nn.ConvTranspose2d:
    padding = (kernel - 1) // 2
    return nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding, output_padding=kernel % 2, bias=bias)


def _norm(settings: NetworkSettings, width: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(width)] if settings.norm == "batch" else []


def _normal_weights(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02) and set biases to 0, as in DCGAN and in BiGAN's code."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
