"""The linear probe on one layer's pooled feature."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.heads.image_moments import batch_norm, has_gaps


class LinearProbe(nn.Module):
    """Batch norm without affine over the channels, flatten, linear: the probe of Asano et al. (ICLR 2020).

    As in the authors' released probe code, the batch norm has one mean and variance a channel (not one a
    feature), and the classifier there is a convolution as large as the map. That is a linear layer, but its
    Xavier bound counts the map's height and width in the fan-out as well; we initialise the same way.

    Args:
        shape: (channels, height, width) of the pooled feature.
        num_classes: number of logits.
    """

    def __init__(self, shape: Sequence[int], num_classes: int) -> None:
        super().__init__()
        if len(shape) != 3 or min(shape) < 1:
            raise MonoImageError(f"linear_probe needs a feature of shape [channels, height, width], not {shape}")
        channels, height, width = shape
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.linear = nn.Linear(channels * height * width, num_classes)
        nn.init.xavier_uniform_(self.linear.weight.data.view(num_classes, channels, height, width))
        nn.init.zeros_(self.linear.bias)

    def forward(self, feature: Tensor, moments: Tensor | None = None) -> Tensor:
        """Return logits (N, num_classes) of `feature` (N, channels, height, width).

        Args:
            feature: of the layer, pooled.
            moments: `image_moments` of it, which make a training step on a CPU cheaper.
        """
        if moments is not None and self.training and has_gaps(feature):
            normalised = batch_norm(self.norm, feature, moments)
        else:
            normalised = self.norm(feature)
        logits: Tensor = self.linear(normalised.flatten(1))
        return logits
