"""`monoimage card`: measures of photos that may predict how much a network learns from them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """\
examples:
  monoimage card china coffee
  monoimage card me.jpg photos/ -o cards
"""


def add_parser(subparsers: Any) -> None:
    """Add `card` to the command line."""
    parser = subparsers.add_parser(
        "card",
        help="measure photos: edges, spectrum, colours, patches, crops, rotations",
        description="Print a table of measures of photos; with -o, also write it and a sheet per photo.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "photos", metavar="PHOTO", nargs="+", help="a file, a folder, a .txt list, or a name such as china"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="write card.csv and a card.png per photo into FOLDER"
    )
    parser.set_defaults(command=card_command)


def card_command(arguments: argparse.Namespace) -> int:
    """Measure the photos, print the table and, with -o, write the files.

    Raises:
        MonoImageError: a photo cannot be read, or the folder cannot be written.
    """
    from vissl_monoimage.data.photos.decode import load_photo
    from vissl_monoimage.data.photos.find import find_photos
    from vissl_monoimage.data.statistics.drawing import save_card
    from vissl_monoimage.data.statistics.measures import as_text, measure, save_csv
    from vissl_monoimage.utils.paths import make_folder
    from vissl_monoimage.utils.progress import track

    folder: Path | None = arguments.output
    paths = find_photos(arguments.photos)
    if folder:
        make_folder(folder)
    cards = []
    for number, path in enumerate(track(paths, "measuring", "photo"), 1):
        photo = load_photo(path)
        cards.append(measure(photo))
        if folder:
            # Photos in different folders may have the same name.
            name = "card.png" if len(paths) == 1 else f"{number:03d}_{path.stem}_card.png"
            save_card(photo.pixels, cards[-1], folder / name)
    print(as_text(cards))
    if folder:
        save_csv(cards, folder / "card.csv")
        print(f"{folder / 'card.csv'}")
    return 0
