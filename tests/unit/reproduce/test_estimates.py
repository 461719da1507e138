"""The plan's minutes are within a factor of two of what the committed runs took."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import median

import pytest

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.reproduce.grid import Grid
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.utils.precision import FLOAT32_COST

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
ONE_CORE = ("1 x cpu (1 threads)", "1 x cpu (1 threads), bfloat16")
SHORT = 1.0
"""Minutes; a shorter run is its start, which the plan counts and a row does not."""


def estimate(grid: Grid, row: Row) -> float | None:
    """Return the plan's minutes for the run of a row, None if the benchmark has no such run."""
    if row.kind == "probe":
        return next((probe.minutes for probe in grid.probes.values() if probe.config == row.name), None)
    cells = [
        cell for cell in grid.cells.values() if cell.pretrain == row.name and {*cell.overrides} <= {*row.overrides}
    ]
    if not cells:
        return None
    minutes = max(cells, key=lambda cell: len(cell.overrides)).minutes
    return minutes if row.device.endswith("bfloat16") else minutes * FLOAT32_COST


@pytest.mark.parametrize("name", ["table2-tiny", "table3-cifar"])
def test_the_estimates_of_a_plan_are_within_a_factor_of_two(name: str) -> None:
    grid = read_grid(name)
    factors: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in ledger.read([RESULTS / f"{name}.jsonl"]):
        planned = estimate(grid, row)
        if planned and row.device in ONE_CORE and row.wall_s > 60 * SHORT:
            factors[row.name, row.device].append(planned / (row.wall_s / 60))
    assert {kind for kind, _ in factors} >= {probe.config for probe in grid.probes.values()}
    assert any("rotnet" in kind for kind, _ in factors)
    wrong = {kind: round(median(found), 2) for kind, found in factors.items() if not 0.5 <= median(found) <= 2}
    assert not wrong
