"""Our AlexNets and ResNet-18 against VISSL's own classes with the same weights: every feature to the bit."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet
from vissl.config import AttrDict
from vissl.models.model_helpers import Flatten
from vissl.models.trunks import MODEL_TRUNKS_REGISTRY, get_model_trunk
from vissl.models.trunks.resnext import ResNeXt

from vissl_monoimage.config.compose import vissl_defaults
from vissl_monoimage.models.trunks.base import he_normal
from vissl_monoimage.models.trunks.registry import OURS, VISSLS, build_trunk, trunk_class

MODEL = AttrDict(vissl_defaults()["config"]["MODEL"])
# VISSL's trunk, and kernel, stride and padding of the first convolution that replaces its own.
ALEXNETS = {
    "alexnet_rotnet_64px": ("alexnet_rotnet", (7, 4, 3)),
    "alexnet_rotnet_32px": ("alexnet_rotnet", (5, 2, 2)),
    "alexnet_wide": ("alexnet_deepcluster", (11, 4, 2)),
    "alexnet_wide_64px": ("alexnet_deepcluster", (7, 4, 3)),
    "alexnet_wide_32px": ("alexnet_deepcluster", (5, 2, 2)),
}
RESNETS = ("resnet18", "resnet18_64px", "resnet18_32px")


def vissls_alexnet(name: str) -> Any:
    """VISSL's trunk with another first convolution, as `name` is defined; drawn from torch's generator."""
    vissls, (kernel, stride, padding) = ALEXNETS[name]
    trunk = get_model_trunk(vissls)(MODEL, vissls)
    widths = trunk._feature_blocks[0][0].out_channels
    trunk._feature_blocks[0][0] = nn.Conv2d(3, widths, kernel, stride, padding)
    if vissls == "alexnet_deepcluster":
        trunk.sobel = nn.Identity()
        he_normal(trunk)
    return trunk


def vissls_resnet18(**changes: Any) -> Any:
    """VISSL's ResNeXt, whose constructor knows bottlenecks alone, around torchvision's basic blocks."""
    trunk = ResNeXt.__new__(ResNeXt)
    nn.Module.__init__(trunk)
    trunk.model_config = AttrDict({**MODEL, **changes})
    trunk.use_checkpointing, trunk.num_checkpointing_splits = False, 2
    model = ResNet(BasicBlock, [2, 2, 2, 2])
    blocks = {"conv1": model.conv1, "bn1": model.bn1, "conv1_relu": model.relu}
    blocks |= {name: model.get_submodule(name) for name in ("maxpool", "layer1", "layer2", "layer3", "layer4")}
    trunk._feature_blocks = nn.ModuleDict({**blocks, "avgpool": model.avgpool, "flatten": Flatten(1)})
    stages = {"conv1": "conv1_relu", "res1": "maxpool", "res5avg": "avgpool", "flatten": "flatten"}
    trunk.feat_eval_mapping = stages | {f"res{number + 1}": f"layer{number}" for number in range(1, 5)}
    return trunk


def images_for(name: str, count: int = 3) -> Tensor:
    size = trunk_class(name).input_size
    images = torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))
    return images.contiguous(memory_format=torch.channels_last)  # the layout ours choose; other layouts round otherwise


def assert_same_features(ours: nn.Module, theirs: nn.Module, images: Tensor, names: list[str]) -> None:
    """In train mode, which changes the running statistics, and then in eval mode."""
    theirs.load_state_dict(ours.state_dict())
    for training in (True, False):
        ours.train(training)
        theirs.train(training)
        for name, mine, wanted in zip(names, ours(images, names), theirs(images, names), strict=True):
            assert torch.equal(mine, wanted), (name, training)
        assert all(torch.equal(a, b) for a, b in zip(ours(images), theirs(images, names[-1:]), strict=True))
    states = zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states)


@pytest.mark.parametrize("name", ALEXNETS)
def test_an_alexnet_has_vissls_features_and_the_same_draws(name: str) -> None:
    torch.manual_seed(3)
    theirs = vissls_alexnet(name)
    torch.manual_seed(3)
    ours = build_trunk(name)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, drawn in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], drawn), key
    assert_same_features(ours, theirs, images_for(name), theirs.all_feat_names)


def test_convnet4_sees_edges_by_vissls_sobel_filter() -> None:
    """Beyond it the network is convnet4 with a conv1 for two channels."""
    images, trunk = images_for("convnet4_sobel"), build_trunk("convnet4_sobel").eval()
    edges = get_model_trunk("alexnet_deepcluster")(MODEL, "alexnet_deepcluster").sobel(images)
    sobel, *conv1 = trunk._feature_blocks[0]
    torch.testing.assert_close(sobel(images), edges, rtol=1e-5, atol=1e-5)
    rest = torch.nn.Sequential(*conv1, *list(trunk._feature_blocks)[1:])
    torch.testing.assert_close(trunk(images)[0], rest(edges), rtol=1e-4, atol=1e-4)
    weights, plain = trunk.state_dict(), build_trunk("convnet4").state_dict()
    assert [tuple(value.shape) for value in weights.values()][1:] == [tuple(value.shape) for value in plain.values()][
        1:
    ]
    assert next(iter(weights.values())).shape == (64, 2, 3, 3)


@pytest.mark.parametrize("name", RESNETS)
def test_resnet18_has_the_features_of_vissls_forward_pass(name: str) -> None:
    names = ["conv1", "res1", "res2", "res3", "res4", "res5", "res5avg", "flatten"]
    assert_same_features(build_trunk(name), vissls_resnet18(), images_for(name), names)


def test_features_come_in_the_order_asked_for_and_as_often() -> None:
    trunk, images = build_trunk("resnet18_32px").eval(), images_for("resnet18_32px")
    res5, conv1, again = trunk(images, ["res5", "conv1", "res5"])
    assert conv1.shape[1] == 64
    assert res5.shape[1] == 512
    assert torch.equal(res5, again)


@pytest.mark.parametrize("name", [*ALEXNETS, *RESNETS, "convnet4", "alexnet_bigan_64px", "sparse_coding", "hog_32px"])
def test_vissls_registry_makes_the_same_trunk(name: str) -> None:
    torch.manual_seed(5)
    by_vissl = get_model_trunk(name)(MODEL, name).eval()
    torch.manual_seed(5)
    plain = build_trunk(name).eval()
    images = images_for(name, 1)
    assert type(by_vissl).__name__ == type(plain).__name__
    assert list(by_vissl.state_dict()) == list(plain.state_dict())
    for theirs, ours in zip(by_vissl(images), plain(images), strict=True):
        assert torch.equal(theirs, ours)


def test_vissls_options_of_a_resnet_are_followed() -> None:
    """Activation checkpointing changes no gradient; BGR is RGB with its channels turned round."""
    checkpointing = {**MODEL.ACTIVATION_CHECKPOINTING, "USE_ACTIVATION_CHECKPOINTING": True}
    images = images_for("resnet18_32px", 4)
    gradients = []
    for changes in ({}, {"ACTIVATION_CHECKPOINTING": AttrDict(checkpointing)}):
        torch.manual_seed(5)
        trunk = get_model_trunk("resnet18_32px")(AttrDict({**MODEL, **changes}), "resnet18_32px")
        trunk(images.clone(), ["res5"])[0].square().sum().backward()
        gradients.append(trunk._feature_blocks["conv1"].weight.grad)
    torch.testing.assert_close(*gradients)
    torch.manual_seed(5)
    bgr = get_model_trunk("resnet18_32px")(AttrDict({**MODEL, "INPUT_TYPE": "bgr"}), "resnet18_32px").eval()
    torch.manual_seed(5)
    rgb = build_trunk("resnet18_32px").eval()
    torch.testing.assert_close(bgr(images)[0], rgb(images.flip(1))[0])


def test_the_names_of_vissls_trunks_are_those_it_registers() -> None:
    assert {name for name, build in MODEL_TRUNKS_REGISTRY.items() if build.__module__.startswith("vissl.")} == set(
        VISSLS
    )
    assert set(OURS) <= set(MODEL_TRUNKS_REGISTRY)
