"""Fixtures for the unit tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import OmegaConf

from vissl_monoimage.config.compose import compose_config, vissl_defaults
from vissl_monoimage.config.validate import problems_of
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import SCHEMA, Row
from vissl_monoimage.ledger.row_parts import InitialWeights, Weights

MakeRow = Callable[..., Row]
Problems = Callable[..., list[str]]


@pytest.fixture(scope="session")
def problems() -> Problems:
    """`problems(*overrides)`: what is found wrong with a run of them before it starts."""
    return _problems


def _problems(*overrides: str) -> list[str]:
    try:
        composed = compose_config([*overrides])
    except MonoImageError as error:
        return [str(error)]
    return problems_of(OmegaConf.to_container(composed, resolve=True), vissl_defaults())


@pytest.fixture(scope="session")
def a_row() -> MakeRow:
    """`a_row(**changes)`: a valid ledger row of a probe of random weights, but for the changes."""
    return _row


def _row(**changes: Any) -> Row:
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "run_id": "r0",
        "kind": "probe",
        "name": "benchmark/monoimage/linear_x",
        "command": "monoimage run config=x",
        "overrides": ["config=x"],
        "finished": "2026-01-01T00:00:00.000+00:00",
        "git_sha": None,
        "config_hash": "c" * 64,
        "group_hash": "g" * 64,
        "method": "random",
        "trunk": "alexnet",
        "protocol": "p-v1",
        "protocol_changes": [],
        "shots": [],
        "dataset": "set",
        "data": {},
        "images": [],
        "n_images": len(changes["images"]) if changes.get("images") else None,
        "images_seen": None,
        "recipe": {},
        "seed": 0,
        "versions": {"torch": "2"},
        "device": "1 x cpu",
        "wall_s": 1.5,
        "iterations": 4,
        "weights": Weights(),
        "initial_weights": InitialWeights("random"),
        "checkpoint_out": None,
        "checkpoint_out_sha256": None,
        "losses": [[1, 2.5], [4, None]],
        "accuracies": {"conv1": {"top_1": 50.0}},
        "pretext": {},
    }
    return Row(**(values | changes))
