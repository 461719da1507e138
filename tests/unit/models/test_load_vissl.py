"""VISSL's models filled from checkpoints: refused, filled in part and reported, and what the settings do."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor
from torchvision.models import resnet50
from vissl.config import AttrDict
from vissl.models import build_model

from vissl_monoimage.config.checks import run_checks
from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.load_vissl import load_model
from vissl_monoimage.models.checkpoint.report import LoadReport
from vissl_monoimage.models.checkpoint.validate import check_weights
from vissl_monoimage.models.trunks.registry import build_trunk

ROTNET = "config=pretrain/monoimage/rotnet_convnet4"
RESNET50 = "config=pretrain/monoimage/rotnet_resnet50"
VISSLS_PROBE = "config=benchmark/linear_image_classification/imagenet1k/eval_resnet_8gpu_transfer_in1k_linear"
SKIP = "config.MODEL.WEIGHTS_INIT.SKIP_LAYERS"


def composed(path: str, *overrides: str) -> AttrDict:
    words = [*overrides, f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={path}"]
    config = AttrDict(OmegaConf.to_container(compose_config(words).config, resolve=True))
    config.MODEL._MODEL_INIT_SEED = 0  # VISSL's launcher does this
    return config


def loaded(config: AttrDict, require_all: bool = False) -> tuple[Any, LoadReport]:
    assert run_checks([check_weights], config) == []
    torch.manual_seed(0)
    model = build_model(config.MODEL, config.OPTIMIZER)
    return model, load_model(model, config, require_all)


def saved(path: Path, content: Any) -> str:
    torch.save(content, path)
    return str(path)


def vissls(trunk: dict[str, Tensor], heads: dict[str, Tensor] | None = None) -> Any:
    return {"classy_state_dict": {"base_model": {"model": {"trunk": trunk, "heads": heads or {}}}}}


def convnet4() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return dict(build_trunk("convnet4").state_dict())


def test_nothing_that_matches_is_refused_before_the_run(tmp_path: Path) -> None:
    path = saved(tmp_path / "other.torch", resnet50().state_dict())
    (problem,) = run_checks([check_weights], composed(path, ROTNET))
    assert problem.startswith(
        f"{path} is a checkpoint of another architecture than trunk 'convnet4': it holds bn1.bias"
    )
    config = composed(path, ROTNET)
    with pytest.raises(MonoImageError, match="another architecture than trunk 'convnet4'"):
        load_model(build_model(config.MODEL, config.OPTIMIZER), config, require_all=False)


def test_the_same_names_with_other_shapes_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "alexnet.torch", vissls(dict(build_trunk("alexnet_rotnet_32px").state_dict())))
    (problem,) = run_checks([check_weights], composed(path, ROTNET))
    assert "of another architecture than trunk 'convnet4'" in problem
    assert "_feature_blocks.0.0.weight [64, 3, 5, 5] instead of [64, 3, 3, 3]" in problem


def test_a_part_is_loaded_and_counted(tmp_path: Path) -> None:
    state = convnet4()
    part = {name: value for name, value in state.items() if not name.startswith("_feature_blocks.6")}
    model, report = loaded(composed(saved(tmp_path / "part.torch", vissls(part)), ROTNET))
    ours = model.trunk.state_dict()
    assert all(torch.equal(ours[name], value) for name, value in part.items())
    assert not torch.equal(ours["_feature_blocks.6.0.weight"], state["_feature_blocks.6.0.weight"])
    assert (report.loaded, report.total) == (18, 24)
    assert {name.split(".")[1] for name in report.initial} == {"6"}
    assert "18 of 24 tensors of trunk 'convnet4' loaded" in str(report)
    assert "initial values stay in _feature_blocks.6.0.bias" in str(report)


def test_heads_are_loaded_where_they_fit_and_refused_where_they_do_not(tmp_path: Path) -> None:
    torch.manual_seed(9)
    config = composed("", ROTNET)
    other = build_model(config.MODEL, config.OPTIMIZER)
    heads = {name: value + 1 for name, value in other.heads.state_dict().items()}
    path = saved(tmp_path / "run.torch", vissls(other.trunk.state_dict(), heads))
    model, report = loaded(composed(path, ROTNET))
    assert all(torch.equal(value, heads[name]) for name, value in model.heads.state_dict().items() if "num" not in name)
    assert report.heads_loaded == report.heads_total > 0
    assert f"; {report.heads_total} of {report.heads_total} of its heads" in str(report)

    name = next(name for name in heads if name.endswith("weight"))
    path = saved(tmp_path / "wider.torch", vissls(other.trunk.state_dict(), {**heads, name: torch.ones(3, 3)}))
    with pytest.raises(
        MonoImageError, match=r"has other heads than this model: .*SKIP_LAYERS=\[num_batches_tracked,heads\]"
    ):
        loaded(composed(path, ROTNET))
    model, report = loaded(composed(path, ROTNET, f"{SKIP}=[num_batches_tracked,heads]"))
    assert report.heads_loaded == 0
    assert torch.equal(
        model.trunk.state_dict()["_feature_blocks.0.0.weight"], other.trunk.state_dict()["_feature_blocks.0.0.weight"]
    )


@pytest.mark.parametrize(
    "overrides",
    [
        (),  # VISSL's default names the state dict classy_state_dict, which torchvision's file does not have
        (
            "config.MODEL.WEIGHTS_INIT.STATE_DICT_KEY_NAME=''",
            "config.MODEL.WEIGHTS_INIT.APPEND_PREFIX=trunk._feature_blocks.",
        ),
    ],
)
def test_torchvisions_resnet50_fills_vissls(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    torch.manual_seed(4)
    network = resnet50(num_classes=5).state_dict()
    model, report = loaded(composed(saved(tmp_path / "resnet50.pth", network), RESNET50, *overrides))
    ours = model.trunk.state_dict()
    for name, value in network.items():
        if not name.startswith("fc.") and "num_batches" not in name:
            assert torch.equal(ours[f"_feature_blocks.{name}"], value), name
    assert (report.loaded, report.total) == (53 * 5, 53 * 5)
    assert bool(report.naming) == (not overrides)


@pytest.mark.parametrize("documented", [False, True])
def test_vissls_own_probe_of_a_torchvision_resnet50_is_filled(tmp_path: Path, documented: bool) -> None:
    network = resnet50(num_classes=5).state_dict()
    path = saved(tmp_path / "resnet50.pth", network)
    init = "config.MODEL.WEIGHTS_INIT"
    overrides = [f"{init}.STATE_DICT_KEY_NAME=''", f"{init}.APPEND_PREFIX=trunk.base_model._feature_blocks."]
    model, report = loaded(composed(path, VISSLS_PROBE, *(overrides if documented else [])), require_all=True)
    weight = model.trunk.base_model.state_dict()["_feature_blocks.layer4.2.conv3.weight"]
    assert torch.equal(weight, network["layer4.2.conv3.weight"])
    assert report.loaded == report.total
    del network["layer4.2.conv3.weight"]
    (problem,) = run_checks([check_weights], composed(saved(tmp_path / "less.pth", network), VISSLS_PROBE))
    assert "lacks 1 of the 265 tensors of trunk 'resnet': _feature_blocks.layer4.2.conv3.weight" in problem


def test_a_transformer_for_images_of_another_size_is_refused(tmp_path: Path) -> None:
    """Its position embeddings have another length, and VISSL's way to interpolate them fails."""

    def transformer(path: str, pixels: int) -> AttrDict:
        vit = "config.MODEL.TRUNK.VISION_TRANSFORMERS"
        small = [f"{vit}.NUM_LAYERS=1", f"{vit}.HIDDEN_DIM=16", f"{vit}.MLP_DIM=16", f"{vit}.NUM_HEADS=4"]
        named = ["config=pretrain/vision_transformer/supervised/1gpu_convit_s_example", f"{vit}.IMAGE_SIZE={pixels}"]
        heads = "config.MODEL.HEAD.PARAMS=[[mlp,{dims:[16,4]}]]"
        return composed(path, *named, *small, "config.MODEL.TRUNK.CONVIT.N_GPSA_LAYERS=1", heads)

    config = transformer("", 32)
    torch.manual_seed(2)
    other = build_model(config.MODEL, config.OPTIMIZER)
    path = saved(tmp_path / "vit.torch", vissls(other.trunk.state_dict(), other.heads.state_dict()))
    (problem,) = run_checks([check_weights], transformer(path, 64))
    assert problem.endswith("trunk 'convit': pos_embedding [1, 4, 16] instead of [1, 16, 16]")
    model, report = loaded(transformer(path, 32))
    assert report.loaded == report.total > 10
    for name, value in other.trunk.state_dict().items():
        assert torch.equal(model.trunk.state_dict()[name], value), name
