"""What a finished run has left, and how it differs from what another has."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

TEMPORARY = ("*.part", "*.partial", "*.tmp", "features_*")
NOT_COMPARED = {"run_id", "finished", "wall_s", "git_sha"}


@dataclass(frozen=True)
class Outcome:
    """What a finished folder holds: {checkpoint: sha256 of its tensors}, {ledger: rows}, names of temporary files."""

    weights: Mapping[str, str]
    rows: Mapping[str, list[Any]]
    leftovers: tuple[str, ...]

    @classmethod
    def of(cls, out: Path) -> Outcome:
        """Describe the finished run in a folder."""
        weights, by_file = {}, {}
        for path in sorted(out.rglob("*.torch")):
            if path.name.startswith("model_final") or path.name == "checkpoint.torch":
                weights[str(path.relative_to(out))] = tensors = sha256_of_tensors(path)
                by_file[hashlib.sha256(path.read_bytes()).hexdigest()] = f"tensors {tensors}"
        rows = {}
        for path in sorted(out.rglob("ledger.jsonl")):
            text = path.read_text()
            for file, tensors in by_file.items():
                text = text.replace(file, tensors)  # a checkpoint holds times as well as tensors
            rows[str(path.relative_to(out))] = list(_compared(text))
        left = [str(path.relative_to(out)) for pattern in TEMPORARY for path in out.rglob(pattern)]
        return cls(weights, rows, tuple(sorted(left)))

    def differences(self, expected: Outcome) -> Iterator[str]:
        """Yield what differs from the undisturbed run's, in words."""
        for name in sorted({*self.weights, *expected.weights}):
            if self.weights.get(name) != expected.weights.get(name):
                yield f"weights of {name}"
        for name in sorted({*self.rows, *expected.rows}):
            ours, theirs = self.rows.get(name, []), expected.rows.get(name, [])
            if len(ours) != len(theirs):
                yield f"{len(ours)} rows in {name}, not {len(theirs)}"
                continue
            for a, b in zip(ours, theirs, strict=True):
                for key in sorted(key for key in {*a, *b} if a.get(key) != b.get(key)):
                    yield f"{key} in {name}: {_short(a.get(key))}, not {_short(b.get(key))}"
        yield from (f"left behind: {name}" for name in self.leftovers)


def sha256_of_tensors(checkpoint: Path) -> str:
    """Return one hash of the networks and the optimizers' tensors in a checkpoint."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)["classy_state_dict"]
    digest = hashlib.sha256()
    for name, value in _tensors({"model": state["base_model"]["model"], "optimizer": state.get("optimizer")}):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _tensors(node: Any, path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(node, torch.Tensor):
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _tensors(value, f"{path}.{key}")
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _tensors(value, f"{path}.{index}")


def _compared(ledger: str) -> Iterator[dict[str, Any]]:
    """Yield the fields of each row that an interruption may not change; readers skip a line that a kill cut short."""
    for line in ledger.splitlines():
        with contextlib.suppress(ValueError):
            yield {key: value for key, value in json.loads(line).items() if key not in NOT_COMPARED}


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:25]} ... {text[-25:]}"
