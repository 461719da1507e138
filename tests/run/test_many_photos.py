"""Runs on photos that do not all fit into memory, through the launcher."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import launcher
import numpy as np
import pytest
import torch
from PIL import Image

from vissl_monoimage.data.crops.pyramid import pyramid_bytes

PHOTOS, SIDE = 24, 120
# With the memory bound lowered, so that these small photos do not all fit.
RUN = (
    f"import sys; from vissl_monoimage.data.photos import cache; cache.CACHE_BYTES = {6 * pyramid_bytes(SIDE, SIDE)};"
    "from vissl_monoimage.cli.main import main; raise SystemExit(main(['run', *sys.argv[1:]]))"
)
CONFIG = (
    "config=pretrain/monoimage/rotnet_convnet4",
    "+config/monoimage=smoke",
    "config.DATA.TRAIN.DATA_LIMIT=48",
    "config.DATA.TRAIN.DATA_PATHS=[photos]",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (PHOTOS, SIDE, SIDE, 3), np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number:02}.png")
    return tmp_path


def run(folder: Path, *overrides: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return launcher.python(RUN, *CONFIG, *overrides, cwd=folder, status=status)


def weights(folder: Path, name: str, *overrides: str) -> dict[str, torch.Tensor]:
    one_epoch = ("config.OPTIMIZER.num_epochs=1", "config.TEST_MODEL=false")
    run(folder, f"config.CHECKPOINT.DIR={name}", *one_epoch, *overrides)
    checkpoint = torch.load(folder / name / "model_final_checkpoint_phase0.torch", weights_only=False)
    trunk: dict[str, torch.Tensor] = checkpoint["classy_state_dict"]["base_model"]["model"]["trunk"]
    return trunk


@pytest.mark.slow
def test_loader_workers_change_nothing(folder: Path) -> None:
    alone = weights(folder, "alone")
    with_workers = weights(folder, "workers", "config.DATA.NUM_DATALOADER_WORKERS=2")
    assert all(torch.equal(alone[key], value) for key, value in with_workers.items())


@pytest.mark.parametrize("workers", [0, 1])
def test_a_photo_whose_damage_only_decoding_shows_ends_the_run_with_its_name(folder: Path, workers: int) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0))
    bad = folder / "photos" / "13.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"garbage" * 99) + chunk(b"IEND", b""))
    done = run(folder, "config.CHECKPOINT.DIR=run", f"config.DATA.NUM_DATALOADER_WORKERS={workers}", status=2)
    messages = [line for line in done.stderr.splitlines() if line.startswith("monoimage: ")]
    assert len(messages) == 1
    assert messages[0].startswith("monoimage: photos/13.png is truncated or damaged: ")


def test_a_truncated_photo_among_many_stops_the_run_before_it_starts(folder: Path) -> None:
    bad = folder / "photos" / "13.png"
    bad.write_bytes(bad.read_bytes()[:-500])
    done = run(folder, "config.CHECKPOINT.DIR=run", status=2)
    assert "photos/13.png is truncated or damaged" in done.stderr
    assert not (folder / "run").exists()
