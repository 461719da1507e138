"""The rows of a benchmark, kept without this machine's folders, and found again."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vissl_monoimage.references import ZOO
from vissl_monoimage.report import ledger
from vissl_monoimage.report.line import Probed
from vissl_monoimage.report.table import link
from vissl_monoimage.report.write import write
from vissl_monoimage.reproduce.data import Inputs
from vissl_monoimage.reproduce.grid import Grid
from vissl_monoimage.reproduce.plan import Chain, Run
from vissl_monoimage.reproduce.runner import finished
from vissl_monoimage.shipped import benchmarks

# Where a run is and how it was sped up, not what it is.
_ASIDE = (
    "--out=",
    "config.CHECKPOINT.",
    "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=",
    "config.MONOIMAGE.BF16=",
    "config.MONOIMAGE.CACHE_FEATURES=",
)

Key = frozenset[str]
RunKey = tuple[Key | None, Key, str]  # of the pretraining, of the probe, the hash of the one photo


def report(grid: Grid, chains: Sequence[Chain], inputs: Inputs, results: Path) -> None:
    """Keep the rows of its runs in `results`/NAME.jsonl, and write table and page from all that are there.

    Rows of the same runs in the ledgers of other benchmarks in `results` are kept with them.
    Weights and photos on the page come from the runs themselves. Rows of other benchmarks stand beside them, but not
    in their lines: an experiment that this benchmark has is its own alone.
    """
    folders = dict.fromkeys(run.folder for chain in chains for run in chain.runs)
    own = [row for folder in folders if (row := finished(folder))]
    kept = results / f"{grid.name}.jsonl"
    if own := [*own, *_borrowed(chains, kept)]:
        keep(kept, own, inputs)
    if not kept.is_file():
        return
    page = write(with_neighbours([*ledger.read([kept]), *own], grid), inputs.out / "report" / grid.name)
    ledger.replace_text(results / f"{grid.name}.csv", page.with_name("report.csv").read_text())


def with_neighbours(own: Iterable[ledger.Row], grid: Grid) -> list[ledger.Row]:
    """A benchmark's own rows, each run once, and of those of the benchmarks `beside` it the other experiments."""
    rows = {row.run_id: row for row in own}
    mine = {item.experiment for item in link(rows.values())}
    for item in link(ledger.read(benchmarks("results") / f"{name}.jsonl" for name in grid.beside)):
        if item.experiment not in mine:
            rows |= {row.run_id: row for row in (item.pretrain, item.probe) if row}
    return list(rows.values())


def keep(target: Path, rows: Iterable[ledger.Row], inputs: Inputs) -> None:
    """Add rows to the ledger `target`, each run once; paths of this machine become OUT, CIFAR10 and so on."""
    kept = {row.run_id: row for row in (ledger.read([target]) if target.is_file() else [])}
    short = {str(inputs.out): "OUT", **{str(root): name.upper() for name, root in inputs.data.items()}}
    if Path(inputs.photo).is_file():
        short[str(inputs.photo)] = Path(inputs.photo).name
    for row in rows:
        text = json.dumps(dataclasses.asdict(row), separators=(",", ":"))
        for here in sorted(short, key=len, reverse=True):
            text = text.replace(here, short[here])
        kept[row.run_id] = ledger.Row(**json.loads(text))
    lines = [json.dumps(dataclasses.asdict(row), separators=(",", ":")) for row in kept.values()]
    target.parent.mkdir(parents=True, exist_ok=True)
    ledger.replace_text(target, "".join(line + "\n" for line in lines))


def missing(chains: Sequence[Chain], results: Path) -> list[Chain]:
    """The chains, less the probes that a ledger in the folder `results` has rows of; those with no probe left are gone.

    A row is of the same run where config, overrides and seed are the same, and those of its pretraining.
    """
    known = {key for file in _ledgers(results) for key in _known(file)}
    left = []
    for chain in chains:
        probes = tuple(probe for probe, key in _keys(chain) if key not in known)
        left += [Chain(chain.pretrain, probes)] if probes else []
    return left


def _borrowed(chains: Sequence[Chain], kept: Path) -> list[ledger.Row]:
    """Rows of these chains in the ledgers beside `kept`, which lacks them: another benchmark has run the same."""
    lacking = {key for chain in chains for _, key in _keys(chain)} - _known(kept).keys()
    found: dict[RunKey, Probed] = {}
    for file in _ledgers(kept.parent):
        found |= {key: item for key, item in _known(file).items() if key in lacking}
    return [row for item in found.values() for row in (item.pretrain, item.probe) if row]


def _ledgers(results: Path) -> list[Path]:
    return sorted(results.glob("*.jsonl"))


def _keys(chain: Chain) -> Iterator[tuple[Run, RunKey]]:
    source = _key([*chain.pretrain.verb, *chain.pretrain.overrides]) if chain.pretrain else None
    photo = chain.pretrain.photo_sha256 if chain.pretrain else ""
    return ((probe, (source, _key([*probe.verb, *probe.overrides]), photo)) for probe in chain.probes)


def _known(file: Path) -> dict[RunKey, Probed]:
    probed = link(ledger.read([file])) if file.is_file() else []
    return {
        (_of(item.pretrain) if item.pretrain else None, _of(item.probe), photo): item
        for item in probed
        if item.pretrain or item.untaught or item.zoo  # not a checkpoint of unknown origin
        for photo in ("", _photo_of(item))  # the first for photos that were not there yet when the run was planned
    }


def _photo_of(item: Probed) -> str:
    images = item.pretrain.images if item.pretrain else []
    return str(images[0]["sha256"]) if len(images) == 1 else ""


def _of(row: ledger.Row) -> Key:
    return _key(shlex.split(row.command)[1:])


def _key(words: Iterable[str]) -> Key:
    """Of `run OVERRIDE...`, or of `init METHOD PHOTO OPTION...`, whose photo counts by its name, and its hash."""
    verb, *rest = words
    given = [verb, rest[0], Path(rest[1]).name, *rest[2:]] if verb == "init" else [verb, *rest]
    last = {item.partition("=")[0]: item for item in given}  # it wins, as in Hydra
    return frozenset(_without_folders(item) for item in last.values() if not item.startswith(_ASIDE) or _of_zoo(item))


def _of_zoo(override: str) -> bool:
    """Whether it names weights that are what they are wherever the run is."""
    return override.startswith(f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={ZOO}")


def _without_folders(override: str) -> str:
    name, _, value = override.partition("=")
    last = value.strip("[]'").rpartition("/")[2]
    return f"{name}={last}" if "PATHS" in name else override
