"""Trials of a command: one of its writes fails, and the same command is given again without faults."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from commands import COMMANDS, NEED_RUNS, RUNS
from contents import TEMPORARY, half_written, hashes
from faults import Write, chosen_writes
from kinds import GRID
from outcome import Outcome
from process import LIMIT, kill, start, wait
from shim import armed

LINK = "checkpoint.torch"
"""To the last checkpoint of a run: what is written through it is listed as the file that it leads to."""


@dataclass
class Trial:
    """One failed write: the exit status, what the command said, and what was wrong."""

    write: Write
    kind: str
    status: int | None = 0
    said: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Undisturbed:
    """What the command leaves without faults: its results, or the hashes of files where it makes no runs."""

    outcome: Outcome
    files: dict[str, str]
    is_run: bool

    def differences(self, out: Path) -> list[str]:
        found = list(Outcome.of(out).differences(self.outcome))
        names = {} if self.is_run else {**self.files, **hashes(out)}
        return found + [name for name in names if self.files.get(name) != hashes(out).get(name)]


def trials(name: str, work: Path, kinds: Sequence[str], only: Sequence[str]) -> Iterator[Trial]:
    """Run a command undisturbed, and then yield a trial for each of its writes and each kind of fault.

    All are in one folder, for paths are in checkpoints and rows.

    Args:
        name: of the command.
        work: folder for all of it.
        kinds: "full", "error" and "kill", or some of them.
        only: parts of names; the writes of files with one of these fail, "" is in all of them.

    Raises:
        RuntimeError: the undisturbed command failed.
    """
    folder, out, log = work / name, work / name / "out", work / f"{name}.writes"
    log.unlink(missing_ok=True)
    _prepare(name, folder, work)
    with armed(root=out, log=log):
        status, said = _run(COMMANDS[name], folder)
    if status != 0:
        raise RuntimeError(f"the undisturbed {name} ended with status {status}: {said}")
    is_run = any(out.rglob("ledger.jsonl"))
    expected = _Undisturbed(Outcome.of(out), hashes(out), is_run)
    for write in chosen_writes(log, out):
        for kind in kinds if any(part in write.file for part in only) else ():
            _prepare(name, folder, work)
            trial = _try(Trial(write, kind), name, folder, expected)
            if trial.problems:
                kept = work / "failed" / f"{name}-{kind}-{write.place}-{Path(write.file).name}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(folder, kept, symlinks=True)
            yield trial


def _try(trial: Trial, name: str, folder: Path, expected: _Undisturbed) -> Trial:
    out, shared, write = folder / "out", folder / "shared", trial.write
    shared.write_bytes(bytes(16))
    with armed(root=out, pattern=write.pattern, number=write.number, kind=trial.kind, shared=shared):
        trial.status, trial.said = _run(COMMANDS[name], folder)
    shutil.copy(folder / "stderr", folder / "stderr-of-fault")
    trial.problems += _problems(name, trial, out, expected, shared.read_bytes()[8] == 1)
    status, said = _run(COMMANDS[name], folder)
    if status != 0:
        trial.problems.append(f"again, it ended with status {status}: {_last_line(said)}")
    else:
        trial.problems += [f"again, it differs: {what}" for what in expected.differences(out)]
    return trial


def _problems(name: str, trial: Trial, out: Path, expected: _Undisturbed, has_failed: bool) -> Iterator[str]:
    """Yield what is wrong with what the command said and left."""
    if not has_failed:
        yield f"there was no write {trial.write.number}"
        return
    yield from half_written(out, expected.files)
    if "Traceback" in trial.said:
        yield f"a traceback: {_last_line(trial.said)}"
    if trial.kind == "kill":
        if trial.status == 0:
            yield "it was killed and ended with status 0"
        return
    # A full disk fails the next write of each process too: of several runs, the message may be on another's file.
    another = name == "reproduce" and trial.kind == "full" and "No space left on device" in trial.said
    names = [Path(trial.write.file).name.split("_N")[0], *([LINK] if trial.write.file.endswith(".torch") else [])]
    if not another and not any(file in trial.said for file in names):
        yield f"it does not name {trial.write.file}: {_last_line(trial.said) or 'it said nothing'}"
    if trial.status == 0:
        yield from (f"it ended with status 0, and differs: {what}" for what in expected.differences(out))
    yield from (f"left behind: {path.name}" for path in out.rglob("*") if path.suffix in TEMPORARY)


def _run(words: Sequence[str], folder: Path) -> tuple[int | None, str]:
    """Run `monoimage WORDS` in a folder; return its exit status, None if it did not end, and its errors."""
    pid = start(words, folder)
    status = wait(pid, LIMIT)
    if status is None:
        kill(pid, main_only=False)
    return status, (folder / "stderr").read_text(errors="replace")


def _prepare(name: str, folder: Path, work: Path) -> None:
    """Make the folder of a command with what it needs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(GRID))
    if name not in NEED_RUNS:
        return
    made = work / "runs"
    if not made.exists():
        made.mkdir()
        for words in RUNS:
            status, said = _run(words, made)
            if status != 0:
                raise RuntimeError(f"a run for {name} ended with status {status}: {said}")
    shutil.copytree(made / "in", folder / "in", symlinks=True)


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.split("\n")) if line.strip()), "")
