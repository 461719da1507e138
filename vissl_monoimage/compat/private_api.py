"""The private names of VISSL that other rooms need, under public names of ours.

Callers hand over the module, class or object that has the name, so that nothing of VISSL is imported here. Every
function raises `CompatibilityError`, which names the file and the version, where the name is missing.
"""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType
from typing import TYPE_CHECKING, Any

from vissl_monoimage.compat.source_edit import attribute

if TYPE_CHECKING:  # each command imports this module, `--help` too
    import numpy as np
    from numpy.typing import NDArray

OVERRIDDEN = (
    "_build_model",
    "_build_optimizer",
    "_build_optimizer_schedulers",
    "_build_phases",
    "_restore_model_weights",
    "_set_classy_state",
)


def transforms_with_labels(ssl_transforms_wrapper: ModuleType) -> Collection[str]:
    """Return the names of the transforms that give a sample a label of their own (`_TRANSFORMS_WITH_LABELS`)."""
    names: Collection[str] = attribute(ssl_transforms_wrapper, "_TRANSFORMS_WITH_LABELS")
    return names


def return_copies(ssl_transforms_wrapper: ModuleType, transform: str) -> None:
    """Let the transform of this name return a list of images (`_TRANSFORMS_WITH_COPIES`).

    VISSL flattens the lists that these transforms return, and repeats labels and indices to match.

    Args:
        ssl_transforms_wrapper: the module `vissl.data.ssl_transforms.ssl_transforms_wrapper`.
        transform: the name that the transform is registered under.
    """
    names: list[str] = attribute(ssl_transforms_wrapper, "_TRANSFORMS_WITH_COPIES")
    if transform not in names:
        names.append(transform)


def chosen_subset(dataset: Any) -> NDArray[np.int64] | None:
    """Return the indices that one of VISSL's data sets asks its sources for, or None if for all in their order.

    With DATA_LIMIT a data set is a random part of its sources, chosen when its first sample is read
    (`_can_random_subset_data_sources`, `_subset_initialized`, `_init_image_and_label_subset`).
    """
    if dataset.data_limit < 0 or not attribute(dataset, "_can_random_subset_data_sources")():
        return None
    if not attribute(dataset, "_subset_initialized"):
        attribute(dataset, "_init_image_and_label_subset")()
    subset: NDArray[np.int64] = dataset.image_and_label_subset
    return subset


def start_queues(dataset: Any) -> None:
    """Make the queues of images that replace unreadable ones in one of VISSL's disk data sets (`_init_queues`)."""
    if not dataset.queue_init:
        attribute(dataset, "_init_queues")()


def output_feature_names(model: Any) -> list[str]:
    """Return which outputs of the trunk the heads of one of VISSL's models take (`_output_feature_names`)."""
    names: list[str] = attribute(model, "_output_feature_names")
    return names


def save_checkpoint_now(task: Any, hook_type: type[Any], mode: str, number: int) -> None:
    """Save a checkpoint of a task that trains, as VISSL's hook does when one is due (`_checkpoint_model`).

    Args:
        task: VISSL's.
        hook_type: the class of that hook, `LogLossMetricsCheckpointHook`.
        mode: "iteration" after a step, "phase" after an epoch.
        number: of the steps made, or of the epoch from 0.
    """
    for hook in task.hooks:
        if isinstance(hook, hook_type):
            attribute(hook, "_checkpoint_model")(task, mode_frequency=1, mode_num=number, mode=mode)


def check_overridden_methods(task: type[Any]) -> None:
    """Check that VISSL's task has, and so calls, the private methods that our tasks override (`OVERRIDDEN`)."""
    for name in OVERRIDDEN:
        attribute(task, name)


ALL = (
    transforms_with_labels,
    return_copies,
    chosen_subset,
    start_queues,
    output_feature_names,
    save_checkpoint_now,
    check_overridden_methods,
)
