"""Weighted nearest neighbours on every layer."""

from __future__ import annotations

import torch
from classy_vision.tasks import register_task
from torch import Tensor
from torch.nn import functional
from vissl.config import AttrDict
from vissl.models.heads import register_model_head

from vissl_monoimage.probe.feature_classifier import FittedHead, FittedTask
from vissl_monoimage.probe.validate import samples_in

ROWS = 4096  # training images compared at once

_WHERE = "config.NEAREST_NEIGHBOR"


@register_model_head("knn")
class NearestNeighbors(FittedHead):
    """The training images most like a test image vote for their classes (Wu et al., CVPR 2018, sec. 3.4).

    As VISSL's `tools/nearest_neighbor_test.py` with L2_NORM_FEATS: the NEAREST_NEIGHBOR.TOPK images of the largest
    cosine similarity s to the feature vote with weight exp(s / SIGMA). Memory holds the similarities of a batch to
    ROWS training images, whatever their number.
    """

    def fit(self, features: Tensor, labels: Tensor, config: AttrDict) -> None:
        self.features, self.labels = features, labels
        self.lengths = torch.cat([rows.norm(dim=1) for rows in features.split(ROWS)]).clamp_min(1e-12)
        self.count, self.temperature = config.NEAREST_NEIGHBOR.TOPK, config.NEAREST_NEIGHBOR.SIGMA

    def scores(self, features: Tensor) -> Tensor:
        """(batch, features) -> logarithms (batch, classes) of the votes: softmax gives each class its share."""
        similarities, labels = self._nearest(functional.normalize(features))
        votes = similarities.new_zeros(len(features), self.num_classes)
        votes.scatter_add_(1, labels, (similarities / self.temperature).exp())
        return votes.clamp_min(torch.finfo(votes.dtype).tiny).log()

    def _nearest(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors (batch, features) -> cosine similarities and labels (batch, count) of the nearest."""
        best = queries.new_empty(len(queries), 0)
        labels = self.labels.new_empty(len(queries), 0, device=queries.device)
        blocks = zip(*(part.split(ROWS) for part in (self.features, self.lengths, self.labels)), strict=True)
        for rows, lengths, classes in blocks:
            similar = queries @ rows.to(queries.device).T / lengths.to(queries.device)
            similar = torch.cat([best, similar], 1)
            labels = torch.cat([labels, classes.to(queries.device).expand(len(queries), -1)], 1)
            best, places = similar.topk(min(self.count, similar.shape[1]), dim=1)
            labels = labels.gather(1, places)
        return best, labels


@register_task("knn_task")
class NearestNeighborsTask(FittedTask):
    """The overlay `knn` of a linear probe: `configs/config/monoimage/knn.yaml`."""

    head = "knn"

    @classmethod
    def problems_of_fit(cls, prepared: AttrDict) -> list[str]:
        settings, samples, found = prepared.NEAREST_NEIGHBOR, samples_in("TRAIN", prepared), []
        if not isinstance(settings.TOPK, int) or settings.TOPK < 1:
            found.append(f"{_WHERE}.TOPK={settings.TOPK} must be a whole number of at least 1")
        elif 0 < samples < settings.TOPK:  # 0: the check of the data tells
            found.append(f"{_WHERE}.TOPK={settings.TOPK} neighbours are more than the {samples} training images")
        if not isinstance(settings.SIGMA, (int, float)) or settings.SIGMA < 0.02:  # exp(1 / SIGMA) must be finite
            found.append(f"{_WHERE}.SIGMA={settings.SIGMA} must be a number of at least 0.02")
        if settings.L2_NORM_FEATS is not True:
            found.append(f"{_WHERE}.L2_NORM_FEATS={settings.L2_NORM_FEATS} must be true: cosines are compared")
        return found
