"""What the players see of a batch: real images with their codes, and latents with the images generated of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from classy_vision.generic.distributed_util import get_rank, get_world_size
from torch import Tensor

from vissl_monoimage.models.heads.bigan import BiGANHead
from vissl_monoimage.utils.precision import autocast
from vissl_monoimage.utils.random import generator as seeded


@dataclass(frozen=True)
class Pairs:
    """Real images with their codes, and latents with the images generated of them; N of each, all float32.

    `images` and `generated` are (N, 3, size, size) as the discriminator sees them, `codes` and `latents`
    (N, latent).
    """

    images: Tensor
    codes: Tensor
    generated: Tensor
    latents: Tensor

    def detached(self) -> Pairs:
        """The same, without a way back to encoder and generator."""
        return Pairs(self.images, self.codes.detach(), self.generated.detach(), self.latents)


def draw_latents(task: Any, count: int) -> tuple[Tensor, Tensor]:
    """z (count, latent), uniform in [-1, 1], and the penalty's mixtures (count, 1) in [0, 1], of this rank's samples.

    Drawn for the whole global batch from the seed and the step, and dealt out as the samples are: one to a rank
    in turn. So a sample has the same z on any number of processes, and in a run that was resumed.
    """
    rank, ranks = get_rank(), get_world_size()
    step = ("train", task.iteration) if task.train else ("test", len(task.losses))
    numbers = torch.rand(
        count * ranks, head_of(task).latent + 1, generator=seeded("latents", task.config["SEED_VALUE"], *step)
    )
    mine = numbers[rank::ranks].to(task.device)
    return mine[:, :-1] * 2 - 1, mine[:, -1:]


def make_pairs(task: Any, images: Tensor, latents: Tensor) -> Pairs:
    """Encode the images and generate from the latents; images larger than the discriminator's are made smaller."""
    head = head_of(task)
    codes = task.base_model(images)[0].float()  # in bfloat16 inside, where the config says so
    with autocast(task.device.type, task.bf16):
        generated = head.generator(latents).float()
    return Pairs(resized(head, images), codes, generated, latents)


def resized(head: BiGANHead, images: Tensor) -> Tensor:
    """The encoder's images at the size of generator and discriminator."""
    size = head.generator.size
    return images if images.shape[-1] == size else F.interpolate(images, size=size, mode="bilinear", antialias=True)


def scores(task: Any, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """Scores (N,) of the real pairs and of the generated ones.

    One after the other, not as one batch: batch statistics over both would tell the discriminator about one
    what it sees in the other, and the authors keep them apart (jeffdonahue/bigan, `--cat_inputs` is off).
    """
    discriminator = head_of(task).discriminator
    with autocast(task.device.type, task.bf16):
        real = discriminator(pairs.images, pairs.codes)
        generated = discriminator(pairs.generated, pairs.latents)
    return real.float(), generated.float()


def head_of(task: Any) -> BiGANHead:
    """Encoder's end, generator and discriminator of the task's model."""
    head: BiGANHead = task.base_model.heads[0]
    return head
