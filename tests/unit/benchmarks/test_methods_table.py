"""benchmarks/methods.py: VISSL's pretraining YAMLs, all of them, under the single-image overlay, and their table."""

from __future__ import annotations

import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

import configs
from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.launch import prepare

METHODS = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "methods.py"), run_name="m"))
VISSL = Path(configs.__file__).parent / "config"


def test_no_self_supervised_yaml_is_forgotten() -> None:
    """By place, not by content: VISSL keeps fragments in folders beside the YAMLs that they are for."""
    methods = [*(VISSL / "pretrain").iterdir(), *(VISSL / "pretrain" / "vision_transformer").iterdir()]
    paths = [
        path for method in methods if method.name not in ("supervised", "datasets") for path in method.glob("*.yaml")
    ]
    found = {str(path.relative_to(VISSL).with_suffix("")) for path in paths}
    found.remove("pretrain/clusterfit/cluster_features_resnet_8gpu_imagenet")  # it trains nothing
    assert found == set(METHODS.pretraining_configs())
    assert len(found) == 22


@pytest.mark.parametrize("config", METHODS.pretraining_configs())
def test_the_overlay_composes_passes_the_check_and_leaves_the_method(config: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(METHODS.LABELS).parent.mkdir()
    np.save(METHODS.LABELS, np.arange(8))
    composed = compose_config(METHODS.commands(config)[-1])
    prepare(composed)
    ours, theirs = composed.config, yaml.safe_load((VISSL / f"{config}.yaml").read_text())["config"]
    assert ours.DATA.TRAIN.DATA_SOURCES == ["single_image"]
    assert ours.MACHINE.DEVICE == "cpu"
    assert ours.TRAINER.TASK_NAME == "monoimage_task"
    for block in ("TRUNK", "HEAD"):
        assert set(_leaves(theirs["MODEL"][block])) <= set(_leaves(ours.MODEL[block]))
    assert ours.LOSS.name == theirs["LOSS"]["name"]
    assert theirs["DATA"]["TRAIN"]["TRANSFORMS"] == ours.DATA.TRAIN.TRANSFORMS


def _leaves(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """(path, value as text) of everything below."""
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}", str(value)


def test_the_table_is_made_from_the_results_and_has_every_yaml() -> None:
    results = METHODS.read_results()
    assert list(results) == METHODS.pretraining_configs()
    page = METHODS.PAGE.read_text()
    assert page == METHODS.with_table(page, results.values())
    rows = [
        line for line in page.splitlines() if line.startswith(tuple(f"| {row.method} |" for row in results.values()))
    ]
    assert [f"pretrain/{row.split('`')[1]}" for row in rows] == METHODS.pretraining_configs()


def test_results_are_kept_and_read_back(tmp_path: Path) -> None:
    rows = [METHODS.Result(f"pretrain/b/{name}", "b", "resnet 50", "23.5", "no, it | fails", "", "9") for name in "ba"]
    METHODS.write_results(rows, tmp_path / "r.csv")
    assert list(METHODS.read_results(tmp_path / "r.csv").values()) == rows[::-1]
    assert METHODS.read_results(tmp_path / "none.csv") == {}
