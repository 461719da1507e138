"""The registry of checks: every sentence once, whatever a check does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vissl_monoimage.config.checks import Settings, registered_checks, run_checks
from vissl_monoimage.errors import MonoImageError


def two_then_an_error(config: Settings) -> Iterator[str]:
    yield "first"
    yield f"second: {config['SEED_VALUE']}"
    raise MonoImageError("third")


def again(config: Settings) -> list[str]:
    return ["first", "fourth"]


def test_what_was_found_before_an_error_is_kept_and_nothing_is_said_twice() -> None:
    assert run_checks([two_then_an_error, again], {"SEED_VALUE": 3}) == ["first", "second: 3", "third", "fourth"]


def test_every_room_has_registered_its_checks() -> None:
    import vissl  # noqa: F401  # the plugin registers when it is imported

    rooms = {check.__module__.split(".")[1] for check in registered_checks()}
    assert rooms >= {"data", "models", "training", "pretext", "probe"}


def broken(config: Settings) -> list[str]:
    return [str(config["DEPTH"] // 0)]


def test_a_check_that_breaks_on_what_another_reports_is_no_traceback() -> None:
    """Most checks build something from the configuration, and trust the parts that are for other checks."""
    assert run_checks([broken, again], {"DEPTH": 1}) == ["first", "fourth"]


def test_a_check_that_breaks_alone_is_a_bug() -> None:
    with pytest.raises(ZeroDivisionError):
        run_checks([broken], {"DEPTH": 1})
