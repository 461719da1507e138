"""What a RotNet run costs beside a bare PyTorch loop: images a core-second of both, on convnet4 or AlexNet at 64 px.

Both train the same network on the same crops in batches of the same size, with large pages and, where the CPU has it,
bfloat16. A run of ours is measured twice, with few and with many steps: the difference of their user and system times
is that of the steps alone, without start-up, the last test and the ledger's row. The bare loop takes a crop, makes the
batch a tensor, rotates it, and steps with torch's SGD; `tensors only` is the same loop with the crops made before.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.transforms.functional import normalize, pil_to_tensor

from benchmarks.speed.measurement import Figure, Measurement, median_of, median_ratio, process_seconds_of, take_turns
from vissl_monoimage.compat.process_settings import use_large_pages
from vissl_monoimage.data.crops.settings import SourceBlock
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.utils.precision import autocast, cpu_has_bfloat16

FEW, MANY = 20, 100  # steps
BATCH, PHOTO = 128, "china"
SIZES = {"rotnet_convnet4": 32, "rotnet_alexnet_wide_64px": 64}
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def seconds_of_run(config: str, steps: int) -> float:
    """Return the user and system time of a run of ours of one epoch."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            f"config=pretrain/monoimage/{config}",
            f"config.DATA.TRAIN.DATA_PATHS=[{PHOTO}]",
            f"config.DATA.TRAIN.BATCHSIZE_PER_REPLICA={BATCH}",
            f"config.MONOIMAGE.SOURCE.NUM_SAMPLES={BATCH * steps}",
            f"config.MONOIMAGE.BF16={str(cpu_has_bfloat16()).lower()}",
            "config.OPTIMIZER.num_epochs=1",
            "config.TEST_MODEL=false",
            f"config.CHECKPOINT.DIR={folder}",
        ]
        command = [sys.executable, "-m", "vissl_monoimage", "run", *words]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return process_seconds_of(lambda: subprocess.run(command, check=True, capture_output=True, env=environment))


def seconds_of_loop(config: str, batches: Iterator[Tensor]) -> float:
    """Return the process time of a bare loop over uint8 images (N, 3, size, size)."""
    model = network(config)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=5e-4, nesterov=True)
    labels = torch.arange(4).repeat(BATCH)
    began = time.process_time()
    for images in batches:
        scaled = normalize(images / 255, MEAN, STD)
        turned = torch.stack([torch.rot90(scaled, turns, (2, 3)) for turns in range(4)], 1).flatten(0, 1)
        with autocast("cpu", cpu_has_bfloat16()):
            logits = model(turned)[0]
        loss = nn.functional.cross_entropy(logits.float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return time.process_time() - began


def network(config: str) -> Any:
    """Return trunk and head of the configuration, in training mode."""
    from vissl.models import build_model
    from vissl.utils.hydra_config import convert_to_attrdict

    import vissl_monoimage.plugin  # noqa: F401
    from vissl_monoimage.config.compose import compose_config

    _, settings = convert_to_attrdict(compose_config([f"config=pretrain/monoimage/{config}"]), dump_config=False)
    settings.MODEL._MODEL_INIT_SEED = 0
    return build_model(settings.MODEL, settings.OPTIMIZER).train()


def crops(size: int, steps: int) -> Iterator[Tensor]:
    """Yield batches of crops of the photo, uint8 (N, 3, size, size)."""
    source = SingleImageCrops(PHOTO, SourceBlock(SIZE=size, NUM_SAMPLES=BATCH * steps))
    for first in range(0, BATCH * steps, BATCH):
        yield torch.stack([pil_to_tensor(source[first + place]) for place in range(BATCH)])


def measure(rounds: int) -> Measurement:
    """Return the images a core-second of each configuration."""
    use_large_pages()
    images = 4 * BATCH * (MANY - FEW)
    figures: list[Figure] = []
    every: dict[str, list[dict[str, float]]] = {}
    for config, size in SIZES.items():
        ready = list(crops(size, MANY - FEW))
        kinds: dict[str, Callable[[], float]] = {
            "ours": lambda config=config: images / (seconds_of_run(config, MANY) - seconds_of_run(config, FEW)),  # type: ignore[misc]
            "bare loop": lambda config=config, size=size: images / seconds_of_loop(config, crops(size, MANY - FEW)),  # type: ignore[misc]
            "tensors only": lambda config=config, ready=ready: images / seconds_of_loop(config, iter(ready)),  # type: ignore[misc]
        }
        every[config] = values = take_turns(kinds, rounds)
        ours = round(median_of(values, "ours"))
        for peer, at_most in (("bare loop", 1.05), ("tensors only", None)):
            ratio = median_ratio(values, peer, "ours")
            theirs = round(median_of(values, peer))
            figures.append(Figure(f"{config}, beside {peer}", "images/s", ours, theirs, ratio, at_most=at_most))
    peer = "a bare PyTorch loop with the same model, crops, batch, large pages and precision"
    return Measurement("a training step", peer, "process", tuple(figures), every)
