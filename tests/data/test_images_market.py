"""The paper's market photo: agreement with the authors' chain at the numbers the design asks for."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.data.photos.decode import load_photo


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "crops.py"
    spec = importlib.util.spec_from_file_location("crops_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mean_psnr_over_a_thousand_draws(bench: ModuleType, data_dir: Path) -> None:
    pixels = load_photo(data_dir / "images" / "ameyoko.jpg").pixels
    photo, pyramid = Image.fromarray(pixels), Pyramid.build(pixels)
    for size, least in zip(bench.SIZES, bench.LEAST_PSNR, strict=True):
        recipe = dataclasses.replace(RECIPES["released"], size=size, jitter=0.0)
        assert bench.mean_psnr(photo, pyramid, recipe, 1000) >= least


def test_the_bridge_has_an_alpha_channel_that_hides_nothing(data_dir: Path) -> None:
    photo = load_photo(data_dir / "images" / "golden_gate.png")
    assert photo.size == (1165, 585)
    assert photo.notes == []
