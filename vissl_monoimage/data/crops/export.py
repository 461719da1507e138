"""The samples as files, `OUT/train/dummy/patch_<n>.jpg` as the authors' generator lays them out.

Its off-by-one names, by which each worker overwrites six patches, are not copied: patch n is sample n.
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

from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.sample import photo_of, sample
from vissl_monoimage.data.photos.cache import PyramidStore
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.paths import make_folder
from vissl_monoimage.utils.progress import Report

RELEASED_QUALITY = 75
MANIFEST = "monoimage.json"
_CHUNK = 64


@dataclass(frozen=True)
class Job:
    """What is written: samples 0..samples-1 of `photos` by `recipe` and `seed`, below `out`."""

    photos: PyramidStore
    recipe: Recipe
    samples: int
    seed: int
    out: Path

    @property
    def folder(self) -> Path:
        """The folder of the patches: one class, as the authors have it."""
        return self.out / "train" / "dummy"

    def manifest(self) -> dict[str, Any]:
        """What the patches depend on; a folder with another manifest is not continued."""
        recipe = json.loads(json.dumps(dataclasses.asdict(self.recipe)))
        return {"photos": self.photos.sha256, "recipe": recipe, "seed": self.seed}

    def write(self, indices: Sequence[int]) -> int:
        """Write these samples, each under a temporary name first; how many were written."""
        recipe = dataclasses.replace(self.recipe, jpeg=0)
        for index in indices:
            image = sample(self.photos, recipe, index, seed=self.seed)
            part = self.folder / f"patch_{index}.jpg.part"
            try:
                image.save(part, "JPEG", quality=self.recipe.jpeg or RELEASED_QUALITY)
                os.replace(part, self.folder / f"patch_{index}.jpg")
            except OSError as error:
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)
                raise MonoImageError(f"cannot write to {self.folder}: {error.strerror or error}") from None
        return len(indices)


def write_dataset(job: Job, workers: int, report: Report) -> int:
    """Write what is missing, in `workers` processes; how many were written. Stopped, it can be continued.

    Raises:
        MonoImageError: the folder cannot be written, or holds something else.
    """
    _open_folder(job)
    there = {entry.name for entry in os.scandir(job.folder)}
    missing = [index for index in range(job.samples) if f"patch_{index}.jpg" not in there]
    if not job.photos.all_kept:  # photo after photo, so that each is decoded once
        missing.sort(key=lambda index: photo_of(index, len(job.photos)))
    done = 0
    for written in _in_parallel(job, missing, workers):
        done += written
        report(done, len(missing))
    return done


def _open_folder(job: Job) -> None:
    try:
        there = sorted(os.listdir(job.out)) if job.out.exists() else []
        if there and _read_manifest(job.out) != job.manifest():
            what = "other photos, recipe or seed" if MANIFEST in there else f"something else ({there[0]})"
            raise MonoImageError(f"folder {job.out} holds {what}: name an empty or a new folder")
        make_folder(job.out)
        job.folder.mkdir(parents=True, exist_ok=True)
        part = job.out / f"{MANIFEST}.part"
        part.write_text(json.dumps(job.manifest(), indent=1) + "\n")
        os.replace(part, job.out / MANIFEST)
    except OSError as error:
        raise MonoImageError(f"cannot write to {job.out}: {error.strerror or error}") from None


def _read_manifest(out: Path) -> object:
    try:
        return json.loads((out / MANIFEST).read_text())
    except (OSError, ValueError):
        return None


def _in_parallel(job: Job, indices: list[int], workers: int) -> Iterator[int]:
    chunks = (indices[start : start + _CHUNK] for start in range(0, len(indices), _CHUNK))
    if workers <= 1:
        yield from map(job.write, chunks)
        return
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(workers, context, initializer=_set_job, initargs=(job,)) as pool:
        # A few chunks ahead and no more: a million patches must not be a million futures.
        waiting: set[Future[int]] = {pool.submit(_write, chunk) for chunk in islice(chunks, 2 * workers)}
        try:
            while waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
                waiting |= {pool.submit(_write, chunk) for chunk in islice(chunks, len(finished))}
        finally:
            pool.shutdown(cancel_futures=True)


_JOBS: list[Job] = []


def _set_job(job: Job) -> None:
    _JOBS[:] = [job]


def _write(indices: Sequence[int]) -> int:
    return _JOBS[0].write(indices)
