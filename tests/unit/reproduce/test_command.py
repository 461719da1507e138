"""The command line of `monoimage reproduce`: mistakes are named before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vissl_monoimage.cli.main import main


def test_the_profile_paper_has_no_gpu_option(
    write: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["reproduce", write(), "--cells", "mono", "--probes", "patches", "--gpu", "--dry-run", f"--out={tmp_path}"]
    assert main(words) == 0
    assert main([*words, "--profile", "paper"]) == 2
    assert "--gpu is for --profile laptop: runs of paper are where their YAMLs say" in capsys.readouterr().err


def test_a_missing_gpu_is_named_before_anything_runs(
    write: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    out = tmp_path / "out"
    words = ["reproduce", write(), "--cells", "mono", "--probes", "patches", "--gpu", f"--out={out}"]
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.err.startswith("monoimage: --gpu: torch finds no GPU on this machine; leave it out")
    assert "minutes of a core" in told.out
    assert not out.exists()


@pytest.mark.parametrize("option", ["--out", "--results"])
def test_a_folder_that_cannot_be_written_is_named_before_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (tmp_path / "file").touch()
    for split in ("train", "test"):
        (tmp_path / "c10" / split).mkdir(parents=True)
    words = ["reproduce", "handmade", f"--data=cifar10={tmp_path / 'c10'}", option, str(tmp_path / "file" / "a")]
    assert main([*words, "--dry-run"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"monoimage: '{tmp_path}/file/a' cannot be written: '{tmp_path}/file' is a file\n")
    assert told.out == ""


@pytest.mark.parametrize("seed", ["-1", "4294967296", "a"])
def test_a_seed_out_of_range_is_refused(capsys: pytest.CaptureFixture[str], seed: str) -> None:
    for words in (["reproduce", "handmade", "--seeds"], ["init", "kmeans", "china", "-o", "k", "--seed"]):
        with pytest.raises(SystemExit, match="2"):
            main([*words, seed])
        assert f"'{seed}' must be a whole number from 0 to 4294967295" in capsys.readouterr().err


def test_a_folder_of_photos_is_not_the_photo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (64, 64)).save(tmp_path / f"{name}.png")
    (tmp_path / "c10" / "train").mkdir(parents=True)
    (tmp_path / "c10" / "test").mkdir()
    data = ["--data", f"cifar10={tmp_path / 'c10'}", "--photo", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["reproduce", "alexnet-64px", *data, "--dry-run"]) == 2
    assert f"{tmp_path} has 2 photos: name one, such as {tmp_path / 'a.png'}" in capsys.readouterr().err
    (tmp_path / "a.png").write_bytes(b"no photo")
    data[3] = str(tmp_path / "a.png")
    assert main(["reproduce", "alexnet-64px", *data, "--dry-run"]) == 2
    assert "a.png is not an image that Pillow can read" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "refused"), [([], False), (["--results", "r"], True), (["--allow-dirty"], False)])
def test_results_are_refused_before_anything_runs_on_uncommitted_code(
    write: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    refused: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vissl_monoimage.ledger.machine.git_sha", lambda: "5a-dirty")
    monkeypatch.setattr("vissl_monoimage.reproduce.runner.run_all", lambda chains, jobs: [])
    words = ["reproduce", write(), "--cells", "random", "--probes", "patches", *options]
    if "--allow-dirty" in options:
        words += ["--results", "r"]
    assert main(words) == (2 if refused else 0)
    said = capsys.readouterr().err
    assert ("--results r: the working tree has uncommitted changes" in said) is refused
    assert main([*words, "--dry-run"]) == 0


def class_folders(root: Path, **splits: str) -> Path:
    """Write an image for each class, a letter, of each split."""
    for split, classes in splits.items():
        for number, name in enumerate(classes):
            (root / split / name).mkdir(parents=True)
            Image.new("RGB", (40, 30), (90 * number, 7, 7)).save(root / split / name / "0.png")
    return root


def test_ones_own_folder_is_one_more_probe_of_a_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = class_folders(tmp_path / "mine", train="abc", val="ab")
    words = ["reproduce", "table3-cifar", f"--data=flowers={mine}", "--out", str(tmp_path / "out"), "--dry-run"]
    chosen = ["--probes", "flowers", "--cells", "random", "rotnet-photo", "--seeds", "0"]
    assert main([*words, *chosen]) == 0
    said = capsys.readouterr().out
    assert "random, seed 0, probed on flowers" in said
    assert "rotnet-photo, seed 0; rotnet-photo, seed 0, probed on flowers" in said
    assert main([*words, "--cells", "random"]) == 2
    assert "table3-cifar needs --data cifar10=FOLDER, --data cifar100=FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("train", "val", "sentence"),
    [
        ("abc", "ax", "'{0}/val' has classes that no training image has: 'x'"),
        ("a", "a", "'{0}/train' has one class, 'a': a classifier needs at least two"),
        ("", "ab", "no train/<class>/ in that folder"),
    ],
)
def test_what_is_wrong_with_ones_own_folder_is_said_before_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], train: str, val: str, sentence: str
) -> None:
    mine = class_folders(tmp_path / "mine", train=train, val=val)
    words = ["reproduce", "table3-cifar", f"--data=flowers={mine}", "--out", str(tmp_path / "out"), "--dry-run"]
    assert main([*words, "--probes", "flowers", "--cells", "random", "--seeds", "0"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"monoimage: --data flowers={mine}: ")
    assert sentence.format(mine) in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cifar01", "did you mean 'cifar100?'.* a folder of your own has a name unlike these"),
        ("a b", "must have letters"),
    ],
)
def test_a_name_that_no_data_set_can_have_is_refused(
    capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    assert main(["reproduce", "handmade", "--data", f"{name}=here", "--dry-run"]) == 2
    assert re.search(sentence, capsys.readouterr().err)


def test_the_photos_of_a_benchmark_with_several_are_named(
    write: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (640, 480), "blue").save(tmp_path / "market.png")
    rotnet = {"pretrain": "pretrain/monoimage/rotnet_convnet4", "trunk": "convnet4", "minutes": 1}
    cells = {name: {**rotnet, "source": f"photo:{name}"} for name in ("market", "bridge")}
    words = ["reproduce", write(cells=cells), "--probes", "patches", "--dry-run", f"--out={tmp_path / 'out'}"]
    market = ["--photo", f"market={tmp_path / 'market.png'}"]
    assert main([*words, *market]) == 2
    assert "needs --photo bridge=FILE" in capsys.readouterr().err
    assert main([*words, *market, "--photo", "bridge=china"]) == 0
    assert "bridge, seed 0, probed on patches" in capsys.readouterr().out
    assert main([*words, *market, "--photo", "bridge=china", "--photo", "china"]) == 2
    assert "has no cell with a photo without a name: name one of bridge, market" in capsys.readouterr().err
    assert main([*words, "--cells", "market", *market, "--photo", "brigde=china"]) == 2
    assert "--photo brigde=china: unknown photo 'brigde': did you mean 'bridge'?" in capsys.readouterr().err
    assert main([*words, "--cells", "market", *market, "--photo", "bridge=china"]) == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--photo", "market=china"], "benchmark mine has no photos with names: leave out 'market='"),
        (["--photo", "china", "--photo", "china"], "--photo china: the photo without a name is given twice"),
        (["--data", "cifar10=a", "--data", "cifar10=b"], "--data cifar10=b: the folder of cifar10 is given twice"),
    ],
)
def test_options_that_a_benchmark_would_not_follow_are_refused(
    write: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    words = ["reproduce", write(), "--cells", "mono", "--probes", "patches", "--dry-run", f"--out={tmp_path / 'out'}"]
    assert main([*words, *options]) == 2
    assert sentence in capsys.readouterr().err
