"""Probes in forks of one process, against the same probes in processes of their own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import launcher
import numpy as np
import pytest
import torch
from PIL import Image

from vissl_monoimage.reproduce.probe_client import ProbeClient
from vissl_monoimage.utils.folder_lock import folder_lock

NOT_COMPARED = {"run_id", "finished", "wall_s", "checkpoint_out", "checkpoint_out_sha256", "command", "overrides"}


@pytest.fixture(scope="module")
def client() -> Iterator[ProbeClient]:
    with ProbeClient(threads=1) as client:
        yield client


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders of 40 training and 20 test images."""
    draw, root = np.random.default_rng(0), tmp_path_factory.mktemp("data")
    for split, number in [("train", number) for number in range(40)] + [("test", number) for number in range(20)]:
        file = root / split / f"class{number % 10}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (32, 32, 3), np.uint8)).save(file)
    return [root / "train", root / "test"]


def fork(client: ProbeClient, words: list[str], images: list[Path], folder: Path) -> tuple[int, str]:
    """Return the status of `monoimage WORDS` in a fork, and what it printed."""
    log = folder.with_name(f"{folder.name}.log")
    with folder_lock(folder) as lock, open(log, "a") as output:
        return client.run(words, images, lock, output.fileno()), log.read_text()


def probe(data: list[Path], seed: int, folder: Path) -> list[str]:
    splits = {"TRAIN": data[0], "TEST": data[1]}
    sources = [
        f"config.DATA.{split}.{key}=[disk_folder]" for split in splits for key in ("DATA_SOURCES", "LABEL_SOURCES")
    ]
    return [
        "run",
        "config=benchmark/monoimage/linear_cifar10",
        *sources,
        *(f"config.DATA.{split}.DATA_PATHS=[{path}]" for split, path in splits.items()),
        *(f"config.DATA.{split}.DATASET_NAMES=[mine]" for split in splits),
        "config.MONOIMAGE.CACHE_FEATURES=true",
        "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=16",
        "config.OPTIMIZER.num_epochs=2",
        "config.OPTIMIZER.param_schedulers.lr.values=[0.01,0.001]",
        "config.OPTIMIZER.param_schedulers.lr.milestones=[1]",
        f"config.SEED_VALUE={seed}",
        f"config.CHECKPOINT.DIR={folder}",
    ]


def outcome(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return what the row of a run says but for time and place, and the tensors of its final checkpoint."""
    (line,) = (folder / "ledger.jsonl").read_text().splitlines()
    checkpoint = torch.load(folder / "model_final_checkpoint_phase1.torch", weights_only=False)
    model = checkpoint["classy_state_dict"]["base_model"]["model"]
    tensors = {f"{part}.{key}": value for part in ("trunk", "heads") for key, value in model[part].items()}
    return {key: value for key, value in json.loads(line).items() if key not in NOT_COMPARED}, tensors


def test_probes_one_after_the_other_equal_probes_by_themselves(
    client: ProbeClient, data: list[Path], tmp_path: Path
) -> None:
    """The second seed is probed first, and a mistake comes between."""
    for seed in (0, 1):
        launcher.monoimage(*probe(data, seed, tmp_path / f"own{seed}"), cwd=tmp_path)
    assert fork(client, probe(data, 1, tmp_path / "fork1"), data, tmp_path / "fork1")[0] == 0
    wrong = [*probe(data, 1, tmp_path / "wrong"), "config.OPTIMIZER.num_epohcs=2"]
    status, said = fork(client, wrong, data, tmp_path / "wrong")
    assert status == 2
    assert "num_epohcs" in said
    assert "Traceback" not in said
    assert fork(client, probe(data, 0, tmp_path / "fork0"), data, tmp_path / "fork0")[0] == 0
    for seed in (0, 1):
        (row, tensors), (expected, others) = outcome(tmp_path / f"fork{seed}"), outcome(tmp_path / f"own{seed}")
        assert row == expected
        assert tensors.keys() == others.keys()
        assert all(torch.equal(tensors[name], others[name]) for name in others)
    assert outcome(tmp_path / "own0")[0]["losses"] != outcome(tmp_path / "own1")[0]["losses"]


def test_a_killed_probe_or_server_takes_no_other_with_it(client: ProbeClient, tmp_path: Path) -> None:
    (tmp_path / "die.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    (tmp_path / "parent.py").write_text("import os; print(os.getppid())")
    assert fork(client, ["exec", str(tmp_path / "die.py")], [], tmp_path / "a")[0] == -signal.SIGKILL
    status, said = fork(client, ["exec", str(tmp_path / "parent.py")], [], tmp_path / "b")
    assert status == 0
    os.kill(int(said), signal.SIGKILL)
    os.waitid(os.P_PID, int(said), os.WEXITED | os.WNOWAIT)
    status, others = fork(client, ["exec", str(tmp_path / "parent.py")], [], tmp_path / "c")  # starts another
    assert status == 0
    assert others != said


def test_ctrl_c_while_images_are_decoded_starts_no_probe(client: ProbeClient, data: list[Path], tmp_path: Path) -> None:
    """A pipe among the images holds the server up in the middle of them."""
    assert client._process
    image = tmp_path / "train" / "class" / "0.png"
    image.parent.mkdir(parents=True)
    os.mkfifo(image)
    (tmp_path / "parent.py").write_text("import os; print(os.getppid())")
    with ThreadPoolExecutor(1) as pool:
        folders = [tmp_path / "train", data[1]]
        words = ["exec", str(tmp_path / "parent.py")]
        probe = pool.submit(fork, client, words, folders, tmp_path / "a")
        with open(image, "wb"):  # waits for the server to open it
            os.kill(client._process.pid, signal.SIGINT)
            image.unlink()  # or it would open it once more
        assert probe.result() == (130, "")
    assert fork(client, words, [], tmp_path / "b") == (130, "")  # it was waiting already
