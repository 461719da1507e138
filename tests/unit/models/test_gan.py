"""BiGAN's networks: shapes and values against arithmetic of their own, where z enters, what a score depends on."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from vissl.config import AttrDict
from vissl.models.heads import get_model_head
from vissl.models.trunks import get_model_trunk

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.gan import Generator, JointDiscriminator, NetworkSettings

NO_CONFIG = AttrDict({})
LATENT = 7
DRAWING, JUDGING = {32: [12, 10, 8], 64: [12, 10, 8, 6]}, {32: [6, 8, 10], 64: [6, 8, 10, 12]}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# The encoder by image size: its name, and the numbers of conv5, counted by hand from the paper's AlexNet.
ENCODERS = {
    224: ("alexnet_bigan", 256 * 13 * 13),
    112: ("alexnet_bigan_112px", 256 * 6 * 6),
    64: ("alexnet_bigan_64px", 256 * 3 * 3),
}
# (feature, channels, kernel, stride, padding)
LAYERS = [
    ("conv1", 96, 11, 4, 2),
    ("pool1", 96, 3, 2, 0),
    ("conv2", 256, 5, 1, 2),
    ("pool2", 256, 3, 2, 0),
    ("conv3", 384, 3, 1, 1),
    ("conv4", 384, 3, 1, 1),
    ("conv5", 256, 3, 1, 1),
]


def a_generator(mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD, **changes: Any) -> Generator:
    torch.manual_seed(0)
    return Generator(LATENT, NetworkSettings(**{"widths": DRAWING[32], **changes}), mean, std)


def a_discriminator(**changes: Any) -> JointDiscriminator:
    torch.manual_seed(0)
    return JointDiscriminator(LATENT, NetworkSettings(**{"widths": JUDGING[32], **changes}))


def a_head(**changes: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    blocks = {"generator": {"widths": [4, 3]}, "discriminator": {"widths": [3, 4]}}
    return get_model_head("bigan")(NO_CONFIG, **{"features": 12, "latent": LATENT, **blocks, **changes})


def latents(count: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(count, LATENT, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def images(count: int, side: int, seed: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def with_large_weights(module: torch.nn.Module) -> torch.nn.Module:
    """Untrained weights are so small (0.02) that a wrong layer could hide in the tolerance; statistics as well."""
    torch.manual_seed(3)
    with torch.no_grad():
        for key, value in module.state_dict().items():
            if value.dtype != torch.float32:
                continue
            if value.ndim > 1:
                value.normal_(std=(2 / value[0].numel()) ** 0.5)
            else:  # biases around 0, gains and variances around 1
                value.uniform_(*((0.5, 1.5) if key.endswith(("running_var", "weight")) else (-0.5, 0.5)))
    return module


def normalised(feature: torch.Tensor, weights: dict[str, torch.Tensor], part: str) -> torch.Tensor:
    """Batch norm with running statistics."""
    mean, variance, gain, shift = (
        weights[f"{part}.{key}"].view(1, -1, 1, 1) for key in ("running_mean", "running_var", "weight", "bias")
    )
    return (feature - mean) / torch.sqrt(variance + 1e-5) * gain + shift


def leaky(feature: torch.Tensor) -> torch.Tensor:
    return torch.where(feature > 0, feature, 0.2 * feature)


# The generator.


@pytest.mark.parametrize("side", DRAWING)
def test_the_generator_doubles_the_side_from_4_px_to_the_image(side: int) -> None:
    generator, seen = a_generator(widths=DRAWING[side]), []
    for layer in generator.layers:
        if isinstance(layer, torch.nn.ConvTranspose2d):
            layer.register_forward_hook(lambda _, given, made: seen.append((given[0].shape[1:], made.shape[1:])))
    drawn = generator(latents(5))
    widths = [*DRAWING[side], 3]
    sides = [4 * 2**step for step in range(len(widths))]
    shapes = [(width, px, px) for width, px in zip(widths, sides, strict=True)]
    assert seen == list(pairwise(shapes))
    assert drawn.shape == (5, 3, side, side)
    assert generator.size == side


@pytest.mark.parametrize("kernel", range(2, 8))
@pytest.mark.parametrize("layers", [1, 2, 4])
def test_both_networks_are_of_the_settings_side_for_every_kernel(kernel: int, layers: int) -> None:
    widths = [3] * layers
    drawn = a_generator(widths=widths, kernel=kernel)(latents(2))
    assert drawn.shape == (2, 3, 4 * 2**layers, 4 * 2**layers)
    judge, seen = a_discriminator(widths=widths, kernel=kernel), []
    judge.convolutions[-1].register_forward_hook(lambda *call: seen.append(tuple(call[2].shape)))
    assert judge(drawn, latents(2)).shape == (2,)
    assert seen == [(2, 3, 4, 4)]


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("kernel", [4, 5])
def test_the_generator_is_linear_then_transposed_convolutions_norm_and_relu_then_sigmoid(
    norm: str, kernel: int
) -> None:
    generator = with_large_weights(a_generator(norm=norm, kernel=kernel)).eval()
    weights, z = dict(generator.state_dict()), latents(3)
    with torch.no_grad():
        bias = weights["project.bias"] if norm == "none" else 0
        maps = (z @ weights["project.weight"].T + bias).reshape(3, DRAWING[32][0], 4, 4)
        layer = 0  # index in `layers`: norm where there is one, ReLU, transposed convolution
        for _ in range(3):
            if norm == "batch":
                maps, layer = normalised(maps, weights, f"layers.{layer}"), layer + 1
            maps, layer = maps.clamp(min=0), layer + 1
            # A transposed convolution of stride 2 is a convolution of the map with zeros between its pixels; with an
            # odd kernel there is one row and one column of zeros more.
            spread = torch.zeros(*maps.shape[:2], *(2 * px - 1 + kernel % 2 for px in maps.shape[2:]))
            spread[:, :, ::2, ::2] = maps
            flipped = weights[f"layers.{layer}.weight"].flip(2, 3).transpose(0, 1)
            maps = F.conv2d(spread, flipped, weights.get(f"layers.{layer}.bias"), padding=2)
            layer += 1
        expected = (1 / (1 + torch.exp(-maps)) - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        torch.testing.assert_close(generator(z), expected, rtol=1e-4, atol=1e-4)


colour = st.tuples(*[st.floats(0.05, 0.95)] * 3)


@settings(max_examples=30, deadline=None)
@given(mean=colour, std=colour, seed=st.integers(0, 10_000), scale=st.floats(0.1, 20))
def test_generated_images_are_in_0_to_1_under_their_normalisation(
    mean: tuple[float, ...], std: tuple[float, ...], seed: int, scale: float
) -> None:
    generator = a_generator(mean, std, widths=[4])
    with torch.no_grad():
        for weight in generator.parameters():
            weight *= 50 * scale  # a generator that has learned to draw black and white
        z = latents(6, seed)
        drawn = generator(z)
        plain = a_generator((0, 0, 0), (1, 1, 1), widths=[4])
        plain.load_state_dict(generator.state_dict())
        pixels = plain(z)
    of_channel = [torch.tensor(values).view(3, 1, 1) for values in (mean, std)]
    torch.testing.assert_close(drawn * of_channel[1] + of_channel[0], pixels, rtol=0, atol=1e-5)
    assert float(pixels.min()) >= 0
    assert float(pixels.max()) <= 1
    shown = generator.to_pixels(drawn)
    assert float(shown.min()) >= 0
    assert float(shown.max()) <= 1
    torch.testing.assert_close(shown, pixels, rtol=0, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(mean=colour, std=colour, seed=st.integers(0, 10_000))
def test_to_pixels_is_the_inverse_of_the_normalisation(
    mean: tuple[float, ...], std: tuple[float, ...], seed: int
) -> None:
    pixels = np.random.default_rng(seed).random((2, 3, 4, 4))
    normal = (pixels - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    back = a_generator(mean, std, widths=[2]).to_pixels(torch.tensor(normal))
    np.testing.assert_allclose(back.numpy(), pixels, rtol=0, atol=1e-5)


def test_the_normalisation_is_no_part_of_the_state_that_a_checkpoint_keeps() -> None:
    assert not {"mean", "std"} & set(a_generator().state_dict())


# The discriminator.


@pytest.mark.parametrize("hidden", [0, 9])
@pytest.mark.parametrize("side", JUDGING)
def test_the_discriminator_halves_the_side_down_to_4_px_and_gives_one_score_a_pair(side: int, hidden: int) -> None:
    discriminator, seen = a_discriminator(widths=JUDGING[side], hidden=hidden), []
    for convolution in discriminator.convolutions:
        convolution.register_forward_hook(lambda *call: seen.append(tuple(call[2].shape[1:])))
    scores = discriminator(images(5, side), latents(5))
    assert seen == [(width, side // 2**step, side // 2**step) for step, width in enumerate(JUDGING[side], 1)]
    assert seen[-1][1:] == (4, 4)
    assert scores.shape == (5,)


@pytest.mark.parametrize(("norm", "hidden", "latent_hidden"), [("batch", 0, []), ("none", 9, []), ("none", 9, [8, 6])])
def test_the_discriminator_is_convolutions_plus_maps_of_z_norm_and_leaky_relu(
    norm: str, hidden: int, latent_hidden: list[int]
) -> None:
    discriminator = with_large_weights(a_discriminator(norm=norm, hidden=hidden, latent_hidden=latent_hidden)).eval()
    weights, x, shown = dict(discriminator.state_dict()), images(4, 32), latents(4)
    with torch.no_grad():
        z = shown
        for layer in range(len(latent_hidden)):
            part = f"read_latent.{2 * layer}."
            z = leaky(z @ weights[part + "weight"].T + weights[part + "bias"])
        maps = x
        for layer in range(3):
            part = f"convolutions.{layer}."
            maps = F.conv2d(maps, weights[part + "weight"], weights[part + "bias"], stride=2, padding=2)
            if layer:  # z is not shown to the layer of the pixels, and that has no norm
                maps = maps + (z @ weights[f"of_latent.{layer - 1}.weight"].T).reshape(4, -1, 1, 1)
                maps = normalised(maps, weights, f"norms.{layer}.0") if norm == "batch" else maps
            maps = leaky(maps)
        flat = maps.reshape(4, -1)
        if hidden:
            flat = flat @ weights["hidden.weight"].T + weights["hidden.bias"]
            flat = leaky(flat + z @ weights["hidden_of_latent.weight"].T)
        expected = (flat @ weights["score.weight"].T + weights["score.bias"])[:, 0]
        torch.testing.assert_close(discriminator(x, shown), expected, rtol=1e-4, atol=1e-4)
    assert ("norms.1.0.weight" in weights) is (norm == "batch")


@pytest.mark.parametrize("point", ["of_latent.0", "of_latent.1", "hidden_of_latent", None])
def test_z_reaches_the_score_through_each_injection_alone(point: str | None) -> None:
    discriminator = with_large_weights(a_discriminator(hidden=9)).eval()
    injections = {key: value for key, value in discriminator.named_parameters() if "of_latent" in key}
    assert sorted(injections) == ["hidden_of_latent.weight", "of_latent.0.weight", "of_latent.1.weight"]
    with torch.no_grad():
        for key, weight in injections.items():
            if point is None or not key.startswith(point):
                weight.zero_()
        first, second = (discriminator(images(4, 32), latents(4, seed)) for seed in (1, 2))
    if point is None:  # so that the others are not there by another way
        assert torch.equal(first, second)
    else:
        assert float((first - second).abs().min()) > 1e-3


@pytest.mark.parametrize(("norm", "training", "alone"), [("none", True, True), ("batch", True, False)])
def test_a_score_depends_on_the_rest_of_the_batch_only_through_batch_norm(
    norm: str, training: bool, alone: bool
) -> None:
    discriminator = with_large_weights(a_discriminator(norm=norm, hidden=9)).train(training)
    x, others, z = images(4, 32), images(4, 32, seed=9), latents(4)
    others[0] = x[0]
    other_z = latents(4, seed=8)
    other_z[0] = z[0]
    with torch.no_grad():
        change = float((discriminator(x, z)[0] - discriminator(others, other_z)[0]).abs())
    assert (change < 1e-5) is alone
    if not alone:
        assert change > 1e-2


def test_untrained_weights_are_normal_of_2_percent_and_biases_0() -> None:
    for network in (a_generator(norm="none"), a_discriminator(norm="none", hidden=64)):
        for key, value in network.named_parameters():
            if key.endswith("bias"):
                assert not value.detach().any()
            elif value.numel() > 1500:
                assert abs(float(value.detach().std()) / 0.02 - 1) < 0.1


# The head: E's last layer.


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 2))
def test_codes_are_in_the_range_of_z(seed: int, scale: float) -> None:
    head = a_head()
    feature = scale * torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(seed))
    codes = head(feature)
    assert codes.shape == (5, LATENT)
    assert float(codes.detach().abs().max()) < 1
    weight, bias = (value.detach().double().numpy() for value in head.to_latent.parameters())
    flat = feature.double().numpy().reshape(5, 12)
    np.testing.assert_allclose(codes.detach().numpy(), np.tanh(flat @ weight.T + bias), rtol=0, atol=1e-5)


def test_codes_of_very_large_features_are_not_beyond_the_range() -> None:
    """float32 rounds tanh to 1 from about 9 on: the range is closed there, and finite."""
    codes = a_head()(1e30 * torch.randn(5, 12))
    assert float(codes.detach().abs().max()) <= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"discriminator": {"widths": [3, 4, 5]}}, "generator makes images of 16 px and the discriminator sees 32 px"),
        ({"generator": {"widhts": [4, 3]}}, "head bigan.generator: unknown key 'widhts': did you mean 'widths'?"),
        ({"discriminator": {"widths": [3, 4], "nrom": "none"}}, "discriminator: unknown key 'nrom': did you mean"),
        ({"generator": {"widths": [4, 3], "norm": "bacth"}}, "unknown norm 'bacth': did you mean 'batch'?"),
        ({"generator": {"widths": []}}, "generator.widths=[] must be positive whole numbers"),
        ({"generator": {"widths": [4, 0]}}, "generator.widths=[4, 0] must be positive whole numbers"),
        ({"generator": {"widths": 4}}, "generator.widths=4 must be a list"),
        ({"discriminator": {"widths": [3, 4], "kernel": 8}}, "discriminator.kernel=8 must be between 2 and 7 px"),
        ({"discriminator": {"widths": [3, 4], "hidden": -1}}, "discriminator.hidden=-1 must not be negative"),
        pytest.param(
            {"latnt": 5},
            "unknown key 'latnt': did you mean 'latent'?",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MonoImageError, match=re.escape(message)):
        a_head(**changes)


def test_a_head_made_for_another_trunk_names_the_numbers_it_got() -> None:
    with pytest.raises(MonoImageError, match=r"features=12, but the trunk gives 8 x 2 x 2 = 32 numbers"):
        a_head()(torch.rand(2, 8, 2, 2))


# The encoder's trunk.


def encoder(side: int) -> torch.nn.Module:
    torch.manual_seed(0)
    return get_model_trunk(ENCODERS[side][0])(NO_CONFIG, ENCODERS[side][0])


@pytest.mark.parametrize("side", ENCODERS)
def test_every_layer_of_the_encoder_has_the_shape_that_arithmetic_gives(side: int) -> None:
    px, expected = side, {}
    for feature, channels, kernel, stride, padding in LAYERS:
        px = (px + 2 * padding - kernel) // stride + 1
        expected[feature] = (1, channels, px, px)
    expected["flatten"] = (1, ENCODERS[side][1])
    features = encoder(side)(images(1, side), list(expected))
    assert dict(zip(expected, (tuple(feature.shape) for feature in features), strict=True)) == expected


@pytest.mark.parametrize("side", ENCODERS)
def test_the_encoder_is_convolution_norm_leaky_relu_and_pooling(side: int) -> None:
    trunk = with_large_weights(encoder(side)).eval()
    weights, x = trunk.state_dict(), images(1, side)
    with torch.no_grad():
        features = trunk(x, [*(layer[0] for layer in LAYERS), "flatten"])
        feature = x
        for block, (layer, _, kernel, stride, padding) in enumerate(LAYERS):
            if layer.startswith("pool"):
                feature = F.max_pool2d(feature, kernel, stride)
            else:
                part = f"_feature_blocks.{block}."
                feature = F.conv2d(feature, weights[part + "0.weight"], weights[part + "0.bias"], stride, padding)
                feature = feature if layer == "conv1" else normalised(feature, weights, part + "1")
                feature = leaky(feature)
            torch.testing.assert_close(features[block], feature, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(features[-1], feature.reshape(1, -1), rtol=1e-3, atol=1e-3)


def test_the_three_encoders_have_the_same_weights() -> None:
    first, *others = ({key: tuple(value.shape) for key, value in encoder(side).state_dict().items()}
                      for side in ENCODERS)  # fmt: skip
    assert all(list(first.items()) == list(other.items()) for other in others)
    assert sum(key.endswith("running_mean") for key in first) == 4  # conv2 to conv5


@pytest.mark.parametrize("side", ENCODERS)
def test_the_encoder_refuses_images_of_another_size(side: int) -> None:
    with pytest.raises(MonoImageError, match=f"takes images of 3 x {side} x {side}, not 3 x 32 x 32: "):
        encoder(side)(torch.rand(1, 3, 32, 32))
