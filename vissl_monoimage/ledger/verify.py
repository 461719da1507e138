"""Whether data, photos and weights are still those of a ledger row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vissl_monoimage.data.class_images import ClassImages
from vissl_monoimage.data.labelled_folder import TORCHVISION
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.data_hash import labelled_pixels
from vissl_monoimage.ledger.fingerprint import crops_sha256, file_sha256, files_fingerprint, pixels_fingerprint
from vissl_monoimage.ledger.provenance import last_override
from vissl_monoimage.ledger.row import Row

SAME, DIFFERENT, NOT_CHECKED = "same", "different", "not checked"


@dataclass(frozen=True)
class Finding:
    """What was found of one thing that a row has a hash of.

    Attributes:
        state: SAME, DIFFERENT or NOT_CHECKED.
        thing: its name, and where it is.
        reason: why it was not checked, or what differs; else "".
    """

    state: str
    thing: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state.ljust(len(NOT_CHECKED))}  {self.thing}{f': {self.reason}' if self.reason else ''}"


def verify_row(row: Row, folder: Path) -> Iterator[Finding]:
    """Yield a finding for each photo, split and file of weights of a row.

    Args:
        row: of a ledger.
        folder: of that ledger, where files are looked for that are no longer at their place.
    """
    for image in row.images:
        yield _file("photo", image["name"], _photo(image["name"], image["path"], folder), image["sha256"])
    if (row.n_images or 0) > len(row.images) > 0:
        yield Finding(NOT_CHECKED, f"{row.n_images - len(row.images)} more photos", "the row does not name them")  # type: ignore[operator]
    for split, data in row.data.items():
        thing = f"{split} images '{data.name}'"
        if not data.sha256:
            yield Finding(NOT_CHECKED, thing, "the row has no hash of them")
        elif data.sampled:
            yield Finding(NOT_CHECKED, thing, "the row has a hash of parts of the files alone")
        else:
            yield _split(row, split, thing, data.sha256)
    if row.weights.path or row.weights.sha256:
        yield _file("weights it began with", row.weights.path, _found(row.weights.path, folder), row.weights.sha256)
    if row.checkpoint_out or row.checkpoint_out_sha256:
        yield _file("checkpoint", row.checkpoint_out, _found(row.checkpoint_out, folder), row.checkpoint_out_sha256)


def _file(kind: str, name: str | None, path: Path | None, sha256: str | None) -> Finding:
    if not sha256:
        return Finding(NOT_CHECKED, f"{kind} {name}", "the row has no hash of it")
    if path is None:
        return Finding(NOT_CHECKED, f"{kind} {name}", "not found here")
    return _compared(f"{kind} {path}", sha256, lambda: file_sha256(path))


def _compared(thing: str, sha256: str, hashed: Callable[[], str]) -> Finding:
    try:
        now = hashed()
    except (OSError, MonoImageError, RuntimeError) as error:  # a RuntimeError is torchvision's, of damaged files
        return Finding(DIFFERENT, thing, f"cannot be read: {error}")
    if now == sha256:
        return Finding(SAME, thing)
    return Finding(DIFFERENT, thing, f"its sha256 is {now[:16]}..., and {sha256[:16]}... in the row")


def _photo(name: str, path: str, folder: Path) -> Path | None:
    entry = CATALOG.get(name)
    return entry.path if entry and path == entry.path_in_package else _found(path, folder)


def _found(path: str | None, folder: Path) -> Path | None:
    """Return a file where the row has it, or of that name beside the ledger: folders of runs may have moved."""
    places = [Path(path), folder / Path(path).name] if path else []
    return next((place for place in places if place.is_file()), None)


def _split(row: Row, split: str, thing: str, sha256: str) -> Finding:
    if row.images and split == "train":
        hashed = crops_sha256(row.images, row.recipe)
        if hashed == sha256:
            return Finding(SAME, f"{thing}: crops of the photos above")
        reason = "the row does not have all of its photos" if len(row.images) != row.n_images else ""
        return Finding(NOT_CHECKED if reason else DIFFERENT, thing, reason or "recipe and photos of the row do not fit")
    source, path, labels = (_only(last_override(row.overrides, f"config.DATA.{split.upper()}.{key}")) for key in _KEYS)
    name = row.data[split].name
    is_torchvisions = source == "torchvision_dataset" and name.lower() in TORCHVISION
    if not path or labels == "disk_filelist" or not (source == "disk_folder" or is_torchvisions):
        return Finding(NOT_CHECKED, thing, "only class folders and CIFAR as torchvision has it are hashed again")
    if not Path(path).is_dir():
        return Finding(NOT_CHECKED, f"{thing} in {path}", "not found here")
    return _compared(f"{thing} in {path}", sha256, lambda: _HASHES[source](name, Path(path), split))


def _only(value: str | None) -> str:
    """Return the only item of a list as Hydra reads it, "" where there is another number of them."""
    items = (value or "").strip("[]").split(",")
    return items[0].strip().strip("'\"") if len(items) == 1 else ""


def _folder_sha256(name: str, root: Path, split: str) -> str:
    images = ClassImages(root)
    labels = [label for _, label in images.samples]
    return files_fingerprint(root, list(zip(images.paths, labels, strict=True))).sha256


def _torchvision_sha256(name: str, root: Path, split: str) -> str:
    from torchvision import datasets

    kind = TORCHVISION[name.lower()][0]
    return pixels_fingerprint(labelled_pixels(getattr(datasets, kind)(str(root), train=split == "train"))).sha256


_KEYS = ("DATA_SOURCES", "DATA_PATHS", "LABEL_SOURCES")
_HASHES: dict[str, Callable[[str, Path, str], str]] = {
    "disk_folder": _folder_sha256,
    "torchvision_dataset": _torchvision_sha256,
}
