"""Write what the committed results say of the paper's claims into the README and docs/results.md.

    python benchmarks/verdicts.py --write

A document has these blocks, each up to a line `<!-- end -->`, and this script writes what lies between:

    <!-- accuracies: LEDGER DATASET -->       the accuracies of a table, with cost and number of trunks
    <!-- verdicts: LEDGER -->                 the verdicts on all claims, for every data set of the ledger
    <!-- verdicts: LEDGER DATASET LAYER -->   what one photo teaches a layer, a sentence for each method, and caveats
    <!-- hours: LEDGER -->                    how long all runs took

LEDGER is a file of benchmarks/results without its ending. Without --write, the documents that are out of date are
named, and the status is 1. Run it whenever rows were added to a ledger; a test compares the blocks with the ledgers.
"""

from __future__ import annotations

import argparse
import functools
import re
from collections.abc import Sequence
from pathlib import Path

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.claims.claims import one_photo_lines
from vissl_monoimage.report.claims.headlines import headlines
from vissl_monoimage.report.claims.notes import calibration_note
from vissl_monoimage.report.claims.verdicts import judge_all, verdicts_as_markdown
from vissl_monoimage.report.formats.markdown import table_as_markdown
from vissl_monoimage.report.tables.accuracy import accuracy_table
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import build_tables

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "results.md")
_BLOCK = re.compile(r"(<!-- (verdicts|accuracies|hours): ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_MEANING = "Intervals: 95 %, over seeds of one photo."


@functools.cache
def rows_of(name: str) -> list[Row]:
    """Return a benchmark's committed rows."""
    return ledger.read([ROOT / "benchmarks" / "results" / f"{name}.jsonl"])


def updated(document: str) -> str:
    """Return a document with all its blocks as the committed ledgers make them."""
    return _BLOCK.sub(lambda block: f"{block[1]}{_content(block[2], block[3].split())}\n{block[4]}", document)


def _content(kind: str, words: Sequence[str]) -> str:
    name, *selected = words
    rows = rows_of(name)
    if kind == "hours":
        return _hours(name, rows)
    tables = [table for table in build_tables(join_probes(rows)) if not selected or table.dataset_name == selected[0]]
    if kind == "accuracies":
        return "\n\n".join(table_as_markdown(accuracy_table(table)) for table in tables)
    if not selected:
        return verdicts_as_markdown(judge_all(tables))
    sentences = [sentence for table in tables for sentence in headlines(table, selected[1])]
    notes = [calibration_note(table, one_photo_lines(table)) for table in tables]
    return "\n".join([*(f"- {sentence}" for sentence in sentences), "", " ".join(filter(None, [*notes, _MEANING]))])


def _hours(name: str, rows: Sequence[Row]) -> str:
    """Return a sentence on the wall time of all runs, which `cpu` devices and others are counted apart in."""
    on_gpu = [row.wall_s for row in rows if not row.device.partition(" x ")[2].startswith("cpu")]
    on_cpu = sum(row.wall_s for row in rows) - sum(on_gpu)
    gpu = f", and {sum(on_gpu) / 3600:.1f} that began on a GPU" if on_gpu else ""
    return f"The {len(rows)} runs of `{name}` took {on_cpu / 3600:.1f} hours on a CPU{gpu}."


def main() -> int:
    """Write the documents, or name those that are out of date."""
    parser = argparse.ArgumentParser(description="Write verdicts from the committed results into the documents.")
    parser.add_argument("--write", action="store_true", help="write the documents instead of checking them")
    write, status = parser.parse_args().write, 0
    for document in DOCUMENTS:
        text = document.read_text()
        if (new := updated(text)) != text:
            print(f"{document.relative_to(ROOT)} {'written' if write else 'is out of date'}")
            if write:
                document.write_text(new)
            else:
                status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main())
