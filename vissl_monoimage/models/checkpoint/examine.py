"""Which trunk a checkpoint is of, and how its names become the trunk's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from vissl_monoimage.compat.missing_vissl import vissl_is_installed
from vissl_monoimage.config.compose import vissl_defaults
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.match import TrunkWeights, find_trunk_weights
from vissl_monoimage.models.checkpoint.tensors import DEFAULTS, tensors_in
from vissl_monoimage.models.features import build_on_meta
from vissl_monoimage.models.trunks.registry import OURS, VISSLS, fixed_features
from vissl_monoimage.models.trunks.resnet import NAME as RESNET
from vissl_monoimage.models.trunks.resnet import VisslResNet
from vissl_monoimage.models.trunks.resnet_shapes import settings_from_shapes

_SHARDED = ("regnet_fsdp",)  # spread over processes, so that it cannot be built here


@dataclass(frozen=True)
class Fit:
    """How a checkpoint fits a trunk: its tensors for it, and what is wrong with them, if anything."""

    weights: TrunkWeights
    problems: tuple[str, ...]

    @property
    def rank(self) -> tuple[bool, float]:
        """What is compared to find the best: without problems first, then by the share of the trunk that is filled."""
        report = self.weights.report()
        return not self.problems, report.loaded / max(1, report.total)


def best_fits(checkpoint: Mapping[str, Any], path: str, model: Mapping[str, Any] | None = None) -> list[Fit]:
    """Return the best fits among all trunks; several where trunks differ in nothing but the size of their images.

    VISSL's trunks other than its ResNets are tried where no other one fits.

    Args:
        checkpoint: what `read_checkpoint(path)` returned.
        path: of the file.
        model: `config.MODEL` of the run that made it, if it is known: of its trunk there is no other.

    Raises:
        MonoImageError: the checkpoint has no tensors of a trunk.
    """
    tensors_in(checkpoint, path)
    if model:
        return _best(checkpoint, path, [(str(model["TRUNK"]["NAME"]), lambda: build_on_meta(model))])
    ours = [name for name in OURS if not fixed_features(name)]
    likely = [(name, functools.partial(build_on_meta, {"TRUNK": {"NAME": name}})) for name in ours]
    fits = _best(checkpoint, path, [*likely, (RESNET, lambda: _resnet(checkpoint, path))])
    if fits or not vissl_is_installed():
        return fits
    defaults = vissl_defaults()["config"]["MODEL"]
    others = [name for name in VISSLS if name not in (RESNET, *_SHARDED)]
    configs = [{**defaults, "TRUNK": {**defaults["TRUNK"], "NAME": name}} for name in others]
    built = [functools.partial(build_on_meta, config) for config in configs]
    return _best(checkpoint, path, zip(others, built, strict=True))


def _resnet(checkpoint: Mapping[str, Any], path: str) -> nn.Module:
    with torch.device("meta"):
        return VisslResNet.from_config(settings_from_shapes(checkpoint, path))


def _best(checkpoint: Mapping[str, Any], path: str, trunks: Iterable[tuple[str, Callable[[], nn.Module]]]) -> list[Fit]:
    fits = []
    for name, build in trunks:
        try:
            weights = find_trunk_weights(checkpoint, path, name, build().state_dict(), DEFAULTS.with_counters())
        except MonoImageError:  # of another architecture, or VISSL's with other settings than its defaults
            continue
        fits.append(Fit(weights, tuple(weights.problems(require_all=True))))
    best = max((fit.rank for fit in fits), default=None)
    return [fit for fit in fits if fit.rank == best]


def key_map(fit: Fit) -> list[tuple[str, str]]:
    """Return (name in the file, name in the trunk) of each tensor that the trunk takes, in the trunk's order."""
    naming = fit.weights.naming
    usable = fit.weights.usable
    return [(naming.theirs + name.removeprefix(naming.ours), name) for name in fit.weights.state if name in usable]
