"""A finished run once more, compared with its row."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.verify import DIFFERENT, NOT_CHECKED, SAME, Finding
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256, read_checkpoint
from vissl_monoimage.models.checkpoint.tensors import tensors_in
from vissl_monoimage.reproduce.runner import execute, finished

_OF_PLACE = ("config.CHECKPOINT.DIR=", "config.MONOIMAGE.LEDGER=", "--out=")


def rerun(row: Row) -> Iterator[Finding]:
    """Run a row's command in a temporary folder, and yield what is the same and what differs.

    Raises:
        MonoImageError: the run fails.
    """
    words = command_of(row)
    with tempfile.TemporaryDirectory(prefix="monoimage-verify-") as place:
        folder = Path(place, "run")
        execute(folder, words)
        again = finished(folder)
        if again is None:
            raise MonoImageError("the run has ended without a row")
        yield from compared(row, again)


def command_of(row: Row) -> list[str]:
    """Return the words behind `monoimage` that repeat a run, without its folder.

    Raises:
        MonoImageError: the row does not have its command.
    """
    overrides = [word for word in _without_out(row.overrides) if not word.startswith(_OF_PLACE)]
    if row.name.startswith("init "):
        words = shlex.split(row.command)[1:]
        return [*words[: len(words) - len(row.overrides)], *overrides]
    if not any(word.startswith("config=") for word in overrides):
        raise MonoImageError(f"the row of run {row.run_id} has no 'config=' among its overrides: it cannot be repeated")
    return ["run", *overrides]


def compared(row: Row, again: Row) -> Iterator[Finding]:
    """Yield what is the same and what differs between two rows of one command."""
    for key in sorted({*row.versions, *again.versions}):
        then, now = row.versions.get(key), again.versions.get(key)
        if then != now:
            yield Finding(NOT_CHECKED, f"version of {key}", f"{then} then, {now} now: numbers may differ")
    if row.device != again.device:
        yield Finding(NOT_CHECKED, "device", f"{row.device} then, {again.device} now: numbers may differ")
    if row.git_sha != again.git_sha:
        yield Finding(NOT_CHECKED, "commit", f"{row.git_sha} then, {again.git_sha} now: numbers may differ")
    if row.initial_weights.sha256:
        yield _equal("initial weights", row.initial_weights.sha256, again.initial_weights.sha256)
    if row.losses:
        yield _equal("losses", row.losses, again.losses)
    if row.accuracies:
        yield _equal("accuracies", row.accuracies, again.accuracies)
    if row.pretext:
        yield _equal("accuracies of the pretext task", row.pretext, again.pretext)
    if row.checkpoint_out_sha256:
        yield _weights(row, again)


def _weights(row: Row, again: Row) -> Finding:
    thing, path = "weights", row.checkpoint_out
    if not path or checkpoint_sha256(path) != row.checkpoint_out_sha256:
        return Finding(NOT_CHECKED, thing, "the row's checkpoint is not found here")
    then, now = (tensors_in(read_checkpoint(str(file)), str(file)) for file in (path, again.checkpoint_out))
    return _equal_tensors(thing, then, now)


def _equal_tensors(thing: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Finding:
    other = [name for name in then if name not in now or not torch.equal(then[name], now[name])]
    if not other and then.keys() == now.keys():
        return Finding(SAME, f"{thing}: all {len(then)} tensors, to the bit")
    largest = max((_distance(then[name], now[name]) for name in other if name in now), default=0.0)
    return Finding(DIFFERENT, thing, f"{len(other)} of {len(then)} tensors, by up to {largest:.3g}")


def _distance(then: torch.Tensor, now: torch.Tensor) -> float:
    return float((then.double() - now.double()).abs().max()) if then.shape == now.shape else float("inf")


def _equal(thing: str, then: Any, now: Any) -> Finding:
    return Finding(SAME, thing) if then == now else Finding(DIFFERENT, thing, _first_difference(then, now))


def _first_difference(then: Any, now: Any) -> str:
    """Return where two values of JSON first differ."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        key = next(key for key in {**then, **now} if then.get(key) != now.get(key))
        return f"{key}: {_first_difference(then.get(key), now.get(key))}"
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        number = next(number for number, pair in enumerate(zip(then, now, strict=True)) if pair[0] != pair[1])
        return _first_difference(then[number], now[number]) if then and isinstance(then[0], list) else f"{then}, {now}"
    return f"{then} then, {now} now"


def _without_out(words: list[str]) -> Iterator[str]:
    """Yield the words but for `--out FOLDER`."""
    skip = False
    for word in words:
        if not skip and word not in ("--out", "-o"):
            yield word
        skip = word in ("--out", "-o")
