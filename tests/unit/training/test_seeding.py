import random

import numpy as np
import pytest
import torch

from vissl_monoimage.utils import random as seeding


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_same_parts_give_the_same_draws_and_others_do_not() -> None:
    seeding.seed_everything("sample", 1, 2)
    first = draws()
    seeding.seed_everything("sample", 1, 2)
    assert draws() == first
    seeding.seed_everything("sample", 12)
    assert not set(draws()) & set(first)


def test_generators_are_left_as_they_were_even_after_an_error() -> None:
    seeding.seed_everything(0)
    expected = draws()
    seeding.seed_everything(0)
    with pytest.raises(KeyError), seeding.preserved_generators():
        seeding.seed_everything(99)
        draws()
        raise KeyError
    assert draws() == expected
