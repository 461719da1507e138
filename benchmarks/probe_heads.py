"""Linear heads that differ in their settings, trained side by side: what a probe protocol is chosen by."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from vissl.models.trunks.feature_extractor import POOL_OPS

from vissl_monoimage.models import features as trunks
from vissl_monoimage.models.checkpoint.load import load_trunk
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.probe.pooling import BudgetPooling
from vissl_monoimage.utils.atomic_write import atomic_write

BATCH = 256


@dataclass(frozen=True)
class Head:
    """One combination of settings; its rate falls to a tenth at 1/2 and to a hundredth at 5/6 of its epochs."""

    rate: float
    decay: float
    epochs: int

    def rate_at(self, epoch: int) -> float:
        """Return the learning rate in `epoch`, counted from 0; it is 0 after the head's last epoch."""
        if epoch >= self.epochs:
            return 0.0
        return self.rate * 0.1 ** ((epoch >= self.epochs // 2) + (epoch >= self.epochs * 5 // 6))


def frozen_trunk(name: str, checkpoint: str) -> nn.Module:
    """Return a frozen trunk with the checkpoint's weights, or with random weights of seed 0 for ""."""
    torch.manual_seed(0)
    return (load_trunk(checkpoint, name) if checkpoint else build_trunk(name)).eval()


@torch.no_grad()
def compute_features(
    trunk: nn.Module, pooling: BudgetPooling, batches: Iterable[Tensor], dtype: torch.dtype, layers: Sequence[str] = ()
) -> dict[str, Tensor]:
    """Return the pooled features (N, channels, side, side) of `layers` for batches of normalised images.

    Without `layers`, of every layer that is probed.
    """
    layers = layers or trunks.probed_layers(trunk)
    parts: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for batch in batches:
        for layer, feature in zip(layers, trunk(batch, layers), strict=True):
            name, arguments = pooling.op(layer, tuple(feature.shape[1:]))
            parts[layer].append(POOL_OPS[name](*arguments)(feature).to(dtype))
    return {layer: torch.cat(parts.pop(layer)) for layer in layers}


def train_heads(
    features: Tensor,
    labels: Tensor,
    train: Tensor,
    tests: Sequence[Tensor],
    heads: Sequence[Head],
    products: torch.dtype = torch.float32,
) -> Iterator[tuple[Head, list[float]]]:
    """Train `heads` at once on the samples `train`; yield each with its accuracy in percent on each of `tests`.

    The heads are columns of one matrix, each with its learning rate and decay; the update is torch's SGD with momentum
    0.9. They share the batch norm, which has no parameters.

    Args:
        features: (N, channels, height, width), of every sample.
        labels: (N,), from 0.
        train: indices of samples.
        tests: indices of samples, for each accuracy.
        heads: the settings.
        products: type that matrices are multiplied in; weights and sums are float32.
    """
    classes, ends = int(labels.max()) + 1, sorted({head.epochs for head in heads})
    norm = nn.BatchNorm2d(features.shape[1], affine=False)
    width = features[0].numel()
    generator = torch.Generator().manual_seed(0)
    bound = (6 / (width + classes * width // features.shape[1])) ** 0.5  # as in LinearProbe
    first = (torch.rand(width, 1, classes, generator=generator) * 2 - 1) * bound
    weight = first.expand(width, len(heads), classes).flatten(1).contiguous()
    bias = torch.zeros(len(heads) * classes)
    momenta = torch.zeros_like(weight), torch.zeros_like(bias)
    decay = torch.tensor([head.decay for head in heads]).repeat_interleave(classes)
    for epoch in range(ends[-1]):
        rate = torch.tensor([head.rate_at(epoch) for head in heads]).repeat_interleave(classes)
        norm.train()
        for batch in train[torch.randperm(len(train), generator=generator)].split(BATCH):
            inputs = norm(features[batch].float()).flatten(1).to(products)
            scores = (inputs @ weight.to(products)).float().add_(bias).unflatten(1, (len(heads), classes))
            error = F.softmax(scores, dim=2)
            error[torch.arange(len(batch)), :, labels[batch]] -= 1
            error = error.flatten(1) / len(batch)
            gradients = (inputs.T @ error.to(products)).float(), error.sum(0)
            for value, momentum, gradient in zip((weight, bias), momenta, gradients, strict=True):
                momentum.mul_(0.9).add_(gradient).addcmul_(value, decay)
                value.addcmul_(momentum, -rate)
        if epoch + 1 in ends:
            norm.eval()
            scored = [_correct(features, labels, test, norm, weight.to(products), bias, len(heads)) for test in tests]
            for head, accuracies in zip(heads, zip(*scored, strict=True), strict=True):
                if head.epochs == epoch + 1:
                    yield head, list(accuracies)


def _correct(
    features: Tensor, labels: Tensor, test: Tensor, norm: nn.Module, weight: Tensor, bias: Tensor, heads: int
) -> list[float]:
    """Return the accuracy of each head on the samples `test`, in percent."""
    correct = torch.zeros(heads)
    for batch in test.split(500):
        inputs = norm(features[batch].float()).flatten(1).to(weight.dtype)
        chosen = (inputs @ weight).float().add_(bias).unflatten(1, (heads, -1)).argmax(2)
        correct += (chosen == labels[batch, None]).sum(0)
    return (100 * correct / len(test)).tolist()


def write(out: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write the table, all of it or nothing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as part, part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def report(rows: Iterable[tuple[Sequence[object], float]]) -> None:
    """Print combinations of settings by their mean accuracy over trunks and layers, the best first."""
    means: dict[tuple[object, ...], list[float]] = {}
    for key, accuracy in rows:
        means.setdefault(tuple(key), []).append(accuracy)
    for setting, values in sorted(means.items(), key=lambda item: -sum(item[1])):
        print(*setting, f"mean {sum(values) / len(values):.2f}", sep="\t", file=sys.stdout)
