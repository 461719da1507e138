"""Weights by address, or by the name of an AlexNet of VISSL's model zoo: fetched once, into torch's cache."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from vissl.utils.io import is_url

from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.report import references

_OVERLAYS = "+config/benchmark/linear_image_classification/imagenet1k/models"
_INPUTS = {  # what those that were not trained on plain RGB are shown, and VISSL's overlay that shows it
    "alexnet_bvlc": ("ImgPilToRawTensor", "alexnet_bvlc_supervised"),
    "alexnet_colorization": ("ImgPil2LabTensor", "alexnet_colorization"),
}


def local(weights: str) -> str:
    """The file that `config.MODEL.WEIGHTS_INIT.PARAMS_FILE` names; what is at an address is fetched, if need be.

    Args:
        weights: a path, an address, or `zoo:NAME` (`monoimage ls zoo`).

    Raises:
        MonoImageError: no such model, or its file could not be fetched; nothing is left then.
    """
    address = references.named()[_name(weights)].url if weights.startswith(references.ZOO) else weights
    if not is_url(address):
        return weights
    file = Path(torch.hub.get_dir()) / "checkpoints" / address.rpartition("/")[2]
    if not file.is_file():
        print(f"fetching {address} to {file}", flush=True)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(address, str(file), progress=sys.stderr.isatty())
        except (OSError, ValueError) as error:  # URLError is an OSError; the other is an address that is none
            raise MonoImageError(
                f"{address} could not be fetched ({error}): put its file where this machine can read it, "
                f"as {file}, or name it in config.MODEL.WEIGHTS_INIT.PARAMS_FILE"
            ) from error
    return str(file)


def problems_with(weights: str, config: Mapping[str, Any]) -> Iterator[str]:
    """A `zoo:NAME` that there is not, or that the config has another trunk or other images for."""
    if not weights.startswith(references.ZOO):
        return
    try:
        model = references.named()[_name(weights)]
    except MonoImageError as error:
        yield str(error)
        return
    trunk = config["MODEL"]["TRUNK"]["NAME"]
    if trunk != model.trunk:
        yield f"{weights} is of trunk '{model.trunk}', not of '{trunk}': set config.MODEL.TRUNK.NAME={model.trunk}"
    transform, overlay = _INPUTS.get(model.trunk, ("", ""))
    shown = {item["name"] for item in config["DATA"]["TRAIN"]["TRANSFORMS"]}
    if transform and transform not in shown:
        yield (
            f"{weights} was trained on images as {transform} gives them: add {_OVERLAYS}={overlay}, and over it the "
            "probe's own config.MODEL.HEAD.PARAMS and "
            "config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP=[]"
        )


def _name(weights: str) -> str:
    name = weights.removeprefix(references.ZOO)
    if name not in references.named():
        raise MonoImageError(
            f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE: {unknown('model of the zoo', name, references.named())}"
        )
    return name
