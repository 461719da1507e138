"""Finding the runs of a plan among the rows of ledgers, wherever these were made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vissl_monoimage.data.labelled_folder import SPLITS
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.models.zoo import PREFIX as ZOO
from vissl_monoimage.report.tables.join import ProbedTrunk, join_probes
from vissl_monoimage.reproduce.cell import DATA_SETS
from vissl_monoimage.reproduce.cell_runs import DRAWN_FROM, ON_GPU
from vissl_monoimage.reproduce.plan import TRANSFER_DATA
from vissl_monoimage.reproduce.published import command_words
from vissl_monoimage.reproduce.run import Chain, Run

# Words that say where a run is and how it was sped up, not what it is.
_IGNORED = (
    "--out=",
    "config.CHECKPOINT.",
    "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=",
    "config.MONOIMAGE.BF16=",
    "config.MONOIMAGE.CACHE_FEATURES=",
    DRAWN_FROM,
    ON_GPU,
    TRANSFER_DATA,
)

Key = frozenset[str]
RunKey = tuple[Key | None, Key, str]
"""The words of the pretraining, those of the probe, and the sha256 of the pretraining's only photo, or ""."""


def missing_chains(chains: Sequence[Chain], results: Path) -> list[Chain]:
    """Return the chains without the probes that have rows in the ledgers of the folder `results`.

    Chains with no probe left are dropped. A row belongs to a run if configuration, overrides and seed are the same, and
    those of the pretraining too.
    """
    existing = {key for file in _ledgers(results) for key in _existing(file)}
    left = []
    for chain in chains:
        probes = tuple(probe for probe, key in _planned(chain) if key not in existing)
        left += [Chain(chain.pretrain, probes)] if probes else []
    return left


def rows_in_other_ledgers(chains: Sequence[Chain], target: Path) -> list[Row]:
    """Return the rows of these chains that `target` lacks and that other benchmarks have in the ledgers beside it."""
    lacking = {key for chain in chains for _, key in _planned(chain)} - _existing(target).keys()
    found: dict[RunKey, ProbedTrunk] = {}
    for file in _ledgers(target.parent):
        found |= {key: item for key, item in _existing(file).items() if key in lacking}
    return [row for item in found.values() for row in (item.pretrain, item.probe) if row]


def _ledgers(results: Path) -> list[Path]:
    return sorted(results.glob("*.jsonl"))


def _planned(chain: Chain) -> Iterator[tuple[Run, RunKey]]:
    pretrain = _key([*chain.pretrain.verb, *chain.pretrain.overrides]) if chain.pretrain else None
    photo = chain.pretrain.photo_sha256 if chain.pretrain else ""
    return ((probe, (pretrain, _key([*probe.verb, *probe.overrides]), photo)) for probe in chain.probes)


def _existing(file: Path) -> dict[RunKey, ProbedTrunk]:
    probed = join_probes(ledger.read([file], ledger.print_note), ledger.print_note) if file.is_file() else []
    return {
        (_row_key(item.pretrain) if item.pretrain else None, _row_key(item.probe), photo): item
        for item in probed
        if item.pretrain or item.is_untrained or item.zoo  # not a checkpoint of unknown origin
        for photo in ("", _photo_sha256(item))  # the first for photos that did not exist yet when the run was planned
    }


def _photo_sha256(item: ProbedTrunk) -> str:
    images = item.pretrain.images if item.pretrain else []
    return str(images[0]["sha256"]) if len(images) == 1 else ""


def _row_key(row: Row) -> Key:
    return _key(command_words(row))


def _key(words: Iterable[str]) -> Key:
    """Return what identifies a run: `run OVERRIDE...`, or `init METHOD [IMAGES] OPTION...` with the images' name."""
    verb, *rest = words
    given = [verb, rest[0], *map(_name_of_images, rest[1:2]), *rest[2:]] if verb == "init" else [verb, *rest]
    last = {item.partition("=")[0]: item for item in given}  # it wins, as in Hydra
    unpacked = tuple(f"{name.removesuffix('SOURCES')}PATHS=" for name, item in last.items() if _by_torchvision(item))
    kept = (item for item in last.values() if not item.startswith((*_IGNORED, *unpacked)) or _from_zoo(item))
    return frozenset(map(_without_folders, kept))


def _name_of_images(word: str) -> str:
    """Return the name of a photo or of a data set given as NAME=FOLDER; an option of a run without images as it is."""
    name = word.partition("=")[0]
    return word if word.startswith("--") else name if name in DATA_SETS else Path(word).name


def _by_torchvision(override: str) -> bool:
    """Whether a split is torchvision's files: DATASET_NAMES says which, and their folder may have any name."""
    return bool(re.fullmatch(r"config\.DATA\.\w+\.DATA_SOURCES=\[torchvision_dataset\]", override))


def _from_zoo(override: str) -> bool:
    """Whether it names weights of VISSL's zoo, which are the same wherever the run is."""
    return override.startswith(f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={ZOO}")


def _without_folders(override: str) -> str:
    name, _, value = override.partition("=")
    last = value.strip("[]'").rpartition("/")[2]
    if last in SPLITS["TEST"]:  # either name of the folder
        last = SPLITS["TEST"][0]
    return f"{name}={last}" if "PATHS" in name else override
