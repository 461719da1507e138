"""`monoimage dataset write`: the crops as a folder of JPEG files, for those who want files."""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

EXAMPLE = """\
example:
  monoimage dataset write me.jpg crops --samples 50000 --size 32
writes crops/train/dummy/patch_0.jpg ...; stopped, the same command continues. VISSL trains on samples
without any files: see `monoimage run` and the overlay config/monoimage=single_image.
"""
SECONDS_BETWEEN_LINES = 10.0


def add_parser(subparsers: Any) -> None:
    """Add `dataset` to the command line."""
    dataset = subparsers.add_parser("dataset", help="write the crops of photos as files")
    actions = dataset.add_subparsers(required=True, metavar="ACTION")
    parser = actions.add_parser(
        "write",
        help="write OUT/train/dummy/patch_<n>.jpg",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="files, folders, .txt lists or names")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder, or one to continue")
    parser.add_argument("--samples", type=int, default=1281167, help="how many patches [1281167]")
    parser.add_argument("--size", type=int, default=256, help="side of a patch in px [256]")
    parser.add_argument("--recipe", default="released", help="released or paper [released]")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other patches [0]")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes [one a core]")
    parser.set_defaults(command=write_command)


def write_command(arguments: argparse.Namespace) -> int:
    """Write the patches that are missing."""
    from vissl_monoimage.data.crops.export import Job, write_dataset
    from vissl_monoimage.data.crops.recipe import command_recipe
    from vissl_monoimage.data.photos.cache import PyramidStore
    from vissl_monoimage.data.photos.catalog import resolve
    from vissl_monoimage.errors import MonoImageError

    recipe = command_recipe(arguments.recipe, arguments.size, arguments.seed)
    photos = PyramidStore(resolve(arguments.photos), recipe)
    if arguments.workers < 1:
        raise MonoImageError(f"--workers={arguments.workers} must be at least 1")
    if arguments.samples < len(photos):
        raise MonoImageError(f"--samples={arguments.samples} must be at least {len(photos)}, one a photo")
    job = Job(photos, recipe, arguments.samples, arguments.seed, arguments.out)
    with _Progress() as progress:
        written = write_dataset(job, arguments.workers, progress.report)
    print(f"{job.folder}: {written} patches written, {arguments.samples - written} were there")
    return 0


class _Progress:
    """A bar on a terminal, a plain line every few seconds elsewhere."""

    def __init__(self) -> None:
        from rich.progress import Progress

        self._bar = Progress(transient=True) if sys.stdout.isatty() else None
        self._task = self._bar.add_task("patches", total=None) if self._bar else None
        self._last_line = time.monotonic()

    def __enter__(self) -> _Progress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def report(self, done: int, total: int, seconds: float) -> None:
        """Show how far it is, how fast, and how long it will take."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            rate = done / seconds
            left = timedelta(seconds=round((total - done) / rate))
            print(f"{done} of {total} patches, {rate:.0f} a second, {left} left", flush=True)
