"""Time of a training step of `monogan_cifar` beside a bare PyTorch loop over the same networks, photo and steps.

    python benchmarks/bigan_step.py [--photo china] [--steps 60] [--rounds 5] [--bf16]

One core. Rounds of both are interleaved; the medians of their steps' times and the ratio go to stdout and, as JSON,
to benchmarks/results/bigan_step.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from classy_vision.hooks import ClassyHook
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms

import vissl_monoimage  # noqa: F401
from vissl_monoimage import launch
from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.training.task import MonoImageTask

CONFIG = "config=pretrain/monoimage/monogan_cifar"
RESULT = Path(__file__).parent / "results" / "bigan_step.json"
_WARM_UP = 10  # steps


class Clock(ClassyHook):
    """When each training step ended."""

    on_start = on_phase_start = on_phase_end = on_end = ClassyHook._noop
    times: list[float]

    def __init__(self) -> None:
        super().__init__()
        Clock.times = []

    def on_step(self, task: Any) -> None:
        Clock.times.append(time.perf_counter())


class Photos(torch.utils.data.Dataset[Tensor]):
    """The run's own crops through torchvision's transforms, as a script without VISSL would have them."""

    def __init__(self, settings: Any) -> None:
        from vissl.data import DATASET_SOURCE_MAP

        self.source = DATASET_SOURCE_MAP["single_image"](
            cfg=settings, data_source="single_image", path=settings.DATA.TRAIN.DATA_PATHS[0], split="TRAIN",
            dataset_name="single_image",
        )  # fmt: skip
        normalise = next(item for item in settings.DATA.TRAIN.TRANSFORMS if item["name"] == "Normalize")
        self.transform = transforms.Compose(
            [
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(normalise["mean"], normalise["std"]),
            ]
        )

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Tensor:
        image: Tensor = self.transform(self.source[index][0])
        return image


def vissl_steps(overrides: list[str]) -> list[float]:
    """Seconds between the steps of a VISSL run."""
    MonoImageTask.hook_factories = [*MonoImageTask.hook_factories, lambda config: Clock()]
    try:
        with tempfile.TemporaryDirectory() as folder:
            launch.run([*overrides, f"config.CHECKPOINT.DIR={folder}/run"])
    finally:
        MonoImageTask.hook_factories = MonoImageTask.hook_factories[:-1]
    return [
        later - earlier for earlier, later in zip(Clock.times[_WARM_UP:], Clock.times[_WARM_UP + 1 :], strict=False)
    ]


def bare_steps(settings: Any, steps: int) -> list[float]:
    """Seconds of the steps of a plain loop: the same networks and updates, nothing else."""
    from vissl.models import build_model

    from vissl_monoimage.pretext.bigan.loss import BiGANLoss

    torch.manual_seed(0)
    model = build_model(settings.MODEL, settings.OPTIMIZER).train()
    trunk, head, loss = model.trunk, model.heads[0], BiGANLoss.from_config(settings.LOSS.bigan_loss)
    judge = head.discriminator
    ours = [weight for name, weight in model.named_parameters() if ".discriminator." not in name]
    betas = tuple(settings.OPTIMIZER.betas)
    first, second = (torch.optim.Adam(weights, 2e-4, betas) for weights in (ours, judge.parameters()))
    batch, bf16 = settings.DATA.TRAIN.BATCHSIZE_PER_REPLICA, bool(settings.MONOIMAGE.BF16)
    batches = iter(DataLoader(Photos(settings), batch, shuffle=True, drop_last=True))
    times = []
    for step in range(steps):
        began = time.perf_counter()
        images = next(batches)
        moves = loss.moves_encoder_generator(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16), torch.set_grad_enabled(moves):
            latents = torch.rand(batch, head.latent) * 2 - 1
            codes, drawn = head(trunk(images)[0]).float(), head.generator(latents).float()

        def scores(*pairs: Tensor) -> list[Tensor]:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                return [judge(*pairs[:2]).float(), judge(*pairs[2:]).float()]

        fixed = codes.detach(), drawn.detach()
        objective = loss.discriminator(*scores(images, fixed[0], fixed[1], latents))
        if loss.takes_penalty(step):
            mix = torch.rand(batch, 1)
            objective = objective + loss.penalty_weight * loss.penalty(
                judge, (images, fixed[0]), (fixed[1], latents), mix
            )
        second.zero_grad()
        objective.backward()
        second.step()
        if moves:
            _freeze(judge, True)
            first.zero_grad()
            objective = loss.encoder_generator(*scores(images, codes, drawn, latents))
            if weight := loss.config.latent_regression:
                with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                    found = head(trunk(fixed[1])[0])
                objective = objective + weight * F.mse_loss(found.float(), latents)
            objective.backward()
            first.step()
            _freeze(judge, False)
        times.append(time.perf_counter() - began)
    return times[_WARM_UP:]


def _freeze(module: nn.Module, frozen: bool) -> None:
    for weight in module.parameters():
        weight.requires_grad_(not frozen)


def rounds(options: argparse.Namespace) -> Iterator[tuple[float, float]]:
    """Median milliseconds a step of the VISSL run and of the bare loop, a pair a round."""
    steps = options.steps + _WARM_UP
    overrides = [
        CONFIG,
        f"config.DATA.TRAIN.DATA_PATHS=[{options.photo}]",
        f"config.MONOIMAGE.BF16={options.bf16}",
        "config.OPTIMIZER.num_epochs=1",
        "config.TEST_MODEL=false",
    ]
    composed = compose_config(overrides)
    batch = composed.config.DATA.TRAIN.BATCHSIZE_PER_REPLICA
    overrides.append(f"config.DATA.TRAIN.DATA_LIMIT={steps * batch}")
    launch.prepare(composed)
    from vissl.utils.hydra_config import convert_to_attrdict

    settings = convert_to_attrdict(composed, dump_config=False)[1]
    for _ in range(options.rounds):
        yield (
            1000 * statistics.median(vissl_steps(overrides)),
            1000 * statistics.median(bare_steps(settings, steps)),
        )


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", default="china")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bf16", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = list(rounds(options))
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(run / loop for run, loop in pairs)
    found = {"bf16": options.bf16, "vissl_ms": round(ours, 1), "bare_ms": round(bare, 1), "ratio": round(ratio, 3)}
    print(json.dumps(found))
    old = json.loads(RESULT.read_text()) if RESULT.is_file() else []
    kept = [row for row in old if row["bf16"] != options.bf16]
    RESULT.write_text(json.dumps([*kept, {**found, "torch": str(torch.__version__)}], indent=1) + "\n")


if __name__ == "__main__":
    main()
