"""docs/ledger.md describes every field of a row, and no other."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from vissl_monoimage.ledger import row, row_parts

TEXT = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text()


def described(header: str) -> dict[str, list[str]]:
    """Return the cells of the table with this header by the field in its first column."""
    table = TEXT.split(header)[1].split("\n\n")[0].splitlines()[2:]
    rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table)
    return {re.sub("`", "", first): rest for first, *rest in rows}


@pytest.mark.parametrize(
    ("kind", "header"),
    [(row.Row, "| field | type | since | meaning"), (row_parts.DataSplit, "| field | type | meaning | null |")],
)
def test_every_field_is_described(kind: type, header: str) -> None:
    fields = described(header)
    assert list(fields) == [field.name for field in dataclasses.fields(kind)]
    assert all(cell for cells in fields.values() for cell in cells)


def test_the_parts_of_the_weights_are_described() -> None:
    fields = described("| field | type | since | meaning")
    for name, kind in (("weights", row_parts.Weights), ("initial_weights", row_parts.InitialWeights)):
        assert all(f"`{part.name}`" in fields[name][2] for part in dataclasses.fields(kind))


def test_fields_since_version_1_are_those_of_the_committed_rows() -> None:
    import json

    results = Path(__file__).parents[3] / "benchmarks" / "results"
    first = json.loads((results / "resnet.jsonl").read_text().splitlines()[0])
    since = {name for name, cells in described("| field | type | since | meaning").items() if cells[1] == "1"}
    assert since == first.keys() - {"checkpoint_in", "checkpoint_in_sha256"}
