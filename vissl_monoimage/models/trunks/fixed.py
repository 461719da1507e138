"""What all trunks of fixed features have in common."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from vissl_monoimage.models.trunks.base import of_size


class FixedTrunk(nn.Module):
    """A trunk without parameters: it computes each of its features from the image alone.

    A subclass fills `extractors` with a module a feature, (N, 3, input_size, input_size) -> (N, channels,
    height, width).

    Attributes:
        fixed: what the features are called in a report; having it says that the trunk has nothing to learn.
        input_size: side of the images in px.
        extractors: the features by name.
    """

    fixed: ClassVar[str]
    input_size: ClassVar[int]
    extractors: nn.ModuleDict

    @property
    def all_feat_names(self) -> list[str]:
        """Names of the features, in order."""
        return list(self.extractors)

    @property
    def probed(self) -> list[str]:
        """Names of the features that are probed: all."""
        return self.all_feat_names

    def forward(self, images: torch.Tensor, out_feat_keys: list[str] | None = None) -> list[torch.Tensor]:
        """The named features of `images` (N, 3, input_size, input_size), in the order asked for; or the last.

        Raises:
            MonoImageError: images of another size.
        """
        images = of_size(images, self.input_size, self).contiguous()
        return [self.extractors[name](images) for name in out_feat_keys or self.all_feat_names[-1:]]
