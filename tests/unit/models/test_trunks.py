"""The trunks' layers against arithmetic of their own, and their weights against VISSL's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from vissl.config import AttrDict
from vissl.models.heads import get_model_head
from vissl.models.trunks import get_model_trunk

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.init.patches import Crops
from vissl_monoimage.models.normalisation import IMAGENET

NO_CONFIG = AttrDict({})
HEAD_CONFIG = AttrDict({"HEAD": {"BATCHNORM_EPS": 1e-5, "BATCHNORM_MOMENTUM": 0.1}})

# Channels of each convolution; kernel, stride and padding of the first, by image size.
ROTNET, WIDE = (64, 192, 384, 256, 256), (96, 256, 384, 384, 256)
FIRST = {224: (11, 4, 2), 64: (7, 4, 3), 32: (5, 2, 2)}
ALEXNETS = {
    "alexnet_rotnet_64px": (ROTNET, 64),
    "alexnet_rotnet_32px": (ROTNET, 32),
    "alexnet_rotnet_he": (ROTNET, 224),
    "alexnet_wide": (WIDE, 224),
    "alexnet_wide_64px": (WIDE, 64),
    "alexnet_wide_32px": (WIDE, 32),
}
OURS = {**{name: size for name, (_, size) in ALEXNETS.items()}, "convnet4": 32}


def trunk_named(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return get_model_trunk(name)(NO_CONFIG, name)


def alexnet_layers(widths: tuple[int, ...], size: int) -> list[tuple[str, int, int, int, int]]:
    """(feature, channels, kernel, stride, padding)."""
    return [
        ("conv1", widths[0], *FIRST[size]),
        ("pool1", widths[0], 3, 2, 0),
        ("conv2", widths[1], 5, 1, 2),
        ("pool2", widths[1], 3, 2, 0),
        ("conv3", widths[2], 3, 1, 1),
        ("conv4", widths[3], 3, 1, 1),
        ("conv5", widths[4], 3, 1, 1),
        ("pool5", widths[4], 3, 2, 0),
    ]


def convnet4_layers() -> list[tuple[str, int, int, int, int]]:
    widths = (64, 64, 128, 256)
    layers = []
    for number, width in enumerate(widths, 1):
        layers += [(f"conv{number}", width, 3, 1, 1), (f"pool{number}", width, 2, 2, 0)]
    return layers


def layers_of(name: str) -> list[tuple[str, int, int, int, int]]:
    return convnet4_layers() if name == "convnet4" else alexnet_layers(*ALEXNETS[name])


@pytest.mark.parametrize("name", OURS)
def test_every_layer_has_the_shape_that_arithmetic_gives(name: str) -> None:
    side, expected = OURS[name], {}
    for feature, channels, kernel, stride, padding in layers_of(name):
        side = (side + 2 * padding - kernel) // stride + 1
        expected[feature] = (2, channels, side, side)
    features = trunk_named(name)(torch.rand(2, 3, OURS[name], OURS[name]), list(expected))
    assert dict(zip(expected, (tuple(feature.shape) for feature in features), strict=True)) == expected


@pytest.mark.parametrize("name", OURS)
def test_the_forward_pass_is_convolution_norm_relu_and_pooling(name: str) -> None:
    trunk = trunk_named(name).eval()
    with torch.no_grad():
        for key, value in trunk.state_dict().items():  # statistics and affine parts that are not 0 and 1
            if value.dtype == torch.float32 and value.ndim == 1:
                value.copy_(torch.rand_like(value) + (0.5 if "weight" in key or "var" in key else -0.5))
    weights = trunk.state_dict()
    images = torch.rand(2, 3, OURS[name], OURS[name])
    names = [layer[0] for layer in layers_of(name)]
    with torch.no_grad():
        features = trunk(images, names)
        feature = images
        for block, (layer, _, kernel, stride, padding) in enumerate(layers_of(name)):
            if layer.startswith("pool"):
                feature = F.max_pool2d(feature, kernel, stride)
            else:
                part = f"_feature_blocks.{block}."
                weight, bias = weights[part + "0.weight"], weights[part + "0.bias"]
                feature = F.conv2d(feature, weight, bias, stride, padding)
                mean, variance, gain, shift = (
                    weights[part + "1." + key].view(1, -1, 1, 1)
                    for key in ("running_mean", "running_var", "weight", "bias")
                )
                feature = ((feature - mean) / torch.sqrt(variance + 1e-5) * gain + shift).clamp(min=0)
            torch.testing.assert_close(features[block], feature, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "vissl_name"),
    [
        ("alexnet_rotnet_64px", "alexnet_rotnet"),
        ("alexnet_rotnet_32px", "alexnet_rotnet"),
        ("alexnet_wide", "alexnet_deepcluster"),
        ("alexnet_wide_64px", "alexnet_deepcluster"),
        ("alexnet_wide_32px", "alexnet_deepcluster"),
    ],
)
def test_weights_have_the_names_and_shapes_of_vissls_trunk(name: str, vissl_name: str) -> None:
    ours, theirs = ({key: tuple(value.shape) for key, value in trunk_named(one).state_dict().items()}
                    for one in (name, vissl_name))  # fmt: skip
    theirs = {key: shape for key, shape in theirs.items() if not key.startswith("sobel")}
    differing = {key for key in ours | theirs if ours.get(key) != theirs.get(key)}
    assert list(ours) == list(theirs)
    assert differing == {"_feature_blocks.0.0.weight"}


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("shape", [(3, 16, 16), (3, 96, 96), (1, 32, 32), (3, 64, 32)])
def test_images_of_another_size_are_refused_in_one_sentence(name: str, shape: tuple[int, ...]) -> None:
    size, got = OURS[name], " x ".join(map(str, shape))
    with pytest.raises(MonoImageError, match=f"takes images of 3 x {size} x {size}, not {got}: "):
        trunk_named(name)(torch.rand(2, *shape))


@pytest.mark.parametrize("name", ["alexnet_wide", "alexnet_rotnet_he", "convnet4"])
def test_untrained_convolutions_are_he_normal(name: str) -> None:
    for layer in trunk_named(name).modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.weight.numel() > 1500:
            outputs, _, height, width = layer.weight.shape
            expected = (2 / (outputs * height * width)) ** 0.5
            assert abs(float(layer.weight.detach().std()) / expected - 1) < 0.08
            assert not layer.bias.detach().any()


def test_alexnet_rotnet_he_has_the_tensors_of_vissls_alexnet_rotnet() -> None:
    ours, theirs = (trunk_named(name).state_dict() for name in ("alexnet_rotnet_he", "alexnet_rotnet"))
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}


@pytest.mark.parametrize(("name", "is_flat"), [("alexnet_rotnet", True), ("alexnet_rotnet_he", False)])
def test_pytorchs_default_leaves_conv5_too_flat_for_a_batch_norm(name: str, is_flat: bool) -> None:
    """A probe's batch norm divides by the root of variance + 1e-5: a variance below that is never scaled up to 1."""
    images = Crops("china", 224, 48, 0, IMAGENET)
    with torch.no_grad():
        (features,) = trunk_named(name).eval()(torch.stack([images[number] for number in range(48)]), ["conv5"])
    variances = features.transpose(0, 1).flatten(1).var(1)
    assert (float(variances.median()) < 2e-4) == is_flat
    assert (float((variances < 1e-5).float().mean()) > 0.1) == is_flat


def test_the_fully_connected_head_is_the_authors() -> None:
    head = get_model_head("alexnet_fc")(HEAD_CONFIG, dims=[12, 8, 6, 4]).eval()
    weights = head.state_dict()
    feature = torch.rand(5, 3, 2, 2)
    flat = feature.reshape(5, 12)
    for hidden in ("0", "3"):  # fc6, fc7: no bias; untrained statistics are 0 and 1
        flat = (flat @ weights[f"layers.{hidden}.weight"].T / (1 + 1e-5) ** 0.5).clamp(min=0)
    expected = flat @ weights["layers.6.weight"].T + weights["layers.6.bias"]
    torch.testing.assert_close(head(feature), expected)
    assert not [key for key in weights if key in ("layers.0.bias", "layers.3.bias")]


def test_the_fully_connected_head_names_the_size_it_was_given() -> None:
    head = get_model_head("alexnet_fc")(HEAD_CONFIG, dims=[9216, 16, 4])
    with pytest.raises(MonoImageError, match=r"dims\[0\]=9216, .* gives 256 x 1 x 1 = 256 numbers"):
        head(torch.rand(2, 256, 1, 1))
    with pytest.raises(MonoImageError, match=r"dims=\[4\]"):
        get_model_head("alexnet_fc")(HEAD_CONFIG, dims=[4])
