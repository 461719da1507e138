"""Weights at an address, or by the name of an AlexNet of VISSL's model zoo: fetched once, into torch's cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from vissl.utils.io import cache_url, is_url

from vissl_monoimage.config.references import ZOO, zoo_model
from vissl_monoimage.errors import MonoImageError


def is_remote(weights: object) -> bool:
    """Whether `config.MODEL.WEIGHTS_INIT.PARAMS_FILE` is an address, or `zoo:NAME` (`monoimage ls zoo`)."""
    return isinstance(weights, str) and (weights.startswith(ZOO) or is_url(weights))


def problems_with(weights: str, config: Mapping[str, Any]) -> Iterator[str]:
    """A `zoo:NAME` that there is not, or that `config`, what lies below VISSL's, has another trunk for."""
    if not weights.startswith(ZOO):
        return
    try:
        model = zoo_model(weights.removeprefix(ZOO))
    except MonoImageError as error:
        yield f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE: {error}"
        return
    trunk = config["MODEL"]["TRUNK"]["NAME"]
    if trunk != model.trunk:
        yield f"{weights} is of trunk '{model.trunk}', not of '{trunk}': set config.MODEL.TRUNK.NAME={model.trunk}"


def fetched(weights: str) -> str:
    """The file of what `is_remote`; it is fetched where it is not in the cache yet.

    Raises:
        MonoImageError: no such model, or it could not be fetched whole; nothing is left then.
    """
    address = zoo_model(weights.removeprefix(ZOO)).url if weights.startswith(ZOO) else weights
    place = urlparse(address)
    cache = Path(torch.hub.get_dir()) / "vissl_monoimage" / place.netloc
    file = cache / place.path.lstrip("/")
    if place.query or not place.path.strip("/") or place.path.endswith("/"):
        raise MonoImageError(f"{address} does not end in the name of a file: fetch it yourself, and name that file")
    if not file.is_file():
        print(f"fetching {address} to {file}", flush=True)
    try:
        return cache_url(address, str(cache))
    except (OSError, ValueError, HTTPException) as error:  # URLError is an OSError
        raise MonoImageError(f"{address} could not be fetched ({error}): put its file at {file}") from error
