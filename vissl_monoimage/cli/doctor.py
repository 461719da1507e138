"""`monoimage doctor`: what is installed here, whether it works together, and what a checkpoint is of."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vissl_monoimage.compat.examine import Examined


def add_parser(subparsers: Any) -> None:
    """Add `doctor` to the command line."""
    parser = subparsers.add_parser(
        "doctor",
        help="examine the installation, or a checkpoint",
        description="Print versions, mends of VISSL, devices and photos, and what is wrong with them. With CHECKPOINT, "
        "print what the file holds, which trunk it fits, and how its names become the trunk's. The status is 1 if "
        "something is wrong.",
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", nargs="?", help="a file of weights")
    parser.set_defaults(command=doctor_command)


def doctor_command(arguments: argparse.Namespace) -> int:
    """Print what is found, and return 1 if something is wrong.

    Raises:
        MonoImageError: the checkpoint cannot be read.
    """
    if arguments.checkpoint:
        return _checkpoint(arguments.checkpoint)
    from vissl_monoimage.compat.examine import examine_mends, examine_versions
    from vissl_monoimage.compat.missing_vissl import vissl_is_installed

    wrong = _print("versions", examine_versions())
    if vissl_is_installed():
        wrong += _print("mends of VISSL (docs/mends.md)", examine_mends())
    else:
        print("mends of VISSL\n  VISSL is not installed: run `monoimage setup`")
    wrong += _print("devices", _devices())
    wrong += _print("photos", _photos())
    print(f"\n{wrong} of these are wrong" if wrong else "\nnothing is wrong")
    return int(wrong > 0)


def _print(heading: str, examined: Iterator[Examined]) -> int:
    """Print a list, and return how many of its things are wrong."""
    things = list(examined)
    width = max(len(thing.name) for thing in things)
    print(heading)
    for thing in things:
        print(f"{'  ' if thing.is_right else '! '}{thing.name.ljust(width)}  {thing.about}")
    return sum(not thing.is_right for thing in things)


def _devices() -> Iterator[Examined]:
    import torch

    from vissl_monoimage.compat.examine import Examined
    from vissl_monoimage.utils.distributed import gloo_problem
    from vissl_monoimage.utils.precision import cpu_has_bfloat16

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    precision = "with" if cpu_has_bfloat16() else "without"
    yield Examined(True, "CPU", f"{usable} cores, {torch.get_num_threads()} threads, {precision} bfloat16")
    for number in range(torch.cuda.device_count()):
        yield Examined(True, f"GPU {number}", torch.cuda.get_device_name(number))
    if not torch.cuda.is_available():
        yield Examined(True, "GPU", "none that torch can use: add +config/monoimage=cpu to VISSL's configs")
    problem = gloo_problem()
    yield Examined(not problem, "gloo", problem or "usable: runs on a CPU can have several processes")
    if Path("/dev/shm").is_dir():
        free = shutil.disk_usage("/dev/shm").free >> 20
        yield Examined(True, "/dev/shm", f"{free} MB free, which loader workers share photos in")


def _photos() -> Iterator[Examined]:
    from vissl_monoimage.compat.examine import Examined
    from vissl_monoimage.data.photos.catalog import CATALOG
    from vissl_monoimage.errors import MonoImageError

    for name, photo in CATALOG.items():
        try:
            yield Examined(True, name, str(photo.path))
        except MonoImageError as error:
            yield Examined(False, name, str(error))


def _checkpoint(path: str) -> int:
    from vissl_monoimage.export.run_folder import read_run
    from vissl_monoimage.models.checkpoint.examine import best_fits, key_map
    from vissl_monoimage.models.checkpoint.file import read_checkpoint
    from vissl_monoimage.models.checkpoint.tensors import heads_in, some, tensors_in
    from vissl_monoimage.utils.printable import printable

    checkpoint = read_checkpoint(path)
    tensors = tensors_in(checkpoint, path)
    print(printable(f"{path} has {some(map(str, checkpoint))}"))
    print(f"  {len(tensors)} tensors of a model, {len(heads_in(tensors))} of them of heads")
    fits = best_fits(checkpoint, path, read_run(Path(path)).model)
    if not fits:
        print(printable(f"! it fits no trunk: {some(tensors)}"))
        return 1
    fit, *others = fits
    print(printable(f"  {fit.weights.report()}"))
    if others:
        print(f"  fits as well: {', '.join(other.weights.trunk for other in others)}")
    for problem in fit.problems:
        print(printable(f"! {problem}"))
    for theirs, ours in key_map(fit):
        print(printable(f"  {theirs} -> {ours} {list(fit.weights.state[ours].shape)}"))
    return int(bool(fit.problems))
