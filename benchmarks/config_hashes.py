"""Print `config_hash` and `group_hash` of every YAML of ours, as JSON: {name: [config_hash, group_hash]}.

    python benchmarks/config_hashes.py > hashes.json

Run it before and after a change that must leave the hashes as they are: by them committed rows are known as done, and
seeds as runs of one experiment. `tests/unit/ledger/test_config_hashes.py` compares them with those that are committed;
after a change on purpose, or for a new YAML, write them again with the command above.
"""

from __future__ import annotations

import json
from typing import Any

from omegaconf import OmegaConf

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.ledger.provenance import config_hash
from vissl_monoimage.utils.paths import config_folder

PRETRAINING = "config=pretrain/monoimage/rotnet_alexnet"
PROBE = "config=benchmark/monoimage/linear_cifar10"
OVERLAYS_OF_PROBES = ("knn", "low_shot")


def overrides_for(name: str) -> list[str]:
    """Return the overrides that compose a YAML; an overlay is laid over a pretraining or a probe, as it needs."""
    group, _, overlay = name.rpartition("/")
    if group != "monoimage":
        words = [f"config={name}"]
    else:
        words = [PROBE if overlay in OVERLAYS_OF_PROBES else PRETRAINING, f"+config/{group}={overlay}"]
    return [*words, "config.DATA.TRAIN.DATA_PATHS=[/x/photo.jpg]"]


def hashes() -> dict[str, list[str]]:
    """Return config_hash and group_hash of every YAML of ours by its name, `pretrain/monoimage/rotnet_alexnet`."""
    root, found = config_folder() / "config", {}
    for path in sorted(root.rglob("*.yaml")):
        name = str(path.relative_to(root).with_suffix(""))
        composed: Any = OmegaConf.to_container(compose_config(overrides_for(name)).config, resolve=True)
        found[name] = [config_hash(composed), config_hash(composed, seed=False)]
    return found


if __name__ == "__main__":
    print(json.dumps(hashes(), indent=0, sort_keys=True))
