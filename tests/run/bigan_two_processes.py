"""`monoimage run` that also knows a trunk without batch norm: `python bigan_two_processes.py OVERRIDE ...`

A script of its own, because training processes are spawned: each imports this file, and so knows the trunk too.
"""

from __future__ import annotations

import sys

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import torch
from torch import nn
from vissl.config import AttrDict
from vissl.models.model_helpers import get_trunk_forward_outputs_module_list
from vissl.models.trunks import register_model_trunk


@register_model_trunk("two_convolutions")
class TwoConvolutions(nn.Module):
    """16 x 16 px -> 8 x 8 -> 4 x 4, without batch norm; heads get the last map's 16 x 4 x 4 numbers."""

    def __init__(self, model_config: AttrDict, model_name: str) -> None:
        super().__init__()
        self.all_feat_names = ["conv1", "conv2"]
        self._feature_blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
            for inputs, outputs in ((3, 8), (8, 16))
        )

    def forward(self, images: torch.Tensor, out_feat_keys: list[str] | None = None) -> list[torch.Tensor]:
        return get_trunk_forward_outputs_module_list(images, out_feat_keys, self._feature_blocks, self.all_feat_names)


if __name__ == "__main__":
    from vissl_monoimage import launch

    launch.run(sys.argv[1:])
