"""The `monoimage` command: one file a subcommand."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from vissl_monoimage.compat.missing_vissl import require_vissl
from vissl_monoimage.errors import MonoImageError

COMMANDS = ("setup", "demo", "run", "init", "preview", "card", "style", "dataset", "report", "reproduce", "ls", "exec")
NEED_VISSL = ("demo", "run", "reproduce", "exec")  # checked before they write anything


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand and return the exit status.

    A user's mistake ends with one message on standard error and status 2.
    """
    parser = argparse.ArgumentParser(
        prog="monoimage", description="How much of each layer of a network can one image teach?"
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", dest="verb")
    for name in COMMANDS:
        importlib.import_module(f"vissl_monoimage.cli.{name}").add_parser(subparsers)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.verb in NEED_VISSL:
            require_vissl()
        return int(chosen.command(chosen))
    except MonoImageError as error:
        for line in str(error).splitlines():
            print(f"monoimage: {line}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `monoimage ls | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("monoimage: stopped; the same command continues from the last checkpoint", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
