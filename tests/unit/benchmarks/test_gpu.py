"""benchmarks/gpu.py, as far as it runs without a GPU."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "gpu.py"


def test_without_a_gpu_it_ends_in_one_sentence() -> None:
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False, env=hidden)
    assert ended.returncode == 1
    assert ended.stderr == "benchmarks/gpu.py: no CUDA device\n"


@pytest.mark.slow
@pytest.mark.parametrize("renderer", ["opencv", "torch"])
def test_its_loop_trains_with_each_renderer(renderer: str) -> None:
    measure = runpy.run_path(str(SCRIPT), run_name="gpu")["measure"]
    line = measure("rotnet_convnet4", renderer, compiled=False, workers=1, seconds=0.1, batch=4, kind="cpu")
    assert line["images_a_second"] > 0
    assert 0 <= line["percent_waiting"] <= 100
