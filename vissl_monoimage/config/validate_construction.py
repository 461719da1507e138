"""What VISSL makes of a configuration before its first step, made once on trial: it says there what it refuses."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.heads import named_heads
from vissl_monoimage.config.schema import as_written
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.utils.random import preserved_generators

_SHARDED = "_fsdp"  # ends the names of heads that need the other processes
_PROBE = "probe_model"  # `size: trunk` in its transforms follows from its trunk
_PLAIN_TASKS = ("self_supervision_task", "monoimage_task")  # others complete their heads


def check_construction(config: Settings) -> Iterator[str]:
    """Refuse transforms, heads, schedules and an optimizer that cannot be made; call it when all else is right.

    Nothing of it is kept, no file is written and no random number drawn.
    """
    with preserved_generators():
        yield from _transforms(config)
        yield from _heads(config)
        yield from _optimization(config)


def _transforms(config: Settings) -> Iterator[str]:
    for split, data in splits(config):
        for transform in data["TRANSFORMS"]:
            where = f"config.DATA.{split}.TRANSFORMS: {as_written(transform)}"
            given = {key: 32 if value == "trunk" and _is_probe(config) else value for key, value in transform.items()}
            sizes = given.get("size", 1)
            if any(isinstance(size, int) and size < 1 for size in (sizes if isinstance(sizes, list) else [sizes])):
                yield f"{where}: size must be at least 1 px"
            else:
                yield from _refusal(where, _apply, copy.deepcopy(given))


def _apply(settings: Settings) -> None:
    """Make a transform; apply one of torchvision's to a grey image, or else to a tensor, for few check their values."""
    import torch
    from PIL import Image
    from vissl.data.ssl_transforms import get_transform

    transform = get_transform([settings]).transforms[0].transform
    if not type(transform).__module__.startswith("torchvision."):
        return
    size = getattr(transform, "size", None)
    sides = [number for number in (size if isinstance(size, (list, tuple)) else [size]) if isinstance(number, int)]
    side = max([32, *sides])
    try:
        transform(Image.new("RGB", (side, side), "grey"))
    except Exception:
        transform(torch.full((3, side, side), 0.5))


def _heads(config: Settings) -> Iterator[str]:
    import torch
    from vissl.config import AttrDict

    model = AttrDict(copy.deepcopy(config["MODEL"]))
    for name, settings in named_heads(model.HEAD.PARAMS):
        if name.endswith(_SHARDED) or config["TRAINER"]["TASK_NAME"] not in _PLAIN_TASKS:
            continue
        try:
            with torch.device("meta"):
                _head(name, model, settings)
        except Exception:  # a head that computes with its values cannot be made there
            where = f"config.MODEL.HEAD.PARAMS: {as_written([name, settings])}"
            yield from _refusal(where, _head, name, model, settings)


def _head(name: str, model: Any, settings: Mapping[str, Any]) -> Any:
    from vissl.models.heads import get_model_head

    return get_model_head(name)(model, **settings)


def _optimization(config: Settings) -> Iterator[str]:
    from classy_vision.optim import build_optimizer
    from classy_vision.optim.param_scheduler import build_param_scheduler
    from vissl.config import AttrDict
    from vissl.utils.hydra_config import infer_and_assert_hydra_config

    inferred = AttrDict(copy.deepcopy(config))
    inferred.MODEL.WEIGHTS_INIT.PARAMS_FILE = ""  # VISSL would download it
    with tempfile.TemporaryDirectory() as folder:  # VISSL makes it for some losses
        inferred.CHECKPOINT.DIR = folder
        if problems := list(_refusal("config", infer_and_assert_hydra_config, inferred)):
            yield from problems
            return
    yield from _loss(inferred)
    optimizer = inferred.OPTIMIZER
    for name, schedule in optimizer.param_schedulers.items():
        given = copy.deepcopy({**schedule, "num_epochs": optimizer.num_epochs})
        where = f"config.OPTIMIZER.param_schedulers.{name}"
        yield from _refusal(where, build_param_scheduler, given)
    if not optimizer.use_zero and not optimizer.name.endswith(_SHARDED):
        yield from _refusal(f"config.OPTIMIZER: {optimizer.name}", build_optimizer, optimizer)


def _loss(inferred: Any) -> Iterator[str]:
    """Refuse settings that a loss does not know; other errors may come from this machine, as where it has no GPU."""
    import torch
    from classy_vision.losses import build_loss
    from vissl.config import AttrDict

    name = inferred.LOSS.name
    given = AttrDict({**copy.deepcopy(inferred.LOSS[name]), "name": name})
    if "num_train_samples" in given:
        given.num_train_samples = 1  # a memory of that many features
    try:
        with torch.device("meta"):
            build_loss(given)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        where = f"config.LOSS.{name} is not what VISSL can run"
        yield f"{where}: {' '.join(str(error).split())} ({type(error).__name__})"
    except Exception:
        return


def _is_probe(config: Settings) -> bool:
    return bool(config["MODEL"]["BASE_MODEL_NAME"] == _PROBE)


def _refusal(where: str, make: Callable[..., Any], *arguments: Any) -> Iterator[str]:
    """Yield why VISSL cannot make something, if it cannot; it raises errors of any kind."""
    try:
        make(*arguments)
    except Exception as error:
        reason = " ".join(str(error).split()) or "an assertion of its own does not hold"
        yield f"{where} is not what VISSL can run: {reason} ({type(error).__name__})"
