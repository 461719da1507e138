"""What the pretrainings of a line cost: images, steps and hours."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from statistics import fmean

from vissl_monoimage.ledger.images_seen_table import images_seen
from vissl_monoimage.ledger.row import Row

COLUMNS = ("images seen", "steps", "core-hours")
NOTE = (
    "Images seen, steps: of each pretraining; an image counts in every epoch; -: not recorded. Core-hours: the mean "
    "wall time of the pretrainings, from the first step to the end, times processes and threads; marked GPU, times "
    "processes, where a part or all ran on one. Probes are not in it."
)
_CPU = re.compile(r"(\d+) x cpu(?: \((\d+) threads\))?(?:, bfloat16)?")  # as `ledger.machine.device` writes it


@dataclasses.dataclass(frozen=True)
class Cost:
    """The cost of a pretraining, the mean over its seeds.

    Attributes:
        images: training images of all steps; None where no row has it.
        steps: training steps.
        core_hours: of the pretrainings on CPUs alone; None without one.
        gpu_hours: of the others, wall time times processes; None without one.
    """

    images: int | None
    steps: int
    core_hours: float | None
    gpu_hours: float | None

    def cells(self) -> list[str]:
        """Return the cells of `COLUMNS`."""
        hours = [f"{self.core_hours:.2f}"] if self.core_hours is not None else []
        hours += [f"{self.gpu_hours:.2f} GPU"] if self.gpu_hours is not None else []
        return ["-" if self.images is None else f"{self.images:,}", f"{self.steps:,}", ", ".join(hours)]


def cost_of(pretrainings: Sequence[Row]) -> Cost | None:
    """Return the cost of the pretrainings of one experiment; None without any."""
    if not pretrainings:
        return None
    images = [seen for row in pretrainings if (seen := images_seen(row)) is not None]
    cores = {row.run_id: _cores(row.device) for row in pretrainings}
    on_cpu = [row.wall_s / 3600 * cores[row.run_id] for row in pretrainings if cores[row.run_id]]
    on_gpu = [row.wall_s / 3600 * _processes(row.device) for row in pretrainings if not cores[row.run_id]]
    return Cost(
        round(fmean(images)) if images else None,
        round(fmean(row.iterations for row in pretrainings)),
        fmean(on_cpu) if on_cpu else None,
        fmean(on_gpu) if on_gpu else None,
    )


def _cores(device: str) -> int:
    """Return processes times threads of a run on CPUs alone, the most that it had; 0 for all others."""
    matches = [_CPU.fullmatch(part) for part in device.split(", then ")]
    return max((int(match[1]) * int(match[2] or 1) for match in matches if match), default=0) if all(matches) else 0


def _processes(device: str) -> int:
    count, _, _ = device.partition(" x ")
    return int(count) if count.isdecimal() else 1
