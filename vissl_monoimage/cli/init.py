"""`monoimage init`: a trunk whose filters are patches of a photo, clustered or coded, without a pretext task."""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from typing import Any

from vissl_monoimage.cli.argument_types import seed as seed_number
from vissl_monoimage.models.init.methods import CROPS, TRUNKS

EXAMPLE = """\
examples:
  monoimage init kmeans china -o kmeans
  monoimage init sparse_coding me.jpg -o codes
probe FOLDER/checkpoint.torch like that of any pretraining, with the trunk's name:
  monoimage run config=benchmark/monoimage/linear_cifar10 config.MODEL.TRUNK.NAME=convnet4 \\
    config.MODEL.WEIGHTS_INIT.PARAMS_FILE=kmeans/checkpoint.torch ...
"""
NORMALISED_AS = "config=benchmark/monoimage/linear_cifar10"


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
    """Learn the trunk, write its checkpoint and a row of the ledger beside it.

    Raises:
        MonoImageError: an unknown method or trunk, a bad photo, too few crops, or a folder in use.
    """
    from vissl_monoimage.ledger import io as ledger
    from vissl_monoimage.ledger import machine
    from vissl_monoimage.ledger.init_row import baseline_row

    method, seed, checkpoint = arguments.method, arguments.seed, arguments.out / "checkpoint.torch"
    trunk_name = _trunk(method, arguments.trunk)
    _claim(arguments.out)
    began = time.monotonic()
    trunk, source, settings, config = _learned(method, trunk_name, arguments.photo, arguments.crops, seed)
    _save(trunk, checkpoint)
    options = {"METHOD": method, "TRUNK": trunk_name, "SEED_VALUE": seed, "SOURCE": settings}
    command = ["monoimage", "init", method, arguments.photo, f"--out={arguments.out}", f"--trunk={trunk_name}"]
    command += [f"--seed={seed}", f"--crops={arguments.crops}"]
    seconds = time.monotonic() - began
    row = baseline_row(options, source, checkpoint, command, machine.device(config), seconds)
    ledger.append(arguments.out / ledger.FILE_NAME, row)
    print(f"{checkpoint}: {trunk_name} by {method} in {seconds:.0f} s")
    return 0


def _learned(method: str, trunk_name: str, photo: str, count: int, seed: int) -> tuple[Any, Any, dict[str, Any], Any]:
    """The trunk, the source of its crops and that source's settings, and VISSL's config of its probe."""
    from omegaconf import OmegaConf
    from vissl.config import AttrDict
    from vissl.models.trunks import get_model_trunk

    from vissl_monoimage.config.compose import compose_config
    from vissl_monoimage.models.init import kmeans, sparse_coding
    from vissl_monoimage.models.init.patches import Crops, Normalisation
    from vissl_monoimage.utils.random import seed_everything

    composed = compose_config([NORMALISED_AS, f"config.MODEL.TRUNK.NAME={trunk_name}"])
    config = AttrDict(OmegaConf.to_container(composed.config, resolve=True))
    (normalise,) = (one for one in config.DATA.TEST.TRANSFORMS if one["name"] == "Normalize")
    seed_everything("init", seed)
    trunk = get_model_trunk(trunk_name)(config.MODEL, trunk_name)
    normalisation = Normalisation(normalise["mean"], normalise["std"])
    crops = Crops(photo, getattr(trunk, "input_size", 224), count, seed, normalisation)
    if method == "kmeans":
        kmeans.initialise(trunk, crops, seed)
    else:
        sparse_coding.learn(trunk._feature_blocks[0], crops, seed)
    return trunk, crops.source, crops.settings, config


def _trunk(method: str, wanted: str | None) -> str:
    """The trunk to make; MonoImageError where the method is unknown or cannot make it."""
    from vissl_monoimage.errors import MonoImageError, unknown

    if method not in TRUNKS:
        raise MonoImageError(unknown("method", method, TRUNKS))
    trunk = wanted or TRUNKS[method][0]
    if trunk not in TRUNKS[method]:
        raise MonoImageError(f"--trunk with {method}: {unknown('trunk', trunk, TRUNKS[method])}")
    return trunk


def _claim(folder: Path) -> None:
    """A folder that can be written and has no finished result; found out before the work, not after it."""
    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.reproduce.runner import finished
    from vissl_monoimage.utils.paths import make_folder

    make_folder(folder)
    if finished(folder):
        raise MonoImageError(f"{folder} has a finished result already: choose another folder with -o, or delete it")


def _save(trunk: Any, checkpoint: Path) -> None:
    """VISSL's format, whole or not at all; equal weights give equal bytes, as the file's name is not in them."""
    import torch

    from vissl_monoimage.utils.atomic_write import atomic_write

    model = {"trunk": trunk.state_dict(), "heads": {}}
    buffer = io.BytesIO()
    torch.save({"classy_state_dict": {"base_model": {"model": model}}}, buffer)
    with atomic_write(checkpoint) as part:
        part.write_bytes(buffer.getvalue())
