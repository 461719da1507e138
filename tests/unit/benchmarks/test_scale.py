"""The page on the cost of Table 2 is what its script makes of the committed rows."""

from __future__ import annotations

import pytest

from benchmarks.scale import PAGE, gigamacs, page


def test_the_committed_page_is_made_from_the_committed_rows() -> None:
    """`python benchmarks/scale.py --write` makes it so, after rows were added to `table2-tiny`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_multiply_accumulates_are_those_worked_out_by_hand() -> None:
    """Those of convnet4: height x width x channels out x channels in x 9, for each convolution."""
    by_hand = 32**2 * 64 * 3 * 9 + 16**2 * 64 * 64 * 9 + 8**2 * 128 * 64 * 9 + 4**2 * 256 * 128 * 9
    assert gigamacs("convnet4", 32) == pytest.approx(by_hand / 1e9)
