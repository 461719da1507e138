"""Few-shot SVMs: the draws, the planes compared with scikit-learn's, the mean over draws compared with a count."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.svm import LinearSVC
from vissl.config import AttrDict
from vissl.losses.cross_entropy_multiple_output_single_target import CrossEntropyMultipleOutputSingleTargetLoss
from vissl.meters.accuracy_list_meter import AccuracyListMeter
from vissl.models.heads import get_model_head

from vissl_monoimage.probe.few_shot import few_shot_step
from vissl_monoimage.probe.few_shot_images import draw_images

CLASSES, SHAPE, DRAWS, SHOTS = 3, (4, 2, 2), [3, 7], [1, 4]
SVM = {
    "normalize": True, "loss": "squared_hinge", "penalty": "l2", "dual": True, "max_iter": 2000,
    "costs": {"costs_list": [0.5]}, "low_shot": {"sample_inds": DRAWS, "k_values": SHOTS},
}  # fmt: skip


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_draws_are_balanced_and_repeatable(classes: int, shots: int, draw: int) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(classes), 20))
    drawn = draw_images(labels, [draw, draw + 1], shots)
    assert drawn.shape == (2, classes, shots)
    assert (labels[drawn] == np.arange(classes)[:, None]).all()
    assert all(len(set(of_draw.ravel())) == classes * shots for of_draw in drawn)
    assert np.array_equal(drawn, draw_images(labels, [draw, draw + 1], shots))
    assert np.array_equal(drawn[1:], draw_images(labels, [draw + 1], shots))
    assert np.array_equal(drawn[:, :, :1], draw_images(labels, [draw, draw + 1], 1))


def test_draws_differ_between_draws_and_classes() -> None:
    drawn = draw_images(np.repeat(np.arange(2), 50), [1, 2], 8)
    assert len({tuple(of_class % 50) for of_draw in drawn for of_class in of_draw}) == 4


@pytest.fixture(scope="module")
def drawn() -> torch.Tensor:
    """Features (draws, classes, largest number of shots, *SHAPE) of very different lengths."""
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(2, CLASSES, 4, *SHAPE, generator=draw)
    features += 2 * torch.randn(CLASSES, 1, *SHAPE, generator=draw)
    return features * torch.rand(2, CLASSES, 4, 1, 1, 1, generator=draw).mul(3).exp()


@pytest.fixture(scope="module")
def head(drawn: torch.Tensor) -> torch.nn.Module:
    made: torch.nn.Module = get_model_head("low_shot_svm")(AttrDict({}), shape=SHAPE, num_classes=CLASSES)
    made.fit(
        drawn.flatten(0, 2).flatten(1), torch.arange(CLASSES).repeat_interleave(4).repeat(2), AttrDict({"SVM": SVM})
    )
    return made


def test_scores_equal_those_of_one_scikit_learn_svm_per_class(head: torch.nn.Module, drawn: torch.Tensor) -> None:
    test = 5 * torch.randn(20, *SHAPE, generator=torch.Generator().manual_seed(1))
    unit = test.flatten(1).double().numpy() / np.linalg.norm(test.flatten(1).double(), axis=1, keepdims=True)
    found = head(test)
    assert found.shape == (2, 2, 20, CLASSES)
    for row, k in enumerate(SHOTS):
        for draw in range(2):
            few = drawn[draw, :, :k].flatten(0, 1).flatten(1).double().numpy()
            few /= np.linalg.norm(few, axis=1, keepdims=True)
            for label in range(CLASSES):
                target = np.where(np.repeat(np.arange(CLASSES), k) == label, 1, -1)
                weights = np.where(target == 1, 2.0, 1.0)
                svm = LinearSVC(C=0.5, loss="squared_hinge", dual=True, max_iter=20000, tol=1e-8)
                expected = svm.fit(few, target, sample_weight=weights).decision_function(unit)
                np.testing.assert_allclose(found[row, draw, :, label], expected, atol=2e-3)


class Task(SimpleNamespace):
    data_and_label_keys = {"input": ["data"], "target": ["label"]}  # noqa: RUF012


def test_a_meter_counts_the_answers_of_every_draw() -> None:
    draw = torch.Generator().manual_seed(0)
    outputs = [torch.randn(2, 5, 30, CLASSES, generator=draw) for _ in range(2)]  # two layers: shots, draws, batch
    target = torch.randint(CLASSES, (30,), generator=draw)
    batches: Iterator[Any] = iter([{"data": [torch.zeros(30, 4)], "label": [target], "data_valid": [torch.ones(30)]}])
    names = ["conv1 k=1", "conv1 k=2", "conv2 k=1", "conv2 k=2"]
    meter = AccuracyListMeter(4, [1], names)
    task = Task(
        data_iterator=batches, model=lambda rows: outputs, meters=[meter], losses=[],
        loss=CrossEntropyMultipleOutputSingleTargetLoss(AttrDict({"ignore_index": -1, "temperature": 1.0})),
    )  # fmt: skip
    few_shot_step(task)
    meter.sync_state()
    for layer, output in enumerate(outputs):
        for row in range(2):
            accuracies = [(scores.argmax(1) == target).double().mean() for scores in output[row]]
            name = names[2 * layer + row]
            assert meter.value["top_1"][name] == pytest.approx(100 * float(np.mean(accuracies)), abs=1e-4)
    with pytest.raises(StopIteration):
        few_shot_step(task)
