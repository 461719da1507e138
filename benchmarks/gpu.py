"""On a machine with a GPU: the tests that need one, then the rate of RotNet with each renderer, in at most 12 minutes.

    python benchmarks/gpu.py [--workers 8] [--seconds 15]

First `tests/run/test_gpu.py`. Then RotNet on convnet4 at 32 px, AlexNet at 64 px and AlexNet at 224 px: crops of the
photo china through our data set and loader workers, a step of torch's SGD in bfloat16, with `RENDERER` opencv and
torch, and the latter with the network compiled by `torch.compile(mode="reduce-overhead")`. A line for each: images a
second (four rotations of a crop are four images), and the share of time in which the GPU has nothing to do, because
the step is done and the loader has no batch yet. The result is benchmarks/results/gpu.json, which is written after each
line, so that a machine lent for minutes leaves what it has measured. Not run on a GPU so far.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from vissl_monoimage.ledger.machine import versions
from vissl_monoimage.utils.precision import autocast

RESULT = Path(__file__).parent / "results" / "gpu.json"
TESTS = Path(__file__).parents[1] / "tests" / "run" / "test_gpu.py"
CONFIGS = ("rotnet_convnet4", "rotnet_alexnet_wide_64px", "rotnet_alexnet")
VARIANTS = (("opencv", False), ("torch", False), ("torch", True))
LIMIT, TESTS_LIMIT = 690, 300  # seconds, of all after the imports and of the tests
WARM_UP = 10  # steps, with the compilation


def settings_of(config: str, renderer: str, folder: str) -> Any:
    """Return the configuration of a run, with crops enough for the measurement."""
    from vissl.utils.hydra_config import convert_to_attrdict

    from vissl_monoimage.config.compose import compose_config
    from vissl_monoimage.launch import prepare

    words = [
        f"config=pretrain/monoimage/{config}",
        "config.DATA.TRAIN.DATA_PATHS=[china]",
        "config.MONOIMAGE.SOURCE.NUM_SAMPLES=1281167",
        f"+config.MONOIMAGE.SOURCE.RENDERER={renderer}",
        f"config.CHECKPOINT.DIR={folder}",
    ]
    composed = compose_config(words)
    prepare(composed)
    settings = convert_to_attrdict(composed, dump_config=False)[1]
    settings.MODEL._MODEL_INIT_SEED = 0
    return settings


class MovedLoader:
    """A loader whose images or rows are moved to a device.

    Attributes:
        waited: seconds spent waiting for workers.
    """

    def __init__(self, loader: Any, device: torch.device) -> None:
        self.loader, self.device, self.waited = loader, device, 0.0

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self.loader)
        while True:
            asked = time.perf_counter()
            batch = next(batches)
            self.waited += time.perf_counter() - asked
            for key in ("data", "label"):
                batch[key] = [tensor.to(self.device, non_blocking=True) for tensor in batch[key]]
            yield batch


def loader_of(settings: Any, workers: int, batch: int, device: torch.device) -> tuple[Iterator[Any], MovedLoader]:
    """Return the batches of images on the device, and the loader inside, which knows how long it waited."""
    from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP
    from vissl.data.collators import get_collator

    from vissl_monoimage.training.rendered_batches import RenderedLoader
    from vissl_monoimage.training.seeding import SeededSSLDataset

    samples = SeededSSLDataset(settings, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
    collate = get_collator(settings.DATA.TRAIN.COLLATE_FUNCTION, {})
    pinned = device.type == "cuda"
    loader: Any = DataLoader(samples, batch, num_workers=workers, collate_fn=collate, pin_memory=pinned)
    moved = MovedLoader(loader, device)
    renderer = samples.renderer(device)
    return iter(moved) if renderer is None else iter(RenderedLoader(moved, renderer)), moved


def measure(
    config: str, renderer: str, *, compiled: bool, workers: int, seconds: float, batch: int = 128, kind: str = "cuda"
) -> dict[str, Any]:
    """Train for `seconds`; return images a second and the percentage of time that the device waits for batches."""
    from vissl.models import build_model

    device = torch.device(kind)
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(config, renderer, folder)
        model = build_model(settings.MODEL, settings.OPTIMIZER).train().to(device)
        network = torch.compile(model, mode="reduce-overhead") if compiled else model
        optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=5e-4, nesterov=True)
        batches, loader = loader_of(settings, workers, batch, device)
        step, images, began = 0, 0, time.perf_counter()
        while step <= WARM_UP or time.perf_counter() - began < seconds:
            if step == WARM_UP:
                began, images, loader.waited = time.perf_counter(), 0, 0.0
            loaded = next(batches)
            _step(network, optimizer, loaded["data"][0], loaded["label"][0], device)
            images, step = images + len(loaded["label"][0]), step + 1
        took = time.perf_counter() - began
    waiting = round(100 * loader.waited / took, 1)
    return {"images_a_second": round(images / took), "percent_waiting": waiting, "steps": step}


def _step(network: Any, optimizer: Any, images: Tensor, labels: Tensor, device: torch.device) -> None:
    with autocast(device.type, enabled=True):
        logits = network(images)[0]
    loss = nn.functional.cross_entropy(logits.float(), labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    loss.item()  # VISSL reads the loss at every step, which waits for the device


def main() -> None:
    """Run the tests and the measurements, and write what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("benchmarks/gpu.py: no CUDA device")
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"benchmarks/gpu.py: the {LIMIT} s are over"))
    signal.alarm(LIMIT)
    began = time.monotonic()
    result: dict[str, Any] = {"device": torch.cuda.get_device_name(), "versions": versions(), "rates": []}
    try:
        tests = subprocess.run([sys.executable, "-m", "pytest", "-q", str(TESTS)], check=False, timeout=TESTS_LIMIT)
        result["tests"] = "passed" if tests.returncode == 0 else f"status {tests.returncode}"
    except subprocess.TimeoutExpired:
        result["tests"] = f"not finished in {TESTS_LIMIT} s"
    for config in CONFIGS:
        for renderer, compiled in VARIANTS:
            line: dict[str, Any] = {"config": config, "renderer": renderer, "compiled": compiled}
            if time.monotonic() - began > LIMIT - 4 * options.seconds:
                line["skipped"] = f"the {LIMIT} s are over"
            else:
                try:
                    line |= measure(
                        config, renderer, compiled=compiled, workers=options.workers, seconds=options.seconds
                    )
                except RuntimeError as error:  # out of memory, or not compiled: the other lines are still wanted
                    line["failed"] = str(error)[:300]
            result["rates"].append(line)
            print(json.dumps(line), flush=True)
            RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
