"""The probe's head, its ten crops and its pooled sizes, each against an independent re-derivation."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import numpy as np
import pytest
import torch
from classy_vision.dataset.transforms import build_transform
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torchvision import transforms
from vissl.config import AttrDict
from vissl.models.heads import get_model_head

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models import features as trunks
from vissl_monoimage.probe.pooling import BudgetPooling
from vissl_monoimage.probe.protocols import PROTOCOLS


def head(shape: list[int], num_classes: int) -> nn.Module:
    return get_model_head("linear_probe")(AttrDict({}), shape=shape, num_classes=num_classes)


def test_head_equals_the_authors_probe_in_numpy():
    """In training: (x - mean) / sqrt(var + 1e-5) a channel, biased variance, then linear; nothing affine."""
    probe = head([4, 3, 2], 5)
    x = np.random.default_rng(0).normal(2, 3, size=(7, 4, 3, 2)).astype(np.float32)
    mean, variance = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    flat = ((x - mean) / np.sqrt(variance + 1e-5)).reshape(7, 24)
    expected = flat @ probe.linear.weight.detach().numpy().T
    np.testing.assert_allclose(probe(torch.from_numpy(x)).detach(), expected, atol=1e-5)
    assert [name for name, _ in probe.named_parameters()] == ["linear.weight", "linear.bias"]


def test_head_starts_as_the_authors_convolution():
    """The authors' classifier is a convolution as large as the map; same seed, same Xavier draw."""
    torch.manual_seed(3)
    probe = head([96, 10, 10], 1000)
    torch.manual_seed(3)
    linear = nn.Linear(9600, 1000)  # draws its default weights first, as ours does
    convolution = nn.Conv2d(96, 1000, 10, bias=False, device="meta").to_empty(device="cpu")
    nn.init.xavier_uniform_(convolution.weight)
    assert linear.weight.shape == probe.linear.weight.shape
    assert torch.equal(probe.linear.weight, convolution.weight.flatten(1))
    assert not probe.linear.bias.any()


def test_head_names_a_shape_it_cannot_use():
    with pytest.raises(MonoImageError, match=r"shape \[channels, height, width\], not \[9600\]"):
        head([9600], 10)


@given(width=st.integers(32, 60), height=st.integers(32, 60), size=st.sampled_from([16, 31, 32]))
@settings(max_examples=25, deadline=None)
def test_ten_crops_are_torchvisions(width, height, size):
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    ours = build_transform({"name": "TenCropToTensor", "size": size})(image)
    theirs = torch.stack([transforms.ToTensor()(crop) for crop in transforms.TenCrop(size)(image)])
    assert torch.equal(ours, theirs)


def test_ten_crops_refuse_a_small_image():
    with pytest.raises(MonoImageError, match=r"32 px crops from an image of 40x30 px"):
        build_transform({"name": "TenCropToTensor", "size": 32})(Image.new("RGB", (40, 30)))


def pooled_sizes(trunk: str, protocol: str, size: int) -> list[int]:
    """Features a layer, by running a real trunk on real zeros through torch's own pooling modules."""
    from vissl.models.trunks import get_model_trunk

    model = get_model_trunk(trunk)(AttrDict({}), trunk).eval()
    layers = trunks.probed_layers(model)
    with torch.no_grad():
        features = model(torch.zeros(1, 3, size, size), layers)
    ops = [PROTOCOLS[protocol].pooling.op(name, tuple(f.shape[1:])) for name, f in zip(layers, features, strict=True)]
    return [getattr(nn, name)(*args)(f).numel() for (name, args), f in zip(ops, features, strict=True)]


def test_paper_pooling_gives_the_authors_sizes():
    """The sizes that the authors' code states for its network."""
    assert pooled_sizes("alexnet_wide", "paper-v1", 224) == [9600, 9216, 9600, 9600, 9216]


@pytest.mark.parametrize(("trunk", "size"), [("convnet4", 32), ("alexnet_rotnet_32px", 32), ("alexnet_wide_64px", 64)])
def test_cifar_pooling_fills_the_budget_without_passing_it(trunk, size):
    sizes = pooled_sizes(trunk, "cifar-v1", size)
    assert all(256 <= count <= PROTOCOLS["cifar-v1"].pooling.features for count in sizes)


@given(st.integers(1, 4000), st.integers(1, 60), st.integers(1, 60), st.integers(1, 9600))
def test_budget_pooling_takes_the_largest_side_that_fits(channels, height, width, budget):
    (name, (side,)) = BudgetPooling("Max", budget).op("conv1", (channels, height, width))
    assert name == "AdaptiveMaxPool2d"
    assert 1 <= side <= min(height, width)
    assert channels * side**2 <= budget or side == 1
    assert channels * (side + 1) ** 2 > budget or side == min(height, width)
