"""The benchmarks that come with the package: each cell composes, passes the check and is what its name says."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from PIL import Image

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data.crops.recipe import RECIPES, Recipe
from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.launch import prepare
from vissl_monoimage.models.init.initial import read_pretraining
from vissl_monoimage.models.zoo import named_models
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.photos import PhotoList
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import grid_names, read_grid
from vissl_monoimage.reproduce.run import Chain

GRIDS = {name: read_grid(name) for name in grid_names()}


def cells() -> Iterator[Any]:
    """Yield every cell of every benchmark; those that differ from one before in values alone are slow tests."""
    kinds = set()
    for name, grid in GRIDS.items():
        for profile, (cell, settings) in itertools.product(grid.profiles, grid.cells.items()):
            photo = settings.images or settings.source not in grid.data_sets
            keys = [word.partition("=")[0] for word in (*settings.overrides, *settings.probe_overrides)]
            trunk = settings.pretrain, settings.init, settings.trunk, settings.zoo
            probes = tuple(settings.select_probes(grid.probes))
            kind = (trunk, bool(photo), settings.labels, frozenset(keys), probes)
            yield pytest.param(name, profile, cell, marks=[pytest.mark.slow] if kind in kinds else [])
            kinds.add(kind)


SWITCHES = ("scale", "rotation", "jitter")


CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet1k": 1000, "tiny-imagenet": 200}
IMAGES = 2000
LIMITS = {"cifar10": 12_500}  # the largest DATA_LIMIT of a cell


@functools.cache
def data_set(name: str) -> Path:
    """Make a stand-in for a data set: all of its classes, few images."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for split, colour, count in (("train", "red", LIMITS.get(name, IMAGES)), ("test", "blue", IMAGES)):
        picture = folder / f"{split}.png"
        side = {"cifar10": 32, "cifar100": 32, "tiny-imagenet": 64}.get(name, 256)
        Image.new("RGB", (side, side), colour).save(picture)
        for number in range(count):
            target = folder / split / f"class{number % CLASSES[name]:04}" / f"{number}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(picture, target)
    return folder


def chain_of(name: str, cell: str, folder: Path, profile: str = "") -> Chain:
    grid = GRIDS[name]
    data, photos = {name: data_set(name) for name in grid.data_sets}, dict.fromkeys(grid.photos, "china")
    inputs = Inputs("china", data, folder / "out", photos=photos)
    (chain,) = plan(grid.only([cell], []), profile or next(iter(grid.profiles)), inputs, [3])
    if chain.pretrain and chain.pretrain.photos:
        photos = chain.pretrain.photos
        if isinstance(photos, PhotoList):
            photos = dataclasses.replace(photos, count=min(photos.count, IMAGES))  # of the stand-in
        photos.write()
    return chain


def composed(overrides: tuple[str, ...], folder: Path) -> Any:
    config = compose_config([*overrides, f"config.CHECKPOINT.DIR={folder}/run"])
    prepare(config)
    return config.config


@pytest.fixture(scope="module")
def composed_probe(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...]], Any]:
    """`composed`, in a folder of its own and once for the many cells that have the same probe."""
    return functools.cache(functools.partial(composed, folder=tmp_path_factory.mktemp("probes")))


@pytest.mark.parametrize(("name", "profile", "cell"), cells())
def test_a_cell_composes_and_its_probe_is_of_the_trunk_that_is_trained(
    tmp_path: Path, composed_probe: Any, name: str, profile: str, cell: str
) -> None:
    chain, told = chain_of(name, cell, tmp_path, profile), GRIDS[name].cells[cell]
    # Nothing is fetched from a test: that the zoo's models fit is shown in test_zoo.
    named = [word for word in chain.probes[0].overrides if ".PARAMS_FILE=" in word]
    probe = composed_probe(tuple(word for word in chain.probes[0].overrides if word not in named))
    assert [word.partition("=")[2] for word in named] == ([f"zoo:{told.zoo}"] if told.zoo else [])
    trained = named_models()[told.zoo].trunk if told.zoo else told.trunk
    if told.init:
        assert chain.pretrain
        options = dict(word[2:].split("=", 1) for word in chain.pretrain.overrides)
        trained = read_pretraining(options["like"]).trunk if told.of else options["trunk"]
    if told.pretrain:
        assert chain.pretrain
        config = composed(chain.pretrain.overrides, tmp_path)
        photo = told.images or told.source not in GRIDS[name].data_sets
        assert (["single_image"] if photo else ["disk_folder"]) == config.DATA.TRAIN.DATA_SOURCES
        assert config.SEED_VALUE == 3
        assert chain.pretrain.minutes > 0
        trained = config.MODEL.TRUNK.NAME
    # BiGAN's 112-px encoder is probed at the probe's own size: the same weights, which `alexnet_bigan` names.
    assert (trained or "convnet4").removesuffix("_112px") == probe.MODEL.TRUNK.NAME


def recipe(cell: str, folder: Path) -> Recipe:
    pretrain = chain_of("table1-ablation", cell, folder).pretrain
    assert pretrain
    source = composed(pretrain.overrides, folder).MONOIMAGE.SOURCE
    return read_source_block(OmegaConf.to_container(source)).recipe()


def test_the_ablation_has_every_subset_of_the_three_augmentations(tmp_path: Path) -> None:
    names = set(GRIDS["table1-ablation"].cells)
    pairs = {"rotation+jitter", "rotation+scale", "jitter+scale"}
    assert names == {"none", *SWITCHES, *pairs, "all"}
    found = {name: recipe(name, tmp_path) for name in names}
    full = RECIPES["released"]
    for name, drawn in found.items():
        on = set(SWITCHES) if name == "all" else set(name.split("+")) - {"none"}
        assert (drawn.scale != (1, 1)) == ("scale" in on), name
        assert (drawn.rotation > 0, drawn.shear > 0) == ("rotation" in on,) * 2, name
        assert (drawn.jitter > 0) == ("jitter" in on), name
        assert drawn.initial_crop == full.initial_crop
    assert len(set(found.values())) == 8
