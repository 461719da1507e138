"""Linear SVMs on a few labelled images a class, on every layer."""

from __future__ import annotations

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

from vissl_monoimage.probe.feature_classifier import FittedHead, FittedTask
from vissl_monoimage.probe.shots import draw_images, labels_of, problems_with


@register_model_head("low_shot_svm")
class LowShotSVM(FittedHead):
    """A linear SVM a class, against all others, for each number of shots and each draw of the images.

    As VISSL's `vissl/utils/svm_utils/svm_low_shot_trainer.py` for Places205 (Goyal et al., ICCV 2019): features of
    unit length, squared hinge loss, positives weighted twice. VISSL gives the mean average precision of the cost that
    is best on the test images; here the class of the largest score is the answer, and there is one cost.
    """

    def fit(self, features: Tensor, labels: Tensor, config: AttrDict) -> None:
        """The images are those of `draw_images`, in its order, for the largest number of shots."""
        svm = config.SVM
        drawn = _normalised(features).double().numpy()
        drawn = drawn.reshape(len(svm.low_shot.sample_inds), self.num_classes, -1, drawn.shape[1])
        planes = np.array([[_planes(few[:, :k], svm) for few in drawn] for k in svm.low_shot.k_values])
        self.planes = torch.from_numpy(planes).float().to(self.untrained.weight.device)

    def scores(self, features: Tensor) -> Tensor:
        """(batch, features) -> distances from the planes (shots, draws, batch, classes)."""
        slopes, offsets = self.planes[..., :-1], self.planes[..., -1]
        return _normalised(features) @ slopes.transpose(-1, -2) + offsets.unsqueeze(-2)


def _normalised(features: Tensor) -> Tensor:
    """As VISSL's SVMTrainer: by the length and a little."""
    return features / (features.norm(dim=1, keepdim=True) + 1e-5)


def _planes(few: NDArray[np.float64], svm: AttrDict) -> NDArray[np.float64]:
    """(classes, shots, features) -> (classes, features + 1): slope and offset of the plane of each class."""
    from sklearn.svm import LinearSVC  # a second to import: not for every run of VISSL

    classes, shots, _ = few.shape
    images, labels = few.reshape(classes * shots, -1), np.repeat(np.arange(classes), shots)
    found = []
    for label in range(classes):
        one = LinearSVC(
            C=svm.costs.costs_list[0],
            class_weight={1: 2, -1: 1},
            penalty=svm.penalty,
            loss=svm.loss,
            dual=svm.dual,
            max_iter=svm.max_iter,
            random_state=0,
        ).fit(images, np.where(labels == label, 1, -1))
        found.append(np.append(one.coef_, one.intercept_))
    return np.array(found)


@register_train_step("low_shot_step")
def low_shot_step(task: Any) -> Any:
    """Test a batch: the meter of a layer and number of shots counts the answers of all draws.

    It ends with the mean accuracy over the draws, for each of them is asked every test image.
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
class LowShotTask(FittedTask):
    """The overlay `low_shot` of a linear probe: `configs/config/monoimage/low_shot.yaml`."""

    head = "low_shot_svm"

    def __init__(self, config: AttrDict) -> None:
        super().__init__(config)
        meter = self.config.METERS.accuracy_list_meter
        shots = self.config.SVM.low_shot.k_values
        meter.meter_names = [f"{layer} k={k}" for layer in meter.meter_names for k in shots]
        meter.num_meters = len(meter.meter_names)

    def training_images(self) -> Dataset[Any]:
        """The drawn ones alone, each as often as it is drawn."""
        images, low_shot = self.datasets["train"], self.config.SVM.low_shot
        drawn = draw_images(labels_of(images), low_shot.sample_inds, max(low_shot.k_values))
        return Subset(images, drawn.flatten().tolist())

    @classmethod
    def problems_of_fit(cls, prepared: AttrDict) -> list[str]:
        return list(problems_with(prepared))
