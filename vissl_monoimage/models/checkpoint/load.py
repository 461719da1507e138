"""Filling a trunk from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.file import read_checkpoint, release_checkpoint
from vissl_monoimage.models.checkpoint.match import find_trunk_weights
from vissl_monoimage.models.checkpoint.report import LoadReport
from vissl_monoimage.models.checkpoint.tensors import DEFAULTS, WeightsSettings
from vissl_monoimage.models.download import fetch, is_remote
from vissl_monoimage.models.trunks.registry import build_trunk


def fill(
    trunk: nn.Module,
    name: str,
    checkpoint: Mapping[str, Any],
    path: str,
    settings: WeightsSettings = DEFAULTS,
) -> LoadReport:
    """Fill the whole trunk in place, but for what the settings skip.

    Args:
        trunk: the module.
        name: what it is called in messages.
        checkpoint: what `read_checkpoint(path)` returned.
        path: of the checkpoint.
        settings: where the tensors are.

    Raises:
        MonoImageError: naming the tensors that are missing, surplus or of another shape.
    """
    weights = find_trunk_weights(checkpoint, path, name, trunk.state_dict(), settings)
    if problems := list(weights.problems(require_all=True)):
        raise MonoImageError("; ".join(problems))
    trunk.load_state_dict(weights.usable, strict=False)
    return weights.report()


def load_trunk(source: str, name: str) -> nn.Module:
    """Return a trunk with the weights of a checkpoint.

    Args:
        source: a file, a URL, or `zoo:NAME` of VISSL's model zoo.
        name: of the trunk (`trunks.registry.trunk_names`).

    Raises:
        MonoImageError: an unknown trunk, an unreadable checkpoint, or one that does not fill the trunk.
    """
    path = fetch(source) if is_remote(source) else source
    trunk = build_trunk(name)
    fill(trunk, name, read_checkpoint(path), path)
    release_checkpoint()
    return trunk
