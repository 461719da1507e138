"""On a machine with a GPU: every pretext and probe through the launcher, with the overlay `gpu`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import launcher
import pytest
import torch

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

ON_GPU, ON_CPU = "+config/monoimage=[smoke,gpu]", "+config/monoimage=smoke"
PROBE = "config=benchmark/monoimage/linear_photo_patches"
FEW = ("config.DATA.TRAIN.DATA_LIMIT=600", "config.DATA.TEST.DATA_LIMIT=300")


def run(folder: Path, name: str, *overrides: str) -> dict[str, Any]:
    """Run `monoimage run OVERRIDES` into folder/name and return its ledger row."""
    launcher.monoimage("run", *overrides, f"config.CHECKPOINT.DIR={name}", cwd=folder)
    row: dict[str, Any] = json.loads((folder / name / "ledger.jsonl").read_text().splitlines()[-1])
    return row


def weights(folder: Path) -> dict[str, torch.Tensor]:
    checkpoint = next(folder.glob("model_final_checkpoint_*.torch"))
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    found: dict[str, torch.Tensor] = state["classy_state_dict"]["base_model"]["model"]["trunk"]
    return found


@pytest.mark.parametrize(
    ("pretext", "bf16"),
    [("rotnet_convnet4", False), ("monogan_cifar", True), ("deepcluster_convnet4", True), ("bigan_alexnet", False)],
)
def test_every_pretext_trains_on_a_gpu_and_its_checkpoint_is_probed_on_a_cpu(
    tmp_path: Path, pretext: str, bf16: bool
) -> None:
    row = run(tmp_path, "made", f"config=pretrain/monoimage/{pretext}", ON_GPU, f"config.MONOIMAGE.BF16={bf16}")
    assert torch.cuda.get_device_name() in row["device"]
    assert row["losses"]
    assert all(math.isfinite(loss) for _, loss in row["losses"])
    checkpoint = next((tmp_path / "made").glob("model_final_checkpoint_*.torch"))
    trunk = "alexnet_bigan_64px" if pretext == "bigan_alexnet" else "convnet4"
    named = [f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={checkpoint}", f"config.MODEL.TRUNK.NAME={trunk}"]
    probed = run(tmp_path, "probed", PROBE, ON_CPU, *named)
    assert probed["weights"]["sha256"] == row["checkpoint_out_sha256"]


@pytest.mark.parametrize("pretext", ["rotnet_convnet4", "monogan_cifar"])
def test_a_training_with_crops_rendered_on_a_gpu_begins_as_the_usual_one(tmp_path: Path, pretext: str) -> None:
    losses = []
    for name, words in (("opencv", []), ("torch", ["+config.MONOIMAGE.SOURCE.RENDERER=torch"])):
        row = run(tmp_path, name, f"config=pretrain/monoimage/{pretext}", ON_GPU, *words)
        losses.append([loss for _, loss in row["losses"]])
    # Later steps diverge: see tests/unit/training/test_rendered_batches.py.
    assert losses[1][:2] == pytest.approx(losses[0][:2], rel=0.02)


@pytest.mark.parametrize("overlay", ["gpu", "[knn,gpu]", "[low_shot,gpu]"])
def test_a_gpu_probes_as_a_cpu_does(tmp_path: Path, overlay: str) -> None:
    """Same seed, trunk and images: the predictions of at most a few test images may differ."""
    on_cpu = overlay.replace("gpu", "cpu")
    rows = [run(tmp_path, name, PROBE, f"+config/monoimage={o}", *FEW) for name, o in (("a", overlay), ("b", on_cpu))]
    assert rows[0]["group_hash"] == rows[1]["group_hash"]
    assert rows[0]["accuracies"].keys() == rows[1]["accuracies"].keys()
    for layer, scores in rows[0]["accuracies"].items():
        assert scores["top_1"] == pytest.approx(rows[1]["accuracies"][layer]["top_1"], abs=2), layer


def test_a_probe_from_cached_features_equals_one_from_images(tmp_path: Path) -> None:
    ways = {False: "plain", True: "cached"}
    rows = [
        run(tmp_path, name, PROBE, "+config/monoimage=gpu", *FEW, f"config.MONOIMAGE.CACHE_FEATURES={cached}")
        for cached, name in ways.items()
    ]
    for layer, scores in rows[0]["accuracies"].items():
        assert scores["top_1"] == pytest.approx(rows[1]["accuracies"][layer]["top_1"], abs=2), layer


def test_loader_workers_change_nothing(tmp_path: Path) -> None:
    """A sample's seed must not reach the GPU's generator, which the dropout of a step draws from."""
    rotnet = ("config=pretrain/monoimage/rotnet_convnet4", ON_GPU, "config.REPRODUCIBILITY.CUDDN_DETERMINISTIC=true")
    for workers in (0, 2):
        run(tmp_path, f"with_{workers}", *rotnet, f"config.DATA.NUM_DATALOADER_WORKERS={workers}")
    one, two = (weights(tmp_path / f"with_{workers}") for workers in (0, 2))
    for key, value in one.items():
        torch.testing.assert_close(value, two[key], rtol=1e-4, atol=1e-6)


def test_a_vissl_method_trains_with_mixed_precision_and_synchronised_batch_norm(tmp_path: Path) -> None:
    on_one = "+config/monoimage=[single_image,smoke,gpu]"
    wanted = ("config.MODEL.AMP_PARAMS.USE_AMP=true", "config.MODEL.SYNC_BN_CONFIG.CONVERT_BN_TO_SYNC_BN=true")
    row = run(tmp_path, "simclr", "config=pretrain/simclr/simclr_8node_resnet", on_one, *wanted)
    assert all(math.isfinite(loss) for _, loss in row["losses"])
