"""Fixtures of the tests that go through the launcher."""

from __future__ import annotations

import pytest


@pytest.fixture
def small_probe() -> list[str]:
    """Overrides of a probe on photo_patches that takes seconds and writes into the folder `probe`."""
    return [
        "config=benchmark/monoimage/linear_photo_patches",
        "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=96",
        "config.MONOIMAGE.PATCHES.TEST_SAMPLES=48",
        "config.OPTIMIZER.num_epochs=1",
        "config.OPTIMIZER.param_schedulers.lr.values=[0.01]",
        "config.OPTIMIZER.param_schedulers.lr.milestones=[]",
        "config.CHECKPOINT.DIR=probe",
    ]
