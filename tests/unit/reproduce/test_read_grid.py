"""Reading benchmarks: what is wrong is named, cells inherit, every benchmark that comes with the package is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.trunks.registry import OURS
from vissl_monoimage.reproduce.cell import Cell
from vissl_monoimage.reproduce.read_grid import grid_names, read_grid


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cells": {"a": {"pretrain": "p", "source": "foto"}}}, "did you mean 'photo'"),
        ({"cells": {"a": {"pretrain": "p", "source": "photo:a b"}}}, "source: unknown source 'photo:a b'"),
        ({"cells": {"a": {"pretrain": "p"}}}, "pretrain or init goes with a source"),
        ({"cells": {"a": {"pretrain": "p", "source": "photo", "labels": True}}}, "labels are a data set's"),
        (
            {"cells": {"a": {"pretrain": "p", "source": "photo", "images": 3}}},
            "images=3 must be a number of images of a",
        ),
        ({"cells": {"a": {"zoo": "rotnet"}}}, "zoo: unknown model 'rotnet'"),
        ({"cells": {"a": {"zoo": "rotnet-imagenet-1k", "trunk": "resnet"}}}, "zoo goes with probes and probe_"),
        ({"cells": {"a": {"init": "kmeans"}}}, "pretrain or init goes with a source"),
        ({"cells": {"a": {"init": "kmean", "source": "photo"}}}, "did you mean 'kmeans'"),
        (
            {"cells": {"a": {"init": "sparse_coding", "source": "cifar10"}}},
            "source: unknown photo 'cifar10'",
        ),
        ({"cells": {"a": {"init": "kmeans", "source": "cifar"}}}, "did you mean 'cifar100?'"),
        ({"cells": {"a": {"seeds": -1}}}, "seeds=-1 must be a number of the profile's seeds"),
        ({"cells": {"a": {"init": "kmeans", "source": "photo", "trunk": "resnet"}}}, "trunk: unknown trunk 'resnet'"),
        ({"cells": {"a": {"init": "kmeans", "source": "photo", "images": 2}}}, "without images and labels"),
        ({"cells": {"a": {"init": "kmeans", "source": "photo", "overrides": ["--crops"]}}}, "takes --crops=N alone"),
        ({"cells": {"a": {"init": "kmeans", "pretrain": "p", "source": "photo"}}}, "only one of them makes a trunk"),
        ({"cells": {"a": {"init": "calibrate", "source": "noise"}}}, "of is missing"),
        ({"cells": {"a": {"init": "calibrate", "source": "noises", "of": "config=p"}}}, "did you mean 'noise'"),
        ({"cells": {"a": {"init": "random"}}}, "of is missing"),
        ({"cells": {"a": {"init": "random", "source": "photo", "of": "config=p"}}}, "from a seed alone"),
        (
            {"cells": {"a": {"init": "kmeans", "source": "photo", "of": "config=p"}}},
            "`of` goes with init: random and init: calibrate only",
        ),
        (
            {"cells": {"b": {}, "a": {"init": "random", "of": "b"}, "c": {"pretrain": "p", "source": "photo"}}},
            "cells.a.of: unknown cell with a pretr",
        ),
        ({"cells": {"a": {"minuts": 3}}}, "cells.a: unknown key 'minuts': did you mean 'minutes'"),
        ({"probes": {"a": {"config": "c", "data": "cifar"}}}, "did you mean 'cifar100?'"),
        ({"probes": {"a": {"config": "c", "data": "my set"}}}, "must have letters, digits, - and _ only"),
        ({"profile": {}}, "did you mean 'profiles'"),
        ({"cells": {"a": 3}}, "cells.a=3 must be a mapping"),
        ({"cells": {"a": {"probes": ["patch"]}}}, "cells.a.probes: unknown probe 'patch': did you mean 'patches'"),
        ({"profiles": {"laptop": {"seeds": ["a"]}}}, "must be a list of whole numbers"),
        ({"profiles": {"laptop": {"seeds": []}}}, "must be whole numbers from 0"),
        ({"profiles": {"laptop": {"seeds": [2**32]}}}, "must be whole numbers from 0 to 4294967295"),
        ({"cells": {}}, "mine.yaml: cells must name one at least"),
        ({"cells": {1: {}}}, "cells: 1 must be a name: put it in quotes"),
        ({"cells": {"a": {"minutes": -5}}}, "cells.a.minutes=-5 must be a number that is not negative"),
        ({"cells": {"a": {"minutes": float("inf")}}}, "cells.a.minutes=inf must be a number that is not negative"),
        (
            {"probes": {"../../x": {"config": "c"}}},
            "probes: name '../../x' must have letters, digits, \\+, - and _ only",
        ),
        ({"cells": {"a\0b": {}}}, r"cells: name 'a\\x00b' must have letters"),
        ({"cells": {"a": {"probe_overrides": [3]}}}, r"a.probe_overrides=\[3\] must be a list of names"),
        ({"cells": {"a": {"overrides": [{"config.SEED": 1}]}}}, "must be a list of names"),
        ({"beside": ["table3"]}, "beside: unknown benchmark with results 'table3': did you mean 'table3-cifar'"),
    ],
)
def test_a_mistake_in_a_benchmark_is_named(write: Callable[..., str], changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MonoImageError, match=sentence):
        read_grid(write(**changes))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title: a\ncells: {a: {}}\ncells: {b: {}}", "key 'cells' in line 3 is there twice"),
        ("cells:\n  a: {minutes: 1, minutes: 2}", "key 'minutes' in line 2 is there twice"),
        ("cells: " + "[" * 5000, "nested too deeply"),
        ("cells: {a: b: c}", "expected ',' or '}'"),
        ("title: \0", "cannot be read"),
    ],
)
def test_a_file_that_yaml_would_take_otherwise_or_not_at_all_is_refused(
    tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(MonoImageError, match=sentence) as caught:
        read_grid(str(tmp_path / "mine.yaml"))
    assert "\n" not in str(caught.value)


def test_cells_inherit_defaults_unless_they_say_otherwise(write: Callable[..., str]) -> None:
    defaults = {"pretrain": "p", "source": "photo", "minutes": 3, "overrides": ["config.A=1"]}
    cells = {
        "all": {},
        "own": {"source": "china", "overrides": []},
        "none": {"defaults": False},
        "true": {"defaults": True, "minutes": 4},
    }
    found = read_grid(write(defaults=defaults, cells=cells)).cells
    assert found["all"] == Cell(**defaults)
    assert found["own"] == Cell(**{**defaults, "source": "china", "overrides": []})
    assert found["none"] == Cell()
    assert found["true"] == Cell(**{**defaults, "minutes": 4})


@pytest.mark.parametrize(
    ("defaults", "cell", "sentence"),
    [
        ({"minuts": 3}, {}, "mine.yaml: defaults: unknown key 'minuts': did you mean 'minutes'"),
        ({"minutes": "long"}, {}, "cells.a.minutes='long' must be a number"),
        ({"minutes": 3}, {"defaults": "no"}, "cells.a.defaults='no' must be false for a cell that inherits nothing"),
        ({"source": "photo"}, {}, "pretrain or init goes with a source"),
        ([], {}, "mine.yaml.defaults=.* must be a"),
    ],
)
def test_mistakes_in_defaults_are_named(write: Callable[..., str], defaults: Any, cell: Any, sentence: str) -> None:
    with pytest.raises(MonoImageError, match=sentence):
        read_grid(write(defaults=defaults, cells={"a": cell}))


def test_every_benchmark_has_a_title() -> None:
    assert {"table1-ablation", "table3-cifar", "fewer-labels", "sources", "resnet"} <= set(grid_names())
    assert all(read_grid(name).title for name in grid_names())


@pytest.mark.parametrize("name", ["how-many-images", "table2-tiny"])
def test_numbers_of_images_differ_in_their_number_alone_and_reach_a_whole_data_sets(name: str) -> None:
    cells = [cell for cell in read_grid(name).cells.values() if cell.images]
    assert {10, 1000, 50_000} <= {cell.images for cell in cells}
    assert len({(cell.pretrain, cell.source, cell.trunk, *cell.overrides) for cell in cells}) == 1


def test_trunks_that_only_differ_in_their_initialisation_are_rows_of_a_benchmark() -> None:
    trunks = {cell.trunk for name in grid_names() for cell in read_grid(name).cells.values()}
    assert [name for name in OURS if "_he" in name and name not in trunks] == []
