"""Write docs/scale.md: what Table 2 at full size would cost, from the committed rows of the same networks at 64 px.

    python benchmarks/scale.py --write

A committed training tells the core-seconds that a multiply-accumulate of its trunk takes; the trunk at 224 px and the
schedule of its configuration tell how many there are. Without --write, the status is 1 if the page is out of date.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.reproduce.grid import Grid
from vissl_monoimage.reproduce.read_grid import read_grid

ROOT = Path(__file__).parents[1]
PAGE, RESULTS = ROOT / "docs" / "scale.md", ROOT / "benchmarks" / "results"
IMAGENET, ROTATIONS = 1_281_167, 4
DOLLARS_A_CORE_HOUR = 0.05
ONE_CORE = "1 x cpu (1 threads), bfloat16"
SMALL_RUN, SMALL_TRUNK, SMALL_SIZE = "pretrain/monoimage/rotnet_alexnet_wide_64px", "alexnet_wide_64px", 64
PASSES = {"supervised": 1.0, "rotnet": ROTATIONS, "deepcluster": 1 + 1 / 3}
"""Trainings' worth of passes for each image and epoch: four rotations; a forward pass, a third of one, to cluster."""


def page() -> str:
    """Return the page."""
    rows = [row for row in ledger.read([RESULTS / "table2-tiny.jsonl"]) if row.name == SMALL_RUN]
    rows = [row for row in rows if row.device == ONE_CORE]
    measured = statistics.median(row.wall_s / _images(row) for row in rows)
    rate = measured / gigamacs(SMALL_TRUNK, SMALL_SIZE)
    grid = read_grid("table2-imagenet")
    lines, hours = _lines(grid, rate)
    probes = _probe_hours(grid, rate)
    planned = sum(cell.minutes + grid.probes["imagenet1k"].minutes for cell in grid.cells.values()) / 60
    hours += probes
    probe_epochs = _epochs("benchmark/monoimage/linear_imagenet1k")
    return f"""# The paper's Table 2 at full size

<!-- Written by `python benchmarks/scale.py --write` from benchmarks/results/table2-tiny.jsonl: edit the script. -->
`table2-imagenet` has never been run here. This page computes what it would cost from what was measured, and says where
nothing was.

**Measured:** {len(rows)} trainings of RotNet on `{SMALL_TRUNK}` at {SMALL_SIZE} px on one core in bfloat16, rows of
`table2-tiny`, took {1000 * measured:.2f} ms an image (median; {_span(rows)}), so {rate:.3f} core-seconds for each 10⁹
multiply-accumulates of the trunk's forward pass; crops, backward pass and head are included. The machine also had other
work.

**Computed:** the multiply-accumulates of a trunk at 224 px, times the images of its configuration's schedule
({IMAGENET:,} an epoch), times that rate, which is RotNet's for all methods and assumed to be the same at 224 px.

| trainings | number | epochs | 10⁹ multiply-accumulates an image | core-hours each | core-hours |
| --- | ---: | ---: | ---: | ---: | ---: |
{lines}
| probes on ImageNet | {len(grid.cells)} | {probe_epochs} | | {probes / len(grid.cells):,.0f} | {probes:,.0f} |

The sum is {hours:,.0f} core-hours, or {hours * DOLLARS_A_CORE_HOUR:,.0f} US dollars at {DOLLARS_A_CORE_HOUR} dollars a
core-hour: the price is an assumption. RotNet counts four rotations an image. DeepCluster counts a further forward pass
an epoch, at a third of a training step; its k-means is left out. A probe counts a forward pass of `alexnet_wide` for
each image and epoch, at a third of a training step, without its ten-crop test and its heads.

**Not measured, and not in the sum:** BiGAN's trainings, scattering, k-means and the other baselines. No AlexNet
was trained on a GPU here, so there are no GPU-hours and no price of them: the benchmark's own minutes, which add up to
{planned:,.0f} GPU-hours, are guesses.
"""


def gigamacs(trunk: str, size: int) -> float:
    """Return the multiply-accumulates of a forward pass of one image of `size` px through a trunk, in 10⁹."""
    with torch.device("meta"):
        network = build_trunk(trunk)
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, size, size))
    return counter.get_total_flops() / 2e9


def _images(row: Row) -> int:
    if not row.images_seen:
        raise ValueError(f"row {row.run_id} does not say how many images it saw")
    return row.images_seen


def _span(rows: list[Row]) -> str:
    times = sorted(1000 * row.wall_s / _images(row) for row in rows)
    return f"{times[0]:.2f} to {times[-1]:.2f}"


def _lines(grid: Grid, rate: float) -> tuple[str, float]:
    """Return the table's lines of trainings, and the core-hours of all."""
    lines, total = [], 0.0
    for method, passes in PASSES.items():
        cells = [cell for cell in grid.cells.values() if cell.pretrain == f"pretrain/monoimage/{method}_alexnet"]
        epochs, size = _epochs(cells[0].pretrain), gigamacs(cells[0].trunk, 224)
        each = IMAGENET * epochs * passes * size * rate / 3600
        total += len(cells) * each
        name = f"`{method}_alexnet`"
        lines.append(f"| {name} | {len(cells)} | {epochs} | {size:.2f} | {each:,.0f} | {len(cells) * each:,.0f} |")
    return "\n".join(lines), total


def _probe_hours(grid: Grid, rate: float) -> float:
    images = IMAGENET * _epochs("benchmark/monoimage/linear_imagenet1k")
    return len(grid.cells) * images * gigamacs("alexnet_wide", 224) / 3 * rate / 3600


def _epochs(config: str) -> int:
    settings = yaml.safe_load((ROOT / "configs" / "config" / f"{config}.yaml").read_text())
    return int(settings["config"]["OPTIMIZER"]["num_epochs"])


def main() -> int:
    """Write the page, or return 1 if it is out of date."""
    parser = argparse.ArgumentParser(description="Write docs/scale.md from the committed results.")
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    return int(PAGE.read_text(encoding="utf-8") != page())


if __name__ == "__main__":
    raise SystemExit(main())
