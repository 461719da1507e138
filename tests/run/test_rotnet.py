"""RotNet through the launcher on the CPU: on one process and on two, from folders and from a photo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import launcher
import numpy as np
import pytest
import torch
from PIL import Image


def run(folder: Path, *overrides: str) -> list[dict[str, Any]]:
    """Run `monoimage run` in `folder` and return the lines of its metrics.json."""
    launcher.monoimage("run", *overrides, "config.CHECKPOINT.DIR=rotnet", cwd=folder)
    return [json.loads(line) for line in (folder / "rotnet" / "metrics.json").read_text().splitlines()]


def top_1(metrics: list[dict[str, Any]], split: str) -> list[float]:
    """Return the rotation accuracy in percent after each epoch."""
    meter = f"{split}_accuracy_list_meter"
    return [line[meter]["top_1"]["0"] for line in metrics if meter in line]


def upright_images(folder: Path, number: int, seed: int) -> None:
    """Write `number` noisy images of 32 px, light above and dark below, so that their orientation is easy to see."""
    draw = np.random.default_rng(seed)
    (folder / "all").mkdir(parents=True)
    for index in range(number):
        light = np.linspace(220, 30, 32)[:, None, None] + draw.normal(0, 20, (32, 32, 3))
        Image.fromarray(light.clip(0, 255).astype(np.uint8)).save(folder / "all" / f"{index}.png")


@pytest.mark.parametrize("processes", [1, 2])
def test_rotnet_learns_the_orientation_of_images_in_a_folder(tmp_path: Path, processes: int) -> None:
    upright_images(tmp_path / "train", 48, seed=0)
    upright_images(tmp_path / "test", 16, seed=1)
    metrics = run(
        tmp_path,
        "config=pretrain/monoimage/rotnet_convnet4",
        "+config/monoimage=smoke",
        "config.DATA.TRAIN.DATA_SOURCES=[disk_folder]",
        "config.DATA.TRAIN.DATA_PATHS=[train]",
        "config.DATA.TRAIN.DATA_LIMIT=-1",
        "config.DATA.TEST.DATA_SOURCES=[disk_folder]",
        "config.DATA.TEST.DATA_PATHS=[test]",
        "config.DATA.TEST.DATA_LIMIT=-1",
        "config.OPTIMIZER.num_epochs=2",
        f"config.DISTRIBUTED.NUM_PROC_PER_NODE={processes}",
    )
    losses = [json.loads(line)[1] for line in (tmp_path / "rotnet" / "losses.jsonl").read_text().splitlines()]
    assert len(losses) == 2 * 48 // (4 * processes)
    assert np.mean(losses[-4:]) < 0.5 * np.mean(losses[:4])
    assert top_1(metrics, "test")[-1] > 75  # chance is 25


def test_one_rotation_per_image_trains_from_a_photo(tmp_path: Path) -> None:
    metrics = run(
        tmp_path,
        "config=pretrain/monoimage/rotnet_alexnet_one_rotation",
        "+config/monoimage=smoke",
        "config.MODEL.HEAD.PARAMS=[[alexnet_fc,{dims:[9216,16,4]}]]",
    )
    state = torch.load(tmp_path / "rotnet" / "model_final_checkpoint_phase1.torch", weights_only=False)
    model = state["classy_state_dict"]["base_model"]["model"]
    assert model["trunk"]["_feature_blocks.0.0.weight"].shape == (64, 3, 11, 11)
    assert {score * 8 / 100 for score in top_1(metrics, "train")} <= set(range(9))  # of 8 images, not of 32


def test_crops_too_small_for_the_trunk_stop_the_run_with_one_sentence(monoimage) -> None:
    demo = ("config=pretrain/monoimage/rotnet_demo", "+config/monoimage=smoke")
    done = monoimage("run", *demo, "config.MONOIMAGE.SOURCE.SIZE=32", status=2)
    assert "AlexNetRotNet64 takes images of 3 x 64 x 64, not 3 x 32 x 32" in done.stderr.splitlines()[-1]
