"""What the data sets of an output folder hold, so that its finished runs are not taken for runs on other data."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable
from pathlib import Path

from vissl_monoimage.data.class_labels import folder_classes
from vissl_monoimage.data.image_counts_vissl import count_below
from vissl_monoimage.data.known_sets import known_set, unlike
from vissl_monoimage.data.labelled_folder import SPLITS, TORCHVISION
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.path_hash import PathHash, hash_path, hash_together
from vissl_monoimage.reproduce.datasets import Inputs, find_split
from vissl_monoimage.utils.atomic_write import replace_text

CLAIM_FILE = "data.json"


def check_data(inputs: Inputs, names: Iterable[str]) -> None:
    """Refuse folders that do not hold the data sets that `--data` says they hold, before anything is trained.

    Raises:
        MonoImageError: a sentence for each split that is neither the data set of its name nor a part of it.
    """
    problems = []
    for name, split in itertools.product(names, SPLITS):
        source, folder = find_split(split, name, inputs)
        known = known_set(name)
        if known and source == "disk_folder":
            images = count_below(folder, known.images[split] + 1)
            found = unlike(known, split, len(folder_classes(str(folder))), images)
            problems += [f"--data {name}={inputs.data[name]}: '{folder}' {problem}" for problem in found]
    if problems:
        raise MonoImageError("\n".join(problems))


def claim_data(inputs: Inputs, names: Iterable[str], write: bool) -> dict[str, PathHash]:
    """Note what the data sets hold whose runs are in the output folder, and refuse the folder to others of their names.

    The folder of a run is named after the contents of photos, but after the names of data sets.

    Args:
        inputs: the folders of the data sets, and the output folder.
        names: the data sets that a benchmark reads.
        write: whether to write the note, or only to compare with it.

    Returns:
        What each of the data sets holds.

    Raises:
        MonoImageError: a data set is another one than that of the runs in the output folder.
    """
    claimed = read_claims(inputs.out)
    contents = {name: _content(name, inputs) for name in names}
    for name, content in contents.items():
        if claimed.get(name, content).sha256 != content.sha256:
            raise MonoImageError(
                f"'{inputs.out}' has runs on another {name}: it was {claimed[name]}, now it is {content}: choose "
                "another folder with --out"
            )
    if write and contents:
        kept = {name: dataclasses.asdict(content) for name, content in {**claimed, **contents}.items()}
        replace_text(inputs.out / CLAIM_FILE, json.dumps(kept, indent=1) + "\n")
    return contents


def read_claims(out: Path) -> dict[str, PathHash]:
    """Return what the data sets of an output folder hold; nothing for a folder without a note.

    Raises:
        MonoImageError: the note is damaged.
    """
    file = out / CLAIM_FILE
    try:
        before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        return {name: PathHash(**values) for name, values in before.items()}
    except (ValueError, TypeError, AttributeError):
        raise MonoImageError(f"'{file}' is damaged: delete it, or choose another folder with --out") from None


def _content(name: str, inputs: Inputs) -> PathHash:
    places = []
    for split in SPLITS:
        source, where = find_split(split, name, inputs)
        places.append(where / TORCHVISION[name][1] if source == "torchvision_dataset" else where)
    return hash_together(map(hash_path, dict.fromkeys(places)), str(inputs.data[name]))
