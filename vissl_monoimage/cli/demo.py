"""`monoimage demo`: from one photo to a report of what each layer has learned, in minutes on a laptop."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

EXAMPLE = """\
examples:
  monoimage demo
  monoimage demo --photo me.jpg --out mine
"""
GRID = "demo"
MOST_JOBS = 4
"""At a time: a probe keeps 0.7 GB of features in a file while it runs."""


def add_parser(subparsers: Any) -> None:
    """Add `demo` to the command line."""
    parser = subparsers.add_parser(
        "demo",
        help="what one photo teaches each layer, in minutes: twelve small networks, and a page",
        description="Random weights, the same calibrated on a photo's crops, k-means on its patches and RotNet on its "
        "crops, with\nthree seeds each: probes every layer and writes a page that says what was learned.\n"
        "Interrupted, the same command continues; finished runs are skipped.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", default="demo", metavar="FOLDER", help="output folder (default: %(default)s)")
    parser.add_argument("--photo", default="china", help="a file, or a name such as china (default: %(default)s)")
    parser.add_argument("--smoke", action="store_true", help="only a few tiny steps, to see whether everything runs")
    parser.set_defaults(command=demo_command)


def demo_command(arguments: argparse.Namespace) -> int:
    """Run what is not finished of the benchmark `demo`, and write its report.

    Raises:
        MonoImageError: a bad photo, an output folder that holds another demo, or runs that failed; all others are
            finished and reported then.
    """
    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.report.write import write
    from vissl_monoimage.reproduce.datasets import Inputs
    from vissl_monoimage.reproduce.plan import plan
    from vissl_monoimage.reproduce.progress import format_minutes
    from vissl_monoimage.reproduce.read_grid import read_grid
    from vissl_monoimage.reproduce.runner import cores, finished, run_all

    out, profile = Path(arguments.out), "smoke" if arguments.smoke else "laptop"
    photo = _claim(out, arguments.photo, arguments.smoke)
    chains = plan(read_grid(GRID), profile, Inputs(photo, {}, out.resolve()))
    runs = [run for chain in chains for run in chain.runs]
    to_do, jobs = [run for run in runs if not finished(run.folder)], min(cores(), MOST_JOBS)
    minutes = format_minutes(sum(run.minutes for run in to_do) / jobs)
    print(
        f"what one photo ({arguments.photo}) teaches each layer: {len(chains)} networks, each probed\n"
        f"{len(runs)} runs, {len(runs) - len(to_do)} finished; to do: {len(to_do)}, {jobs} at a time"
        + (f", in about {minutes}" if to_do and not arguments.smoke else ""),
        flush=True,
    )
    problems = run_all(chains, jobs)
    if rows := [row for run in runs if (row := finished(run.folder))]:
        write(rows, out / "report")
    if problems:
        raise MonoImageError("\n".join([f"{len(problems)} of {len(chains)} failed:", *problems]))
    if arguments.smoke:
        print("smoke: only a few tiny steps; the numbers above mean nothing")
    return 0


def _claim(out: Path, photo: str, smoke: bool) -> str:
    """Record the options in `out`, so that a demo with other options cannot be mixed with them; return the photo.

    Raises:
        MonoImageError: a bad photo, or a folder with other options.
    """
    from vissl_monoimage.data.photos.catalog import CATALOG
    from vissl_monoimage.data.photos.decode import load_photo
    from vissl_monoimage.data.photos.find import find_one_photo
    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.utils.atomic_write import replace_text
    from vissl_monoimage.utils.paths import make_folder

    path = find_one_photo(photo)
    options = {"photo_sha256": load_photo(path).sha256, "smoke": smoke}
    note = out / "demo.json"
    try:
        previous = json.loads(note.read_text()) if note.is_file() else options
    except ValueError:
        raise MonoImageError(
            f"'{note}' is damaged, so the demo in '{out}' cannot be continued: choose another folder with --out, or "
            "delete it"
        ) from None
    if previous != options:
        raise MonoImageError(
            f"'{out}' holds a demo of another photo or size: choose another folder with --out, or delete it"
        )
    make_folder(out)
    replace_text(note, json.dumps(options) + "\n")
    return photo if photo in CATALOG else str(path.resolve())
