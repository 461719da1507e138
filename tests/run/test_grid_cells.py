"""Every kind of cell of our benchmarks is pretrained, probed and tabulated: two steps each on tiny folders."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import launcher
import numpy as np
import pytest
from PIL import Image

from vissl_monoimage.data.known_sets import known_set
from vissl_monoimage.reproduce.cell import Cell
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import grid_names, read_grid
from vissl_monoimage.reproduce.results import report
from vissl_monoimage.reproduce.run import Chain, Run
from vissl_monoimage.reproduce.runner import finished

FAST = {("table2-tiny", "supervised"), ("table2-tiny", "calibrated-tiny")}
SMOKE = "+config/monoimage="
TWO_STEPS = [
    "config.OPTIMIZER.num_epochs=1",
    "config.DATA.TRAIN.DATA_LIMIT=8",
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=4",
]


def kind_of(cell: Cell, probe: str) -> tuple[Any, ...]:
    """Return what makes a cell unlike others: configurations, overrides but for sizes, trunk and kind of source."""
    source = "photo" if cell.photo_name else cell.source
    return cell.pretrain, cell.init, cell.of, source, bool(cell.images), cell.labels, cell.trunk, probe


def cells() -> Iterator[Any]:
    """Yield the first cell of each kind, with a mark for those that take long; the zoo's models need a download."""
    seen = set()
    for name in grid_names():
        grid = read_grid(name)
        probe = next(iter(grid.probes.values())).config
        for key, cell in grid.cells.items():
            if not cell.zoo and kind_of(cell, probe) not in seen:
                seen.add(kind_of(cell, probe))
                marks = [] if (name, key) in FAST else [pytest.mark.slow]
                yield pytest.param(name, key, marks=marks, id=f"{name}-{key}")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that makes a stand-in for a data set: noise, an image a class and 2,000 in all at least."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name in made:
            return made[name]
        root, known = tmp_path_factory.mktemp(name), known_set(name)
        assert known
        side = {"cifar10": 32, "cifar100": 32, "tiny-imagenet": 64}.get(name, 256)
        draw = np.random.default_rng(0)
        for split in ("train", "test"):
            pictures = [root / f"{split}{number}.png" for number in range(8)]
            for picture in pictures:
                Image.fromarray(draw.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(picture)
            for number in range(2 * max(1024, known.classes)):
                folder = root / split / f"class{number % known.classes:04}"
                folder.mkdir(parents=True, exist_ok=True)
                os.link(pictures[number % 8], folder / f"{number}.png")
        made[name] = root
        return root

    return make


def words_of(run: Run, chain: Chain) -> list[str]:
    """Return the command of a run of two steps, with the weights of its pretraining."""
    if run.verb[0] == "init":
        few = [word for word in run.overrides if not word.startswith("--crops=")]
        crops = ["--crops=64"] * (len(run.overrides) - len(few))
        return [*run.verb, *few, *crops, f"--out={run.folder}"]
    overlay = [] if any(word.startswith(SMOKE) for word in run.overrides) else [f"{SMOKE}smoke"]
    words = [*run.verb, *run.overrides, *overlay, *TWO_STEPS, f"config.CHECKPOINT.DIR={run.folder}"]
    if chain.pretrain and run is not chain.pretrain:
        pattern = "checkpoint.torch" if chain.pretrain.verb[0] == "init" else "model_final_checkpoint_*.torch"
        (file,) = chain.pretrain.folder.glob(pattern)
        words.append(f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={file}")
    return words


@pytest.mark.parametrize(("name", "key"), list(cells()))
def test_a_cell_is_pretrained_probed_and_tabulated(tmp_path: Path, data: Any, name: str, key: str) -> None:
    grid = read_grid(name).only([key], [])
    inputs = Inputs(
        "china",
        {each: data(each) for each in grid.data_sets},
        tmp_path / "out",
        photos=dict.fromkeys(grid.photos, "china"),
    )
    chains = plan(grid, next(iter(grid.profiles)), inputs, [1])
    for chain in chains:
        for run in chain.runs:
            if run.photos:
                run.photos.write()
            launcher.monoimage(*words_of(run, chain), cwd=tmp_path)
            row = finished(run.folder)
            assert row
            assert row.iterations == (0 if run.verb[0] == "init" else 2)
            assert all(np.isfinite(loss) for _, loss in row.losses)
    report(grid, chains, inputs, tmp_path / "results")
    with open(tmp_path / "results" / f"{grid.name}.csv", newline="") as file:
        layers = {line["layer"] for line in csv.DictReader(file) if float(line["mean"]) >= 0}
    probed = finished(chains[0].probes[0].folder)
    assert probed
    assert layers == set(probed.accuracies)
    assert len(layers) >= 1
    shutil.rmtree(tmp_path)
