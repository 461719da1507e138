"""BiGAN's stakes against NumPy and SciPy, and its gradient penalty against critics whose gradient is known."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from classy_vision.losses import build_loss
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_expit
from torch import Tensor

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.gan import JointDiscriminator, NetworkSettings
from vissl_monoimage.pretext.bigan.loss import BiGANLoss

Array = npt.NDArray[np.float64]
LATENT, SIDE = 5, 8
SCORES = arrays(np.float32, st.integers(1, 20), elements=st.floats(-1e4, 1e4, width=32))


def a_loss(**config: Any) -> BiGANLoss:
    """As VISSL builds it of `config.LOSS`."""
    return build_loss({"name": "bigan_loss", **config})


WASSERSTEIN = {"objective": "wasserstein", "penalty": 10.0}


# The objectives.


@settings(deadline=None)
@given(real=SCORES, generated=SCORES)
def test_cross_entropy_is_the_negative_log_likelihood_of_the_labels(real: Array, generated: Array) -> None:
    """Real pairs are 1 and generated ones 0 for the discriminator; for encoder and generator it is the other way."""
    ones = np.concatenate([real.astype(float), generated.astype(float)])
    labels = np.concatenate([np.ones(len(real)), np.zeros(len(generated))])
    weights = np.concatenate([np.full(len(real), 1 / len(real)), np.full(len(generated), 1 / len(generated))])

    def negative_log_likelihood(labels: Array) -> float:
        return -float((weights * (labels * log_expit(ones) + (1 - labels) * log_expit(-ones))).sum())

    scores = torch.tensor(real), torch.tensor(generated)
    found = float(a_loss().discriminator(*scores)), float(a_loss().encoder_generator(*scores))
    expected = negative_log_likelihood(labels), negative_log_likelihood(1 - labels)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@settings(deadline=None)
@given(real=SCORES)
def test_cross_entropy_is_torchs(real: Array) -> None:
    scores = torch.tensor(real), torch.tensor(real[::-1].copy() / 3)
    oracle = torch.nn.functional.binary_cross_entropy_with_logits
    ones = [torch.ones(len(real)), torch.zeros(len(real))]
    torch.testing.assert_close(a_loss().discriminator(*scores), oracle(scores[0], ones[0]) + oracle(scores[1], ones[1]))
    torch.testing.assert_close(
        a_loss().encoder_generator(*scores), oracle(scores[0], ones[1]) + oracle(scores[1], ones[0])
    )


@settings(deadline=None)
@given(real=SCORES, generated=SCORES)
def test_wasserstein_is_the_difference_of_means_and_a_game_of_sum_0(real: Array, generated: Array) -> None:
    loss, scores = a_loss(**WASSERSTEIN), (torch.tensor(real), torch.tensor(generated))
    expected = generated.astype(float).mean() - real.astype(float).mean()
    np.testing.assert_allclose(float(loss.discriminator(*scores)), expected, rtol=1e-4, atol=1e-2)
    assert float(loss.encoder_generator(*scores)) == -float(loss.discriminator(*scores))


@pytest.mark.parametrize("config", [{}, WASSERSTEIN])
def test_a_discriminator_that_is_right_has_the_smaller_loss_and_the_others_the_larger(config: dict[str, Any]) -> None:
    loss, high, low = a_loss(**config), torch.full((4,), 3.0), torch.full((4,), -3.0)
    assert loss.discriminator(high, low) < loss.discriminator(low, high)
    assert loss.encoder_generator(high, low) > loss.encoder_generator(low, high)


@pytest.mark.parametrize("config", [{}, WASSERSTEIN])
def test_vissl_logs_the_discriminators_loss(config: dict[str, Any]) -> None:
    loss, scores = a_loss(**config), (torch.tensor([0.3, 2.0]), torch.tensor([1.0, -4.0]))
    assert loss(scores, target=None) == loss.discriminator(*scores)


def test_accuracy_counts_scores_on_their_side_of_0_and_for_wasserstein_pairs_in_order() -> None:
    real, generated = torch.tensor([2.0, 1.0, -1.0, 5.0]), torch.tensor([1.0, 3.0, -2.0, 4.0])
    assert a_loss().accuracy(real, generated) == (3 + 1) / 8
    assert a_loss(**WASSERSTEIN).accuracy(real, generated) == 3 / 4
    assert a_loss(**WASSERSTEIN).accuracy(real - 100, generated - 100) == 3 / 4


# The gradient penalty.


def pairs(seed: int, count: int = 6) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], Tensor]:
    """Real and generated (images, latents), and how much of the real ones is in a mixture."""
    random = torch.Generator().manual_seed(seed)
    real, generated = (
        (torch.randn(count, 3, SIDE, SIDE, generator=random), torch.rand(count, LATENT, generator=random) * 2 - 1)
        for _ in range(2)
    )
    return real, generated, torch.rand(count, 1, generator=random)


class Linear(torch.nn.Module):
    """<a, x> + <b, z>, whose gradient is (a, b) everywhere."""

    def __init__(self, seed: int, scale: float) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        self.a = torch.nn.Parameter(scale * torch.randn(3, SIDE, SIDE, generator=random))
        self.b = torch.nn.Parameter(scale * torch.randn(LATENT, generator=random))

    def forward(self, images: Tensor, latents: Tensor) -> Tensor:
        return (self.a * images).sum((1, 2, 3)) + latents @ self.b


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), points=st.integers(0, 10_000), scale=st.floats(1e-3, 10))
def test_the_penalty_of_a_linear_critic_is_that_of_its_slope_whatever_the_points(
    seed: int, points: int, scale: float
) -> None:
    critic = Linear(seed, scale)
    penalty = a_loss(**WASSERSTEIN).penalty(critic, *pairs(points))
    a, b = (weight.detach().double().numpy() for weight in critic.parameters())
    slope = np.sqrt((a**2).sum() + (b**2).sum())  # of image and code together
    np.testing.assert_allclose(float(penalty.detach()), (slope - 1) ** 2, rtol=1e-4, atol=1e-6)
    penalty.backward()
    for weight, value in ((critic.a, a), (critic.b, b)):
        assert weight.grad is not None
        np.testing.assert_allclose(weight.grad.numpy(), 2 * (slope - 1) * value / slope, rtol=1e-3, atol=1e-5)


def of_quadratic_critic(seed: int, mix: Tensor | None = None) -> tuple[float, float]:
    """The penalty of c |x|^2 / 2 + d |z|^2 / 2, whose gradient at a pair is (c x, d z); ours and NumPy's."""
    c, d = 0.3, 1.7
    real, generated, drawn = pairs(seed)
    mix = drawn if mix is None else mix

    def critic(images: Tensor, latents: Tensor) -> Tensor:
        return c * images.square().sum((1, 2, 3)) / 2 + d * latents.square().sum(1) / 2

    squared = np.zeros(len(mix))
    for slope, ours, theirs in ((c, real[0], generated[0]), (d, real[1], generated[1])):
        for sample, share in enumerate(mix[:, 0].double().numpy()):
            point = share * ours[sample].double().numpy() + (1 - share) * theirs[sample].double().numpy()
            squared[sample] += ((slope * point) ** 2).sum()
    expected = ((np.sqrt(squared) - 1) ** 2).mean()
    return float(a_loss(**WASSERSTEIN).penalty(critic, real, generated, mix)), float(expected)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_penalty_is_taken_at_the_mixtures_a_share_for_each_pair(seed: int) -> None:
    found, expected = of_quadratic_critic(seed)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_mix_is_the_share_of_the_real_pair(share: float) -> None:
    found, expected = of_quadratic_critic(0, torch.full((6, 1), share))
    other, _ = of_quadratic_critic(0, torch.full((6, 1), 1 - share))
    assert found == pytest.approx(expected, rel=1e-5)
    assert abs(found - other) > 1e-2


def test_the_penalty_is_the_same_float32_number_under_bfloat16() -> None:
    torch.manual_seed(0)
    critic = JointDiscriminator(LATENT, NetworkSettings(widths=[16], norm="none", hidden=8))
    with torch.no_grad():
        for weight in critic.parameters():
            weight *= 10
    seen: list[torch.dtype] = []

    def watched(images: Tensor, latents: Tensor) -> Tensor:
        score = critic(images, latents)
        seen.append(score.dtype)
        return score

    gradients = []
    for bf16 in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            watched(*pairs(0)[0])  # as a step does: autocast keeps the weights it has rounded
            penalty = a_loss(**WASSERSTEIN).penalty(watched, *pairs(0))
        critic.zero_grad()
        penalty.backward()
        gradients.append(
            [penalty.detach(), *(weight.grad for weight in critic.parameters() if weight.grad is not None)]
        )
    assert seen == [torch.float32, torch.float32, torch.bfloat16, torch.float32]
    assert len(gradients[0]) == len(gradients[1]) > 5
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_the_penalty_leaves_the_pairs_without_a_gradient() -> None:
    real, generated, mix = pairs(0)
    a_loss(**WASSERSTEIN).penalty(Linear(0, 1.0), real, generated, mix).backward()
    assert not any(tensor.requires_grad for tensor in (*real, *generated, mix))


# When what happens.


@settings(deadline=None)
@given(every=st.integers(1, 9), steps=st.integers(1, 5), weight=st.floats(0.01, 100))
def test_the_mean_weight_of_the_penalty_is_the_one_asked_for(every: int, steps: int, weight: float) -> None:
    loss = a_loss(penalty=weight, penalty_every=every, discriminator_steps=steps)
    taken = [loss.penalty_weight if loss.takes_penalty(iteration) else 0.0 for iteration in range(every * 20)]
    assert np.mean(taken) == pytest.approx(weight)
    assert taken[0] > 0
    gaps = np.diff(np.flatnonzero(taken))
    assert set(gaps) == {every}


def test_without_a_weight_no_step_has_the_penalty() -> None:
    loss = a_loss(penalty=0.0, penalty_every=3)
    assert not any(loss.takes_penalty(iteration) for iteration in range(12))


@settings(deadline=None)
@given(steps=st.integers(1, 9))
def test_encoder_and_generator_step_with_the_last_of_each_so_many_batches(steps: int) -> None:
    loss = a_loss(discriminator_steps=steps)
    moved = [iteration for iteration in range(10 * steps) if loss.moves_encoder_generator(iteration)]
    assert moved == [steps * turn + steps - 1 for turn in range(10)]


# The block of the config.


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"objective": "wasserstien"}, "unknown objective 'wasserstien': did you mean 'wasserstein'?"),
        ({"penalty_every": 0}, "config.LOSS.bigan_loss.penalty_every=0 must be at least 1"),
        ({"discriminator_steps": 0}, "config.LOSS.bigan_loss.discriminator_steps=0 must be at least 1"),
        ({"penalty": -1}, "config.LOSS.bigan_loss.penalty=-1.0 must not be negative"),
        (
            {"objective": "wasserstein"},
            "penalty=0: the wasserstein objective is unbounded without a gradient penalty",
        ),
        ({"penalti": 10}, "config.LOSS.bigan_loss: unknown key 'penalti': did you mean 'penalty'?"),
        ({"penalty_every": 1.5}, "config.LOSS.bigan_loss.penalty_every=1.5 must be a whole number"),
    ],
)
def test_a_wrong_block_is_one_sentence(config: dict[str, Any], message: str) -> None:
    with pytest.raises(MonoImageError, match=re.escape(message)):
        BiGANLoss.from_config({"name": "bigan_loss", **config})


def test_an_empty_block_is_cross_entropy_without_penalty_a_step_each() -> None:
    loss = BiGANLoss.from_config({"name": "bigan_loss"})
    assert loss.config.objective == "cross_entropy"
    assert loss.penalty_weight == 0
    assert loss.moves_encoder_generator(0)


def test_a_critic_without_a_slope_has_a_penalty_with_a_gradient() -> None:
    """The root's derivative at 0 is infinite, and would make weights of it that are not numbers."""
    critic = Linear(0, 0.0)
    penalty = a_loss(**WASSERSTEIN).penalty(critic, *pairs(0))
    penalty.backward()
    assert float(penalty.detach()) == pytest.approx(1, abs=1e-5)
    assert all(weight.grad is not None and torch.isfinite(weight.grad).all() for weight in critic.parameters())
