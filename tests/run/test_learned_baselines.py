"""`monoimage init`, the probe of what it makes, and the report of both."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("method", "trunk"), [("kmeans", "convnet4"), ("sparse_coding", "sparse_coding")])
def test_a_learned_baseline_is_probed_and_reported_like_any_method(
    monoimage, small_probe, tmp_path, method, trunk
) -> None:
    monoimage("init", method, "china", "-o", "made", "--crops", "48")
    weights = "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=made/checkpoint.torch"
    monoimage("run", *small_probe, "config.MONOIMAGE.PATCHES.SIZE=32", weights, f"config.MODEL.TRUNK.NAME={trunk}")
    assert f"{method} on china (1 image)" in monoimage("report", ".", "-o", "report").stdout
    page = (tmp_path / "report" / "report.html").read_text()
    assert f"conv1 filters, {method} on china (1 image), seed 0." in page
    assert "Not shown" not in page
