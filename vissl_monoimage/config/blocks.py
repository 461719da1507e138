"""Our own block of the configuration, `config.MONOIMAGE`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.schema import read_block

WHERE = "config.MONOIMAGE"


@dataclass(frozen=True)
class MonoImageConfig:
    """`config.MONOIMAGE`; every key is optional.

    Attributes:
        SOURCE: the single-image source (`data.crops.recipe.SourceBlock`).
        PATCHES: the embedded labelled set (`data.photo_patches.PatchesConfig`).
        PROTOCOL: name of the probe protocol (`probe.protocols`).
        BF16: run the model's forward pass under bfloat16 autocast, on a CPU as well.
        CACHE_FEATURES: run a probe's frozen trunk once over the data instead of in every epoch (`probe.feature_cache`).
        DEEPCLUSTER: the clustering (`pretext.deepcluster.clustering.DeepClusterConfig`).
        PICTURES_EVERY: epochs between two sets of pictures, of a generator's images or of clusters; 0: none.
        LEDGER: file that the result is appended to; "" is ledger.jsonl in the run's folder.
        DRAWN_FROM: name of the data set that the training images are drawn from with the run's seed; "" means that they
            are the same for all seeds. Runs on other draws are seeds of one experiment.
        TRANSFER_DATA: NAME=FOLDER of a labelled data set, on whose test images a finished pretraining's own task is
            measured (`pretext.transfer`); "" for none. It has no influence on the training.
    """

    SOURCE: Mapping[str, Any] = field(default_factory=dict)
    PATCHES: Mapping[str, Any] = field(default_factory=dict)
    PROTOCOL: str = ""
    BF16: bool = False
    CACHE_FEATURES: bool = False
    DEEPCLUSTER: Mapping[str, Any] = field(default_factory=dict)
    PICTURES_EVERY: int = 1
    LEDGER: str = ""
    DRAWN_FROM: str = ""
    TRANSFER_DATA: str = ""


def monoimage_block(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `config.MONOIMAGE`, empty where it is absent or null; `config` is what lies below VISSL's `config`."""
    return config.get("MONOIMAGE") or {}


def check_block(config: Settings) -> Iterator[str]:
    """Refuse unknown keys and wrong types in our own block; its nested blocks are checked by those who read them."""
    read_block(MonoImageConfig, monoimage_block(config), WHERE)
    yield from ()
