"""Check a composed configuration before a run starts: every mistake at once, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator

from vissl_monoimage.config.blocks import check_block
from vissl_monoimage.config.checks import Settings, registered_checks, run_checks
from vissl_monoimage.config.heads import stated_outputs
from vissl_monoimage.config.schema import as_written
from vissl_monoimage.config.validate_construction import check_construction
from vissl_monoimage.config.validate_data import check_data
from vissl_monoimage.config.validate_keys import check_keys
from vissl_monoimage.config.validate_launch import check_launch
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
    config = composed.get("config")
    if not isinstance(config, dict):
        return [f"config={as_written(config)} must be the name of a YAML, such as pretrain/monoimage/rotnet_demo"]
    launch = [*check_keys(composed, defaults), *check_launch(composed)]
    if wrong := list(check_types(config, defaults["config"])):
        return [*launch, *wrong]  # the other checks read these values
    own = (check_names, check_block, check_schedule, check_data, check_meters, check_output_folder)
    problems = run_checks([lambda _: launch, *own, *registered_checks()], config)
    return problems or list(check_construction(config))


def check_meters(config: Settings) -> Iterator[str]:
    """Refuse another `num_meters` than heads, with which VISSL stops after an epoch, and a top k of fewer outputs."""
    meters = config["METERS"]
    if meters["name"] != "accuracy_list_meter":
        return
    heads = config["MODEL"]["HEAD"]["PARAMS"]
    for name, outputs in stated_outputs(heads):
        if (most := max(meters["accuracy_list_meter"]["topk_values"], default=1)) > outputs:
            yield f"config.METERS.accuracy_list_meter.topk_values has {most}, and head {name} has {outputs} outputs"
    if config["MODEL"]["BASE_MODEL_NAME"] == "probe_model":
        return
    layers = len(config["MODEL"]["FEATURE_EVAL_SETTINGS"]["LINEAR_EVAL_FEAT_POOL_OPS_MAP"]) or 1
    count = meters["accuracy_list_meter"]["num_meters"]
    if layers == len(heads) and count != layers:
        yield f"config.METERS.accuracy_list_meter.num_meters={count} must be {layers}, one for each head"


def check_output_folder(config: Settings) -> Iterator[str]:
    """Refuse a run folder that cannot be made or written."""
    if problem := unwritable(config["CHECKPOINT"]["DIR"]):
        yield f"config.CHECKPOINT.DIR: {problem}"
