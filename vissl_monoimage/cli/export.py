"""`monoimage export`: a trunk as a folder for other code, with a model card."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

EXAMPLE = """\
examples:
  monoimage export runs/rotnet/checkpoint.torch -o rotnet --results runs
  monoimage export runs/rotnet/checkpoint.torch -o rotnet --results runs --onnx
a checkpoint of another library, or one that lies in no folder of a run:
  monoimage export resnet50.pth --trunk resnet -o resnet50
open the folder with vissl_monoimage.load_trunk("rotnet"), which does not need VISSL; model.safetensors in it is also a
checkpoint that probes read.
"""


def add_parser(subparsers: Any) -> None:
    """Add `export` to the command line."""
    parser = subparsers.add_parser(
        "export",
        help="a trunk as model.safetensors, config.json and a model card, for other code",
        description="Write FOLDER/model.safetensors, config.json and README.md, a model card made from the ledger.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a checkpoint, in the folder of its run if it has one")
    parser.add_argument("-o", "--out", required=True, metavar="FOLDER", help="a new or empty folder")
    parser.add_argument("--trunk", metavar="NAME", help="the architecture (default: what the folder of the run says)")
    parser.add_argument(
        "--results",
        nargs="+",
        default=[],
        metavar="PATH",
        help="ledgers, or folders with runs below them, for the card: the probes of these weights and their run",
    )
    parser.add_argument("--onnx", action="store_true", help="write model.onnx too, of a convolutional trunk")
    parser.set_defaults(command=export_command)


def export_command(arguments: argparse.Namespace) -> int:
    """Write the folder.

    Raises:
        MonoImageError: the checkpoint cannot be opened, the folder holds something else, or ONNX cannot be written.
    """
    from vissl_monoimage.export.accuracies import add_accuracies
    from vissl_monoimage.export.folder import check_folder, write_folder
    from vissl_monoimage.export.load import load
    from vissl_monoimage.export.onnx import check_onnx, to_onnx
    from vissl_monoimage.ledger import io as ledger

    folder = Path(arguments.out).expanduser()
    loaded = load(arguments.checkpoint, arguments.trunk, ledgers=arguments.results)
    trunk = loaded.trunk
    check_folder(folder, trunk.config.facts["checkpoint"]["sha256"])
    if arguments.onnx:
        check_onnx(trunk.trunk)
    if loaded.report:
        print(loaded.report, file=sys.stderr)
    rows = ledger.read(arguments.results, ledger.print_note)
    own = [loaded.run.row] if loaded.run.row and loaded.run.row.run_id not in {row.run_id for row in rows} else []
    add_accuracies(trunk, [*rows, *own], ledger.print_note)
    write_folder(trunk, folder, to_onnx(trunk) if arguments.onnx else None)
    print(f"{folder}: {trunk.trunk}, layers {', '.join(trunk.layers)}")
    return 0
