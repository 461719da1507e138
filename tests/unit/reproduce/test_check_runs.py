"""What a run of a benchmark would refuse, its plan refuses, before anything is trained for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.reproduce.check_runs import check_runs
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import read_grid

ROTNET = {"pretrain": "pretrain/monoimage/rotnet_convnet4", "trunk": "convnet4", "source": "china"}
PATCHES = "benchmark/monoimage/linear_photo_patches"


def check(write: Callable[..., str], inputs: Inputs, cell: dict[str, Any], probe: dict[str, Any]) -> None:
    grid = read_grid(write(cells={"one": cell}, probes={"probe": probe}))
    check_runs(plan(grid, "laptop", inputs), inputs.out)


def test_a_benchmark_that_would_run_is_not_refused(write: Callable[..., str], inputs: Inputs) -> None:
    check(write, inputs, ROTNET, {"config": PATCHES})
    assert not inputs.out.exists()


@pytest.mark.parametrize(
    ("cell", "probe", "sentence"),
    [
        ({}, {"config": "benchmark/monoimage/linear_photo_patchs"}, "did you mean 'benchmark/monoimage/linear_photo_p"),
        ({**ROTNET, "pretrain": "pretrain/monoimage/rotnet_convnet5"}, {}, "did you mean 'pretrain/monoimage/rotnet_"),
        ({"trunk": "convnet5"}, {}, "unknown trunk .*'convnet5': did you mean 'convnet4'"),
        ({"probe_overrides": ["config.MONOIMAGE.PROTOCOL=photo-patches-v9"]}, {}, "'photo-patches-v9'"),
        ({"probe_overrides": ["config.MONOIMAGE.NONE=1"]}, {}, "unknown key 'config.MONOIMAGE.NONE'"),
        (
            {"probe_overrides": ["config.MONOIMAGE.CACHE_FEATURES=true"]},
            {"config": "benchmark/monoimage/linear_imagenet1k", "data": "imagenet1k"},
            "unknown key 'config.MONOIMAGE.CACHE_FEATURES'",
        ),
        (
            {**ROTNET, "overrides": ["config.OPTIMIZER.param_schedulers.lr.values=[fast]"]},
            {},
            "must be a list of numbe",
        ),
        ({**ROTNET, "overrides": ["config.MONOIMAGE.SOURCE.RECIPE=relesed"]}, {}, "did you mean 'released'"),
        ({**ROTNET, "trunk": "alexnet_rotnet"}, {}, "probed on probe: the checkpoint of its training lacks"),
        ({**ROTNET, "trunk": "hog_32px"}, {}, "hog_32px: this trunk learns nothing"),
        ({"init": "random", "of": "config=pretrain/monoimage/rotnet_convnet5"}, {}, "unknown config 'pretrain/mono"),
    ],
)
def test_what_a_run_would_refuse_is_said_with_the_run(
    write: Callable[..., str], inputs: Inputs, cell: dict[str, Any], probe: dict[str, Any], sentence: str
) -> None:
    inputs = dataclasses.replace(inputs, data={**inputs.data, "imagenet1k": inputs.data["cifar10"]})
    with pytest.raises(MonoImageError, match=sentence) as refused:
        check(write, inputs, cell, {"config": PATCHES, **probe})
    assert str(refused.value).startswith("one, seed 0")
    assert ", seed 1" not in str(refused.value)  # the same sentence once for all seeds
    assert not inputs.out.exists()


def test_photos_that_are_written_before_a_run_need_not_be_there_for_its_plan(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path
) -> None:
    check(write, inputs, {**ROTNET, "source": "white_noise"}, {"config": PATCHES})
    assert not (tmp_path / "out").exists()
