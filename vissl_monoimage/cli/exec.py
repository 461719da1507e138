"""`monoimage exec`: any of VISSL's tools, or a script, with our plugin."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

DESCRIPTION = """\
Run a module, or a script, as Python itself would, with our plugin loaded in it and in every Python it starts: VISSL is
adapted to current libraries, and our configs, trunks and tasks are known by name. The exit status is the tool's.
"""
EXAMPLE = """\
examples:
  monoimage exec -m tools.run_distributed_engines config=pretrain/monoimage/rotnet_convnet4 +config/monoimage=smoke
  monoimage exec my_script.py --epochs 3
"""


def add_parser(subparsers: Any) -> None:
    """Add `exec` to the command line."""
    parser = subparsers.add_parser(
        "exec",
        help="run one of VISSL's own tools, or a script, with our plugin",
        usage="monoimage exec [-h] (-m MODULE | SCRIPT) ...",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        prefix_chars="\0",  # every option is the tool's own
        add_help=False,
    )
    parser.add_argument("tool", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(command=exec_command, parser=parser)


def exec_command(arguments: argparse.Namespace) -> NoReturn:
    """Become `python TOOL...`."""
    import vissl_monoimage.compat

    tool = arguments.tool
    if tool[:1] in (["-h"], ["--help"]):
        arguments.parser.print_help()
        raise SystemExit(0)
    if len(tool) <= (tool[:1] == ["-m"]) or (tool[0].startswith("-") and tool[0] != "-m"):
        arguments.parser.error("give -m MODULE or the path of a script, and the tool's own arguments after it")
    site = str(Path(vissl_monoimage.compat.__file__).parent / "site")
    path = os.pathsep.join(filter(None, [site, os.environ.get("PYTHONPATH")]))
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *tool], {**os.environ, "PYTHONPATH": path})
