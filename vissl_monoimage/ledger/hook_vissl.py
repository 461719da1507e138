"""The hook of VISSL's trainer that writes a finished run to the results ledger."""

from __future__ import annotations

import datetime
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from classy_vision.hooks import ClassyHook

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger import machine, provenance
from vissl_monoimage.ledger import task_vissl as tasks
from vissl_monoimage.ledger.data_hash import DataHasher
from vissl_monoimage.ledger.data_vissl import dataset_name, describe_splits
from vissl_monoimage.ledger.initial_weights import note_initial_weights
from vissl_monoimage.ledger.loss_curve import LossCurve
from vissl_monoimage.ledger.meters import Scores, accuracies, other_numbers, shots_in
from vissl_monoimage.ledger.row import SCHEMA, Row
from vissl_monoimage.ledger.row_parts import InitialWeights, Weights
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256
from vissl_monoimage.utils import jsonl
from vissl_monoimage.utils.distributed import is_primary

MOST_IMAGES = 1000
"""Photos that a row names; the fingerprint of its data stands for all of them."""
MeasureTransfer = Callable[[Any], Mapping[str, Mapping[str, float]]]


class LedgerHook(ClassyHook):
    """Append a row when the run ends, from the primary rank, to `config.MONOIMAGE.LEDGER` or to the run's folder.

    The hashes of the configuration are taken when the hook is made, before VISSL writes data-dependent values into
    the configuration, and so is the commit: a checkout may have moved on when the run ends.

    Args:
        config: what lies below VISSL's `config`.
        measure_transfer: returns, for the task of a finished pretraining, numbers by set of images that it was not
            trained on: `pretext["transfer"]` of the row.
    """

    on_forward = ClassyHook._noop
    on_phase_start = ClassyHook._noop
    on_step = ClassyHook._noop

    def __init__(self, config: Mapping[str, Any], measure_transfer: MeasureTransfer = lambda task: {}) -> None:
        super().__init__()
        self._measure_transfer = measure_transfer
        self._config_hash = provenance.config_hash(config)
        self._group_hash = provenance.config_hash(config, seed=False)
        self._git_sha = machine.git_sha()
        self._scores: dict[str, Scores] = {}
        self._others: dict[str, dict[str, float]] = {}
        self._curve: LossCurve | None = None
        self._began = 0.0
        self._device = ""
        self._recipe: dict[str, Any] = {}
        self._photos: list[dict[str, Any]] = []
        self._hasher = DataHasher({})
        self._initial_weights = InitialWeights("random")

    def on_start(self, task: Any) -> None:
        """Open the loss curve, start hashing the data, and find out whether the ledger can be written."""
        if not is_primary():
            return
        folder, config = task.checkpoint_folder, task.config
        jsonl.check_writable(tasks.ledger_path(config, folder))
        self._curve = LossCurve(folder, task.iteration, task.max_iteration)
        self._began = time.monotonic() - self._curve.seconds
        self._device = machine.note_device(folder, task.iteration, machine.device(config))
        self._recipe, self._photos = tasks.recipe_and_photos(task)
        origin, trunk = tasks.weights_origin(config), tasks.trunk_of(task)
        self._initial_weights = note_initial_weights(
            folder, task.iteration, origin, trunk, task.load_report, keep=not tasks.is_probe(config)
        )
        self._hasher = DataHasher(describe_splits(task.datasets, config))

    def on_update(self, task: Any) -> None:
        """Keep the loss of a training step before VISSL writes a checkpoint of it: a kill between them loses none."""
        step = task.iteration + 1  # the trainer counts the step later
        if self._curve and self._curve.wants(step):
            self._curve.add(step, float(task.last_batch.loss), time.monotonic() - self._began)

    def on_phase_end(self, task: Any) -> None:
        """Keep the meters of this phase: VISSL resets them when the next one begins."""
        if not task.train or task.config["METERS"]["enable_training_meter"]:
            split = "train" if task.train else "test"
            self._scores[split], self._others[split] = accuracies(task.meters), other_numbers(task.meters)

    def on_end(self, task: Any) -> None:
        """Append the row."""
        if self._curve:
            ledger.append(tasks.ledger_path(task.config, task.checkpoint_folder), self._row(task, self._curve))

    def _row(self, task: Any, curve: LossCurve) -> Row:
        config, folder = task.config, os.path.abspath(task.checkpoint_folder)
        ours, probe = monoimage_block(config), tasks.is_probe(config)
        split = "test" if "test" in self._scores else "train"
        scores = self._scores.get(split, {})
        measured = next(iter(scores.values()), self._others.get(split, {}))
        overrides, weights = provenance.overrides(config), tasks.weights_file(config)
        out = tasks.newest_checkpoint(folder)
        wall_s = round(time.monotonic() - self._began, 2)
        pretext = {"split": split, **measured} if measured else {}
        transfer = {} if probe else self._measure_transfer(task)
        data = tasks.count_replaced(self._hasher.finish(), config)
        replaced = [f"replaced {split} images={data[split].unreadable} (0)" for split in data if data[split].unreadable]
        return Row(
            schema=SCHEMA,
            run_id=hashlib.sha256(f"{folder}\n{self._config_hash}\n{task.iteration}".encode()).hexdigest()[:16],
            kind="probe" if probe else "pretrain",
            name=provenance.config_name(config),
            command=provenance.command(config),
            overrides=overrides,
            finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            git_sha=self._git_sha,
            config_hash=self._config_hash,
            group_hash=self._group_hash,
            method=tasks.method_of(config),
            trunk=config["MODEL"]["TRUNK"]["NAME"],
            protocol=(ours.get("PROTOCOL") or "vissl") if probe else None,
            protocol_changes=[*map(str, ours.get("PROTOCOL_CHANGES") or []), *(replaced if probe else [])],
            shots=shots_in(scores) if probe else [],
            dataset=dataset_name(config["DATA"]["TRAIN"]),
            data=data,
            images=self._photos[:MOST_IMAGES],
            n_images=tasks.source_images(task, len(self._photos)),
            images_seen=tasks.images_seen(task),
            recipe=self._recipe,
            seed=config["SEED_VALUE"],
            versions=machine.versions(),
            device=self._device,
            wall_s=wall_s,
            iterations=task.iteration,
            weights=Weights(
                os.path.abspath(weights) if weights else None,
                checkpoint_sha256(weights),
                provenance.zoo_name(overrides),
            ),
            initial_weights=self._initial_weights,
            checkpoint_out=out,
            checkpoint_out_sha256=checkpoint_sha256(out),
            losses=curve.points,
            accuracies=scores if probe else {},
            pretext={} if probe else {**pretext, **({"transfer": transfer} if transfer else {})},
        )
