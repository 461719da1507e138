"""Linear probes through the launcher, on tiny data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

TINY_PATCHES = [
    "config=benchmark/monoimage/linear_photo_patches",
    "config.MODEL.TRUNK.NAME=convnet4",
    "config.MONOIMAGE.PATCHES.SIZE=32",
    "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=192",
    "config.MONOIMAGE.PATCHES.TEST_SAMPLES=48",
    "config.OPTIMIZER.num_epochs=2",
    "config.OPTIMIZER.param_schedulers.lr.milestones=[1]",
    "config.TEST_EVERY_NUM_EPOCH=2",
    "config.CHECKPOINT.DIR=probe",
]
ON_CPU = [
    "config.MACHINE.DEVICE=cpu",
    "config.DISTRIBUTED.BACKEND=gloo",
    "config.DISTRIBUTED.NUM_NODES=1",
    "config.DISTRIBUTED.NUM_PROC_PER_NODE=1",
    "config.DATA.NUM_DATALOADER_WORKERS=0",
    "config.OPTIMIZER.num_epochs=1",
    "config.OPTIMIZER.param_schedulers.lr.values=[0.01]",
    "config.OPTIMIZER.param_schedulers.lr.milestones=[]",
    "config.CHECKPOINT.DIR=probe",
]


def checkpoint(folder: Path, trunk_name: str, drop: str = "-") -> tuple[str, dict[str, torch.Tensor]]:
    """VISSL's checkpoint of a trunk with statistics of its own, without the keys that start with `drop`."""
    from vissl.config import AttrDict
    from vissl.models.trunks import get_model_trunk

    torch.manual_seed(5)
    trunk = get_model_trunk(trunk_name)(AttrDict({}), trunk_name)
    state = {key: value for key, value in trunk.state_dict().items() if not key.startswith(drop)}
    for key, value in state.items():
        if "running" in key:
            value.uniform_(0.5, 1.5)
    path = folder / "pretrained.torch"
    torch.save({"classy_state_dict": {"base_model": {"model": {"trunk": state, "heads": {}}}}}, path)
    return str(path), state


def last_test(folder: Path) -> dict[str, float]:
    """Return {layer: top-1 in percent} of the run's last test."""
    lines = [json.loads(line) for line in (folder / "probe" / "metrics.json").read_text().splitlines()]
    found: dict[str, Any] = [line for line in lines if "test_accuracy_list_meter" in line][-1]
    top_1: dict[str, float] = found["test_accuracy_list_meter"]["top_1"]
    return top_1


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two class folders of six noise images, 260 x 240 px."""
    folder = tmp_path_factory.mktemp("photos")
    draw = np.random.default_rng(0)
    for label in ("coarse", "fine"):
        (folder / label).mkdir()
        for number in range(6):
            noise = draw.integers(0, 256, (24, 26, 3) if label == "coarse" else (240, 260, 3), dtype=np.uint8)
            Image.fromarray(noise).resize((260, 240)).save(folder / label / f"{number}.png")
    return folder


def on_folder(photos: Path) -> list[str]:
    settings = ("DATA_SOURCES=[disk_folder]", "LABEL_SOURCES=[disk_folder]", "BATCHSIZE_PER_REPLICA=4")
    return [
        f"config.DATA.{split}.{setting}"
        for split in ("TRAIN", "TEST")
        for setting in (f"DATA_PATHS=[{photos}]", "DATASET_NAMES=[photos]", *settings)
    ]


def test_a_probe_trains_its_heads_and_leaves_the_trunk_alone(monoimage, tmp_path):
    path, before = checkpoint(tmp_path, "convnet4")
    monoimage("run", *TINY_PATCHES, f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={path}")
    assert list(last_test(tmp_path)) == ["conv1", "conv2", "conv3", "conv4"]
    final = torch.load(next((tmp_path / "probe").glob("model_final*.torch")), weights_only=True)
    model = final["classy_state_dict"]["base_model"]["model"]
    trunk = {key.removeprefix("base_model."): value for key, value in model["trunk"].items()}
    assert trunk.keys() == before.keys()
    assert all(torch.equal(trunk[key], value) for key, value in before.items())
    assert int(model["heads"]["0.norm.num_batches_tracked"]) == 6
    assert model["heads"]["3.linear.bias"].any()


def test_a_checkpoint_of_half_a_trunk_is_refused_before_anything_is_written(monoimage, tmp_path):
    path, _ = checkpoint(tmp_path, "convnet4", drop="_feature_blocks.6")
    done = monoimage("run", *TINY_PATCHES, f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={path}", status=2)
    assert "lacks 6 of the 24 tensors of trunk 'convnet4': _feature_blocks.6.0.bias" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "probe").exists()


def test_the_papers_protocol_tests_on_ten_crops(monoimage, tmp_path, photos):
    path, _ = checkpoint(tmp_path, "alexnet_wide")
    monoimage(
        "run",
        "config=benchmark/monoimage/linear_imagenet1k",
        *on_folder(photos),
        *ON_CPU,
        f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={path}",
        "config.MODEL.HEAD.PARAMS=[[linear_probe,{num_classes:2}]]",
        "config.METERS.accuracy_list_meter.topk_values=[1]",
    )
    assert list(last_test(tmp_path)) == [f"conv{layer}" for layer in range(1, 6)]
    final = torch.load(next((tmp_path / "probe").glob("model_final*.torch")), weights_only=True)
    heads = final["classy_state_dict"]["base_model"]["model"]["heads"]
    sizes = [heads[f"{layer}.linear.weight"].shape[1] for layer in range(5)]
    assert sizes == [9600, 9216, 9600, 9600, 9216]


def test_vissls_linear_config_probes_our_checkpoint(monoimage, tmp_path, photos):
    path, _ = checkpoint(tmp_path, "alexnet_rotnet")
    sizes = [(64, 9216), (192, 9408), (384, 9600), (256, 9216), (256, 9216)]
    heads = ",".join(f"[eval_mlp,{{in_channels:{channels},dims:[{size},2]}}]" for channels, size in sizes)
    monoimage(
        "run",
        "config=benchmark/linear_image_classification/imagenet1k/eval_alexnet_8gpu_transfer_in1k_linear",
        "+config/benchmark/linear_image_classification/imagenet1k/models=alexnet_rotnet",
        *on_folder(photos),
        *ON_CPU,
        "config.DATA.TRAIN.LABEL_PATHS=['']",
        "config.DATA.TEST.LABEL_PATHS=['']",
        f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={path}",
        "config.MODEL.WEIGHTS_INIT.STATE_DICT_KEY_NAME=classy_state_dict",
        f"config.MODEL.HEAD.PARAMS=[{heads}]",
        "config.METERS.accuracy_list_meter.topk_values=[1]",
    )
    assert list(last_test(tmp_path)) == [f"conv{layer}" for layer in range(1, 6)]
