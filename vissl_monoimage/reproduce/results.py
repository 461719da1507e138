"""The rows of a benchmark in one ledger, and its table and page."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.write import write
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.existing_rows import rows_in_other_ledgers
from vissl_monoimage.reproduce.grid import Grid
from vissl_monoimage.reproduce.published import publish
from vissl_monoimage.reproduce.run import Chain
from vissl_monoimage.reproduce.runner import finished
from vissl_monoimage.utils.atomic_write import replace_text
from vissl_monoimage.utils.paths import benchmarks, make_folder


def report(grid: Grid, chains: Sequence[Chain], inputs: Inputs, results: Path, allow_dirty: bool = True) -> None:
    """Add the rows of the runs to `results`/NAME.jsonl, and write table and page of all rows in it.

    Rows of the same runs in the ledgers of other benchmarks in `results` are added too. The page shows weights and
    photos from the runs themselves, and beside their lines those of the benchmarks in `grid.beside`.

    Args:
        grid: the benchmark.
        chains: its runs.
        inputs: what this machine has.
        results: folder of NAME.jsonl, NAME.csv and NAME_comparisons.csv.
        allow_dirty: whether to add rows made from a working tree with uncommitted changes.

    Raises:
        MonoImageError: the folder cannot be written, or some rows were not added; the others are, and are reported.
    """
    folders = dict.fromkeys(run.folder for chain in chains for run in chain.runs)
    rows = [row for folder in folders if (row := finished(folder))]
    own = [row for row in rows if allow_dirty or not row.is_dirty]
    with _turn(results):
        _report(grid, chains, own, inputs, results)
    if refused := len(rows) - len(own):
        raise MonoImageError(
            f"{refused} of {len(rows)} rows were made with uncommitted changes in the working tree (git_sha ends in "
            f"-dirty) and are not added to {results}: commit and repeat these runs, or say --allow-dirty"
        )


def _report(grid: Grid, chains: Sequence[Chain], own: Sequence[Row], inputs: Inputs, results: Path) -> None:
    target = results / f"{grid.name}.jsonl"
    add_rows(target, [*own, *rows_in_other_ledgers(chains, target)], inputs)
    if not target.is_file():
        return
    page = write(
        with_neighbours([*ledger.read([target], ledger.print_note), *own], grid), inputs.out / "report" / grid.name
    )
    replace_text(results / f"{grid.name}.csv", page.with_name("report.csv").read_text())
    replace_text(results / f"{grid.name}_comparisons.csv", page.with_name("comparisons.csv").read_text())


@contextmanager
def _turn(results: Path) -> Iterator[None]:
    """Let processes that report into one folder take turns: each table then has the rows of all."""
    handle = os.open(make_folder(results), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def with_neighbours(own: Iterable[Row], grid: Grid) -> list[Row]:
    """Return a benchmark's own rows, each run once, and rows of the benchmarks `beside` it on the same data.

    An experiment that the benchmark has itself is not taken from the others.
    """
    rows = {row.run_id: row for row in own}
    probed = join_probes(rows.values())
    experiments, data = {item.experiment for item in probed}, {item.probe.dataset for item in probed}
    for item in join_probes(ledger.read(benchmarks("results") / f"{name}.jsonl" for name in grid.beside)):
        if item.experiment not in experiments and item.probe.dataset in data:
            rows |= {row.run_id: row for row in (item.pretrain, item.probe) if row}
    return list(rows.values())


def add_rows(target: Path, rows: Iterable[Row], inputs: Inputs) -> None:
    """Append the rows that the ledger `target` does not have yet, without the folders of this machine."""
    existing = {
        row.run_id: row.finished for row in (ledger.read([target], ledger.print_note) if target.is_file() else [])
    }
    for row in rows:
        if row.finished > existing.get(row.run_id, ""):
            ledger.append(target, publish(row, inputs))
            existing[row.run_id] = row.finished
