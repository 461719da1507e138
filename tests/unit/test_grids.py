"""The grids in benchmarks/: each cell composes, passes the check and is what its name says."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from vissl_monoimage.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.images.recipe import RECIPES, Recipe, read_source_block
from vissl_monoimage.launch import prepare
from vissl_monoimage.schema import read_block

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
GRIDS = sorted(path.stem for path in BENCHMARKS.glob("*.yaml"))
CELLS = [(grid, cell) for grid in GRIDS for cell in yaml.safe_load((BENCHMARKS / f"{grid}.yaml").read_text())["cells"]]
SWITCHES = {"scale": "scale", "rotation": "rotation", "jitter": "jitter"}


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_grid", BENCHMARKS / "run_grid.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_grid"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def read(runner: ModuleType, name: str) -> Any:
    return read_block(runner.Grid, yaml.safe_load((BENCHMARKS / f"{name}.yaml").read_text()), name)


def composed(runner: ModuleType, grid: str, cell: str, folder: Path) -> Any:
    for split in ("train", "test"):
        (folder / "cifar10" / split).mkdir(parents=True, exist_ok=True)
    options = argparse.Namespace(photo="china", cifar10=folder / "cifar10")
    overrides = [*runner.pretraining(read(runner, grid), cell, 3, options), f"config.CHECKPOINT.DIR={folder}/run"]
    config = compose_config(overrides)
    prepare(config)
    return config.config


@pytest.mark.parametrize(("grid", "cell"), CELLS)
def test_a_cell_composes_and_passes_the_check(runner: ModuleType, tmp_path: Path, grid: str, cell: str) -> None:
    source = read(runner, grid).cells[cell]["source"]
    if source == "random":  # which only its probe knows
        return
    data = composed(runner, grid, cell, tmp_path).DATA.TRAIN
    assert (["single_image"] if source == "photo" else ["disk_folder"]) == data.DATA_SOURCES


def recipe(runner: ModuleType, cell: str, folder: Path) -> Recipe:
    config = composed(runner, "table1-ablation", cell, folder)
    return read_source_block(OmegaConf.to_container(config.MONOIMAGE.SOURCE)).recipe()


def test_the_ablation_has_every_subset_of_the_three_augmentations(runner: ModuleType, tmp_path: Path) -> None:
    names = set(read(runner, "table1-ablation").cells)
    pairs = {"rotation+jitter", "rotation+scale", "jitter+scale"}
    assert names == {"none", *SWITCHES, *pairs, "all"}
    found = {name: recipe(runner, name, tmp_path) for name in names}
    full = RECIPES["released"]
    for name, drawn in found.items():
        on = set(SWITCHES) if name == "all" else set(name.split("+")) - {"none"}
        assert (drawn.scale != (1, 1)) == ("scale" in on), name
        assert (drawn.rotation > 0, drawn.shear > 0) == ("rotation" in on,) * 2, name
        assert (drawn.jitter > 0) == ("jitter" in on), name
        assert drawn.initial_crop == full.initial_crop
    assert len(set(found.values())) == 8


def test_a_mistyped_source_or_key_is_told(runner: ModuleType) -> None:
    good = {"pretrain": "p", "probe": "q", "minutes": 1, "cells": {"a": {"source": "photo"}}, "seeds": [0]}
    read_block(runner.Grid, good, "grid")
    with pytest.raises(MonoImageError, match="did you mean 'photo'"):
        read_block(runner.Grid, {**good, "cells": {"a": {"source": "foto"}}}, "grid")
    with pytest.raises(MonoImageError, match="did you mean 'seeds'"):
        read_block(runner.Grid, {**good, "seed": [0]}, "grid")
