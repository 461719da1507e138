"""A trunk in ONNX: one input `images`, one output a layer, any number of images."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import tempfile
import warnings
from pathlib import Path

import torch

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.export.module import PretrainedTrunk
from vissl_monoimage.models.trunks.registry import fixed_features

PACKAGES = ("onnx", "onnxscript")


def check_onnx(trunk: str) -> None:
    """Refuse fixed features (HOG, scattering), and an environment without the packages.

    Raises:
        MonoImageError: naming the trunk, or the package to install.
    """
    if features := fixed_features(trunk):
        raise MonoImageError(f"--onnx: ONNX is written of convolutional trunks, and trunk '{trunk}' is {features}")
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise MonoImageError(f"--onnx needs the package {missing[0]}: pip install 'vissl-monoimage[onnx]'")


def to_onnx(trunk: PretrainedTrunk) -> bytes:
    """Return the content of an ONNX file: `images` (N, 3, input_size, input_size) -> an output named after each layer.

    Raises:
        MonoImageError: as `check_onnx`.
    """
    check_onnx(trunk.trunk)
    size = trunk.input_size
    images = torch.zeros(2, 3, size, size)  # of one image, torch would make a constant
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            trunk,
            (images,),
            input_names=["images"],
            output_names=list(trunk.layers),
            dynamic_shapes=({0: torch.export.Dim("N")},),
            dynamo=True,
            verbose=False,
        )
        file = Path(folder, "model.onnx")
        if program is None:
            raise MonoImageError(f"trunk '{trunk.trunk}' cannot be written as ONNX")
        program.save(file, external_data=False)
        return file.read_bytes()
