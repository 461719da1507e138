"""Style transfer (Gatys, Ecker, Bethge, CVPR 2016) with the features of any trunk that has convolutions.

Gatys et al. choose layers of a supervised VGG. Asano et al. (ICLR 2020) show the same with networks trained on one
image, their layers taken as they are; so here the style is asked of every convolution, none picked for its looks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vissl_monoimage.data.photos.decode import Pixels
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.features import feature_names
from vissl_monoimage.models.trunks.base import Trunk
from vissl_monoimage.utils.progress import track

CONTENT_WEIGHT = 0.1
"""Of the content loss beside the style loss: chosen by eye, with random and with trained weights of `convnet4`."""
_EDGE = 1 / 256  # grey levels start this far from black and white, where the logistic function has no slope
_REMEMBERED = 20  # steps in L-BFGS's idea of the curvature; each keeps two images
_TINY = 1e-6  # of the style's own Gram matrix: two photos closer than this have one style


def convolutions(trunk: nn.Module, name: str) -> list[str]:
    """The features of `trunk` that are convolutions, in order: conv1, conv2, ..., and of a ResNet res2 to res5 too.

    Raises:
        MonoImageError: it has none.
    """
    try:
        found = [feature for feature in feature_names(trunk) if re.fullmatch(r"conv\d+|res[2-5]", feature)]
    except MonoImageError:  # VISSL's transformers do not list their features
        found = []
    if not found:
        raise MonoImageError(f"trunk '{name}' has no convolutions, whose features make the style: choose one that has")
    return found


class Features:
    """Every convolution's output for one image in [0, 1], (1, 3, height, width) of any size.

    Freezes `trunk`: no gradients for its weights, fixed statistics of its batch norms.

    Args:
        trunk: with the features `layers`. mean, std: of each channel, as the trunk's images are normalised.
    """

    def __init__(self, trunk: nn.Module, layers: list[str], mean: Sequence[float], std: Sequence[float]) -> None:
        self.trunk, self.layers = trunk.eval().requires_grad_(False), layers
        if isinstance(trunk, Trunk):  # VISSL's take images of any size
            trunk.any_size = True
        self._mean, self._std = (torch.tensor(list(one)).view(1, 3, 1, 1) for one in (mean, std))

    def __call__(self, image: Tensor) -> list[Tensor]:
        """(1, 3, height, width) -> (channels, map height, map width) of each layer."""
        features = self.trunk((image - self._mean) / self._std, self.layers)
        return [feature[0] for feature in features]

    def check_size(self, image: Tensor, name: str) -> None:
        """Has every convolution a place to look at?

        Raises:
            MonoImageError: the photo, called `name`, is too small or too narrow.
        """
        try:
            with torch.no_grad():
                self(image)
        except RuntimeError:  # torch's, of a kernel or a pool larger than what it is given
            height, width = image.shape[2:]
            raise MonoImageError(
                f"{name} at {width}x{height} px is too small for all convolutions of the trunk: give a larger --size"
            ) from None


def gram(feature: Tensor) -> Tensor:
    """(channels, height, width) -> (channels, channels): mean over all places of the products of two channels.

    A mean, where Gatys et al. have a sum, so that photos of different sizes have comparable styles.
    """
    flat = feature.flatten(1)
    return flat @ flat.T / flat.shape[1]


class Objective:
    """How far an image is from the content of one photo and the style of another, (1, 3, height, width) in [0, 1].

    Style: the squared distance of a layer's Gram matrix from that of `style`, in units of the distance that
    `content` has: 1 for `content` and 0 for `style` at every layer, so that all of them count equally, whatever
    their width and scale; the loss is their mean. Content: the squared distance from `content` at the last
    convolution but one, in units of the mean variance of a channel there over the photo. The objective is
    style + CONTENT_WEIGHT * content.
    """

    @torch.no_grad()
    def __init__(self, features: Features, content: Tensor, style: Tensor) -> None:
        self._features = features
        self._grams = [gram(feature) for feature in features(style)]
        own = features(content)
        self._units = [
            (gram(mine) - wanted).square().sum() + _TINY * wanted.square().sum() + torch.finfo().tiny
            for mine, wanted in zip(own, self._grams, strict=True)
        ]
        self._content = own[self._middle]
        self._spread = self._content.var((1, 2), correction=0).mean() + torch.finfo().tiny

    @property
    def _middle(self) -> int:
        return max(0, len(self._features.layers) - 2)

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The style loss and the content loss, each a number >= 0."""
        found = self._features(image)
        distances = [
            (gram(mine) - wanted).square().sum() / unit
            for mine, wanted, unit in zip(found, self._grams, self._units, strict=True)
        ]
        content = (found[self._middle] - self._content).square().mean() / self._spread
        return torch.stack(distances).mean(), content


def transfer(objective: Objective, start: Tensor, steps: int) -> Tensor:
    """The image (1, 3, height, width) in [0, 1] that L-BFGS finds in `steps` steps from `start`.

    One step is one pass through the trunk. It starts from the content photo rather than from noise: noise needs
    several times the steps to look as good. The unknowns are the logits of the colours, which keeps these in [0, 1].
    The same start and objective give the same image.
    """
    logits = torch.logit(start, eps=_EDGE).flatten().requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=1, history_size=_REMEMBERED, tolerance_grad=0, tolerance_change=0)

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        style, content = objective(torch.sigmoid(logits).view_as(start))
        loss = style + CONTENT_WEIGHT * content
        loss.backward()
        return loss

    for _ in track(range(steps), "style", unit="step"):
        optimizer.step(evaluate)
    return torch.sigmoid(logits.detach()).view_as(start)


def to_tensor(pixels: Pixels, side: int) -> Tensor:
    """A photo, RGB (height, width, 3), with its longer side made `side` px: (1, 3, height, width) in [0, 1]."""
    height, width = (max(1, round(one * side / max(pixels.shape[:2]))) for one in pixels.shape[:2])
    resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)[None] / 255


def to_image(image: Tensor) -> Image.Image:
    """(1, 3, height, width) in [0, 1] -> the picture."""
    return Image.fromarray((image[0].permute(1, 2, 0) * 255).round().byte().numpy())
