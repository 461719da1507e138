"""What methods, data sets and the lines of tables are called in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vissl_monoimage.report.tables.baselines import is_calibrated
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.labels import is_less_than_published, pretrain_label

_METHODS = {
    "rotnet": "RotNet",
    "deepcluster": "DeepCluster",
    "monogan": "MonoGAN",
    "bigan": "BiGAN",
    "kmeans": "k-means",
    "sparse_coding": "sparse coding",
}
_DATA_SETS = {"tiny_imagenet": "Tiny ImageNet", "imagenet1k": "ImageNet"}


def data_set_name(name: str) -> str:
    """Return how a data set is called in a sentence: `CIFAR-10` for cifar10."""
    plain = name.lower().removesuffix("_folder").replace("-", "_")
    if match := re.fullmatch(r"cifar_?(\d+)", plain):
        return f"CIFAR-{match[1]}"
    return _DATA_SETS.get(plain, name)


def method_name(method: str) -> str:
    """Return how a pretext method is called in a sentence."""
    return _METHODS.get(method, method)


def describe_subject(line: Line, lines: Iterable[Line]) -> str:
    """Return method and, where other lines differ from it, trunk, photo and settings: `RotNet from china`."""
    if line.pretrain is None:
        return line.label
    trained = [other for other in lines if other.pretrain and len(other.pretrain.images) == 1]
    words = [method_name(line.pretrain.method)]
    if len({other.trunk for other in trained}) > 1:
        words.append(f"on {line.trunk}")
    if len({other.pretrain.images[0]["sha256"] for other in trained if other.pretrain}) > 1:
        words.append(f"from {line.pretrain.images[0]['name']}")
    return " ".join(words) + line.label.removeprefix(pretrain_label(line.pretrain))


def baseline_name(line: Line) -> str:
    """Return how a baseline is called in a sentence."""
    return "random weights calibrated on the same images" if is_calibrated(line) else "uncalibrated random weights"


def images_name(full: Line, line: Line) -> str:
    """Return how the images of a data set that a line is compared with are called in a sentence.

    `CIFAR-10's images`, `160 of ImageNet's images`, `the 50,000 images`; with both numbers of steps if these differ.
    """
    row = full.pretrain
    if row and row.images:
        name = f"the {row.n_images:,} images"
    else:
        part = f"{row.n_images:,} of " if row and is_less_than_published(row) else ""
        name = f"{part}{data_set_name(row.dataset if row else full.label)}'s images"
    if row and line.pretrain and row.iterations != line.pretrain.iterations:
        name += f" (after {row.iterations:,} steps, the photo's after {line.pretrain.iterations:,})"
    return name


def enumerate_words(words: Iterable[str]) -> str:
    """Return `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
