"""The numbers of the paper's tables, from `benchmarks/reference/paper.csv`.

A `recalled` number is from memory and could not be checked against the paper: it is only shown with a dagger.
"""

from __future__ import annotations

from dataclasses import dataclass

from vissl_monoimage.config.typed_csv import figure_problems, read_csv
from vissl_monoimage.utils.paths import benchmarks

DAGGER = "†"


@dataclass(frozen=True)
class Reference:
    """One number of the paper.

    Attributes:
        source: the photo's file name without its ending, or the data set; "" where there is none or it is not known.
        augmentation: of the single image's crops: none, all, or rotation, jitter and scale joined by "+".
        top_1: accuracy in percent; None where it is not known.
        mark: where the number comes from, one of `config.typed_csv.MARKS`.
        verified: whether it was checked against the paper.
    """

    table: str
    dataset: str
    protocol: str
    method: str
    source: str
    n_images: int
    augmentation: str
    layer: str
    top_1: float | None
    mark: str
    verified: bool

    def __str__(self) -> str:
        if self.top_1 is None:
            return ""
        return f"{self.top_1:.1f}{DAGGER if self.mark == 'recalled' else ''}"

    def problems(self) -> list[str]:
        """Return what is out of range."""
        return figure_problems(self.top_1, self.mark, self.verified)


def paper() -> list[Reference]:
    """Return every number of the paper's tables."""
    return read_csv(benchmarks("reference") / "paper.csv", Reference)
