"""`monoimage init`: a trunk whose filters are patches of a photo, clustered or coded, without a pretext task."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from vissl_monoimage.cli.argument_types import seed as seed_number
from vissl_monoimage.models.init import CROPS

EXAMPLE = """\
examples:
  monoimage init kmeans china -o kmeans
  monoimage init sparse_coding me.jpg -o codes
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
        help="filters from a photo's patches without a pretext task: kmeans, sparse_coding",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("method", metavar="METHOD", help="kmeans or sparse_coding")
    parser.add_argument("photo", metavar="PHOTO", help="a file, a folder, a .txt list, or a name such as china")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER", help="for checkpoint.torch")
    parser.add_argument("--trunk", help="of kmeans: convnet4 or an AlexNet [convnet4]")
    parser.add_argument("--seed", type=seed_number, default=0, help="of the crops and of the learning [0]")
    parser.add_argument("--crops", type=int, default=CROPS, help=f"how many to learn from [{CROPS}]")
    parser.set_defaults(command=init_command)


def init_command(arguments: argparse.Namespace) -> int:
    """Learn the trunk, and write its checkpoint and a row of the ledger beside it.

    Raises:
        MonoImageError: an unknown method or trunk, a bad photo, too few crops, or a folder in use.
    """
    from vissl_monoimage.ledger.run_claim import claim_folder
    from vissl_monoimage.models.init.learn import trunk_for
    from vissl_monoimage.utils.folder_lock import folder_lock

    trunk_name = trunk_for(arguments.method, arguments.trunk)
    claim = _claim_of(arguments, trunk_name)
    with folder_lock(arguments.out):
        claim_folder(arguments.out, claim, remedy=REMEDY)
        if _is_finished(arguments.out):
            print(f"'{arguments.out}' holds this trunk, finished: nothing is learned", file=sys.stderr)
        else:
            _learn(arguments, trunk_name)
    return 0


def _learn(arguments: argparse.Namespace, trunk_name: str) -> None:
    from vissl_monoimage.ledger import io as ledger
    from vissl_monoimage.ledger import machine
    from vissl_monoimage.ledger.init_row import init_row
    from vissl_monoimage.models.checkpoint.file import save_trunk
    from vissl_monoimage.models.init.learn import learn_trunk

    method, seed, checkpoint = arguments.method, arguments.seed, arguments.out / CHECKPOINT
    began = time.monotonic()
    trunk, crops = learn_trunk(method, trunk_name, arguments.photo, arguments.crops, seed)
    save_trunk(trunk, checkpoint)
    options = {"METHOD": method, "TRUNK": trunk_name, "SEED_VALUE": seed, "SOURCE": crops.settings}
    command = ["monoimage", "init", method, arguments.photo, f"--out={arguments.out}", f"--trunk={trunk_name}"]
    command += [f"--seed={seed}", f"--crops={arguments.crops}"]
    seconds = time.monotonic() - began
    row = init_row(options, crops.source, checkpoint, command, machine.device(_ON_CPU), seconds)
    ledger.append(arguments.out / ledger.FILE_NAME, row)
    print(f"{checkpoint}: {trunk_name} by {method} in {seconds:.0f} s")


def _claim_of(arguments: argparse.Namespace, trunk_name: str) -> Any:
    """Return the `Claim` of what is to be learned."""
    from vissl_monoimage.data.photos.find import find_photos
    from vissl_monoimage.ledger.path_hash import hash_path, hash_together
    from vissl_monoimage.ledger.run_claim import Claim

    settings = {"method": arguments.method, "trunk": trunk_name, "seed": arguments.seed, "crops": arguments.crops}
    photo = hash_together(map(hash_path, find_photos(arguments.photo)), f"the photos of {arguments.photo}")
    return Claim.of(settings, {"photo": photo}, "init")


def _is_finished(folder: Path) -> bool:
    from vissl_monoimage.ledger import io as ledger

    rows = folder / ledger.FILE_NAME
    return (folder / CHECKPOINT).is_file() and rows.is_file() and bool(ledger.read([rows]))
