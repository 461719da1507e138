"""Write the result pages of the documentation from the committed ledgers.

    python benchmarks/result_pages.py

`docs/conf.py` does so at every build, into docs/results/, which is not committed. Each ledger of benchmarks/results
becomes two pages: NAME.md with its tables and verdicts, and runs/NAME.md with the rows behind each line of a table.
Every accuracy is a link to its line there. index.md lists them.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import html
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.machine import DIRTY
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.claims.verdicts import judge_all, verdicts_as_markdown
from vissl_monoimage.report.formats.markdown import table_as_markdown
from vissl_monoimage.report.formats.run_facts import run_facts
from vissl_monoimage.report.plots.layers import accuracy_by_layer
from vissl_monoimage.report.tables.accuracy import text_tables
from vissl_monoimage.report.tables.experiment import Line, trunk_seed
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import Table, build_tables
from vissl_monoimage.report.tables.text_table import TextTable
from vissl_monoimage.reproduce.read_grid import read_grid

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
FOLDER = ROOT / "docs" / "results"
_HASH = 12  # digits shown of a hash in a table


def write_pages(folder: Path = FOLDER, names: Iterable[str] | None = None) -> None:
    """Write the pages into `folder`. A page that stays as it is is not touched, and any other page is removed.

    Args:
        folder: where the pages are written.
        names: of ledgers; those of all without it.
    """
    names = sorted(names or (file.stem for file in RESULTS.glob("*.jsonl")))
    pages = {folder / "index.md": _index(names)}
    for name in names:
        tables = build_tables(join_probes(ledger.read([RESULTS / f"{name}.jsonl"])))
        pages[folder / f"{name}.md"] = _tables_page(name, tables)
        pages[folder / "runs" / f"{name}.md"] = _runs_page(name, tables)
    for old in set(folder.rglob("*.md")) - pages.keys():
        old.unlink()
    for page, text in pages.items():
        page.parent.mkdir(parents=True, exist_ok=True)
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def _index(names: Sequence[str]) -> str:
    """Return the page that lists the benchmarks with results."""
    items = [f"- [{name}]({name}.md): {read_grid(name).title}" for name in names]
    contents = "\n".join(["```{toctree}", ":hidden:", *names, "```"])
    return "\n\n".join(["# All tables", "The benchmarks that have results:", "\n".join(items), contents]) + "\n"


def _tables_page(name: str, tables: Sequence[Table]) -> str:
    """Return the page of a benchmark: for each table a plot, the accuracies and what is derived from them."""
    texts = [text_tables(table) for table in tables]
    count = collections.Counter(note for several in texts for text in several for note in text.notes)
    common = [note for note, times in count.items() if times > 1]
    parts = [
        f"# {name}",
        f"{read_grid(name).title}. An accuracy is a link to the runs that it is of: their commands, configurations, "
        "versions and hashes. [Results](../results.md) says what the words mean.",
        f"```{{toctree}}\n:hidden:\nruns/{name}\n```",
    ]
    for table, (accuracies, *derived) in zip(tables, texts, strict=True):
        parts += [_heading(table), _plot(table), *_table(_with_links(name, accuracies, table), common)]
        for text in derived:
            parts += [f"### {text.title}", *_table(text, common)]
    if verdicts := verdicts_as_markdown(judge_all(tables)):
        parts += ["## What the tables say of the paper's claims", verdicts]
    return "\n\n".join([*parts, *(["## Notes on all tables", *common] if common else [])]) + "\n"


def _heading(table: Table) -> str:
    return "## " + "; ".join([table.title, *table.changes])


def _plot(table: Table) -> str:
    figure = accuracy_by_layer(table)
    return f'<img class="plot" src="{figure.uri}" alt="{html.escape(figure.alt)}">'


def _table(text: TextTable, common: Sequence[str]) -> Iterator[str]:
    """Yield a table without its title, and its notes but those that are common to the page."""
    notes = [note for note in text.notes if note not in common]
    yield table_as_markdown(dataclasses.replace(text, notes=notes)).partition("\n\n")[2]


def _with_links(name: str, text: TextTable, table: Table) -> TextTable:
    """Return the accuracies of a table as links to the lines on the page of runs."""
    columns = range(1, 1 + len(table.layers))
    rows = [
        [
            f"[{cell}](#{_anchor(name, table, line)})" if at in columns and cell != "-" else cell
            for at, cell in enumerate(row)
        ]
        for line, row in zip(table.lines, text.rows, strict=True)
    ]
    return dataclasses.replace(text, rows=rows)


def _anchor(name: str, table: Table, line: Line) -> str:
    """Return the anchor of a line, which stays the same as long as its experiment does."""
    experiment = f"{table.protocol} {line.probed[0].experiment}"
    return f"{name}-{hashlib.sha256(experiment.encode()).hexdigest()[:_HASH]}"


def _runs_page(name: str, tables: Sequence[Table]) -> str:
    """Return the page of the runs: for each line of a table the accuracy of every probe, and what its rows record."""
    parts = [
        f"# Runs of {name}",
        f"Every run behind [the tables of {name}](../{name}.md), as its row in `benchmarks/results/{name}.jsonl` "
        "records it. A probe is repeated by its command on the checkpoint of its pretraining. "
        "[Ledger](../../ledger.md) explains the fields.",
    ]
    for table in tables:
        parts.append(_heading(table))
        for line in table.lines:
            parts += [f"({_anchor(name, table, line)})=\n### {line.label}", _accuracies(table, line), *_details(line)]
    return "\n\n".join(parts) + "\n"


def _accuracies(table: Table, line: Line) -> str:
    """Return the accuracies of a line's probes, a row each, and their mean with its interval."""
    header = ["seed of the trunk", "seed of the probe", *table.layers]
    rows = []
    for item in sorted(line.probed, key=lambda item: (trunk_seed(item), item.probe.seed)):
        scores = [item.probe.accuracies.get(layer, {}).get("top_1") for layer in table.layers]
        cells = ["-" if score is None else f"{score:.2f}" for score in scores]
        rows.append([trunk_seed(item) or "-", str(item.probe.seed), *cells])
    means = [str(line.cells.get(layer, "-")) for layer in table.layers]
    rows.append(["mean", "", *means])
    return table_as_markdown(TextTable("", header, rows, list(range(2, 2 + len(means))), [])).partition("\n\n")[2]


def _details(line: Line) -> Iterator[str]:
    """Yield what the rows of a line record, a folded block each; a pretraining once."""
    rows = {row.run_id: row for item in line.probed for row in (item.pretrain, item.probe) if row}
    for row in sorted(rows.values(), key=lambda row: (row.seed, row.kind)):
        facts = {"run": row.run_id, **dict(run_facts(row).facts), "config hash": row.config_hash}
        entries = "".join(f"<dt>{name}</dt><dd>{html.escape(str(value))}</dd>" for name, value in facts.items())
        title = html.escape(f"{run_facts(row).title}, config {row.config_hash[:_HASH]}, commit {_commit(row)}")
        yield f'<details class="run"><summary>{title}</summary><dl>{entries}</dl></details>'


def _commit(row: Row) -> str:
    sha = row.git_sha or "not recorded"
    return f"{sha[:_HASH]}, changed" if sha.endswith(DIRTY) else sha[:_HASH]


if __name__ == "__main__":
    write_pages()
