"""The pooled sizes of protocols, derived from real features."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from vissl.config import AttrDict

from vissl_monoimage.models import features as trunks
from vissl_monoimage.probe.pooling import BudgetPooling
from vissl_monoimage.probe.protocols import PROTOCOLS


def pooled_sizes(trunk: str, protocol: str, size: int) -> list[int]:
    """Return the features per layer, from a real trunk and torch's pooling modules on a batch of zeros."""
    from vissl.models.trunks import get_model_trunk

    model = get_model_trunk(trunk)(AttrDict({}), trunk).eval()
    layers = trunks.probed_layers(model)
    with torch.no_grad():
        features = model(torch.zeros(1, 3, size, size), layers)
    ops = [PROTOCOLS[protocol].pooling.op(name, tuple(f.shape[1:])) for name, f in zip(layers, features, strict=True)]
    return [getattr(nn, name)(*args)(f).numel() for (name, args), f in zip(ops, features, strict=True)]


def test_paper_pooling_gives_the_authors_sizes():
    """The authors' code states these sizes for its network."""
    assert pooled_sizes("alexnet_wide", "paper-v1", 224) == [9600, 9216, 9600, 9600, 9216]


@pytest.mark.parametrize(("trunk", "size"), [("convnet4", 32), ("alexnet_rotnet_32px", 32), ("alexnet_wide_64px", 64)])
def test_cifar_pooling_stays_within_its_budget(trunk, size):
    sizes = pooled_sizes(trunk, "cifar-v1", size)
    assert all(256 <= count <= PROTOCOLS["cifar-v1"].pooling.features for count in sizes)


def test_tiny_pooling_stays_within_its_budget_and_averages_scattering():
    pooling = PROTOCOLS["tiny-v1"].pooling
    assert pooled_sizes("alexnet_wide_64px", "tiny-v1", 64) == [3456, 4096, 3456, 3456, 2304]
    assert pooling.op("scattering_J2", (243, 16, 16)) == ["AdaptiveAvgPool2d", [4]]
    assert pooling.op("conv1", (96, 16, 16)) == [f"Adaptive{pooling.kind}Pool2d", [6]]


@given(st.integers(1, 4000), st.integers(1, 60), st.integers(1, 60), st.integers(1, 9600))
def test_budget_pooling_takes_the_largest_side_that_fits(channels, height, width, budget):
    (name, (side,)) = BudgetPooling("Max", budget).op("conv1", (channels, height, width))
    assert name == "AdaptiveMaxPool2d"
    assert 1 <= side <= min(height, width)
    assert channels * side**2 <= budget or side == 1
    assert channels * (side + 1) ** 2 > budget or side == min(height, width)
