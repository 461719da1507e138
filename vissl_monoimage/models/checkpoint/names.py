"""The names of a trunk's tensors in checkpoints of other libraries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from torch import Tensor

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.tensors import State, without_wrappers

_BLOCKS = "_feature_blocks."  # what VISSL and we put before torchvision's names
_FOLLOWERS = ("momentum", "encoder_k", "teacher", "target", "ema")  # in the names of averaged copies of a network


class Naming(NamedTuple):
    """How the names of a checkpoint differ from a trunk's: `theirs` before them in place of `ours`."""

    theirs: str
    ours: str

    def __str__(self) -> str:
        return f"'{self.theirs}*' for '{self.ours}*'"

    @property
    def is_vissls(self) -> bool:
        """Whether the names are those that VISSL gives the trunk in its models."""
        return not self.ours and not without_wrappers(self.theirs)


def find_naming(tensors: State, trunk: State, source: str) -> Naming | None:
    """Return how the names in a checkpoint have to be read so that most tensors of a trunk are found.

    A network may be in a file under any prefix, with or without the `_feature_blocks.` that VISSL and we add to the
    names of torchvision: as `module.encoder_q.` (MoCo), `backbone.` (solo-learn) or `model.` (Lightning). The trunk's
    own names win over others, and a network over averaged copies of it (`momentum_backbone.`).

    Args:
        tensors: of the checkpoint.
        trunk: the state dict of the trunk.
        source: path of the checkpoint, for messages.

    Returns:
        None where no tensor of the trunk is found.

    Raises:
        MonoImageError: several networks of the file fit alike.
    """
    tails = {name.removeprefix(ours): ours for ours in (_BLOCKS, "") for name in trunk if name.startswith(ours)}
    counts = Counter(
        Naming(name[:start], tails[name[start:]])
        for name in tensors
        for start in _starts(name)
        if name[start:] in tails
    )
    if not counts:
        return None
    best = [naming for naming, count in counts.items() if count == max(counts.values())]
    preferences: tuple[Callable[[Naming], bool], ...] = (
        lambda naming: not naming.theirs,
        lambda naming: naming.is_vissls,
        lambda naming: not any(word in naming.theirs for word in _FOLLOWERS),
    )
    for preferred in preferences:
        best = [naming for naming in best if preferred(naming)] or best
    if len(best) > 1:
        networks = ", ".join(f"'{naming.theirs}'" for naming in sorted(best))
        raise MonoImageError(
            f"{source} has several networks of that architecture, under {networks}: "
            "set config.MODEL.WEIGHTS_INIT.REMOVE_PREFIX to one of these"
        )
    return best[0]


def renamed(tensors: State, naming: Naming, trunk: State) -> dict[str, Tensor]:
    """Return the tensors under `naming.theirs` by the trunk's names, without those that cannot be part of a trunk.

    Those of blocks that the trunk has, and of further numbered blocks, are kept: they may make a larger trunk. A
    classifier beside them, torchvision's `fc`, is left out.
    """
    blocks = {_block(name) for name in trunk}
    by_ours = {
        naming.ours + name.removeprefix(naming.theirs): value
        for name, value in tensors.items()
        if name.startswith(naming.theirs)
    }
    return {name: value for name, value in by_ours.items() if _block(name) in blocks}


def has_shapes(tensors: State, trunk: Iterable[Tensor]) -> bool:
    """Return whether the shapes of a trunk's tensors occur in a checkpoint in the same order, whatever their names."""
    shapes = iter([tuple(value.shape) for value in tensors.values()])
    return all(tuple(value.shape) in shapes for value in trunk)  # `in` goes on where it stopped


def _block(name: str) -> str:
    """Return the part of a trunk that a tensor belongs to; all numbered blocks are one."""
    block = name.removeprefix(_BLOCKS).split(".")[0]
    return "number" if block.isdigit() else block


def _starts(name: str) -> list[int]:
    """Return where the rest of a name may be a trunk's: at its parts, but not behind `_feature_blocks.` of its own."""
    places = [0, *(place + 1 for place, letter in enumerate(name) if letter == ".")]
    return [place for place in places if not name[:place].endswith(_BLOCKS)]
