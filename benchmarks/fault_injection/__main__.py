"""Let the first and the last write of each file fail that a command writes, and give the command again.

    python benchmarks/fault_injection [--only rotnet report] [--kinds full error kill] [--files ledger]
        [--results faults.json]

A C library (`shim.c`, for which `cc` is needed) counts the writes of the command and of all processes that it starts.
It lets one fail in three ways: the disk is full from then on, one I/O error, or SIGKILL; half of the data is written.
Then there must be no file that is half written under its final name, the command must end with one sentence that names
the file, without a traceback, and given again it must end as one that nothing disturbed: weights (sha256 over tensors)
and rows (every field but times and ids), or every byte of the files. Exit status 1 where something else is found.

`--results` adds to a JSON file, trial by trial, so that they can be run a few at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "kill_chains"))

import shim
from commands import COMMANDS, WITHOUT_VISSL
from faults import KINDS
from process import work_folder
from trials import Trial, trials

from vissl_monoimage.cli.preload import preload_run
from vissl_monoimage.ledger.machine import git_sha
from vissl_monoimage.utils.atomic_write import replace_text


def main() -> int:
    """Run the trials; return the exit status."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS), metavar="COMMAND")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help="of fault")
    parser.add_argument("--files", nargs="+", default=[""], metavar="PART", help="only those with this in their names")
    parser.add_argument("--results", type=Path, metavar="FILE", help="JSON file that a summary is added to")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="to keep, with copies of the trials that failed")
    options = parser.parse_args()
    failed = False
    with work_folder(options.work, "fault_injection_") as work:
        shim.load(work)
        # What this machine has trained elsewhere must not be linked from there.
        os.environ |= {"XDG_CACHE_HOME": str(work / "cache"), "XDG_STATE_HOME": str(work / "state")}
        if not set(options.only) <= set(WITHOUT_VISSL):
            preload_run()
        for name in options.only:
            done: list[Trial] = []
            for trial in trials(name, work, options.kinds, options.files):
                done.append(trial)
                verdict = "; ".join(trial.problems) or "as it should be"
                print(name, trial.kind, trial.write.place, trial.write.file, verdict, file=sys.stderr, flush=True)
                if options.results:
                    add(options.results, name, trial)
            failed |= not done or any(trial.problems for trial in done)
            print(name, json.dumps(summarise(done)), flush=True)
    return int(failed)


def summarise(done: Sequence[Trial]) -> dict[str, Any]:
    """Return the numbers of a command's trials."""
    return {
        "files": sorted({trial.write.file for trial in done}),
        "faults": len(done),
        "ended_all_the_same": sum(trial.status == 0 for trial in done),
        "trials_that_failed": sum(bool(trial.problems) for trial in done),
    }


def add(file: Path, name: str, trial: Trial) -> None:
    """Put a trial into the file, in the place of an older one of the same write and fault."""
    commands = json.loads(file.read_text()) if file.exists() else {}
    made = datetime.now(UTC).isoformat(timespec="seconds")
    result = {"status": trial.status, "problems": trial.problems, "made": made, "git_sha": git_sha()}
    write = f"{trial.write.file}, {trial.write.place} write"
    commands.setdefault(name, {}).setdefault(write, {})[trial.kind] = result
    replace_text(file, json.dumps(commands, indent=1) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
