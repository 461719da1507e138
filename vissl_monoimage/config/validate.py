"""Check a composed configuration before a run starts: every mistake at once, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator

from vissl_monoimage.config.blocks import check_block
from vissl_monoimage.config.checks import Settings, registered_checks, run_checks
from vissl_monoimage.config.validate_data import check_data
from vissl_monoimage.config.validate_keys import check_keys, misplaced_values
from vissl_monoimage.config.validate_names import check_names
from vissl_monoimage.config.validate_schedule import check_schedule
from vissl_monoimage.config.validate_types import check_types
from vissl_monoimage.utils.paths import unwritable


def problems_of(composed: Settings, defaults: Settings) -> list[str]:
    """Return a sentence for each mistake in a composed configuration, an empty list where there is none.

    The checks of sources, trunks, tasks and protocols are those that `plugin` has registered.

    Args:
        composed: the whole composed configuration, as plain containers.
        defaults: VISSL's defaults.yaml, which says which keys exist.
    """
    config, keys = composed["config"], list(check_keys(composed, defaults))
    if problems := list(misplaced_values(config, defaults["config"])) or list(check_types(config)):
        return [*keys, *problems]  # the other checks read these values
    own = (check_names, check_block, check_schedule, check_data, check_meters, check_output_folder)
    return run_checks([lambda _: keys, *own, *registered_checks()], config)


def check_meters(config: Settings) -> Iterator[str]:
    """Refuse another `num_meters` than heads, with which VISSL stops after the first epoch."""
    meters = config["METERS"]
    if meters["name"] != "accuracy_list_meter" or config["MODEL"]["BASE_MODEL_NAME"] == "probe_model":
        return
    heads = config["MODEL"]["HEAD"]["PARAMS"]
    outputs = len(config["MODEL"]["FEATURE_EVAL_SETTINGS"]["LINEAR_EVAL_FEAT_POOL_OPS_MAP"]) or 1
    count = meters["accuracy_list_meter"]["num_meters"]
    if outputs == len(heads) and count != outputs:
        yield f"config.METERS.accuracy_list_meter.num_meters={count} must be {outputs}, one for each head"


def check_output_folder(config: Settings) -> Iterator[str]:
    """Refuse a run folder that cannot be made or written."""
    if problem := unwritable(config["CHECKPOINT"]["DIR"]):
        yield f"config.CHECKPOINT.DIR: {problem}"
