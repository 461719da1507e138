"""`monoimage run`: VISSL with our plugin, in VISSL's own grammar."""

from __future__ import annotations

import argparse
from typing import Any

EXAMPLE = """\
examples:
  monoimage run config=pretrain/monoimage/rotnet_alexnet +config/monoimage=cpu \\
    config.DATA.TRAIN.DATA_PATHS=[me.jpg] config.CHECKPOINT.DIR=runs/me
  monoimage run config=benchmark/monoimage/linear_photo_patches \\
    config.MODEL.WEIGHTS_INIT.PARAMS_FILE=runs/me/checkpoint.torch config.CHECKPOINT.DIR=runs/me_probe
`monoimage ls configs` lists our configs; all of VISSL's work as well. In zsh, put brackets in quotes.
"""


def add_parser(subparsers: Any) -> None:
    """Add `run` to the command line."""
    parser = subparsers.add_parser(
        "run",
        help="train or probe with VISSL: any of its configs or ours, with overrides",
        description="Run VISSL's run_distributed_engines with this plugin: check the config, train or probe, and write "
        "the result\ninto ledger.jsonl in config.CHECKPOINT.DIR. Interrupted, the same command continues.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--verbose", action="store_true", help="print VISSL's whole log, which also goes to log.txt")
    parser.add_argument(
        "overrides", nargs="+", metavar="OVERRIDE", help="config=NAME, +config/monoimage=OVERLAY or config.KEY=VALUE"
    )
    parser.set_defaults(command=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Run VISSL with the overrides.

    Raises:
        MonoImageError: the configuration is wrong, or the run failed by a user's mistake.
    """
    from vissl_monoimage import launch

    launch.run(arguments.overrides, verbose=arguments.verbose)
    return 0
