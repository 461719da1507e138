"""`monoimage dataset write`: the crops of photos as a folder of JPEG files, for tools that read files."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

EXAMPLE = """\
example:
  monoimage dataset write me.jpg crops --samples 50000 --size 32
writes crops/train/dummy/patch_0.jpg and so on; interrupted, the same command continues. VISSL needs no files:
see `monoimage run` and the overlay config/monoimage=single_image.
"""


def add_parser(subparsers: Any) -> None:
    """Add `dataset` to the command line."""
    dataset = subparsers.add_parser("dataset", help="write the crops of photos as image files")
    actions = dataset.add_subparsers(required=True, metavar="ACTION")
    parser = actions.add_parser(
        "write",
        help="write OUT/train/dummy/patch_<n>.jpg",
        description="Write the crops of photos as JPEG files, OUT/train/dummy/patch_<n>.jpg.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="a file, a folder, a .txt list, or a name such as china"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder, or one to continue")
    parser.add_argument(
        "--samples", type=int, default=1281167, metavar="N", help="number of crops (default: %(default)s)"
    )
    parser.add_argument("--size", type=int, default=256, metavar="PX", help="side of a crop (default: %(default)s)")
    parser.add_argument("--recipe", default="released", help="released or paper (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed that the crops are drawn with (default: %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: one per core)"
    )
    parser.set_defaults(command=write_command)


def write_command(arguments: argparse.Namespace) -> int:
    """Write the crops that are missing from the folder.

    Raises:
        MonoImageError: a bad photo or option, or a folder that cannot be written or holds other files.
    """
    from vissl_monoimage.data.crops.export import ExportJob, write_crops
    from vissl_monoimage.data.crops.settings import recipe_from_options
    from vissl_monoimage.data.photos.cache import PyramidCache
    from vissl_monoimage.data.photos.find import find_photos
    from vissl_monoimage.errors import MonoImageError

    recipe = recipe_from_options(arguments.recipe, arguments.size, arguments.seed)
    photos = PyramidCache(find_photos(arguments.photos), recipe)
    if arguments.workers < 1:
        raise MonoImageError(f"--workers={arguments.workers} must be at least 1")
    if arguments.samples < len(photos):
        raise MonoImageError(f"--samples={arguments.samples} must be at least {len(photos)}, one per photo")
    job = ExportJob(photos, recipe, arguments.samples, arguments.seed, arguments.out)
    written = write_crops(job, arguments.workers)
    print(f"{job.folder}: {written} crops written, {arguments.samples - written} were there already")
    return 0
