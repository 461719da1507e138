"""Knowing the runs of a plan again in the rows of ledgers, wherever they were made."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.models.zoo import PREFIX as ZOO
from vissl_monoimage.report.tables.join import ProbedTrunk, join_probes
from vissl_monoimage.reproduce.plan import ON_GPU, Chain, Run

# Where a run is and how it was sped up, not what it is.
_ASIDE = (
    "--out=",
    "config.CHECKPOINT.",
    "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=",
    "config.MONOIMAGE.BF16=",
    "config.MONOIMAGE.CACHE_FEATURES=",
    ON_GPU,
)

Key = frozenset[str]
RunKey = tuple[Key | None, Key, str]  # of the pretraining, of the probe, the hash of the one photo


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


def borrowed(chains: Sequence[Chain], kept: Path) -> list[Row]:
    """Rows of these chains in the ledgers beside `kept`, which lacks them: another benchmark has run the same."""
    lacking = {key for chain in chains for _, key in _keys(chain)} - _known(kept).keys()
    found: dict[RunKey, ProbedTrunk] = {}
    for file in _ledgers(kept.parent):
        found |= {key: item for key, item in _known(file).items() if key in lacking}
    return [row for item in found.values() for row in (item.pretrain, item.probe) if row]


def _ledgers(results: Path) -> list[Path]:
    return sorted(results.glob("*.jsonl"))


def _keys(chain: Chain) -> Iterator[tuple[Run, RunKey]]:
    source = _key([*chain.pretrain.verb, *chain.pretrain.overrides]) if chain.pretrain else None
    photo = chain.pretrain.photo_sha256 if chain.pretrain else ""
    return ((probe, (source, _key([*probe.verb, *probe.overrides]), photo)) for probe in chain.probes)


def _known(file: Path) -> dict[RunKey, ProbedTrunk]:
    probed = join_probes(ledger.read([file])) if file.is_file() else []
    return {
        (_of(item.pretrain) if item.pretrain else None, _of(item.probe), photo): item
        for item in probed
        if item.pretrain or item.is_untrained or item.zoo  # not a checkpoint of unknown origin
        for photo in ("", _photo_of(item))  # the first for photos that were not there yet when the run was planned
    }


def _photo_of(item: ProbedTrunk) -> str:
    images = item.pretrain.images if item.pretrain else []
    return str(images[0]["sha256"]) if len(images) == 1 else ""


def _of(row: Row) -> Key:
    return _key(shlex.split(row.command)[1:])


def _key(words: Iterable[str]) -> Key:
    """Of `run OVERRIDE...`, or of `init METHOD PHOTO OPTION...`, whose photo counts by its name, and its hash."""
    verb, *rest = words
    given = [verb, rest[0], Path(rest[1]).name, *rest[2:]] if verb == "init" else [verb, *rest]
    last = {item.partition("=")[0]: item for item in given}  # it wins, as in Hydra
    unpacked = tuple(f"{name.removesuffix('SOURCES')}PATHS=" for name, item in last.items() if _by_torchvision(item))
    kept = (item for item in last.values() if not item.startswith((*_ASIDE, *unpacked)) or _of_zoo(item))
    return frozenset(map(_without_folders, kept))


def _by_torchvision(override: str) -> bool:
    """Whether a split is torchvision's files: their folder may be called anything, DATASET_NAMES says what they are."""
    return bool(re.fullmatch(r"config\.DATA\.\w+\.DATA_SOURCES=\[torchvision_dataset\]", override))


def _of_zoo(override: str) -> bool:
    """Whether it names weights that are what they are wherever the run is."""
    return override.startswith(f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={ZOO}")


def _without_folders(override: str) -> str:
    name, _, value = override.partition("=")
    last = value.strip("[]'").rpartition("/")[2]
    return f"{name}={last}" if "PATHS" in name else override
