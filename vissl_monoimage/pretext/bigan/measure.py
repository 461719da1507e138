"""What a BiGAN measures beside its steps, and the end of a run whose losses have diverged."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from classy_vision.generic.distributed_util import all_reduce_mean
from torch import Tensor

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.pretext.bigan.optimizers import DISCRIMINATOR, ENCODER_GENERATOR, RATES
from vissl_monoimage.pretext.bigan.pairs import Pairs, head_of, scores
from vissl_monoimage.pretext.module_state import at_rest
from vissl_monoimage.utils.precision import autocast

Measured = dict[str, float]
DIVERGED = 1e8
"""No healthy loss comes near it: a critic whose gradient has length 1 tells two pictures apart by some hundred."""
_UPDATED = {DISCRIMINATOR: "the discriminator is", ENCODER_GENERATOR: "encoder and generator are"}


@torch.no_grad()
def measure_test_batch(task: Any, pairs: Pairs) -> Measured:
    """Return both players' losses on the same pairs, and the reconstruction errors."""
    real, generated = scores(task, pairs)
    return {
        f"{DISCRIMINATOR}_loss": bounded(task, task.loss.discriminator(real, generated), DISCRIMINATOR, "loss"),
        f"{DISCRIMINATOR}_accuracy": task.loss.accuracy(real, generated),
        f"{ENCODER_GENERATOR}_loss": float(task.loss.encoder_generator(real, generated)),
        **reconstruction(task, pairs),
    }


@torch.no_grad()
def reconstruction(task: Any, pairs: Pairs) -> Measured:
    """Return the mean squared difference of x and G(E(x)), both in [0, 1], at the discriminator's size.

    And that of x and G(E(x')), x' being another image of the batch: as long as the two are equal, the encoder does not
    invert the generator at all.
    """
    generator = head_of(task).generator
    with autocast(task.device.type, task.bf16), at_rest(generator):
        reconstructed = generator.to_pixels(generator(pairs.codes))
    images = generator.to_pixels(pairs.images)
    return {
        "reconstruction_error": float(F.mse_loss(reconstructed, images)),
        "mismatch_error": float(F.mse_loss(reconstructed.roll(1, 0), images)),
    }


def bounded(task: Any, value: Tensor, player: str, name: str) -> float:
    """Return the mean over all ranks of a scalar, or stop the run on all of them if it has diverged.

    Args:
        task: a `BiGANTask`.
        value: the loss of `player`, or a part of it.
        player: DISCRIMINATOR or ENCODER_GENERATOR.
        name: of the value, for the message.

    Raises:
        MonoImageError: the mean is not a number, or beyond `DIVERGED`.
    """
    mean = float(all_reduce_mean(value.detach().clone()))
    if not abs(mean) < DIVERGED:  # which is so of what is not a number
        place, before = f"step {task.iteration + 1}", f" before {_UPDATED[player]} updated"
        if not task.train:
            place, before = f"test after epoch {task.train_phase_idx + 1}, batch {len(task.losses) + 1}", ""
        raise MonoImageError(
            f"{place}: the {player} {name} is {mean:.4g}, and the run stops{before}: lower the players' learning rates "
            f"({', '.join(RATES.values())}), raise config.LOSS.bigan_loss.penalty where there is one"
            f"{', or switch config.MONOIMAGE.BF16 off' if task.bf16 else ''}; checkpoints up to here are kept"
        )
    return mean
