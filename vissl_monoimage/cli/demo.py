"""`monoimage demo`: from one photo to a report of what each layer has learned, in minutes on a laptop."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

EXAMPLE = """\
examples:
  monoimage demo
  monoimage demo --photo me.jpg --out mine
"""
PRETRAIN, PROBE = "config=pretrain/monoimage/rotnet_demo", "config=benchmark/monoimage/linear_photo_patches"
SMOKE = {
    PRETRAIN: ["+config/monoimage=smoke", "config.MONOIMAGE.SOURCE.NUM_SAMPLES=8"],
    PROBE: [
        "+config/monoimage=smoke",
        "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=24",
        "config.MONOIMAGE.PATCHES.TEST_SAMPLES=12",
    ],
}


def add_parser(subparsers: Any) -> None:
    """Add `demo` to the command line."""
    parser = subparsers.add_parser(
        "demo",
        help="train RotNet on one photo, probe it and random weights, write a report",
        description="Train RotNet on one photo, probe every layer of it and of random weights, and write a report.\n"
        "Interrupted, the same command continues; finished steps are skipped.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", default="demo", metavar="FOLDER", help="output folder (default: %(default)s)")
    parser.add_argument("--photo", default="china", help="a file, or a name such as china (default: %(default)s)")
    parser.add_argument("--smoke", action="store_true", help="only a few tiny steps, to see whether everything runs")
    parser.set_defaults(command=demo_command)


def demo_command(arguments: argparse.Namespace) -> int:
    """Run the four steps that are not finished yet.

    Raises:
        MonoImageError: a bad photo, an output folder that holds another demo, or a step that failed.
    """
    from vissl_monoimage.cli.report import write_report
    from vissl_monoimage.config.quoting import quoted

    out = Path(arguments.out)
    photo = _claim(out, arguments.photo, arguments.smoke)
    smoke = SMOKE if arguments.smoke else {}
    began = time.monotonic()

    def run(number: int, title: str, config: str, folder: str, *overrides: str) -> str:
        """Do one VISSL run, unless it is finished, and return its checkpoint."""
        print(f"[{number}/4] {title}", flush=True)
        return _run_once(number, out / folder, [config, *smoke.get(config, []), *overrides], began)

    data = f"config.DATA.TRAIN.DATA_PATHS=[{quoted(photo)}]"
    trained = run(1, f"train RotNet on one photo: {arguments.photo}", PRETRAIN, "rotnet", data)
    run(2, "probe every layer of random weights", PROBE, "probe_random")
    weights = f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={quoted(out / 'rotnet' / Path(trained).name)}"
    run(3, "probe every layer of the trained network", PROBE, "probe_rotnet", weights)
    print(f"[4/4] report  (total {_clock(began)})\n", flush=True)
    write_report([str(out)], str(out / "report"))
    if arguments.smoke:
        print("smoke: only a few tiny steps; the numbers above mean nothing")
    return 0


def _claim(out: Path, photo: str, smoke: bool) -> str | Path:
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
    return photo if photo in CATALOG else path


def _run_once(number: int, folder: Path, overrides: list[str], began: float) -> str:
    """Do one step, unless it is finished, and return its checkpoint."""
    from vissl_monoimage.reproduce.runner import execute, finished

    if finished(folder):
        print(f"[{number}/4] already finished, skipped  ({folder})", flush=True)
    else:
        started = time.monotonic()
        execute(folder, ["run", *overrides])
        print(f"[{number}/4] took {_clock(started)}  (total {_clock(began)})", flush=True)
    row = finished(folder)
    return (row and row.checkpoint_out) or ""


def _clock(since: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - since), 60)
    return f"{minutes}:{seconds:02d} min"
