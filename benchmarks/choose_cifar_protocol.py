"""Choose the CIFAR probe protocol once, on a validation split: pooling, learning rate, weight decay, epochs.

    python benchmarks/choose_cifar_protocol.py CIFAR10 OUT.csv [NAME=CHECKPOINT ...]

CIFAR10 is torchvision's folder or an .npz with x_train (N, 32, 32, 3) uint8 and y_train. The validation split is 5,000
of the 50,000 training images, drawn with seed 0; test images are never read. Every trunk (random weights, and each
checkpoint given) is a convnet4. Its features are computed once per pooling. All heads of a layer, which differ in
learning rate, weight decay and length, train together on the same batches. A line of OUT.csv is one head.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import torch
from probe_heads import Head, compute_features, frozen_trunk, report, train_heads, write
from torch import Tensor

from vissl_monoimage.probe.pooling import BudgetPooling

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
VALIDATION = 5000
POOLINGS = (BudgetPooling("Max", 4608), BudgetPooling("Avg", 4608))
RATES, DECAYS, EPOCHS = (0.03, 0.01, 0.003), (1e-4, 1e-2), (6, 12)
COLUMNS = ("trunk", "pooling", "budget", "layer", "features", "lr", "weight_decay", "epochs", "top_1")
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
        trunk = frozen_trunk("convnet4", checkpoint)
        for pooling in POOLINGS:
            for layer, features in compute_features(trunk, pooling, normalised(images), torch.half).items():
                width = features[0].numel()
                print(f"{name} {pooling.kind} {pooling.features} {layer}: {width} features", flush=True)
                for head, (accuracy,) in train_heads(features, labels, order[VALIDATION:], [order[:VALIDATION]], HEADS):
                    key = [name, pooling.kind, pooling.features, layer, width]
                    rows.append([*key, head.rate, f"{head.decay:g}", head.epochs, f"{accuracy:.2f}"])
    write(arguments.out, COLUMNS, rows)
    report(((row[1], row[2], *row[5:8]), float(str(row[8]))) for row in rows)


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


def normalised(images: Tensor) -> Iterator[Tensor]:
    """Yield batches of `images` (N, 3, 32, 32) uint8 as the probe normalises them."""
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    yield from ((part / 255 - mean) / std for part in images.split(500))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
