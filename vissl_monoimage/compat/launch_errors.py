"""Errors of VISSL's launcher and of its training processes, as sentences."""

from __future__ import annotations

import os
import re

from vissl_monoimage.errors import DISK_ERRORS, MonoImageError

_CONTINUES = "the same command continues from the last checkpoint"
_OWN = re.compile(rf"^{MonoImageError.__module__}\.{MonoImageError.__name__}: ", re.MULTILINE)
_DISK = re.compile(
    rf"OSError: \[Errno \d+\] (?P<reason>{'|'.join(re.escape(os.strerror(number)) for number in DISK_ERRORS)})"
    r"(: (?P<file>'.+'))?"
)
_LOST_RANK = re.compile(r"Connection (closed|reset) by peer")


def explain(error: Exception) -> Exception:
    """Return a `MonoImageError` for an error that a user can act on, and any other error as it is.

    Args:
        error: raised in this process, or by torch's launcher with the traceback of a training process as its text.
    """
    text = str(error)
    if own := list(_OWN.finditer(text)):
        return MonoImageError(text[own[-1].end() :].strip())
    if disk := _DISK.search(f"{type(error).__name__}: {text}"):
        return MonoImageError(f"cannot write {disk['file'] or 'a file of the run'}: {disk['reason']}; {_CONTINUES}")
    if killed_by := getattr(error, "signal_name", None):
        why = ", which the system sends when memory runs out" if killed_by == "SIGKILL" else ""
        return MonoImageError(f"a training process was killed by {killed_by}{why}; {_CONTINUES}")
    if _LOST_RANK.search(text):
        return MonoImageError(f"a training process was lost, and the others cannot go on without it; {_CONTINUES}")
    return error
