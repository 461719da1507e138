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

from vissl_monoimage.compose import compose_config
from vissl_monoimage.report import hook, identity


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
        ("DATA.TRAIN.DATA_PATHS", ["/other/place/china"], True, True),
        ("SEED_VALUE", 77, False, True),
        ("MONOIMAGE.SOURCE.SEED", 77, False, True),
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
        "import sys, json; from vissl_monoimage.report import identity; "
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
    assert identity.method(config) == "deepclusterv2"
    assert identity.command(config).startswith("monoimage run config=pretrain/deepcluster_v2/")


def test_the_commit_is_that_of_this_checkout() -> None:
    root = Path(__file__).parents[2]
    head = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True)
    if head.returncode or "site-packages" in identity.__file__:
        pytest.skip("not a git checkout")
    assert (identity.git_sha() or "").removesuffix("-dirty") == head.stdout.strip()


def test_scores_are_the_accuracies_of_each_layer() -> None:
    meter = AccuracyListMeter(num_meters=3, topk_values=[1, 2], meter_names=["conv1", "conv2", "conv2"])
    torch.manual_seed(0)
    outputs, target = [torch.rand(40, 5) for _ in range(3)], torch.arange(40) % 5
    meter.update(outputs, target)
    meter.sync_state()
    scores = hook._scores([meter])
    assert list(scores) == ["conv1", "conv2#1", "conv2#2"]
    for output, by_k in zip(outputs, scores.values(), strict=True):
        for k in (1, 2):
            expected = 100 * top_k_accuracy_score(target.numpy(), output.numpy(), k=k)
            assert by_k[f"top_{k}"] == pytest.approx(expected, abs=1e-3)
