"""What real runs leave in the ledger: the content of their data, and the weights they began with."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import runpy
import shutil
import struct
from pathlib import Path
from typing import Any

import launcher
import numpy as np
import pytest
import torch
from PIL import Image

from vissl_monoimage.ledger.io import read
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import InitialWeights

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "initial_weights.py"))
TRANSFER = Path(__file__).parents[2] / "benchmarks" / "transfer.py"
SMOKE = ["run", "config=pretrain/monoimage/rotnet_convnet4", "+config/monoimage=smoke"]


def folder_of(root: Path, seed: int) -> dict[str, str]:
    """Write {train,test}/<class>/ with small PNGs; return the fingerprint of each split, derived anew."""
    generator, fingerprints = np.random.default_rng(seed), {}
    for split in ("train", "test"):
        digests = []
        for number in range(16):
            label, pixels = number % 2, generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            file = root / split / ("cat", "dog")[label] / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)
            digests.append(hashlib.sha256(struct.pack("<qqq", label, 32, 32) + pixels.tobytes()).digest())
        fingerprints[split] = hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    return fingerprints


def reading(root: str) -> list[str]:
    return [
        override
        for split in ("TRAIN", "TEST")
        for override in (
            f"config.DATA.{split}.DATA_SOURCES=[disk_folder]",
            f"config.DATA.{split}.DATASET_NAMES=[pets]",
            f"config.DATA.{split}.DATA_PATHS=[{root}/{split.lower()}]",
        )
    ]


def weights_sha256(state: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(f"{name}\0{state[name].dtype}\0{tuple(state[name].shape)}\n".encode())
        digest.update(state[name].numpy().tobytes())
    return digest.hexdigest()


def trunk_in(checkpoint: str | Path | None) -> dict[str, torch.Tensor]:
    content = torch.load(str(checkpoint), weights_only=False)
    trunk: dict[str, torch.Tensor] = content["classy_state_dict"]["base_model"]["model"]["trunk"]
    return trunk


def row_of(folder: Path) -> Row:
    (row,) = read([folder / "ledger.jsonl"])
    return row


def test_rows_know_their_data_by_content_and_where_their_weights_came_from(
    monoimage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fingerprints = {name: folder_of(tmp_path / name / "pets", seed) for seed, name in enumerate("ab")}
    shutil.copytree(tmp_path / "a", tmp_path / "moved")
    rows = {}
    for name in ("a", "b", "moved"):
        seed, place = "config.SEED_VALUE=3", f"config.CHECKPOINT.DIR=run_{name}"
        monoimage(*SMOKE, *reading(f"{name}/pets"), seed, place)
        row = rows[name] = row_of(tmp_path / f"run_{name}")
        expected = fingerprints["a" if name == "moved" else name]
        assert {split: data.sha256 for split, data in row.data.items()} == expected
        assert {(data.name, data.images, data.classes) for data in row.data.values()} == {("pets", 16, 2)}
        assert (row.n_images, row.images_seen, row.iterations) == (8, 2 * 8 * 4, 4)
        assert list(row.pretext["transfer"]) == ["own_images", "unseen_photos"]
    done = launcher.script(TRANSFER, "run_a", "--data", "pets=b/pets", cwd=tmp_path)
    measured = json.loads(done.stdout.splitlines()[-1])["transfer"]
    assert measured.pop("probe_data").keys() == {"rotation_accuracy"}
    assert measured == rows["a"].pretext["transfer"]
    assert rows["a"].group_hash == rows["b"].group_hash == rows["moved"].group_hash  # the hash knows no folder
    assert rows["a"].experiment == rows["moved"].experiment != rows["b"].experiment
    assert {row.initial_weights.origin for row in rows.values()} == {"random"}
    (initial,) = {row.initial_weights.sha256 for row in rows.values()}  # of one seed
    assert weights_sha256(trunk_in(tmp_path / "run_a" / "initial_weights.pt")) == initial
    forgotten = dataclasses.replace(rows["a"], initial_weights=InitialWeights("random"))
    assert dict(SCRIPT["recomputed"]([forgotten])) == {rows["a"].run_id: initial}

    trained = str(rows["a"].checkpoint_out)
    probe = ["config=benchmark/monoimage/linear_cifar10", "+config/monoimage=smoke", *reading("b/pets")]
    labels = [f"config.DATA.{split}.LABEL_SOURCES=[disk_folder]" for split in ("TRAIN", "TEST")]
    weights = f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={trained}"
    monoimage("run", *probe, *labels, weights, "config.CHECKPOINT.DIR=probe")
    row = row_of(tmp_path / "probe")
    assert not (tmp_path / "probe" / "initial_weights.pt").exists()  # of pretrainings alone
    assert (row.weights.path, row.weights.sha256) == (trained, rows["a"].checkpoint_out_sha256)
    assert row.initial_weights.origin == "checkpoint"
    assert row.initial_weights.sha256 == weights_sha256(trunk_in(trained)) != rows["a"].initial_weights.sha256
    assert {split: data.sha256 for split, data in row.data.items()} == fingerprints["b"]


def test_images_drawn_from_a_data_set_are_one_experiment_whatever_was_drawn(monoimage: Any, tmp_path: Path) -> None:
    folder_of(tmp_path / "pets", 0)
    images = sorted((tmp_path / "pets" / "train").rglob("*.png"))
    rows = []
    for seed, drawn in enumerate((images[:2], images[2:4])):
        listed = tmp_path / f"photos_{seed}" / "pets_2.txt"
        listed.parent.mkdir()
        listed.write_text("".join(f"{path}\n" for path in drawn))
        data = [
            f"config.DATA.TRAIN.DATA_PATHS=[{listed}]",
            "config.MONOIMAGE.SOURCE.NUM_SAMPLES=8",
            "config.MONOIMAGE.SOURCE.SCALE=[0.1,1]",
        ]
        seeds = [f"config.SEED_VALUE={seed}", f"config.MONOIMAGE.SOURCE.SEED={seed}"]
        extra = ["+config.MONOIMAGE.DRAWN_FROM=pets", f"config.CHECKPOINT.DIR=run_{seed}"]
        monoimage(*SMOKE, *data, *seeds, *extra)
        rows.append(row_of(tmp_path / f"run_{seed}"))
    assert [row.n_images for row in rows] == [2, 2]
    assert {row.data["train"].drawn_from for row in rows} == {"pets"}
    assert rows[0].data["train"].sha256 != rows[1].data["train"].sha256
    assert rows[0].experiment == rows[1].experiment
