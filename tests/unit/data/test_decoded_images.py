"""Images that a process decodes once for its forks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vissl_monoimage.cli import probe_server
from vissl_monoimage.data import decoded_images
from vissl_monoimage.data.decoded_images import keep_decoded, kept_images

BYTES = 4 * 8 * 8 * 3


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Return a function that writes four images of 8x8 pixels into a folder of one class."""
    monkeypatch.setattr(decoded_images, "_kept", [])

    def write(name: str) -> list[str]:
        files = [tmp_path / name / "class" / f"{number}.png" for number in range(4)]
        files[0].parent.mkdir(parents=True)
        for number, file in enumerate(files):
            Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(file)
        return [str(file) for file in files]

    return write


def test_the_oldest_images_are_dropped_for_new_ones(
    images: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoded_images, "MOST_BYTES", BYTES)
    folders = [images(name) for name in ("a", "b", "c")]
    for paths in folders[:2]:
        keep_decoded(paths)
    assert all(kept_images(paths) is not None for paths in folders[:2])
    keep_decoded(folders[2])
    assert [kept_images(paths) is not None for paths in folders] == [False, True, True]
    np.testing.assert_array_equal(kept_images(folders[2])[:, 0, 0, 0], range(4))  # type: ignore[index]


def test_memory_that_runs_out_ends_no_probe_server(
    images: Callable[[str], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run_out(*_: object) -> None:
        raise MemoryError("Unable to allocate 1.2 GiB")

    images("train"), images("test")
    monkeypatch.setattr(decoded_images, "decoded_images", run_out)
    probe_server._prepare(str(tmp_path / "train"), str(tmp_path / "test"))
    assert "failed: MemoryError: Unable to allocate 1.2 GiB" in capsys.readouterr().err
