"""The plugin is loaded in every process that VISSL starts, even if the parent's `__main__` does not import it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import launcher
import pytest

from vissl_monoimage.cli.main import main

ROTNET = ["config=pretrain/monoimage/rotnet_convnet4", "+config/monoimage=smoke"]
FINAL = "model_final_checkpoint_phase1.torch"
SECRET = "hunter2-of-these-tests"


def python(code: str, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `code` as `python -c` does: the children of that process cannot import its `__main__`."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done


def finished_with_one_row(folder: Path) -> bool:
    """Return whether the run ended and wrote one ledger row, however many processes it had."""
    return (folder / FINAL).exists() and len((folder / "ledger.jsonl").read_text().splitlines()) == 1


def files_with_the_secret(folder: Path) -> list[str]:
    """Return the names of all files below that have a secret of the environment or its variable's name in them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(word in path.read_bytes() for word in (SECRET.encode(), b"A_TOKEN"))]


@pytest.mark.slow
def test_two_processes_with_forkserver_workers_from_python_c(tmp_path: Path) -> None:
    """Neither spawned ranks nor forkserver workers get the plugin from the parent's `__main__`."""
    code = "import sys; from vissl_monoimage import launch; launch.run(sys.argv[1:])"
    done = python(
        code,
        tmp_path,
        *ROTNET,
        "config.DISTRIBUTED.NUM_PROC_PER_NODE=2",
        "config.DATA.NUM_DATALOADER_WORKERS=1",
        "config.MULTI_PROCESSING_METHOD=forkserver",
        "config.CHECKPOINT.DIR=run",
    )
    assert finished_with_one_row(tmp_path / "run")
    assert "epoch 2/2, step 2/2" in done.stdout  # 8 samples: two ranks of one batch of 4 an epoch


def test_loader_workers_are_forks_of_a_server_that_has_imported_vissl(tmp_path: Path) -> None:
    """Importing VISSL in every worker of every phase would cost more than the steps of a small run.

    The server ignores SIGTERM, which SLURM sends to all processes of a job; processes of other users of it do not.
    """
    code = (
        "import multiprocessing, time, vissl_monoimage, vissl.utils.distributed_launcher\n"
        "server = multiprocessing.get_context('forkserver')\n"
        "with server.Pool(1) as workers:\n"
        "    print(workers.apply(eval, (\"'vissl.data' in __import__('sys').modules\",)))\n"
        "    other = server.Process(target=time.sleep, args=(30,))\n"
        "    other.start()\n"
        "    other.terminate()\n"
        "    other.join()\n"
        "    print(other.exitcode)"
    )
    assert launcher.python(code, cwd=tmp_path).stdout.split()[-2:] == ["True", "-15"]


def test_two_processes_from_pytest_keep_the_secrets_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here `__main__` is pytest, and the run happens in its process tree. VISSL would log the whole environment."""
    from vissl_monoimage import launch

    monkeypatch.setenv("A_TOKEN", SECRET)
    launch.run([*ROTNET, "config.DISTRIBUTED.NUM_PROC_PER_NODE=2", f"config.CHECKPOINT.DIR={tmp_path}/run"])
    assert finished_with_one_row(tmp_path / "run")
    assert files_with_the_secret(tmp_path) == []
    assert "WORLD_SIZE:\t2" in (tmp_path / "run" / "log.txt").read_text()


def test_two_runs_in_one_script_each_have_their_own_process_group(tmp_path: Path) -> None:
    """One may be on a GPU and one on the CPU, which need different backends."""
    code = (
        "import sys, torch; from vissl_monoimage import launch\n"
        "for name in ('first', 'second'):\n"
        "    launch.run([*sys.argv[1:], f'config.CHECKPOINT.DIR={name}'])\n"
        "    print('left:', torch.distributed.is_initialized())"
    )
    said = launcher.python(code, *ROTNET, cwd=tmp_path).stdout
    assert said.count("left: False") == 2
    assert all(finished_with_one_row(tmp_path / name) for name in ("first", "second"))


PREEMPTED_JOB = """
import os, pathlib, signal, sys, time
from vissl_monoimage import launch

job = launch.run(sys.argv[1:])
controller, losses = job._process.pid, pathlib.Path("run/losses.jsonl")
while not losses.exists() or len(losses.read_text().splitlines()) < 3:
    time.sleep(0.01)
processes = children = [controller]
while children:
    lists = [pathlib.Path(f"/proc/{process}/task/{process}/children").read_text() for process in children]
    children = [int(child) for text in lists for child in text.split()]
    processes = [*processes, *children]
print("signalled", len(processes) - 1)
for number in (signal.SIGTERM, signal.SIGUSR2):  # SLURM sends both to all processes of a preempted job
    for process in processes[1:]:
        os.kill(process, number)
job.result()
"""
WORKER = ["config.DATA.NUM_DATALOADER_WORKERS=1", "config.MULTI_PROCESSING_METHOD=forkserver"]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="one process"),
        pytest.param(
            [*WORKER, "config.DISTRIBUTED.NUM_PROC_PER_NODE=2", "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=2"],
            id="two ranks and workers",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_preempted_slurm_job_saves_its_step_and_resumes_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """submitit falls back to its local executor without SLURM; the job is a new process, and so is the requeued one."""
    monkeypatch.setenv("A_TOKEN", SECRET)
    done = python(
        PREEMPTED_JOB,
        tmp_path,
        *ROTNET,
        "config.DATA.TRAIN.DATA_LIMIT=80",
        "config.TEST_MODEL=false",
        "config.SLURM.USE_SLURM=true",
        f"config.SLURM.LOG_FOLDER={tmp_path}/slurm",
        "config.SLURM.PARTITION=any",
        "config.CHECKPOINT.DIR=run",
        *options,
    )
    assert int(done.stdout.split()[-1]) >= (7 if options else 1)  # ranks, trackers, fork servers and workers
    assert finished_with_one_row(tmp_path / "run")
    (saved,) = (tmp_path / "run").glob("model_iteration*.torch")
    step = saved.stem.removeprefix("model_iteration")
    (output,) = (tmp_path / "slurm").glob("*.out")
    assert f"resumed at step {step} of 40" in output.read_text()
    assert files_with_the_secret(tmp_path) == []


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["config=pretrain/monoimage/rotnet_alexnt"], "did you mean 'pretrain/monoimage/rotnet_alexnet'?"),
        ([*ROTNET, "+config/monoimag=cpu"], "did you mean '+config/monoimage='?"),
        ([*ROTNET, "config.DATA.TRAIN.DATA_PATHS=[chna]"], "did you mean 'china'?"),
        ([*ROTNET, "config.MONOIMAGE.SOURCE.ROTATION=-400"], "ROTATION=-400 must be between"),
        ([*ROTNET, "config.MONOIMAGE.SOURCE.RECIPE=relased"], "did you mean 'released'?"),
        ([*ROTNET, "config.MONOIMAGE.SOURCE.SIZE=big"], "SIZE='big' must be a whole number"),
        ([*ROTNET, "config.CHECKPOINT.DIR=/proc/nowhere"], "cannot be written"),
        (
            ["config=pretrain/monoimage/rotnet_alexnet", "config.DISTRIBUTED.NUM_PROC_PER_NODE=99"],
            "NUM_PROC_PER_NODE=99: a GPU for each process, and torch finds",
        ),
    ],
)
def test_mistakes_stop_the_command_with_a_sentence(tmp_path, monkeypatch, capsys, overrides, expected) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", *overrides]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
    assert "MONOIMAGE_QUIET_CONSOLE" not in os.environ  # or VISSL's tools, run next from this process, would be silent
