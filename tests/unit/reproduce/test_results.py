"""The ledger and table of a benchmark: rows are added, never changed, and not from uncommitted code."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.reproduce import results
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.reproduce.results import add_rows, report
from vissl_monoimage.reproduce.run import Chain

Left = Callable[..., Row]


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


def test_folders_with_letters_of_any_language_are_not_published(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    there = dataclasses.replace(inputs, out=tmp_path / "josé")
    (chain,) = plan(read_grid(write()).only(["random"], ["patches"]), "laptop", there, [0])
    add_rows(tmp_path / "mine.jsonl", [left_by(chain.probes[0], "probe")], there)
    (row,) = ledger.read([tmp_path / "mine.jsonl"])
    assert str(row.checkpoint_out).startswith("OUT/")


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


def test_rows_are_added_and_never_removed(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path, left_by: Left
) -> None:
    chains: list[Chain] = plan(read_grid(write()).only(["random"], []), "laptop", inputs)
    for chain in chains:
        add_rows(tmp_path / "kept.jsonl", [left_by(chain.probes[0], "probe")], inputs)
        add_rows(tmp_path / "kept.jsonl", [left_by(chain.probes[0], "probe")], inputs)
    assert len(ledger.read([tmp_path / "kept.jsonl"])) == len(chains) == 2
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 2


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
    last = before.count(b"\n")
    assert [line.partition(": skipped, ")[0] for line in said] == [
        f"monoimage: {tmp_path}/kept.jsonl, line {number}" for number in (last - 1, last)
    ]
    after = (tmp_path / "kept.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.removeprefix(before).count(b"\n") == 1
