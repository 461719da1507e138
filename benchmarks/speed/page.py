"""The page of all speed figures, made from the files in benchmarks/results/speed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "speed"
PAGE = ROOT / "benchmarks" / "speed" / "README.md"
_HEAD = """# Speed

<!-- Written by `python benchmarks/speed` from benchmarks/results/speed/*.json: edit benchmarks/speed/page.py. -->
Each benchmark measures ours and its peer in turns, in one run on one core; figures are medians over rounds. `process`
time is user and system time, which other programs on the machine change little; `wall` is what one waits for. Where a
goal is a lower bound (≥), `ratio` says how many times as fast ours is; where it is an upper one (≤), how many times as
long ours takes.
`make bench` measures all of them, `python benchmarks/speed --only NAME` one.
"""


def page(results: Path = RESULTS) -> str:
    """Return the page, a section for each file in the order of their names."""
    sections = [_section(file.stem, json.loads(file.read_text())) for file in sorted(results.glob("*.json"))]
    return "\n".join([_HEAD, *(sections or ["No figure has been measured for the record yet.\n"])])


def _section(name: str, record: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in record["versions"].items())
    lines = [
        f"## {name}: {record['title']}",
        "",
        f"Peer: {record['peer']}. {record['time'].capitalize()} time, {record['number_of_rounds']} rounds, "
        f"{record['seconds']:.0f} seconds in all.",
        "",
        "| figure | unit | ours | peer | ratio | goal | |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
        *(_line(figure) for figure in record["figures"]),
        "",
        *(f"- {figure['name']}: {figure['reason']}" for figure in record["figures"] if _needs_reason(figure)),
        "" if any(map(_needs_reason, record["figures"])) else None,
        f"`{record['command']}` on {record['date']}, commit {record['commit']}; {record['machine']}; {versions}.",
        "",
    ]
    return "\n".join(line for line in lines if line is not None)


def _line(figure: Mapping[str, Any]) -> str:
    goal, mark = "", ""
    if figure["reached"] is not None:
        goal = f"≥ {figure['at_least']:g}" if figure["at_least"] is not None else f"≤ {figure['at_most']:g}"
        mark = "reached" if figure["reached"] else "not reached"
    peer = "" if figure["peer"] is None else f"{figure['peer']:.4g}"
    cells = figure["name"], figure["unit"], f"{figure['ours']:.4g}", peer, f"{figure['ratio']:.3g}", goal, mark
    return f"| {' | '.join(cells)} |"


def _needs_reason(figure: Mapping[str, Any]) -> bool:
    return figure["reached"] is False and bool(figure["reason"])
