"""A tiny benchmark through the command line: planned, killed, resumed, finished, and submitted as jobs."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import launcher
import pytest
import torch
import yaml

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.models.features import build_on_meta
from vissl_monoimage.models.zoo import zoo_model

ROOT = Path(__file__).parents[2]
TINY = {
    "title": "a tiny benchmark",
    "probes": {
        "patches": {
            "config": "benchmark/monoimage/linear_photo_patches",
            "minutes": 0.2,
            "overrides": [
                "+config/monoimage=smoke",
                "config.MODEL.TRUNK.NAME=convnet4",
                "config.MONOIMAGE.PATCHES.SIZE=32",
                "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=24",
                "config.MONOIMAGE.PATCHES.TEST_SAMPLES=12",
            ],
        }
    },
    "cells": {
        "random": {},
        "rotnet": {"pretrain": "pretrain/monoimage/rotnet_convnet4", "source": "photo", "minutes": 0.2},
    },
    "profiles": {"laptop": {"seeds": [0], "overrides": ["+config/monoimage=smoke"]}},
}


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    return "tiny.yaml"


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results" / "tiny.jsonl").read_text().splitlines()]


def test_a_killed_benchmark_resumes_and_repeats_nothing(monoimage: Any, tiny: str, tmp_path: Path) -> None:
    planned = monoimage("reproduce", tiny, "--dry-run").stdout
    assert "3 runs, 0 finished; to do: 3 in 36 s of one core" in planned
    assert not (tmp_path / "reproduced").exists()

    def ended() -> list[Path]:
        return [file for file in (tmp_path / "reproduced").glob("*/ledger.jsonl") if file.stat().st_size]

    launcher.kill_when(ended, "reproduce", tiny, "--jobs", "1", cwd=tmp_path)
    (first,) = ended()
    before = first.read_bytes(), first.stat().st_mtime_ns

    said = monoimage("reproduce", tiny, "--jobs", "1").stdout
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before
    assert "3 runs, 1 finished; to do: 2" in said
    assert "[2/2] rotnet, seed 0, probed on patches" in said
    assert "rotnet on china (1 image)" in said
    folder = tmp_path / "reproduced"
    assert (folder / "report" / "tiny" / "report.html").is_file()
    found = rows(folder)
    assert sorted(row["kind"] for row in found) == ["pretrain", "probe", "probe"]
    trained = next(row["checkpoint_out_sha256"] for row in found if row["kind"] == "pretrain")
    assert [row["weights"]["sha256"] for row in found if row["kind"] == "probe"] == [None, trained]

    again = monoimage("reproduce", tiny).stdout
    assert "3 runs, 3 finished; to do: 0" in again
    assert rows(folder) == found
    header, *lines = (folder / "results" / "tiny.csv").read_text().splitlines()
    assert header.startswith("protocol,")
    assert len(lines) == 2 * 4  # methods, layers


@pytest.mark.slow
def test_a_training_that_has_finished_in_another_folder_is_linked(monoimage: Any, tiny: str, tmp_path: Path) -> None:
    options = ["--cells", "rotnet", "--jobs", "1"]
    monoimage("reproduce", tiny, *options)
    folder = tmp_path / "reproduced"
    found = {row["kind"]: row for row in rows(folder)}
    options += ["--out", "elsewhere"]
    assert "would be linked from there: 1" in monoimage("reproduce", tiny, *options, "--dry-run").stdout
    said = monoimage("reproduce", tiny, *options).stdout
    assert f"finished in {folder} on {found['pretrain']['finished'][:10]} with torch {torch.__version__}, and" in said
    assert "2 runs, 1 finished; to do: 1" in said
    linked = {row["kind"]: row for row in rows(tmp_path / "elsewhere")}
    assert linked["pretrain"] == found["pretrain"]
    assert linked["probe"]["weights"]["sha256"] == found["pretrain"]["checkpoint_out_sha256"]
    assert linked["probe"]["accuracies"] == found["probe"]["accuracies"]


def test_jobs_of_a_cluster_run_the_benchmark_and_a_failure_is_reported(monoimage: Any, tmp_path: Path) -> None:
    diverges: dict[str, Any] = {"overrides": ["config.OPTIMIZER.param_schedulers.lr.value=1e30"]}
    cells = {"random": {}, "broken": {**TINY["cells"]["rotnet"], **diverges}}  # type: ignore[dict-item,index]
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "cells": cells}))
    done = monoimage("reproduce", "tiny.yaml", "--submit", "local", "timeout_min=5", status=2)
    assert "2 jobs submitted" in done.stdout
    assert "random, seed 0, probed on patches: done" in done.stdout
    assert "1 of 2 failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert [row["kind"] for row in rows(tmp_path / "reproduced")] == ["probe"]


def test_committed_rows_make_the_table_without_lines_of_other_benchmarks(
    monoimage: Any, tmp_path: Path, data_dir: Path
) -> None:
    """The rows in this repository: the ablation's `all` is the recipe of three runs of table3-cifar, which it shows."""
    shutil.copytree(ROOT / "benchmarks" / "results", tmp_path / "results")
    for split in ("train", "test"):
        for label in range(10):
            (tmp_path / "cifar10" / split / str(label)).mkdir(parents=True)
    photo = str(data_dir / "images" / "ameyoko.jpg")
    before = (tmp_path / "results" / "table1-ablation.jsonl").read_bytes()
    data = ["--photo", photo, "--data", "cifar10=cifar10", "--results", "results"]
    said = monoimage("reproduce", "table1-ablation", *data, "--out", "out").stdout
    assert "16 runs, 16 finished; to do: 0" in said
    assert (tmp_path / "results" / "table1-ablation.jsonl").read_bytes() == before
    table = "benchmarks/results/table1-ablation.csv"
    assert (tmp_path / "results" / "table1-ablation.csv").read_bytes() == (ROOT / table).read_bytes()
    with open(tmp_path / "results" / "table1-ablation.csv", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["layer"] == "conv1"]
    photo = [line for line in lines if line["method"].startswith("monogan on ameyoko.jpg")]
    assert [line["n"] for line in photo] == ["1"] * 8
    assert [line["n"] for line in lines if line["method"] == "random weights"] == ["3"]


@pytest.mark.slow
def test_cells_may_be_filters_from_a_photo_or_a_model_of_the_zoo(
    monoimage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    address = zoo_model("rotnet-imagenet-1k").url.removeprefix("https://")
    file = tmp_path / "torch" / "hub" / "vissl_monoimage" / address
    file.parent.mkdir(parents=True)
    trunk = "config.MODEL.TRUNK.NAME=alexnet_rotnet"
    model = compose_config(["config=benchmark/monoimage/linear_photo_patches", trunk]).config.MODEL
    weights = {name: torch.rand(value.shape) for name, value in build_on_meta(model).state_dict().items()}
    torch.save({"network": weights}, file)
    (probe,) = TINY["probes"].values()  # type: ignore[attr-defined]
    short = [word for word in probe["overrides"] if "TRUNK" not in word and "PATCHES.SIZE" not in word]
    small = ["config.MODEL.TRUNK.NAME=convnet4", "config.MONOIMAGE.PATCHES.SIZE=32"]
    cells = {
        "kmeans": {"init": "kmeans", "source": "photo", "probe_overrides": small[1:], "overrides": ["--crops=48"]},
        "zoo": {"zoo": "rotnet-imagenet-1k"},
    }
    grid = {**TINY, "cells": cells, "probes": {"patches": {**probe, "overrides": short}}}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(grid))
    monoimage("reproduce", "tiny.yaml", "--out", "out", "--jobs", "1")
    kept = rows(tmp_path / "out")
    assert [row["kind"] for row in kept] == ["pretrain", "probe", "probe"]
    assert kept[1]["weights"]["sha256"] == kept[0]["checkpoint_out_sha256"]
    assert kept[2]["weights"]["path"] == str(file)
    table = (tmp_path / "out" / "results" / "tiny.csv").read_text()
    assert "kmeans on china (1 image),convnet4,conv4" in table
    assert "rotnet-imagenet-1k (VISSL's zoo),alexnet_rotnet,conv5" in table
    page = (tmp_path / "out" / "report" / "tiny" / "report.html").read_text()
    assert "conv1 filters, kmeans on china (1 image), seed 0." in page
    # Their rows are enough: elsewhere, with another cache, nothing is run again.
    again = monoimage(
        "reproduce", "tiny.yaml", "--out", "elsewhere", "--results", "out/results", "--dry-run", "--jobs", "1"
    )
    assert "to do: 0 in" in again.stdout


@pytest.mark.slow
def test_another_data_set_of_the_same_name_needs_another_output_folder(monoimage: Any, tmp_path: Path) -> None:
    """Finished runs are skipped by the name of their data set: those on the first would stand for the second."""
    probe = {"config": "benchmark/monoimage/linear_cifar10", "data": "cifar10", "minutes": 0.1}
    grid = {"title": "t", "probes": {"cifar": probe}, "cells": {"random": {}}, "profiles": {"laptop": {"seeds": [0]}}}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(grid))
    for name, size in (("a", 8), ("b", 9)):
        for image in (f"{split}/class{label}/1.png" for split in ("train", "test") for label in range(10)):
            (tmp_path / name / image).parent.mkdir(parents=True)
            (tmp_path / name / image).write_bytes(b"\0" * size)  # no image: what is run fails at once
    monoimage("reproduce", "data.yaml", "--data", "cifar10=a", "--jobs", "1", status=2)
    done = monoimage("reproduce", "data.yaml", "--data", "cifar10=b", "--dry-run", status=2)
    assert f"has runs on another cifar10: it was {tmp_path / 'a'} (sha256 " in done.stderr
    monoimage("reproduce", "data.yaml", "--data", "cifar10=b", "--dry-run", "--out", "other")
    assert not (tmp_path / "other").exists()
