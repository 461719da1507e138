"""Fingerprints of data: derived a second time; equal for equal content wherever it lies, and for nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from vissl_monoimage.data.crops.settings import SourceBlock
from vissl_monoimage.ledger import fingerprint
from vissl_monoimage.ledger.data_hash import DataHasher, FolderContent, JoinedContent, KnownContent
from vissl_monoimage.ledger.fingerprint import Fingerprint, crops_sha256, files_fingerprint
from vissl_monoimage.ledger.fingerprint_cache import remembered_fingerprint
from vissl_monoimage.ledger.origin import resolved_recipe
from vissl_monoimage.ledger.row_parts import DataSplit

CLASSES = ("cat", "dog")
Labelled = list[tuple[str, int]]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "vissl_monoimage" / "fingerprints.jsonl"


def photos(root: Path, suffix: str = ".jpg", side: int = 20, seed: int = 0) -> Labelled:
    """Write three images a class and return them with their labels."""
    generator, files = np.random.default_rng(seed), []
    for label, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(3):
            pixels = generator.integers(0, 256, (side, side + number, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}{suffix}")
            files.append((f"{name}/{number}{suffix}", label))
    return files


def test_a_folder_of_photos_is_hashed_by_sorted_paths_and_bytes(tmp_path: Path) -> None:
    files = photos(tmp_path / "a")
    lines = (
        f"{name}\0{hashlib.sha256((tmp_path / 'a' / name).read_bytes()).hexdigest()}\n" for name, _ in sorted(files)
    )
    expected = Fingerprint(hashlib.sha256("".join(lines).encode()).hexdigest())
    assert files_fingerprint(tmp_path / "a", files) == expected
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert files_fingerprint(tmp_path / "b", files[::-1]) == expected


@pytest.mark.parametrize("change", ["a byte", "a name", "a class", "one file more"])
def test_any_change_of_a_folder_changes_its_hash(tmp_path: Path, change: str) -> None:
    files = photos(tmp_path)
    before = files_fingerprint(tmp_path, files)
    first, label = files[0]
    if change == "a byte":
        content = bytearray((tmp_path / first).read_bytes())
        content[-10] ^= 1
        (tmp_path / first).write_bytes(content)
    else:
        other = {"a name": "cat/9.jpg", "a class": "dog/9.jpg", "one file more": "cat/8.jpg"}[change]
        shutil.copy(tmp_path / first, tmp_path / other)
        files = [*(files if change == "one file more" else files[1:]), (other, label)]
    assert files_fingerprint(tmp_path, files) != before


def test_small_pngs_are_hashed_by_labels_and_pixels(tmp_path: Path) -> None:
    files, digests = photos(tmp_path, ".png"), []
    for name, label in files:
        pixels = np.asarray(Image.open(tmp_path / name))
        shape = label.to_bytes(8, "little") + b"".join(side.to_bytes(8, "little") for side in pixels.shape[:2])
        digests.append(hashlib.sha256(shape + pixels.tobytes()).digest())
    expected = hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    assert files_fingerprint(tmp_path, files) == Fingerprint(expected)
    # How they are stored does not count.
    for name, _ in files:
        Image.open(tmp_path / name).save(tmp_path / name, compress_level=0)
    assert files_fingerprint(tmp_path, files) == Fingerprint(expected)
    renamed = [(name.replace(".png", "-renamed.png"), label) for name, label in files]
    for (name, _), (other, _) in zip(files, renamed, strict=True):
        (tmp_path / name).rename(tmp_path / other)
    assert files_fingerprint(tmp_path, renamed) == Fingerprint(expected)
    swapped = [(name, 1 - label) for name, label in renamed]
    assert files_fingerprint(tmp_path, swapped) != Fingerprint(expected)


def rotated() -> dict[str, Any]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return {"exif": exif}


@pytest.mark.parametrize(
    ("name", "image", "options"),
    [
        ("large", Image.new("RGB", (129, 20)), {}),
        ("deep", Image.fromarray(np.zeros((20, 20), np.uint16)), {}),
        ("transparent", Image.new("RGBA", (20, 20)), {}),
        ("transparent palette", Image.new("P", (20, 20)), {"transparency": 0}),
        ("rotated", Image.new("RGB", (20, 30)), rotated()),
        (
            "profile",
            Image.new("RGB", (20, 20)),
            {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()},
        ),
    ],
)
def test_a_png_that_is_not_shown_as_it_is_stored_has_its_folder_hashed_by_bytes(
    tmp_path: Path, name: str, image: Image.Image, options: dict[str, Any]
) -> None:
    files = photos(tmp_path, ".png")
    image.save(tmp_path / files[0][0], **options)
    before = files_fingerprint(tmp_path, files)
    Image.open(tmp_path / files[1][0]).save(tmp_path / files[1][0], compress_level=0)
    assert files_fingerprint(tmp_path, files) != before, name


def cifar(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, Labelled]:
    """Write the same 20 images as torchvision's pickles and as a folder of PNGs; return both."""
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)  # ours are not the real ones
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
    labels = [number % 10 for number in range(20)]
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    names = [f"class{number}" for number in range(10)]
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names}))
    for batch in range(5):
        part = slice(4 * batch, 4 * batch + 4)
        content = {"data": pixels[part].reshape(4, -1), "labels": labels[part]}
        (folder / f"data_batch_{batch + 1}").write_bytes(pickle.dumps(content))
    files = []
    for number in np.random.default_rng(1).permutation(20):
        file = root / "png" / names[labels[number]] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[number].transpose(1, 2, 0)).save(file)
        files.append((str(file.relative_to(root / "png")), labels[number]))
    return CIFAR10(root), files


def test_cifar_has_one_hash_as_pickles_and_as_pngs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vissl_monoimage.ledger.data_hash import labelled_pixels

    unpacked, files = cifar(tmp_path, monkeypatch)
    of_folder = files_fingerprint(tmp_path / "png", files)
    assert fingerprint.pixels_fingerprint(labelled_pixels(unpacked)) == of_folder
    one_by_one = ((label, np.asarray(image)) for image, label in unpacked)  # type: ignore[attr-defined]
    assert fingerprint.pixels_fingerprint(one_by_one) == of_folder


def test_of_a_large_data_set_the_ends_of_the_files_are_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [("a/long.jpg", 0), ("a/short.jpg", 0)]
    (tmp_path / "a").mkdir()
    content = np.random.default_rng(0).bytes(300_000)
    (tmp_path / "a" / "long.jpg").write_bytes(content)
    (tmp_path / "a" / "short.jpg").write_bytes(content[:100])
    assert not files_fingerprint(tmp_path, files).sampled
    monkeypatch.setattr(fingerprint, "SAMPLED_ABOVE", 300_000)
    found = files_fingerprint(tmp_path, files)
    digests = [
        hashlib.sha256(struct.pack("<q", 300_000) + content[:65536] + content[-65536:]).hexdigest(),
        hashlib.sha256(struct.pack("<q", 100) + content[:100] + content[:100]).hexdigest(),
    ]
    lines = "".join(f"{name}\0{digest}\n" for (name, _), digest in zip(files, digests, strict=True))
    assert found == Fingerprint(hashlib.sha256(lines.encode()).hexdigest(), sampled=True)
    for place, same in ((150_000, True), (10, False), (299_990, False)):
        changed = bytearray(content)
        changed[place] ^= 1
        (tmp_path / "a" / "long.jpg").write_bytes(changed)
        assert (files_fingerprint(tmp_path, files) == found) is same


# Crops.


def recipe(**changes: object) -> dict[str, object]:
    return resolved_recipe(SourceBlock(**{"NUM_SAMPLES": 100, **changes}))  # type: ignore[arg-type]


def of(*photos: str, **more: object) -> list[dict[str, object]]:
    return [{"name": "me.jpg", "sha256": photo, **more} for photo in photos]


def test_crops_are_the_same_for_all_seeds_and_for_rows_read_from_json() -> None:
    crops = crops_sha256(of("a", "b"), recipe())
    assert (
        crops
        == crops_sha256(of("a", "b"), recipe(SEED=5))
        == crops_sha256(of("a", "b"), json.loads(json.dumps(recipe())))
    )
    text = '{"crops":{"fresh":false,"name":"released","num_samples":100},"photos":["a","b"],"split":"train"}'
    assert crops == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "changes", [{"NUM_SAMPLES": 99}, {"FRESH": True}, {"RECIPE": "paper"}, {"SIZE": 64}, {"SCALE": [1, 1]}]
)
def test_crops_differ_with_all_that_they_depend_on(changes: dict[str, object]) -> None:
    assert crops_sha256(of("a"), recipe(**changes)) != crops_sha256(of("a"), recipe())


def test_crops_differ_with_the_photos_their_order_and_the_split() -> None:
    ways = [(["a"], "train"), (["b"], "train"), (["a", "b"], "train"), (["b", "a"], "train"), (["a"], "test")]
    assert len({crops_sha256(of(*photos), recipe(), split) for photos, split in ways}) == 5


def test_a_part_that_a_later_version_adds_to_a_recipe_changes_no_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = crops_sha256(of("a"), recipe())
    asdict = fingerprint.dataclasses.asdict
    monkeypatch.setattr(fingerprint.dataclasses, "asdict", lambda value: asdict(value) | {"solarize": 0.0})
    assert crops_sha256(of("a"), recipe() | {"solarize": 0.0}) == before
    assert crops_sha256(of("a"), recipe() | {"solarize": 0.5}) != before


def test_a_photo_that_version_1_decoded_in_another_way_has_another_fingerprint() -> None:
    notes = ["me.jpg has the colour profile Adobe RGB: converted to sRGB"]
    plain, converted = (crops_sha256(of("a", **more), recipe()) for more in ({}, {"notes": notes}))
    assert plain != converted
    assert crops_sha256(of("a", notes=[]), recipe()) == plain
    assert crops_sha256(of("a", notes=["in other words"]), recipe()) == converted


# What is remembered.


def settled(root: Path, files: Labelled) -> None:
    for name, _ in files:
        os.utime(root / name, ns=(10**18, 10**18))


def no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("hashed again")

    monkeypatch.setattr("vissl_monoimage.ledger.fingerprint_cache.files_fingerprint", fail)


def test_a_folder_is_hashed_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = photos(tmp_path / "a")
    settled(tmp_path / "a", files)
    first = remembered_fingerprint(tmp_path / "a", files)
    assert first[0] == files_fingerprint(tmp_path / "a", files)
    assert len(cache.read_text().splitlines()) == 1
    no_reading(monkeypatch)
    assert remembered_fingerprint(tmp_path / "a", files) == first
    with pytest.raises(AssertionError, match="hashed again"):
        remembered_fingerprint(tmp_path / "a", files[1:])
    os.utime(tmp_path / "a" / files[0][0], ns=(10**18, 10**18 + 1))
    with pytest.raises(AssertionError, match="hashed again"):
        remembered_fingerprint(tmp_path / "a", files)


def test_files_that_have_just_changed_are_not_remembered(tmp_path: Path, cache: Path) -> None:
    files = photos(tmp_path / "a")
    remembered_fingerprint(tmp_path / "a", files)
    assert not cache.exists()


@pytest.mark.parametrize("content", ["", "garbage\n", "[1]\n{}\n", '{"listing": 1}\n'])
def test_a_broken_cache_costs_time_alone(tmp_path: Path, cache: Path, content: str) -> None:
    files = photos(tmp_path / "a")
    settled(tmp_path / "a", files)
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    first = remembered_fingerprint(tmp_path / "a", files)
    assert first[0] == files_fingerprint(tmp_path / "a", files)
    assert remembered_fingerprint(tmp_path / "a", files) == first


def test_a_cache_that_cannot_be_written_costs_time_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = photos(tmp_path / "a")
    settled(tmp_path / "a", files)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert remembered_fingerprint(tmp_path / "a", files)[0] == files_fingerprint(tmp_path / "a", files)


# In a run.


def test_the_splits_of_a_run_are_hashed_in_a_thread(tmp_path: Path) -> None:
    files = photos(tmp_path / "a")
    known, unknown = KnownContent("5a"), KnownContent(None)
    split = DataSplit("set", 6, 2)
    folder = FolderContent(tmp_path / "a", files)
    hasher = DataHasher(
        {"train": (split, folder), "test": (split, JoinedContent([folder, known])), "x": (split, unknown)}
    )
    sha256 = files_fingerprint(tmp_path / "a", files).sha256
    joined = hashlib.sha256(json.dumps([sha256, "5a"], separators=(",", ":")).encode()).hexdigest()
    assert hasher.finish() == {
        "train": DataSplit("set", 6, 2, sha256),
        "test": DataSplit("set", 6, 2, joined),
        "x": split,
    }


@pytest.mark.parametrize("change", ["rewritten", "removed"])
def test_data_that_change_during_a_run_have_no_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    files = photos(tmp_path / "a")
    hasher = DataHasher({"train": (DataSplit("set", 6, 2), FolderContent(tmp_path / "a", files))})
    hasher._thread.join()
    first = tmp_path / "a" / files[0][0]
    if change == "rewritten":
        os.utime(first, ns=(10**18, 10**18))
    else:
        first.unlink()
    assert hasher.finish() == {"train": DataSplit("set", 6, 2)}
    said = capsys.readouterr().err
    assert said.startswith("the ledger has no hash of the train images of 'set': ")
    assert ("files changed during the run" if change == "rewritten" else str(first)) in said


def test_data_that_cannot_be_hashed_stop_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = photos(tmp_path / "a", ".png")
    (tmp_path / "a" / files[0][0]).write_bytes(b"no image")
    assert (
        DataHasher({"train": (DataSplit("set"), FolderContent(tmp_path / "a", files))}).finish()["train"].sha256 is None
    )
    assert "cannot identify image file" in capsys.readouterr().err
