"""Checkpoints and exported folders as plain modules, without VISSL."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.export.config import TrunkConfig
from vissl_monoimage.export.facts import facts_of
from vissl_monoimage.export.module import PretrainedTrunk
from vissl_monoimage.export.run_folder import RunFacts, read_run
from vissl_monoimage.export.source import find_weights
from vissl_monoimage.models.checkpoint.file import read_checkpoint, release_checkpoint
from vissl_monoimage.models.checkpoint.load import fill
from vissl_monoimage.models.checkpoint.report import LoadReport
from vissl_monoimage.models.features import feature_names, input_size
from vissl_monoimage.models.init.initial import usual_normalisation
from vissl_monoimage.models.trunks.registry import OURS, VISSLS, build_trunk, fixed_features
from vissl_monoimage.models.trunks.resnet import NAME as RESNET
from vissl_monoimage.models.trunks.resnet import ResNetTrunk, VisslResNet
from vissl_monoimage.models.trunks.resnet_shapes import settings_from_shapes


@dataclass(frozen=True)
class Loaded:
    """A trunk and where it came from.

    Attributes:
        trunk: the module.
        file: of the weights.
        run: what is known of their run; nothing for an exported folder, whose config has it.
        report: how many tensors the file filled; None for a trunk without weights.
    """

    trunk: PretrainedTrunk
    file: Path
    run: RunFacts
    report: LoadReport | None


def load_trunk(source: str | Path, trunk: str | None = None, *, layers: Sequence[str] | None = None) -> PretrainedTrunk:
    """Return a pretrained trunk as a plain module in eval mode; VISSL is not needed.

    Args:
        source: a folder of `monoimage export`; a checkpoint in the folder of its run, which says what the trunk is; or
            any checkpoint, also of other libraries or by URL, with `trunk`.
        trunk: name of the architecture: one of ours, or "resnet", VISSL's; None reads it from the folder.
        layers: names of the features to compute; None means all.

    Returns:
        A module whose `forward` maps normalised images (N, 3, input_size, input_size) to a dictionary of features by
        layer, with `layers`, `probed_layers`, `input_size`, `mean`, `std`, `transform` and `trunk` attached.

    Raises:
        MonoImageError: an unknown trunk, layer or file, a checkpoint that does not fill the whole trunk, or nothing
            that says what the trunk is.
    """
    return load(source, trunk, layers).trunk


def load(
    source: str | Path, trunk: str | None = None, layers: Sequence[str] | None = None, ledgers: Iterable[str] = ()
) -> Loaded:
    """Return a trunk as `load_trunk` does, with where it came from; `ledgers` may have the row of its run."""
    if layers is not None and (isinstance(layers, str) or not layers):
        raise MonoImageError(f"layers={layers!r} must be a list of names, as ['conv1', 'conv3']; None means all")
    file, exported = find_weights(source)
    run = RunFacts() if exported else read_run(file, ledgers)
    recorded = exported.trunk if exported else run.trunk
    name = trunk or recorded
    if name is None:
        raise MonoImageError(
            f"'{source}' does not say what its trunk is, and lies in no folder of a run: name it, as trunk='convnet4' "
            "of load_trunk or --trunk=convnet4"
        )
    if name not in OURS and name != RESNET:
        if name in VISSLS:
            raise MonoImageError(
                f"trunk '{name}' does not open without VISSL: of VISSL's only '{RESNET}', of ours all do"
            )
        raise MonoImageError(unknown("trunk", name, [*OURS, RESNET]))
    settings = (exported.settings if exported else _settings(run.model or {})) if name == recorded else {}
    network, settings, report = _filled(name, file, settings)
    config = _config(name, network, settings, exported, run)
    config = dataclasses.replace(config, layers=list(config.layers if layers is None else layers))
    if wrong := [layer for layer in config.layers if layer not in feature_names(network)]:
        raise MonoImageError(unknown(f"layer of trunk {name}", wrong[0], feature_names(network)))
    if not exported:
        config = dataclasses.replace(config, facts=facts_of(network, file, run, report))
    return Loaded(PretrainedTrunk(network, config), file, run, report)


def _settings(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of `config.MODEL` that ResNets follow, if it has any."""
    trunk = model.get("TRUNK", {})
    if "RESNETS" not in trunk:
        return {}
    resnet = {"NAME": trunk["NAME"], "RESNETS": dict(trunk["RESNETS"])}
    return {"TRUNK": resnet, "INPUT_TYPE": model.get("INPUT_TYPE", "rgb")}


def _filled(
    name: str, file: Path, settings: Mapping[str, Any]
) -> tuple[nn.Module, Mapping[str, Any], LoadReport | None]:
    """Return a trunk with the weights in a file, the settings it was built with, and what it took from the file."""
    if fixed_features(name):  # no file has anything for it
        return build_trunk(name), {}, None
    content = read_checkpoint(str(file))
    if name == RESNET:
        settings = settings or settings_from_shapes(content, str(file))
        network: nn.Module = VisslResNet.from_config(settings)
    else:
        network = build_trunk(name, settings)
    report = fill(network, name, content, str(file))
    release_checkpoint()
    if not isinstance(network, ResNetTrunk):
        return network, {}, report
    if name != RESNET and settings.get("INPUT_TYPE", "rgb") != "rgb":
        raise MonoImageError(f"trunk '{name}' of images in {settings['INPUT_TYPE'].upper()} is opened by VISSL alone")
    return network, settings, report


def _config(
    name: str, network: nn.Module, settings: Mapping[str, Any], exported: TrunkConfig | None, run: RunFacts
) -> TrunkConfig:
    layers, size = feature_names(network), input_size(network)
    if exported:
        if name == exported.trunk:
            return dataclasses.replace(exported, settings=settings)
        return dataclasses.replace(exported, trunk=name, settings=settings, layers=layers, input_size=size)
    if run.size and name == run.trunk and getattr(network, "any_size", False):
        size = run.size
    colours = run.normalisation or usual_normalisation(network)
    known_from = run.normalisation_from or (
        "not known from the checkpoint: assumed, CIFAR-10's for images of up to 32 px and ImageNet's for larger ones"
    )
    return TrunkConfig(name, settings, layers, size, [*colours.mean], [*colours.std], known_from)
