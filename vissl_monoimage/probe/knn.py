"""Weighted nearest neighbours on every layer."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from classy_vision.tasks import register_task
from torch import Tensor
from torch.nn import functional
from vissl.config import AttrDict
from vissl.models.heads import register_model_head

from vissl_monoimage.probe.feature_classifier import FeatureClassifier, FeatureClassifierTask
from vissl_monoimage.probe.validate import count_samples

ROWS = 4096
"""Training images that a batch is compared with at once."""

_WHERE = "config.NEAREST_NEIGHBOR"


@register_model_head("knn")
class NearestNeighbors(FeatureClassifier):
    """The training images most similar to a test image vote for their classes (Wu et al., CVPR 2018, sec. 3.4).

    As VISSL's `tools/nearest_neighbor_test.py` with L2_NORM_FEATS: the NEAREST_NEIGHBOR.TOPK images with the largest
    cosine similarity s to the feature vote with weight exp(s / SIGMA). Memory holds the similarities of a batch to
    ROWS training images, however many there are.
    """

    def fit(self, features: Tensor, labels: Tensor, config: AttrDict) -> None:
        self.features, self.labels = features, labels
        self.lengths = torch.cat([rows.norm(dim=1) for rows in features.split(ROWS)]).clamp_min(1e-12)
        self.count, self.temperature = config.NEAREST_NEIGHBOR.TOPK, config.NEAREST_NEIGHBOR.SIGMA

    def scores(self, features: Tensor) -> Tensor:
        """Return the logarithm (batch, classes) of each class's votes; their softmax is its share of the votes."""
        similarities, labels = self._nearest(functional.normalize(features))
        votes = similarities.new_zeros(len(features), self.num_classes)
        votes.scatter_add_(1, labels, (similarities / self.temperature).exp())
        return votes.clamp_min(torch.finfo(votes.dtype).tiny).log()

    def _nearest(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosine similarities and labels (batch, count) of the nearest, for unit vectors (batch, features)."""
        best = queries.new_empty(len(queries), 0)
        labels = self.labels.new_empty(len(queries), 0, device=queries.device)
        blocks = zip(*(part.split(ROWS) for part in (self.features, self.lengths, self.labels)), strict=True)
        for rows, lengths, classes in blocks:
            similarities = queries @ rows.to(queries.device).T / lengths.to(queries.device)
            similarities = torch.cat([best, similarities], 1)
            labels = torch.cat([labels, classes.to(queries.device).expand(len(queries), -1)], 1)
            best, places = similarities.topk(min(self.count, similarities.shape[1]), dim=1)
            labels = labels.gather(1, places)
        return best, labels


@register_task("knn_task")
class NearestNeighborsTask(FeatureClassifierTask):
    """Nearest neighbours in place of linear probes: the overlay `configs/config/monoimage/knn.yaml`."""

    head = "knn"

    @classmethod
    def check_fit(cls, configured: AttrDict) -> Iterator[str]:
        settings, samples = configured.NEAREST_NEIGHBOR, count_samples("TRAIN", configured)
        if not isinstance(settings.TOPK, int) or settings.TOPK < 1:
            yield f"{_WHERE}.TOPK={settings.TOPK} must be a whole number of at least 1"
        elif 0 < samples < settings.TOPK:  # without samples the data check has a sentence
            yield f"{_WHERE}.TOPK={settings.TOPK} neighbours are more than the {samples} training images"
        if not isinstance(settings.SIGMA, (int, float)) or settings.SIGMA < 0.02:  # exp(1 / SIGMA) must be finite
            yield f"{_WHERE}.SIGMA={settings.SIGMA} must be a number of at least 0.02"
        if settings.L2_NORM_FEATS is not True:
            yield f"{_WHERE}.L2_NORM_FEATS={settings.L2_NORM_FEATS} must be true: cosine similarities are compared"
