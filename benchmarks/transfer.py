"""Measure the pretext task of finished pretrainings on images that were not trained on, as their ledger rows have it.

    python benchmarks/transfer.py RUN... [--data NAME=FOLDER]

For runs from before rows had `pretext.transfer`, or for another data set (`--data`, as `reproduce --data`
takes it). RUN is a pretraining's folder with its ledger and its last checkpoint; start it where the run was started if
its photos have relative paths. A line of JSON for each run; docs/ledger.md says what the numbers are.
results/transfer.json is of rotnet_convnet4 from the market photo, with 20,000 crops and one epoch.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.launch import prepare
from vissl_monoimage.ledger.io import read
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.pretext.transfer.measure import measure_transfer


def pretraining_in(folder: Path) -> Row:
    """Return the row of the pretraining in a run's folder.

    Raises:
        MonoImageError: it has none, or none with a checkpoint.
    """
    rows = [row for row in read([folder / "ledger.jsonl"]) if row.kind == "pretrain" and row.checkpoint_out]
    if not rows:
        raise MonoImageError(f"{folder}: there is no row of a pretraining with a checkpoint in its ledger.jsonl")
    return rows[-1]


def transfer_of(row: Row, data: str) -> dict[str, dict[str, float]]:
    """Return what `measure_transfer` measures for the last checkpoint of a pretraining.

    Args:
        row: of the pretraining.
        data: NAME=FOLDER of a labelled data set; "" for the one that the run itself names, if any.
    """
    from classy_vision.tasks import TASK_REGISTRY  # after our plugin, which mends its imports
    from vissl.utils.hydra_config import convert_to_attrdict

    words = [*row.overrides, f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={quoted(str(row.checkpoint_out))}"]
    words += [f"++config.MONOIMAGE.TRANSFER_DATA={quoted(data)}"] if data else []
    with tempfile.TemporaryDirectory() as empty:  # a run in its own folder would be resumed
        composed: Any = compose_config([*words, f"config.CHECKPOINT.DIR={quoted(empty)}"])
        prepare(composed)
        config = convert_to_attrdict(composed, dump_config=False)[1]
        task = TASK_REGISTRY[config.TRAINER.TASK_NAME].from_config(config)
        task.available_splits = ["TRAIN", "TEST"] if config.TEST_MODEL else ["TRAIN"]
        task.datasets = task.build_datasets()[0]
        task.base_model = task._build_model()
    return measure_transfer(task)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--data", default="", metavar="NAME=FOLDER")
    arguments = parser.parse_args()
    for run in arguments.runs:
        found = pretraining_in(run)
        what = {"name": found.name, "images": [image["name"] for image in found.images], "seed": found.seed}
        print(json.dumps({**what, "images_seen": found.images_seen, "transfer": transfer_of(found, arguments.data)}))
