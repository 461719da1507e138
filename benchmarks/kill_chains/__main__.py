"""Kill runs with SIGKILL, resume them with the same command, and compare their ends with undisturbed runs.

    python benchmarks/kill_chains [--only rotnet probe] [--kills 8] [--seed 0] [--results kills.json]

Each kind of run is first done once without a kill; then chains follow, in which it is killed at random moments and
started again until it ends by itself, until there were `--kills` kills of that kind. A chain must end in the
undisturbed run's weights (sha256 over the tensors of every final checkpoint) and ledger rows (every field but times and
ids), and leave no temporary files and no processes. Exit status 1 where a chain differs.

`--results` adds to a JSON file, kind by kind, so that they can be run one at a time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chains import Chain, chains
from kinds import COMMANDS
from process import work_folder

from vissl_monoimage.cli.preload import preload_run
from vissl_monoimage.ledger.machine import git_sha
from vissl_monoimage.utils.atomic_write import replace_text


def main() -> int:
    """Run the chains; return the exit status."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS), metavar="KIND", help="of run")
    parser.add_argument("--kills", type=int, default=8, help="per kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    parser.add_argument("--results", type=Path, metavar="FILE", help="JSON file that a summary is added to")
    parser.add_argument("--work", type=Path, help="folder to keep, with copies of the chains that differ")
    options = parser.parse_args()
    failed = False
    preload_run()
    with work_folder(options.work, "kill_chains_") as work:
        for kind in options.only:
            done: list[Chain] = []
            for chain in chains(kind, work, options.kills, options.seed):
                done.append(chain)
                print(kind, chain.killed_after, "; ".join(chain.problems) or "same", file=sys.stderr, flush=True)
                if options.results:
                    add(options.results, kind, {**summarise(done), "seed": options.seed})
            print(kind, json.dumps(summarise(done)), flush=True)
            failed |= any(chain.problems for chain in done)
            failed |= sum(len(chain.killed_after) for chain in done) < options.kills
    return int(failed)


def summarise(done: Sequence[Chain]) -> dict[str, Any]:
    """Return the numbers of a kind's chains, and what was wrong with those that differ."""
    return {
        "kills": sum(len(chain.killed_after) for chain in done),
        "chains": len(done),
        "chains_that_differ": sum(bool(chain.problems) for chain in done),
        "problems": [problem for chain in done for problem in chain.problems],
        "killed_after_s": [chain.killed_after for chain in done],
        "longest_until_children_ended_s": round(max(chain.children_ended_after for chain in done), 2),
    }


def add(file: Path, kind: str, summary: dict[str, Any]) -> None:
    """Put a kind's summary into the file, in the place of an older one."""
    kinds = json.loads(file.read_text()) if file.exists() else {}
    kinds[kind] = {**summary, "made": datetime.now(UTC).isoformat(timespec="seconds"), "git_sha": git_sha()}
    replace_text(file, json.dumps(kinds, indent=1) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
