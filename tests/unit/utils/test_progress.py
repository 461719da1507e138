"""What a person sees of a loop that takes long, and nothing of one that does not."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import textwrap

import pytest

from vissl_monoimage.utils import progress
from vissl_monoimage.utils.progress import Progress, track


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed, set by the test."""
    seconds = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: seconds[0])
    return seconds


def test_a_line_every_ten_seconds_and_at_the_end(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    for _ in track(range(5), "features", "image"):
        clock[0] += 4.0
    assert capsys.readouterr().out.splitlines() == [
        "features, image 3/5, 0.25 a second, 0:00:08 left",
        "features, image 5/5, 0.25 a second, 0:00:00 left",
    ]


def test_units_are_counted_by_the_piece(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("patches", 1000, "patch") as shown:
        for _ in range(3):
            clock[0] += 5.0
            shown.advance(250)
    assert capsys.readouterr().out == "patches, patch 500/1000, 50 a second, 0:00:10 left\n"


def test_a_short_loop_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(iter("abc"), "letters", total=3)) == ["a", "b", "c"]
    assert capsys.readouterr().out == ""


def test_a_terminal_has_a_bar_that_leaves_nothing_behind() -> None:
    """Needs a terminal of its own: rich asks what it writes to."""
    code = """
        import time
        from vissl_monoimage.utils.progress import track
        for _ in track(range(3), "letters"):
            time.sleep(0.2)
        print("done")
    """
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=theirs, check=True, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    assert "letters" in shown
    assert "33%" in shown
    assert re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", shown).rstrip().endswith("done")
