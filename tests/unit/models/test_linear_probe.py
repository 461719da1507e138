"""The linear probe on a pooled feature, derived again in NumPy and from the authors' convolution."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import numpy as np
import pytest
import torch
from torch import nn
from vissl.config import AttrDict
from vissl.models.heads import get_model_head

from vissl_monoimage.errors import MonoImageError


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
