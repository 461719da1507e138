"""The tensors of a checkpoint that are for a trunk, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256
from vissl_monoimage.models.checkpoint.names import Naming, find_naming, has_shapes, renamed
from vissl_monoimage.models.checkpoint.report import LoadReport
from vissl_monoimage.models.checkpoint.tensors import (
    COUNTER,
    State,
    WeightsSettings,
    some,
    tensors_in,
    unloadable,
    without_heads,
)


@dataclass(frozen=True)
class TrunkWeights:
    """The tensors of a checkpoint that are for one trunk.

    Attributes:
        path: of the checkpoint.
        trunk: name of the trunk.
        state: the trunk's state dict, of which only names and shapes are read.
        tensors: the tensors by the trunk's names; some may be surplus.
        naming: how their names were read.
        settings: of `config.MODEL.WEIGHTS_INIT`.
    """

    path: str
    trunk: str
    state: State
    tensors: Mapping[str, Tensor]
    naming: Naming
    settings: WeightsSettings

    @property
    def required(self) -> set[str]:
        """Names of the trunk's tensors that a checkpoint should fill."""
        names = {name for name in self.state if not name.endswith(COUNTER)}
        return {name for name in names if not self.settings.skips(f"trunk.{name}")}

    @property
    def usable(self) -> dict[str, Tensor]:
        """The tensors to load."""
        return {
            name: value
            for name, value in self.tensors.items()
            if name in self.state and not self.settings.skips(f"trunk.{name}")
        }

    def problems(self, require_all: bool) -> Iterator[str]:
        """Yield why the tensors cannot be loaded.

        Surplus tensors beside the trunk's own mean a larger trunk.

        Args:
            require_all: whether the checkpoint has to fill the whole trunk, and to have no more tensors than it.
        """
        required, names = self.required, set(self.tensors)
        missing, surplus = required - names, names - set(self.state)
        misfits = [
            f"{name} {list(self.tensors[name].shape)} instead of {list(self.state[name].shape)}"
            for name in required & names
            if self.tensors[name].shape != self.state[name].shape
        ]
        odd = [
            f"{name} {kind}"
            for name in set(self.usable) & set(self.state)
            if (kind := unloadable(self.tensors[name], self.state[name]))
        ]
        trunk = f"trunk '{self.trunk}'"
        if not required & names:
            skipped = ", ".join(self.settings.skip)
            yield f"{self.path}: nothing is left to load with config.MODEL.WEIGHTS_INIT.SKIP_LAYERS=[{skipped}]"
        if missing and require_all:
            yield f"{self.path} lacks {len(missing)} of the {len(required)} tensors of {trunk}: {some(missing)}"
        if surplus and require_all:
            yield f"{self.path} has {len(surplus)} tensors that {trunk} lacks: {some(surplus)}"
        if misfits:
            yield f"{self.path} is of another architecture than {trunk}: {some(misfits)}"
        if odd:
            yield f"{self.path} has tensors that are not plain weights of {trunk}: {some(odd)}"

    def report(self) -> LoadReport:
        """Return what a trunk filled with `usable` has taken."""
        counted = {name for name in self.state if not name.endswith(COUNTER)}
        loaded = counted & set(self.usable)
        return LoadReport(
            self.path,
            checkpoint_sha256(self.path),
            self.trunk,
            len(loaded),
            len(counted),
            tuple(sorted(counted - loaded)),
            tuple(sorted(set(self.tensors) - set(self.state))),
            "" if self.naming.is_vissls else str(self.naming),
        )


def find_trunk_weights(
    checkpoint: Mapping[str, Any], path: str, name: str, state: State, settings: WeightsSettings
) -> TrunkWeights:
    """Find the tensors of a trunk in a checkpoint.

    Args:
        checkpoint: what `read_checkpoint(path)` returned.
        path: of the file.
        name: of the trunk.
        state: its state dict, which may be on the meta device.
        settings: where the tensors are.

    Raises:
        MonoImageError: the checkpoint holds no trunk, or another one.
    """
    tensors = without_heads(tensors_in(checkpoint, path, settings))
    needed = {key: value for key, value in state.items() if not key.endswith(COUNTER)}
    naming = find_naming(tensors, needed, path)
    if naming is None and has_shapes(tensors, needed.values()):
        raise MonoImageError(
            f"{path} has tensors of the shapes of trunk '{name}' under other names, {some(tensors)}, in place of "
            f"{some(needed)}: rename them, or set config.MODEL.WEIGHTS_INIT.REMOVE_PREFIX and APPEND_PREFIX"
        )
    if naming is None:
        raise MonoImageError(
            f"{path} is a checkpoint of another architecture than trunk '{name}': it holds "
            f"{some(tensors)}, and the trunk needs {some(needed)}"
        )
    return TrunkWeights(path, name, state, renamed(tensors, naming, state), naming, settings)
