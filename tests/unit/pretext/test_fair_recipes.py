"""Recipes by their authors' book, beside the shortened ones: what each does in its steps and how its rate falls."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from PIL import Image
from vissl.data.ssl_transforms import get_transform
from vissl.utils.hydra_config import convert_to_attrdict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.pretext.bigan.optimizers import DISCRIMINATOR, ENCODER_GENERATOR
from vissl_monoimage.pretext.bigan.pairs import make_pairs
from vissl_monoimage.pretext.bigan.task import BiGANTask
from vissl_monoimage.pretext.bigan.train_step import discriminator_step, encoder_generator_step
from vissl_monoimage.pretext.deepcluster.task import DeepClusterTask
from vissl_monoimage.utils.random import seed_everything

Problems = Callable[..., list[str]]
FROZEN = "+config.LOSS.bigan_loss.frozen_generator=true"
SMALL = (
    "config.MODEL.HEAD.PARAMS=[[bigan,{features:1024,latent:4,generator:{widths:[4,4,4],kernel:4},"
    "discriminator:{widths:[4,4,4],kernel:4,norm:none,hidden:8,latent_hidden:[8,8]}}]]"
)


def attributes(name: str, *overrides: str) -> Any:
    composed = compose_config([f"config=pretrain/monoimage/{name}", *overrides])
    assert isinstance(composed, DictConfig)
    return convert_to_attrdict(composed, dump_config=False)[1]


@pytest.mark.parametrize(
    "words",
    [
        ("pretrain/monoimage/rotnet_convnet4_padded",),
        ("pretrain/monoimage/deepcluster_convnet4_annealed",),
        ("pretrain/monoimage/deepcluster_convnet4_annealed_sobel",),
        ("pretrain/monoimage/monogan_wgan_gp",),
        ("pretrain/monoimage/monogan_wgan_gp", FROZEN),
    ],
    ids=lambda words: "-".join(words).rpartition("/")[2],
)
def test_nothing_is_wrong_with_the_shipped_configs(problems: Problems, words: tuple[str, ...]) -> None:
    assert problems(f"config={words[0]}", *words[1:]) == []


def test_a_padded_crop_is_a_part_of_the_image_with_four_black_pixels_around() -> None:
    """All 81 places occur in the end, flipped or not, and the four rotations are of one crop."""
    transforms = attributes("rotnet_convnet4_padded").DATA.TRAIN.TRANSFORMS[:-2]  # the images themselves
    pixels = np.random.default_rng(0).integers(1, 256, (32, 32, 3), dtype=np.uint8)
    padded = np.pad(pixels, ((4, 4), (4, 4), (0, 0)))
    windows = {
        np.ascontiguousarray(crop).tobytes(): (top, left)
        for top, left in itertools.product(range(9), range(9))
        for crop in (padded[top : top + 32, left : left + 32], padded[top : top + 32, left : left + 32][:, ::-1])
    }
    places, pipeline = set(), get_transform(transforms)
    for seed in range(600):
        seed_everything("padded", seed)
        sample = {"data": [Image.fromarray(pixels)], "label": [0], "data_valid": [1], "data_idx": [0]}
        upright, turned, *_ = pipeline(sample)["data"]
        places.add(windows[upright.tobytes()])
        assert turned.tobytes() == upright.rotate(90).tobytes()
    assert len(places) == 81


def test_an_annealed_deepcluster_ends_at_rate_zero_and_its_top_layer_too() -> None:
    task = DeepClusterTask(attributes("deepcluster_convnet4_annealed_sobel"))
    rate = task._build_optimizer_schedulers()["lr"]
    assert [rate(where) for where in (0.0, 0.5, 1.0)] == pytest.approx([0.05, 0.025, 0.0])
    assert task.config.OPTIMIZER.num_epochs == 30
    assert task.config.MODEL.TRUNK.NAME == "convnet4_sobel"


def a_gan(*overrides: str) -> BiGANTask:
    task = BiGANTask(attributes("monogan_wgan_gp", SMALL, *overrides))
    torch.manual_seed(0)
    task.base_model = task._build_model()
    task.optimizer, task.base_loss = task._build_optimizer(), task._build_loss()
    task.prepare_optimizer()
    task.train = True
    return task


def test_a_wgan_gp_by_the_book_has_five_critic_steps_each_with_the_penalty() -> None:
    task = a_gan()
    loss = task.loss
    assert all(loss.takes_penalty(step) for step in range(10))
    assert [step for step in range(15) if loss.moves_encoder_generator(step)] == [4, 9, 14]
    assert (loss.penalty_weight, loss.config.latent_regression) == (10.0, 0.0)
    for name, where in itertools.product((DISCRIMINATOR, ENCODER_GENERATOR), (0.0, 0.25, 1.0)):
        for schedule in task.optimizer[name].schedulers.values():
            assert schedule(where) == pytest.approx(0.0002 * (1 - where))
        assert task.optimizer[name].settings.betas == (0.5, 0.9)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_frozen_generator_keeps_its_weights_while_encoder_and_critic_learn(
    frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = a_gan(*([FROZEN] if frozen else []))
    monkeypatch.setattr(BiGANTask, "where", 0.0)
    images, latents, mix = torch.randn(6, 3, 32, 32), torch.rand(6, 4) * 2 - 1, torch.rand(6, 1)
    before = {name: weight.detach().clone() for name, weight in task.base_model.named_parameters()}
    for task.iteration in range(2):
        pairs = make_pairs(task, images, latents)
        discriminator_step(task, pairs.detached(), mix)
        encoder_generator_step(task, pairs)
    moved = {name for name, weight in task.base_model.named_parameters() if not torch.equal(weight, before[name])}
    generator = {name for name in before if name.startswith("heads.0.generator.")}
    assert generator
    assert bool(moved & generator) is not frozen
    for player in ("trunk.", "heads.0.to_latent.", "heads.0.discriminator."):
        assert any(name.startswith(player) for name in moved), player
