"""Finding the runs of a plan among rows that were made elsewhere, on other devices, for other benchmarks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.existing_rows import missing_chains
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.reproduce.results import add_rows, report
from vissl_monoimage.reproduce.run import Run

Left = Callable[..., Row]


def test_rows_that_are_kept_are_found_again_wherever_the_data_lies(
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


def test_rows_of_torchvisions_files_are_found_again_in_any_folder(
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


def test_filters_from_a_photo_are_probed_in_their_own_trunk_and_found_by_their_photo(
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
def test_bfloat16_is_for_cpus_that_have_it_and_its_rows_are_found_on_others(
    write: Callable[..., str],
    inputs: Inputs,
    tmp_path: Path,
    left_by: Left,
    monkeypatch: pytest.MonkeyPatch,
    has_bfloat16: bool,
) -> None:
    grid = read_grid(write(profiles={"laptop": {"seeds": [0], "bfloat16": True}})).only(["mono"], ["patches"])

    def planned(on: bool) -> tuple[Run, Run]:
        monkeypatch.setattr("vissl_monoimage.reproduce.cell_runs.cpu_has_bfloat16", lambda: on)
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


def test_pretrainings_are_measured_on_the_data_of_their_first_probe_and_are_no_other_runs_for_it(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    (chain,) = plan(read_grid(write()).only(["mono"], ["cifar10"]), "paper", inputs)
    (without,) = plan(read_grid(write()).only(["mono"], ["patches"]), "paper", inputs)
    assert chain.pretrain
    assert without.pretrain
    assert chain.pretrain.extra == (f"+config.MONOIMAGE.TRANSFER_DATA='cifar10={tmp_path / 'c10'}'",)
    assert without.pretrain.extra == ()
    assert without.pretrain.folder == chain.pretrain.folder
    row = left_by(without.pretrain, "pretrain", checkpoint_out="abc")
    measured = left_by(chain.pretrain, "pretrain", checkpoint_out="abc")
    add_rows(tmp_path / "results" / "mine.jsonl", [measured, left_by(chain.probes[0], "probe", "abc")], inputs)
    assert row.command != measured.command
    assert not missing_chains([chain], tmp_path / "results")


def test_a_gpu_makes_the_same_runs_and_their_rows_are_found_on_a_cpu(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vissl_monoimage.reproduce.cell_runs.cpu_has_bfloat16", lambda: False)
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
