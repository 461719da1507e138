"""The crops as files, `OUT/train/dummy/patch_<n>.jpg`, as the authors' generator lays them out.

Its file names, by which each worker overwrites six patches of another, are not copied: patch n is sample n.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from vissl_monoimage.compat.parent_process import end_with_parent
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.sample import photo_of, sample
from vissl_monoimage.data.photos.cache import PyramidCache
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import remove_parts, replace_text
from vissl_monoimage.utils.paths import make_folder
from vissl_monoimage.utils.progress import Progress

RELEASED_QUALITY = 75
MANIFEST = "monoimage.json"
_CHUNK = 64


@dataclass(frozen=True)
class ExportJob:
    """Samples 0 to samples-1 of `photos` by `recipe` and `seed`, to be written below `out`."""

    photos: PyramidCache
    recipe: Recipe
    samples: int
    seed: int
    out: Path

    @property
    def folder(self) -> Path:
        """The folder of the patches: a single class, as the authors have it."""
        return self.out / "train" / "dummy"

    def manifest(self) -> dict[str, Any]:
        """Return what the patches depend on; a folder with another manifest is not continued."""
        recipe = json.loads(json.dumps(dataclasses.asdict(self.recipe)))
        return {"photos": self.photos.sha256, "recipe": recipe, "seed": self.seed}

    def write(self, indices: Sequence[int]) -> int:
        """Write these samples, each under a temporary name first, and return how many they are.

        Raises:
            MonoImageError: the folder cannot be written.
        """
        recipe = dataclasses.replace(self.recipe, jpeg=0)
        for index in indices:
            image = sample(self.photos, recipe, index, seed=self.seed)
            # Not `atomic_write`, which waits for the disk: there may be a million patches.
            file = self.folder / f"patch_{index}.jpg"
            part = file.with_name(f"{file.name}.part")
            try:
                image.save(part, "JPEG", quality=self.recipe.jpeg or RELEASED_QUALITY)
                os.replace(part, file)
            except OSError as error:
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)
                raise MonoImageError(f"cannot write {file}: {error.strerror or error}") from None
        return len(indices)


def write_crops(job: ExportJob, workers: int) -> int:
    """Write the patches that are missing, and return how many they were; an interrupted export can be continued.

    Args:
        job: what to write, and where.
        workers: number of processes; with 1, this process writes.

    Raises:
        MonoImageError: the folder cannot be written, or holds something else.
    """
    _open_folder(job)
    written = {entry.name for entry in os.scandir(job.folder)}
    missing = [index for index in range(job.samples) if f"patch_{index}.jpg" not in written]
    if not job.photos.all_in_memory:  # photo after photo, so that each is decoded once
        missing.sort(key=lambda index: photo_of(index, len(job.photos)))
    with Progress(f"crops in {job.folder}", len(missing), "crop") as progress:
        for count in _in_parallel(job, missing, workers):
            progress.advance(count)
    return len(missing)


def _open_folder(job: ExportJob) -> None:
    """Make the folder, or find that it holds the patches of an equal job."""
    try:
        names = sorted(os.listdir(job.out)) if job.out.exists() else []
        names = [name for name in names if not name.endswith(".part")]  # half a manifest of a process that was killed
    except OSError as error:
        raise MonoImageError(f"folder {job.out} cannot be read: {error.strerror}") from None
    if names and _read_manifest(job.out) != job.manifest():
        content = "other photos, recipe or seed" if MANIFEST in names else f"something else ({names[0]})"
        raise MonoImageError(f"folder {job.out} holds {content}: name an empty or a new folder")
    make_folder(job.out)
    remove_parts(job.out)
    replace_text(job.out / MANIFEST, json.dumps(job.manifest(), indent=1) + "\n")
    make_folder(job.folder)  # behind the manifest, without which a folder that is not empty is refused


def _read_manifest(out: Path) -> object:
    try:
        return json.loads((out / MANIFEST).read_text())
    except (OSError, ValueError):
        return None


def _in_parallel(job: ExportJob, indices: list[int], workers: int) -> Iterator[int]:
    """Write in chunks, and yield the size of each as it is done."""
    chunks = (indices[start : start + _CHUNK] for start in range(0, len(indices), _CHUNK))
    if workers <= 1:
        yield from map(job.write, chunks)
        return
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(workers, context, initializer=_set_job, initargs=(job,)) as pool:
        # A few chunks ahead and no more: a million patches must not be a million futures.
        pending: set[Future[int]] = {pool.submit(_write, chunk) for chunk in islice(chunks, 2 * workers)}
        try:
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
                pending |= {pool.submit(_write, chunk) for chunk in islice(chunks, len(finished))}
        finally:
            pool.shutdown(cancel_futures=True)


_JOBS: list[ExportJob] = []


def _set_job(job: ExportJob) -> None:
    """Keep the job in a worker process, so that it is sent once and not with every chunk."""
    end_with_parent()
    _JOBS[:] = [job]


def _write(indices: Sequence[int]) -> int:
    return _JOBS[0].write(indices)
