"""Progress lines where standard output is not a terminal."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from vissl_monoimage.utils import progress as module
from vissl_monoimage.utils.progress import progress, track


def test_a_loop_without_a_terminal_prints_its_last_step_only_if_it_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([1, 2, 3], "features")) == [1, 2, 3]
    assert capsys.readouterr().out == "features, batch 3/3, 0:00:00 left\n"


def test_a_slow_loop_prints_what_is_left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 5.0, 20.0, 21.0])  # began, then a look at the clock per call
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    with progress("crops", "crop") as report:
        for done in (10, 40, 42):
            report(done, 100)
    assert re.findall(r"crop (\d+)/100, (\S+) left", capsys.readouterr().out) == [("40", "0:00:30")]
