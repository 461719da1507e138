"""The trunk that a `monoimage init` makes, and how it came about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from vissl_monoimage.ledger.init_request import Request
from vissl_monoimage.ledger.init_row import Made
from vissl_monoimage.ledger.initial_weights import weights_sha256
from vissl_monoimage.ledger.row_parts import InitialWeights, Weights
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256
from vissl_monoimage.models.checkpoint.load import load_trunk
from vissl_monoimage.models.init import NOISE, RANDOM, TRUNKS
from vissl_monoimage.models.init.calibrate import calibrate
from vissl_monoimage.models.init.learn import data_set, images_for, learn_trunk, random_trunk
from vissl_monoimage.models.init.patches import Crops
from vissl_monoimage.models.normalisation import CIFAR10


def make_trunk(request: Request) -> tuple[nn.Module, Made]:
    """Make the trunk that is asked for, and return it with how it was made.

    Raises:
        MonoImageError: bad images or too few of them, or a trunk without batch norms to calibrate.
    """
    options = {"METHOD": request.method, "TRUNK": request.trunk, "SEED_VALUE": request.seed}
    return (_learned if request.method in TRUNKS else _started)(request, options)


def _learned(request: Request, options: dict[str, Any]) -> tuple[nn.Module, Made]:
    trunk, images = learn_trunk(request.method, request.trunk, request.source, request.count, request.seed)
    options |= {"SOURCE": images.settings}
    if not isinstance(images, Crops):
        options |= {"IMAGES_OF": _kind(request.source)}
    if images.colours["mean"] != [*CIFAR10.mean]:  # rows of CIFAR-10's do not state it
        options |= {"NORMALISATION": images.colours}
    return trunk, Made(options, images)


def _started(request: Request, options: dict[str, Any]) -> tuple[nn.Module, Made]:
    """Return the weights that a pretraining or a checkpoint starts with, calibrated on images if there are any."""
    if request.weights:
        trunk = load_trunk(request.weights, request.trunk)
        file = Weights(str(Path(request.weights).absolute()), checkpoint_sha256(request.weights))
    else:
        trunk, file = random_trunk(request.trunk, request.seed, request.pretraining), Weights()
    hashed = weights_sha256(trunk.state_dict())
    method, start = _start(request, hashed)
    initial = InitialWeights(RANDOM if method == RANDOM else "checkpoint", hashed)
    options |= {"START": start}
    if request.method == RANDOM:
        return trunk, Made(options, None, RANDOM, initial)
    images = images_for(trunk, request.source, request.count, request.seed, request.pretraining)
    calibrate(trunk, images)
    content = {"SOURCE": images.settings, "IMAGES_OF": _kind(request.source), "NORMALISATION": images.colours}
    return trunk, Made({**options, **content}, images, f"{method}, calibrated", initial, file)


def _start(request: Request, hashed: str) -> tuple[str, Any]:
    """Return the method behind the weights before calibration, and what they share with those of other seeds."""
    row = request.row
    if not request.weights:
        return RANDOM, request.pretraining.draw if request.pretraining else "own"
    if row and row.initial_weights.sha256 == hashed and row.initial_weights.origin == RANDOM:
        return RANDOM, {"INITIAL_OF": row.group_hash}
    if row and row.checkpoint_out_sha256 == checkpoint_sha256(request.weights):
        return row.method, {"RESULT_OF": row.experiment}
    return "checkpoint", {"WEIGHTS": hashed}


def _kind(source: str) -> str:
    """Return what the images are, apart from the photos, whose hashes are in the row."""
    found = data_set(source)
    return f"data set {found[0]}" if found else NOISE if source == NOISE else "photos"
