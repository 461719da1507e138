"""One batch of the game on real networks: what is computed for whom, beside the players' own tests."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from vissl.config import AttrDict
from vissl.models.heads import get_model_head

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.pretext.bigan.loss import BiGANLoss
from vissl_monoimage.pretext.bigan.measure import bounded, measure_test_batch, reconstruction
from vissl_monoimage.pretext.bigan.optimizers import DISCRIMINATOR, ENCODER_GENERATOR
from vissl_monoimage.pretext.bigan.pairs import Pairs, make_pairs, scores
from vissl_monoimage.pretext.bigan.train_step import (
    discriminator_step,
    encoder_generator_step,
    latent_error,
)
from vissl_monoimage.pretext.module_state import frozen, statistics_kept

LATENT = 3
SIZES = {"widths": [4, 4]}  # 16 px


class Encoder(nn.Module):
    """A VISSL model in small: a trunk with batch norm for images of `side` px, and the bigan head."""

    def __init__(self, side: int, norm: str = "batch") -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 2, 4, stride=4), nn.BatchNorm2d(2), nn.ReLU())
        networks = {"generator": {**SIZES, "norm": norm}, "discriminator": {**SIZES, "norm": norm}}
        features = 2 * (side // 4) ** 2
        self.heads = nn.ModuleList(
            [get_model_head("bigan")(AttrDict({}), features=features, latent=LATENT, **networks)]
        )

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [self.heads[0](self.trunk(images))]


def a_task(side: int = 16, norm: str = "batch", **loss: Any) -> SimpleNamespace:
    torch.manual_seed(0)
    return SimpleNamespace(
        base_model=Encoder(side, norm),
        loss=BiGANLoss.from_config(loss),
        device=torch.device("cpu"),
        bf16=False,
        last_batch=SimpleNamespace(sample={"input": torch.randn(5, 3, side, side)}),
    )


def played(task: Any) -> Pairs:
    torch.manual_seed(1)
    return make_pairs(task, task.last_batch.sample["input"], torch.rand(5, LATENT) * 2 - 1)


def test_pairs_are_of_the_discriminators_size_and_larger_images_are_made_smaller() -> None:
    small, large = played(a_task(16)), played(a_task(32))
    assert small.images.shape == large.images.shape == small.generated.shape == (5, 3, 16, 16)
    ramp = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
    task = a_task(32)
    shrunk = make_pairs(task, ramp.expand(5, 3, 32, 32), torch.zeros(5, LATENT)).images[0, 0, 3]
    inner = slice(2, -2)  # away from the edges, which an antialiased filter meets
    torch.testing.assert_close(shrunk[inner], ramp[0, 0, 0].view(16, 2).mean(1)[inner], rtol=0, atol=1e-3)


def test_a_real_pair_is_an_image_and_its_code_and_a_generated_one_z_and_its_image() -> None:
    task = a_task(norm="none")
    task.base_model.eval()
    pairs, head = played(task), task.base_model.heads[0]
    images = task.last_batch.sample["input"]
    torch.testing.assert_close(pairs.codes, task.base_model(images)[0])
    torch.testing.assert_close(pairs.generated, head.generator(pairs.latents))
    real, generated = scores(task, pairs)
    torch.testing.assert_close(real, head.discriminator(images, pairs.codes))
    torch.testing.assert_close(generated, head.discriminator(pairs.generated, pairs.latents))


def test_real_and_generated_pairs_have_batch_statistics_of_their_own() -> None:
    task = a_task()
    pairs = played(task)
    other = Pairs(pairs.images, pairs.codes, pairs.generated + 3, -pairs.latents)
    assert torch.equal(scores(task, pairs)[0], scores(task, other)[0])
    assert not torch.equal(scores(task, pairs)[1], scores(task, other)[1])


def test_detached_pairs_lead_back_to_nobody() -> None:
    pairs = played(a_task())
    assert pairs.codes.requires_grad
    assert pairs.generated.requires_grad
    assert not any(value.requires_grad for value in vars(pairs.detached()).values())


@pytest.mark.parametrize("side", [16, 32])
def test_the_latent_error_is_how_far_the_encoder_is_from_z_and_teaches_the_encoder_alone(side: int) -> None:
    task = a_task(side, latent_regression=1.0)
    pairs, model = played(task), task.base_model
    error = latent_error(task, pairs)
    images = pairs.generated.detach()
    images = images if side == 16 else F.interpolate(images, size=side, mode="bilinear")
    expected = sum(float((model(images)[0][i, j] - pairs.latents[i, j]) ** 2) for i in range(5) for j in range(LATENT))
    assert float(error.detach()) == pytest.approx(expected / (5 * LATENT), rel=1e-5)
    error.backward()
    taught = {name for name, weight in model.named_parameters() if weight.grad is not None}
    encoder = {name for name, _ in model.named_parameters() if name.startswith(("trunk.", "heads.0.to_latent."))}
    assert taught == encoder


def test_the_latent_error_leaves_the_trunk_the_statistics_of_real_images() -> None:
    task = a_task(latent_regression=1.0)
    norm = task.base_model.trunk[1]
    pairs = played(task)
    mean, variance = norm.running_mean.clone(), norm.running_var.clone()
    latent_error(task, pairs)
    assert torch.equal(norm.running_mean, mean)
    assert torch.equal(norm.running_var, variance)
    task.base_model(pairs.images)
    assert not torch.equal(norm.running_mean, mean)  # it goes on to learn from real ones


def test_statistics_are_kept_even_where_the_encoder_fails() -> None:
    norm = nn.BatchNorm2d(3, momentum=0.3)
    with pytest.raises(ZeroDivisionError), statistics_kept(norm):
        _ = 1 / 0
    assert norm.momentum == 0.3


def test_frozen_weights_take_no_gradient_and_are_free_again() -> None:
    task = a_task()
    judge = task.base_model.heads[0].discriminator
    pairs = played(task)
    with frozen(judge):
        sum(score.sum() for score in scores(task, pairs)).backward()
    assert all(weight.grad is None and weight.requires_grad for weight in judge.parameters())
    assert task.base_model.heads[0].to_latent.weight.grad is not None


def test_reconstruction_is_measured_on_the_image_itself_and_on_another() -> None:
    """A generator that draws x itself for x's code: no error, and against another image how far the two are apart."""
    task = a_task()
    pairs, drawer = played(task), task.base_model.heads[0].generator
    images = torch.rand(5, 3, 16, 16)
    exact = Pairs(images, pairs.codes, pairs.generated, pairs.latents)
    drawer.forward = lambda codes: images
    found = reconstruction(task, exact)
    assert found["reconstruction_error"] == 0
    expected = float(torch.stack([(images[i] - images[i - 1]) ** 2 for i in range(5)]).mean())
    assert found["mismatch_error"] == pytest.approx(expected, rel=1e-5)


# A loss that is not finite.


class Mover:
    """A player that notes that it was asked to move."""

    def __init__(self) -> None:
        self.moved = False

    def minimise(self, loss: torch.Tensor, where: float) -> None:
        self.moved = True


def spoilt(train: bool) -> SimpleNamespace:
    """A task whose discriminator gives no numbers: in its 5th step, or in the 3rd batch of the test after epoch 2."""
    task = a_task(norm="none")
    nn.init.constant_(task.base_model.heads[0].discriminator.score.bias, float("nan"))
    task.train, task.iteration, task.where, task.train_phase_idx, task.losses = train, 4, 0.5, 1, [0.7, 0.7]
    task.optimizer = {DISCRIMINATOR: Mover(), ENCODER_GENERATOR: Mover()}
    return task


def test_the_discriminators_step_ends_before_it_moves_and_says_so() -> None:
    task = spoilt(train=True)
    pairs, mix = played(task).detached(), torch.rand(5, 1)
    message = "step 5: the discriminator loss is nan, and the run stops before the discriminator is updated: lower"
    with pytest.raises(MonoImageError, match=message):
        discriminator_step(task, pairs, mix)
    assert not task.optimizer[DISCRIMINATOR].moved


def test_the_step_of_encoder_and_generator_ends_before_they_move_and_says_no_more() -> None:
    """The discriminator has stepped by then."""
    task = spoilt(train=True)
    message = (
        "step 5: the encoder_generator loss is nan, and the run stops before encoder and generator are updated: lower"
    )
    with pytest.raises(MonoImageError, match=message):
        encoder_generator_step(task, played(task))
    assert not task.optimizer[ENCODER_GENERATOR].moved


def test_a_test_is_not_called_a_step_nor_said_to_move_anything() -> None:
    task = spoilt(train=False)
    message = "test after epoch 2, batch 3: the discriminator loss is nan, and the run stops: lower"
    with pytest.raises(MonoImageError, match=message):
        measure_test_batch(task, played(task))


@pytest.mark.parametrize("loss", [1e28, -3e9, float("inf"), float("-inf"), float("nan")])
def test_a_loss_that_has_diverged_ends_the_run_though_it_is_finite(loss: float) -> None:
    """A MonoGAN went on to its last epoch at losses of 1e28, and ended with status 0."""
    with pytest.raises(MonoImageError, match=f"step 5: the discriminator loss is {re.escape(f'{loss:.4g}')}, and"):
        bounded(spoilt(train=True), torch.tensor(loss), DISCRIMINATOR, "loss")


@pytest.mark.parametrize("loss", [0.0, -2.5e4, 9e6])
def test_large_losses_of_a_game_that_goes_on_are_left_alone(loss: float) -> None:
    assert bounded(spoilt(train=True), torch.tensor(loss), DISCRIMINATOR, "loss") == loss
