"""A trunk from a checkpoint: every format, the whole trunk or a refusal, and one reading of the file."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import copy
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from vissl.config import AttrDict
from vissl.models import build_model

from vissl_monoimage.config.checks import run_checks
from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256, read_checkpoint, release_checkpoint
from vissl_monoimage.models.checkpoint.load import fill
from vissl_monoimage.models.checkpoint.load_vissl import load_model
from vissl_monoimage.models.checkpoint.validate import check_weights
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.probe.configure import configure_probe

VISSLS = "config=benchmark/linear_image_classification/imagenet1k/eval_alexnet_8gpu_transfer_in1k_linear"
CIFAR = "config=benchmark/monoimage/linear_cifar10"


def composed(*overrides: str) -> AttrDict:
    config = AttrDict(OmegaConf.to_container(compose_config(list(overrides)).config))
    config.MODEL._MODEL_INIT_SEED = config.SEED_VALUE  # VISSL's launcher does this
    return config


def problems_of(path: str, config: AttrDict) -> list[str]:
    """What the check of a run of `config` with these weights says."""
    config = copy.deepcopy(config)
    config.MODEL.WEIGHTS_INIT.PARAMS_FILE = path
    return run_checks([check_weights], config)


def prepared(path: str) -> AttrDict:
    config = composed(CIFAR, f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={path}")
    configure_probe(config)
    return config


def trunk_state(name: str = "convnet4") -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return build_trunk(name).state_dict()


def saved(path: Path, trunk: Any, how: str = "vissl") -> str:
    """Write `trunk` to `path` in one of the formats that hold trunks."""
    if how in ("vissl", "probe"):  # a probe's own checkpoint has the trunk inside VISSL's feature extractor
        weights = {f"base_model.{key}": value for key, value in trunk.items()} if how == "probe" else trunk
        checkpoint: Any = {"classy_state_dict": {"base_model": {"model": {"trunk": weights, "heads": {}}}}}
    elif how == "state_dict":
        checkpoint = {"state_dict": {f"module.{key}": value for key, value in trunk.items()}, "epoch": 3}
    else:
        checkpoint = trunk
    torch.save(checkpoint, path)
    return str(path)


@pytest.mark.parametrize("how", ["vissl", "plain", "state_dict", "probe"])
def test_a_trunk_is_loaded_from_every_format(tmp_path, how):
    state = trunk_state()
    path = saved(tmp_path / "trunk.torch", state, how)
    config = prepared(path)
    assert problems_of(path, config) == []
    model = build_model(config.MODEL, config.OPTIMIZER)
    report = load_model(model, config, require_all=True)
    loaded = model.trunk.base_model.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())
    assert str(report) == f"{path}: 24 of 24 tensors of trunk 'convnet4' loaded"


def test_safetensors_are_read(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    path = tmp_path / "trunk.safetensors"
    safetensors.save_file(trunk_state(), path)
    assert problems_of(str(path), composed(CIFAR)) == []
    path.write_bytes(b"not safetensors")
    assert "no file of safetensors" in problems_of(str(path), composed(CIFAR))[0]


def test_an_incomplete_trunk_is_refused_by_name(tmp_path):
    state = {key: value for key, value in trunk_state().items() if not key.startswith("_feature_blocks.6.0")}
    path = saved(tmp_path / "half.torch", state)
    config = prepared(path)
    missing = "_feature_blocks.6.0.bias, _feature_blocks.6.0.weight"
    assert problems_of(path, config) == [f"{path} lacks 2 of the 24 tensors of trunk 'convnet4': {missing}"]
    model = build_model(config.MODEL, config.OPTIMIZER)
    with pytest.raises(MonoImageError, match=r"lacks 2 of the 24 tensors"):
        load_model(model, config, require_all=True)


def test_another_architecture_is_named(tmp_path):
    path = saved(tmp_path / "other.torch", trunk_state("alexnet_rotnet_32px"))
    problems = "; ".join(problems_of(path, composed(CIFAR)))
    assert "tensors that trunk 'convnet4' lacks: _feature_blocks.5" in problems
    assert "_feature_blocks.0.0.weight [64, 3, 5, 5] instead of [64, 3, 3, 3]" in problems


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    config = composed(CIFAR)
    assert problems_of("", config) == []
    assert "no checkpoint at 'missing.torch'" in problems_of("missing.torch", config)[0]
    text = tmp_path / "notes.torch"
    text.write_text("hello")
    assert "notes.torch: not loaded" in problems_of(str(text), config)[0]
    assert "holds no trunk" in problems_of(saved(tmp_path / "a.torch", {"epoch": 3}, "plain"), config)[0]
    assert "holds a list" in problems_of(saved(tmp_path / "b.torch", [1, 2], "plain"), config)[0]
    other = saved(tmp_path / "c.torch", {"fc.weight": torch.ones(2)}, "plain")
    assert "another architecture than trunk 'convnet4'" in problems_of(other, config)[0]


def test_vissls_own_linear_config_is_checked_as_vissl_loads(tmp_path):
    path = saved(tmp_path / "rotnet.torch", trunk_state("alexnet_rotnet"))
    model = ["+config/benchmark/linear_image_classification/imagenet1k/models=alexnet_rotnet"]
    key = "config.MODEL.WEIGHTS_INIT.STATE_DICT_KEY_NAME="
    assert problems_of(path, composed(VISSLS, *model, key + "classy_state_dict")) == []
    assert "set it to classy_state_dict" in problems_of(path, composed(VISSLS, *model, key + "model_state_dict"))[0]
    wide = problems_of(path, composed(VISSLS, key + "classy_state_dict"))
    assert any("alexnet_deepcluster" in problem for problem in wide)
    plain = saved(tmp_path / "plain.torch", trunk_state("alexnet_rotnet"), "plain")
    prefix = "config.MODEL.WEIGHTS_INIT.APPEND_PREFIX=trunk.base_model."
    assert problems_of(plain, composed(VISSLS, *model, key, prefix)) == []


# ---- one reading ----

OPENED: list[str] = []
_LISTENING: list[Path] = []


def _note_opening(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _LISTENING and isinstance(arguments[0], str) and _LISTENING[0].samefile(arguments[0]):
        OPENED.append(arguments[0])


sys.addaudithook(_note_opening)  # for the rest of the process: it does nothing unless _LISTENING


@pytest.fixture
def openings(tmp_path: Path) -> Any:
    """How often the file `tmp_path / trunk.torch` is opened from here on."""
    release_checkpoint()
    OPENED.clear()
    yield lambda: _LISTENING.append(tmp_path / "trunk.torch")
    _LISTENING.clear()
    release_checkpoint()


def test_check_load_and_hash_open_the_file_once(tmp_path: Path, openings: Any) -> None:
    path = saved(tmp_path / "trunk.torch", trunk_state())
    config = composed(CIFAR)
    openings()
    assert problems_of(path, config) == []
    trunk = build_trunk("convnet4")
    fill(trunk, "convnet4", read_checkpoint(path), path)
    release_checkpoint()
    digest = checkpoint_sha256(path)
    assert len(OPENED) == 1
    assert digest == hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_a_file_that_was_written_again_is_read_again(tmp_path: Path, openings: Any) -> None:
    path = saved(tmp_path / "trunk.torch", trunk_state())
    openings()
    before = checkpoint_sha256(path), read_checkpoint(path)
    state = {key: value + 1 for key, value in trunk_state().items()}
    saved(tmp_path / "trunk.torch", state)  # as many bytes as before
    os.utime(path, ns=(0, 0))
    assert checkpoint_sha256(path) != before[0]
    trunk = read_checkpoint(path)["classy_state_dict"]["base_model"]["model"]["trunk"]
    assert all(torch.equal(trunk[key], value) for key, value in state.items())


def test_released_memory_is_free(tmp_path: Path, openings: Any) -> None:
    import weakref

    path = saved(tmp_path / "trunk.torch", {"big.weight": torch.zeros(1000)}, "plain")
    tensor = weakref.ref(read_checkpoint(path)["big.weight"])
    assert tensor() is not None
    release_checkpoint()
    assert tensor() is None
