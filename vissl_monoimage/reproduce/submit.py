"""The same chains as jobs of a cluster, by submitit: SLURM, or `local` for processes of this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.reproduce.run import Chain
from vissl_monoimage.reproduce.runner import run_chain

CLUSTERS = ("slurm", "local")
SECONDS_BETWEEN_LOOKS = 2.0
DAY = 24 * 60  # minutes


def submitter(cluster: str, *options: str) -> Callable[[Sequence[Chain], Path], list[str]]:
    """Return the function that submits chains as `--submit CLUSTER KEY=VALUE...` asks: `submit_all` with these options.

    Raises:
        MonoImageError: an unknown cluster, or an option that is not KEY=VALUE.
    """
    if cluster not in CLUSTERS:
        raise MonoImageError(f"--submit: {unknown('cluster', cluster, CLUSTERS)}")
    pairs = [option.partition("=") for option in options]
    for option, (key, equals, _) in zip(options, pairs, strict=True):
        if not key or not equals:
            raise MonoImageError(f"--submit {cluster}: '{option}' must be KEY=VALUE, such as slurm_partition=gpu")
    values = {key: int(value) if value.isdigit() else value for key, _, value in pairs}
    return lambda chains, out: submit_all(chains, cluster, values, out)


def limit_minutes(chain: Chain) -> int:
    """Return the time limit of a job: a quarter more than the plan's minutes, in whole days."""
    return DAY * max(1, math.ceil(1.25 * sum(run.minutes for run in chain.runs) / DAY))


def submit_all(chains: Sequence[Chain], cluster: str, options: Mapping[str, int | str], out: Path) -> list[str]:
    """Submit a job for each chain, wait for all of them, and return what failed, a sentence each.

    If interrupted, it leaves the jobs in the queue; the same command waits for what they are doing and goes on.

    Args:
        chains: the runs.
        cluster: one of `CLUSTERS`.
        options: submitit's parameters.
        out: folder of the runs; submitit's files go to `jobs` in it.

    Raises:
        MonoImageError: submitit does not know the cluster or an option, or finds no scheduler.
    """
    import submitit

    try:
        executor = submitit.AutoExecutor(folder=out / "jobs", cluster=cluster)
        jobs, chains = [], sorted(chains, key=limit_minutes)
        for limit, group in groupby(chains, limit_minutes):
            executor.update_parameters(**{"timeout_min": limit, **options})
            with executor.batch():
                jobs += [executor.submit(run_chain, chain) for chain in group]
    except (RuntimeError, NameError, ValueError, TypeError, OSError) as error:
        raise MonoImageError(f"--submit {cluster}: {str(error).splitlines()[0]}") from None
    print(
        f"{len(jobs)} jobs submitted: {', '.join(str(job.job_id) for job in jobs)}; logs in {out / 'jobs'}", flush=True
    )
    waiting = dict(zip(jobs, chains, strict=True))
    problems = []
    while waiting:
        for job in [job for job in waiting if job.done()]:
            chain, crash = waiting.pop(job), job.exception()
            problem = f"job {job.job_id} ended without a result: {job.paths.stderr}" if crash else job.result()
            problems += [problem] if problem else []
            print(f"[{len(jobs) - len(waiting)}/{len(jobs)}] {chain.runs[0].title}: {problem or 'done'}", flush=True)
        time.sleep(SECONDS_BETWEEN_LOOKS if waiting else 0)
    return problems
