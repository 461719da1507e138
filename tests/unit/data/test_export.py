"""`monoimage dataset write` and `monoimage preview`: file names, partial files, refusals."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vissl_monoimage.cli.main import main
from vissl_monoimage.data.crops.contact_sheet import CELL, GAP, contact_sheet
from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.data.crops.sample import sample
from vissl_monoimage.data.crops.settings import recipe_from_options
from vissl_monoimage.data.photos.cache import PyramidCache
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.errors import MonoImageError


def write(out: Path, *options: str, photo: str = "coffee", samples: int = 130) -> int:
    return main(["dataset", "write", photo, str(out), f"--samples={samples}", "--size=32", *options])


def patches(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "train" / "dummy").iterdir()}


def test_writes_every_sample_once_and_the_same_with_any_number_of_workers(tmp_path: Path) -> None:
    for workers in (1, 3):
        assert write(tmp_path / str(workers), f"--workers={workers}") == 0
    one, three = patches(tmp_path / "1"), patches(tmp_path / "3")
    assert set(one) == {f"patch_{n}.jpg" for n in range(130)}
    assert one == three
    assert len(set(one.values())) == 130
    assert (tmp_path / "1" / "monoimage.json").is_file()


def test_a_patch_is_the_sample_at_jpeg_quality_75(tmp_path: Path) -> None:
    write(tmp_path / "out", "--recipe=paper", "--seed=4", samples=8)
    photos = PyramidCache([CATALOG["coffee"].path], RECIPES["paper"])
    expected = io.BytesIO()
    sample(photos, recipe_from_options("paper", 32, 4), 7, seed=4).save(expected, "JPEG", quality=75)
    assert patches(tmp_path / "out")["patch_7.jpg"] == expected.getvalue()


def test_continues_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    write(out, "--workers=1")
    whole = patches(out)
    kept = os.stat(out / "train/dummy/patch_5.jpg").st_mtime_ns
    (out / "train/dummy/patch_7.jpg").unlink()
    (out / "train/dummy/patch_9.jpg").rename(out / "train/dummy/patch_9.jpg.part")
    capsys.readouterr()
    assert write(out, "--workers=1") == 0
    assert "2 crops written, 128 were there already" in capsys.readouterr().out
    assert patches(out) == whole
    assert os.stat(out / "train/dummy/patch_5.jpg").st_mtime_ns == kept
    assert write(out, "--workers=1", samples=140) == 0
    assert len(patches(out)) == 140


def test_refuses_folders_that_hold_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    assert write(tmp_path / "mine") == 2
    assert "holds something else (thesis.tex): name an empty or a new folder" in capsys.readouterr().err
    assert os.listdir(tmp_path / "mine") == ["thesis.tex"]
    write(tmp_path / "out", samples=4)
    for options in ({"photo": "china"}, {"options": "--seed=9"}, {"options": "--recipe=paper"}):
        other = [options["options"]] if "options" in options else []
        assert write(tmp_path / "out", *other, photo=options.get("photo", "coffee"), samples=4) == 2
        assert "other photos, recipe or seed" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert write(tmp_path / "file" / "out", samples=4) == 2
    assert f"'{tmp_path}/file/out' cannot be written: '{tmp_path}/file' is a file" in capsys.readouterr().err
    assert write(Path("/proc/out"), samples=4) == 2
    assert "'/proc/out' cannot be written: " in capsys.readouterr().err


@pytest.mark.parametrize("workers", [1, 2])
def test_writing_that_fails_half_way_leaves_no_half_patch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    out = tmp_path / "out"
    write(out, samples=1)
    (out / "train/dummy/patch_3.jpg.part").mkdir()  # the temporary name is taken: writing fails there
    assert write(out, f"--workers={workers}", samples=9) == 2
    assert f"cannot write {out}/train/dummy/patch_3.jpg: Is a directory" in capsys.readouterr().err
    (out / "train/dummy/patch_3.jpg.part").rmdir()
    left = sorted(os.listdir(out / "train/dummy"))
    assert left == ["patch_0.jpg", "patch_1.jpg", "patch_2.jpg"]
    for name in left:
        Image.open(out / "train/dummy" / name).load()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--recipe=relased", "did you mean 'released'"),
        ("--size=1", "SIZE=1 must be between 8 and 2048"),
        ("--seed=-1", "SEED=-1 must be between 0"),
        ("--samples=0", "--samples=0 must be at least 1"),
        ("--workers=0", "--workers=0 must be at least 1"),
    ],
)
def test_bad_options_stop_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, sentence: str
) -> None:
    assert write(tmp_path / "out", option) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_manifest_says_what_the_patches_come_from(tmp_path: Path) -> None:
    write(tmp_path / "out", samples=2)
    manifest = json.loads((tmp_path / "out" / "monoimage.json").read_text())
    assert manifest["recipe"]["rotation"] == 30
    assert manifest["photos"] == PyramidCache([CATALOG["coffee"].path], RECIPES["paper"]).sha256


def test_sheet_shows_the_photo_and_the_first_samples() -> None:
    recipe = recipe_from_options("released", 32, 0)
    sheet = np.asarray(contact_sheet("coffee", recipe, rows=2, columns=3))
    height = 2 * (CELL + GAP) + GAP
    assert sheet.shape[0] == height
    photos = PyramidCache([CATALOG["coffee"].path], recipe)
    for number, (row, column) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]):
        top = GAP + row * (CELL + GAP)
        left = sheet.shape[1] - (3 - column) * (CELL + GAP)
        shown = sheet[top : top + CELL : 4, left : left + CELL : 4]
        assert (shown == np.asarray(sample(photos, recipe, number + 1, seed=0))).all()
    photo = Image.open(CATALOG["coffee"].path)
    left_part = Image.fromarray(sheet[GAP:-GAP, GAP : sheet.shape[1] - 3 * (CELL + GAP) - GAP])
    small = photo.resize(left_part.size, Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(left_part, int) - np.asarray(small, int)).mean() < 8


def test_preview_saves_a_sheet_with_credit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sheet.png"
    assert main(["preview", "china", "-o", str(out), "--rows=1", "--size=16"]) == 0
    assert Image.open(out).size[1] == CELL + 2 * GAP
    assert "danielbuechele" in capsys.readouterr().out
    assert os.listdir(tmp_path) == ["sheet.png"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["chna"], "did you mean 'china'"),
        (["china", "--rows=0"], "--rows=0 must be between 1 and 100"),
        (["china", "-o", "sheet.xyz"], "saved as .png"),
        (["china", "-o", "no/folder/sheet.png"], "cannot write no/folder/sheet.png: No such file"),
    ],
)
def test_preview_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["preview", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_sheet_shows_one_photo(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (300, 300)).save(tmp_path / name)
    with pytest.raises(MonoImageError, match="has 2 photos: name one"):
        contact_sheet(str(tmp_path), RECIPES["released"])
