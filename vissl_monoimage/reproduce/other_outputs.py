"""Finished trainings in other output folders, so that none is repeated because `--out` is another folder.

`vissl_monoimage/outputs.jsonl` in the user's state folder ($XDG_STATE_HOME, or ~/.local/state) lists the folders.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.fingerprint import file_sha256
from vissl_monoimage.ledger.path_hash import PathHash
from vissl_monoimage.reproduce.data_claim import read_claims
from vissl_monoimage.reproduce.run import Chain, Run
from vissl_monoimage.reproduce.runner import finished
from vissl_monoimage.utils import jsonl


def remember_output(out: Path) -> None:
    """Add an output folder to the list; without a list that can be written, later benchmarks do not look there."""
    if out not in _known_outputs():
        with contextlib.suppress(MonoImageError):
            jsonl.append(_list_file(), {"folder": str(out)})


def trainings_elsewhere(chains: Sequence[Chain], out: Path, data: Mapping[str, PathHash]) -> dict[str, Path]:
    """Return {name of a training's folder: the folder of the same training in another output folder, finished}.

    A training is the same if its folder has the same name, which holds a hash of its configuration, seed and photo; if
    it read the same files, where these are no photo with a hash; if the data sets that both output folders know hold
    the same; and if its checkpoint still has the hash of its row.

    Args:
        chains: with the trainings; those that have begun are left out.
        out: their output folder.
        data: what the data sets of the benchmark hold.
    """
    runs = [chain.pretrain for chain in chains if chain.pretrain and _may_be_linked(chain.pretrain)]
    wanted = {run.folder.name: run for run in runs}
    others = [folder for folder in _known_outputs() if folder != out and wanted and _same_data(folder, data)]
    return {name: place for folder in others for name, run in wanted.items() if _is(run, place := folder / name)}


def link_trainings(places: Mapping[str, Path], out: Path) -> None:
    """Put finished trainings into `out`, their checkpoints as hard links where the file system can, and say so."""
    for name, place in places.items():
        temporary = out / f".{name}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)  # of a command that was killed here
        try:
            shutil.copytree(place, temporary, symlinks=True, copy_function=_link_or_copy)
            _point_inside(temporary)
            temporary.rename(out / name)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            print(
                f"{name}: finished in {place.parent}, but cannot be linked from there: {error.strerror or error}",
                flush=True,
            )
        else:
            row = finished(out / name)
            made = f" on {row.finished[:10]} with torch {row.versions.get('torch')}" if row else ""
            print(f"{name}: finished in {place.parent}{made}, and linked from there", flush=True)


def _may_be_linked(run: Run) -> bool:
    return run.verb == ("run",) and not run.folder.exists()


def _is(run: Run, folder: Path) -> bool:
    """Whether a folder has this run, finished and whole."""
    row = finished(folder)
    if row is None or not (run.photo_sha256 or _paths(run.overrides) == _paths(row.overrides)):
        return False
    return any(file_sha256(file) == row.checkpoint_out_sha256 for file in folder.glob("model_final_checkpoint_*"))


def _paths(overrides: Iterable[str]) -> set[str]:
    return {word for word in overrides if ".DATA_PATHS=" in word}


def _same_data(folder: Path, data: Mapping[str, PathHash]) -> bool:
    try:
        claimed = read_claims(folder)
    except MonoImageError:  # damaged
        return False
    return all(claimed.get(name, content).sha256 == content.sha256 for name, content in data.items())


def _point_inside(folder: Path) -> None:
    """Let the links of a copied run, such as VISSL's to the latest checkpoint, lead to its own files."""
    for link in folder.iterdir():
        if link.is_symlink():
            name = link.readlink().name
            link.unlink()
            link.symlink_to(name)


def _link_or_copy(source: str, target: str) -> None:
    """Link a checkpoint, which is never written in place; copy any other file."""
    if source.endswith(".torch"):
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _known_outputs() -> list[Path]:
    return list(dict.fromkeys(_listed()))


def _listed() -> Iterator[Path]:
    with contextlib.suppress(MonoImageError):
        for line in jsonl.read(_list_file()).values():
            if isinstance(line, dict) and isinstance(line.get("folder"), str) and Path(line["folder"]).is_dir():
                yield Path(line["folder"])


def _list_file() -> Path:
    folder = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(folder, "vissl_monoimage", "outputs.jsonl")
