"""Whether data, photos and weights are still those of a ledger row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.fingerprint import crops_sha256, file_sha256
from vissl_monoimage.ledger.row import Row

Hasher = Callable[[Row, str], tuple[Sequence[str], Callable[[], str]]]
"""Returns where the data of a split of a row are, and what hashes them; raises a MonoImageError where nothing can."""
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


def verify_row(row: Row, folder: Path, hasher: Hasher | None = None) -> Iterator[Finding]:
    """Yield a finding for each photo, split and file of weights of a row.

    Args:
        row: of a ledger.
        folder: of that ledger, where files are looked for that are no longer at their place.
        hasher: of data other than photos, which needs VISSL; without one they are not checked.
    """
    for image in row.images:
        yield _file("photo", image["name"], _photo(image["name"], image["path"], folder), image["sha256"])
    if (row.n_images or 0) > len(row.images) > 0:
        yield Finding(NOT_CHECKED, f"{row.n_images - len(row.images)} more photos", "the row does not name them")  # type: ignore[operator]
    for split, data in row.data.items():
        thing = f"{split} images '{data.name}'"
        if data.images == 0:
            continue
        if not data.sha256:
            yield Finding(NOT_CHECKED, thing, "the row has no hash of them")
        elif data.sampled:
            yield Finding(NOT_CHECKED, thing, "the row has a hash of parts of the files alone")
        else:
            yield _split(row, split, thing, data.sha256, hasher)
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


def _split(row: Row, split: str, thing: str, sha256: str, hasher: Hasher | None) -> Finding:
    if row.images and split == "train":
        hashed = crops_sha256(row.images, row.recipe)
        if hashed == sha256:
            return Finding(SAME, f"{thing}: crops of the photos above")
        reason = "the row does not have all of its photos" if len(row.images) != row.n_images else ""
        return Finding(NOT_CHECKED if reason else DIFFERENT, thing, reason or "recipe and photos of the row do not fit")
    if hasher is None:
        return Finding(NOT_CHECKED, thing, "VISSL, which reads them, is not installed")
    try:
        places, hashed_again = hasher(row, split)
    except MonoImageError as error:
        return Finding(NOT_CHECKED, thing, str(error))
    return _compared(f"{thing} in {', '.join(places)}" if places else thing, sha256, hashed_again)
