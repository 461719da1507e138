"""The settings of VISSL's ResNet as the shapes in a checkpoint have them, where no configuration says them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.tensors import tensors_in, without_heads
from vissl_monoimage.models.trunks.resnet import BLOCKS, NAME

_STAGE = re.compile(r"(?:^|\.)layer([1-4])\.(\d+)\.(conv[123])\.weight$")
_FIRST = re.compile(r"(?:^|\.)conv1\.weight$")


def settings_from_shapes(checkpoint: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return what `config.MODEL` says of the ResNet in a checkpoint, as far as shapes show it.

    Depth, width and groups are read from the tensors. The stride of the last stage (2) and the order of the colours
    (RGB) leave no trace in them and are VISSL's defaults.

    Args:
        checkpoint: what `read_checkpoint(path)` returned.
        path: of the file, for messages.

    Returns:
        An empty mapping where the checkpoint has no blocks of a ResNet.

    Raises:
        MonoImageError: a ResNet that VISSL's is not, or one whose norm the shapes do not show.
    """
    tensors = without_heads(tensors_in(checkpoint, path))
    found = {match.groups(): tensors[name] for name in tensors if (match := _STAGE.search(name))}
    if not found:
        return {}
    if ("1", "0", "conv3") not in found:
        raise MonoImageError(f"{path} is a ResNet of basic blocks, which VISSL's has not: name trunk resnet18")
    blocks = tuple(len({block for stage, block, _ in found if stage == str(number)}) for number in (1, 2, 3, 4))
    depths = [depth for depth, wanted in BLOCKS.items() if wanted == blocks]
    if not depths:
        raise MonoImageError(f"{path} is a ResNet of {blocks} blocks, and VISSL's has {[*BLOCKS.values()]}")
    if not any(name.endswith("running_mean") for name in tensors):
        raise MonoImageError(
            f"{path} is a ResNet without batch norms, whose norm its tensors do not show: open it in its run's folder"
        )
    first = next((tensors[name] for name in tensors if _FIRST.search(name) and "layer" not in name), None)
    width = first.shape[0] // 64 if first is not None else 1
    outputs, inputs = found[("1", "0", "conv2")].shape[:2]
    resnets = {
        "DEPTH": depths[0],
        "WIDTH_MULTIPLIER": width,
        "GROUPS": outputs // inputs,
        "WIDTH_PER_GROUP": inputs // width,
    }
    return {"TRUNK": {"NAME": NAME, "RESNETS": resnets}, "INPUT_TYPE": "rgb"}
