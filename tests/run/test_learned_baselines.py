"""`monoimage init`, a probe of its checkpoint, and a report of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess


def test_a_learned_baseline_is_probed_and_reported_like_any_method(
    monoimage: Callable[..., CompletedProcess[str]], small_probe: list[str], tmp_path: Path
) -> None:
    """Sparse coding; k-means is a cell of the tiny benchmark in test_reproduce."""
    monoimage("init", "sparse_coding", "china", "-o", "made", "--crops", "48")
    weights = "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=made/checkpoint.torch"
    monoimage("run", *small_probe, "config.MONOIMAGE.PATCHES.SIZE=32", weights, "config.MODEL.TRUNK.NAME=sparse_coding")
    assert "sparse_coding on china (1 image)" in monoimage("report", ".", "-o", "report").stdout
    page = (tmp_path / "report" / "report.html").read_text()
    assert "conv1 filters, sparse_coding on china (1 image), seed 0." in page
    assert "Not shown" not in page
