"""DeepClusterV2 is VISSL's own; this is the check of what its clusters need from the data."""

from __future__ import annotations

import math
from collections.abc import Iterator

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.data.crops.settings import read_source_block

LOSS = "deepclusterv2_loss"


@register_check
def check_clusters(config: Settings) -> Iterator[str]:
    """Refuse more clusters than samples.

    VISSL draws the first centroids among the samples that one process holds. If there are too few, it stops at an
    assertion, after a whole pass over them.
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
    clusters = config["LOSS"][LOSS]["num_clusters"]
    if max(clusters) > held:
        yield f"config.LOSS.{LOSS}.num_clusters={clusters} is more than the {held} samples of a process: give fewer"
