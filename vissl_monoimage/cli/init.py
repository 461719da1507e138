"""`monoimage init`: trunks without a pretext task, from a photo's patches, or random with calibrated batch norms."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from vissl_monoimage.cli.argument_types import seed as seed_number
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.init import CROPS

EXAMPLE = """\
examples:
  monoimage init kmeans china -o kmeans
  monoimage init sparse_coding me.jpg -o codes
random weights of a pretraining, and the same with the statistics of their batch norms from images (nothing is learned):
  monoimage init random --like config=pretrain/monoimage/rotnet_convnet4 --seed 1 -o random
  monoimage init calibrate me.jpg --like config=pretrain/monoimage/rotnet_convnet4 --seed 1 -o calibrated
  monoimage init calibrate noise --trunk alexnet_wide_64px -o calibrated
a checkpoint with statistics from a data set's training images:
  monoimage init calibrate cifar10=FOLDER --weights rotnet/checkpoint.torch -o recalibrated
probe FOLDER/checkpoint.torch like that of any pretraining, with the trunk's name:
  monoimage run config=benchmark/monoimage/linear_cifar10 config.MODEL.TRUNK.NAME=convnet4 \\
    config.MODEL.WEIGHTS_INIT.PARAMS_FILE=kmeans/checkpoint.torch ...
"""
CHECKPOINT = "checkpoint.torch"
REMEDY = "choose another folder with -o, or delete it"
_ON_CPU = {"MACHINE": {"DEVICE": "cpu"}, "DISTRIBUTED": {"NUM_NODES": 1, "NUM_PROC_PER_NODE": 1}}


def add_parser(subparsers: Any) -> None:
    """Add `init` to the command line."""
    parser = subparsers.add_parser(
        "init",
        help="trunks without a pretext task: kmeans, sparse_coding, random, calibrate",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("method", metavar="METHOD", help="kmeans, sparse_coding, random or calibrate")
    parser.add_argument(
        "photo",
        metavar="PHOTO",
        nargs="?",
        default="",
        help="a file, a folder, a .txt list, or a name such as china; of calibrate also noise, or NAME=FOLDER of a "
        "data set; of random none",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER", help="for checkpoint.torch")
    parser.add_argument("--trunk", help="the architecture; kmeans has convnet4 and the AlexNets [convnet4]")
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of images, initial weights and learning [0]")
    parser.add_argument("--crops", type=int, default=CROPS, help=f"how many images to take [{CROPS}]")
    parser.add_argument(
        "--like",
        default="",
        metavar="'config=NAME OVERRIDE...'",
        help="random, calibrate: start from the initial weights of this pretraining, with its recipe and normalisation",
    )
    parser.add_argument("--weights", default="", metavar="FILE", help="calibrate: start from the trunk in a checkpoint")
    parser.set_defaults(command=init_command)


def init_command(arguments: argparse.Namespace) -> int:
    """Make the trunk, and write its checkpoint and a row of the ledger beside it.

    Raises:
        MonoImageError: an unknown method or trunk, bad images, too few of them, or a folder in use.
    """
    from vissl_monoimage.ledger.init_request import Request
    from vissl_monoimage.ledger.run_claim import claim_folder
    from vissl_monoimage.utils.atomic_write import remove_parts
    from vissl_monoimage.utils.folder_lock import folder_lock

    a = arguments
    request = Request(a.method, a.photo, a.trunk or "", a.seed, a.crops, a.like, a.weights)
    claim, is_new = request.claim(), not a.out.exists()
    with folder_lock(a.out):
        remove_parts(a.out)
        claim_folder(a.out, claim, remedy=REMEDY)
        if _is_finished(a.out):
            print(f"'{a.out}' holds this trunk already: nothing to do", file=sys.stderr)
            return 0
        try:
            _make(request, a.out)
        except MonoImageError:  # refused: nothing of it stays
            if is_new:
                shutil.rmtree(a.out)
            raise
    return 0


def _make(request: Any, folder: Path) -> None:
    """Make the trunk of a `Request`, and write it and its row into `folder`."""
    from vissl_monoimage.ledger import io as ledger
    from vissl_monoimage.ledger import machine
    from vissl_monoimage.ledger.init_row import init_row
    from vissl_monoimage.ledger.init_trunk import make_trunk
    from vissl_monoimage.models.checkpoint.file import save_trunk

    began, checkpoint = time.monotonic(), folder / CHECKPOINT
    trunk, made = make_trunk(request)
    save_trunk(trunk, checkpoint)
    words = ["monoimage", "init", request.method, *([request.source] if request.source else [])]
    seconds = time.monotonic() - began
    row = init_row(made, checkpoint, words, [f"--out={folder}", *request.options], machine.device(_ON_CPU), seconds)
    ledger.append(folder / ledger.FILE_NAME, row)
    print(f"{checkpoint}: {request.trunk} by {row.method} in {seconds:.0f} s")


def _is_finished(folder: Path) -> bool:
    from vissl_monoimage.ledger import io as ledger

    rows = folder / ledger.FILE_NAME
    return (folder / CHECKPOINT).is_file() and rows.is_file() and bool(ledger.read([rows]))
