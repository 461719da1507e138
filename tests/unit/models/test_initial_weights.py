"""Initial weights under a seed and state-dict keys of our trunks and heads, as they have always been.

`initial_weights.json` was written from the trunks as they were when they subclassed VISSL's. To write it again after
adding a trunk: `python tests/unit/models/test_initial_weights.py`. An entry that is there must not change: a seed in a
published row stands for these weights.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from vissl_monoimage.models.heads.alexnet_fc import AlexNetFC
from vissl_monoimage.models.heads.deepcluster import DeepClusterHead
from vissl_monoimage.models.trunks.registry import OURS, build_trunk, fixed_features

GOLDEN = Path(__file__).with_name("initial_weights.json")
HEADS = {"alexnet_fc": lambda: AlexNetFC([256, 512, 4]), "deepcluster": lambda: DeepClusterHead([256, 512], 10)}
TRUNKS = [name for name in OURS if not fixed_features(name)]
VECTORISED = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")  # others draw other normal numbers


def built(name: str) -> nn.Module:
    """The module of that name under seed 7."""
    torch.manual_seed(7)
    return HEADS[name]() if name in HEADS else build_trunk(name)


def digests(module: nn.Module) -> dict[str, str]:
    """16 hex digits of the sha256 of the keys and shapes, and of the bytes."""
    state = module.state_dict()
    names = repr([(key, tuple(value.shape)) for key, value in state.items()]).encode()
    numbers = b"".join(value.contiguous().numpy().tobytes() for value in state.values())
    return {"keys": hashlib.sha256(names).hexdigest()[:16], "numbers": hashlib.sha256(numbers).hexdigest()[:16]}


def test_every_trunk_is_in_the_file() -> None:
    assert set(json.loads(GOLDEN.read_text())) == {*TRUNKS, *HEADS}


@pytest.mark.parametrize("name", [*TRUNKS, *HEADS])
def test_a_seed_gives_the_weights_it_always_gave(name: str) -> None:
    expected = json.loads(GOLDEN.read_text())[name]
    found = digests(built(name))
    assert found["keys"] == expected["keys"]
    if VECTORISED:
        assert found["numbers"] == expected["numbers"]


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({name: digests(built(name)) for name in [*TRUNKS, *HEADS]}, indent=1) + "\n")
