"""VISSL's training task with exact resume, bfloat16 on any device, and our hooks.

`monoimage run` uses it wherever a config names VISSL's own `self_supervision_task`. Our YAMLs name it, and the tasks of
our pretext methods derive from it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import torch
from classy_vision.hooks import ClassyHook
from classy_vision.tasks import TASK_REGISTRY, register_task
from vissl.config import AttrDict
from vissl.data import (
    DATA_SOURCES_WITH_SUBSET_SUPPORT,
    DATASET_SOURCE_MAP,
    build_dataloader,
    get_sampler,
)
from vissl.trainer.train_task import SelfSupervisionTask

from vissl_monoimage.compat.processes import start_worker
from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.models.checkpoint.file import release_checkpoint
from vissl_monoimage.models.checkpoint.load_vissl import is_sharded, load_model
from vissl_monoimage.models.checkpoint.report import LoadReport
from vissl_monoimage.models.checkpoint.validate import is_frozen
from vissl_monoimage.training.meter_state import KEY, MeterStateHook
from vissl_monoimage.training.progress_hook import ProgressHook
from vissl_monoimage.training.rendered_batches import RenderedLoader
from vissl_monoimage.training.sampler import ResumableSampler
from vissl_monoimage.training.seeding import SeededSSLDataset, StepSeedHook
from vissl_monoimage.training.stop_hook import StopHook
from vissl_monoimage.utils.distributed import is_primary
from vissl_monoimage.utils.precision import autocast

HookFactory = Callable[[AttrDict], ClassyHook | None]


@register_task("monoimage_task")
class MonoImageTask(SelfSupervisionTask):
    """`SelfSupervisionTask` whose resumed run equals the uninterrupted one.

    With `config.MONOIMAGE.BF16: true` the model's forward pass runs under bfloat16 autocast (weights and losses stay
    float32, no gradient scaling), on a CPU as well, where VISSL's own mixed precision is off.

    Attributes:
        hook_factories: each makes a hook, or None, from `config`; `plugin` adds them.
        makes_labels: whether the task of a method gives the samples labels of its own.
        meters_of_epoch: what checkpoints inside an epoch hold of its meters (`MeterStateHook`).
    """

    hook_factories: ClassVar[list[HookFactory]] = []
    requires_all_weights: ClassVar[bool] = False
    """Whether a trunk that is trained must be filled by a checkpoint as a whole, as a frozen one must."""
    load_report: LoadReport | None = None
    """What the model took from the checkpoint that the run starts from; None without one, and in a resumed run."""
    makes_labels: ClassVar[bool] = False
    renders_batches: ClassVar[bool] = True
    """Whether its batches may be rendered on its device (`training.rendered_batches`)."""
    meters_of_epoch: dict[str, Any] | None = None

    def set_hooks(self, hooks: list[ClassyHook]) -> None:
        """Set VISSL's hooks for this run, between our seeding hook and the ones that `plugin` adds."""
        ours = [hook for make in self.hook_factories if (hook := make(self.config))]
        super().set_hooks([StepSeedHook(), MeterStateHook(), *hooks, ProgressHook(), *ours, StopHook()])

    def build_datasets(self, current_train_phase_idx: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
        datasets: dict[str, Any] = {}
        keys: dict[str, Any] = {}
        for split in self.available_splits:
            datasets[split.lower()] = SeededSSLDataset(
                cfg=self.config,
                split=split,
                dataset_source_map=DATASET_SOURCE_MAP,
                data_sources_with_subset=DATA_SOURCES_WITH_SUBSET_SUPPORT,
            )
            keys["input"] = self.config.DATA[split].INPUT_KEY_NAMES
            keys["target"] = self.config.DATA[split].TARGET_KEY_NAMES
        return datasets, keys

    def build_dataloaders(self, pin_memory: bool, current_train_phase_idx: int = 0) -> dict[str, Any]:
        build = functools.partial(
            build_dataloader,
            num_dataloader_workers=self.config.DATA.NUM_DATALOADER_WORKERS,
            pin_memory=pin_memory,
            multi_processing_method=self.config.MULTI_PROCESSING_METHOD,
            device=self.device,
            sampler_seed=self.config["SEED_VALUE"],
            get_sampler=self.sampler,
            worker_init_fn=start_worker,
        )
        loaders = {
            split.lower(): build(
                dataset=self.datasets[split.lower()],
                dataset_config=self.config["DATA"][split],
                split=split.lower(),
            )
            for split in self.available_splits
        }
        for split, loader in loaders.items():
            if renderer := self.datasets[split].renderer(self.device):
                loaders[split] = RenderedLoader(loader, renderer)
        return loaders

    def sampler(self, dataset: Any, dataset_config: AttrDict, sampler_seed: int = 0) -> Any:
        """Return the sampler of a split: ours, unless the config asks for one of VISSL's special samplers."""
        special = dataset_config["USE_DEBUGGING_SAMPLER"] or dataset_config["USE_STATEFUL_DISTRIBUTED_SAMPLER"]
        if special:
            return get_sampler(dataset, dataset_config, sampler_seed)
        return ResumableSampler(dataset, dataset_config["BATCHSIZE_PER_REPLICA"], sampler_seed)

    def set_epoch(self, phase_type: str, epoch: int, start_iter: int, train_phase_idx: int) -> None:
        if phase_type != "train":
            start_iter = 0  # VISSL counts it in training steps, and a resumed run would skip its first test
        super().set_epoch(phase_type, epoch, start_iter, train_phase_idx)
        self.datasets[phase_type].epoch = train_phase_idx if phase_type == "train" else 0

    def get_classy_state(self, deep_copy: bool = False) -> dict[str, Any]:
        state: dict[str, Any] = super().get_classy_state(deep_copy)
        if self.meters_of_epoch:
            state[KEY] = self.meters_of_epoch
        return state

    def _set_classy_state(self, state: dict[str, Any]) -> None:
        self.meters_of_epoch = state.get(KEY)
        super()._set_classy_state(state)

    def _restore_model_weights(self, model: Any) -> Any:
        """Fill the model from a checkpoint of any library, and say how much of it was filled."""
        if is_sharded(model):
            return super()._restore_model_weights(model)
        self.load_report = load_model(model, self.config, self.requires_all_weights or is_frozen(self.config.MODEL))
        if is_primary():
            print(self.load_report, flush=True)
        return model

    def _build_model(self) -> Any:
        model = super()._build_model()
        release_checkpoint()  # that the run started from, or that was only checked because the run is resumed
        if self.bf16:
            model.forward = _in_bfloat16(model.forward, self.device.type)
        return model

    @property
    def bf16(self) -> bool:
        """Whether `config.MONOIMAGE.BF16` asks for bfloat16."""
        return bool(monoimage_block(self.config).get("BF16", False))

    @classmethod
    def check(cls, config: Settings) -> Iterable[str]:
        """Return a sentence for each thing in `config` that this task cannot run with; a method's task overrides it."""
        return ()


@register_check
def check_task(config: Settings) -> Iterable[str]:
    """Ask the task that `config.TRAINER.TASK_NAME` names; VISSL's own has no check."""
    task = TASK_REGISTRY.get(config["TRAINER"]["TASK_NAME"], object)
    return task.check(config) if issubclass(task, MonoImageTask) else ()


def _in_bfloat16(forward: Callable[..., Any], device_type: str) -> Callable[..., Any]:
    @functools.wraps(forward)
    def run(*args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=True):
            outputs = forward(*args, **kwargs)
        return _to_float32(outputs)

    return run


def _to_float32(outputs: Any) -> Any:
    if isinstance(outputs, torch.Tensor):
        return outputs.float()
    return [_to_float32(output) for output in outputs]
