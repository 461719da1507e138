"""Checkpoints of other libraries: whose names are read for a trunk's, and when they are called another architecture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models import resnet18, resnet34

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.load import fill
from vissl_monoimage.models.checkpoint.match import find_trunk_weights
from vissl_monoimage.models.checkpoint.report import LoadReport
from vissl_monoimage.models.checkpoint.tensors import WeightsSettings
from vissl_monoimage.models.trunks.registry import build_trunk

State = dict[str, Tensor]
with torch.device("meta"):
    SHAPES, OURS = dict(resnet18().state_dict()), build_trunk("resnet18_32px").state_dict()
TENSORS = 20 * 5  # of ResNet-18's 20 convolutions with batch norm, less the counters of batches


def torchvisions(seed: int = 1) -> State:
    torch.manual_seed(seed)
    return dict(resnet18(num_classes=7).state_dict())


def under(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


def copied(prefix: str) -> State:
    """Another network of the same architecture, which must not be taken."""
    return under(prefix, torchvisions(seed=2))


# Each as its library writes it, with what stands beside the network; the names as they are read.
LIBRARIES: dict[str, tuple[Callable[[State], Any], str]] = {
    "torchvision": (lambda net: net, "'*' for '_feature_blocks.*'"),
    "DataParallel": (
        lambda net: {"state_dict": under("module.", net), "epoch": 3},
        "'module.*' for '_feature_blocks.*'",
    ),
    "MoCo": (
        lambda net: {
            "arch": "resnet18",
            "state_dict": {
                **copied("module.encoder_k."),
                **under("module.encoder_q.", net),
                "module.queue": torch.ones(2),
            },
        },
        "'module.encoder_q.*' for '_feature_blocks.*'",
    ),
    "solo-learn": (
        lambda net: {
            "state_dict": {
                **under("backbone.", net),
                **copied("momentum_backbone."),
                "projector.0.weight": torch.ones(2),
            }
        },
        "'backbone.*' for '_feature_blocks.*'",
    ),
    "Lightning": (
        lambda net: {"pytorch-lightning_version": "2", "state_dict": under("model.", net), "hparams": {}},
        "'model.*' for '_feature_blocks.*'",
    ),
    "DINO": (
        lambda net: {"state_dict": {**under("student.module.backbone.", net), **copied("teacher.backbone.")}},
        "'student.module.backbone.*' for '_feature_blocks.*'",
    ),
    "VISSL's names elsewhere": (
        lambda net: {"net": 1, "model": under("encoder._feature_blocks.", net)},
        "'encoder.*' for '*'",
    ),
    "VISSL": (lambda net: {"model_state_dict": under("trunk._feature_blocks.", net)}, ""),
}


def filled(checkpoint: Any, **kwargs: Any) -> tuple[State, LoadReport]:
    """The state of a `resnet18_32px` filled from the content of a file, and the report."""
    trunk = build_trunk("resnet18_32px")
    report = fill(trunk, "resnet18_32px", checkpoint, "net.pth", **kwargs)
    return trunk.state_dict(), report


@pytest.mark.parametrize("library", LIBRARIES)
def test_names_of_other_libraries_are_read_and_reported(library: str) -> None:
    write, naming = LIBRARIES[library]
    network = torchvisions()
    state, report = filled(write(network))
    for name, value in network.items():
        if not name.startswith("fc."):
            assert torch.equal(state[f"_feature_blocks.{name}"], value), name
    assert (report.loaded, report.total, report.naming) == (TENSORS, TENSORS, naming)
    assert str(report).endswith(f"names of the file are read as {naming}") == bool(naming)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["module", "net", "0", "encoder", "momentum", "f"]), max_size=3), st.booleans())
def test_any_single_prefix_is_found(parts: list[str], blocks: bool) -> None:
    prefix = "".join(f"{part}." for part in [*parts, *(["_feature_blocks"] if blocks else [])])
    weights = find_trunk_weights(under(prefix, SHAPES), "net.pth", "resnet18_32px", OURS, WeightsSettings())
    assert set(weights.usable) == set(OURS)


def test_two_matching_networks_are_refused_unless_one_is_chosen() -> None:
    network = torchvisions()
    two = {**under("left.", network), **copied("right.")}
    with pytest.raises(MonoImageError, match=r"several networks of that architecture, under 'left\.', 'right\.': set"):
        filled(two)
    state, _ = filled(two, settings=WeightsSettings(remove="left."))
    assert torch.equal(state["_feature_blocks.conv1.weight"], network["conv1.weight"])


def test_the_same_shapes_under_unknown_names_are_no_other_architecture() -> None:
    unknown = {f"layer_{number}": value for number, value in enumerate(torchvisions().values())}
    with pytest.raises(
        MonoImageError, match=r"shapes of trunk 'resnet18_32px' under other names, layer_0, .*rename them"
    ):
        filled(unknown)
    with pytest.raises(MonoImageError, match="another architecture"):
        filled(dict(reversed(unknown.items())))


def test_a_larger_network_of_the_same_names_is_refused() -> None:
    with pytest.raises(
        MonoImageError, match=r"96 tensors that trunk 'resnet18_32px' lacks: _feature_blocks\.layer1\.2"
    ):
        filled(dict(resnet34().state_dict()))


def test_skipped_layers_keep_their_initial_values() -> None:
    torch.manual_seed(0)
    initial = build_trunk("resnet18_32px").state_dict()
    torch.manual_seed(0)
    network = torchvisions()
    torch.manual_seed(0)
    state, report = filled(network, settings=WeightsSettings(skip=("layer4", "num_batches_tracked")))
    assert torch.equal(state["_feature_blocks.layer4.0.conv1.weight"], initial["_feature_blocks.layer4.0.conv1.weight"])
    assert torch.equal(state["_feature_blocks.layer3.0.conv1.weight"], network["layer3.0.conv1.weight"])
    assert (report.loaded, report.total) == (TENSORS - 25, TENSORS)
    assert {name.split(".")[1] for name in report.initial} == {"layer4"}
    assert f"{TENSORS - 25} of {TENSORS} tensors of trunk 'resnet18_32px' loaded" in str(report)
    with pytest.raises(MonoImageError, match=r"nothing is left to load with .*SKIP_LAYERS=\[trunk\]"):
        filled(network, settings=WeightsSettings(skip=("trunk",)))


def test_prefixes_are_removed_and_appended() -> None:
    network = torchvisions()
    odd = {name.replace("conv1.", "stem.", 1) if name.startswith("conv1.") else name: v for name, v in network.items()}
    with pytest.raises(MonoImageError, match=r"lacks 1 of the 100 tensors .*_feature_blocks\.conv1\.weight"):
        filled(under("net/", odd), settings=WeightsSettings(remove="net/"))
    state, _ = filled(under("net/", network), settings=WeightsSettings(remove="net/", append="_feature_blocks."))
    assert torch.equal(state["_feature_blocks.conv1.weight"], network["conv1.weight"])


def test_a_state_dict_is_read_by_the_name_that_is_given() -> None:
    network = torchvisions()
    several = {"state_dict": copied(""), "ema": network}
    state, _ = filled(several, settings=WeightsSettings(key="ema"))
    assert torch.equal(state["_feature_blocks.conv1.weight"], network["conv1.weight"])
    with pytest.raises(MonoImageError, match=r"has no 'emma' \(.*STATE_DICT_KEY_NAME\): it has ema, state_dict"):
        filled(several, settings=WeightsSettings(key="emma"))
