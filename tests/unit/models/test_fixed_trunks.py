"""Hand-made features against the libraries that define them, and as trunks of the probe."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from skimage.feature import hog
from skimage.transform import resize
from vissl.config import AttrDict
from vissl.models.trunks import get_model_trunk

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models import features as trunks
from vissl_monoimage.models.checkpoint.validate import weights_problems
from vissl_monoimage.probe.protocols import get_protocol

SHAPES = {
    "scattering_64px": {"scattering_J2": (243, 16, 16), "scattering_J3": (651, 8, 8)},
    "scattering_32px": {"scattering_J2": (243, 8, 8), "scattering_J3": (651, 4, 4)},
    "scattering": {"scattering_J2": (243, 56, 56), "scattering_J3": (651, 28, 28)},
    "hog_32px": {"hog_cell4": (36, 7, 7), "hog_cell8": (36, 3, 3)},
    "hog": {"hog_cell8": (36, 27, 27), "hog_cell16": (36, 13, 13)},
}


def photo(size: int) -> np.ndarray:
    """A photo (size, size, 3), float64 in [0, 1]."""
    return np.asarray(resize(astronaut(), (size, size), anti_aliasing=True), np.float64)


def features(name: str, image: np.ndarray, dtype: torch.dtype = torch.float64) -> dict[str, np.ndarray]:
    trunk = get_model_trunk(name)(AttrDict({}), name)
    batch = torch.from_numpy(image.transpose(2, 0, 1)[None]).to(dtype)
    batch = torch.cat([torch.zeros_like(batch), batch])
    found = trunk(batch, list(SHAPES[name]))
    return {key: value[1].numpy() for key, value in zip(SHAPES[name], found, strict=True)}


@pytest.mark.parametrize("scales", [2, 3])
def test_scattering_is_kymatios_of_each_colour(scales: int) -> None:
    from kymatio.scattering2d.frontend.numpy_frontend import ScatteringNumPy2D

    image = photo(32)
    ours = features("scattering_32px", image, torch.float32)[f"scattering_J{scales}"]
    oracle = ScatteringNumPy2D(J=scales, shape=(32, 32), L=8, max_order=2)
    theirs = np.concatenate([oracle(image[:, :, colour]) for colour in range(3)])
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("name", "cell"), [("hog_32px", 4), ("hog_32px", 8), ("hog", 16)])
def test_hog_is_scikit_images(name: str, cell: int) -> None:
    image = photo(224 if name == "hog" else 32)
    ours = features(name, image)[f"hog_cell{cell}"]
    blocks = hog(image, 9, (cell, cell), (2, 2), block_norm="L2-Hys", feature_vector=False, channel_axis=-1)
    theirs = blocks.reshape(*blocks.shape[:2], 36).transpose(2, 0, 1)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("name", SHAPES)
def test_the_probe_learns_from_the_trunk_what_to_probe(name: str) -> None:
    trunk = trunks.build_on_meta(AttrDict({"TRUNK": {"NAME": name}}))
    layers = trunks.probed_layers(trunk)
    shapes = trunks.feature_shapes(trunk, layers, trunks.input_size(trunk))
    assert list(shapes.items()) == list(SHAPES[name].items())
    for layer, shape in shapes.items():
        kind, (side,) = get_protocol("cifar-v1").pooling.op(layer, shape)
        assert kind == "AdaptiveMaxPool2d"
        assert shape[0] * side**2 <= 4608 < shape[0] * (side + 1) ** 2 or side == shape[1]
        assert get_protocol("paper-v1").pooling.op(layer, shape)[0] == kind


def test_wrong_sizes_and_checkpoints_are_refused(tmp_path) -> None:
    trunk = get_model_trunk("hog_32px")(AttrDict({}), "hog_32px")
    with pytest.raises(MonoImageError, match="takes images of 3 x 32 x 32, not 3 x 64 x 64"):
        trunk(torch.zeros(1, 3, 64, 64))
    weights = {"PARAMS_FILE": str(tmp_path / "any.torch")}
    (problem,) = weights_problems({"TRUNK": {"NAME": "hog_32px"}, "WEIGHTS_INIT": weights}, require_all=True)
    assert "trunk 'hog_32px' learns nothing" in problem
