"""The linear probe on a pooled feature, derived again in NumPy and from the authors' convolution."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from vissl.config import AttrDict
from vissl.models.heads import get_model_head

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.heads.image_moments import has_gaps, image_moments
from vissl_monoimage.probe.feature_rows import row_length, split_layers, split_moments


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


def rows(draw: np.random.Generator, shapes: list[tuple[int, ...]], images: int) -> torch.Tensor:
    """Rows of features as a trunk gives them: after ReLU, each layer with a scale of its own."""
    scales = np.concatenate([np.full(np.prod(shape), draw.uniform(0.01, 30)) for shape in shapes])
    return torch.from_numpy((draw.normal(0.3, 1, (images, len(scales))).clip(0) * scales).astype(np.float32))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(*[st.integers(1, 9)] * 3), min_size=2, max_size=3),
    st.integers(2, 40),
)
def test_a_training_step_with_moments_is_torchs_to_the_bit(seed: int, shapes: list[Any], images: int) -> None:
    """Logits, gradients and running statistics of several steps on features that are parts of rows."""
    draw = np.random.default_rng(seed)
    probe = head(list(shapes[1]), 3)
    other = copy.deepcopy(probe)
    for _ in range(3):
        feature = split_layers(rows(draw, shapes, images), shapes)[1]
        assert has_gaps(feature)
        logits, expected = probe(feature, image_moments(feature)), other(feature)
        assert torch.equal(logits, expected)
        for each, output in ((probe, logits), (other, expected)):
            each.zero_grad()
            output.square().sum().backward()
        assert torch.equal(probe.linear.weight.grad, other.linear.weight.grad)
        for (name, value), (_, same) in zip(probe.named_buffers(), other.named_buffers(), strict=True):
            assert torch.equal(value, same), name
    probe.eval()
    assert torch.equal(probe(feature, image_moments(feature)), other.eval()(feature))


@pytest.mark.parametrize("shapes", [[(3, 3, 3), (4, 2, 2)], [(2, 2, 2), (5, 1, 1)], [(3, 3, 3), (2, 1, 1)]])
def test_moments_lie_behind_the_features_of_a_row(shapes: list[tuple[int, ...]]) -> None:
    """A row with an even or odd number of features holds them as float64."""
    features = rows(np.random.default_rng(1), shapes, 6)
    packed = torch.zeros(6, row_length(shapes, moments=True))
    packed[:, : features.shape[1]] = features
    for place, feature in zip(split_moments(packed, shapes), split_layers(packed, shapes), strict=True):
        place.copy_(image_moments(feature))
    chosen = packed[[4, 1]]
    for place, feature in zip(split_moments(chosen, shapes), split_layers(features[[4, 1]], shapes), strict=True):
        exact = feature.double().flatten(2)
        torch.testing.assert_close(place, torch.stack([exact.sum(2), exact.square().sum(2)], 2))
    assert split_moments(features, shapes) == []
