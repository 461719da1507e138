"""Pretraining that starts from a checkpoint, through the launcher: refused, or said on the console how much it took."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import torch
from torchvision.models import resnet18

from vissl_monoimage.models.checkpoint.file import save_trunk
from vissl_monoimage.models.trunks.registry import build_trunk

ROTNET = [
    "run",
    "config=pretrain/monoimage/rotnet_convnet4",
    "+config/monoimage=smoke",
    "config.OPTIMIZER.num_epochs=1",
    "config.CHECKPOINT.DIR=out",
    "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=start.torch",
]
Run = Callable[..., CompletedProcess[str]]


def test_a_checkpoint_of_another_architecture_is_refused_before_the_training(monoimage: Run, tmp_path: Path) -> None:
    torch.save(resnet18().state_dict(), tmp_path / "start.torch")
    done = monoimage(*ROTNET, status=2)
    assert "start.torch is a checkpoint of another architecture than trunk 'convnet4'" in done.stderr
    assert not (tmp_path / "out").exists()


def test_how_much_a_training_took_is_on_the_console(monoimage: Run, tmp_path: Path) -> None:
    trunk = build_trunk("convnet4")
    save_trunk(trunk, tmp_path / "start.torch")
    skip = "config.MODEL.WEIGHTS_INIT.SKIP_LAYERS=[num_batches_tracked,_feature_blocks.6]"
    done = monoimage(*ROTNET, skip)
    assert "start.torch: 18 of 24 tensors of trunk 'convnet4' loaded" in done.stdout
    assert "initial values stay in _feature_blocks.6.0.bias" in done.stdout
    content = torch.load(tmp_path / "out" / "checkpoint.torch", weights_only=False)
    trained = content["classy_state_dict"]["base_model"]["model"]["trunk"]
    first, last = "_feature_blocks.0.0.weight", "_feature_blocks.6.0.weight"
    moved = {name: (trained[name] - trunk.state_dict()[name]).abs().max() for name in (first, last)}
    assert moved[first] < 0.05 < moved[last]  # by a few steps of training; by another draw
    (row,) = [json.loads(line) for line in (tmp_path / "out" / "ledger.jsonl").read_text().splitlines()]
    assert {name: row["initial_weights"][name] for name in ("origin", "loaded", "total")} == {
        "origin": "checkpoint",
        "loaded": 18,
        "total": 24,
    }
