"""Claims of run folders: what differs is named, and only what can change a result counts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.path_hash import PathHash, hash_path, hash_together
from vissl_monoimage.ledger.provenance import deciding_settings
from vissl_monoimage.ledger.run_claim import Claim, claim_folder

ROTNET = "config=pretrain/monoimage/rotnet_convnet4"


def settings_of(*overrides: str) -> Any:
    return deciding_settings(OmegaConf.to_container(compose_config([ROTNET, *overrides]).config, resolve=True))


@pytest.fixture(scope="module")
def plain() -> Any:
    return settings_of()


@pytest.mark.parametrize(
    "override",
    [
        "+config/monoimage=gpu",
        "config.DATA.NUM_DATALOADER_WORKERS=3",
        "config.LOG_FREQUENCY=7",
        "config.CHECKPOINT.CHECKPOINT_FREQUENCY=5",
        "config.HOOKS.PERF_STATS.MONITOR_PERF_STATS=true",
        "config.MONOIMAGE.BF16=true",
        "+config.MONOIMAGE.LEDGER=elsewhere.jsonl",
        "config.DATA.TRAIN.DATA_PATHS=[elsewhere.jpg]",  # its content is compared
    ],
)
def test_a_rerun_may_differ_in_where_and_how_verbosely_it_runs(plain: Any, override: str) -> None:
    assert settings_of(override) == plain


@pytest.mark.parametrize(
    "override",
    [
        "config.OPTIMIZER.num_epochs=9",
        "config.SEED_VALUE=4",
        "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=7",
        "config.DATA.TRAIN.DATA_LIMIT=10",
        "config.MODEL.TRUNK.NAME=alexnet_rotnet_32px",
        "config.DISTRIBUTED.NUM_PROC_PER_NODE=2",
        "config.MONOIMAGE.SOURCE.JPEG=90",
    ],
)
def test_a_rerun_may_not_differ_in_what_decides_its_result(plain: Any, override: str) -> None:
    assert settings_of(override) != plain


def a_claim(**values: Any) -> Claim:
    return Claim.of(values, {"photo": PathHash("a.jpg", "1" * 64)})


def test_a_folder_without_checkpoints_takes_any_run_and_one_with_them_its_own(tmp_path: Path) -> None:
    claim_folder(tmp_path, a_claim(seed=1), remedy="-")
    claim_folder(tmp_path, a_claim(seed=2), remedy="-")
    (tmp_path / "model_phase0.torch").touch()
    claim_folder(tmp_path, a_claim(seed=2), remedy="-")
    with pytest.raises(MonoImageError, match=r"\(config.seed: was 2, now 1\): choose another"):
        claim_folder(tmp_path, a_claim(seed=1), remedy="choose another")
    claim_folder(tmp_path, a_claim(seed=2), remedy="-")  # a refused claim has changed nothing


def test_overwriting_removes_the_checkpoints_of_another_run_alone(tmp_path: Path) -> None:
    claim_folder(tmp_path, a_claim(seed=1), remedy="-")
    for name in ("model_phase0.torch", "model_iteration3.torch", "checkpoint.torch", "mine.torch"):
        (tmp_path / name).touch()
    claim_folder(tmp_path, a_claim(seed=1), overwrite=True, remedy="-")
    assert (tmp_path / "model_phase0.torch").exists()
    claim_folder(tmp_path, a_claim(seed=2), overwrite=True, remedy="-")
    assert [file.name for file in tmp_path.glob("*.torch")] == ["mine.torch"]


def test_only_the_content_of_what_is_read_counts(tmp_path: Path) -> None:
    (tmp_path / "model_phase0.torch").touch()
    first, renamed, other = PathHash("a.jpg", "1" * 64), PathHash("b.jpg", "1" * 64), PathHash("a.jpg", "2" * 64)
    (tmp_path / "model_phase0.torch").unlink()
    claim_folder(tmp_path, Claim.of({}, {"photo": first}), remedy="-")
    (tmp_path / "model_phase0.torch").touch()
    claim_folder(tmp_path, Claim.of({}, {"photo": renamed}), remedy="-")
    with pytest.raises(MonoImageError, match=r"photo: was b.jpg \(sha256 111111111111\), now a.jpg \(sha256 2222"):
        claim_folder(tmp_path, Claim.of({}, {"photo": other}), remedy="-")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"settings": 3, "contents": {}}', b"\xff"])
def test_a_damaged_claim_is_one_sentence(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "model_phase0.torch").touch()
    (tmp_path / "run.json").write_bytes(damage)
    with pytest.raises(MonoImageError, match=r"run.json' is damaged"):
        claim_folder(tmp_path, a_claim(), remedy="-")


def test_the_content_of_a_folder_is_the_names_and_sizes_of_its_files_wherever_it_lies(tmp_path: Path) -> None:
    for name, content in (("cat/1.png", b"1234"), ("dog/1.png", b"12")):
        (tmp_path / "a" / name).parent.mkdir(parents=True)
        (tmp_path / "a" / name).write_bytes(content)
    before = hash_path(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / ".hidden").touch()
    assert hash_path(tmp_path / "b").sha256 == before.sha256
    (tmp_path / "b" / "dog" / "1.png").write_bytes(b"123")
    assert hash_path(tmp_path / "b").sha256 != before.sha256
    (tmp_path / "a" / "cat").rename(tmp_path / "a" / "cow")
    assert hash_path(tmp_path / "a").sha256 != before.sha256


def test_an_empty_path_is_not_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = hash_path("")
    (tmp_path / "new").touch()
    assert hash_path("") == before


@given(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=4, unique=True))
@settings(max_examples=20, deadline=None)
def test_the_order_of_photos_counts(names: list[str]) -> None:
    contents = [PathHash(name, name * 64) for name in names]
    assert hash_together(contents, "x") != hash_together(contents[::-1], "x")
