"""The upper part of a small network, trained on labels over the frozen or hand-made lower part."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.heads.alexnet_fc import AlexNetFC
from vissl_monoimage.models.trunks.base import channels_last, he_normal
from vissl_monoimage.models.trunks.convnet4 import convolution


class RetrainedConvolutions(nn.Module):
    """Convolutions of `widths` channels as in convnet4, each with BN, ReLU and 2 x 2 max pooling; then `alexnet_fc`.

    On the 8 x 8 map behind conv2 of convnet4, widths (128, 256) and hidden (512,) are the rest of the network that
    `supervised_convnet4` trains. The paper's Table 4 asks this of AlexNet and ImageNet.

    Args:
        shape: (channels, height, width) of the feature; height and width are halved by each convolution's pooling.
        widths: channels of each convolution.
        hidden: widths of the fully connected layers between the last map and the logits.
        num_classes: number of logits.
        eps: added to the variance by the batch norms of `alexnet_fc`.
        momentum: of their running statistics.
        project: channels that a learned 1 x 1 convolution, without bias or nonlinearity, reduces the feature to first;
            0 for none. With 64, features of any number of channels have as many as conv2 of convnet4, and what lies
            behind is the same network for all of them.

    Raises:
        MonoImageError: a map too small for so many halvings.
    """

    def __init__(
        self,
        shape: Sequence[int],
        widths: Sequence[int],
        hidden: Sequence[int],
        num_classes: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        project: int = 0,
    ) -> None:
        super().__init__()
        channels, height, width = shape
        if min(height, width) < 2 ** len(widths):
            raise MonoImageError(
                f"retrained_convolutions: {len(widths)} convolutions halve their map each, and {height} x {width} is "
                f"too small for it: the least is {2 ** len(widths)}; choose an earlier layer or fewer widths"
            )
        blocks: list[nn.Module] = []
        if project:
            blocks.append(nn.Conv2d(channels, project, kernel_size=1, bias=False))
            channels = project
        for outputs in widths:
            blocks += [convolution(channels, outputs), nn.MaxPool2d(kernel_size=2)]
            channels, height, width = outputs, height // 2, width // 2
        self.convolutions = nn.Sequential(*blocks)
        he_normal(self.convolutions)
        self.classifier = AlexNetFC([channels * height * width, *hidden, num_classes], eps, momentum)

    def forward(self, feature: Tensor) -> Tensor:
        """Return logits (N, num_classes) of `feature` (N, channels, height, width)."""
        logits: Tensor = self.classifier(self.convolutions(channels_last(feature)))
        return logits
