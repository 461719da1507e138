"""Pictures of a generator's samples and of its reconstructions of training images, in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from classy_vision.hooks import ClassyHook
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.pretext.bigan.artifacts import FOLDER, RECONSTRUCTIONS, SAMPLES, GridLayout
from vissl_monoimage.pretext.bigan.pairs import head_of, resized
from vissl_monoimage.pretext.module_state import at_rest
from vissl_monoimage.utils.atomic_write import atomic_write
from vissl_monoimage.utils.distributed import is_primary
from vissl_monoimage.utils.random import generator as seeded

_SAMPLES, _RECONSTRUCTIONS = 64, 32
_ENLARGED = 64  # px: side that small images are enlarged to


class ImageGridsHook(ClassyHook):
    """pictures/samples_<epoch>.png and reconstructions_<epoch>.png every `config.MONOIMAGE.PICTURES_EVERY` epochs.

    They show the same latents and the same training images every time, by networks in eval mode: norms with their
    running statistics. The last epoch always has its pictures; 0 switches them off.
    """

    on_start = ClassyHook._noop
    on_phase_start = ClassyHook._noop
    on_step = ClassyHook._noop
    on_end = ClassyHook._noop

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.every: int = monoimage_block(config).get("PICTURES_EVERY", 1)

    def on_phase_end(self, task: Any) -> None:
        epoch = task.train_phase_idx + 1
        last = epoch == task.num_train_phases
        if not (task.train and is_primary() and self.every and (epoch % self.every == 0 or last)):
            return
        folder = Path(task.checkpoint_folder, FOLDER)
        folder.mkdir(exist_ok=True)
        with at_rest(task.base_model), torch.no_grad():
            save_grid(samples(task), folder / f"{SAMPLES}_{epoch:04d}.png")
            save_grid(reconstructions(task), folder / f"{RECONSTRUCTIONS}_{epoch:04d}.png")


def samples(task: Any) -> Tensor:
    """Return G(z) of 64 fixed z, (64, 3, size, size) in [0, 1]."""
    head = head_of(task)
    z = torch.rand(_SAMPLES, head.latent, generator=seeded("pictures", task.config["SEED_VALUE"])) * 2 - 1
    return head.generator.to_pixels(head.generator(z.to(task.device)))


def reconstructions(task: Any) -> Tensor:
    """Return the first N training images x and their G(E(x)), x and G(E(x)) in turn, (2 N, 3, size, size) in [0, 1].

    N is 32, or the number of training images if there are fewer; `size` is the generator's.
    """
    head, images = head_of(task), task.datasets["train"]
    epoch, images.epoch = images.epoch, 0  # flipped as in the first epoch, whichever this is
    try:
        x = torch.stack([images[index]["data"][0] for index in range(min(_RECONSTRUCTIONS, len(images)))])
    finally:
        images.epoch = epoch
    x = x.to(task.device)
    if renderer := images.renderer(task.device):
        x = renderer(x)
    reconstructed = head.generator(task.base_model(x)[0])
    return head.generator.to_pixels(torch.stack([resized(head, x), reconstructed], dim=1).flatten(0, 1))


def save_grid(images: Tensor, path: Path) -> None:
    """Write a grid of images (N, 3, side, side) in [0, 1]; pixels of small images are repeated, not blurred.

    Raises:
        MonoImageError: the file cannot be written.
    """
    zoom = max(1, _ENLARGED // images.shape[-1])
    layout = GridLayout(len(images), images.shape[-1] * zoom)
    enlarged = images.repeat_interleave(zoom, 2).repeat_interleave(zoom, 3)
    grid = make_grid(enlarged, nrow=layout.columns, padding=layout.gap, pad_value=1.0)
    pixels = (grid * 255 + 0.5).clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    with atomic_write(path) as part:
        Image.fromarray(pixels).save(part, "PNG", pnginfo=layout.png_info())
