"""The pairs of a batch: real images with their codes, and latents with the images generated from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vissl_monoimage.models.heads.bigan import BiGANHead
from vissl_monoimage.utils.distributed import rank, world_size
from vissl_monoimage.utils.precision import autocast
from vissl_monoimage.utils.random import generator as seeded


@dataclass(frozen=True)
class Pairs:
    """N real pairs (images, codes) and N generated pairs (generated, latents), all float32.

    Attributes:
        images: (N, 3, size, size), normalised, at the discriminator's size.
        codes: (N, latent), the encoder's output for the images.
        generated: (N, 3, size, size), the generator's output for the latents.
        latents: (N, latent) in [-1, 1].
    """

    images: Tensor
    codes: Tensor
    generated: Tensor
    latents: Tensor

    def detached(self) -> Pairs:
        """Return the same pairs cut off from encoder and generator: no gradient flows back."""
        return Pairs(self.images, self.codes.detach(), self.generated.detach(), self.latents)


def draw_latents(task: Any, count: int) -> tuple[Tensor, Tensor]:
    """Return this rank's z (count, latent), uniform in [-1, 1], and the penalty's mixtures (count, 1) in [0, 1].

    They are drawn for the whole global batch from the seed and the step, and dealt out as the samples are: one to a
    rank in turn. So a sample has the same z on any number of processes, and in a resumed run.
    """
    ranks = world_size()
    step = ("train", task.iteration) if task.train else ("test", len(task.losses))
    numbers = torch.rand(
        count * ranks, head_of(task).latent + 1, generator=seeded("latents", task.config["SEED_VALUE"], *step)
    )
    own = numbers[rank() :: ranks].to(task.device)
    return own[:, :-1] * 2 - 1, own[:, -1:]


def make_pairs(task: Any, images: Tensor, latents: Tensor) -> Pairs:
    """Encode the images and generate from the latents; the pairs' images are at the discriminator's size.

    Args:
        task: a `BiGANTask`.
        images: (N, 3, side, side), normalised, as the encoder takes them.
        latents: (N, latent).
    """
    head = head_of(task)
    codes = task.base_model(images)[0].float()  # the task runs the model in bfloat16 if the config says so
    with autocast(task.device.type, task.bf16):
        generated = head.generator(latents).float()
    return Pairs(resized(head, images), codes, generated, latents)


def resized(head: BiGANHead, images: Tensor) -> Tensor:
    """Return the encoder's images (N, 3, side, side) at the size of generator and discriminator."""
    size = head.generator.size
    return images if images.shape[-1] == size else F.interpolate(images, size=size, mode="bilinear", antialias=True)


def scores(task: Any, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """Return the discriminator's scores (N,) of the real and of the generated pairs.

    The two kinds go through the discriminator separately: batch statistics over both would leak from one to the other,
    and the authors separate them as well (jeffdonahue/bigan, `--cat_inputs` is off).
    """
    discriminator = head_of(task).discriminator
    with autocast(task.device.type, task.bf16):
        real = discriminator(pairs.images, pairs.codes)
        generated = discriminator(pairs.generated, pairs.latents)
    return real.float(), generated.float()


def head_of(task: Any) -> BiGANHead:
    """Return the head of the task's model: the encoder's last layer, generator and discriminator."""
    head: BiGANHead = task.base_model.heads[0]
    return head
