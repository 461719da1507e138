"""Choose the CIFAR probe protocol once, on a validation split: pooling, learning rate, weight decay, epochs.

    python benchmarks/choose_cifar_protocol.py CIFAR10 OUT.csv [NAME=CHECKPOINT ...]

CIFAR10 is torchvision's folder or an .npz with x_train (N, 32, 32, 3) uint8 and y_train. The validation split is 5,000
of the 50,000 training images, drawn with seed 0; test images are never read. Every trunk (random weights, and each
checkpoint given) is a convnet4. Its features are computed once per pooling. All heads of a layer, which differ in
learning rate, weight decay and length, train together on the same batches. A line of OUT.csv is one head.
"""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from vissl.models.trunks.feature_extractor import POOL_OPS

from vissl_monoimage.models import features as trunks
from vissl_monoimage.models.checkpoint.load import load_trunk
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.probe.pooling import BudgetPooling
from vissl_monoimage.utils.atomic_write import atomic_write

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
BATCH, CLASSES, VALIDATION = 256, 10, 5000
POOLINGS = (BudgetPooling("Max", 4608), BudgetPooling("Avg", 4608))
RATES, DECAYS, EPOCHS = (0.03, 0.01, 0.003), (1e-4, 1e-2), (6, 12)


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


HEADS = [Head(*values) for values in product(RATES, DECAYS, EPOCHS)]


def main() -> None:
    """Measure every head on every checkpoint and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cifar10", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("checkpoints", nargs="*", metavar="NAME=CHECKPOINT")
    arguments = parser.parse_args()
    images, labels = load_cifar10(arguments.cifar10)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(images)))
    sources = {"random": ""} | dict(item.split("=", 1) for item in arguments.checkpoints)
    rows = []
    for name, checkpoint in sources.items():
        trunk = frozen_trunk(checkpoint)
        for pooling in POOLINGS:
            for layer, features in compute_features(trunk, pooling, images).items():
                width = features[0].numel()
                print(f"{name} {pooling.kind} {pooling.features} {layer}: {width} features", flush=True)
                for head, accuracy in train_heads(features, labels, order[VALIDATION:], order[:VALIDATION]):
                    key = [name, pooling.kind, pooling.features, layer, width]
                    rows.append([*key, head.rate, f"{head.decay:g}", head.epochs, f"{accuracy:.2f}"])
    write(arguments.out, rows)
    report(rows)


def load_cifar10(path: Path) -> tuple[Tensor, Tensor]:
    """Return the training images (50000, 3, 32, 32) uint8 and their labels (50000,)."""
    if path.suffix == ".npz":
        arrays = np.load(path)
        pixels, labels = arrays["x_train"], arrays["y_train"]
    else:
        from torchvision.datasets import CIFAR10

        cifar = CIFAR10(str(path), train=True)
        pixels, labels = cifar.data, np.array(cifar.targets)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(labels)


def frozen_trunk(checkpoint: str) -> nn.Module:
    """Return a frozen convnet4 with the checkpoint's weights, or with random weights of seed 0 for ""."""
    torch.manual_seed(0)
    return (load_trunk(checkpoint, "convnet4") if checkpoint else build_trunk("convnet4")).eval()


@torch.no_grad()
def compute_features(trunk: nn.Module, pooling: BudgetPooling, images: Tensor) -> dict[str, Tensor]:
    """Return the pooled features (N, channels, side, side) of every convolution, float16 to fit into memory."""
    layers = trunks.probed_layers(trunk)
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    parts: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for part in images.split(500):
        for layer, feature in zip(layers, trunk((part / 255 - mean) / std, layers), strict=True):
            name, arguments = pooling.op(layer, tuple(feature.shape[1:]))
            parts[layer].append(POOL_OPS[name](*arguments)(feature).half())
    return {layer: torch.cat(parts.pop(layer)) for layer in layers}


def train_heads(features: Tensor, labels: Tensor, train: Tensor, held_out: Tensor) -> Iterator[tuple[Head, float]]:
    """Train all HEADS at once on the samples `train`; yield each with its accuracy in percent on `held_out`.

    The heads are columns of one matrix, each with its learning rate and decay; the update is torch's SGD with momentum
    0.9. They share the batch norm, which has no parameters.
    """
    norm = nn.BatchNorm2d(features.shape[1], affine=False)
    width = features[0].numel()
    generator = torch.Generator().manual_seed(0)
    bound = (6 / (width + CLASSES * width // features.shape[1])) ** 0.5  # as in LinearProbe
    first = (torch.rand(width, 1, CLASSES, generator=generator) * 2 - 1) * bound
    weight = first.expand(width, len(HEADS), CLASSES).flatten(1).contiguous()
    bias = torch.zeros(len(HEADS) * CLASSES)
    momenta = torch.zeros_like(weight), torch.zeros_like(bias)
    decay = torch.tensor([head.decay for head in HEADS]).repeat_interleave(CLASSES)
    for epoch in range(max(EPOCHS)):
        rate = torch.tensor([head.rate_at(epoch) for head in HEADS]).repeat_interleave(CLASSES)
        norm.train()
        for batch in train[torch.randperm(len(train), generator=generator)].split(BATCH):
            inputs = norm(features[batch].float()).flatten(1)
            error = F.softmax(torch.addmm(bias, inputs, weight).unflatten(1, (len(HEADS), CLASSES)), dim=2)
            error[torch.arange(len(batch)), :, labels[batch]] -= 1
            error = error.flatten(1) / len(batch)
            for value, momentum, gradient in zip(
                (weight, bias), momenta, (inputs.T @ error, error.sum(0)), strict=True
            ):
                momentum.mul_(0.9).add_(gradient).addcmul_(value, decay)
                value.addcmul_(momentum, -rate)
        if epoch + 1 in EPOCHS:
            norm.eval()
            correct = torch.zeros(len(HEADS))
            for batch in held_out.split(500):
                logits = torch.addmm(bias, norm(features[batch].float()).flatten(1), weight)
                chosen = logits.unflatten(1, (len(HEADS), CLASSES)).argmax(2)
                correct += (chosen == labels[batch, None]).sum(0)
            for head, count in zip(HEADS, correct.tolist(), strict=True):
                if head.epochs == epoch + 1:
                    yield head, 100 * count / len(held_out)


def write(out: Path, rows: list[list[object]]) -> None:
    """Write the table, all of it or nothing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as part, part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["trunk", "pooling", "budget", "layer", "features", "lr", "weight_decay", "epochs", "top_1"])
        writer.writerows(rows)


def report(rows: list[list[object]]) -> None:
    """Print the combinations by their mean accuracy over trunks and layers, the best first."""
    means: dict[tuple[object, ...], list[float]] = {}
    for row in rows:
        means.setdefault((row[1], row[2], *row[5:8]), []).append(float(str(row[8])))
    for key, values in sorted(means.items(), key=lambda item: -sum(item[1])):
        print(*key, f"mean {sum(values) / len(values):.2f}", sep="\t", file=sys.stdout)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
