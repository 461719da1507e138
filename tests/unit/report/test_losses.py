"""Plots of training losses: one plot per experiment, one line per training."""

from collections.abc import Callable

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.plots.losses import loss_curves


def test_seeds_share_a_plot_and_other_experiments_have_their_own(a_row: Callable[..., Row]) -> None:
    def trained(seed: int, group: str, out: str, loss: float) -> Row:
        values = {"kind": "pretrain", "seed": seed, "group_hash": group, "checkpoint_out_sha256": out}
        return a_row(run_id=f"{group}{out}", losses=[[1, loss], [9, 0.5]], **values)

    first, again = trained(0, "a", "x", 2.0), trained(0, "a", "x", 2.0)
    figures = loss_curves([trained(1, "a", "y", 3.0), first, again, trained(0, "b", "z", 4.0)])
    said = [figure.alt.split(": ", 1)[1] for figure in figures]
    assert said == [
        "seed 0 from 2 at step 1 to 0.5 at step 9; seed 1 from 3 at step 1 to 0.5 at step 9.",
        "seed 0 from 4 at step 1 to 0.5 at step 9.",
    ]
    assert [figure.caption.rpartition(", ")[2] for figure in figures] == ["seeds 0 1.", "seed 0."]
