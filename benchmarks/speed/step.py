"""What a training step of RotNet, DeepCluster, MonoGAN and supervised training costs beside a bare PyTorch loop.

Both train the same network on the same images in batches of the same size, with large pages and, where the CPU has it,
bfloat16, in one process. Of a run of ours, the steps alone count: without start-up, the clustering before an epoch, the
last checkpoint and the ledger's row. The supervised runs read labelled images, and are left out without them.
"""

from __future__ import annotations

import contextlib
import functools
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from classy_vision.hooks import ClassyHook
from torchvision.datasets import ImageFolder

from benchmarks.speed.bare_loops import Images, process_times_of_classifier, process_times_of_gan
from benchmarks.speed.measurement import Figure, Measurement, link_images, median_of, median_ratio, take_turns
from vissl_monoimage import launch
from vissl_monoimage.compat.process_settings import use_large_pages
from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data.crops.settings import SourceBlock
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.training.task import MonoImageTask
from vissl_monoimage.utils.precision import cpu_has_bfloat16

PHOTO, MOST_OVER = "china", 1.05
WARM_UP = 4  # steps
STEPS = {
    "rotnet_convnet4": 16,
    "rotnet_alexnet_wide_64px": 12,
    "deepcluster_convnet4": 48,
    "monogan_cifar": 64,
    "supervised_convnet4": 48,
}
"""Configurations, and steps that count in a round: some five seconds."""

REASON = (
    "profiles of DeepCluster and of supervised training show VISSL's data set and its wrapper of each transform, and a "
    "seed of its own for each sample"
)
REASONS = {
    "supervised": f"{REASON}; and an image is decoded with its orientation, colour profile and depth looked at, which "
    "torchvision's loader does not do"
}
"""Where the rest of our time goes: in all configurations, and in some."""


class Clock(ClassyHook):
    """The process time after each training step of the run under way."""

    on_start = on_phase_start = on_phase_end = on_end = ClassyHook._noop
    times: list[float]

    def __init__(self) -> None:
        super().__init__()
        Clock.times = []

    def on_step(self, task: Any) -> None:
        Clock.times.append(time.process_time())


class Crops:
    """Crops of the photo with labels of ten classes, as a bare loop would have them."""

    def __init__(self, settings: Any) -> None:
        source = {key: value for key, value in settings.MONOIMAGE.SOURCE.items() if key in ("SIZE", "NUM_SAMPLES")}
        self.crops = SingleImageCrops(PHOTO, SourceBlock(**source))

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.crops[index], index % 10


def words_for(config: str, folder: Path, data: Path | None) -> list[str]:
    """Return the overrides of a run of one epoch in which WARM_UP and STEPS steps are made."""
    words = [
        f"config=pretrain/monoimage/{config}",
        f"config.MONOIMAGE.BF16={str(cpu_has_bfloat16()).lower()}",
        "config.OPTIMIZER.num_epochs=1",
        "config.TEST_MODEL=false",
        f"config.CHECKPOINT.DIR={folder / 'run'}",
    ]
    batch = compose_config(words).config.DATA.TRAIN.BATCHSIZE_PER_REPLICA
    images = batch * (WARM_UP + STEPS[config])
    if config.startswith("supervised") and data:
        link_images(data / "train", folder / "images", images)
        for split in ("config.DATA.TRAIN", "config.DATA.TEST"):
            words += [f"{split}.{kind}_SOURCES=[disk_folder]" for kind in ("DATA", "LABEL")]
            words += [f"{split}.DATASET_NAMES=[images]", f"{split}.DATA_PATHS=[{folder / 'images'}]"]
        return words
    if config.startswith("deepcluster"):
        words += ["config.MONOIMAGE.DEEPCLUSTER.K=50", "config.MONOIMAGE.PICTURES_EVERY=0"]
    return [*words, f"config.DATA.TRAIN.DATA_PATHS=[{PHOTO}]", f"config.MONOIMAGE.SOURCE.NUM_SAMPLES={images}"]


def seconds_of_run(config: str, data: Path | None) -> float:
    """Return the process time of a step of VISSL's run."""
    before = MonoImageTask.hook_factories
    MonoImageTask.hook_factories = [*before, lambda config: Clock()]
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            launch.run(words_for(config, Path(folder), data))
    finally:
        MonoImageTask.hook_factories = before
    return _seconds_a_step(Clock.times, config)


def seconds_of_loop(config: str, data: Path | None) -> float:
    """Return the process time of a step of the bare loop."""
    from vissl.utils.hydra_config import convert_to_attrdict

    with tempfile.TemporaryDirectory() as folder:
        composed = compose_config(words_for(config, Path(folder), data))
        launch.prepare(composed)
        settings = convert_to_attrdict(composed, dump_config=False)[1]
        if config.startswith("deepcluster"):  # as its task does
            settings.MODEL.HEAD.PARAMS[0][1]["clusters"] = settings.MONOIMAGE.DEEPCLUSTER.K
        supervised = config.startswith("supervised")
        images: Images = ImageFolder(Path(folder, "images")) if supervised else Crops(settings)  # type: ignore[assignment]
        steps = WARM_UP + STEPS[config]
        if config.startswith("monogan"):
            return _seconds_a_step(process_times_of_gan(settings, images, steps), config)
        rotated = config.startswith("rotnet")
        return _seconds_a_step(process_times_of_classifier(settings, images, steps, rotated), config)


def _seconds_a_step(times: list[float], config: str) -> float:
    last = WARM_UP + STEPS[config] - 1
    return (times[last] - times[WARM_UP - 1]) / STEPS[config]


def measure(rounds: int, data: Path | None = None) -> Measurement:
    """Return the milliseconds of a step of each configuration.

    Args:
        rounds: in turns.
        data: {train,test}/<class>/*.png, for supervised training.
    """
    import vissl_monoimage.plugin  # noqa: F401

    use_large_pages()
    configs = [config for config in STEPS if data or not config.startswith("supervised")]
    figures: list[Figure] = []
    every: dict[str, list[dict[str, float]]] = {}
    for config in configs:
        kinds: dict[str, Callable[[], float]] = {
            "ours": functools.partial(seconds_of_run, config, data),
            "bare loop": functools.partial(seconds_of_loop, config, data),
        }
        every[config] = values = take_turns(kinds, rounds)
        ours, theirs = (round(1000 * median_of(values, kind), 2) for kind in kinds)
        ratio = median_ratio(values, "ours", "bare loop")
        reason = REASONS.get(config.partition("_")[0], REASON)
        figures.append(Figure(config, "ms a step", ours, theirs, ratio, at_most=MOST_OVER, reason=reason))
    peer = "a bare PyTorch loop with the same model, images, batch, large pages and precision"
    return Measurement("a training step", peer, "process", tuple(figures), every)
