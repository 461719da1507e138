"""DeepClusterV2 is VISSL's own; here is only what its clusters ask of the data, told before anything starts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from vissl_monoimage.config.access import monoimage_block
from vissl_monoimage.data.crops.recipe import read_source_block

LOSS = "deepclusterv2_loss"


def problems_with(config: Mapping[str, Any]) -> Iterator[str]:
    """Of `config`, what lies below VISSL's `config`: more clusters than samples.

    VISSL draws the first centroids among the samples that one process holds, and stops at an assertion if there are
    too few, which is after a whole pass over them.
    """
    train = config["DATA"]["TRAIN"]
    if config["LOSS"]["name"] != LOSS or "single_image" not in train["DATA_SOURCES"]:
        return
    samples = train["DATA_LIMIT"]
    if samples < 0:
        samples = read_source_block(monoimage_block(config).get("SOURCE")).NUM_SAMPLES
    held = math.ceil(samples / (config["DISTRIBUTED"]["NUM_NODES"] * config["DISTRIBUTED"]["NUM_PROC_PER_NODE"]))
    if train["DROP_LAST"]:
        held -= held % train["BATCHSIZE_PER_REPLICA"]
    wanted = config["LOSS"][LOSS]["num_clusters"]
    if max(wanted) > held:
        yield f"config.LOSS.{LOSS}.num_clusters={wanted} is more than the {held} samples of a process: give fewer"
