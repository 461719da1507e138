"""The check of a run's photos before it starts: what it refuses, and that no photo is decoded again after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data.photos import decode as decode_module

Problems = Callable[..., list[str]]
ROTNET = ("config=pretrain/monoimage/rotnet_alexnet", "+config/monoimage=smoke", "config.TEST_MODEL=true")
NOISE = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)


def photos_are(split: str, *paths: object) -> str:
    return f"config.DATA.{split}.DATA_PATHS=[{','.join(map(str, paths))}]"


def build_both_splits(overrides: list[str]) -> list[Any]:
    """The data sets of a run, as its process makes them."""
    from vissl.config import AttrDict
    from vissl.data import build_dataset

    config = AttrDict(OmegaConf.to_container(compose_config(overrides).config, resolve=True))
    return [build_dataset(config, split) for split in ("TRAIN", "TEST")]


def deep(path: Path) -> None:
    Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257).save(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "deep.png"])
def test_a_photo_is_decoded_once_for_check_and_run(
    problems: Problems, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    deep(path) if name == "deep.png" else Image.fromarray(NOISE).save(path)
    decoded: list[str] = []
    to_rgb = decode_module.to_rgb
    monkeypatch.setattr(decode_module, "to_rgb", lambda *args: decoded.append(args[2]) or to_rgb(*args))
    overrides = [*ROTNET, photos_are("TRAIN", path)]
    assert problems(*overrides) == []
    build_both_splits(overrides)
    assert decoded == [name]


def test_mistakes_in_both_splits_are_named_together(problems: Problems, tmp_path: Path) -> None:
    Image.fromarray(NOISE[:9, :9]).save(tmp_path / "small.png")
    told = problems(*ROTNET, photos_are("TRAIN", "chna"), photos_are("TEST", tmp_path / "small.png"))
    assert ["did you mean 'china'" in told[0], "small.png is 9x9 px, too small" in told[1]] == [True, True]
    assert len(told) == 2


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ([photos_are("TRAIN")], "config.DATA.TRAIN.DATA_PATHS names no photo: give [photo.jpg], or [china]"),
        (["config.DATA.TRAIN.DATA_PATHS=china"], "DATA_PATHS=china must be a list: [china]"),
        (["config.DATA.TRAIN.DATA_PATHS=[same_as_train]"], "'same_as_train' needs a photo in config.DATA.TRAIN"),
        (["config.MONOIMAGE.SOURCE.SIZE=1"], "config.MONOIMAGE.SOURCE.SIZE=1 must be between 8 and 2048"),
        (["config.DATA.TRAIN.DATA_PATHS=[[china,coffee]]", "config.MONOIMAGE.SOURCE.NUM_SAMPLES=1"], "at least 2"),
    ],
)
def test_what_no_crops_can_be_made_from_is_refused(problems: Problems, overrides: list[str], sentence: str) -> None:
    told = problems(*ROTNET, *overrides)
    assert any(sentence in problem for problem in told), told
    assert len(told) == len(set(told))


def test_bad_values_of_the_patches_are_refused(problems: Problems) -> None:
    probe = "config=benchmark/monoimage/linear_photo_patches"
    assert problems(probe) == []
    assert problems(probe, "config.MONOIMAGE.PATCHES.SIZE=4") == ["config.MONOIMAGE.PATCHES.SIZE=4 must be 8 to 512"]
