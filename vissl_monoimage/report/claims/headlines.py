"""What one photo teaches a single layer, in a sentence."""

from __future__ import annotations

from vissl_monoimage.report.claims.claims import one_photo_lines
from vissl_monoimage.report.claims.names import baseline_name, describe_subject, images_name
from vissl_monoimage.report.claims.wording import describe_gain, percent
from vissl_monoimage.report.tables.contrasts import gains, shares
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.table import Table


def headlines(table: Table, layer: str) -> list[str]:
    """Return what one photo teaches a layer, in a sentence for each method that has several seeds."""
    lines = one_photo_lines(table)
    return [text for line in lines if (text := _headline(table, line, layer, describe_subject(line, lines)))]


def _headline(table: Table, line: Line, layer: str, subject: str) -> str:
    """Return the gains of a line in a layer over several seeds, with the shares of those told apart; "" without any."""
    clauses = []
    for gain in gains(table, line):
        if layer in gain.layers and gain.layers[layer].n > 1:
            of = [share for share in shares(table, line) if share.baseline is gain.other and layer in share.layers]
            parts = [
                f"{percent(share, layer)} of what {images_name(share.full, line)} gain"
                for share in of
                if share.n(layer) > 1 and gain.is_told_apart(layer)
            ]
            clauses.append(", ".join([describe_gain(gain, baseline_name(gain.other), [layer]), *parts]))
    return f"{subject}, {layer}: {'; '.join(clauses)}.".replace(f" at {layer}", "") if clauses else ""
