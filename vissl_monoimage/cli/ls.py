"""`monoimage ls`: the names that other commands accept."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add `ls` to the command line."""
    parser = subparsers.add_parser(
        "ls",
        help="list benchmarks, configs, photos, protocols and zoo models",
        description="List the names that other commands accept, each with a short description.",
    )
    parser.add_argument("what", metavar="WHAT", nargs="*", help=f"{', '.join(LISTS)} (default: all)")
    parser.set_defaults(command=ls_command)


def ls_command(arguments: argparse.Namespace) -> int:
    """Print the requested lists, or all of them, with a name and its description on each line.

    Raises:
        MonoImageError: an unknown list.
    """
    from vissl_monoimage.errors import MonoImageError, unknown

    for what in arguments.what:
        if what not in LISTS:
            raise MonoImageError(unknown("list", what, LISTS))
    for number, what in enumerate(arguments.what or LISTS):
        print(("\n" if number else "") + what)
        lines = LISTS[what]()
        width = max(len(name) for name, _ in lines)
        for name, about in lines:
            print(f"  {name.ljust(width)}  {about}".rstrip())
    return 0


def _benchmarks() -> list[tuple[str, str]]:
    from vissl_monoimage.reproduce.read_grid import grid_names, read_grid

    return [(name, read_grid(name).title) for name in grid_names()]


def _configs() -> list[tuple[str, str]]:
    """Return our configs, each with the first line of its header comment."""
    from vissl_monoimage.utils.paths import config_folder

    root = config_folder() / "config"
    return [
        (str(path.relative_to(root).with_suffix("")), _header(path.read_text()))
        for path in sorted(root.rglob("*.yaml"))
    ]


def _header(text: str) -> str:
    comments = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    return next((line for line in comments if not line.startswith("@package")), "")


def _photos() -> list[tuple[str, str]]:
    from vissl_monoimage.data.photos.catalog import CATALOG

    return [(name, f"{photo.credit} ({photo.licence})") for name, photo in CATALOG.items()]


def _protocols() -> list[tuple[str, str]]:
    from vissl_monoimage.probe.protocols import PROTOCOLS

    return [(name, protocol.source) for name, protocol in PROTOCOLS.items()]


def _zoo() -> list[tuple[str, str]]:
    from vissl_monoimage.models.zoo import named_models

    return [(name, f"{model.trunk}, {model.method} on {model.pretrained_on}") for name, model in named_models().items()]


LISTS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "benchmarks": _benchmarks,
    "configs": _configs,
    "photos": _photos,
    "protocols": _protocols,
    "zoo": _zoo,
}
