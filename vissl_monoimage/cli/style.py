"""`monoimage style`: one photo painted in the style of another, as the convolutions of a trunk see it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vissl_monoimage.cli.argument_types import seed as seed_number

if TYPE_CHECKING:
    from vissl_monoimage.style_transfer import Features

EXAMPLE = """\
examples:
  monoimage style china coffee -o random.png
  monoimage style me.jpg art.jpg -o style.png --checkpoint runs/me/checkpoint.torch --trunk alexnet_rotnet_64px
"""
SIZES, STEPS = (32, 2048), (1, 10_000)


def add_parser(subparsers: Any) -> None:
    """Add `style` to the command line."""
    parser = subparsers.add_parser(
        "style",
        help="paint a photo in the style of another, as a trunk sees it",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("content", metavar="CONTENT", help="what is painted: a file, or a name such as china")
    parser.add_argument("style", metavar="STYLE", help="a photo with the style, likewise")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a .png or .jpg")
    parser.add_argument("--checkpoint", metavar="FILE", help="of the trunk [none: random weights]")
    parser.add_argument("--trunk", default="convnet4", help="[convnet4]")
    parser.add_argument("--size", type=int, default=256, help="longer side of the picture in px [256]")
    parser.add_argument("--steps", type=int, default=100, help="of the optimizer [100]")
    parser.add_argument("--seed", type=seed_number, default=0, help="of random weights [0]")
    parser.set_defaults(command=style_command)


def style_command(arguments: argparse.Namespace) -> int:
    """Paint the picture and save it.

    Raises:
        MonoImageError: a bad photo, trunk, checkpoint or number, or an output that cannot be written.
    """
    from vissl_monoimage import style_transfer as style
    from vissl_monoimage.data.crops.contact_sheet import save_picture
    from vissl_monoimage.data.photos.catalog import CATALOG
    from vissl_monoimage.data.photos.decode import load_photo
    from vissl_monoimage.data.photos.find import find_one_photo

    _check(arguments)
    names = (arguments.content, arguments.style)
    content, target = (style.to_tensor(load_photo(find_one_photo(name)).pixels, arguments.size) for name in names)
    features, weights = _features(arguments.trunk, arguments.checkpoint, arguments.seed)
    began = time.monotonic()
    for name, image in zip(names, (content, target), strict=True):
        features.check_size(image, name)
    objective = style.Objective(features, content, target)
    painted = style.transfer(objective, content, arguments.steps)
    save_picture(style.to_image(painted), arguments.output)
    style_loss, content_loss = (float(loss) for loss in objective(painted))
    initial_loss = float(objective(content)[0])
    print(
        f"{arguments.output}: {content.shape[3]}x{content.shape[2]} px, by {arguments.trunk} ({weights}), "
        f"{arguments.steps} steps in {time.monotonic() - began:.0f} s: "
        f"style {initial_loss:.3g} -> {style_loss:.3g}, content 0 -> {content_loss:.3g}"
    )
    for name in names:
        if credit := CATALOG.get(name):
            print(f"photo: {credit.credit}; {credit.licence}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse wrong arguments before the work, which takes minutes."""
    from vissl_monoimage.data.crops.contact_sheet import picture_format
    from vissl_monoimage.errors import MonoImageError, unknown
    from vissl_monoimage.models.download import is_remote
    from vissl_monoimage.models.trunks.registry import OURS, trunk_names
    from vissl_monoimage.utils.paths import unwritable

    for option, value, (least, most) in (
        ("--size", arguments.size, SIZES),
        ("--steps", arguments.steps, STEPS),
    ):
        if not least <= value <= most:
            raise MonoImageError(f"{option}={value} must be between {least} and {most}")
    checkpoint = arguments.checkpoint
    if checkpoint and not is_remote(checkpoint) and not Path(checkpoint).is_file():
        raise MonoImageError(f"--checkpoint: no checkpoint at '{checkpoint}'")
    picture_format(arguments.output)
    folder = arguments.output.parent
    if not folder.is_dir():
        raise MonoImageError(f"cannot write {arguments.output}: there is no folder {folder}")
    if problem := unwritable(folder):
        raise MonoImageError(problem)
    if arguments.trunk not in OURS and arguments.trunk not in trunk_names():
        raise MonoImageError(f"--trunk: {unknown('trunk', arguments.trunk, trunk_names())}")


def _features(name: str, checkpoint: str | None, seed: int) -> tuple[Features, str]:
    """Return the trunk's convolutions, and the weights in words."""
    from vissl_monoimage.models.checkpoint.load import load_trunk
    from vissl_monoimage.models.normalisation import CIFAR10
    from vissl_monoimage.models.trunks.registry import build_trunk
    from vissl_monoimage.style_transfer import Features, convolutions
    from vissl_monoimage.utils.random import seed_everything

    seed_everything("style", seed)
    trunk = load_trunk(checkpoint, name) if checkpoint else build_trunk(name)
    weights = checkpoint or f"random weights, seed {seed}"
    return Features(trunk, convolutions(trunk, name), CIFAR10.mean, CIFAR10.std), weights
