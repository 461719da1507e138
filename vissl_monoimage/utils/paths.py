"""The folders of benchmarks/ that come with the package."""

from __future__ import annotations

from pathlib import Path


def benchmarks(part: str) -> Path:
    """`grids`, `reference` or `results`: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "benchmarks"
    return (inside if inside.is_dir() else package.parent / "benchmarks") / part
