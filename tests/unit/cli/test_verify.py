"""`monoimage verify`: what has changed since a run is found, and what is not here is said."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vissl_monoimage.cli.main import main
from vissl_monoimage.data.crops.settings import SourceBlock
from vissl_monoimage.data.photos.decode import file_sha256
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.fingerprint import crops_sha256, pixels_fingerprint
from vissl_monoimage.ledger.origin import resolved_recipe
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import DataSplit, InitialWeights, Weights
from vissl_monoimage.models.checkpoint.file import save_trunk
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.reproduce.rerun import command_of, compared


@pytest.fixture
def row(tmp_path: Path, a_row: Callable[..., Row]) -> Row:
    """A row of a run in the folder `run`: a photo, a folder of test images, weights and a checkpoint."""
    photo, folder = tmp_path / "me.png", tmp_path / "pets" / "test"
    pixels = np.random.default_rng(0).integers(0, 256, (4, 24, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels[0]).save(photo)
    for number, label in ((1, "cat"), (2, "dog"), (3, "dog")):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[number]).save(folder / label / f"{number}.png")
    (tmp_path / "run").mkdir()
    for name in ("start.torch", "run/final.torch"):
        save_trunk(build_trunk("convnet4"), tmp_path / name)
    recipe = resolved_recipe(SourceBlock(SIZE=32))
    images = [{"name": "me.png", "path": str(photo), "sha256": file_sha256(photo)}]
    made = a_row(
        run_id="abc1",
        kind="pretrain",
        name="pretrain/monoimage/rotnet_convnet4",
        overrides=[
            "config=pretrain/monoimage/rotnet_convnet4",
            "config.DATA.TEST.DATA_SOURCES=[disk_folder]",
            f"config.DATA.TEST.DATA_PATHS=['{folder}']",
            "config.CHECKPOINT.DIR=run",
        ],
        images=images,
        recipe=recipe,
        data={
            "train": DataSplit("single_image", 10, sha256=crops_sha256(images, recipe)),
            "test": DataSplit("pets", 3, 2, sha256=pixels_fingerprint(zip((0, 1, 1), pixels[1:], strict=True)).sha256),
        },
        weights=Weights(str(tmp_path / "start.torch"), file_sha256(tmp_path / "start.torch")),
        initial_weights=InitialWeights("checkpoint", "i" * 64),
        checkpoint_out=str(tmp_path / "run" / "final.torch"),
        checkpoint_out_sha256=file_sha256(tmp_path / "run" / "final.torch"),
        accuracies={},
    )
    ledger.append(tmp_path / "run" / "ledger.jsonl", made)
    return made


def test_what_is_unchanged_is_said_thing_by_thing(row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    for thing in ("photo", "train images 'single_image'", "test images 'pets'", "weights it began with", "checkpoint"):
        assert f"  same         {thing}" in said
    assert said.endswith("\n5 the same, 0 different, 0 not checked\n")


@pytest.mark.parametrize(
    ("changed", "thing"),
    [
        ("me.png", "photo"),
        ("pets/test/dog/3.png", "test images 'pets'"),
        ("start.torch", "weights it began with"),
        ("run/final.torch", "checkpoint"),
    ],
)
def test_what_has_changed_is_named_and_the_status_is_1(
    row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: str, thing: str
) -> None:
    file = tmp_path / changed
    if file.suffix == ".png":
        Image.new("RGB", (32, 24)).save(file)
    else:
        file.write_bytes(file.read_bytes()[:-1])
    assert main(["verify", str(tmp_path / "run" / "ledger.jsonl"), "abc"]) == 1
    said = capsys.readouterr().out
    assert f"  different    {thing} " in said
    assert said.endswith("\n4 the same, 1 different, 0 not checked\n")


def test_what_is_not_here_is_not_checked_and_a_moved_folder_has_its_checkpoint(
    row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "me.png").unlink()
    (tmp_path / "start.torch").unlink()
    shutil.rmtree(tmp_path / "pets")
    (tmp_path / "run").rename(tmp_path / "moved")
    assert main(["verify", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "  not checked  photo me.png: not found here" in said
    assert f"  same         checkpoint {tmp_path}/moved/final.torch" in said
    assert said.endswith("\n2 the same, 0 different, 3 not checked\n")


def test_a_row_that_is_not_there_is_refused(row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path / "run"), "abd1"]) == 2
    assert "unknown run_id 'abd1': did you mean 'abc1'?" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["verify", str(tmp_path / "empty")]) == 2
    assert "has no row of a finished run (ledger.jsonl)" in capsys.readouterr().err


def test_a_command_is_repeated_without_its_folder(row: Row) -> None:
    assert command_of(row) == ["run", *row.overrides[:-1]]
    options = ["--trunk=convnet4", "--out", "x y", "--seed=3"]
    command = "monoimage init kmeans china --trunk=convnet4 --out 'x y' --seed=3"
    made = dataclasses.replace(row, name="init kmeans", overrides=options, command=command)
    assert command_of(made) == ["init", "kmeans", "china", "--trunk=convnet4", "--seed=3"]


def test_a_repeated_run_is_compared_to_the_bit(row: Row, tmp_path: Path) -> None:
    trunk = build_trunk("convnet4")
    trunk.load_state_dict(
        torch.load(str(row.checkpoint_out))["classy_state_dict"]["base_model"]["model"]["trunk"]
    )  # fmt: skip
    again = dataclasses.replace(row, checkpoint_out=str(tmp_path / "again.torch"))
    save_trunk(trunk, tmp_path / "again.torch")
    assert {finding.state for finding in compared(row, again)} == {"same"}
    with torch.no_grad():
        next(trunk.parameters()).view(-1)[0] += 0.5
    save_trunk(trunk, tmp_path / "again.torch")
    again = dataclasses.replace(again, losses=[[1, 2.5], [4, 1.0]], versions={"torch": "3"})
    findings = [str(finding) for finding in compared(row, again)]
    assert findings == [
        "not checked  version of torch: 2 then, 3 now: numbers may differ",
        "same         initial weights",
        "different    losses: [4, None], [4, 1.0]",
        f"different    weights: 1 of {len(trunk.state_dict())} tensors, by up to 0.5",
    ]


@pytest.mark.slow
def test_a_real_run_again_has_the_same_weights_and_numbers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    smoke = ["config=pretrain/monoimage/rotnet_convnet4", "+config/monoimage=smoke"]
    assert main(["run", *smoke, f"config.CHECKPOINT.DIR={tmp_path}/run"]) == 0
    assert main(["verify", str(tmp_path / "run"), "--rerun"]) == 0
    said = capfd.readouterr().out
    assert "  same         losses" in said
    assert "tensors, to the bit" in said
    assert "0 different" in said
