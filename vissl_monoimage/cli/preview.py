"""`monoimage preview`: a contact sheet of a photo's crops."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """\
examples:
  monoimage preview china
  monoimage preview me.jpg -o me_crops.png --recipe paper --size 64
"""


def add_parser(subparsers: Any) -> None:
    """Add `preview` to the command line."""
    parser = subparsers.add_parser(
        "preview",
        help="draw a contact sheet of a photo's crops",
        description="Draw a photo and the first crops of it that a network would be trained on.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photo", metavar="PHOTO", help="a file, or the name of a photo such as china")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("sheet.png"),
        metavar="FILE",
        help="a .png or .jpg (default: %(default)s)",
    )
    parser.add_argument("--recipe", default="released", help="released or paper (default: %(default)s)")
    parser.add_argument("--size", type=int, default=256, metavar="PX", help="side of a crop (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=4, metavar="N", help="rows of eight crops (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed that the crops are drawn with (default: %(default)s)")
    parser.set_defaults(command=preview_command)


def preview_command(arguments: argparse.Namespace) -> int:
    """Draw and save the sheet.

    Raises:
        MonoImageError: a bad photo or option, or a file that cannot be written.
    """
    from vissl_monoimage.data.crops.contact_sheet import contact_sheet, save_picture
    from vissl_monoimage.data.crops.settings import recipe_from_options
    from vissl_monoimage.data.photos.catalog import CATALOG
    from vissl_monoimage.errors import MonoImageError

    if not 1 <= arguments.rows <= 100:
        raise MonoImageError(f"--rows={arguments.rows} must be between 1 and 100")
    recipe = recipe_from_options(arguments.recipe, arguments.size, arguments.seed)
    sheet = contact_sheet(arguments.photo, recipe, rows=arguments.rows, seed=arguments.seed)
    save_picture(sheet, arguments.output)
    credit = CATALOG.get(arguments.photo)
    print(f"{arguments.output}: crops of {recipe.size} px, recipe {recipe.name}")
    if credit:
        print(f"photo: {credit.credit}; {credit.licence}")
    return 0
