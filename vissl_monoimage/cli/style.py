"""`monoimage style`: one photo painted in the style of another, by what a trunk's convolutions see."""

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
NORMALISED_AS = "config=benchmark/monoimage/linear_cifar10"
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
    """Paint and save the picture.

    Raises:
        MonoImageError: a bad photo, trunk, checkpoint or number, a place that cannot be written.
    """
    from vissl_monoimage import style_transfer as style
    from vissl_monoimage.data.crops.contact_sheet import save_picture
    from vissl_monoimage.data.photos.catalog import CATALOG
    from vissl_monoimage.data.photos.decode import load_photo
    from vissl_monoimage.data.photos.find import find_one_photo

    _check(arguments)
    names = (arguments.content, arguments.style)
    content, wanted = (style.to_tensor(load_photo(find_one_photo(name)).pixels, arguments.size) for name in names)
    features, weights = _features(arguments.trunk, arguments.checkpoint, arguments.seed)
    began = time.monotonic()
    for name, image in zip(names, (content, wanted), strict=True):
        features.check_size(image, name)
    objective = style.Objective(features, content, wanted)
    painted = style.transfer(objective, content, arguments.steps)
    save_picture(style.to_image(painted), arguments.output)
    left, changed = (float(loss) for loss in objective(painted))
    before = float(objective(content)[0])
    print(
        f"{arguments.output}: {content.shape[3]}x{content.shape[2]} px, by {arguments.trunk} ({weights}), "
        f"{arguments.steps} steps in {time.monotonic() - began:.0f} s: "
        f"style {before:.3g} -> {left:.3g}, content 0 -> {changed:.3g}"
    )
    for name in names:
        if credit := CATALOG.get(name):
            print(f"photo: {credit.credit}; {credit.licence}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """What can be found wrong at once, so that no minute of work ends in it."""
    from vissl.models.trunks import MODEL_TRUNKS_REGISTRY

    from vissl_monoimage.data.crops.contact_sheet import picture_format
    from vissl_monoimage.errors import MonoImageError, unknown
    from vissl_monoimage.models.download import is_remote
    from vissl_monoimage.utils.paths import unwritable

    for option, value, (least, most) in (
        ("--size", arguments.size, SIZES),
        ("--steps", arguments.steps, STEPS),
    ):
        if not least <= value <= most:
            raise MonoImageError(f"{option}={value} must be between {least} and {most}")
    given = arguments.checkpoint
    if given and not is_remote(given) and not Path(given).is_file():
        raise MonoImageError(f"--checkpoint: no checkpoint at '{given}'")
    picture_format(arguments.output)
    folder = arguments.output.parent
    if not folder.is_dir():
        raise MonoImageError(f"cannot write {arguments.output}: there is no folder {folder}")
    if problem := unwritable(folder):
        raise MonoImageError(problem)
    if arguments.trunk not in MODEL_TRUNKS_REGISTRY:
        raise MonoImageError(f"--trunk: {unknown('trunk', arguments.trunk, MODEL_TRUNKS_REGISTRY)}")


def _features(name: str, checkpoint: str | None, seed: int) -> tuple[Features, str]:
    """The trunk with its weights, and what is said of these."""
    from omegaconf import OmegaConf
    from vissl.config import AttrDict
    from vissl.models.trunks import get_model_trunk

    from vissl_monoimage.config.compose import compose_config
    from vissl_monoimage.models.checkpoint import fill
    from vissl_monoimage.models.checkpoint_file import read_checkpoint
    from vissl_monoimage.models.download import fetch, is_remote
    from vissl_monoimage.models.features import build_on_meta
    from vissl_monoimage.style_transfer import Features, convolutions
    from vissl_monoimage.utils.random import seed_everything

    composed = compose_config([NORMALISED_AS, f"config.MODEL.TRUNK.NAME={name}"])
    config = AttrDict(OmegaConf.to_container(composed.config, resolve=True))
    (normalise,) = (one for one in config.DATA.TEST.TRANSFORMS if one["name"] == "Normalize")
    layers = convolutions(build_on_meta(config.MODEL), name)
    seed_everything("style", seed)
    trunk = get_model_trunk(name)(config.MODEL, name)
    if checkpoint:
        checkpoint = fetch(checkpoint) if is_remote(checkpoint) else checkpoint
        fill(trunk, name, read_checkpoint(checkpoint), checkpoint)
    said = checkpoint or f"random weights, seed {seed}"
    return Features(trunk, layers, normalise["mean"], normalise["std"]), said
