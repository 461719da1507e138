"""A probe of all layers of convnet4 on CIFAR-10, beside VISSL's own linear evaluation of the same layers.

Both train a linear classifier on each convolution of the same random weights, with the same images, pooling, batches,
epochs, learning rates and weight decay, on one core. Ours is `linear_cifar10` with cached features. VISSL's is its
configuration `eval_alexnet_8gpu_transfer_in1k_linear` with its heads, run by its tool `tools.run_distributed_engines`.
Start-up and reading the images are included. `--data FOLDER` has {train,test}/<class>/*.png; `--images` of its training
images are taken, the first of each class, and a fifth as many test images.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.speed.measurement import (
    Figure,
    Measurement,
    link_images,
    median_of,
    median_ratio,
    process_seconds_of,
    take_turns,
)
from benchmarks.speed.start import TOOL

IMAGES, TEST_SHARE = 5_000, 5
LEAST_RATIO, MOST_POINTS = 10.0, 0.5
REASON = (
    "a profile shows ours decoding the images and computing their features, once each, and then fitting, which VISSL's "
    "does too; a benchmark with several checkpoints decodes once for all of them"
)
LAYERS = {"conv1": (64, 8), "conv2": (64, 8), "conv3": (128, 6), "conv4": (256, 4)}
"""Channels, and side of the pooled map: `cifar-v1` on convnet4."""
TRANSFORMS = (
    "[{name:ToTensor},{name:Normalize,mean:[0.4914,0.4822,0.4465],std:[0.2470,0.2435,0.2616]}]"  # linear_cifar10's
)


def measure(rounds: int, data: Path, images: int = IMAGES) -> Measurement:
    """Return the core-seconds of both, and the largest difference of their accuracies.

    Args:
        rounds: in turns.
        data: {train,test}/<class>/*.png.
        images: for training.
    """
    accuracies: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for split, count in (("train", images), ("test", images // TEST_SHARE)):
            link_images(data / split, folder / split, count)
        init = [
            sys.executable,
            "-m",
            "vissl_monoimage",
            "init",
            "random",
            "--trunk=convnet4",
            "-o",
            str(folder / "init"),
        ]
        _run(init)
        commands = {
            "ours": [sys.executable, "-m", "vissl_monoimage", "run", *our_words(folder)],
            "VISSL": [sys.executable, "-c", TOOL, *vissl_words(folder)],
        }

        def probe(kind: str) -> float:
            with tempfile.TemporaryDirectory() as out:
                seconds = process_seconds_of(lambda: _run([*commands[kind], f"config.CHECKPOINT.DIR={out}/run"]))
                accuracies[kind] = _accuracies(Path(out, "run", "metrics.json"))
            return seconds

        values = take_turns({kind: functools.partial(probe, kind) for kind in commands}, rounds)
    ours, theirs = median_of(values, "ours"), median_of(values, "VISSL")
    ratio = median_ratio(values, "VISSL", "ours")
    points = max(abs(one - other) for one, other in zip(accuracies["ours"], accuracies["VISSL"], strict=True))
    figures = (
        Figure("a probe of four layers", "core-seconds", ours, theirs, ratio, at_least=LEAST_RATIO, reason=REASON),
        Figure("largest difference of a layer's accuracy", "points", points, None, points, at_most=MOST_POINTS),
    )
    title = f"a probe on {images:,} images of CIFAR-10, start-up included"
    peer = "VISSL's linear evaluation, without cached features"
    return Measurement(title, peer, "process", figures, {"core-seconds": values, "accuracies": accuracies})


def our_words(folder: Path) -> list[str]:
    """Return the overrides of our probe, but for its output folder."""
    return ["config=benchmark/monoimage/linear_cifar10", "config.MONOIMAGE.CACHE_FEATURES=true", *_shared(folder)]


def vissl_words(folder: Path) -> list[str]:
    """Return the overrides of VISSL's evaluation, but for its output folder."""
    pools = ",".join(f"[{layer},[AdaptiveMaxPool2d,[{side}]]]" for layer, (_, side) in LAYERS.items())
    heads = ",".join(
        f"[eval_mlp,{{in_channels:{channels},dims:[{channels * side**2},10]}}]" for channels, side in LAYERS.values()
    )
    return [
        "config=benchmark/linear_image_classification/imagenet1k/eval_alexnet_8gpu_transfer_in1k_linear",
        "config.MODEL.TRUNK.NAME=convnet4",
        f"config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP=[{pools}]",
        f"config.MODEL.HEAD.PARAMS=[{heads}]",
        "config.MODEL.WEIGHTS_INIT.STATE_DICT_KEY_NAME=classy_state_dict",
        f"config.METERS.accuracy_list_meter.num_meters={len(LAYERS)}",
        "config.METERS.accuracy_list_meter.topk_values=[1]",
        "config.TEST_EVERY_NUM_EPOCH=6",
        "config.OPTIMIZER.num_epochs=6",
        "config.OPTIMIZER.weight_decay=0.01",
        "config.OPTIMIZER.param_schedulers.lr.auto_lr_scaling.auto_scale=false",
        "config.OPTIMIZER.param_schedulers.lr.values=[0.01,0.001,0.0001]",
        "config.OPTIMIZER.param_schedulers.lr.milestones=[3,5]",
        "config.DATA.NUM_DATALOADER_WORKERS=0",
        "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=256",
        "config.DATA.TEST.BATCHSIZE_PER_REPLICA=250",
        f"config.DATA.TRAIN.TRANSFORMS={TRANSFORMS}",
        f"config.DATA.TEST.TRANSFORMS={TRANSFORMS}",
        "config.DISTRIBUTED.BACKEND=gloo",
        "config.DISTRIBUTED.NUM_PROC_PER_NODE=1",
        "config.MACHINE.DEVICE=cpu",
        *_shared(folder),
    ]


def _shared(folder: Path) -> Iterator[str]:
    yield f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={folder}/init/checkpoint.torch"
    for split in ("train", "test"):
        for key in ("DATA_SOURCES", "LABEL_SOURCES"):
            yield f"config.DATA.{split.upper()}.{key}=[disk_folder]"
        for key in ("DATA_PATHS", "LABEL_PATHS"):
            yield f"config.DATA.{split.upper()}.{key}=[{folder}/{split}]"


def _run(command: Sequence[str]) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")


def _accuracies(file: Path) -> list[float]:
    """Return the last accuracies of a run, by layer."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    meters = [line["test_accuracy_list_meter"] for line in lines if "test_accuracy_list_meter" in line]
    return [float(value) for value in meters[-1]["top_1"].values()]
