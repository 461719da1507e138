"""Our own block of the configuration, `config.MONOIMAGE`, and what a run names: photos, protocol, checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError


@dataclass(frozen=True)
class MonoImageConfig:
    """`config.MONOIMAGE`; every key is optional.

    Attributes:
        SOURCE: the single-image source (`images.recipe.SourceBlock`).
        PATCHES: the embedded labelled set (`images.patches.PatchesConfig`).
        PROTOCOL: name of the probe protocol (`probe.protocols`).
        BF16: run the model's forward under bfloat16 autocast, on CPU as well.
        CACHE_FEATURES: run a probe's frozen trunk once over the data instead of in every epoch (`probe.feature_cache`).
        DEEPCLUSTER: the clustering (`pretext.deepcluster.clustering.DeepClusterConfig`).
        PICTURES_EVERY: epochs between two sets of pictures of what a generator draws, or of clusters; 0: none.
        LEDGER: file the result is appended to; "" is ledger.jsonl in the run's folder.
    """

    SOURCE: Mapping[str, Any] = field(default_factory=dict)
    PATCHES: Mapping[str, Any] = field(default_factory=dict)
    PROTOCOL: str = ""
    BF16: bool = False
    CACHE_FEATURES: bool = False
    DEEPCLUSTER: Mapping[str, Any] = field(default_factory=dict)
    PICTURES_EVERY: int = 1
    LEDGER: str = ""


def problems_in(config: Mapping[str, Any]) -> Iterator[str]:
    """Problems with `config.MONOIMAGE`, and with the checkpoint that `config` names.

    Args:
        config: what lies below VISSL's `config`, as plain containers.
    """
    from vissl_monoimage.models.checkpoint import check_trunk

    block = config.get("MONOIMAGE") or {}
    yield from _told(lambda: read_block(MonoImageConfig, block, "config.MONOIMAGE"))
    yield from check_trunk(config["MODEL"]["WEIGHTS_INIT"]["PARAMS_FILE"], config)


def _told(check: Callable[[], Any]) -> list[str]:
    try:
        check()
    except MonoImageError as error:
        return [str(error)]
    return []
