"""The `monoimage` command: one file a subcommand."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys

from vissl_monoimage.cli.version import VersionAction
from vissl_monoimage.compat.child_commands import end_with_command
from vissl_monoimage.compat.missing_vissl import require_vissl
from vissl_monoimage.compat.signals import TerminatedError
from vissl_monoimage.errors import DISK_ERRORS, MonoImageError
from vissl_monoimage.utils.printable import printable

COMMANDS = (
    "setup",
    "demo",
    "run",
    "init",
    "features",
    "preview",
    "card",
    "style",
    "dataset",
    "export",
    "report",
    "reproduce",
    "verify",
    "doctor",
    "ls",
    "exec",
)
NEED_VISSL = ("demo", "run", "reproduce", "exec")  # checked before they write anything


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand and return the exit status.

    A user's mistake ends with one message on standard error and status 2.
    """
    end_with_command()
    parser = argparse.ArgumentParser(
        prog="monoimage", description="How much of each layer of a network can one image teach?"
    )
    parser.add_argument("--version", action=VersionAction, help="print the versions of this package, torch and VISSL")
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
            print(f"monoimage: {printable(line)}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `monoimage ls | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        print(f"monoimage: cannot write {error.filename or 'a file'}: {error.strerror}", file=sys.stderr)
        return 2
    except TerminatedError:
        print("monoimage: terminated; the same command continues from the last checkpoint", file=sys.stderr)
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        print("monoimage: stopped; the same command continues from the last checkpoint", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
