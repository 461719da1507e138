"""The rows of a benchmark, kept without this machine's folders, and its table and page from them."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.write import write
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.existing_rows import borrowed
from vissl_monoimage.reproduce.grid import Grid
from vissl_monoimage.reproduce.plan import Chain
from vissl_monoimage.reproduce.runner import finished
from vissl_monoimage.utils.atomic_write import replace_text
from vissl_monoimage.utils.paths import benchmarks, make_folder


def report(grid: Grid, chains: Sequence[Chain], inputs: Inputs, results: Path) -> None:
    """Keep the rows of its runs in `results`/NAME.jsonl, and write table and page from all that are there.

    Rows of the same runs in the ledgers of other benchmarks in `results` are kept with them.
    Weights and photos on the page come from the runs themselves. Rows of other benchmarks stand beside them, but not
    in their lines: an experiment that this benchmark has is its own alone.
    """
    with _alone(results):
        _report(grid, chains, inputs, results)


def _report(grid: Grid, chains: Sequence[Chain], inputs: Inputs, results: Path) -> None:
    folders = dict.fromkeys(run.folder for chain in chains for run in chain.runs)
    own = [row for folder in folders if (row := finished(folder))]
    kept = results / f"{grid.name}.jsonl"
    if own := [*own, *borrowed(chains, kept)]:
        keep(kept, own, inputs)
    if not kept.is_file():
        return
    page = write(with_neighbours([*ledger.read([kept]), *own], grid), inputs.out / "report" / grid.name)
    replace_text(results / f"{grid.name}.csv", page.with_name("report.csv").read_text())


@contextmanager
def _alone(results: Path) -> Iterator[None]:
    """Two processes that report into one folder take turns: neither loses the other's rows."""
    handle = os.open(make_folder(results), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def with_neighbours(own: Iterable[Row], grid: Grid) -> list[Row]:
    """A benchmark's own rows, each run once, and those of the benchmarks `beside` it: other experiments, same data."""
    rows = {row.run_id: row for row in own}
    linked = join_probes(rows.values())
    mine, data = {item.experiment for item in linked}, {item.probe.dataset for item in linked}
    for item in join_probes(ledger.read(benchmarks("results") / f"{name}.jsonl" for name in grid.beside)):
        if item.experiment not in mine and item.probe.dataset in data:
            rows |= {row.run_id: row for row in (item.pretrain, item.probe) if row}
    return list(rows.values())


def keep(target: Path, rows: Iterable[Row], inputs: Inputs) -> None:
    """Add rows to the ledger `target`, each run once; paths of this machine become OUT, CIFAR10 and so on."""
    kept = {row.run_id: row for row in (ledger.read([target]) if target.is_file() else [])}
    roots = list(inputs.data.values())
    short = {str(inputs.out): "OUT"}
    short |= {str(root): "DATA" if roots.count(root) > 1 else name.upper() for name, root in inputs.data.items()}
    if Path(inputs.photo).is_file():
        short[str(inputs.photo)] = Path(inputs.photo).name
    for row in rows:
        known = _shortened(row, short)
        kept[row.run_id] = _shortened(known, dict(_elsewhere(known)))
    lines = [json.dumps(dataclasses.asdict(row), separators=(",", ":")) for row in kept.values()]
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_text(target, "".join(line + "\n" for line in lines))


def _shortened(row: Row, short: Mapping[str, str]) -> Row:
    text = json.dumps(dataclasses.asdict(row), separators=(",", ":"))
    for here in sorted(short, key=len, reverse=True):
        text = text.replace(json.dumps(here)[1:-1], short[here])
    return Row(**json.loads(text))


def _elsewhere(row: Row) -> Iterator[tuple[str, str]]:
    """Paths that are left in the row of a run from another machine, or of a folder that was moved since."""
    out = Path(row.checkpoint_out or "").parent.parent
    if out.is_absolute() and out.name:
        yield str(out), "OUT"
    for image in row.images:
        if (path := Path(str(image.get("path", "")))).is_absolute():
            yield str(path), path.name
