"""The photos that `which_photo.py` compares: the whole catalog and the synthetic controls, without a network.

    python benchmarks/photo_set.py FOLDER [--size 512]

Writes the synthetic photos (`vissl_monoimage.data.photos.synthetic`, seed 0) as PNG files into FOLDER, and
FOLDER/photos.txt, a list of all 21 that `monoimage card` and config.DATA.TRAIN.DATA_PATHS read; train on one
line of it at a time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.synthetic import SYNTHETIC, write_synthetic
from vissl_monoimage.utils.atomic_write import replace_text


def write_photos(folder: Path, size: int) -> Path:
    """Write the synthetic photos and a list of all photos into `folder`, and return the path of the list.

    Raises:
        MonoImageError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in SYNTHETIC:
        write_synthetic(name, folder / f"{name}.png", size)
    listed = folder / "photos.txt"
    replace_text(listed, "".join(f"{line}\n" for line in [*CATALOG, *(f"{name}.png" for name in SYNTHETIC)]))
    return listed


def main() -> None:
    """Write the photos into the folder of the command line."""
    parser = argparse.ArgumentParser(description="the photos that which_photo.py compares")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=512, help="side of a synthetic photo in px [512]")
    arguments = parser.parse_args()
    print(write_photos(arguments.folder, arguments.size))


if __name__ == "__main__":
    main()
