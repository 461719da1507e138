"""Weights by URL, or by the name of a model of VISSL's zoo: downloaded once, into torch's cache."""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlparse

import torch

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.zoo import PREFIX, zoo_model


def is_remote(weights: object) -> bool:
    """Return whether `config.MODEL.WEIGHTS_INIT.PARAMS_FILE` is a URL, or `zoo:NAME` (`monoimage ls zoo`)."""
    return isinstance(weights, str) and weights.lower().startswith((PREFIX, "http://", "https://"))


def fetch(weights: str) -> str:
    """Return the path of remote weights in the cache, downloading them if they are not there.

    Raises:
        MonoImageError: an unknown model of the zoo, or a download that failed or is incomplete; nothing is left then.
    """
    from iopath.common.download import download
    from iopath.common.file_io import file_lock

    url = zoo_model(weights.removeprefix(PREFIX)).url if weights.startswith(PREFIX) else weights
    place = urlparse(url)
    if place.query or not place.path.strip("/") or place.path.endswith("/"):
        raise MonoImageError(f"{url} does not end in the name of a file: download it yourself, and name that file")
    file = Path(torch.hub.get_dir()) / "vissl_monoimage" / place.netloc / place.path.lstrip("/")
    if not file.is_file():
        print(f"downloading {url} to {file}", flush=True)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(str(file)):
            return str(download(url, str(file.parent), filename=file.name))  # does nothing where the file exists
    except (OSError, ValueError, HTTPException) as error:  # URLError is an OSError
        raise MonoImageError(f"{url} could not be downloaded ({error}): put its file at {file}") from error
