"""One batch of the game: a step of the discriminator, then one of encoder and generator against it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from vissl.hooks import SSLClassyHookFunctions as Hooks
from vissl.trainer.train_steps import register_train_step
from vissl.trainer.train_steps.standard_train_step import construct_sample_for_model
from vissl.utils.perf_stats import PerfTimer

from vissl_monoimage.pretext.bigan.measure import Measured, bounded, measure_test_batch
from vissl_monoimage.pretext.bigan.optimizers import (
    DISCRIMINATOR,
    ENCODER_GENERATOR,
    average_over_ranks,
    running_statistics,
)
from vissl_monoimage.pretext.bigan.pairs import Pairs, draw_latents, head_of, make_pairs, scores
from vissl_monoimage.pretext.module_state import frozen, statistics_kept


@register_train_step("bigan_train_step")
def bigan_train_step(task: Any) -> Any:
    """Run VISSL's training iteration for a BiGAN; in test phases measure only.

    Encoder and generator run once a batch: the discriminator's step takes their outputs detached, and where they step
    themselves, the same outputs go through the updated discriminator again. `task.last_batch.measured` holds what was
    measured: losses as means over all ranks, the rest by this rank.

    Raises:
        MonoImageError: a player's loss has diverged. That player was not updated; if it is encoder and generator, the
            discriminator was.
    """
    task.last_batch = SimpleNamespace()
    with PerfTimer("read_sample", task.perf_stats):
        sample = construct_sample_for_model(next(task.data_iterator), task)
    images: Tensor = sample["input"]
    latents, mix = draw_latents(task, len(images))
    updates = task.train and task.loss.moves_encoder_generator(task.iteration)
    with PerfTimer("forward", task.perf_stats), torch.set_grad_enabled(updates):
        pairs = make_pairs(task, images, latents)
    task.last_batch.sample, task.last_batch.target = sample, sample["target"]
    task.last_batch.pairs, task.last_batch.model_output = pairs.detached(), pairs.codes.detach()
    if task.train:
        measured = discriminator_step(task, task.last_batch.pairs, mix)
        if updates:
            measured |= encoder_generator_step(task, pairs)
        # Of all networks, updated or not: a test phase or a checkpoint, which is the first rank's, may come next.
        average_over_ranks(running_statistics(task.base_model))
    else:
        measured = measure_test_batch(task, task.last_batch.pairs)
    # Only after the losses were found finite: VISSL's own hook for outputs that are not ends in an AttributeError.
    task.run_hooks(Hooks.on_forward.name)
    task.last_batch.measured = measured
    task.last_batch.loss = torch.tensor(measured[f"{DISCRIMINATOR}_loss"])
    task.losses.append(measured[f"{DISCRIMINATOR}_loss"] * len(images))
    if not task.train or task.config["METERS"]["enable_training_meter"]:
        for meter in task.meters:
            meter.update(measured, sample["target"])
    task.run_hooks(Hooks.on_loss_and_meter.name)
    if task.train:
        task.run_hooks(Hooks.on_backward.name)
        task.run_hooks(Hooks.on_update.name)
        task.num_updates += task.get_global_batchsize()
    return task


def discriminator_step(task: Any, pairs: Pairs, mix: Tensor) -> Measured:
    """Update the discriminator, with the penalty in the steps that apply it, and return what was measured."""
    loss = task.loss
    real, generated = scores(task, pairs)
    objective = loss.discriminator(real, generated)
    measured = {
        f"{DISCRIMINATOR}_loss": bounded(task, objective, DISCRIMINATOR, "loss"),
        f"{DISCRIMINATOR}_accuracy": loss.accuracy(real, generated),
    }
    if loss.takes_penalty(task.iteration):
        discriminator = head_of(task).discriminator
        penalty = loss.penalty(discriminator, (pairs.images, pairs.codes), (pairs.generated, pairs.latents), mix)
        measured["penalty"] = bounded(task, penalty, DISCRIMINATOR, "penalty")
        objective = objective + loss.penalty_weight * penalty
    task.optimizer[DISCRIMINATOR].minimise(objective, task.where)
    return measured


def encoder_generator_step(task: Any, pairs: Pairs) -> Measured:
    """Update encoder and generator through a frozen discriminator, and return what was measured."""
    with frozen(head_of(task).discriminator):
        objective = task.loss.encoder_generator(*scores(task, pairs))
        measured = {f"{ENCODER_GENERATOR}_loss": bounded(task, objective, ENCODER_GENERATOR, "loss")}
        if task.loss.config.latent_regression:
            error = latent_error(task, pairs)
            measured["latent_error"] = bounded(task, error, ENCODER_GENERATOR, "latent error")
            objective = objective + task.loss.config.latent_regression * error
        task.optimizer[ENCODER_GENERATOR].minimise(objective, task.where)
    return measured


def latent_error(task: Any, pairs: Pairs) -> Tensor:
    """Return the mean squared difference of z and E(G(z)), a scalar; the generator gets no gradient from it.

    The norms of the trunk keep the statistics of real images, on which it is probed.
    """
    images, side = pairs.generated.detach(), task.last_batch.sample["input"].shape[-1]
    if side != images.shape[-1]:
        images = F.interpolate(images, size=side, mode="bilinear")
    with statistics_kept(task.base_model.trunk):
        return F.mse_loss(task.base_model(images)[0].float(), pairs.latents)
