"""The result pages of the documentation, against the JSON lines of the ledgers, read without our own reader."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "benchmarks" / "results"
NAMES = ["fewer-labels", "handmade", "sources"]  # changed protocols, fixed features, pretrainings of one seed
LINK = re.compile(r"\[([\d.]+)(?: ± [\d.]+)?\]\(#([\w-]+)\)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    (folder / "runs").mkdir()
    (folder / "runs" / "of-a-ledger-that-is-gone.md").touch()
    runpy.run_path(str(ROOT / "benchmarks" / "result_pages.py"))["write_pages"](folder, NAMES)
    return folder


def rows_of(name: str) -> dict[str, dict[str, Any]]:
    """The latest row of each run."""
    rows = [json.loads(line) for line in (RESULTS / f"{name}.jsonl").read_text().splitlines()]
    return {row["run_id"]: row for row in sorted(rows, key=lambda row: row["finished"])}


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def sections_of(folder: Path, name: str) -> dict[str, str]:
    """What stands below each anchor of the page of runs."""
    parts = re.split(r"^\(([\w-]+)\)=$", (folder / "runs" / f"{name}.md").read_text(), flags=re.MULTILINE)
    assert len(set(parts[1::2])) == len(parts[1::2])
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_there_is_a_page_for_each_ledger_and_no_other(folder: Path) -> None:
    assert sorted(page.stem for page in folder.glob("*.md")) == sorted([*NAMES, "index"])
    assert sorted(page.stem for page in (folder / "runs").glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_leads_to_the_runs_whose_accuracies_it_is_the_mean_of(folder: Path, name: str) -> None:
    rows, sections = rows_of(name), sections_of(folder, name)
    header: list[str] = []
    checked = 0
    for line in (folder / f"{name}.md").read_text().splitlines():
        if line.startswith("| pretraining"):
            header = cells_of(line)
        if not LINK.search(line):
            continue
        for layer, cell in zip(header, cells_of(line), strict=True):
            if not (link := LINK.fullmatch(cell)):
                continue
            shown = [rows[run] for run in re.findall(r"<dt>run</dt><dd>(\w+)</dd>", sections[link[2]])]
            probes = [row for row in shown if row["kind"] == "probe" and layer in row["accuracies"]]
            by_trunk: dict[Any, list[float]] = {}
            for row in probes:
                weights = row["weights"]["sha256"] if "weights" in row else row["checkpoint_in_sha256"]
                by_trunk.setdefault(weights or row["seed"], []).append(row["accuracies"][layer]["top_1"])
            assert abs(fmean(map(fmean, by_trunk.values())) - float(link[1])) <= 0.051
            checked += 1
    assert checked


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_runs_has_every_probe_with_its_hashes_and_command(folder: Path, name: str) -> None:
    rows = rows_of(name)
    text = "\n".join(sections_of(folder, name).values())
    blocks = {re.findall(r"<dt>run</dt><dd>(\w+)</dd>", block)[0]: block for block in text.split("<details")[1:]}
    probes = {run for run, row in rows.items() if row["kind"] == "probe"}
    assert probes <= blocks.keys() <= rows.keys()
    for run, block in blocks.items():
        row = rows[run]
        assert f"<dd>{row['config_hash']}</dd>" in block
        assert f"<dt>seed</dt><dd>{row['seed']}</dd>" in block
        assert row["name"] in block
        assert row["command"].split()[0] in block
        assert f"torch {row['versions']['torch']}" in block
        assert (row["git_sha"] or "").removesuffix("-dirty") in block
