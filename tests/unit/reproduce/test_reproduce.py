"""Benchmarks: reading, planning, keeping rows and knowing them again."""

from __future__ import annotations

import dataclasses
import pickle
import platform
import shlex
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from vissl_monoimage.cli.main import main
from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.data.photos.synthetic import SYNTHETIC
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row, Weights
from vissl_monoimage.reproduce import results
from vissl_monoimage.reproduce.cell import Cell
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.existing_rows import missing_chains
from vissl_monoimage.reproduce.grid import Grid
from vissl_monoimage.reproduce.photos import PhotoList
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.progress import Progress, format_minutes
from vissl_monoimage.reproduce.read_grid import grid_names, read_grid
from vissl_monoimage.reproduce.results import add_rows, report
from vissl_monoimage.reproduce.run import Chain, Run
from vissl_monoimage.reproduce.submit import submitter
from vissl_monoimage.utils.precision import cpu_has_bfloat16

GRID: dict[str, Any] = {
    "title": "a grid",
    "probes": {
        "cifar10": {"config": "probe10", "data": "cifar10", "minutes": 2},
        "patches": {"config": "patches", "minutes": 1},
    },
    "cells": {
        "random": {},
        "mono": {"pretrain": "pretrain/a", "source": "photo", "minutes": 5, "overrides": ["config.K=1"]},
        "again": {"pretrain": "pretrain/a", "source": "photo", "minutes": 5, "overrides": ["config.K=1"]},
        "other": {"pretrain": "pretrain/a", "source": "photo", "minutes": 5, "overrides": ["config.K=2"]},
        "full": {"pretrain": "pretrain/a", "source": "cifar10", "minutes": 5},
    },
    "profiles": {"laptop": {"seeds": [0, 1]}, "paper": {"seeds": [0], "overrides": ["config.LONG=1"]}},
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def written(**changes: Any) -> str:
        file = tmp_path / "mine.yaml"
        file.write_text(yaml.safe_dump({**GRID, **changes}))
        return str(file)

    return written


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    for split in ("train", "test"):
        (tmp_path / "c10" / split).mkdir(parents=True)
    Image.new("RGB", (64, 64), "red").save(tmp_path / "me.png")
    return Inputs(str(tmp_path / "me.png"), {"cifar10": tmp_path / "c10"}, tmp_path / "out")


def test_a_pretraining_that_two_cells_share_is_planned_once(write: Callable[..., str], inputs: Inputs) -> None:
    chains = plan(read_grid(write()), "laptop", inputs)
    assert len(chains) == 2 * 4  # mono and again are one
    pretrained = [chain.pretrain.folder for chain in chains if chain.pretrain]
    assert len(set(pretrained)) == len(pretrained) == 2 * 3
    probes = [run.folder for chain in chains for run in chain.probes]
    assert len(set(probes)) == len(probes) == 2 * 4 * 2
    assert sum(run.minutes for chain in chains for run in chain.runs) == 2 * (3 * 5 + 4 * (2 + 1))


def test_cells_that_differ_in_their_probes_alone_share_one_training(write: Callable[..., str], inputs: Inputs) -> None:
    mono = GRID["cells"]["mono"]
    pooled = {**mono, "probe_overrides": ["config.POOL=1"]}
    (chain,) = plan(read_grid(write(cells={"mono": mono, "pooled": pooled})), "paper", inputs)
    assert [run.minutes for run in chain.runs] == [5, 2, 1, 2, 1]
    assert sum("config.POOL=1" in run.overrides for run in chain.probes) == 2


def test_the_name_of_a_folder_follows_the_photo_and_not_its_place(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path
) -> None:
    grid = read_grid(write())

    def folder(photo: Path) -> str:
        (chain,) = plan(grid.only(["mono"], []), "laptop", dataclasses.replace(inputs, photo=str(photo)), [0])
        assert chain.pretrain
        return chain.pretrain.folder.name

    moved, other = tmp_path / "moved" / "me.png", tmp_path / "other" / "me.png"
    moved.parent.mkdir()
    other.parent.mkdir()
    moved.write_bytes(Path(inputs.photo).read_bytes())
    Image.new("RGB", (64, 64), "blue").save(other)
    assert folder(Path(inputs.photo)) == folder(moved) != folder(other)


def test_a_part_of_a_benchmark_needs_only_its_own_data(write: Callable[..., str], inputs: Inputs) -> None:
    part = read_grid(write()).only(["mono", "random"], ["patches"])
    assert part.data_sets == []
    chains = plan(part, "laptop", dataclasses.replace(inputs, data={}), [7])
    assert [[run.title for run in chain.runs] for chain in chains] == [
        ["mono, seed 7", "mono, seed 7, probed on patches"],
        ["random, seed 7, probed on patches"],
    ]


def test_a_cell_may_be_for_some_of_the_probes(write: Callable[..., str], inputs: Inputs) -> None:
    cells = {"ten": {"trunk": "a", "probes": ["cifar10"]}, "all": {"trunk": "b"}}
    grid = read_grid(write(cells=cells))

    def titles(part: Grid) -> list[str]:
        return [run.title.partition(", probed on ")[2] for chain in plan(part, "paper", inputs) for run in chain.runs]

    assert sorted(titles(grid)) == ["cifar10", "cifar10", "patches"]
    assert titles(grid.only([], ["patches"])) == ["patches"]  # of `all`; nothing is trained for no probe
    assert grid.only(["ten"], []).data_sets == ["cifar10"]
    with pytest.raises(MonoImageError, match="ten: not probed on patches"):
        grid.only(["ten"], ["patches"])


def test_a_profile_adds_its_overrides(write: Callable[..., str], inputs: Inputs) -> None:
    (chain,) = plan(read_grid(write()).only(["mono"], []), "paper", inputs)
    assert chain.pretrain
    assert "config.LONG=1" in chain.pretrain.overrides
    assert "config.LONG=1" not in chain.probes[0].overrides


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cells": {"a": {"pretrain": "p", "source": "foto"}}}, "did you mean 'photo'"),
        ({"cells": {"a": {"pretrain": "p"}}}, "pretrain or init goes with a source"),
        ({"cells": {"a": {"pretrain": "p", "source": "photo", "labels": True}}}, "labels are a data set's"),
        (
            {"cells": {"a": {"pretrain": "p", "source": "photo", "images": 3}}},
            "images=3 must be a number of images of a",
        ),
        ({"cells": {"a": {"zoo": "rotnet"}}}, "zoo: unknown model 'rotnet'"),
        ({"cells": {"a": {"zoo": "rotnet-imagenet-1k", "trunk": "resnet"}}}, "zoo goes with probes and probe_"),
        ({"cells": {"a": {"init": "kmeans"}}}, "pretrain or init goes with a source"),
        ({"cells": {"a": {"init": "kmean", "source": "photo"}}}, "did you mean 'kmeans'"),
        ({"cells": {"a": {"init": "kmeans", "source": "cifar10"}}}, "source: unknown photo 'cifar10'"),
        ({"cells": {"a": {"init": "kmeans", "source": "photo", "trunk": "resnet"}}}, "trunk: unknown trunk 'resnet'"),
        ({"cells": {"a": {"init": "kmeans", "source": "photo", "images": 2}}}, "without images and labels"),
        ({"cells": {"a": {"init": "kmeans", "source": "photo", "overrides": ["--crops"]}}}, "takes --crops=N alone"),
        ({"cells": {"a": {"init": "kmeans", "pretrain": "p", "source": "photo"}}}, "only one of them makes a trunk"),
        ({"cells": {"a": {"minuts": 3}}}, "cells.a: unknown key 'minuts': did you mean 'minutes'"),
        ({"probes": {"a": {"config": "c", "data": "cifar"}}}, "did you mean 'cifar100?'"),
        ({"profile": {}}, "did you mean 'profiles'"),
        ({"cells": {"a": 3}}, "cells.a=3 must be a mapping"),
        ({"cells": {"a": {"probes": ["patch"]}}}, "cells.a.probes: unknown probe 'patch': did you mean 'patches'"),
        ({"profiles": {"laptop": {"seeds": ["a"]}}}, "must be a list of whole numbers"),
        ({"profiles": {"laptop": {"seeds": []}}}, "must be whole numbers from 0"),
        ({"profiles": {"laptop": {"seeds": [2**32]}}}, "must be whole numbers from 0 to 4294967295"),
        ({"cells": {}}, "mine.yaml: cells must name one at least"),
        ({"cells": {1: {}}}, "cells: 1 must be a name: put it in quotes"),
        ({"cells": {"a": {"minutes": -5}}}, "cells.a.minutes=-5 must not be negative"),
        ({"cells": {"a": {"probe_overrides": [3]}}}, r"a.probe_overrides=\[3\] must be a list of names"),
        ({"cells": {"a": {"overrides": [{"config.SEED": 1}]}}}, "must be a list of names"),
        ({"beside": ["table3"]}, "beside: unknown benchmark with results 'table3': did you mean 'table3-cifar'"),
    ],
)
def test_a_mistake_in_a_benchmark_is_told(write: Callable[..., str], changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MonoImageError, match=sentence):
        read_grid(write(**changes))


def test_unknown_names_are_told(write: Callable[..., str], inputs: Inputs) -> None:
    with pytest.raises(MonoImageError, match="did you mean 'table3-cifar'"):
        read_grid("table3_cifar")
    with pytest.raises(MonoImageError, match="did you mean 'paper'"):
        plan(read_grid(write()), "papr", inputs)
    with pytest.raises(MonoImageError, match="did you mean 'mono'"):
        plan(read_grid(write()).only(["mona"], []), "laptop", inputs)
    with pytest.raises(MonoImageError, match="did you mean 'patches'"):
        read_grid(write()).only([], ["patch"])
    with pytest.raises(MonoImageError, match="did you mean 'slurm'"):
        submitter("slrum")
    with pytest.raises(MonoImageError, match="KEY=VALUE"):
        submitter("slurm", "gpu")


def test_a_data_set_that_is_not_there_is_told(write: Callable[..., str], inputs: Inputs, tmp_path: Path) -> None:
    empty = dataclasses.replace(inputs, data={"cifar10": tmp_path / "nowhere"})
    with pytest.raises(MonoImageError, match=r"no cifar-10-batches-py/ or train/<class>/ in that folder"):
        plan(read_grid(write()), "laptop", empty)


def test_torchvisions_files_are_read_as_they_are(write: Callable[..., str], inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "tv" / "cifar-10-batches-py").mkdir(parents=True)
    unpacked = dataclasses.replace(inputs, data={"cifar10": tmp_path / "tv"})
    (chain,) = plan(read_grid(write()).only(["full"], []), "laptop", unpacked, [0])
    assert chain.pretrain
    assert "config.DATA.TRAIN.DATA_SOURCES=[torchvision_dataset]" in chain.pretrain.overrides
    assert "config.DATA.TRAIN.LABEL_SOURCES=[]" in chain.pretrain.overrides
    assert "config.DATA.TEST.LABEL_SOURCES=[torchvision_dataset]" in chain.probes[0].overrides


Left = Callable[..., Row]


def images(run: Run) -> list[dict[str, Any]]:
    """The photo that a run's row names."""
    if not run.photo_sha256 and run.verb[0] != "init":
        return []
    name = Path(run.verb[2]).name if run.verb[0] == "init" else "me.png"
    return [{"name": name, "path": name, "sha256": run.photo_sha256}]


@pytest.fixture
def left_by(a_row: Callable[..., Row]) -> Left:
    """The row that a run would leave."""

    def row(run: Run, kind: str, checkpoint_in: str | None = None, checkpoint_out: str | None = None) -> Row:
        return a_row(
            run_id=run.folder.name,
            kind=kind,
            command=shlex.join(
                ["monoimage", *run.verb, *run.overrides, *run.extra, f"config.CHECKPOINT.DIR={run.folder}"]
            ),
            overrides=[*run.overrides, *run.extra, f"config.CHECKPOINT.DIR={run.folder}"],
            name="init " + run.verb[1] if run.verb[0] == "init" else "x",
            method=run.verb[1] if run.verb[0] == "init" else "random",
            weights=Weights(checkpoint_in, checkpoint_in),
            checkpoint_out=str(run.folder / "model.torch"),
            images=images(run),
            checkpoint_out_sha256=checkpoint_out,
        )

    return row


def test_rows_that_are_kept_are_known_again_wherever_the_data_lies(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    grid, kept = read_grid(write()), tmp_path / "results" / "mine.jsonl"
    mono, other, untrained = plan(grid.only(["mono", "other", "random"], []), "laptop", inputs, [0])
    assert mono.pretrain
    add_rows(
        kept,
        [left_by(mono.pretrain, "pretrain", checkpoint_out="abc"), left_by(mono.probes[0], "probe", "abc")],
        inputs,
    )
    add_rows(kept, [left_by(untrained.probes[0], "probe")], inputs)
    assert str(inputs.out) not in kept.read_text()
    assert "OUT/" in kept.read_text()

    (tmp_path / "c10").rename(tmp_path / "moved")
    elsewhere = dataclasses.replace(inputs, data={"cifar10": tmp_path / "moved"}, out=tmp_path / "new")
    left = missing_chains(plan(grid.only(["mono", "other", "random"], []), "laptop", elsewhere, [0]), kept.parent)
    assert [[run.title for run in chain.runs] for chain in left] == [
        ["mono, seed 0", "mono, seed 0, probed on patches"],
        [run.title for run in other.runs],
        ["random, seed 0, probed on patches"],
    ]


def test_rows_of_torchvisions_files_are_known_again_in_any_folder(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    grid, chains = read_grid(write()).only(["full"], ["cifar10"]), []
    for name in ("data", "moved"):
        (tmp_path / name / "cifar-10-batches-py").mkdir(parents=True)
        there = dataclasses.replace(inputs, data={"cifar10": tmp_path / name, "cifar100": tmp_path / name})
        chains += plan(grid, "laptop", there, [0])
        if name == "data":
            full = chains[0]
            assert full.pretrain
            rows = [left_by(full.pretrain, "pretrain", checkpoint_out="abc"), left_by(full.probes[0], "probe", "abc")]
            add_rows(tmp_path / "results" / "mine.jsonl", rows, there)
    kept = (tmp_path / "results" / "mine.jsonl").read_text()
    assert "DATA_PATHS=[DATA]" in kept  # a folder of two data sets has the name of neither
    assert missing_chains(chains, tmp_path / "results") == []
    files = plan(grid, "laptop", inputs, [0])
    assert missing_chains(files, tmp_path / "results") == files  # other runs: their images come in another order


def test_folders_with_letters_of_any_language_are_not_published(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    there = dataclasses.replace(inputs, out=tmp_path / "josé")
    (chain,) = plan(read_grid(write()).only(["random"], ["patches"]), "laptop", there, [0])
    add_rows(tmp_path / "mine.jsonl", [left_by(chain.probes[0], "probe")], there)
    (row,) = ledger.read([tmp_path / "mine.jsonl"])
    assert str(row.checkpoint_out).startswith("OUT/")


def test_two_that_report_at_once_keep_all_rows(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = results.replace_text

    def slowly(path: Path, text: str) -> None:
        time.sleep(0.2)  # between what was read and what is written
        written(path, text)

    monkeypatch.setattr(results, "replace_text", slowly)
    grid = read_grid(write())
    parts = [grid.only([name], ["patches"]) for name in ("random", "mono")]
    chains = [plan(part, "paper", inputs) for part in parts]
    for chain in (chain for part in chains for chain in part):
        origin = "abc" if chain.pretrain else None
        for run in chain.runs:
            kind = "pretrain" if run is chain.pretrain else "probe"
            row = left_by(run, kind, origin if kind == "probe" else None, origin if kind == "pretrain" else None)
            ledger.append(run.folder / ledger.FILE_NAME, row)
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(report, grid, part, inputs, tmp_path / "results") for part in chains]:
            done.result()
    assert len(ledger.read([tmp_path / "results" / "mine.jsonl"])) == 3
    table = (tmp_path / "results" / "mine.csv").read_text()
    assert "random weights" in table
    assert "me.png" in table


def test_rows_of_runs_from_another_machine_publish_no_paths_of_it(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    mono = plan(read_grid(write()).only(["mono"], ["patches"]), "laptop", inputs, [0])[0]
    assert mono.pretrain
    row = left_by(mono.pretrain, "pretrain", checkpoint_out="abc")
    images = [{"name": "me.png", "path": inputs.photo, "sha256": "0"}]
    here = dataclasses.replace(inputs, photo="china", data={}, out=tmp_path / "copied")
    kept = tmp_path / "results" / "mine.jsonl"
    add_rows(kept, [dataclasses.replace(row, images=images)], here)
    assert str(tmp_path) not in kept.read_text()
    (found,) = ledger.read([kept])
    assert found.checkpoint_out == f"OUT/{mono.pretrain.folder.name}/model.torch"
    assert found.images[0]["path"] == Path(inputs.photo).name


def test_another_photo_of_the_same_name_is_another_run(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    grid = read_grid(write()).only(["mono"], ["patches"])
    (mono,) = plan(grid, "laptop", inputs, [0])
    assert mono.pretrain
    rows = [left_by(mono.pretrain, "pretrain", checkpoint_out="abc"), left_by(mono.probes[0], "probe", "abc")]
    add_rows(tmp_path / "results" / "mine.jsonl", rows, inputs)
    assert not missing_chains(plan(grid, "laptop", inputs, [0]), tmp_path / "results")
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "me.png")
    assert missing_chains(plan(grid, "laptop", inputs, [0]), tmp_path / "results")


def test_filters_from_a_photo_are_probed_in_their_own_trunk_and_known_by_their_photo(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    sources = ("photo", "china", "white_noise", "dead_leaves")
    cells = {source: {"init": "sparse_coding", "source": source} for source in sources}
    chains = plan(read_grid(write(cells=cells)).only([], ["patches"]), "laptop", inputs, [0])
    assert len({chain.pretrain.folder for chain in chains if chain.pretrain}) == 4
    for place, chain in enumerate(chains):
        assert "config.MODEL.TRUNK.NAME=sparse_coding" in chain.probes[0].overrides
        assert chain.pretrain
        rows = [left_by(chain.pretrain, "pretrain", checkpoint_out="abc"), left_by(chain.probes[0], "probe", "abc")]
        add_rows(tmp_path / "results" / f"{place}.jsonl", rows, inputs)
        assert missing_chains(chains, tmp_path / "results") == chains[place + 1 :]


def test_rows_of_another_benchmark_are_taken_over_and_those_of_unknown_checkpoints_are_not(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    grid = read_grid(write())
    chains = plan(grid.only(["mono", "random"], ["cifar10"]), "laptop", inputs, [0])
    mono, untrained = chains
    assert mono.pretrain
    elsewhere = tmp_path / "results" / "other.jsonl"
    rows = [left_by(mono.pretrain, "pretrain", checkpoint_out="abc"), left_by(mono.probes[0], "probe", "abc")]
    add_rows(elsewhere, [*rows, left_by(untrained.probes[0], "probe", "downloaded")], inputs)
    assert [chain.runs for chain in missing_chains(chains, tmp_path / "results")] == [untrained.runs]

    report(grid, chains, inputs, tmp_path / "results")
    kept = ledger.read([tmp_path / "results" / "mine.jsonl"])
    assert [row.run_id for row in kept] == [mono.pretrain.folder.name, mono.probes[0].folder.name]


@pytest.mark.parametrize("has_bfloat16", [True, False])
def test_bfloat16_is_for_cpus_that_have_it_and_its_rows_are_known_on_others(
    write: Callable[..., str],
    inputs: Inputs,
    tmp_path: Path,
    left_by: Left,
    monkeypatch: pytest.MonkeyPatch,
    has_bfloat16: bool,
) -> None:
    grid = read_grid(write(profiles={"laptop": {"seeds": [0], "bfloat16": True}})).only(["mono"], ["patches"])

    def planned(on: bool) -> tuple[Run, Run]:
        monkeypatch.setattr("vissl_monoimage.reproduce.plan.cpu_has_bfloat16", lambda: on)
        (chain,) = plan(grid, "laptop", inputs)
        assert chain.pretrain
        return chain.pretrain, chain.probes[0]

    pretrain, probe = planned(has_bfloat16)
    assert ("config.MONOIMAGE.BF16=true" in pretrain.overrides) is has_bfloat16
    assert not any("BF16" in override for override in probe.overrides)
    assert pretrain.minutes == (5 if has_bfloat16 else 10)
    rows = [left_by(pretrain, "pretrain", checkpoint_out="abc"), left_by(probe, "probe", "abc")]
    add_rows(tmp_path / "results" / "mine.jsonl", rows, inputs)
    planned(not has_bfloat16)
    assert not missing_chains(plan(grid, "laptop", inputs), tmp_path / "results")


def test_a_gpu_makes_the_same_runs_and_their_rows_are_known_on_a_cpu(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vissl_monoimage.reproduce.plan.cpu_has_bfloat16", lambda: False)
    grid = read_grid(write(profiles={"laptop": {"seeds": [0], "bfloat16": True}})).only(["mono"], ["patches"])
    (chain,) = plan(grid, "laptop", dataclasses.replace(inputs, gpu=True))
    assert chain.pretrain
    assert "config.MONOIMAGE.BF16=true" in chain.pretrain.overrides
    assert all(run.extra == ("+config/monoimage=gpu",) for run in chain.runs)
    (probe,) = chain.probes
    add_rows(
        tmp_path / "results" / "mine.jsonl",
        [left_by(chain.pretrain, "pretrain", checkpoint_out="abc"), left_by(probe, "probe", "abc")],
        inputs,
    )
    assert not missing_chains(plan(grid, "laptop", inputs), tmp_path / "results")


def test_the_runs_of_paper_are_where_their_yamls_say(
    write: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["reproduce", write(), "--cells", "mono", "--probes", "patches", "--gpu", "--dry-run", f"--out={tmp_path}"]
    assert main(words) == 0
    assert main([*words, "--profile", "paper"]) == 2
    assert "--gpu is for --profile laptop: runs of paper are where their YAMLs say" in capsys.readouterr().err


def test_a_missing_gpu_is_told_before_anything_runs(
    write: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    out = tmp_path / "out"
    words = ["reproduce", write(), "--cells", "mono", "--probes", "patches", "--gpu", f"--out={out}"]
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.err.startswith("monoimage: --gpu: torch finds no GPU on this machine; leave it out")
    assert "minutes of a core" in told.out
    assert not out.exists()


def test_some_images_of_a_data_set_are_drawn_by_seed_and_listed_before_the_run(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path
) -> None:
    for number in range(6):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / "c10" / "train" / f"{number}.png")
    few = {"pretrain": "pretrain/a", "source": "cifar10", "images": 4, "minutes": 5}
    drawn = []
    for chain in plan(read_grid(write(cells={"few": few})), "laptop", inputs):
        assert chain.pretrain
        assert chain.pretrain.photos
        file = chain.pretrain.photos.file
        assert f"config.DATA.TRAIN.DATA_PATHS=[{file}]" in chain.pretrain.overrides
        assert not file.exists()  # planning writes nothing
        chain.pretrain.photos.write()
        drawn.append([path.name for path in find_photos(file)])
        assert file.name == "cifar10_4.txt"  # one experiment, whatever the seed
    assert [len(set(names)) for names in drawn] == [4, 4]
    assert sorted(drawn[0]) != sorted(drawn[1])


def test_images_drawn_from_torchvisions_files_are_another_experiment(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path
) -> None:
    few = {"pretrain": "pretrain/a", "source": "cifar10", "images": 4, "minutes": 5}
    grid = read_grid(write(cells={"few": few}))
    (tmp_path / "tv" / "cifar-10-batches-py").mkdir(parents=True)
    unpacked = dataclasses.replace(inputs, data={"cifar10": tmp_path / "tv"})
    (one,), (other,) = plan(grid, "paper", inputs), plan(grid, "paper", unpacked)
    assert one.runs[0].folder != other.runs[0].folder


def test_images_of_torchvisions_files_are_written_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)  # ours are not the real ones
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": []}))
    for number in range(5):
        batch = {"data": pixels[4 * number : 4 * number + 4].reshape(4, -1), "labels": [0] * 4}
        (folder / f"data_batch_{number + 1}").write_bytes(pickle.dumps(batch))
    photos = PhotoList(tmp_path / "out" / "cifar10_3.txt", tmp_path / "data", 3, 0, "CIFAR10")
    photos.write()
    found = [np.asarray(Image.open(path)).transpose(2, 0, 1) for path in find_photos(photos.file)]
    assert len(found) == 3
    assert all(any((image == other).all() for other in pixels) for image in found)


def test_a_synthetic_photo_is_made_before_the_run(write: Callable[..., str], inputs: Inputs) -> None:
    noise = {"pretrain": "pretrain/a", "source": "white_noise", "minutes": 5}
    first, second = plan(read_grid(write(cells={"noise": noise})), "laptop", inputs)
    assert first.pretrain
    assert first.pretrain.photos
    assert second.pretrain
    assert second.pretrain.photos == first.pretrain.photos  # one photo, other crops
    first.pretrain.photos.write()
    made = np.asarray(Image.open(first.pretrain.photos.file))
    np.testing.assert_array_equal(made, SYNTHETIC["white_noise"](512, 0))
    assert any(str(first.pretrain.photos.file) in override for override in first.pretrain.overrides)


def test_too_few_images_are_told(tmp_path: Path, inputs: Inputs) -> None:
    photos = PhotoList(tmp_path / "some.txt", tmp_path / "c10" / "train", 4, 0)
    Image.new("RGB", (32, 32)).save(tmp_path / "c10" / "train" / "a.png")
    with pytest.raises(MonoImageError, match="train has 1 images, and 4 are asked for"):
        photos.write()
    assert not photos.file.exists()


def test_what_the_cpu_has_is_what_linux_says_of_it() -> None:
    said = Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split()
    if platform.machine() == "x86_64":
        assert cpu_has_bfloat16() == bool({"avx512_bf16", "amx_bf16"} & set(said))


def test_keeping_adds_and_never_takes_away(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    chains: list[Chain] = plan(read_grid(write()).only(["random"], []), "laptop", inputs)
    for chain in chains:
        add_rows(tmp_path / "kept.jsonl", [left_by(chain.probes[0], "probe")], inputs)
        add_rows(tmp_path / "kept.jsonl", [left_by(chain.probes[0], "probe")], inputs)
    assert len(ledger.read([tmp_path / "kept.jsonl"])) == len(chains) == 2


def test_the_time_left_follows_the_pace_of_the_runs_done(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [Run(f"run {number}", Path(str(number)), (), 10, 0) for number in range(4)]
    clock = Progress(runs, jobs=2)
    clock.finish(runs[0], 20 * 60)  # twice as long as planned: 30 planned minutes are 60, by two at a time 30
    assert capsys.readouterr().out == "[1/4] run 0: 20 min 0 s, about 30 min 0 s left\n"


@pytest.mark.parametrize(
    ("minutes", "text"), [(0.5, "30 s"), (2.5, "2 min 30 s"), (90, "1 h 30 min"), (59.999, "1 h 0 min")]
)
def test_minutes_are_spelled(minutes: float, text: str) -> None:
    assert format_minutes(minutes) == text


def test_every_benchmark_says_what_it_is() -> None:
    assert {"table1-ablation", "table3-cifar", "fewer-labels", "sources", "resnet"} <= set(grid_names())
    assert all(read_grid(name).title for name in grid_names())


@pytest.mark.parametrize("option", ["--out", "--results"])
def test_a_folder_that_cannot_be_is_told_before_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (tmp_path / "file").touch()
    for split in ("train", "test"):
        (tmp_path / "c10" / split).mkdir(parents=True)
    words = ["reproduce", "handmade", f"--data=cifar10={tmp_path / 'c10'}", option, str(tmp_path / "file" / "a")]
    assert main([*words, "--dry-run"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"monoimage: '{tmp_path}/file/a' cannot be written: '{tmp_path}/file' is a file\n")
    assert told.out == ""


@pytest.mark.parametrize("seed", ["-1", "4294967296", "a"])
def test_a_seed_that_cannot_be_is_told(capsys: pytest.CaptureFixture[str], seed: str) -> None:
    for words in (["reproduce", "handmade", "--seeds"], ["init", "kmeans", "china", "-o", "k", "--seed"]):
        with pytest.raises(SystemExit, match="2"):
            main([*words, seed])
        assert f"'{seed}' must be a whole number from 0 to 4294967295" in capsys.readouterr().err


def test_a_folder_of_photos_is_not_the_photo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (64, 64)).save(tmp_path / f"{name}.png")
    (tmp_path / "c10" / "train").mkdir(parents=True)
    (tmp_path / "c10" / "test").mkdir()
    data = ["--data", f"cifar10={tmp_path / 'c10'}", "--photo", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["reproduce", "alexnet-64px", *data, "--dry-run"]) == 2
    assert f"{tmp_path} has 2 photos: name one, such as {tmp_path / 'a.png'}" in capsys.readouterr().err
    (tmp_path / "a.png").write_bytes(b"no photo")
    data[3] = str(tmp_path / "a.png")
    assert main(["reproduce", "alexnet-64px", *data, "--dry-run"]) == 2
    assert "a.png is not an image that Pillow can read" in capsys.readouterr().err


# Rows from a working tree with uncommitted changes.


def test_rows_of_uncommitted_code_are_not_added_unless_allowed(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    grid, target = read_grid(write()).only(["random"], ["patches"]), tmp_path / "results"
    chains = plan(grid, "laptop", inputs)
    for chain, sha in zip(chains, ("5a-dirty", "5a"), strict=True):
        row = dataclasses.replace(left_by(chain.probes[0], "probe"), git_sha=sha)
        ledger.append(chain.probes[0].folder / ledger.FILE_NAME, row)
    with pytest.raises(MonoImageError, match=r"1 of 2 rows were made with uncommitted changes.*--allow-dirty"):
        report(grid, chains, inputs, target, allow_dirty=False)
    assert [row.git_sha for row in ledger.read([target / "mine.jsonl"])] == ["5a"]
    assert "random weights" in (target / "mine.csv").read_text()
    report(grid, chains, inputs, target, allow_dirty=True)
    assert {row.git_sha for row in ledger.read([target / "mine.jsonl"])} == {"5a", "5a-dirty"}


@pytest.mark.parametrize(("options", "refused"), [([], False), (["--results", "r"], True), (["--allow-dirty"], False)])
def test_results_are_refused_before_anything_runs_on_uncommitted_code(
    write: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    refused: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vissl_monoimage.ledger.machine.git_sha", lambda: "5a-dirty")
    monkeypatch.setattr("vissl_monoimage.reproduce.runner.run_all", lambda chains, jobs: [])
    words = ["reproduce", write(), "--cells", "random", "--probes", "patches", *options]
    if "--allow-dirty" in options:
        words += ["--results", "r"]
    assert main(words) == (2 if refused else 0)
    said = capsys.readouterr().err
    assert ("--results r: the working tree has uncommitted changes" in said) is refused
    assert main([*words, "--dry-run"]) == 0


def test_lines_that_are_there_are_never_rewritten(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither rows of version 1, nor those of a later version, nor lines that are no rows."""
    chains = plan(read_grid(write()).only(["random"], ["patches"]), "laptop", inputs)
    committed = Path(__file__).parents[3] / "benchmarks" / "results" / "resnet.jsonl"
    before = committed.read_bytes() + b'{"schema":3}\nno row\n'
    (tmp_path / "kept.jsonl").write_bytes(before)
    add_rows(tmp_path / "kept.jsonl", [left_by(chains[0].probes[0], "probe")], inputs)
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(": skipped, ")[0] for line in said] == [
        f"monoimage: {tmp_path}/kept.jsonl, line {number}" for number in (4, 5)
    ]
    after = (tmp_path / "kept.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.removeprefix(before).count(b"\n") == 1


# Cells that inherit.


def test_cells_inherit_defaults_unless_they_say_otherwise(write: Callable[..., str]) -> None:
    defaults = {"pretrain": "p", "source": "photo", "minutes": 3, "overrides": ["config.A=1"]}
    cells = {
        "all": {},
        "own": {"source": "china", "overrides": []},
        "none": {"defaults": False},
        "true": {"defaults": True, "minutes": 4},
    }
    found = read_grid(write(defaults=defaults, cells=cells)).cells
    assert found["all"] == Cell(**defaults)
    assert found["own"] == Cell(**{**defaults, "source": "china", "overrides": []})
    assert found["none"] == Cell()
    assert found["true"] == Cell(**{**defaults, "minutes": 4})


@pytest.mark.parametrize(
    ("defaults", "cell", "sentence"),
    [
        ({"minuts": 3}, {}, "mine.yaml: defaults: unknown key 'minuts': did you mean 'minutes'"),
        ({"minutes": "long"}, {}, "cells.a.minutes='long' must be a number"),
        ({"minutes": 3}, {"defaults": "no"}, "cells.a.defaults='no' must be false for a cell that inherits nothing"),
        ({"source": "photo"}, {}, "pretrain or init goes with a source"),
        ([], {}, "mine.yaml.defaults=.* must be a"),
    ],
)
def test_mistakes_in_defaults_are_named(write: Callable[..., str], defaults: Any, cell: Any, sentence: str) -> None:
    with pytest.raises(MonoImageError, match=sentence):
        read_grid(write(defaults=defaults, cells={"a": cell}))


def test_images_drawn_from_a_data_set_are_said_to_be(write: Callable[..., str], inputs: Inputs) -> None:
    few = {"pretrain": "pretrain/a", "source": "cifar10", "images": 4, "minutes": 5}
    (chain,) = plan(read_grid(write(cells={"few": few})), "paper", inputs)
    assert chain.pretrain
    assert chain.pretrain.extra == ("+config.MONOIMAGE.DRAWN_FROM=cifar10",)
    assert not any("DRAWN_FROM" in word for word in chain.pretrain.overrides)
