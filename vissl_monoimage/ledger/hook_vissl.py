"""Writes a finished run to the results ledger."""

from __future__ import annotations

import datetime
import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classy_vision.hooks import ClassyHook

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.data.single_image_vissl import SingleImageSource
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger import machine, provenance
from vissl_monoimage.ledger.loss_curve import LossCurve
from vissl_monoimage.ledger.meters import Scores, accuracies, other_numbers
from vissl_monoimage.ledger.origin import recipe_and_images
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.models.checkpoint_file import checkpoint_sha256
from vissl_monoimage.models.trunks.registry import fixed_features
from vissl_monoimage.utils import jsonl
from vissl_monoimage.utils.distributed import is_primary


class LedgerHook(ClassyHook):
    """One row a run, by the primary rank, in `config.MONOIMAGE.LEDGER` or else in the checkpoint folder.

    The hashes are taken when the hook is made, before VISSL writes data-dependent values into the config, and so is
    the commit: a checkout may have gone on by the end of the run.
    """

    on_forward = ClassyHook._noop
    on_phase_start = ClassyHook._noop
    on_step = ClassyHook._noop

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self._config_hash = provenance.config_hash(config)
        self._group_hash = provenance.config_hash(config, seed=False)
        self._git_sha = machine.git_sha()
        self._scores: dict[str, Scores] = {}
        self._others: dict[str, dict[str, float]] = {}
        self._curve: LossCurve | None = None
        self._began = 0.0
        self._device = ""
        self._recipe: dict[str, Any] = {}
        self._images: list[dict[str, Any]] = []

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LedgerHook:
        """The hook for a run of `config`, for `MonoImageTask.hook_factories`."""
        return cls(config)

    def on_start(self, task: Any) -> None:
        """Open the curve, and find out before the training, not after it, that the ledger can be written."""
        if not is_primary():
            return
        jsonl.check_writable(_ledger_path(task))
        self._curve = LossCurve(task.checkpoint_folder, task.iteration, task.max_iteration)
        self._began = time.monotonic() - self._curve.seconds
        self._device = machine.note_device(task.checkpoint_folder, task.iteration, machine.device(task.config))
        self._recipe, self._images = _source(task)

    def on_update(self, task: Any) -> None:
        """After every training step, before VISSL's checkpoint of it: a kill between the two loses no point."""
        step = task.iteration + 1  # the trainer counts the step later
        if self._curve and self._curve.wants(step):
            self._curve.add(step, float(task.last_batch.loss), time.monotonic() - self._began)

    def on_phase_end(self, task: Any) -> None:
        """Keep the meters of this phase: VISSL resets them when the next begins."""
        if not task.train or task.config["METERS"]["enable_training_meter"]:
            split = "train" if task.train else "test"
            self._scores[split], self._others[split] = accuracies(task.meters), other_numbers(task.meters)

    def on_end(self, task: Any) -> None:
        if self._curve:
            ledger.append(_ledger_path(task), self._row(task, self._curve))

    def _row(self, task: Any, curve: LossCurve) -> Row:
        config, folder = task.config, os.path.abspath(task.checkpoint_folder)
        ours = monoimage_block(config)
        probe = bool(config["MODEL"]["FEATURE_EVAL_SETTINGS"]["EVAL_MODE_ON"])
        split = "test" if "test" in self._scores else "train"
        scores = self._scores.get(split, {})
        measured = next(iter(scores.values()), self._others.get(split, {}))
        weights = config["MODEL"]["WEIGHTS_INIT"]["PARAMS_FILE"] or None
        out = _newest_checkpoint(folder)
        return Row(
            run_id=hashlib.sha256(f"{folder}\n{self._config_hash}\n{task.iteration}".encode()).hexdigest()[:16],
            kind="probe" if probe else "pretrain",
            name=provenance.config_name(config),
            command=provenance.command(config),
            finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            git_sha=self._git_sha,
            config_hash=self._config_hash,
            group_hash=self._group_hash,
            method=("pretrained" if weights else _untaught(config)) if probe else provenance.method(config),
            trunk=config["MODEL"]["TRUNK"]["NAME"],
            protocol=(ours.get("PROTOCOL") or "vissl") if probe else None,
            protocol_changes=[str(change) for change in ours.get("PROTOCOL_CHANGES") or []],
            dataset=_dataset(config["DATA"]["TRAIN"]),
            images=self._images,
            recipe=self._recipe,
            seed=config["SEED_VALUE"],
            versions=machine.versions(),
            device=self._device,
            wall_s=round(time.monotonic() - self._began, 2),
            iterations=task.iteration,
            checkpoint_in=os.path.abspath(weights) if weights else None,
            checkpoint_in_sha256=checkpoint_sha256(weights),
            checkpoint_out=out,
            checkpoint_out_sha256=provenance.file_sha256(out),
            losses=curve.points,
            accuracies=scores if probe else {},
            pretext={} if probe or not measured else {"split": split, **measured},
        )


def _dataset(data: Mapping[str, Any]) -> str:
    """Its name as tables have it: torchvision says CIFAR10 for what is cifar10 in a folder of images."""
    pairs = zip(data["DATASET_NAMES"], data["DATA_SOURCES"], strict=False)
    return ", ".join(str(name).lower() if source == "torchvision_dataset" else str(name) for name, source in pairs)


def _untaught(config: Mapping[str, Any]) -> str:
    """What a trunk without a checkpoint is: "random", or the name of features that nobody learns."""
    return fixed_features(config["MODEL"]["TRUNK"]["NAME"]) or "random"


def _ledger_path(task: Any) -> Path:
    given = monoimage_block(task.config).get("LEDGER")
    return Path(given or Path(task.checkpoint_folder, ledger.FILE_NAME))


def _newest_checkpoint(folder: str) -> str | None:
    link = Path(folder, "checkpoint.torch")
    return str(link.resolve()) if link.is_file() else None


def _source(task: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return recipe and photos of single-image training data; both are empty for other data."""
    train = task.datasets.get("train")
    crops = [source.crops for source in getattr(train, "data_objs", []) if isinstance(source, SingleImageSource)]
    return recipe_and_images(crops, monoimage_block(task.config).get("SOURCE"))
