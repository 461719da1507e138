"""`monoimage demo`: from one photo to a report of what each layer learned, in minutes on a laptop."""

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
        help="one photo, RotNet, every layer probed beside random weights, a report",
        description="Pretrains RotNet on one photo, probes it and random weights, and writes a report. "
        "Stopped, it goes on where it was: finished steps are skipped.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", default="demo", metavar="FOLDER", help="output folder (default: demo)")
    parser.add_argument("--photo", default="china", help="a photo, or the name of one (default: china)")
    parser.add_argument("--smoke", action="store_true", help="a few steps on tiny sizes: does it all run?")
    parser.set_defaults(command=demo_command)


def demo_command(arguments: argparse.Namespace) -> int:
    """Run the four steps.

    Raises:
        MonoImageError: no such photo, an output folder of another demo, or a step that failed.
    """
    from vissl_monoimage.cli.report import write_report
    from vissl_monoimage.config.compose import quoted

    out = Path(arguments.out)
    photo = _claim(out, arguments.photo, arguments.smoke)
    smoke = SMOKE if arguments.smoke else {}
    began = time.monotonic()

    def run(number: int, title: str, config: str, folder: str, *overrides: str) -> str:
        """One VISSL run, unless it is finished; returns its checkpoint."""
        print(f"[{number}/4] {title}", flush=True)
        return _run_once(number, out / folder, [config, *smoke.get(config, []), *overrides], began)

    data = f"config.DATA.TRAIN.DATA_PATHS=[{quoted(photo)}]"
    trained = run(1, f"RotNet learns from one photo: {arguments.photo}", PRETRAIN, "rotnet", data)
    run(2, "what each layer of random weights knows", PROBE, "probe_random")
    weights = f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={quoted(out / 'rotnet' / Path(trained).name)}"
    run(3, "what each layer has learned from the photo", PROBE, "probe_rotnet", weights)
    print(f"[4/4] report  (total {_clock(began)})\n", flush=True)
    write_report([str(out)], str(out / "report"))
    if arguments.smoke:
        print("smoke: a few steps on tiny sizes; the numbers above mean nothing")
    return 0


def _claim(out: Path, photo: str, smoke: bool) -> str | Path:
    """Note in `out` what it is for, so that one with other options cannot mix with it; returns the photo."""
    from vissl_monoimage.data.photos.catalog import CATALOG, resolve
    from vissl_monoimage.data.photos.decode import load_photo
    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.utils.atomic_write import replace_text

    paths = resolve(photo)
    if len(paths) != 1:
        raise MonoImageError(f"the demo takes one photo, and '{photo}' stands for {len(paths)}")
    options = {"photo_sha256": load_photo(paths[0]).sha256, "smoke": smoke}
    note = out / "demo.json"
    if note.is_file() and json.loads(note.read_text()) != options:
        raise MonoImageError(
            f"'{out}' holds a demo of another photo or size: choose another folder with --out, or delete it"
        )
    replace_text(note, json.dumps(options) + "\n")
    return photo if photo in CATALOG else paths[0]


def _run_once(number: int, folder: Path, overrides: list[str], began: float) -> str:
    """One step, unless it is finished; returns its checkpoint."""
    from vissl_monoimage.reproduce.runner import finished, start

    if finished(folder):
        print(f"[{number}/4] finished before, skipped  ({folder})", flush=True)
    else:
        started = time.monotonic()
        start(folder, ["run", *overrides])
        print(f"[{number}/4] took {_clock(started)}  (total {_clock(began)})", flush=True)
    row = finished(folder)
    return (row and row.checkpoint_out) or ""


def _clock(since: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - since), 60)
    return f"{minutes}:{seconds:02d} min"
