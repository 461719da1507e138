"""Plots of training losses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.plots.style import COLOURS, Figure, drawable, new_axes, svg
from vissl_monoimage.report.tables.labels import pretrain_label


def loss_curves(rows: Iterable[Row]) -> list[Figure]:
    """Return plots of the training loss over the steps, one per experiment, with a line per run.

    Runs that ended in the same bytes are drawn once.
    """
    experiments: dict[str, list[Row]] = {}
    by_checkpoint = {row.checkpoint_out_sha256 or row.run_id: row for row in rows}
    for row in sorted(by_checkpoint.values(), key=lambda row: row.seed):
        experiments.setdefault(row.experiment, []).append(row)
    return [_loss_curve(runs) for runs in experiments.values()]


def _loss_curve(rows: Sequence[Row]) -> Figure:
    canvas, axes = new_axes()
    ends = []
    for number, row in enumerate(rows):
        losses = [math.nan if loss is None else loss for _, loss in row.losses]
        steps = [step for step, _ in row.losses]
        axes.plot(steps, drawable(losses), color=COLOURS[number % len(COLOURS)], linewidth=1, label=f"seed {row.seed}")
        ends.append(f"seed {row.seed} from {losses[0]:.3g} at step {steps[0]} to {losses[-1]:.3g} at step {steps[-1]}")
    axes.set(xlabel="step", ylabel="training loss")
    if several := len(rows) > 1:
        axes.legend(frameon=False, fontsize="small")
    seeds = " ".join(str(row.seed) for row in rows)
    return Figure(
        svg(canvas),
        "image/svg+xml",
        f"Line plot of the training loss of {rows[0].name}: {'; '.join(ends)}.",
        f"Training loss of {pretrain_label(rows[0])} at single steps, seed{'s' * several} {seeds}.",
    )
