"""What a ledger row says of its run: hashes, names, and the scores of VISSL's own meters."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import top_k_accuracy_score
from vissl.config import AttrDict
from vissl.meters.accuracy_list_meter import AccuracyListMeter
from vissl.meters.mean_ap_list_meter import MeanAPListMeter

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.ledger import hook_vissl as hook
from vissl_monoimage.ledger import machine, meters
from vissl_monoimage.ledger import provenance as identity
from vissl_monoimage.ledger.loss_curve import LossCurve
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.pretext.bigan.meter import BiGANMeter


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    from omegaconf import OmegaConf

    composed = compose_config(["config=pretrain/monoimage/rotnet_demo"])
    plain = OmegaConf.to_container(composed, resolve=True)
    assert isinstance(plain, dict)
    return plain["config"]


def changed(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(config)
    node = config
    *parents, last = path.split(".")
    for parent in parents:
        node = node[parent]
    assert node.get(last) != value
    node[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "same", "same_but_for_seeds"),
    [
        ("CHECKPOINT.DIR", "elsewhere", True, True),
        ("DISTRIBUTED.RUN_ID", "node:1234", True, True),
        ("LOG_FREQUENCY", 77, True, True),
        ("DATA.NUM_DATALOADER_WORKERS", 7, True, True),
        ("MONOIMAGE.LEDGER", "all.jsonl", True, True),
        ("MONOIMAGE.OVERRIDES", ["config=x"], True, True),
        ("MONOIMAGE.DRAWN_FROM", "cifar10", True, True),
        ("DATA.TRAIN.DATA_PATHS", ["/other/place/china"], True, True),
        ("SEED_VALUE", 77, False, True),
        ("MONOIMAGE.SOURCE.SEED", 77, False, True),
        ("MONOIMAGE.BF16", True, False, True),
        ("MACHINE.DEVICE", "gpu", False, True),
        ("DISTRIBUTED.BACKEND", "nccl", False, True),
        ("DATA.ENABLE_ASYNC_GPU_COPY", True, False, True),
        ("DATA.TRAIN.DATA_PATHS", ["flower"], False, False),
        ("MODEL.WEIGHTS_INIT.PARAMS_FILE", "a.torch", False, False),
        ("OPTIMIZER.num_epochs", 77, False, False),
        ("MONOIMAGE.SOURCE.ROTATION", 35.0, False, False),
        ("DISTRIBUTED.NUM_PROC_PER_NODE", 2, False, False),
    ],
)
def test_the_hash_changes_with_what_is_computed_and_nothing_else(
    config: dict[str, Any], path: str, value: Any, same: bool, same_but_for_seeds: bool
) -> None:
    other = changed(config, path, value)
    assert (identity.config_hash(config) == identity.config_hash(other)) is same
    hashes = [identity.config_hash(one, seed=False) for one in (config, other)]
    assert (hashes[0] == hashes[1]) is same_but_for_seeds


def test_the_hash_is_the_same_in_another_process_and_for_vissls_mapping(config: dict[str, Any]) -> None:
    code = (
        "import sys, json; from vissl_monoimage.ledger import provenance as identity; "
        "print(identity.config_hash(json.load(sys.stdin)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(config), capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == identity.config_hash(config) == identity.config_hash(AttrDict(config))


def test_names_come_from_the_overrides() -> None:
    overrides = ["config=pretrain/deepcluster_v2/deepclusterv2_8crops", "config.CHECKPOINT.DIR='my runs'"]
    config = {"MONOIMAGE": {"OVERRIDES": overrides}}
    assert identity.config_name(config) == "pretrain/deepcluster_v2/deepclusterv2_8crops"
    assert identity.pretext_method(config) == "deepclusterv2"
    assert identity.command(config).startswith("monoimage run config=pretrain/deepcluster_v2/")


def test_the_commit_is_that_of_this_checkout() -> None:
    root = Path(__file__).parents[3]
    head = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True)
    if head.returncode or "site-packages" in machine.__file__:
        pytest.skip("not a git checkout")
    assert (machine.git_sha() or "").removesuffix("-dirty") == head.stdout.strip()


def test_scores_are_the_accuracies_of_each_layer() -> None:
    meter = AccuracyListMeter(num_meters=3, topk_values=[1, 2], meter_names=["conv1", "conv2", "conv2"])
    torch.manual_seed(0)
    outputs, target = [torch.rand(40, 5) for _ in range(3)], torch.arange(40) % 5
    meter.update(outputs, target)
    meter.sync_state()
    scores = meters.accuracies([meter])
    assert list(scores) == ["conv1", "conv2#1", "conv2#2"]
    for output, by_k in zip(outputs, scores.values(), strict=True):
        for k in (1, 2):
            expected = 100 * top_k_accuracy_score(target.numpy(), output.numpy(), k=k)
            assert by_k[f"top_{k}"] == pytest.approx(expected, abs=1e-3)


class Phase:
    """What the hook asks of a task at the end of a phase and of a run."""

    def __init__(self, config: dict[str, Any], folder: Path, meters: list[Any], train: bool = False) -> None:
        self.config, self.meters, self.train = config, meters, train
        self.checkpoint_folder, self.iteration, self.num_train_phases = str(folder), 4, 2
        self.datasets = {"train": range(1000)}


def row_after(config: dict[str, Any], folder: Path, *phases: tuple[bool, list[Any]]) -> Row:
    """The row of a run with these phases: (training?, meters) each."""
    ours = hook.LedgerHook(config)
    for train, its_meters in phases:
        ours.on_phase_end(Phase(config, folder, its_meters, train))
    return ours._row(Phase(config, folder, []), LossCurve(folder, 0, 4))


def test_a_gans_row_holds_what_was_measured_on_the_test_split(config: dict[str, Any], tmp_path: Path) -> None:
    train, test = BiGANMeter(), BiGANMeter()
    train.update({"discriminator_loss": 9.0, "penalty": 9.0}, torch.zeros(4))
    measured = {"discriminator_loss": 1.0, "encoder_generator_loss": -2.0, "reconstruction_error": 0.5}
    test.update(measured | {"discriminator_accuracy": 1.0}, torch.zeros(3))
    test.update(measured | {"discriminator_accuracy": 0.0}, torch.zeros(1))
    row = row_after(config, tmp_path, (True, [train]), (False, [test]))
    assert row.pretext == {"split": "test", **measured, "discriminator_accuracy": 0.75}
    assert row.accuracies == {}
    assert json.loads(json.dumps(row.pretext)) == row.pretext
    assert all(type(value) is float for name, value in row.pretext.items() if name != "split")
    assert row_after(config, tmp_path, (True, [train])).pretext == {
        "split": "train",
        "discriminator_loss": 9.0,
        "penalty": 9.0,
    }


def test_a_row_names_a_thousand_of_its_photos_and_counts_all(config: dict[str, Any], tmp_path: Path) -> None:
    ours = hook.LedgerHook(config)
    ours._photos = [{"name": f"{number}.png", "sha256": "5" * 64} for number in range(1500)]
    row = ours._row(Phase(config, tmp_path, []), LossCurve(tmp_path, 0, 4))
    assert (len(row.images), row.images[-1]["name"], row.n_images) == (1000, "999.png", 1500)


def test_what_is_measured_on_other_images_is_in_the_row_of_a_pretraining_alone(
    config: dict[str, Any], tmp_path: Path
) -> None:
    numbers = {"unseen_photos": {"rotation_accuracy": 31.0}}
    probe = changed(config, "MODEL.FEATURE_EVAL_SETTINGS.EVAL_MODE_ON", True)
    for settings, expected in ((config, {"transfer": numbers}), (probe, {})):
        ours = hook.LedgerHook(settings, measure_transfer=lambda task: numbers)
        assert ours._row(Phase(settings, tmp_path, []), LossCurve(tmp_path, 0, 4)).pretext == expected


def test_a_data_set_has_one_name_wherever_its_images_are_read_from(config: dict[str, Any], tmp_path: Path) -> None:
    unpacked = changed(config, "DATA.TRAIN.DATASET_NAMES", ["CIFAR10"])
    unpacked["DATA"]["TRAIN"]["DATA_SOURCES"] = ["torchvision_dataset"]
    files = changed(unpacked, "DATA.TRAIN.DATA_SOURCES", ["disk_folder"])
    files["DATA"]["TRAIN"]["DATASET_NAMES"] = ["cifar10"]
    assert row_after(unpacked, tmp_path).dataset == row_after(files, tmp_path).dataset == "cifar10"


def test_a_run_that_goes_on_elsewhere_names_all_its_devices(tmp_path: Path) -> None:
    assert machine.note_device(tmp_path, 0, "1 x H100") == "1 x H100"
    assert machine.note_device(tmp_path, 3, "1 x H100") == "1 x H100"
    assert machine.note_device(tmp_path, 4, "1 x cpu") == "1 x H100, then 1 x cpu"
    assert machine.note_device(tmp_path, 4, "1 x H100") == "1 x H100, then 1 x cpu, then 1 x H100"
    assert machine.note_device(tmp_path, 0, "1 x cpu") == "1 x cpu"


def test_the_commit_is_the_one_that_began_the_run(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = hook.LedgerHook(config)
    began = machine.git_sha()
    monkeypatch.setattr(machine, "git_sha", lambda: "a later commit")
    assert ours._row(Phase(config, tmp_path, []), LossCurve(tmp_path, 0, 4)).git_sha == began


def test_an_accuracy_is_the_pretext_where_there_is_one(config: dict[str, Any], tmp_path: Path) -> None:
    accuracy, other = AccuracyListMeter(num_meters=1, topk_values=[1], meter_names=[]), BiGANMeter()
    accuracy.update(torch.eye(4), torch.tensor([0, 1, 2, 0]))
    other.update({"penalty": 1.0}, torch.zeros(4))
    assert row_after(config, tmp_path, (False, [other, accuracy])).pretext == {"split": "test", "top_1": 75.0}
    assert meters.other_numbers([other, accuracy]) == {"penalty": 1.0}
    assert row_after(config, tmp_path, (False, [])).pretext == {}
    probe = changed(config, "MODEL.FEATURE_EVAL_SETTINGS.EVAL_MODE_ON", True)
    row = row_after(probe, tmp_path, (False, [accuracy, other]))
    assert (row.pretext, row.accuracies) == ({}, {"0": {"top_1": 75.0}})


def test_only_numbers_are_taken_of_other_meters() -> None:
    meter = MeanAPListMeter(AttrDict({"num_meters": 2, "meter_names": ["conv1", "conv2"], "num_classes": 3}))
    meter.update([torch.eye(3), torch.ones(3, 3)], torch.eye(3))
    meter.sync_state()
    assert meters.other_numbers([meter]) == {"mAP": meter.value["mAP"]["conv1"]}
    assert meters.accuracies([meter]) == {}
