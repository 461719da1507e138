"""Kill runs with SIGKILL, resume them with the same command, and compare their ends with undisturbed runs.

    python benchmarks/kill_chains.py [--only rotnet probe] [--kills 8] [--seed 0] [--jobs 2]

A chain is one folder: a tiny run is started, killed, started again and so on until it ends by itself. Each kind of run
is first done once without a kill; then chains follow until there were `--kills` kills of that kind. Some kills come
when a chosen file appears, the others at a random moment between the first line of output and the end. Every third kill
hits the main process alone, as the kernel does when memory runs out, and its children must end by themselves. A chain
must end in the undisturbed run's weights (sha256 over the tensors of every final checkpoint) and ledger rows (every
field but times and ids), and leave no temporary files. Both are made in the same path, one after the other.

The eight kinds take about 20 minutes of two cores. Exit status 1 where a chain differs.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from tabulate import tabulate

SMOKE = "+config/monoimage=smoke"
PROBE = [
    "config=benchmark/monoimage/linear_photo_patches",
    "config.MODEL.TRUNK.NAME=convnet4",
    "config.MONOIMAGE.PATCHES.SIZE=32",
    "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=200",
    "config.MONOIMAGE.PATCHES.TEST_SAMPLES=75",
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=32",
    "config.OPTIMIZER.num_epochs=2",
    "config.OPTIMIZER.param_schedulers.lr.milestones=[1]",
    "config.TEST_EVERY_NUM_EPOCH=1",
    "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=3",
    "config.CHECKPOINT.DIR=out",
]
COMMANDS = {
    "rotnet": [
        *("run", "config=pretrain/monoimage/rotnet_convnet4", SMOKE),
        "config.DATA.TRAIN.DATA_LIMIT=24",
        "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=4",
        "config.CHECKPOINT.DIR=out",
    ],
    "deepcluster": [
        *("run", "config=pretrain/monoimage/deepcluster_convnet4", SMOKE),
        "config.MODEL.HEAD.PARAMS=[[deepcluster,{dims:[1024,16]}]]",
        "config.MONOIMAGE.DEEPCLUSTER.PCA=8",
        "config.OPTIMIZER.num_epochs=3",
        "config.DATA.TRAIN.DATA_LIMIT=36",
        "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=5",
        "config.CHECKPOINT.DIR=out",
    ],
    "monogan": [
        *("run", "config=pretrain/monoimage/monogan_cifar", SMOKE),
        "config.MODEL.HEAD.PARAMS=[[bigan,"
        "{features:1024,latent:4,generator:{widths:[8,4]},discriminator:{widths:[4,8],norm:none,hidden:8}}]]",
        "config.LOSS.bigan_loss.discriminator_steps=2",
        "config.LOSS.bigan_loss.penalty_every=2",
        "config.DATA.TRAIN.DATA_LIMIT=36",
        "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=5",
        "config.CHECKPOINT.DIR=out",
    ],
    "probe": ["run", *PROBE],
    "probe-cached": ["run", *PROBE, "config.MONOIMAGE.CACHE_FEATURES=true"],
    "init": ["init", "kmeans", "china", "-o", "out", "--crops", "512"],
    "reproduce": ["reproduce", "tiny.yaml", "--out", "out", "--jobs", "1"],
    "demo": ["demo", "--smoke", "--out", "out"],
}
GRID = {
    "title": "a tiny benchmark",
    "probes": {
        "patches": {
            "config": "benchmark/monoimage/linear_photo_patches",
            "minutes": 0.2,
            "overrides": [
                SMOKE,
                "config.MODEL.TRUNK.NAME=convnet4",
                "config.MONOIMAGE.PATCHES.SIZE=32",
                "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=24",
                "config.MONOIMAGE.PATCHES.TEST_SAMPLES=12",
            ],
        }
    },
    "cells": {
        "random": {},
        "rotnet": {"pretrain": "pretrain/monoimage/rotnet_convnet4", "source": "photo", "minutes": 0.2},
    },
    "profiles": {"laptop": {"seeds": [0], "overrides": [SMOKE]}},
}
# Every second kill comes when a file with such a name appears: before and after the final checkpoint, before and after
# the row. `init` has fewer files.
CHOSEN = ("*model_final*", "model_final_checkpoint_phase?.torch", "losses.jsonl", "ledger.jsonl", "checkpoint.torch*")
CHOSEN_OF_INIT = ("checkpoint.torch*", "ledger.jsonl")
TEMPORARY = ("*.part", "*.partial", "*.tmp", "features_*")
NOT_COMPARED = {"run_id", "finished", "wall_s"}
SECONDS = 900.0  # a run may take
ORPHANS_END = 10.0  # seconds in which the children of a killed process must be gone


@dataclass(frozen=True)
class End:
    """What a finished folder holds: {checkpoint: sha256 of its tensors}, {ledger: rows}, names of temporary files."""

    weights: Mapping[str, str]
    rows: Mapping[str, list[Any]]
    leftovers: tuple[str, ...]


@dataclass
class Chain:
    """One line of the table."""

    kind: str
    kills: list[str] = field(default_factory=list)
    starts: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Moment:
    """When to kill: as soon as a new file matches `pattern`, or after this share of the undisturbed run's time."""

    pattern: str | None
    share: float
    main_only: bool

    def __str__(self) -> str:
        what = self.pattern or f"at {self.share:.0%}"
        return f"{what}, main process" if self.main_only else what


def start(kind: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start the run in a process group of its own, its output going to two files in `folder`."""
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "vissl_monoimage", *COMMANDS[kind]],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
            stdout=out,
            stderr=err,
        )


def run_until(process: subprocess.Popen[bytes], folder: Path, moment: Moment | None, usual: float) -> bool:
    """Wait for the moment and kill the run; return False where it ended first.

    Args:
        process: the run.
        folder: where it writes.
        moment: when to kill it; None to let it end.
        usual: seconds between the first line of output and the end of an undisturbed run.
    """
    began = time.monotonic()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    first_line = 0.0
    while process.poll() is None:
        now = time.monotonic()
        if now - began > SECONDS:
            break
        if not first_line and (folder / "stdout").stat().st_size:
            first_line = now
        if moment and moment.pattern:
            due = any(changed(path, before) for path in folder.rglob(moment.pattern))
        else:
            due = bool(moment and first_line and now - first_line >= moment.share * usual)
        if due:
            break
        time.sleep(0.002)
    if process.poll() is not None:
        return False
    if moment and moment.main_only:
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def changed(path: Path, before: Mapping[Path, int]) -> bool:
    """Whether the file is newer than it was."""
    try:
        return before.get(path) != path.stat().st_mtime_ns
    except FileNotFoundError:
        return False


def wait_for_orphans(group: int) -> str | None:
    """Return what is wrong if processes of the group outlive their parent; they are killed then."""
    end = time.monotonic() + ORPHANS_END
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return None
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    return f"children outlived their parent by {ORPHANS_END:.0f} s"


def end_of(folder: Path) -> End:
    """Describe the finished run in `folder`."""
    weights, by_file = {}, {}
    out = folder / "out"
    for path in sorted(out.rglob("*.torch")):
        if path.name.startswith("model_final") or (path.parent == out and path.name == "checkpoint.torch"):
            weights[str(path.relative_to(out))] = tensors = sha256_of_tensors(path)
            by_file[hashlib.sha256(path.read_bytes()).hexdigest()] = f"tensors {tensors}"
    rows = {}
    for path in sorted(out.rglob("*.jsonl")):
        if path.name == "ledger.jsonl" or path.parent.name == "results":
            text = path.read_text()
            for file, tensors in by_file.items():
                text = text.replace(file, tensors)  # a checkpoint holds times as well as tensors
            rows[str(path.relative_to(out))] = sorted(
                (compared(json.loads(line)) for line in text.splitlines()), key=lambda row: json.dumps(row)
            )
    left = [str(path.relative_to(out)) for pattern in TEMPORARY for path in out.rglob(pattern)]
    return End(weights, rows, tuple(sorted(left)))


def compared(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a row that an interruption may not change."""
    return {key: value for key, value in row.items() if key not in NOT_COMPARED}


def sha256_of_tensors(checkpoint: Path) -> str:
    """Return one hash of the networks and the optimizers' tensors in a checkpoint."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)["classy_state_dict"]
    digest = hashlib.sha256()
    for name, value in flat({"model": state["base_model"]["model"], "optimizer": state.get("optimizer")}):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def flat(node: Any, path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield (path, tensor) of all tensors in nested mappings and lists."""
    if isinstance(node, torch.Tensor):
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from flat(value, f"{path}.{key}")
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from flat(value, f"{path}.{index}")


def differences(found: End, expected: End) -> Iterator[str]:
    """Yield what differs from the undisturbed run, in words."""
    for name in sorted({*found.weights, *expected.weights}):
        if found.weights.get(name) != expected.weights.get(name):
            yield f"weights of {name}"
    for name in sorted({*found.rows, *expected.rows}):
        ours, theirs = found.rows.get(name, []), expected.rows.get(name, [])
        if len(ours) != len(theirs):
            yield f"{len(ours)} rows in {name}, not {len(theirs)}"
        else:
            for a, b in zip(ours, theirs, strict=True):
                for key in sorted(key for key in {*a, *b} if a.get(key) != b.get(key)):
                    yield f"{key} in {name}: {short(a.get(key))}, not {short(b.get(key))}"
    yield from (f"left behind: {name}" for name in found.leftovers)


def short(value: Any) -> str:
    """Return the value as text, its middle left out where it is long."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:25]} ... {text[-25:]}"


def moments(kind: str, seed: int) -> Iterator[Moment]:
    """Yield the moments of a kind's kills, the same for the same seed: chosen ones in turn with random ones."""
    draw = random.Random(f"{kind} {seed}")
    patterns = CHOSEN_OF_INIT if kind == "init" else CHOSEN
    for number in itertools.count():
        chosen = patterns[number // 2 % len(patterns)] if number % 2 else None
        yield Moment(chosen, draw.uniform(0.0, 0.95), main_only=number % 3 == 2)


def prepare(folder: Path) -> None:
    """Empty the folder and put the tiny benchmark there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(GRID))


def chains(kind: str, work: Path, kills: int, seed: int) -> list[Chain]:
    """Do the undisturbed run of a kind and then chains of it until there were `kills` kills."""
    folder = work / kind
    prepare(folder)
    began = time.monotonic()
    process = start(kind, folder)
    while process.poll() is None and not (folder / "stdout").stat().st_size:
        time.sleep(0.01)
    first_line = time.monotonic()
    if process.wait(SECONDS):
        return [Chain(kind, starts=1, problems=[f"undisturbed run failed: {last_line(folder)}"])]
    usual, expected = time.monotonic() - first_line, end_of(folder)
    done = [Chain(f"{kind}, undisturbed", starts=1, seconds=time.monotonic() - began)]
    shutil.copytree(folder, work / f"{kind}-undisturbed", symlinks=True, dirs_exist_ok=True)
    if not expected.rows or expected.leftovers:
        done[0].problems.append(f"no rows, or left behind: {', '.join(expected.leftovers)}")
    planned = moments(kind, seed)
    draw = random.Random(f"lengths {kind} {seed}")
    while (left := kills - sum(len(chain.kills) for chain in done)) > 0 and len(done) < 4 * kills:
        prepare(folder)
        done.append(one_chain(kind, folder, planned, min(left, draw.randint(1, 4)), usual))
        if not done[-1].problems:
            done[-1].problems += differences(end_of(folder), expected)
        print(f"{kind}: {sum(len(chain.kills) for chain in done)} of {kills} kills", file=sys.stderr, flush=True)
        if done[-1].problems:
            shutil.copytree(folder, work / f"{kind}-chain{len(done) - 1}", symlinks=True, dirs_exist_ok=True)
    return done


def one_chain(kind: str, folder: Path, planned: Iterator[Moment], kills: int, usual: float) -> Chain:
    """Start, kill and start again, `kills` times at most, until the run ends by itself."""
    chain, began = Chain(kind), time.monotonic()
    while not chain.problems:
        moment = next(planned) if len(chain.kills) < kills else None
        process = start(kind, folder)
        chain.starts += 1
        killed = run_until(process, folder, moment, usual)
        if killed and moment:
            chain.kills.append(str(moment))
            chain.problems += filter(None, [wait_for_orphans(process.pid)])
        elif killed:
            chain.problems.append(f"not done after {SECONDS:.0f} s")
        elif process.returncode:
            chain.problems.append(f"exit {process.returncode}: {last_line(folder)}")
        else:
            break
    chain.seconds = time.monotonic() - began
    return chain


def last_line(folder: Path) -> str:
    """Return the last line that the run wrote to its standard error."""
    lines = (folder / "stderr").read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "nothing on standard error")


def main() -> int:
    """Run the chains, print the table; return the exit status."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS), metavar="KIND", help="of run")
    parser.add_argument("--kills", type=int, default=8, help="per kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="kinds at a time (default: %(default)s)")
    parser.add_argument(
        "--work", type=Path, help="folder to keep, with copies of the undisturbed runs and of chains that differ"
    )
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="kill_chains_"))
    with ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(chains, kind, work, options.kills, options.seed) for kind in options.only]
        done = [chain for job in jobs for chain in job.result()]
    table = [
        (chain.kind, chain.starts, "; ".join(chain.kills), f"{chain.seconds:.0f}", "; ".join(chain.problems) or "same")
        for chain in done
    ]
    print(tabulate(table, ("kind", "starts", "killed", "seconds", "end"), tablefmt="github"))
    total, bad = sum(len(chain.kills) for chain in done), [chain for chain in done if chain.problems]
    missed = [kind for kind in options.only if sum(len(c.kills) for c in done if c.kind == kind) < options.kills]
    print(f"\n{total} kills, {len(done)} chains, {len(bad)} of them differ")
    if missed:
        print(f"fewer kills than asked for: {', '.join(missed)}")
    if not options.work:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if bad or missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
