"""VISSL's own tools as its documentation runs them, on the installed wheel: with the line of `setup`, and by `exec`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from environments import Environment
from PIL import Image

from vissl_monoimage.compat.startup_line import LINE, NAME

TRAINED = "run/checkpoint.torch"
CLASSES, SIZES = 3, {"train": 12, "test": 6}
AS_IS = "[{name:ToTensor},{name:Normalize,mean:[0.5,0.5,0.5],std:[0.5,0.5,0.5]}]"
EXTRACT = [
    "config=benchmark/nearest_neighbor/eval_resnet_8gpu_in1k_kNN",
    "+config/monoimage=cpu",
    "config.MODEL.TRUNK.NAME=convnet4",
    "config.MODEL.FEATURE_EVAL_SETTINGS.EVAL_TRUNK_AND_HEAD=False",
    "config.MODEL.FEATURE_EVAL_SETTINGS.FREEZE_TRUNK_AND_HEAD=False",
    "config.MODEL.FEATURE_EVAL_SETTINGS.FREEZE_TRUNK_ONLY=True",
    "config.MODEL.FEATURE_EVAL_SETTINGS.EXTRACT_TRUNK_FEATURES_ONLY=True",
    "config.MODEL.FEATURE_EVAL_SETTINGS.SHOULD_FLATTEN_FEATS=True",
    "config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP=[[conv4,[AvgPool2d,[[4,4],1,0]]]]",
    f"config.DATA.TRAIN.TRANSFORMS={AS_IS}",
    f"config.DATA.TEST.TRANSFORMS={AS_IS}",
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=4",
    "config.DATA.TEST.BATCHSIZE_PER_REPLICA=4",
]
FOLDERS = [f"config.DATA.{split.upper()}.{key}=[{split}]" for split in SIZES for key in ("DATA_PATHS", "LABEL_PATHS")]
LISTS = [
    f"config.DATA.{split.upper()}.{kind}_{key}=[{value}]"
    for split in SIZES
    for kind, file in (("DATA", "images"), ("LABEL", "labels"))
    for key, value in (("SOURCES", "disk_filelist"), ("PATHS", f"{split}_{file}.npy"))
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """VISSL and our wheel, and the line that `monoimage setup` writes."""
    environment = Environment(tmp_path_factory.mktemp("installed"))
    environment.install(wheel)
    (environment.site / NAME).write_text(LINE)
    return environment


@pytest.fixture(scope="module")
def without_line(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """VISSL and our wheel alone."""
    environment = Environment(tmp_path_factory.mktemp("without_line"))
    environment.install(wheel)
    return environment


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, installed: Environment) -> Path:
    """A trained checkpoint, and images of three colours as class folders and as lists of files and labels."""
    folder = tmp_path_factory.mktemp("work")
    overrides = ["config=pretrain/monoimage/rotnet_convnet4", "+config/monoimage=smoke", "config.CHECKPOINT.DIR=run"]
    overrides.append("config.DISTRIBUTED.NUM_PROC_PER_NODE=2")
    installed.run("-m", "tools.run_distributed_engines", *overrides, cwd=folder)
    random = np.random.default_rng(0)
    for split, count in SIZES.items():
        paths, labels = [], np.eye(CLASSES, dtype=np.int64)[np.arange(count) % CLASSES]
        for number, colour in enumerate(40 + 160 * labels):
            paths.append(folder / split / f"class{number % CLASSES}" / f"{number}.png")
            paths[-1].parent.mkdir(parents=True, exist_ok=True)
            pixels = (colour + random.normal(0, 20, (32, 32, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(paths[-1])
        np.save(folder / f"{split}_images.npy", np.array([str(path) for path in paths]))
        np.save(folder / f"{split}_labels.npy", labels)
    return folder


def test_the_launcher_trains_our_config_on_two_processes(folder: Path) -> None:
    assert len((folder / "run" / "ledger.jsonl").read_text().splitlines()) == 1
    weights = torch.load(folder / "run" / "checkpoint.torch")["classy_state_dict"]["base_model"]["model"]["trunk"]
    assert all(weight.isfinite().all() for weight in weights.values())


@pytest.mark.slow
def test_the_launcher_extracts_features_of_our_trunk(folder: Path, installed: Environment) -> None:
    overrides = [*EXTRACT, *FOLDERS, f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={TRAINED}", "config.CHECKPOINT.DIR=out"]
    installed.run("-m", "tools.run_distributed_engines", "engine_name=extract_features", *overrides, cwd=folder)
    for split, count in SIZES.items():
        chunks = [np.load(path) for path in (folder / "out").glob(f"rank0_chunk*_{split}_conv4_features.npy")]
        assert sum(len(chunk) for chunk in chunks) == count
        assert np.concatenate(chunks).std(axis=0).max() > 0


@pytest.mark.slow
def test_nearest_neighbours_are_changed_for_the_cpu_as_main_too(folder: Path, installed: Environment) -> None:
    overrides = [*EXTRACT, *FOLDERS, f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={TRAINED}", "config.CHECKPOINT.DIR=knn"]
    overrides.append("config.NEAREST_NEIGHBOR.TOPK=3")
    done = installed.run("-m", "tools.nearest_neighbor_test", *overrides, cwd=folder)
    assert "layer: conv4 Top1: 100.0, Top5: 100.0" in done.stdout


@pytest.mark.slow
def test_exec_trains_svms_without_the_line(folder: Path, without_line: Environment) -> None:
    overrides = [*EXTRACT, *LISTS, f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={TRAINED}", "config.CHECKPOINT.DIR=svm"]
    overrides += ["config.SVM.costs.costs_list=[0.5,1.0]", "config.SVM.cross_val_folds=2"]
    without_line.run("-m", "vissl_monoimage", "exec", "-m", "tools.train_svm", *overrides, cwd=folder)
    assert np.load(folder / "svm" / "conv4" / "test_ap.npy").tolist() == [[1.0]] * CLASSES


def test_without_line_or_exec_vissl_does_not_import(folder: Path, without_line: Environment) -> None:
    done = without_line.run("-m", "tools.run_distributed_engines", cwd=folder, status=1)
    assert "Kinetics400" in done.stderr
