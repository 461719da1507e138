"""`monoimage run`: VISSL with our plugin, in VISSL's own grammar."""

from __future__ import annotations

import argparse
from typing import Any

EXAMPLE = """\
example:
  monoimage run config=pretrain/monoimage/rotnet_alexnet +config/monoimage=cpu \\
    config.DATA.TRAIN.DATA_PATHS=[me.jpg] config.CHECKPOINT.DIR=runs/me
"""


def add_parser(subparsers: Any) -> None:
    """Add `run` to the command line."""
    parser = subparsers.add_parser(
        "run",
        help="train or probe with VISSL: any of its configs or ours, with overrides",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--verbose", action="store_true", help="VISSL's whole log on the console as well")
    parser.add_argument("overrides", nargs="+", metavar="OVERRIDE", help="as for run_distributed_engines")
    parser.set_defaults(command=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Run VISSL on the overrides."""
    from vissl_monoimage import launch

    launch.run(arguments.overrides, verbose=arguments.verbose)
    return 0
