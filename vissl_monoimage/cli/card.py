"""`monoimage card`: photos by numbers that might say how much a network learns from them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """\
example:
  monoimage card china coffee
  monoimage card me.jpg photos/ -o cards
"""


def add_parser(subparsers: Any) -> None:
    """Add `card` to the command line."""
    parser = subparsers.add_parser(
        "card",
        help="measure photos: edges, spectrum, colours, crops, rotations",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", metavar="PHOTO", nargs="+", help="a name such as china, a file, a folder or a list")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="write card.csv and a card.png a photo")
    parser.set_defaults(command=card_command)


def card_command(arguments: argparse.Namespace) -> int:
    """Measure, print and, with -o, write."""
    from vissl_monoimage.data.photos.catalog import resolve
    from vissl_monoimage.data.photos.decode import load_photo
    from vissl_monoimage.data.statistics.drawing import save_card
    from vissl_monoimage.data.statistics.measures import as_text, measure, save_csv
    from vissl_monoimage.utils.paths import make_folder

    folder: Path | None = arguments.output
    paths = resolve(arguments.photos)
    if folder:
        make_folder(folder)
    cards = []
    for number, path in enumerate(paths, 1):
        photo = load_photo(path)
        cards.append(measure(photo))
        if folder:
            # Two photos may have one name, in different folders.
            name = "card.png" if len(paths) == 1 else f"{number:03d}_{path.stem}_card.png"
            save_card(photo.pixels, cards[-1], folder / name)
        if len(paths) > 1:
            print(f"{path.name}: {number} of {len(paths)}", flush=True)
    print(as_text(cards))
    if folder:
        save_csv(cards, folder / "card.csv")
        print(f"{folder / 'card.csv'}")
    return 0
