"""DeepCluster's head and optimizer against plain torch, its configs before a run, and labels of a subset."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from torch import nn
from vissl.utils.hydra_config import convert_to_attrdict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.heads.deepcluster import DeepClusterHead
from vissl_monoimage.pretext.deepcluster.pseudo_labels import NONE, give_labels, image_of
from vissl_monoimage.pretext.deepcluster.task import DeepClusterTask
from vissl_monoimage.training.seeding import SeededSSLDataset
from vissl_monoimage.utils.random import generator

Problems = Callable[..., list[str]]
ALEXNET = "config=pretrain/monoimage/deepcluster_alexnet"
BLOCK = "config.MONOIMAGE.DEEPCLUSTER"
TINY = (
    "config=pretrain/monoimage/deepcluster_convnet4",
    "+config/monoimage=smoke",
    "config.MODEL.HEAD.PARAMS=[[deepcluster,{dims:[1024,6,5],dropout:0.0}]]",
    f"{BLOCK}.PCA=5",
    "config.OPTIMIZER.weight_decay=0.01",
)


def attributes(*overrides: str) -> Any:
    composed = compose_config([*overrides])
    assert isinstance(composed, DictConfig)
    return convert_to_attrdict(composed, dump_config=False)[1]


@pytest.mark.parametrize("name", ["alexnet", "alexnet_sobel", "alexnet_64px", "convnet4", "resnet18", "resnet50"])
def test_nothing_is_wrong_with_the_shipped_configs(problems: Problems, name: str) -> None:
    assert problems(f"config=pretrain/monoimage/deepcluster_{name}") == []


MISTAKES = {
    f"{BLOCK}.K=1281168": f"{BLOCK}.K=1281168 is more than the 1281167 samples: give at most 1281167",
    "config.DATA.TRAIN.DATA_LIMIT=100": f"{BLOCK}.K=10000 is more than the 100 samples: give at most 100",
    f"{BLOCK}.K=1": f"{BLOCK}.K=1 must be at least 2",
    f"{BLOCK}.EVERY=0": f"{BLOCK}.EVERY=0 must be at least 1",
    f"{BLOCK}.K=many": f"{BLOCK}.K='many' must be a whole number",
    f"{BLOCK}.PCA=5000": f"{BLOCK}.PCA=5000 is more than the head's 4096 features: give at most 4096",
    f"+{BLOCK}.KK=3": "unknown key 'KK'",
    "config.OPTIMIZER.name=adam": "deepcluster_task needs config.OPTIMIZER.name=sgd",
    "config.TEST_MODEL=true": "config.TEST_MODEL=false",
    "config.DATA.TRAIN.USE_STATEFUL_DISTRIBUTED_SAMPLER=true": "USE_STATEFUL_DISTRIBUTED_SAMPLER=false",
    "config.MODEL.HEAD.PARAMS=[[mlp,{dims:[9216,10]}]]": "deepcluster_task needs one head",
    "config.MODEL.HEAD.PARAMS=[[eval_mlp,{in_channels:3}]]": "deepcluster_task needs one head",
    "config.MODEL.HEAD.PARAMS=[[deepcluster,{}]]": "deepcluster needs dims",
    "config.MODEL.HEAD.PARAMS=[[deepcluster,{dims:[9216,300],dropot:0.1}]]": "did you mean 'dropout'?",
}


@pytest.mark.parametrize("override", MISTAKES)
def test_a_mistake_is_reported_in_a_sentence(problems: Problems, override: str) -> None:
    sentences = problems(ALEXNET, override)
    assert any(MISTAKES[override] in sentence for sentence in sentences), sentences


def test_fresh_crops_cannot_keep_labels(problems: Problems) -> None:
    (problem,) = problems(ALEXNET, "config.MONOIMAGE.SOURCE.FRESH=true", f"{BLOCK}.EVERY=2")
    assert "FRESH=false" in problem
    assert problems(ALEXNET, "config.MONOIMAGE.SOURCE.FRESH=true") == []


def test_the_head_is_the_authors() -> None:
    """Dropout, fc6, ReLU, dropout, fc7; clustered as it is, and after a ReLU the input of the top layer."""
    head = DeepClusterHead(dims=[12, 8, 6], clusters=5).eval()
    for weight in head.parameters():
        nn.init.normal_(weight)  # with those it starts with, all outputs are next to nothing
    maps = torch.randn(3, 3, 2, 2)
    fc6, fc7 = (layer for layer in head.layers if isinstance(layer, nn.Linear))
    expected = fc7(torch.relu(fc6(maps.flatten(1))))
    assert (expected < 0).any()
    torch.testing.assert_close(head.features(maps), expected)
    torch.testing.assert_close(head(maps), head.top(expected.clamp(min=0)))
    assert [type(layer).__name__ for layer in head.layers] == ["Dropout", "Linear", "ReLU", "Dropout", "Linear"]


def test_a_head_without_fc_layers_clusters_the_trunks_output() -> None:
    head = DeepClusterHead(dims=[12], clusters=5)
    maps = torch.rand(3, 12, 1, 1)
    torch.testing.assert_close(head.features(maps), maps.flatten(1))
    with pytest.raises(MonoImageError, match=re.escape("head deepcluster: dims[0]=12, but the trunk gives 5 x 1 x 1")):
        head(torch.rand(3, 5, 1, 1))


def test_a_new_top_layer_forgets_the_old_one() -> None:
    head = DeepClusterHead(dims=[400], clusters=300)
    with torch.no_grad():
        head.top.weight.fill_(7)
        head.top.bias.fill_(7)
    head.renew_top(generator("top layer", 0, 0))
    assert float(head.top.weight.detach().std()) == pytest.approx(0.01, rel=0.02)
    assert float(head.top.weight.detach().mean()) == pytest.approx(0, abs=2e-4)
    assert not head.top.bias.any()


def test_the_top_layer_has_an_optimizer_of_its_own_without_momentum() -> None:
    """Three steps as two plain torch optimizers make them, one for all but the top layer and one for that."""
    task = DeepClusterTask(attributes(*TINY))
    task.base_model = task._build_model()
    task.optimizer, task.optimizer_schedulers = task._build_optimizer(), task._build_optimizer_schedulers()
    oracle = copy.deepcopy(task.base_model)
    task.prepare_optimizer()
    top = list(oracle.heads[0].top.parameters())
    rest = [weight for weight in oracle.parameters() if all(weight is not other for other in top)]
    body = torch.optim.SGD(rest, lr=0.01, momentum=0.9, weight_decay=0.01)
    alone = torch.optim.SGD(top, lr=0.01, weight_decay=0.01)
    for step in range(3):
        images, labels = torch.randn(6, 3, 32, 32), torch.arange(6) % 4
        if step == 2:  # between epochs: the authors make a new optimizer, and ours has nothing to forget
            for model in (task.base_model, oracle):
                model.heads[0].renew_top(generator("top layer", 0, 1))
            alone = torch.optim.SGD(top, lr=0.01, weight_decay=0.01)
        task.optimizer.zero_grad()
        nn.functional.cross_entropy(task.base_model(images)[0], labels).backward()
        task.optimizer.step(where=0.1 * step)
        body.zero_grad(), alone.zero_grad()
        nn.functional.cross_entropy(oracle(images)[0], labels).backward()
        body.step(), alone.step()
    for (name, ours), theirs in zip(task.base_model.named_parameters(), oracle.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)
    owned = sum(len(group["params"]) for group in task.optimizer.param_groups)
    assert owned == len(list(oracle.parameters()))


def test_labels_follow_the_samples_of_a_subset() -> None:
    """With DATA_LIMIT VISSL shows a random subset of the source; each sample has to keep its own label."""
    config = attributes(*TINY)
    task = DeepClusterTask(config)
    task.available_splits = ["TRAIN"]
    dataset = task.build_datasets()[0]["train"]
    assert isinstance(dataset, SeededSSLDataset)
    assignments = np.array([3, 1, 2, 0, 1, 1, 0, 3])
    labels = give_labels(dataset, assignments)
    assert [int(dataset[index]["label"][0]) for index in range(8)] == assignments.tolist()
    assert (labels != NONE).sum() == 8
    for index in range(8):
        source = dataset.data_objs[0][int(dataset.image_and_label_subset[index])][0]
        assert image_of(dataset, index).tobytes() == source.convert("RGB").tobytes()
