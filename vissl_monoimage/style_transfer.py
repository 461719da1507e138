"""Style transfer (Gatys, Ecker, Bethge, CVPR 2016) with the features of any trunk that has convolutions.

Gatys et al. choose layers of a supervised VGG. Asano et al. (ICLR 2020) do the same with networks trained on one image,
without choosing layers; so here every convolution contributes to the style.
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
"""Of the content loss relative to the style loss; chosen by eye, with random and with trained weights of `convnet4`."""
_EDGE = 1 / 256  # distance of the first image's values from 0 and 1, where the logistic function has no slope
_HISTORY = 20  # steps from which L-BFGS estimates the curvature; each keeps two images
_SAME_STYLE = 1e-6  # squared distance of two Gram matrices, relative to the style's own, below which they are the same


def convolutions(trunk: nn.Module, name: str) -> list[str]:
    """Return the features that are outputs of convolutions, in order: conv1, conv2, ..., and of a ResNet res2 to res5.

    Args:
        trunk: the module.
        name: what it is called in messages.

    Raises:
        MonoImageError: the trunk has none.
    """
    try:
        names = feature_names(trunk)
    except MonoImageError:  # VISSL's transformers do not list their features
        names = []
    layers = [layer for layer in names if re.fullmatch(r"conv\d+|res[2-5]", layer)]
    if not layers:
        raise MonoImageError(f"trunk '{name}' has no convolutions, whose features make the style: choose one that has")
    return layers


class Features:
    """The output of every convolution for one image in [0, 1], (1, 3, height, width) of any size.

    The trunk is frozen: no gradients for its weights, fixed statistics of its batch norms.

    Args:
        trunk: the module.
        layers: names of its features.
        mean: of each channel, by which the trunk's images are normalised.
        std: of each channel, likewise.
    """

    def __init__(self, trunk: nn.Module, layers: list[str], mean: Sequence[float], std: Sequence[float]) -> None:
        self.trunk, self.layers = trunk.eval().requires_grad_(False), layers
        if isinstance(trunk, Trunk):  # VISSL's take images of any size
            trunk.any_size = True
        self._mean, self._std = (torch.tensor(list(values)).view(1, 3, 1, 1) for values in (mean, std))

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Return (channels, map height, map width) of each layer for an image (1, 3, height, width)."""
        features = self.trunk((image - self._mean) / self._std, self.layers)
        return [feature[0] for feature in features]

    def check_size(self, image: Tensor, name: str) -> None:
        """Check that every convolution has at least one place in the image.

        Args:
            image: (1, 3, height, width).
            name: of the photo, for the message.

        Raises:
            MonoImageError: the image is too small or too narrow.
        """
        try:
            with torch.no_grad():
                self(image)
        except RuntimeError:  # torch's, for a kernel or a pool larger than its input
            height, width = image.shape[2:]
            raise MonoImageError(
                f"{name} at {width}x{height} px is too small for all convolutions of the trunk: give a larger --size"
            ) from None


def gram(feature: Tensor) -> Tensor:
    """Return the mean over all places of the products of two channels, (channels, channels).

    Gatys et al. take a sum; with a mean, photos of different sizes have comparable styles.

    Args:
        feature: (channels, height, width).
    """
    flat = feature.flatten(1)
    return flat @ flat.T / flat.shape[1]


class Objective:
    """The distance of an image from the content of one photo and from the style of another.

    Style loss: the squared distance of a layer's Gram matrix from that of `style`, divided by the distance that
    `content` has. It is 1 for `content` and 0 for `style` at every layer, so all layers count equally, whatever their
    width and scale; the loss is their mean. Content loss: the squared distance from `content` at the last convolution
    but one, divided by the mean variance of a channel there over the photo. The objective is
    style + CONTENT_WEIGHT * content.

    Args:
        features: of the trunk.
        content: image (1, 3, height, width) in [0, 1].
        style: image (1, 3, height, width) in [0, 1], of any other size.
    """

    @torch.no_grad()
    def __init__(self, features: Features, content: Tensor, style: Tensor) -> None:
        self._features = features
        self._grams = [gram(feature) for feature in features(style)]
        of_content = features(content)
        self._units = [
            (gram(feature) - target).square().sum() + _SAME_STYLE * target.square().sum() + torch.finfo().tiny
            for feature, target in zip(of_content, self._grams, strict=True)
        ]
        self._content = of_content[self._content_layer]
        self._variance = self._content.var((1, 2), correction=0).mean() + torch.finfo().tiny

    @property
    def _content_layer(self) -> int:
        return max(0, len(self._features.layers) - 2)

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the style loss and the content loss of an image (1, 3, height, width), each a number >= 0."""
        features = self._features(image)
        distances = [
            (gram(feature) - target).square().sum() / unit
            for feature, target, unit in zip(features, self._grams, self._units, strict=True)
        ]
        content = (features[self._content_layer] - self._content).square().mean() / self._variance
        return torch.stack(distances).mean(), content


def transfer(objective: Objective, start: Tensor, steps: int) -> Tensor:
    """Return the image (1, 3, height, width) in [0, 1] that L-BFGS finds.

    The unknowns are the logits of the colours, which keeps the colours in [0, 1]. The same start and objective give the
    same image.

    Args:
        objective: what is minimised.
        start: image (1, 3, height, width) in [0, 1]: the content photo, for noise needs several times the steps.
        steps: of the optimizer, each one pass through the trunk.
    """
    logits = torch.logit(start, eps=_EDGE).flatten().requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=1, history_size=_HISTORY, tolerance_grad=0, tolerance_change=0)

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
    """Return a photo, RGB (height, width, 3), as (1, 3, height, width) in [0, 1], with a longer side of `side` px."""
    height, width = (max(1, round(length * side / max(pixels.shape[:2]))) for length in pixels.shape[:2])
    resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)[None] / 255


def to_image(image: Tensor) -> Image.Image:
    """Return an image (1, 3, height, width) in [0, 1] as a picture."""
    return Image.fromarray((image[0].permute(1, 2, 0) * 255).round().byte().numpy())
