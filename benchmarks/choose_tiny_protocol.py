"""Choose the probe protocol of Tiny ImageNet once, on held-out training images: pooling, rate, weight decay, epochs.

    python benchmarks/choose_tiny_protocol.py FOLDER/train OUT.csv [NAME=CHECKPOINT ...]

FOLDER/train holds <class>/<image>, 64 x 64 px. A tenth of the training images, drawn with seed 0, is held out; the
validation images are never read. Every trunk (random weights, and each checkpoint given) is an alexnet_wide_64px. Its
features (of two layers of five, for time) are computed once per pooling. All heads of a layer, which differ in rate,
decay and length, train together on the same batches, with products in bfloat16. A line of OUT.csv is one head; `train`
is its accuracy on as many images that it was trained on, which shows how far it overfits. tiny-v1 was chosen by the
lines of random weights with max pooling; those of k-means filters (`monoimage init kmeans china --trunk
alexnet_wide_64px`) and of average pooling came later and agree: of 6 epochs, no other head is better by more than 0.2
points.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from probe_heads import Head, compute_features, frozen_trunk, report, train_heads, write
from torch import Tensor
from torchvision.datasets import ImageFolder

from vissl_monoimage.probe.pooling import BudgetPooling

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TRUNK = "alexnet_wide_64px"
LAYERS = ("conv1", "conv4")
POOLINGS = (BudgetPooling("Max", 4608), BudgetPooling("Avg", 4608))
COLUMNS = ("trunk", "pooling", "budget", "layer", "features", "lr", "weight_decay", "epochs", "held_out", "train")
SHORT = [*(Head(0.01, decay, 6) for decay in (0.003, 0.01, 0.03, 0.1)), Head(0.003, 0.03, 6)]
LONG = [Head(0.01, 0.03, 12)]


def main() -> None:
    """Measure every head on every checkpoint and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("checkpoints", nargs="*", metavar="NAME=CHECKPOINT")
    arguments = parser.parse_args()
    images, labels = load_folder(arguments.train)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(images)))
    held_out, train = order[: len(order) // 10], order[len(order) // 10 :]
    rows = []
    for name, checkpoint in ({"random": ""} | dict(item.split("=", 1) for item in arguments.checkpoints)).items():
        trunk = frozen_trunk(TRUNK, checkpoint)
        for pooling in POOLINGS:
            features_of = compute_features(trunk, pooling, normalised(images), torch.bfloat16, LAYERS)
            for layer, features in features_of.items():
                width = features[0].numel()
                print(f"{name} {pooling.kind} {pooling.features} {layer}: {width} features", flush=True)
                tests = [held_out, train[: len(held_out)]]
                trained = (
                    train_heads(features, labels, train, tests, heads, torch.bfloat16) for heads in (SHORT, LONG)
                )
                for head, accuracies in chain.from_iterable(trained):
                    key = [name, pooling.kind, pooling.features, layer, width]
                    scores = [f"{accuracy:.2f}" for accuracy in accuracies]
                    rows.append([*key, head.rate, f"{head.decay:g}", head.epochs, *scores])
                    print(*rows[-1][5:], sep="\t", flush=True)
    write(arguments.out, COLUMNS, rows)
    report(((row[1], row[2], *row[5:8]), float(str(row[8]))) for row in rows)


def load_folder(folder: Path) -> tuple[Tensor, Tensor]:
    """Return the images (N, 3, 64, 64) uint8 of an ImageFolder and their labels (N,)."""
    samples = ImageFolder(str(folder))
    pixels = np.stack([np.asarray(image) for image, _ in samples])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.tensor(samples.targets)


def normalised(images: Tensor) -> Iterator[Tensor]:
    """Yield batches of `images` (N, 3, 64, 64) uint8 as the probe normalises them."""
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    yield from ((part / 255 - mean) / std for part in images.split(500))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
