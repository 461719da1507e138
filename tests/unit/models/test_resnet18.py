"""ResNet-18 against torchvision's with the same weights, and its layers under VISSL's names and in the probes."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn
from torchvision.models import resnet18
from vissl.config import AttrDict
from vissl.models import build_model
from vissl.models.trunks import get_model_trunk

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models import features as trunks
from vissl_monoimage.models.checkpoint.validate import check_weights
from vissl_monoimage.probe.configure import configure_probe

STAGES = ["res2", "res3", "res4", "res5"]
# VISSL's names of ResNet features, and torchvision's of the modules that give them.
MODULES = {
    "conv1": "relu",
    "res1": "maxpool",
    "res2": "layer1",
    "res3": "layer2",
    "res4": "layer3",
    "res5": "layer4",
    "res5avg": "avgpool",
}


def composed(*overrides: str) -> AttrDict:
    config = AttrDict(OmegaConf.to_container(compose_config(list(overrides)).config))
    config.MODEL._MODEL_INIT_SEED = config.SEED_VALUE  # VISSL's launcher does this
    return config


def trunk(name: str = "resnet18", *overrides: str) -> Any:
    config = composed("config=pretrain/monoimage/rotnet_resnet18", *overrides)
    return get_model_trunk(name)(config.MODEL, name)


def torchvisions() -> nn.Module:
    """torchvision's network with statistics and affine parts that are not 0 and 1."""
    torch.manual_seed(0)
    model = resnet18()
    for key, value in model.state_dict().items():
        if value.dtype == torch.float32 and value.ndim == 1:
            value.uniform_(0.5, 1.5) if "weight" in key or "var" in key else value.uniform_(-0.5, 0.5)
    return model


def with_weights_of(model: nn.Module, name: str = "resnet18") -> nn.Module:
    ours: nn.Module = trunk(name)
    weights = {f"_feature_blocks.{key}": value for key, value in model.state_dict().items() if key[:2] != "fc"}
    ours.load_state_dict(weights)  # strict: the same names and shapes, none more and none less
    return ours


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("name", "size"), [("resnet18", 97), ("resnet18_64px", 64), ("resnet18_32px", 32)])
def test_every_feature_is_torchvisions(name: str, size: int, training: bool) -> None:
    theirs, images, expected = torchvisions().train(training), torch.rand(4, 3, size, size), {}
    ours = with_weights_of(theirs, name).train(training)
    for feature, module in MODULES.items():
        hook = lambda _, __, output, feature=feature: expected.setdefault(feature, output.clone())  # noqa: E731
        theirs.get_submodule(module).register_forward_hook(hook)
    with torch.no_grad():
        theirs(images)
        features = ours(images, [*MODULES, "flatten"])
        last = ours.eval()(images)
    for name, feature in zip(MODULES, features, strict=False):
        torch.testing.assert_close(feature, expected[name], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(features[-1], expected["res5avg"].flatten(1), rtol=1e-3, atol=1e-3)
    assert [one.shape for one in last] == [(4, 512)]


def test_names_are_those_of_vissls_resnet() -> None:
    ours, vissls = trunk(), trunk("resnet")
    assert ours.feat_eval_mapping == vissls.feat_eval_mapping
    assert list(ours._feature_blocks) == list(vissls._feature_blocks)


@pytest.mark.parametrize(
    ("name", "size", "sides"),
    [
        ("resnet18", 224, (112, 56, 56, 28, 14, 7)),
        ("resnet18_64px", 64, (32, 16, 16, 8, 4, 2)),
        ("resnet18_32px", 32, (16, 8, 8, 4, 2, 1)),
    ],
)
def test_shapes_are_those_its_table_says(name: str, size: int, sides: tuple[int, ...]) -> None:
    config = composed("config=pretrain/monoimage/rotnet_resnet18", f"config.MODEL.TRUNK.NAME={name}")
    built = trunks.build_on_meta(config.MODEL)
    shapes = trunks.feature_shapes(built, list(MODULES)[:6], trunks.input_size(built))
    channels = (64, 64, 64, 128, 256, 512)
    assert trunks.input_size(built) == size
    assert list(shapes.values()) == [(width, side, side) for width, side in zip(channels, sides, strict=True)]


def test_what_it_cannot_have_is_refused_and_what_it_can_is_used() -> None:
    with pytest.raises(MonoImageError, match=r"trunk resnet18 does not have .*RESNETS\.WIDTH_MULTIPLIER=2 \(only 1\)"):
        trunk("resnet18", "config.MODEL.TRUNK.RESNETS.WIDTH_MULTIPLIER=2")
    normed = trunk("resnet18", "config.MODEL.TRUNK.RESNETS.NORM=GroupNorm")
    assert any(isinstance(module, nn.GroupNorm) for module in normed.modules())
    zeroed = trunk("resnet18", "config.MODEL.TRUNK.RESNETS.ZERO_INIT_RESIDUAL=true")
    assert not zeroed.state_dict()["_feature_blocks.layer3.1.bn2.weight"].any()
    with pytest.raises(MonoImageError, match="takes images of 3 x 64 x 64, not 3 x 32 x 32: "):
        trunk("resnet18_64px")(torch.rand(2, 3, 32, 32))


@pytest.mark.parametrize(
    ("probe", "name", "shapes"),
    [
        ("cifar10", "resnet18_32px", [(64, 8, 8), (128, 4, 4), (256, 2, 2), (512, 1, 1)]),
        ("cifar10", "resnet18_64px", [(64, 8, 8), (128, 6, 6), (256, 4, 4), (512, 2, 2)]),
        ("photo_patches", "resnet18_64px", [(64, 6, 6), (128, 4, 4), (256, 3, 3), (512, 2, 2)]),
        ("imagenet1k", "resnet18", [(64, 12, 12), (128, 8, 8), (256, 6, 6), (512, 4, 4)]),
        ("imagenet1k", "resnet", [(256, 6, 6), (512, 4, 4), (1024, 3, 3), (2048, 2, 2)]),
    ],
)
def test_the_probes_of_every_trunk_are_those_of_a_resnets_stages(probe: str, name: str, shapes: list[Any]) -> None:
    config = composed(f"config=benchmark/monoimage/linear_{probe}", f"config.MODEL.TRUNK.NAME={name}")
    configure_probe(config)
    assert config.METERS.accuracy_list_meter.meter_names == STAGES
    assert [tuple(kwargs["shape"]) for _, kwargs in config.MODEL.HEAD.PARAMS] == shapes
    assert config.MONOIMAGE.PROTOCOL_CHANGES == []
    if name.endswith("px"):
        size = int(name[9:11])
        model = build_model(config.MODEL, config.OPTIMIZER)
        classes = config.MODEL.HEAD.PARAMS[0][1]["num_classes"]
        assert [logits.shape for logits in model(torch.rand(2, 3, size, size))] == [(2, classes)] * 4


def test_the_papers_limit_gives_a_resnet50_the_sizes_of_vissls_probes() -> None:
    config = composed("config=benchmark/monoimage/linear_imagenet1k", "config.MODEL.TRUNK.NAME=resnet")
    configure_probe(config)
    vissls = composed("config=benchmark/linear_image_classification/imagenet1k/eval_resnet_8gpu_transfer_in1k_linear")
    expected = [kwargs["dims"][0] for _, kwargs in vissls.MODEL.HEAD.PARAMS[1:]]  # after conv1
    assert [math.prod(kwargs["shape"]) for _, kwargs in config.MODEL.HEAD.PARAMS] == expected


def test_a_checkpoint_fits_every_size_and_no_other_depth(tmp_path: Path) -> None:
    path = str(tmp_path / "rotnet.torch")
    torch.save({"classy_state_dict": {"base_model": {"model": {"trunk": trunk().state_dict(), "heads": {}}}}}, path)
    probe = ["config=benchmark/monoimage/linear_cifar10", f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={path}"]
    for name in ("resnet18", "resnet18_64px", "resnet18_32px"):
        assert list(check_weights(composed(*probe, f"config.MODEL.TRUNK.NAME={name}"))) == []
    problems = "; ".join(check_weights(composed(*probe, "config.MODEL.TRUNK.NAME=resnet")))
    assert "_feature_blocks.layer1.0.bn3" in problems
