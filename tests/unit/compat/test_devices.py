"""VISSL's pretraining and evaluation code on a machine or in a run without CUDA."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from classy_vision.generic.distributed_util import set_cpu_device
from torch import nn
from vissl.config import AttrDict
from vissl.hooks.dino_hooks import DINOHook
from vissl.hooks.swav_momentum_hooks import SwAVMomentumHook
from vissl.losses.deepclusterv2_loss import DeepClusterV2Loss
from vissl.losses.nce_loss import NCEAverage
from vissl.models import build_model
from vissl.models.trunks.xcit import LPI, conv3x3
from vissl.trainer.trainer_main import SelfSupervisionTrainer
from vissl.utils.hydra_config import compose_hydra_configuration, convert_to_attrdict

import vissl_monoimage  # noqa: F401  # before VISSL

KNN = "config=benchmark/nearest_neighbor/eval_resnet_8gpu_in1k_kNN"


@pytest.fixture(autouse=True)
def one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A gloo group of one, as VISSL has in every run, on the CPU; its files go to a folder of the test."""
    monkeypatch.chdir(tmp_path)
    set_cpu_device()
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def deepcluster() -> DeepClusterV2Loss:
    return DeepClusterV2Loss(
        AttrDict(
            {
                "num_train_samples": 12,
                "DROP_LAST": True,
                "BATCHSIZE_PER_REPLICA": 4,
                "num_crops": 2,
                "temperature": 0.1,
                "num_clusters": [3],
                "kmeans_iters": 10,
                "memory_params": {"crops_for_mb": [0], "embedding_dim": 2},
            }
        )
    )


def test_deepcluster_fills_its_memory_and_finds_separate_clusters() -> None:
    torch.manual_seed(0)
    truth = torch.arange(12) % 3
    angles = truth * 2.0 + 0.05 * torch.randn(12)
    points = torch.stack([angles.cos(), angles.sin()], dim=1)
    order = torch.randperm(12)
    loader = [
        {"data_idx": [torch.cat([index, index])], "data": [[points[index], points[index]]]} for index in order.split(4)
    ]
    loss = deepcluster()
    loss.init_memory(loader, lambda inputs: [3 * inputs])
    torch.testing.assert_close(loss.local_memory_embeddings[0], points[order])
    # k-means keeps the best of a few starts: VISSL's picks its first centroids at random among the points
    for _ in range(10):
        loss.cluster_memory()
        found = loss.assignments[0]
        if len(found.unique()) == 3 and all(len(found[truth == k].unique()) == 1 for k in range(3)):
            return
    pytest.fail(f"clusters {loss.assignments} of {truth}")


def test_the_debug_sampler_of_nce_draws_where_the_labels_are() -> None:
    average = NCEAverage(
        memory_params=AttrDict({"memory_size": 10, "embedding_dim": 4, "momentum": 0.5, "norm_init": True,
                                "update_mem_on_forward": False}),
        negative_sampling_params=AttrDict({"num_negatives": 5, "type": "debug"}),
        T=0.1, Z=-1.0, loss_type="nce",
    )  # fmt: skip
    index = average.do_negative_sampling(torch.randn(3, 4), torch.tensor([7, 8, 9]), 5)
    assert index.shape == (3, 6)
    assert index[:, 0].tolist() == [7, 8, 9]


def test_clusters_are_merged_over_processes() -> None:
    assignment = {"train": {3: 1, 5: 0}, "test": {4: 2}}
    assert SelfSupervisionTrainer._merge_cluster_assignments(assignment) == assignment


def test_xcit_trains_with_the_weights_it_has_on_cuda() -> None:
    layer = conv3x3(3, 4)
    layer(torch.randn(2, 3, 8, 8)).sum().backward()
    assert layer[0].weight.grad is not None
    on_cuda = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.SyncBatchNorm(4))
    assert set(layer.state_dict()) == set(on_cuda.state_dict())
    tokens = torch.randn(2, 9, 4)
    assert LPI(4)(tokens, 3, 3).shape == tokens.shape


@pytest.mark.parametrize(("hook", "name"), [(DINOHook, "momentum_teacher"), (SwAVMomentumHook, "momentum_encoder")])
def test_teachers_keep_their_batch_norm(hook: Any, name: str) -> None:
    overrides = ["config=pretrain/rotnet/rotnet_8gpu_resnet", "config.MODEL.TRUNK.NAME=convnet4"]
    overrides.append("config.MODEL.HEAD.PARAMS=[[mlp,{dims:[10,4]}]]")
    _, config = convert_to_attrdict(compose_hydra_configuration(overrides), dump_config=False)
    model = build_model(config.MODEL, config.OPTIMIZER)
    task = SimpleNamespace(
        config=config, device=torch.device("cpu"), use_gpu=True, model=model, base_model=model,
        loss=SimpleNamespace(checkpoint=None),
    )  # fmt: skip
    hook._build_momentum_network(SimpleNamespace(), task)
    kinds = {type(module) for module in getattr(task.loss, name).modules()}
    assert nn.BatchNorm2d in kinds
    assert nn.SyncBatchNorm not in kinds


def test_features_are_extracted_and_saved(tmp_path: Path) -> None:
    _, config = convert_to_attrdict(compose_hydra_configuration([KNN, "config.MACHINE.DEVICE=cpu"]), dump_config=False)
    batch = {"data": [torch.eye(2)], "label": [torch.tensor([0, 1])], "data_idx": [torch.tensor([4, 2])]}
    model = nn.Linear(2, 2, bias=False)
    task = SimpleNamespace(model=model, data_iterator=iter([batch]), device=torch.device("cpu"))
    head = task.model.weight.detach().clone()
    task.model.register_forward_hook(lambda module, inputs, output: [output])
    trainer = SelfSupervisionTrainer.__new__(SelfSupervisionTrainer)
    trainer.cfg = config
    trainer._extract_split_features(["heads"], task, "TRAIN", str(tmp_path))
    np.testing.assert_allclose(
        np.load(tmp_path / "rank0_chunk0_train_heads_features.npy"), head.T.flip(0).numpy(), rtol=1e-6
    )
    assert np.load(tmp_path / "rank0_chunk0_train_heads_inds.npy").tolist() == [2, 4]


def test_nearest_neighbours_of_few_images_and_classes(tmp_path: Path) -> None:
    from tools.nearest_neighbor_test import nearest_neighbor_test

    random = np.random.default_rng(0)
    for split, count, wrong in (("train", 30, 0), ("test", 10, 1)):
        labels = np.arange(count) % 2
        features = np.where(labels[:, None] == 1, [1.0, 0.0], [0.0, 1.0]) + 0.1 * random.random((count, 2))
        labels[:wrong] = 1 - labels[:wrong]
        stem = f"{tmp_path}/rank0_chunk0_{split}_heads"
        np.save(f"{stem}_features.npy", features.astype(np.float32))
        np.save(f"{stem}_targets.npy", labels[:, None])
        np.save(f"{stem}_inds.npy", np.arange(count))
    overrides = [KNN, "config.MACHINE.DEVICE=cpu", f"config.CHECKPOINT.DIR={tmp_path}"]
    overrides.append("config.NEAREST_NEIGHBOR.TOPK=5")
    _, config = convert_to_attrdict(compose_hydra_configuration(overrides), dump_config=False)
    assert nearest_neighbor_test(config) == (90.0, 100.0)
