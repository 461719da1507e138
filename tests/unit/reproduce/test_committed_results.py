"""The tables and the page in benchmarks/results are those of the ledgers beside them."""

from __future__ import annotations

import csv
import dataclasses
import html
import re
from pathlib import Path

import pytest
from PIL import Image
from scipy import stats

from vissl_monoimage.data.photos.synthetic import SYNTHETIC
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row_parts import DataSplit
from vissl_monoimage.report.formats.csv import comparisons_as_csv, tables_as_csv
from vissl_monoimage.report.tables.accuracy import header_and_rows
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import build_tables
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.existing_rows import missing_chains
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.reproduce.results import with_neighbours

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
LEDGERS = sorted(RESULTS.glob("*.jsonl"))
NOT_RUN_YET = {
    "how-many-images": {"images-50000", "photo-padded", "images-all-padded"},
    "table2-tiny": read_grid("table2-tiny").cells.keys()
    - {"random", "calibrated-photo", "calibrated-tiny", "calibrated-noise"}
    - {"rotnet-photo", "rotnet-tiny", "kmeans-china", "kmeans-tiny"},
    "table4-freeze": {"scattering-64"},
}


@pytest.mark.parametrize("file", LEDGERS, ids=lambda file: file.stem)
def test_a_table_is_made_of_its_ledger(file: Path) -> None:
    rows = with_neighbours(ledger.read([file]), read_grid(file.stem))
    tables = build_tables(join_probes(rows))
    assert file.with_suffix(".csv").read_text() == tables_as_csv(tables)
    assert file.with_name(f"{file.stem}_comparisons.csv").read_text() == comparisons_as_csv(tables)


def test_a_new_probe_of_the_same_images_stands_in_the_table_of_older_ones() -> None:
    """These have no hash of their images; probes of random weights beside them were repeated on images with one."""
    rows = ledger.read([RESULTS / "table3-cifar.jsonl"])
    older = next(row for row in rows if row.kind == "probe" and row.dataset == "cifar10")
    hashes = dict(zip(("train", "test"), older.contents, strict=True))
    data = {split: DataSplit("cifar10", sha256=sha256) for split, sha256 in hashes.items()}
    changed = {**data, "test": DataSplit("cifar10", sha256="0" * 64)}
    new, other = (dataclasses.replace(older, run_id="new", data=found) for found in (data, changed))
    assert None not in hashes.values()
    assert len(build_tables(join_probes([older, new]))) == 1
    assert len(build_tables(join_probes([older, other]))) == 2
    (table,) = build_tables(join_probes([older]))
    assert any(sentence.startswith("Older rows have no hash") for sentence in table.caveats)


def test_the_page_shows_the_cells_of_its_table() -> None:
    page = html.unescape((RESULTS / "table3-cifar.html").read_text())
    tables = [
        header_and_rows(table)[1] for table in build_tables(join_probes(ledger.read([RESULTS / "table3-cifar.jsonl"])))
    ]
    assert len(tables) == 2  # CIFAR-10, CIFAR-100
    assert all(len(lines) >= 8 for lines in tables)
    assert not [cell for lines in tables for line in lines for cell in line if cell not in page]


def test_the_page_holds_no_photo() -> None:
    """The market has no licence: its page is made in a folder without it, and says what it lacks."""
    page = (RESULTS / "table3-cifar.html").read_text()
    assert "data:image/jpeg" not in page
    assert "ameyoko.jpg" in page


def test_a_neighbour_shows_nothing_of_data_that_a_benchmark_has_not() -> None:
    assert {line["dataset"] for line in lines(RESULTS / "table3-cifar.csv")} == {"cifar10", "cifar100"}
    assert {line["dataset"] for line in lines(RESULTS / "table1-ablation.csv")} == {"cifar10"}


def test_no_row_has_a_path_of_the_machine_it_was_made_on() -> None:
    absolute = re.compile(r"(?<![\w./:])/[\w.+-]+/")
    found = [
        f"{file.name}: {line[max(0, match.start() - 40) : match.end() + 40]}"
        for file in [*LEDGERS, *RESULTS.glob("*.csv"), *RESULTS.glob("*.json")]
        for line in file.read_text().splitlines()
        for match in absolute.finditer(line)
    ]
    assert found == []


@pytest.mark.parametrize(("name", "photos"), [("which_photo", 15), ("which_photo_real", 10)])
def test_the_correlations_are_those_of_cards_and_ledger(name: str, photos: int) -> None:
    learned = {
        item.pretrain.images[0]["sha256"]: item.probe.accuracies
        for item in join_probes(ledger.read([RESULTS / "sources.jsonl"]))
        if item.pretrain
    }
    cards = {card["sha256"]: card for card in lines(RESULTS / "which_photo_cards.csv") if card["sha256"] in learned}
    if photos < len(cards):
        cards = {key: card for key, card in cards.items() if card["name"] not in SYNTHETIC}
    assert len(cards) == photos
    correlations = lines(RESULTS / f"{name}.csv")
    assert len(correlations) == 24
    for line in correlations:
        measured = [float(card[line["measure"]]) for card in cards.values()]
        taught = [learned[key][line["layer"]]["top_1"] for key in cards]
        assert int(line["n"]) == photos
        assert float(line["rho"]) == pytest.approx(stats.spearmanr(measured, taught).statistic, abs=1e-4)


def lines(file: Path) -> list[dict[str, str]]:
    with open(file, newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.parametrize("name", [file.stem for file in LEDGERS])
def test_every_run_of_a_committed_benchmark_is_known_as_done(name: str, tmp_path: Path, data_dir: Path) -> None:
    grid = read_grid(name)
    for data in grid.data_sets:
        for split in ("train", "test"):
            (tmp_path / data / split / "cat").mkdir(parents=True)
            Image.new("RGB", (32, 32)).save(tmp_path / data / split / "cat" / "0.png")
    photo = str(data_dir / "images" / "ameyoko.jpg")
    inputs = Inputs(photo, {data: tmp_path / data for data in grid.data_sets}, tmp_path / "out")
    chains = plan(grid, "laptop", inputs)
    assert chains
    missing = {chain.runs[0].title.partition(",")[0] for chain in missing_chains(chains, RESULTS)}
    assert missing == NOT_RUN_YET.get(name, set())
