"""The benchmark of `monoimage demo`: what its cells share, and that its sizes reach them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from vissl_monoimage.models.init.initial import read_pretraining
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.reproduce.run import Run


def pretrainings(profile: str, folder: Path) -> dict[str, Run]:
    """Return the pretraining or init of each cell and seed, by `cell, seed N`."""
    chains = plan(read_grid("demo"), profile, Inputs("china", {}, folder))
    assert all(len(chain.probes) == 1 for chain in chains)
    return {chain.pretrain.title: chain.pretrain for chain in chains if chain.pretrain}


def test_three_seeds_of_four_networks(tmp_path: Path) -> None:
    titles = {f"{cell}, seed {seed}" for cell in ("random", "calibrated", "kmeans", "rotnet") for seed in range(3)}
    assert set(pretrainings("laptop", tmp_path)) == titles


@pytest.mark.parametrize("profile", ["laptop", "smoke"])
def test_baselines_start_from_the_weights_that_rotnet_starts_from(profile: str, tmp_path: Path) -> None:
    runs = pretrainings(profile, tmp_path)
    rotnet = read_pretraining(shlex.join(runs["rotnet, seed 0"].overrides))
    for cell in ("random", "calibrated"):
        options = dict(word[2:].split("=", 1) for word in runs[f"{cell}, seed 0"].overrides)
        assert read_pretraining(options["like"]).draw == rotnet.draw
        assert read_pretraining(options["like"]).recipe == rotnet.recipe


@pytest.mark.parametrize(("profile", "crops"), [("laptop", "--crops=1024"), ("smoke", "--crops=64")])
def test_the_profile_says_how_many_crops_init_takes(profile: str, crops: str, tmp_path: Path) -> None:
    runs = pretrainings(profile, tmp_path)
    assert crops in runs["kmeans, seed 0"].overrides
    assert crops in runs["calibrated, seed 0"].overrides
    assert "--crops" not in " ".join(runs["random, seed 0"].overrides)
