"""Whether the runs of a plan would start: each distinct configuration is composed and checked before the first one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor

from vissl_monoimage.config.compose import compose_config, vissl_defaults
from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.config.validate import problems_of
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.init_request import Request
from vissl_monoimage.models.checkpoint.match import find_trunk_weights
from vissl_monoimage.models.checkpoint.tensors import VISSL_KEY, WeightsSettings
from vissl_monoimage.models.checkpoint.validate import is_frozen
from vissl_monoimage.models.features import build_on_meta
from vissl_monoimage.models.trunks.registry import fixed_features
from vissl_monoimage.reproduce.run import Chain, Run
from vissl_monoimage.reproduce.runner import finished

_PHOTOS = "config.DATA.TRAIN.DATA_PATHS="
_STAND_IN = "china"
"""In the place of photos that are written before a run, and not for a plan."""
_SEEDS = re.compile(r"config\.(SEED_VALUE|MONOIMAGE\.SOURCE\.SEED)=|--seed=")


def check_runs(chains: Sequence[Chain], out: Path) -> None:
    """Refuse runs that would be refused when their turn comes, before anything is trained for them.

    Args:
        chains: what is to be run; finished runs in them are not looked at.
        out: where their folders go.

    Raises:
        MonoImageError: a sentence for each mistake, with the first run that it is in.
    """
    checked = _Checked(out)
    problems: dict[str, str] = {}
    for chain in chains:
        runs = [run for run in chain.runs if not finished(run.folder)]
        for run in runs:
            for problem in checked.problems(run) or _misfits(chain, run, checked):
                problems.setdefault(problem, f"{run.title}: {problem}")
    if problems:
        raise MonoImageError("\n".join(problems.values()))


class _Checked:
    """The configurations of runs, each composed and checked once: seeds make no difference."""

    def __init__(self, out: Path) -> None:
        self._folder = f"config.CHECKPOINT.DIR={quoted(out)}"
        self._models: dict[tuple[str, ...], Mapping[str, Any]] = {}
        self._problems: dict[tuple[str, ...], list[str]] = {}

    def problems(self, run: Run) -> list[str]:
        """Return what is wrong with a run."""
        key = self._key(run)
        if key not in self._problems:
            self._problems[key] = []
            try:
                self._problems[key] = self._check(run, key)
            except MonoImageError as error:
                self._problems[key] = str(error).splitlines()
        return self._problems[key]

    def model(self, run: Run) -> Mapping[str, Any]:
        """Return what lies below `config.MODEL` of a run that `problems` finds nothing wrong with."""
        self.problems(run)
        return self._models[self._key(run)]

    def _key(self, run: Run) -> tuple[str, ...]:
        return (*run.verb, *(word for word in _words(run) if not _SEEDS.match(word)))

    def _check(self, run: Run, key: tuple[str, ...]) -> list[str]:
        if run.verb[0] == "init":
            self._models[key] = _init_model(run)
            build_on_meta(self._models[key])
            return []
        composed: Any = OmegaConf.to_container(compose_config([*_words(run), self._folder]), resolve=True)
        self._models[key] = composed["config"]["MODEL"]
        return problems_of(composed, vissl_defaults())


def _words(run: Run) -> list[str]:
    words = [*run.overrides, *run.extra]
    return [f"{_PHOTOS}[{_STAND_IN}]" if run.photos and word.startswith(_PHOTOS) else word for word in words]


def _init_model(run: Run) -> Mapping[str, Any]:
    """Return what lies below `config.MODEL` of the trunk that a `monoimage init` makes."""
    options = dict(word[2:].split("=", 1) for word in run.overrides)
    _, method, *images = run.verb
    request = Request(
        method,
        images[0] if images else "",
        options.get("trunk", ""),
        int(options["seed"]),
        int(options.get("crops", 1)),
        options.get("like", ""),
        "",
    )
    return request.pretraining.model if request.pretraining else {"TRUNK": {"NAME": request.trunk}}


def _misfits(chain: Chain, run: Run, checked: _Checked) -> Iterator[str]:
    """Yield why a probe could not take the trunk that its chain trains."""
    if not chain.pretrain or run is chain.pretrain or checked.problems(chain.pretrain):
        return
    probed, name = checked.model(run), checked.model(run)["TRUNK"]["NAME"]
    if fixed_features(name):
        yield f"config.MODEL.TRUNK.NAME={name}: this trunk learns nothing, and weights are trained for it"
        return
    trained = {key: _like(value) for key, value in build_on_meta(checked.model(chain.pretrain)).state_dict().items()}
    content = {VISSL_KEY: {"base_model": {"model": {"trunk": trained, "heads": {}}}}}
    where, settings = "the checkpoint of its training", WeightsSettings.from_config(probed)
    try:
        weights = find_trunk_weights(content, where, name, build_on_meta(probed).state_dict(), settings)
        yield from weights.problems(require_all=is_frozen(probed))
    except MonoImageError as error:
        yield str(error)


def _like(value: Tensor) -> Tensor:
    """Return a tensor of a shape that takes no memory."""
    return torch.empty(1, dtype=value.dtype).expand(value.shape) if value.ndim else torch.empty((), dtype=value.dtype)
