"""Linear SVMs on a few labelled images per class, on every layer; VISSL calls them low-shot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from classy_vision.tasks import register_task
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Subset
from vissl.config import AttrDict
from vissl.models.heads import register_model_head
from vissl.trainer.train_steps import register_train_step
from vissl.trainer.train_steps.standard_train_step import LastBatchInfo, construct_sample_for_model

from vissl_monoimage.probe.feature_classifier import FeatureClassifier, FeatureClassifierTask
from vissl_monoimage.probe.few_shot_images import draw_images, labels_of, too_few_images
from vissl_monoimage.probe.validate import count_samples

_WHERE = "config.SVM"
_SOLVABLE = (
    ("l2", "squared_hinge", True),
    ("l2", "squared_hinge", False),
    ("l2", "hinge", True),
    ("l1", "squared_hinge", False),
)  # penalty, loss, dual of scikit-learn's LinearSVC


@register_model_head("low_shot_svm")
class FewShotSVM(FeatureClassifier):
    """A linear SVM per class against all others, for each number of shots and each draw of the images.

    As VISSL's `vissl/utils/svm_utils/svm_low_shot_trainer.py` for Places205 (Goyal et al., ICCV 2019): features of
    unit length, squared hinge loss, positives weighted twice. VISSL reports the mean average precision of the cost
    that is best on the test images; here there is one cost, and the class with the largest score is the answer.
    """

    def fit(self, features: Tensor, labels: Tensor, config: AttrDict) -> None:
        """Fit to the images of `draw_images`, in its order, for the largest number of shots."""
        svm = config.SVM
        drawn = _unit_length(features).double().numpy()
        drawn = drawn.reshape(len(svm.low_shot.sample_inds), self.num_classes, -1, drawn.shape[1])
        planes = np.array([[_fit_planes(draw[:, :shots], svm) for draw in drawn] for shots in svm.low_shot.k_values])
        self.planes = torch.from_numpy(planes).float().to(self.untrained.weight.device)

    def scores(self, features: Tensor) -> Tensor:
        """Return the signed distances (shots, draws, batch, classes) from the planes."""
        slopes, offsets = self.planes[..., :-1], self.planes[..., -1]
        return _unit_length(features) @ slopes.transpose(-1, -2) + offsets.unsqueeze(-2)


def _unit_length(features: Tensor) -> Tensor:
    """Divide by the length plus 1e-5, as VISSL's SVMTrainer does."""
    return features / (features.norm(dim=1, keepdim=True) + 1e-5)


def _fit_planes(images: NDArray[np.float64], svm: AttrDict) -> NDArray[np.float64]:
    """Return slope and offset (classes, features + 1) of each class's plane, for (classes, shots, features)."""
    from sklearn.svm import LinearSVC  # takes a second to import, which other runs of VISSL need not spend

    classes, shots, _ = images.shape
    rows, labels = images.reshape(classes * shots, -1), np.repeat(np.arange(classes), shots)
    planes = []
    for label in range(classes):
        fitted = LinearSVC(
            C=svm.costs.costs_list[0],
            class_weight={1: 2, -1: 1},
            penalty=svm.penalty,
            loss=svm.loss,
            dual=svm.dual,
            max_iter=svm.max_iter,
            random_state=0,
        ).fit(rows, np.where(labels == label, 1, -1))
        planes.append(np.append(fitted.coef_, fitted.intercept_))
    return np.array(planes)


@register_train_step("low_shot_step")
def few_shot_step(task: Any) -> Any:
    """Test a batch; the meter of a layer and number of shots counts the answers of all draws.

    Every draw is tested on every image, so the meter's result is the mean accuracy over the draws.
    """
    task.last_batch = LastBatchInfo()
    sample = construct_sample_for_model(next(task.data_iterator), task)
    target = sample["target"]
    with torch.no_grad():
        by_draw = torch.cat(task.model(sample["input"])).transpose(0, 1)  # draws, layers and shots, batch, classes
        losses = [task.loss(list(scores), target) for scores in by_draw]
    for scores in by_draw.cpu():
        for meter in task.meters:
            meter.update(list(scores), target.cpu())
    task.last_batch.loss = torch.stack(losses).mean()
    task.losses.append(task.last_batch.loss.item() * len(target))
    return task


@register_task("low_shot_task")
class FewShotTask(FeatureClassifierTask):
    """Few-shot SVMs in place of linear probes: the overlay `configs/config/monoimage/low_shot.yaml`."""

    head = "low_shot_svm"

    def __init__(self, config: AttrDict) -> None:
        super().__init__(config)
        meter = self.config.METERS.accuracy_list_meter
        shots = self.config.SVM.low_shot.k_values
        meter.meter_names = [f"{layer} k={k}" for layer in meter.meter_names for k in shots]
        meter.num_meters = len(meter.meter_names)

    def training_images(self) -> Dataset[Any]:
        """Return the drawn images only, each as often as it is drawn."""
        images, low_shot = self.datasets["train"], self.config.SVM.low_shot
        drawn = draw_images(labels_of(images), low_shot.sample_inds, max(low_shot.k_values))
        return Subset(images, drawn.flatten().tolist())

    @classmethod
    def check_fit(cls, configured: AttrDict) -> Iterator[str]:
        svm = configured.SVM
        lists = [*_list_problems(svm, "k_values", 1), *_list_problems(svm, "sample_inds", 0)]
        yield from lists
        costs = svm.costs.costs_list
        if not isinstance(costs, list) or len(costs) != 1 or not isinstance(costs[0], (int, float)) or costs[0] <= 0:
            yield f"{_WHERE}.costs.costs_list={costs} must be one positive number: test images must not choose the cost"
        if svm.costs.base != -1:
            yield f"{_WHERE}.costs.base={svm.costs.base} must be -1: it adds costs to the one in costs_list"
        if (svm.penalty, svm.loss, svm.dual) not in _SOLVABLE:
            yield (
                f"{_WHERE}: scikit-learn has no SVM with penalty={svm.penalty}, loss={svm.loss}, dual={svm.dual}: use "
                + "; ".join(f"{penalty}, {loss}, {dual}" for penalty, loss, dual in _SOLVABLE)
            )
        if svm.normalize is not True:
            yield f"{_WHERE}.normalize={svm.normalize} must be true: features of unit length are compared"
        if not lists and count_samples("TRAIN", configured):  # without samples the data check has a sentence
            yield from too_few_images(configured, max(svm.low_shot.k_values))


def _list_problems(svm: AttrDict, name: str, least: int) -> Iterator[str]:
    numbers: Any = svm.low_shot[name]
    valid = isinstance(numbers, list) and all(type(number) is int and number >= least for number in numbers)
    if not valid or not numbers or len(set(numbers)) < len(numbers):
        yield f"{_WHERE}.low_shot.{name}={numbers} must list distinct whole numbers of at least {least}"
