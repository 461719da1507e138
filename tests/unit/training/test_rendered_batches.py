"""Batches rendered on the training's device, here a CPU: the images, labels and refusals of a run of ours."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import launcher
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP
from vissl.data.collators import get_collator
from vissl.utils.hydra_config import convert_to_attrdict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.launch import prepare
from vissl_monoimage.training.rendered_batches import RenderedLoader
from vissl_monoimage.training.seeding import SeededSSLDataset

TORCH = "+config.MONOIMAGE.SOURCE.RENDERER=torch"
GREY = 0.1 / 255 / 0.2
"""The tolerance of a batch: 0.1 grey levels, divided by about the standard deviation of the colours."""


def batch(folder: Path, config: str, *overrides: str) -> dict[str, list[Tensor]]:
    """Return the first batch of the training's second epoch."""
    few = ("config.DATA.TRAIN.DATA_PATHS=[china]", "+config/monoimage=smoke", f"config.CHECKPOINT.DIR={folder}")
    composed = compose_config([f"config=pretrain/monoimage/{config}", *few, *overrides])
    prepare(composed)
    _, settings = convert_to_attrdict(composed)
    made = SeededSSLDataset(settings, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
    dataset: Any = pickle.loads(pickle.dumps(made))  # as workers get it
    dataset.epoch = 1
    collate = get_collator(settings.DATA.TRAIN.COLLATE_FUNCTION, {})
    loader: Any = DataLoader(dataset, batch_size=6, collate_fn=collate)
    renderer = dataset.renderer(torch.device("cpu"))
    first: dict[str, list[Tensor]] = next(iter(loader if renderer is None else RenderedLoader(loader, renderer)))
    return first


@pytest.mark.parametrize(
    "config", ["rotnet_convnet4", "rotnet_alexnet_wide_64px", "deepcluster_convnet4", "monogan_cifar"]
)
def test_batches_are_those_of_the_usual_renderer(tmp_path: Path, config: str) -> None:
    usual, ours = batch(tmp_path / "a", config), batch(tmp_path / "b", config, TORCH)
    assert usual.keys() == ours.keys()
    for key in usual.keys() - {"data"}:
        assert all(torch.equal(*pair) for pair in zip(usual[key], ours[key], strict=True)), key
    images, rendered = usual["data"][0], ours["data"][0]
    assert images.shape == rendered.shape
    assert (images - rendered).abs().mean((1, 2, 3)).max() < GREY
    assert images.std() > 0.3


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            ["config=benchmark/monoimage/linear_photo_patches"],
            "is for pretrainings, not for config.TRAINER.TASK_NAME=probe_task",
        ),
        (
            ["config=pretrain/monoimage/rotnet_alexnet_one_rotation"],
            "does not fit config.DATA.TRAIN.TRANSFORMS: ImgRotatePil is none of",
        ),
        (
            ["config=pretrain/simclr/simclr_8node_resnet", "+config/monoimage=[single_image,cpu]"],
            "COLLATE_FUNCTION to be default_collate or four_rotations_collator, not simclr_collator",
        ),
    ],
)
def test_what_cannot_be_rendered_in_batches_is_refused(
    problems: Callable[..., list[str]], overrides: list[str], sentence: str
) -> None:
    before = problems(*overrides)
    found = [
        problem for problem in problems(*overrides, "++config.MONOIMAGE.SOURCE.RENDERER=torch") if problem not in before
    ]
    assert any(sentence in problem for problem in found), found


@pytest.mark.slow
@pytest.mark.parametrize("config", ["rotnet_convnet4", "deepcluster_convnet4", "monogan_cifar"])
def test_a_run_with_each_renderer_begins_with_nearly_the_same_losses_and_is_its_own_experiment(
    tmp_path: Path, config: str
) -> None:
    rows = []
    for name, words in (("opencv", []), ("torch", [TORCH])):
        overlay = "+config/monoimage=smoke"
        launcher.monoimage(
            "run", f"config=pretrain/monoimage/{config}", overlay, *words, f"config.CHECKPOINT.DIR={name}", cwd=tmp_path
        )
        rows.append(json.loads((tmp_path / name / "ledger.jsonl").read_text().splitlines()[-1]))
    assert [row["recipe"].get("renderer") for row in rows] == [None, "torch"]
    for key in ("config_hash", "group_hash"):
        assert rows[0][key] != rows[1][key]
    assert rows[0]["data"]["train"]["sha256"] != rows[1]["data"]["train"]["sha256"]
    usual, ours = ([loss for _, loss in row["losses"]] for row in rows)
    assert len(ours) == len(usual)
    assert all(map(math.isfinite, ours))
    # In the first step the pixels alone differ, in the second the weights as well. From then on two trainings diverge
    # as far as two whose pixels differ by noise of that size.
    assert ours[0] == pytest.approx(usual[0], rel=0.002)
    assert ours[1] == pytest.approx(usual[1], rel=0.02)
