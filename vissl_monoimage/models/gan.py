"""The two networks that play against an encoder: a generator of images and a discriminator of pairs.

Donahue et al.'s for natural images (ICLR 2017, arXiv 1605.09782; jeffdonahue/bigan, net.py): convolutions
of stride 2 between a 4 x 4 map and the image, and a discriminator that sees the latent vector z at every
layer above the pixels. Widths, kernel and normalisation are settings, so that the small networks of the
CIFAR tables are the same code.
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
"""px: side of the map that the generator starts from and the discriminator ends in."""


@dataclass(frozen=True)
class NetworkSettings:
    """What the generator and the discriminator are made of.

    widths: channels of the maps between 4 x 4 px and the image, in the order the network has them; their
        number fixes the image's side, 4 * 2^len(widths) px.
    kernel: px, side of the convolutions.
    norm: "batch" or "none". Under a gradient penalty the discriminator takes "none": with batch statistics
        the gradient at one pair would depend on the others (Gulrajani et al. 2017, section 4).
    hidden: width of a layer between the discriminator's last map and its score; 0: none.
    latent_hidden: widths of layers that z goes through before the discriminator's layers see it; empty: none.
    """

    widths: list[int]
    kernel: int = 5
    norm: str = "batch"
    hidden: int = 0
    latent_hidden: list[int] = field(default_factory=list)

    def problems(self) -> list[str]:
        """What is out of range."""
        found = []
        if not self.widths or any(not isinstance(width, int) or width < 1 for width in self.widths):
            found.append(f"widths={self.widths} must be positive whole numbers, one a doubling of the side from 4 px")
        if not 2 <= self.kernel <= 7:
            found.append(f"kernel={self.kernel} must be between 2 and 7 px")
        if self.norm not in NORMS:
            found.append(f"norm: {unknown('norm', self.norm, NORMS)}")
        if self.hidden < 0:
            found.append(f"hidden={self.hidden} must not be negative")
        return found

    @property
    def size(self) -> int:
        """px: side of the images."""
        return int(SMALLEST * 2 ** len(self.widths))


class Generator(nn.Module):
    """z (N, latent) -> images (N, 3, size, size).

    A linear map to widths[0] x 4 x 4, then transposed convolutions that double the side, norm and ReLU
    between them, and a sigmoid. The images leave with the colour normalisation that the encoder's have had.
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
        """Normalised images; `to_pixels` takes them back to [0, 1]."""
        maps = channels_last(self.project(latents).unflatten(1, (-1, SMALLEST, SMALLEST)))
        return (torch.sigmoid(self.layers(maps)) - self.mean) / self.std

    def to_pixels(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised images (N, 3, H, W) in [0, 1]."""
        return (images.float() * self.std + self.mean).clamp(0, 1)


class JointDiscriminator(nn.Module):
    """Pairs of an image (N, 3, size, size) and z (N, latent) -> scores (N,), higher for a real image and its code.

    A convolution of stride 2 for each width, down to 4 x 4, and the score. A linear map of z is added to
    every layer but the first before norm and leaky ReLU (0.2), so that image and z meet at every scale.
    """

    def __init__(self, latent: int, settings: NetworkSettings) -> None:
        super().__init__()
        widths = settings.widths
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, settings.kernel, stride=2, padding=(settings.kernel - 1) // 2)
            for inputs, outputs in pairwise((3, *widths))
        )
        # The layer of the pixels has no norm, as in DCGAN.
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
    """Weights N(0, 0.02), biases 0, as in DCGAN and in BiGAN's code."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
