"""Damaged pictures in a run's folder: intact ones are shown byte for byte, the others are named."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import Row
from vissl_monoimage.pretext.bigan.artifacts import FOLDER, SAMPLES
from vissl_monoimage.pretext.deepcluster.artifacts import CLUSTERS, CLUSTERS_FILE
from vissl_monoimage.report.sections.artifacts import RunBlock
from vissl_monoimage.report.sections.clusters import cluster_blocks
from vissl_monoimage.report.sections.gan import generator_blocks
from vissl_monoimage.report.sections.pictures import latest_picture

MakeRow = Callable[..., Row]
Blocks = Callable[[], tuple[list[RunBlock], list[str]]]
KINDS = (SAMPLES, CLUSTERS)


def encoded(kind: str = "PNG", text: str = "") -> bytes:
    """Return a small picture of noise, with `text` where a run records the layout of its images."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    info, buffer = PngInfo(), io.BytesIO()
    info.add_text("monoimage_grid", text)
    Image.fromarray(noise).save(buffer, kind, **({"pnginfo": info} if text else {}))
    return buffer.getvalue()


def of_size(side: int) -> bytes:
    """Return the header of a PNG of `side` px squared, without its pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return encoded()[:8] + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


WHOLE = {
    "as it was": encoded(),
    "no layout": encoded(text=""),
    "a layout that is no JSON": encoded(text="{"),
    "a layout that is a list": encoded(text="[1, 2]"),
    "a layout of texts": encoded(text='{"count": "64", "cell": "32"}'),
    "a layout of nulls": encoded(text='{"count": null, "cell": null}'),
    "a layout without columns": encoded(text='{"count": 64, "cell": 32, "columns": 0}'),
    "a layout of negative numbers": encoded(text='{"count": -64, "cell": 32, "columns": -1}'),
    "a layout of a later version": encoded(text='{"count": 64, "cell": 32, "frames": 2}'),
    "a layout that is incomplete": encoded(text='{"count": 64}'),
    "a layout nested without end": encoded(text="[" * 100_000),
    "bytes after the end": encoded() + b"\0" * 512,
}
BROKEN = {
    "empty": b"",
    "NULs": b"\0" * 4096,
    "truncated in its header": encoded()[:20],
    "truncated in its pixels": encoded()[:-1500],
    "a bit flipped": encoded()[:600] + bytes([encoded()[600] ^ 1]) + encoded()[601:],
    "text": b"not a picture",
    "HTML": b"<script>alert(1)</script>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a JPEG": encoded("JPEG"),
    "a decompression bomb": of_size(60_000),
    "no pixels": of_size(0),
}


@pytest.fixture
def blocks(tmp_path: Path, a_row: MakeRow) -> Blocks:
    """Return `blocks()`: what a page shows of a generator and of clusters whose run's folder is `tmp_path`."""
    (tmp_path / FOLDER).mkdir()
    (tmp_path / CLUSTERS_FILE).write_text('{"epoch": 1, "clusters": 9}\n')

    def make() -> tuple[list[RunBlock], list[str]]:
        row = a_row(kind="pretrain", checkpoint_out=str(tmp_path / "final.torch"), protocol=None)
        missing: list[str] = []
        return [*generator_blocks([row], missing), *cluster_blocks([row], missing)], missing

    return make


def put(folder: Path, content: bytes, epoch: int = 3) -> None:
    for kind in KINDS:
        (folder / FOLDER / f"{kind}_{epoch:04d}.png").write_bytes(content)


@pytest.mark.parametrize("case", WHOLE)
def test_an_intact_picture_is_shown_whatever_layout_it_records(case: str, tmp_path: Path, blocks: Blocks) -> None:
    put(tmp_path, WHOLE[case])
    shown, _ = blocks()
    assert [picture.data for block in shown for picture in block.pictures] == [WHOLE[case]] * 2
    assert shown[0].pictures[0].caption == "Samples: images drawn from random codes, after epoch 3."


@pytest.mark.parametrize("case", BROKEN)
def test_a_damaged_picture_is_named_and_not_shown(case: str, tmp_path: Path, blocks: Blocks) -> None:
    put(tmp_path, BROKEN[case])
    shown, missing = blocks()
    assert [picture for block in shown for picture in block.pictures] == []
    for kind in KINDS:
        (note,) = [note for note in missing if str(tmp_path / FOLDER / f"{kind}_0003.png") in note]
        assert note.startswith("Not shown: ")


def test_a_folder_or_broken_link_is_named(tmp_path: Path, blocks: Blocks) -> None:
    (tmp_path / FOLDER / f"{SAMPLES}_0003.png").mkdir()
    (tmp_path / FOLDER / f"{CLUSTERS}_0003.png").symlink_to("nowhere.png")
    missing = blocks()[1]
    for kind in KINDS:
        assert any(f"{kind}_0003.png" in note for note in missing)


def test_the_number_of_an_epoch_may_have_any_length(tmp_path: Path, blocks: Blocks) -> None:
    put(tmp_path, encoded())
    for kind in KINDS:
        (tmp_path / FOLDER / f"{kind}_{'9' * 200}.png").write_bytes(encoded())
    shown, _ = blocks()
    assert all(f"epoch {'9' * 200}" in picture.caption for block in shown for picture in block.pictures)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 3700), length=st.integers(0, 3700), patch=st.binary(max_size=30))
def test_no_bytes_raise(start: int, length: int, patch: bytes, tmp_path: Path) -> None:
    whole, path = encoded(), tmp_path / "samples_0003.png"
    path.write_bytes(whole[:start] + patch + whole[start + length :])
    try:
        picture = latest_picture(tmp_path, SAMPLES, "picture")
    except MonoImageError as error:
        message = str(error)
    else:
        message = str(path)
        Image.open(io.BytesIO(picture.data)).load()
    assert str(path) in message
