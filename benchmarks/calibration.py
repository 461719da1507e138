"""How much random weights gain from calibrated batch norms alone: ridge on each layer of convnet4.

    python benchmarks/calibration.py CIFAR10_FOLDER PHOTO [SEED ...]

A quick look at what the cells `random-rotnet` and `calibrated-*` of the benchmark `table3-cifar` measure with the real
probe. Weights are those that RotNet starts from (`pretrain/monoimage/rotnet_convnet4`). Features are pooled as by
`cifar-v1`, but to at most 1,152 values, standardised, and classified by ridge regression on one-hot classes, fitted on
8,000 training images; the penalty is the best of three on 2,000 others. Prints top-1 on 5,000 test images as CSV.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import datasets
from torchvision.transforms import functional

from vissl_monoimage.models.features import build_on_meta, feature_shapes
from vissl_monoimage.models.init import CROPS, NOISE
from vissl_monoimage.models.init.calibrate import calibrate
from vissl_monoimage.models.init.initial import read_pretraining
from vissl_monoimage.models.init.learn import images_for, random_trunk
from vissl_monoimage.models.normalisation import CIFAR10
from vissl_monoimage.probe.pooling import BudgetPooling

LIKE = "config=pretrain/monoimage/rotnet_convnet4"
LAYERS = ("conv1", "conv2", "conv3", "conv4")
FITTED, CHOSEN, TESTED = 8_000, 2_000, 5_000
_POOLING = BudgetPooling("Max", 1152)
_SPLITS = (("train", FITTED + CHOSEN), ("test", TESTED))
PENALTIES = (1e-2, 1e-1, 1.0)  # per image, of standardised features


def main(cifar10: str, photo: str, *seeds: str) -> None:
    """Print a line for each seed and baseline."""
    like, data = read_pretraining(LIKE), [_images(cifar10, split, count) for split, count in _SPLITS]
    print("seed", "calibrated_on", *LAYERS, sep=",")
    for seed in map(int, seeds or ("0", "1", "2")):
        for name, source in (("nothing", ""), ("photo", photo), (NOISE, NOISE), ("cifar10", f"cifar10={cifar10}")):
            trunk = random_trunk("convnet4", seed, like).eval()
            if source:
                calibrate(trunk, images_for(trunk, source, CROPS, seed, like))
            print(seed, name, *(f"{score:.1f}" for score in accuracies(trunk, *data)), sep=",", flush=True)


@torch.no_grad()
def accuracies(trunk: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]) -> Iterator[float]:
    """Yield the top-1 accuracy of each layer in percent."""
    for fitted, tested in zip(_features(trunk, train[0]), _features(trunk, test[0]), strict=True):
        yield ridge(fitted, tested, train[1], test[1])


def ridge(train: Tensor, test: Tensor, classes: Tensor, test_classes: Tensor) -> float:
    """Return the test accuracy in percent with the penalty that is best on the last CHOSEN of the training images."""
    mean, std = train[:FITTED].mean(0), train[:FITTED].std(0).clamp_min(1e-6)
    train, test = (train - mean) / std, (test - mean) / std
    targets = F.one_hot(classes[:FITTED]).float() - 0.1
    gram, products = train[:FITTED].T @ train[:FITTED], train[:FITTED].T @ targets
    best = (-1.0, 0.0)
    for penalty in PENALTIES:
        factor = torch.linalg.cholesky(gram + penalty * FITTED * torch.eye(len(gram)))
        weights = torch.cholesky_solve(products, factor)
        chosen, tested = (
            100 * ((features @ weights).argmax(1) == labels).float().mean().item()
            for features, labels in ((train[FITTED:], classes[FITTED:]), (test, test_classes))
        )
        best = max(best, (chosen, tested))
    return best[1]


def _features(trunk: nn.Module, images: Tensor) -> list[Tensor]:
    pools = [
        nn.AdaptiveMaxPool2d(_POOLING.op(layer, shape)[1][0])
        for layer, shape in feature_shapes(build_on_meta({"TRUNK": {"NAME": "convnet4"}}), LAYERS, 32).items()
    ]
    batches = [
        [pool(maps).flatten(1) for pool, maps in zip(pools, trunk(batch, LAYERS), strict=True)]
        for batch in images.split(500)
    ]
    return [torch.cat(parts) for parts in zip(*batches, strict=True)]


def _images(folder: str, split: str, count: int) -> tuple[Tensor, Tensor]:
    source: Any = datasets.ImageFolder(str(Path(folder, split)))
    drawn = torch.randperm(len(source), generator=torch.Generator().manual_seed(0))[:count].tolist()
    pixels = torch.stack([functional.to_tensor(source[number][0]) for number in drawn])
    normalised: Tensor = functional.normalize(pixels, [*CIFAR10.mean], [*CIFAR10.std])
    return normalised, torch.tensor([source.targets[number] for number in drawn])


if __name__ == "__main__":
    main(*sys.argv[1:])
