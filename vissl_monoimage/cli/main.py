"""The `monoimage` command: one file a subcommand."""

from __future__ import annotations

import argparse
import contextlib
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
            _say(f"monoimage: {printable(line)}")
        return 2
    except BrokenPipeError:  # `monoimage ls | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        _say(f"monoimage: cannot write {error.filename or 'a file'}: {error.strerror}")
        return 2
    except TerminatedError:
        _say("monoimage: terminated; the same command continues from the last checkpoint")
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        _say("monoimage: stopped; the same command continues from the last checkpoint")
        return 130


def _say(sentence: str) -> None:
    """Print to stderr, which may be a file on the disk that is full: then there is nothing to say it on."""
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
