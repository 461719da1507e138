"""`monoimage setup`: VISSL, and the line that lets its own tools run with our plugin."""

from __future__ import annotations

import argparse
import sys
from typing import Any

DESCRIPTION = """\
Install VISSL 0.1.6 into this environment, without its pinned requirements, which today's Python cannot meet, and
checked against a fixed sha256.

Then put one line into a .pth file of the environment's site-packages, with which every Python of the environment
watches for VISSL: VISSL's own tools (python -m tools.run_distributed_engines ...) run as its documentation says, with
our configs. It costs a start of Python less than 1 ms. You are asked first; without a terminal to ask in, it is
written with --yes alone. Its file is named. `monoimage exec` runs a tool without the line.
"""
EXAMPLE = """\
examples:
  monoimage setup
  monoimage setup --yes
  monoimage setup --remove
"""


def add_parser(subparsers: Any) -> None:
    """Add `setup` to the command line."""
    parser = subparsers.add_parser(
        "setup",
        help="install VISSL into this environment",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--yes", action="store_true", help="write the line without asking")
    choice.add_argument("--no-hook", action="store_true", help="install VISSL alone, without the line")
    choice.add_argument("--remove", action="store_true", help="take the line out again; VISSL stays")
    parser.set_defaults(command=setup_command)


def setup_command(arguments: argparse.Namespace) -> int:
    """Install VISSL and write the line, or take the line out.

    Raises:
        MonoImageError: VISSL cannot be installed here, or the line not written or removed.
    """
    from vissl_monoimage.compat import installation, startup_line

    if arguments.remove:
        path = startup_line.remove()
        print(f"removed {path}" if path else "there is no line to remove")
        return 0
    print(installation.install_vissl())
    if path := startup_line.find():
        print(f"VISSL's own tools run with our plugin already: {path}")
    elif not arguments.no_hook and (arguments.yes or _agreed()):
        print(f"VISSL's own tools run with our plugin: {startup_line.write()} (`monoimage setup --remove` undoes it)")
    return 0


def _agreed() -> bool:
    """Ask whether to write the line; without a terminal to ask in, say how to have it and return False."""
    if not sys.stdin.isatty():
        print("VISSL's own tools run with our plugin through `monoimage exec`, or after `monoimage setup --yes`")
        return False
    print("VISSL's own tools (python -m tools....) need one line in this environment's site-packages to run with our")
    print("plugin; it costs a start of Python less than 1 ms. `monoimage run` does without it.")
    return input("Write it? [Y/n] ").strip().lower() in ("", "y", "yes")
