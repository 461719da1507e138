"""Which finished trainings of other output folders stand in for those of a plan."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vissl_monoimage.ledger.fingerprint import file_sha256
from vissl_monoimage.ledger.io import FILE_NAME, append
from vissl_monoimage.ledger.path_hash import PathHash
from vissl_monoimage.reproduce.data_claim import CLAIM_FILE
from vissl_monoimage.reproduce.other_outputs import link_trainings, remember_output, trainings_elsewhere
from vissl_monoimage.reproduce.run import Chain, Run

DATA = {"cifar10": PathHash("data", "aa")}
CHECKPOINT = "model_final_checkpoint_phase0.torch"


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(Run("x", tmp_path / "new" / "rotnet_me_0_12345678", ("config=x",), 1.0, 1.0), ())


@pytest.fixture
def training(tmp_path: Path, chain: Chain, left_by: Callable[..., object]) -> Path:
    """The same training, finished in an output folder that is in the list."""
    assert chain.pretrain
    folder = tmp_path / "old" / chain.pretrain.folder.name
    folder.mkdir(parents=True)
    (folder / CHECKPOINT).write_bytes(b"weights")
    (folder / "checkpoint.torch").symlink_to(folder / CHECKPOINT)
    append(folder / FILE_NAME, left_by(chain.pretrain, "pretrain", checkpoint_out=file_sha256(folder / CHECKPOINT)))
    (tmp_path / "old" / CLAIM_FILE).write_text(json.dumps({"cifar10": {"name": "other place", "sha256": "aa"}}))
    remember_output(tmp_path / "old")
    return folder


def test_a_training_is_linked_whole(chain: Chain, training: Path, tmp_path: Path) -> None:
    elsewhere = trainings_elsewhere([chain], tmp_path / "new", DATA)
    assert elsewhere == {training.name: training}
    link_trainings(elsewhere, tmp_path / "new")
    linked = tmp_path / "new" / training.name
    assert (linked / CHECKPOINT).samefile(training / CHECKPOINT)
    assert not (linked / FILE_NAME).samefile(training / FILE_NAME)  # to which lines could be added
    assert (linked / FILE_NAME).read_bytes() == (training / FILE_NAME).read_bytes()
    assert (linked / "checkpoint.torch").readlink() == Path(CHECKPOINT)
    assert trainings_elsewhere([chain], tmp_path / "new", DATA) == {}


def test_others_are_trained(chain: Chain, training: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert trainings_elsewhere([chain], new, {"cifar10": PathHash("data", "bb")}) == {}
    assert trainings_elsewhere([chain], tmp_path / "old", DATA) == {}
    claims = tmp_path / "old" / CLAIM_FILE
    before = claims.read_text()
    claims.write_text("damaged")
    assert trainings_elsewhere([chain], new, DATA) == {}
    claims.write_text(before)
    (training / CHECKPOINT).write_bytes(b"other weights")
    assert trainings_elsewhere([chain], new, DATA) == {}
    (training / CHECKPOINT).write_bytes(b"weights")
    assert len(trainings_elsewhere([chain], new, DATA)) == 1
    (training / FILE_NAME).unlink()  # it has not ended
    assert trainings_elsewhere([chain], new, DATA) == {}


def test_images_without_a_hash_must_be_the_same_files(chain: Chain, training: Path, tmp_path: Path) -> None:
    """Two folders of images may have equal names and sizes of files."""
    assert chain.pretrain
    mine = dataclasses.replace(chain.pretrain, overrides=("config=x", "config.DATA.TRAIN.DATA_PATHS=[/other/train]"))
    assert trainings_elsewhere([Chain(mine, ())], tmp_path / "new", DATA) == {}
    photo = dataclasses.replace(mine, photo_sha256="ab" * 32)
    assert len(trainings_elsewhere([Chain(photo, ())], tmp_path / "new", DATA)) == 1


def test_what_cannot_be_linked_is_trained(
    chain: Chain, training: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new").write_text("no folder")
    link_trainings({training.name: training}, tmp_path / "new")
    assert "cannot be linked from there: Not a directory" in capsys.readouterr().out
