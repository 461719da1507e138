"""Checkpoints, permutations, NumPy's names, mixed precision: VISSL's code as it runs under our mends."""

from __future__ import annotations

import io
import itertools
import logging
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.distance import cdist

import vissl_monoimage  # noqa: F401  # before VISSL
from vissl_monoimage.compat.permutations import maximal_hamming
from vissl_monoimage.errors import MonoImageError

URL = "https://no.such.host.example/jigsaw/hamming_perms_{}_patches_{}_max_avg.npy"


class Evil:
    """Unpickled by anything but a restricted unpickler, it leaves a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.trace),))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """VISSL writes train_config.yaml into the working directory."""
    monkeypatch.chdir(tmp_path)


def config_of(*overrides: str) -> Any:
    from vissl.utils.hydra_config import compose_hydra_configuration, convert_to_attrdict

    chosen = ["config=pretrain/rotnet/rotnet_8gpu_resnet", *overrides]
    return convert_to_attrdict(compose_hydra_configuration(chosen), dump_config=False)[1]


@pytest.mark.parametrize("broken", ["evil", "text", "empty", "cut"])
def test_a_file_that_is_no_plain_checkpoint_is_refused_and_never_run(tmp_path: Path, broken: str) -> None:
    from classy_vision.generic.util import load_checkpoint

    path, trace = tmp_path / "model.torch", tmp_path / "trace"
    if broken == "evil":
        torch.save({"weights": torch.ones(2), "extra": Evil(trace)}, path)
    else:
        torch.save({"weights": torch.ones(2000)}, path)
        whole = path.read_bytes()
        path.write_bytes({"text": b"hello", "empty": b"", "cut": whole[: len(whole) // 2]}[broken])
    with pytest.raises(MonoImageError, match=re.escape(str(path))) as caught:
        load_checkpoint(str(path))
    assert "\n" not in str(caught.value)
    assert not trace.exists()
    if broken == "evil":
        assert "mkdir" in str(caught.value)


def test_plain_values_of_vissl_files_load(tmp_path: Path) -> None:
    from classy_vision.generic.util import load_checkpoint
    from vissl.config import AttrDict

    state = {
        "weights": torch.arange(3),
        "config": AttrDict({"MODEL": {"NAME": "x"}, "LIST": [1]}),
        "scalars": [np.float64(0.5), np.float32(2), np.int64(3), np.bool_(True)],
        "array": np.arange(4).reshape(2, 2),
    }
    path = tmp_path / "model.torch"
    torch.save(state, path)
    loaded = load_checkpoint(str(path))
    assert loaded["config"] == {"MODEL": {"NAME": "x"}, "LIST": [1]}
    assert loaded["scalars"] == state["scalars"]
    assert (loaded["array"] == state["array"]).all()
    assert torch.equal(loaded["weights"], state["weights"])


def test_scalars_written_under_numpy_1_load() -> None:
    from vissl_monoimage.utils import safe_load

    buffer = io.BytesIO()
    torch.save({"loss": np.float64(0.25)}, buffer, _use_new_zipfile_serialization=False)
    old = buffer.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != buffer.getvalue()
    assert safe_load.load(io.BytesIO(old)) == {"loss": 0.25}


def test_cluster_assignments_come_back_with_their_config(tmp_path: Path) -> None:
    from vissl.utils.cluster_utils import ClusterAssignment, ClusterAssignmentLoader

    config = config_of()
    assignments = {"TRAIN": {0: 3, 1: 2}}
    ClusterAssignmentLoader.save_cluster_assignment(str(tmp_path), ClusterAssignment(config, assignments))
    loaded = ClusterAssignmentLoader.load_cluster_assigment(str(tmp_path / "cluster_assignments.torch"))
    assert loaded.config.MODEL.TRUNK.NAME == config.MODEL.TRUNK.NAME
    assert loaded.config == config
    assert loaded.cluster_assignments == assignments


def test_permutations_are_those_of_the_greedy_algorithm() -> None:
    everything = np.array(list(itertools.permutations(range(5))))
    chosen, rest = everything[:1], everything[1:]
    while len(chosen) < 40:
        best = cdist(chosen, rest, metric="hamming").mean(axis=0).round(9).argmax()
        chosen, rest = np.vstack([chosen, rest[best]]), np.delete(rest, best, axis=0)
    assert (maximal_hamming(40, 5) == chosen).all()


def test_all_permutations_and_no_more() -> None:
    assert len(np.unique(maximal_hamming(24, 4), axis=0)) == 24
    with pytest.raises(MonoImageError, match=r"4 patches .* 24 .* 25"):
        maximal_hamming(25, 4)


def test_jigsaw_makes_its_file_once_and_uses_one_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vissl.data.ssl_transforms.shuffle_img_patches import ShuffleImgPatches

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    patches = [torch.full((1, 2, 2), float(i)) for i in range(4)]
    shuffled, label = ShuffleImgPatches(URL.format(20, 4))(patches)
    (made,) = (path for path in tmp_path.rglob("*") if path.is_file())
    order = np.load(made)[int(label)]
    assert shuffled[:, 0, 0, 0].tolist() == order.tolist()
    np.save(made, np.array([[3, 2, 1, 0]]))
    shuffled, label = ShuffleImgPatches(URL.format(20, 4))(patches)
    assert shuffled[:, 0, 0, 0].tolist() == [3, 2, 1, 0]
    own = tmp_path / "own.npy"
    np.save(own, np.array([[1, 0, 2, 3]]))
    assert ShuffleImgPatches(str(own))(patches)[0][:, 0, 0, 0].tolist() == [1, 0, 2, 3]


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vissl.data.ssl_transforms.shuffle_img_patches import ShuffleImgPatches

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(MonoImageError, match="XDG_CACHE_HOME"):
        ShuffleImgPatches(URL.format(20, 4))([torch.zeros(1, 2, 2)] * 4)


def test_names_that_numpy_dropped() -> None:
    from classy_vision.dataset.transforms.autoaugment import ImageOp, get_image_op_settings
    from vissl.config import AttrDict
    from vissl.meters.mean_ap_meter import MeanAPMeter
    from vissl.utils.instance_retrieval_utils.rmac import get_rmac_descriptors
    from vissl.utils.svm_utils.evaluate import get_precision_recall

    targets, scores = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.7, 0.1])
    assert get_precision_recall(targets, scores)[3] == pytest.approx((1 + 2 / 3) / 2)
    meter = MeanAPMeter(AttrDict({"num_classes": 1}))
    meter.update(torch.tensor(scores)[:, None].float(), torch.tensor(targets)[:, None].float())
    assert meter.value["mAP"] == pytest.approx((1 + 2 / 3) / 2)
    assert get_rmac_descriptors(torch.rand(2, 3, 8, 8), 2).shape[::2] == (2, 3)
    posterize = get_image_op_settings(ImageOp.POSTERIZE)
    assert posterize.function(Image.new("RGB", (4, 4)), posterize.ranges[0]).size == (4, 4)


@pytest.mark.parametrize(
    ("device", "kind", "expected", "said"),
    [
        ("cpu", "apex", None, "off on cpu"),
        ("cpu", "pytorch", None, "off on cpu"),
        ("gpu", "apex", "PYTORCH", "torch's mixed precision serves instead"),
        ("gpu", "pytorch", "PYTORCH", ""),
    ],
)
def test_mixed_precision(
    device: str, kind: str, expected: str | None, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    from vissl.trainer.train_task import SelfSupervisionTask

    amp = "config.MODEL.AMP_PARAMS"
    config = config_of(f"{amp}.USE_AMP=True", f"{amp}.AMP_TYPE={kind}", f"config.MACHINE.DEVICE={device}")
    with caplog.at_level(logging.INFO):
        task = SelfSupervisionTask(config)
    assert (task.amp_type.name if task.amp_type else None) == expected
    lines = [record.message for record in caplog.records if "serves instead" in record.message
             or "off on" in record.message]  # fmt: skip
    assert len(lines) == bool(said)
    assert said in "".join(lines)


def test_synchronized_batch_norm_without_apex() -> None:
    from vissl.trainer import train_task

    config = config_of("config.MODEL.SYNC_BN_CONFIG.SYNC_BN_TYPE=apex", "config.MODEL.SYNC_BN_CONFIG.GROUP_SIZE=0")
    model = train_task.convert_sync_bn(config, torch.nn.Sequential(torch.nn.BatchNorm2d(3)))
    assert isinstance(model[0], torch.nn.SyncBatchNorm)


def test_larc_passes_the_gate_of_the_task() -> None:
    from vissl.trainer.train_task import SelfSupervisionTask

    from vissl_monoimage.compat.larc import LARC

    optimizer = SelfSupervisionTask(config_of("config.OPTIMIZER.use_larc=True"))._build_optimizer()
    optimizer.set_param_groups([torch.ones(2, requires_grad=True)], lr=0.3)
    assert isinstance(optimizer.optimizer, LARC)


def test_the_launcher_says_what_went_wrong(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    from vissl.engines.engine_registry import Engine, register_engine
    from vissl.hooks import default_hook_generator
    from vissl.utils.distributed_launcher import launch_distributed

    @register_engine("failing")
    class Failing(Engine):  # type: ignore[misc]
        def run_engine(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("boom 7")

    config = config_of("config.MACHINE.DEVICE=cpu", "config.DISTRIBUTED.NUM_PROC_PER_NODE=1",
                       "config.DISTRIBUTED.RUN_ID=auto", f"config.CHECKPOINT.DIR={tmp_path}")  # fmt: skip
    with pytest.raises(RuntimeError, match="boom 7"):
        launch_distributed(config, 0, engine_name="failing", hook_generator=default_hook_generator)
    out, err = capfd.readouterr()
    assert "caught RuntimeError('boom 7')" in caplog.text + out + err
    assert "Logging error" not in err


def test_checkpoints_appear_whole(tmp_path: Path) -> None:
    from vissl.utils import checkpoint

    class Unsaveable:
        def __reduce__(self) -> tuple[Any, ...]:
            raise pickle.PicklingError("no")

    path = checkpoint.save_checkpoint(str(tmp_path), {"a": 1}, "model.torch")
    checkpoint.create_file_symlink(path, f"{tmp_path}/checkpoint.torch")
    with pytest.raises(pickle.PicklingError):
        checkpoint.save_checkpoint(str(tmp_path), {"a": Unsaveable()}, "model.torch")
    assert torch.load(tmp_path / "checkpoint.torch") == {"a": 1}
    other = checkpoint.save_checkpoint(str(tmp_path), {"a": 2}, "other.torch")
    checkpoint.create_file_symlink(other, f"{tmp_path}/checkpoint.torch")
    assert torch.load(tmp_path / "checkpoint.torch") == {"a": 2}
