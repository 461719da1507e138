"""`monoimage run` that also knows a trunk without batch norm: `python bigan_two_processes.py OVERRIDE ...`

It also keeps the running statistics of every rank, of which VISSL's checkpoints have the first one's alone. A script
of its own, because training processes are spawned: each imports this file, and so knows the trunk and the hook too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import torch
from classy_vision.generic.distributed_util import get_rank
from classy_vision.hooks import ClassyHook
from torch import nn
from vissl.config import AttrDict
from vissl.models.model_helpers import get_trunk_forward_outputs_module_list
from vissl.models.trunks import register_model_trunk

from vissl_monoimage.training.task import MonoImageTask


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


class KeepStatistics(ClassyHook):
    """The model's buffers after each training epoch: rank0.torch, rank1.torch, ... in the run's folder."""

    on_start = ClassyHook._noop
    on_phase_start = ClassyHook._noop
    on_step = ClassyHook._noop
    on_end = ClassyHook._noop

    def on_phase_end(self, task: Any) -> None:
        if task.train:
            torch.save(dict(task.base_model.named_buffers()), Path(task.checkpoint_folder, f"rank{get_rank()}.torch"))


MonoImageTask.hook_factories.append(lambda config: KeepStatistics())


if __name__ == "__main__":
    from vissl_monoimage import launch

    launch.run(sys.argv[1:])
