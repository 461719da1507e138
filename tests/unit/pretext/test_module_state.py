"""A network borrowed for a look is given back as it was, module by module."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vissl_monoimage.pretext.module_state import at_rest


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Sequential(nn.Dropout(0.5), nn.ReLU()))


@given(st.lists(st.booleans(), min_size=6, max_size=6))
def test_every_module_has_its_own_mode_back(modes: list[bool]) -> None:
    """A frozen part of a network is in eval mode while the rest trains."""
    model = network()
    for module, training in zip(model.modules(), modes, strict=True):
        module.training = training
    with at_rest(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == modes


def test_modes_come_back_after_an_error_and_the_look_left_no_trace() -> None:
    model = network()
    model[1].eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(KeyError), at_rest(model):
        model(torch.randn(2, 3, 4, 4))
        raise KeyError
    assert [module.training for module in model.modules()] == [True, True, False, True, True, True]
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
