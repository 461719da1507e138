"""VISSL's `run_distributed_engines` with our plugin, a check of the configuration first, and exact resume."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from vissl_monoimage.compat.launch_errors import explain
from vissl_monoimage.compat.process_settings import quiet_console, use_large_pages
from vissl_monoimage.compat.signals import stop_on_signals
from vissl_monoimage.config.compose import compose_config, vissl_defaults
from vissl_monoimage.config.scaled_rates import replaced_rates
from vissl_monoimage.config.validate import problems_of
from vissl_monoimage.config.validate_launch import meeting_problems
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.file import release_checkpoint
from vissl_monoimage.utils.paths import make_folder
from vissl_monoimage.utils.precision import cpu_has_bfloat16

_WEIGHTS = "config.MODEL.WEIGHTS_INIT.PARAMS_FILE"
VISSL_TASK, OUR_TASK = "self_supervision_task", "monoimage_task"


def run(overrides: list[str], verbose: bool = False) -> Any:
    """Run VISSL on `overrides`, with the grammar and the outputs of its `run_distributed_engines`.

    Where the configuration names VISSL's own task, ours takes its place (`MonoImageTask`).
    Returns submitit's job where `config.SLURM.USE_SLURM` is true, else None when the run is done.
    With `verbose`, VISSL's whole log goes to the console; it is in the run's log.txt either way.

    Raises:
        MonoImageError: naming everything wrong with the configuration, before anything is written.
    """
    use_large_pages()
    with quiet_console(not verbose):
        return _run(overrides)


def _run(overrides: list[str]) -> Any:
    composed = compose_config(overrides)
    prepare(composed)
    config = composed.config
    config.setdefault("MONOIMAGE", {})["OVERRIDES"] = overrides  # the results ledger tells how a run was made
    _refuse([*_missing_gpus(config), *meeting_problems(config)])
    _say_if_emulated(config)

    from torch.multiprocessing.spawn import ProcessException
    from vissl.hooks import default_hook_generator
    from vissl.utils.distributed_launcher import launch_distributed, launch_distributed_on_slurm
    from vissl.utils.hydra_config import convert_to_attrdict

    from vissl_monoimage.training.run_folder import claim_run_folder

    try:
        args, settings = convert_to_attrdict(composed, dump_config=False)  # held_run_folder does
    except AssertionError as error:
        raise MonoImageError(f"VISSL does not accept this configuration: {error}") from error
    make_folder(config.CHECKPOINT.DIR)
    stated = _plain(composed)["config"]["OPTIMIZER"]["param_schedulers"]
    for sentence in replaced_rates(stated, settings.OPTIMIZER.param_schedulers):
        print(sentence, file=sys.stderr)
    ranks = settings.DISTRIBUTED.NUM_NODES * settings.DISTRIBUTED.NUM_PROC_PER_NODE
    if settings.SLURM.USE_SLURM or ranks > 1:
        release_checkpoint()  # the check read it, and each process reads its own
    if settings.SLURM.USE_SLURM:
        claim_run_folder(settings)  # the job does so too, but a mistake is told now
        return launch_distributed_on_slurm(engine_name=args.engine_name, cfg=settings)
    with stop_on_signals(has_ranks=ranks > 1):
        try:
            launch_distributed(
                cfg=settings,
                node_id=args.node_id,
                engine_name=args.engine_name,
                hook_generator=default_hook_generator,
            )
        except (ProcessException, MonoImageError, OSError) as error:
            raise explain(error) from error.__cause__
    return None


def prepare(composed: DictConfig) -> None:
    """Check a composed configuration and make the changes we make to it, in place.

    Raises:
        MonoImageError: one sentence a problem, all at once.
    """
    from vissl_monoimage.models.download import fetch, is_remote

    source = OmegaConf.select(composed, _WEIGHTS, throw_on_resolution_failure=False)
    if is_remote(source):
        _refuse(problems_of(_plain(composed), vissl_defaults()))  # before anything is downloaded
        OmegaConf.update(composed, _WEIGHTS, fetch(source))
    _refuse(problems_of(_plain(composed), vissl_defaults()))
    OmegaConf.set_struct(composed, False)
    config = composed.config
    weights = config.MODEL.WEIGHTS_INIT
    weights.PARAMS_FILE = weights.PARAMS_FILE or ""  # null, for which VISSL has a traceback
    if config.TRAINER.TASK_NAME == VISSL_TASK:
        config.TRAINER.TASK_NAME = OUR_TASK
    for split in ("TRAIN", "TEST"):
        data = config.DATA[split]
        # Without label files VISSL asks its catalog for the data set's name, though DATA_PATHS says where it is.
        if data.DATA_PATHS and not data.LABEL_PATHS and "disk_filelist" not in data.LABEL_SOURCES:
            data.LABEL_PATHS = [""] * len(data.DATA_PATHS)
    # Absolute, for VISSL's link to the latest checkpoint is dead otherwise. That link is what finds the latest one:
    # VISSL's own search knows those inside epochs or those at their end, not both.
    checkpoint = config.CHECKPOINT
    checkpoint.DIR = str(Path(checkpoint.DIR).expanduser().absolute())
    latest = checkpoint.AUTO_RESUME and checkpoint.LATEST_CHECKPOINT_RESUME_FILE_NUM == 1
    if latest and not checkpoint.OVERWRITE_EXISTING:
        checkpoint.USE_SYMLINK_CHECKPOINT_FOR_RESUME = True


def _refuse(problems: Iterable[str]) -> None:
    if told := list(dict.fromkeys(problems)):
        raise MonoImageError("\n".join(told))


def _missing_gpus(config: DictConfig) -> Iterator[str]:
    """Yield a clear error when GPUs are missing, where VISSL's launcher would crash; SLURM jobs run elsewhere."""
    wanted, there = config.DISTRIBUTED.NUM_PROC_PER_NODE, torch.cuda.device_count()
    if config.MACHINE.DEVICE == "gpu" and wanted > there and not config.SLURM.USE_SLURM:
        yield (
            f"config.MACHINE.DEVICE=gpu, config.DISTRIBUTED.NUM_PROC_PER_NODE={wanted}: a GPU for each process, and "
            f"torch finds {there or 'none'} on this machine; add +config/monoimage={'gpu' if there else 'cpu'} for one "
            f"process on {'one of them' if there else 'the CPU'}"
        )


def _plain(composed: DictConfig) -> Any:
    return OmegaConf.to_container(composed, resolve=True)


def _say_if_emulated(config: DictConfig) -> None:
    if config.MONOIMAGE.get("BF16") and config.MACHINE.DEVICE == "cpu" and not cpu_has_bfloat16():
        print(
            "config.MONOIMAGE.BF16=true: this CPU has no instructions for bfloat16 and emulates it, at many times the "
            "cost of float32: leave it out here.",
            file=sys.stderr,
        )
