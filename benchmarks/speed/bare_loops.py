"""The training loops that a script without VISSL would have: the same networks, images, batches and losses.

Images go through torchvision's transforms one by one, as far as these are random; the rest is done for a batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torchvision import transforms
from torchvision.transforms.functional import normalize, pil_to_tensor

from vissl_monoimage.pretext.bigan.loss import BiGANLoss
from vissl_monoimage.pretext.module_state import frozen
from vissl_monoimage.utils.precision import autocast

_FOR_A_BATCH = ("FourRotations", "ToTensor", "Normalize")
Images = Sequence[tuple[Image.Image, int]]


def process_times_of_classifier(settings: Any, images: Images, steps: int, rotated: bool) -> list[float]:
    """Return the process time after each step of a network that classifies images, or their four rotations.

    Args:
        settings: what lies below VISSL's `config`.
        images: pairs of image and label.
        steps: to be made.
        rotated: whether the label is the rotation.
    """
    model, optimiser_settings = _network(settings), settings.OPTIMIZER
    optimizer = torch.optim.SGD(
        model.parameters(), 0.01, momentum=optimiser_settings.momentum, weight_decay=optimiser_settings.weight_decay
    )
    times = []
    for batch, labels in _batches(settings, images, steps):
        if rotated:
            batch = torch.stack([torch.rot90(batch, turns, (2, 3)) for turns in range(4)], 1).flatten(0, 1)
            labels = torch.arange(4).repeat(len(labels))
        with autocast("cpu", settings.MONOIMAGE.BF16):
            logits = model(batch)[0]
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        times.append(time.process_time())
    return times


def process_times_of_gan(settings: Any, images: Images, steps: int) -> list[float]:
    """Return the process time after each step of a BiGAN's two players; arguments as above."""
    model, bf16 = _network(settings), settings.MONOIMAGE.BF16
    trunk, head, loss = model.trunk, model.heads[0], BiGANLoss.from_config(settings.LOSS.bigan_loss)
    judge, betas = head.discriminator, tuple(settings.OPTIMIZER.betas)
    players = [weight for name, weight in model.named_parameters() if ".discriminator." not in name]
    first, second = (torch.optim.Adam(weights, 2e-4, betas) for weights in (players, judge.parameters()))
    times = []

    def scores(images: Tensor, codes: Tensor, drawn: Tensor, latents: Tensor) -> tuple[Tensor, Tensor]:
        with autocast("cpu", bf16):
            return judge(images, codes).float(), judge(drawn, latents).float()

    for step, (batch, _) in enumerate(_batches(settings, images, steps)):
        latents = torch.rand(len(batch), head.latent) * 2 - 1
        with autocast("cpu", bf16):
            codes, drawn = head(trunk(batch)[0]).float(), head.generator(latents).float()
        fixed = codes.detach(), drawn.detach()
        objective = loss.discriminator(*scores(batch, *fixed, latents))
        if loss.takes_penalty(step):
            pairs, mix = ((batch, fixed[0]), (fixed[1], latents)), torch.rand(len(batch), 1)
            objective = objective + loss.penalty_weight * loss.penalty(judge, *pairs, mix)
        second.zero_grad()
        objective.backward()
        second.step()
        with frozen(judge):
            objective = loss.encoder_generator(*scores(batch, codes, drawn, latents))
            with autocast("cpu", bf16):
                recovered = head(trunk(fixed[1])[0])
            error = functional.mse_loss(recovered.float(), latents)
            first.zero_grad()
            (objective + loss.config.latent_regression * error).backward()
            first.step()
        times.append(time.process_time())
    return times


def _network(settings: Any) -> Any:
    from vissl.models import build_model

    settings.MODEL._MODEL_INIT_SEED = 0
    model: nn.Module = build_model(settings.MODEL, settings.OPTIMIZER)
    return model.train()


def _batches(settings: Any, images: Images, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield normalised images (N, 3, size, size) and labels (N,) in random order."""
    data = settings.DATA.TRAIN
    listed = [dict(transform) for transform in data.TRANSFORMS]
    chain = transforms.Compose(
        [getattr(transforms, each.pop("name"))(**each) for each in listed if each["name"] not in _FOR_A_BATCH]
    )
    colours = next(each for each in listed if each.get("name") == "Normalize")
    size = data.BATCHSIZE_PER_REPLICA
    order = torch.randperm(len(images)).tolist()
    for first in range(0, steps * size, size):
        samples = [images[index] for index in order[first : first + size]]
        pixels = torch.stack([pil_to_tensor(chain(image)) for image, _ in samples])
        labels = torch.tensor([label for _, label in samples])
        yield normalize(pixels / 255, colours["mean"], colours["std"], inplace=True), labels
