"""Cells of random and calibrated weights: made by the command of the plan, found again by their published rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vissl_monoimage.cli.main import main
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.models.init import CALIBRATE
from vissl_monoimage.report.tables.join import ProbedTrunk
from vissl_monoimage.report.tables.labels import trunk_label
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.existing_rows import missing_chains
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.reproduce.results import add_rows
from vissl_monoimage.reproduce.runner import finished

ROTNET = "pretrain/monoimage/rotnet_convnet4"
CELLS: dict[str, Any] = {
    "rotnet": {"pretrain": ROTNET, "source": "photo", "overrides": ["config.OPTIMIZER.num_epochs=5"]},
    "random": {"init": "random", "of": "rotnet"},
    "photo": {"init": "calibrate", "of": "rotnet", "source": "photo", "overrides": ["--crops=8"]},
    "noise": {"init": "calibrate", "of": "rotnet", "source": "noise", "overrides": ["--crops=8"]},
    "data": {"init": "calibrate", "of": f"config={ROTNET}", "source": "cifar10", "overrides": ["--crops=8"]},
}
LABELS = [
    "random weights of rotnet_convnet4",
    "random, calibrated on me.png (1 image)",
    "random, calibrated on noise",
    "random, calibrated on 8 images of cifar10",
]
Left = Callable[..., Row]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Inputs]:
    """A machine with a photo and a data set."""
    folder = tmp_path_factory.mktemp("machine")
    draw = np.random.default_rng(0)
    for split in ("train", "test"):
        (folder / "c10" / split / "cat").mkdir(parents=True)
        for number in range(8):
            pixels = draw.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "c10" / split / "cat" / f"{number}.png")
    Image.fromarray(draw.integers(0, 256, (160, 160, 3), dtype=np.uint8)).save(folder / "me.png")
    return folder, Inputs(str(folder / "me.png"), {"cifar10": folder / "c10"}, folder / "out")


def test_a_baseline_takes_the_weights_of_its_pretraining_and_is_found_by_its_published_row(
    machine: tuple[Path, Inputs], write: Callable[..., str], left_by: Left, tmp_path: Path
) -> None:
    folder, inputs = machine
    profiles = {"laptop": {"seeds": [1], "overrides": ["config.DATA.NUM_DATALOADER_WORKERS=0"]}}
    grid = read_grid(write(cells=CELLS, profiles=profiles)).only(list(CELLS)[1:], ["patches"])
    chains, labels, initial = plan(grid, "laptop", inputs), [], []
    for place, chain in enumerate(chains):
        run = chain.pretrain
        assert run
        assert main([*run.verb, *run.overrides, f"--out={run.folder}"]) == 0
        row = finished(run.folder)
        assert row
        probe = left_by(chain.probes[0], "probe", row.checkpoint_out_sha256)
        labels.append(trunk_label(ProbedTrunk(probe, row)))
        initial.append(row.initial_weights.sha256)
        add_rows(tmp_path / "results" / f"{place}.jsonl", [row, probe], inputs)
        assert missing_chains(chains, tmp_path / "results") == chains[place + 1 :]
    assert labels == LABELS
    assert initial[0] == initial[1] == initial[2] != initial[3]  # of 5 epochs, and of the configuration's own 3
    assert str(folder) not in "".join(file.read_text() for file in (tmp_path / "results").iterdir())
    elsewhere = dataclasses.replace(inputs, out=tmp_path / "elsewhere")
    assert missing_chains(plan(grid, "laptop", elsewhere), tmp_path / "results") == []


def test_the_seeds_of_a_baseline_are_one_experiment_and_other_images_another(
    machine: tuple[Path, Inputs], write: Callable[..., str]
) -> None:
    _, inputs = machine
    grid = read_grid(write(cells=CELLS)).only(["random", "photo", "noise"], ["patches"])
    experiments: dict[str, set[str]] = {}
    for chain in plan(grid, "laptop", inputs, [1, 2]):
        assert chain.pretrain
        assert main([*chain.pretrain.verb, *chain.pretrain.overrides, f"--out={chain.pretrain.folder}"]) == 0
        row = finished(chain.pretrain.folder)
        assert row
        experiments.setdefault(chain.pretrain.title.partition(",")[0], set()).add(row.experiment)
    assert [len(found) for found in experiments.values()] == [1, 1, 1]
    assert len(set.union(*experiments.values())) == 3


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("alexnet-64px", {"photo"}),
        ("deepcluster-annealed", {"photo", "cifar10"}),
        ("fewer-labels", {"photo", "cifar10"}),
        ("how-many-images", {"photo", "cifar10"}),
        ("monogan-wgan-gp", {"photo"}),
        ("table2-imagenet", {"photo:market", "imagenet1k"}),
        ("table2-tiny", {"photo", "tiny-imagenet"}),
        ("resnet", {"photo"}),
        ("table4-freeze", {"photo", "cifar10"}),
    ],
)
def test_every_trained_trunk_has_a_baseline_calibrated_on_its_images(name: str, sources: set[str]) -> None:
    grids = [read_grid(grid) for grid in (name, *read_grid(name).beside)]
    cells = [cell for cell in grids[0].cells.values() if cell.pretrain and not cell.labels]
    trained = {(cell.trunk, cell.source) for cell in cells if cell.source in sources}
    calibrated = {(cell.trunk, cell.source) for grid in grids for cell in grid.cells.values() if cell.init == CALIBRATE}
    assert {source for _, source in trained} == sources
    assert trained <= calibrated
