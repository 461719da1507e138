"""Rows as they are published: no folder of the machine is left in them, and nothing else is changed."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.published import publish, shorten

MakeRow = Callable[..., Row]
INPUTS = Inputs("china", {"cifar10": Path("/data")}, Path("/work/out"))


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("/data", "CIFAR10"),
        ("/data/train", "CIFAR10/train"),
        ("config.DATA.TRAIN.DATA_PATHS=[/data/train]", "config.DATA.TRAIN.DATA_PATHS=[CIFAR10/train]"),
        ("config.DATA.TRAIN.DATA_PATHS=['/data',/data]", "config.DATA.TRAIN.DATA_PATHS=['CIFAR10',CIFAR10]"),
        ("--out=/work/out/run", "--out=OUT/run"),
        (
            "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=/data2/w.torch",
            "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=/data2/w.torch",
        ),
        ("/mnt/data/x", "/mnt/data/x"),
        ("/data.old/x", "/data.old/x"),
        ("/work/output/x", "/work/output/x"),
        ("https://host/data/x", "https://host/data/x"),
    ],
)
def test_a_path_is_replaced_where_it_begins_and_ends(text: str, short: str) -> None:
    assert shorten(text, {"/data": "CIFAR10", "/work/out": "OUT"}) == short


@given(
    root=st.text(st.sampled_from("ab.()+\\1é "), min_size=1).map(lambda name: f"/{name}"),
    name=st.sampled_from(["OUT", "a\\1b"]),
)
def test_a_folder_may_have_any_name(root: str, name: str) -> None:
    assert shorten(f"x=[{root}/b]", {root: name}) == f"x=[{name}/b]"
    assert shorten(f"{root}2/b", {root: name}) == f"{root}2/b"


def test_the_root_folder_is_no_folder_of_the_machine() -> None:
    assert shorten("/a/b", {"/": "OUT"}) == "/a/b"


def test_every_path_of_a_row_is_published_and_nothing_else_changes(a_row: MakeRow) -> None:
    overrides = ["config=x", "config.DATA_PATHS=[/data/train]", "config.CHECKPOINT.DIR=/work/out/run"]
    row = a_row(
        name="/data",
        command=shlex.join(["monoimage", "run", *overrides]),
        overrides=overrides,
        weights=Weights("/data2/w.torch", "/data"),
        checkpoint_out="/work/out/run/model.torch",
        images=[{"name": "/data", "path": "/data/me.jpg", "sha256": "5a"}],
    )
    published = publish(row, INPUTS)
    expected: dict[str, Any] = {
        "overrides": ["config=x", "config.DATA_PATHS=[CIFAR10/train]", "config.CHECKPOINT.DIR=OUT/run"],
        "command": "monoimage run config=x 'config.DATA_PATHS=[CIFAR10/train]' config.CHECKPOINT.DIR=OUT/run",
        "checkpoint_out": "OUT/run/model.torch",
        "images": [{"name": "/data", "path": "CIFAR10/me.jpg", "sha256": "5a"}],
    }
    assert published == dataclasses.replace(row, **expected)


def test_a_row_of_another_machine_loses_the_folder_of_its_runs(a_row: MakeRow) -> None:
    overrides = ["config=x", "config.CHECKPOINT.DIR=/scratch/me/run"]
    published = publish(a_row(overrides=overrides, checkpoint_out="/scratch/me/run/model.torch"), INPUTS)
    assert published.overrides == ["config=x", "config.CHECKPOINT.DIR=OUT/run"]
    assert published.checkpoint_out == "OUT/run/model.torch"
