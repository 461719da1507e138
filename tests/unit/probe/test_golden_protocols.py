"""What each protocol means, as it has always been: its settings, and the numbers of a tiny run on synthetic features.

An entry of `golden_protocols.json` must not change: accuracies in published rows are compared under these names. To
add a new protocol: `python tests/unit/probe/test_golden_protocols.py`.
"""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from vissl.config import AttrDict
from vissl.models.trunks.feature_extractor import POOL_OPS

from vissl_monoimage.models.heads.alexnet_fc import AlexNetFC
from vissl_monoimage.models.heads.conv_classifier import RetrainedConvolutions
from vissl_monoimage.models.heads.linear_probe import LinearProbe
from vissl_monoimage.probe.few_shot import FewShotSVM
from vissl_monoimage.probe.few_shot_images import draw_images
from vissl_monoimage.probe.knn import NearestNeighbors
from vissl_monoimage.probe.protocol import Protocol
from vissl_monoimage.probe.protocols import PROTOCOLS

GOLDEN = Path(__file__).with_name("golden_protocols.json")
WORDS = ("name", "source", "title")  # for people
MAP = (24, 14, 14)  # channels, height, width of the synthetic features
TRAINED, TESTED, CLASSES, SHOTS = 60, 60, 3, 4
LR = "OPTIMIZER.param_schedulers.lr"


def features(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return maps (count, *MAP) and their classes, whose means differ by less than the noise of a value."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    means = torch.randn(CLASSES, MAP[0], 1, 1, generator=torch.Generator().manual_seed(1))
    return (torch.randn(count, *MAP, generator=draw) + 0.1 * means[labels]).relu(), labels


def settings(protocol: Protocol) -> Any:
    """Return everything that the protocol fixes, as JSON has it, with the kind of its pooling."""
    values = {key: value for key, value in dataclasses.asdict(protocol).items() if key not in WORDS}
    return json.loads(json.dumps({**values, "pooling_kind": type(protocol.pooling).__name__}))


def run(protocol: Protocol) -> dict[str, float]:
    """Train or fit the protocol's head on pooled synthetic features of conv1; return numbers of its test."""
    (train, labels), (test, expected) = features(TRAINED, 2), features(TESTED, 3)
    if protocol.pooling:
        name, arguments = protocol.pooling.op("conv1", MAP)
        train, test = (POOL_OPS[name](*arguments)(maps) for maps in (train, test))
    else:
        train, test = train[..., :8, :8], test[..., :8, :8]
    if protocol.name.startswith("lowshot"):
        scores = _few_shot(protocol, train, labels, test)
    elif protocol.name.startswith("knn"):
        head = NearestNeighbors(AttrDict({}), list(train.shape[1:]), CLASSES)
        head.fit(train.flatten(1), labels, _nested({**protocol.settings, "NEAREST_NEIGHBOR.TOPK": 20}))
        scores = head(test)
    else:
        scores = _trained(protocol, train, labels)(test).detach()
    answers = scores.argmax(-1)
    return {
        "right": float((answers == expected).sum() / (answers.numel() / TESTED)),
        "values": train[0].numel(),
        "loss": float(
            functional.cross_entropy(scores.flatten(0, -2), expected.repeat(scores[..., 0].numel() // TESTED))
        ),
    }


def _trained(protocol: Protocol, train: Tensor, labels: Tensor) -> nn.Module:
    """Train the protocol's head with its schedule; the batch is a fourth of the images."""
    torch.manual_seed(4)
    head, sgd = _head(protocol, train), protocol.settings
    values, milestones = sgd[f"{LR}.values"], sgd[f"{LR}.milestones"]
    optimizer = torch.optim.SGD(
        head.parameters(),
        lr=values[0],
        momentum=sgd["OPTIMIZER.momentum"],
        nesterov=sgd["OPTIMIZER.nesterov"],
        weight_decay=sgd["OPTIMIZER.weight_decay"],
    )
    for epoch in range(sgd["OPTIMIZER.num_epochs"]):
        optimizer.param_groups[0]["lr"] = values[sum(epoch >= milestone for milestone in milestones)]
        for batch in torch.arange(TRAINED).reshape(4, -1):
            optimizer.zero_grad()
            functional.cross_entropy(head(train[batch]), labels[batch]).backward()
            optimizer.step()
    return head.eval()


def _head(protocol: Protocol, train: Tensor) -> nn.Module:
    shape = list(train.shape[1:])
    if heads := protocol.settings.get("MODEL.HEAD.PARAMS"):
        ((name, chosen),) = heads
        if name == "retrained_convolutions":
            return RetrainedConvolutions(shape, **chosen)
        return AlexNetFC([train[0].numel(), *chosen["dims"][1:]])
    if protocol.head == "linear_probe":
        return LinearProbe(shape, CLASSES)
    return nn.Sequential(nn.Flatten(), nn.Linear(train[0].numel(), CLASSES))  # of VISSL's YAML


def _few_shot(protocol: Protocol, train: Tensor, labels: Tensor, test: Tensor) -> Tensor:
    config = _nested({**protocol.settings, "SVM.low_shot.k_values": [SHOTS]})
    drawn = draw_images(labels.numpy(), config.SVM.low_shot.sample_inds, SHOTS).flatten()
    head = FewShotSVM(AttrDict({}), list(train.shape[1:]), CLASSES)
    head.fit(train[drawn].flatten(1), labels[drawn], config)
    return head(test)[0]


def _nested(dotted: dict[str, Any]) -> AttrDict:
    result: dict[str, Any] = {}
    for path, value in dotted.items():
        *parents, last = path.split(".")
        node = result
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return AttrDict(result)


def test_every_protocol_has_its_golden_run_and_none_is_gone() -> None:
    assert json.loads(GOLDEN.read_text()).keys() == PROTOCOLS.keys()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_is_what_its_name_has_always_meant(name: str) -> None:
    golden = json.loads(GOLDEN.read_text())[name]
    assert settings(PROTOCOLS[name]) == golden["settings"]
    found = run(PROTOCOLS[name])
    assert found["values"] == golden["run"]["values"]
    assert found["loss"] == pytest.approx(golden["run"]["loss"], rel=2e-3)  # other processors add in another order
    assert found["right"] == pytest.approx(golden["run"]["right"], abs=1.01)  # a tie may fall to another class


def write() -> None:
    """Add the protocols that have no entry."""
    before = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    added = {
        name: {"settings": settings(protocol), "run": run(protocol)}
        for name, protocol in PROTOCOLS.items()
        if name not in before
    }
    GOLDEN.write_text(json.dumps({**before, **added}, indent=1) + "\n")


if __name__ == "__main__":
    write()
