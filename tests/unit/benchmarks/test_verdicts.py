"""The README and docs/results.md say what the committed ledgers say, and the audit's findings are in them."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace

import pytest

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.claims.claims import gap_slope
from vissl_monoimage.report.tables.contrasts import contrast
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.shares import ratio
from vissl_monoimage.report.tables.table import build_tables

ROOT = Path(__file__).parents[3]
VERDICTS = SimpleNamespace(**runpy.run_path(str(ROOT / "benchmarks" / "verdicts.py"), run_name="verdicts"))
RESULTS = ROOT / "benchmarks" / "results"


@pytest.mark.parametrize("document", VERDICTS.DOCUMENTS, ids=lambda document: document.name)
def test_the_blocks_of_documents_are_those_of_the_ledgers(document: Path) -> None:
    """`python benchmarks/verdicts.py --write` makes them so, after rows were added."""
    text = document.read_text()
    assert "<!-- verdicts: table3-cifar" in text
    assert VERDICTS.updated(text) == text


def test_a_block_that_was_edited_by_hand_is_written_anew() -> None:
    text = (ROOT / "README.md").read_text()
    tampered = text.replace("one photo gains", "one photo teaches everything,")
    assert tampered != text
    assert VERDICTS.updated(tampered) == text


def test_the_headline_has_both_baselines() -> None:
    """A gain over weights whose batch norms saw no image may be no learning."""
    (block,) = re.findall(r"<!-- verdicts: .*?<!-- end -->", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    sentences = [line for line in block.splitlines() if line.startswith("- ")]
    assert len(sentences) == 3
    for sentence in sentences:
        assert "uncalibrated random weights" in sentence
        assert "random weights calibrated on the same images" in sentence
    assert "No calibrated baseline" not in block


def test_no_verdict_is_typed_outside_of_the_blocks() -> None:
    for document in VERDICTS.DOCUMENTS:
        typed = re.sub(r"<!-- (verdicts|accuracies|hours): .*?<!-- end -->", "", document.read_text(), flags=re.DOTALL)
        assert not re.findall(r"\d ± \d|\d %? \(-?[\d.]+ to|points\s+(above|below)|\bholds?\b for|does not hold", typed)


STEPS = {"rotnet": 1173, "monogan": 7810}
Find = Callable[[str, bool], Line]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return ledger.read([RESULTS / "table3-cifar.jsonl"])


@pytest.fixture(scope="module")
def line_of(rows: list[Row]) -> Find:
    """`line_of(method, on_photo)`: a line of CIFAR-10 at the committed number of steps."""
    tables = build_tables(join_probes(rows))
    (table,) = [table for table in tables if table.dataset_name == "cifar10"]

    def find(method: str, on_photo: bool) -> Line:
        (line,) = [
            line
            for line in table.lines
            if line.pretrain
            and (line.pretrain.method, line.pretrain.iterations) == (method, STEPS[method])
            and bool(line.pretrain.images) is on_photo
        ]
        return line

    return find


def by_seed(rows: list[Row], method: str, on_photo: bool, layer: str) -> dict[int, float]:
    """Return {seed: accuracy} of a training at the committed number of steps, without our own tables."""
    trained = {
        row.checkpoint_out_sha256: row.seed
        for row in rows
        if row.kind == "pretrain" and (row.method, row.iterations) == (method, STEPS[method])
        if bool(row.images) is on_photo
    }
    return {
        trained[row.weights.sha256]: row.accuracies[layer]["top_1"]
        for row in rows
        if row.kind == "probe" and row.dataset == "cifar10" and row.weights.sha256 in trained
    }


def random_by_seed(rows: list[Row], layer: str) -> dict[int, float]:
    return {
        row.seed: row.accuracies[layer]["top_1"]
        for row in rows
        if row.kind == "probe" and row.dataset == "cifar10" and row.method == "random"
    }


@pytest.mark.parametrize(("method", "percent", "low", "high"), [("monogan", 95, 47, 193), ("rotnet", 45, 27, 59)])
def test_shares_of_pairs_by_seed_have_fiellers_wide_brackets(
    rows: list[Row], method: str, percent: int, low: int, high: int
) -> None:
    """The bootstrap had 75 to 129 and 38 to 51 at conv2. Seeds are nominal pairs; the tables pair by weights."""
    random = random_by_seed(rows, "conv2")
    accuracies = [by_seed(rows, method, on_photo, "conv2") for on_photo in (True, False)]
    share = ratio(*({str(seed): values[seed] - random[seed] for seed in (0, 1, 2)} for values in accuracies))
    assert share is not None
    assert share.low is not None
    assert share.high is not None
    assert (round(share.percent), round(share.low), round(share.high)) == (percent, low, high)


def test_rotnets_gap_grows_with_depth_at_a_flat_share(rows: list[Row], line_of: Find) -> None:
    photo, full = line_of("rotnet", True), line_of("rotnet", False)
    layers = ["conv1", "conv2", "conv3", "conv4"]
    gap = contrast(photo, full)
    assert gap is not None
    assert [round(gap.layers[layer].mean, 1) for layer in layers] == [-2.1, -4.8, -6.4, -7.7]
    slope = gap_slope(gap, layers)
    assert slope is not None
    assert slope.high < -1
    random = {layer: fmean(random_by_seed(rows, layer).values()) for layer in layers}
    shares = [
        (photo.cells[layer].mean - random[layer]) / (full.cells[layer].mean - random[layer]) for layer in layers[1:]
    ]
    assert 0.44 < min(shares) <= max(shares) < 0.49
