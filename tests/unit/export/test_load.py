"""Plain trunks against the same checkpoints inside VISSL, feature by feature to the bit, and what is refused."""

from __future__ import annotations

import vissl_monoimage  # mends VISSL before it is imported

# isort: split
import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from vissl.config import AttrDict
from vissl.models.trunks import get_model_trunk
from vissl.utils.hydra_config import save_attrdict_to_disk

from vissl_monoimage import load_trunk
from vissl_monoimage.config.compose import vissl_defaults
from vissl_monoimage.models.checkpoint.file import save_trunk
from vissl_monoimage.models.features import feature_names
from vissl_monoimage.models.trunks.registry import OURS, fixed_features, trunk_class

DEFAULTS = vissl_defaults()["config"]
LEARNED = [name for name in OURS if not fixed_features(name)]
FIXED = [name for name in OURS if fixed_features(name)]
RESNETS: dict[str, dict[str, Any]] = {
    "resnet50": {},
    "resnext50": {"GROUPS": 32, "WIDTH_PER_GROUP": 4},
    "resnet101": {"DEPTH": 101},
    "resnet50w2": {"WIDTH_MULTIPLIER": 2},
}
SLOW = ("resnet101", "resnet50w2")
WITH_CONFIG: dict[str, dict[str, Any]] = {
    "stride": {"LAYER4_STRIDE": 1},
    "group_norm": {"NORM": "GroupNorm", "GROUPNORM_GROUPS": 16},
    "bgr": {},
}


def in_vissl(name: str, model: AttrDict) -> nn.Module:
    """VISSL's own trunk, with other statistics than the initial ones in its batch norms."""
    torch.manual_seed(1)
    trunk: nn.Module = get_model_trunk(name)(model, name).eval()
    for layer in trunk.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.8, 1.2)
    return trunk


def model_of(name: str, resnets: dict[str, Any] | None = None, colours: str = "rgb") -> AttrDict:
    model = AttrDict(copy.deepcopy(DEFAULTS["MODEL"]))
    model.TRUNK.NAME, model.INPUT_TYPE, model._MODEL_INIT_SEED = name, colours, 0
    model.TRUNK.RESNETS.update(resnets or {})
    return model


def run_folder(folder: Path, model: AttrDict, transforms: list[dict[str, Any]]) -> None:
    """Write the configuration of a run with VISSL's function."""
    config = AttrDict(copy.deepcopy({**DEFAULTS, "MODEL": model}))
    config.CHECKPOINT.DIR, config.DATA.TRAIN.TRANSFORMS = str(folder), transforms
    save_attrdict_to_disk(config)


def assert_same(plain: Any, theirs: nn.Module, images: Tensor) -> None:
    names = feature_names(theirs)
    features = plain(images)
    assert list(features) == list(plain.layers) == names
    assert not plain.training
    for name, wanted in zip(names, theirs(images, names), strict=True):
        assert torch.equal(features[name], wanted), name


@pytest.mark.parametrize("name", LEARNED)
def test_our_trunks_have_vissls_features(name: str, tmp_path: Path) -> None:
    theirs, size = in_vissl(name, model_of(name)), trunk_class(name).input_size
    save_trunk(theirs, tmp_path / "checkpoint.torch")
    plain = load_trunk(tmp_path / "checkpoint.torch", name)
    assert (plain.trunk, plain.input_size) == (name, size)
    assert_same(plain, theirs, torch.randn(2, 3, size, size))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "scattering")) for name in FIXED]
)
def test_fixed_features_are_vissls(name: str, tmp_path: Path) -> None:
    theirs, size = in_vissl(name, model_of(name)), trunk_class(name).input_size
    save_trunk(theirs, tmp_path / "checkpoint.torch")
    assert_same(load_trunk(tmp_path / "checkpoint.torch", name), theirs, torch.rand(1, 3, size, size))


@pytest.mark.parametrize("case", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in RESNETS])
def test_vissls_resnets_are_known_by_the_shapes_in_a_checkpoint(case: str, tmp_path: Path) -> None:
    theirs = in_vissl("resnet", model_of("resnet", RESNETS[case]))
    save_trunk(theirs, tmp_path / "resnet.torch")
    assert_same(load_trunk(tmp_path / "resnet.torch", "resnet"), theirs, torch.randn(2, 3, 64, 64))


@pytest.mark.parametrize("case", WITH_CONFIG)
def test_vissls_resnets_follow_the_configuration_of_their_run(case: str, tmp_path: Path) -> None:
    model = model_of("resnet", WITH_CONFIG[case], "bgr" if case == "bgr" else "rgb")
    theirs = in_vissl("resnet", model)
    run_folder(tmp_path, model, [])
    save_trunk(theirs, tmp_path / "model_final_checkpoint_phase0.torch")
    assert_same(load_trunk(tmp_path / "model_final_checkpoint_phase0.torch"), theirs, torch.randn(2, 3, 64, 64))


def test_size_and_normalisation_are_those_of_the_run(tmp_path: Path) -> None:
    model = model_of("resnet18")
    save_trunk(in_vissl("resnet18", model), tmp_path / "checkpoint.torch")
    normalise = {"name": "Normalize", "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7]}
    run_folder(tmp_path, model, [{"name": "RandomResizedCrop", "size": 96}, {"name": "ToTensor"}, normalise])
    plain = load_trunk(tmp_path / "checkpoint.torch")
    assert (plain.input_size, plain.mean, plain.std) == (96, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    grey = plain.normalise(torch.full((1, 3, 1, 1), 0.8)).flatten().tolist()
    assert grey == pytest.approx([0.7 / 0.5, 0.6 / 0.6, 0.5 / 0.7])
    run_folder(tmp_path, model, [{"name": "ToTensor"}])
    assert (load_trunk(tmp_path / "checkpoint.torch").mean) == (0, 0, 0)  # the run did not normalise


def test_an_assumed_normalisation_is_said_to_be_one(tmp_path: Path) -> None:
    save_trunk(in_vissl("convnet4", model_of("convnet4")), tmp_path / "w.torch")
    assert load_trunk(tmp_path / "w.torch", "convnet4").config.normalisation_from.startswith("not known")


def test_the_transform_makes_images_of_a_photo(tmp_path: Path) -> None:
    from PIL import Image

    save_trunk(in_vissl("convnet4", model_of("convnet4")), tmp_path / "w.torch")
    plain = load_trunk(tmp_path / "w.torch", "convnet4", layers=["conv3", "conv1"])
    image = plain.transform(Image.new("L", (80, 50), 255))
    assert image.shape == (3, 32, 32)
    torch.testing.assert_close(image[:, 9, 9], plain.normalise(torch.ones(3, 1, 1)).flatten())
    assert list(plain(image[None])) == ["conv3", "conv1"]
    assert plain.probed_layers == ("conv1", "conv3")


def test_the_package_has_load_trunk_and_no_other_new_names() -> None:
    assert {"load_trunk", "PretrainedTrunk"} <= set(dir(vissl_monoimage)) & set(vissl_monoimage.__all__)
    with pytest.raises(AttributeError, match="no attribute 'load_trunks'"):
        vissl_monoimage.load_trunks  # noqa: B018
