"""The one place that collects what is wrong with a configuration before a run starts.

A source, trunk, task or protocol registers a check of what only it understands, and `config.validate` runs all checks
and collects every problem. So this package imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vissl_monoimage.errors import MonoImageError

Settings = dict[str, Any]
"""What lies below VISSL's `config`, as plain containers."""
Check = Callable[[Settings], Iterable[str]]
"""Yields a sentence for each problem. A `MonoImageError` that it raises is its last sentence."""

_CHECKS: dict[str, Check] = {}


def register_check(check: Check) -> Check:
    """Register a function that checks the configuration of every run before it starts (decorator).

    Registering a function of the same module and name again replaces it.

    Args:
        check: takes the settings below VISSL's `config` as plain containers, and yields a sentence for each problem.
    """
    _CHECKS[f"{check.__module__}.{check.__qualname__}"] = check
    return check


def registered_checks() -> list[Check]:
    """Return all registered checks, ordered by name so that messages keep their order."""
    return [_CHECKS[name] for name in sorted(_CHECKS)]


def run_checks(checks: Iterable[Check], config: Settings) -> list[str]:
    """Return every problem that `checks` find in `config`, each sentence once.

    A check may fail on a mistake that is another's to report: its error is raised only if none reports anything.
    """
    problems: dict[str, None] = {}
    failures: list[Exception] = []
    for check in checks:
        try:
            for problem in check(config):
                problems[problem] = None
        except MonoImageError as error:
            problems[str(error)] = None
        except Exception as error:
            failures.append(error)
    if failures and not problems:
        raise failures[0]
    return list(problems)
