"""The page of a report, for tests of what it shows."""

from __future__ import annotations

from collections.abc import Sequence

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.collect import collect
from vissl_monoimage.report.formats.html import render_page


def page_of(rows: Sequence[Row]) -> str:
    """Return the page of a report of `rows`."""
    return render_page(collect(rows))
