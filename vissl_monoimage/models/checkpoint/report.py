"""How much of a model a checkpoint filled."""

from __future__ import annotations

from dataclasses import dataclass

from vissl_monoimage.models.checkpoint.tensors import some


@dataclass(frozen=True)
class LoadReport:
    """What a model took from a checkpoint.

    Attributes:
        path: of the file.
        sha256: of its bytes.
        trunk: name of the trunk.
        loaded: number of the trunk's tensors that the checkpoint filled, without counters of batches.
        total: number of tensors of the trunk.
        initial: names of those that keep their initial values.
        unused: names of tensors that the trunk has no place for.
        naming: how the names of the file were read where they are not VISSL's; else "".
        heads_loaded: number of the heads' tensors that the checkpoint filled.
        heads_total: number of tensors of the heads; 0 where heads are not loaded.
    """

    path: str
    sha256: str | None
    trunk: str
    loaded: int
    total: int
    initial: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    naming: str = ""
    heads_loaded: int = 0
    heads_total: int = 0

    def __str__(self) -> str:
        """Return one sentence for the console."""
        parts = [f"{self.path}: {self.loaded} of {self.total} tensors of trunk '{self.trunk}' loaded"]
        if self.heads_total:
            parts.append(f"{self.heads_loaded} of {self.heads_total} of its heads")
        if self.initial:
            parts.append(f"initial values stay in {some(self.initial)}")
        if self.unused:
            parts.append(f"{len(self.unused)} tensors of the file have no place in the trunk: {some(self.unused)}")
        if self.naming:
            parts.append(f"names of the file are read as {self.naming}")
        return "; ".join(parts)
