"""`monoimage features`: what each layer of a trunk computes of labelled images, in one file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """\
examples:
  monoimage features runs/me/checkpoint.torch data/train -o train.npz
  monoimage features downloaded.torch data/train -o train.safetensors --trunk resnet --layers res4,res5
FOLDER has a folder of images for each class, as for torchvision's ImageFolder. Images are resized and normalised as the
trunk's are, which is printed, and each feature is averaged over its map: float32 (images, channels) by layer. With them
are labels, the names of the classes and the paths of the images: docs/your_code.md.
"""


def add_parser(subparsers: Any) -> None:
    """Add `features` to the command line."""
    parser = subparsers.add_parser(
        "features",
        help="each layer's features of a folder of labelled images, in one file",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT", help="in the folder of its run, a folder of `monoimage export`, or any file"
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="with images in FOLDER/<class>/")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a .npz or .safetensors")
    parser.add_argument("--trunk", metavar="NAME", help="the architecture [as the checkpoint's folder says]")
    parser.add_argument("--layers", metavar="NAME,NAME", help="[those that probes read]")
    parser.set_defaults(command=features_command)


def features_command(arguments: argparse.Namespace) -> int:
    """Compute the features and write the file.

    Raises:
        MonoImageError: a bad checkpoint, trunk, layer or folder, an unreadable image, or a file that cannot be written.
    """
    import numpy as np

    from vissl_monoimage import __version__
    from vissl_monoimage.data.class_images import ClassImages
    from vissl_monoimage.export.feature_file import Labelled, check_file, check_paths, write_features
    from vissl_monoimage.export.load import load
    from vissl_monoimage.export.pooled_features import POOLING, pooled_features
    from vissl_monoimage.models.checkpoint.file import checkpoint_sha256

    check_file(arguments.output)
    layers = [name.strip() for name in arguments.layers.split(",")] if arguments.layers else None
    loaded = load(arguments.checkpoint, arguments.trunk, layers)
    images = ClassImages(arguments.folder)  # last, for a large folder takes minutes
    check_paths(arguments.output, images.paths)
    trunk = loaded.trunk
    if layers is None:
        trunk.layers = trunk.probed_layers or trunk.layers
    about = {
        "trunk": trunk.trunk,
        "weights": arguments.checkpoint,
        "weights_sha256": checkpoint_sha256(loaded.file),
        "pooling": POOLING,
        "input_size": trunk.input_size,
        "mean": [*trunk.mean],
        "std": [*trunk.std],
        "normalisation_from": trunk.config.normalisation_from,
        "vissl_monoimage": __version__,
    }
    print(
        f"images: shorter side resized to {trunk.input_size} px, centre cropped, normalised by mean {about['mean']}, "
        f"std {about['std']} ({about['normalisation_from']})"
    )
    features = pooled_features(trunk, images)
    of = Labelled(np.array(images.targets, np.int64), images.classes, images.paths, about)
    write_features(arguments.output, features, of)
    shapes = ", ".join(f"{layer} {rows.shape[1]}" for layer, rows in features.items())
    print(f"{arguments.output}: {len(images)} images of {len(images.classes)} classes; {POOLING}: {shapes}")
    return 0
