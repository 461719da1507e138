"""LARC against the formula of apex's `parallel/LARC.py`, written again in NumPy."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vissl_monoimage.compat.larc import LARC

Array = npt.NDArray[np.float64]


def larc_step(
    w: Array,
    g: Array,
    velocity: Array | None,
    lr: float,
    momentum: float,
    decay: float,
    larc: dict[str, float],
) -> tuple[Array, Array]:
    """One step for one parameter; the new weights and velocity."""
    w_norm, g_norm = np.sqrt((w**2).sum()), np.sqrt((g**2).sum())
    if w_norm != 0 and g_norm != 0:
        rate = larc["trust_coefficient"] * w_norm / (g_norm + w_norm * decay + larc["eps"])
        if larc["clip"]:
            rate = min(rate / lr, 1)
        g = (g + decay * w) * rate
    velocity = g if velocity is None else momentum * velocity + g
    return w - lr * velocity, velocity


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    lr=st.floats(1e-3, 10),
    momentum=st.floats(0, 0.99),
    decay=st.floats(0, 0.1),
    scale=st.floats(1e-3, 1e3),
    trust_coefficient=st.floats(1e-3, 0.1),
    clip=st.booleans(),
    eps=st.sampled_from([0.0, 1e-8, 0.1]),
)
def test_follows_the_formula(
    seed: int,
    lr: float,
    momentum: float,
    decay: float,
    scale: float,
    trust_coefficient: float,
    clip: bool,
    eps: float,
) -> None:
    random = np.random.default_rng(seed)
    larc = {"trust_coefficient": trust_coefficient, "clip": clip, "eps": eps}
    expected = [random.normal(size=shape) for shape in ((3, 4), (5,), (2, 2))] + [np.zeros(3)]
    weights = [torch.tensor(w, requires_grad=True) for w in expected]
    velocities: list[Array | None] = [None] * 4
    groups = [{"params": weights[:2]}, {"params": weights[2:], "weight_decay": decay / 2}]
    sgd = torch.optim.SGD(groups, lr=lr, momentum=momentum, weight_decay=decay)
    optimizer = LARC(sgd, **larc)  # type: ignore[arg-type]
    for _ in range(3):
        gradients = [scale * random.normal(size=w.shape) for w in expected]
        gradients[1][:] = 0
        for i, gradient in enumerate(gradients):
            weights[i].grad = torch.tensor(gradient)
            expected[i], velocities[i] = larc_step(
                expected[i], gradient, velocities[i], lr, momentum, decay if i < 2 else decay / 2, larc
            )
        optimizer.step()
    for weight, reference in zip(weights, expected, strict=True):
        np.testing.assert_allclose(weight.detach().numpy(), reference, rtol=1e-9, atol=1e-12)


def some_optimizer(weight: torch.Tensor, **settings_: float) -> LARC:
    sgd = torch.optim.SGD([weight], lr=0.1, momentum=0.9, weight_decay=0.01)
    return LARC(sgd, **settings_)  # type: ignore[arg-type]


def test_weight_decay_is_there_again_after_the_step() -> None:
    weight = torch.ones(3, requires_grad=True)
    optimizer = some_optimizer(weight)
    weight.grad = torch.ones(3)
    optimizer.step()
    assert optimizer.param_groups[0]["weight_decay"] == 0.01


def test_parameters_without_gradient_stay() -> None:
    weight = torch.ones(3, requires_grad=True)
    some_optimizer(weight).step()
    assert torch.equal(weight, torch.ones(3))


def test_the_closure_is_called_once_and_before_the_norms_are_taken() -> None:
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    optimizer = some_optimizer(weight, trust_coefficient=0.1, clip=False)
    calls: list[float] = []

    def closure() -> float:
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        calls.append(loss.item())
        return calls[-1]

    assert optimizer.step(closure) == 25.0
    assert calls == [25.0]
    rate = 0.1 * 5 / (10 + 5 * 0.01)
    expected = torch.tensor([3.0, 4.0]) * (1 - 0.1 * rate * 2.01)
    torch.testing.assert_close(weight.detach(), expected)


def test_state_is_that_of_sgd_and_training_goes_on_from_it() -> None:
    torch.manual_seed(0)
    gradients = [torch.randn(4) for _ in range(4)]
    start = torch.randn(4)
    straight, resumed = (start.clone().requires_grad_() for _ in range(2))
    first = some_optimizer(straight)
    for gradient in gradients[:2]:
        straight.grad = gradient.clone()
        first.step()
    resumed.data.copy_(straight.data)
    second = some_optimizer(resumed)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    plain = torch.optim.SGD([start.clone().requires_grad_()], lr=0.1, momentum=0.9)
    plain.load_state_dict(copy.deepcopy(first.state_dict()))  # raises if the keys differ
    for gradient in gradients[2:]:
        for weight, optimizer in ((straight, first), (resumed, second)):
            weight.grad = gradient.clone()
            optimizer.step()
    assert torch.equal(straight, resumed)


@pytest.mark.parametrize("use_larc", [True, False])
def test_vissl_builds_it_where_use_larc_is_set(use_larc: bool) -> None:
    import vissl.trainer  # noqa: F401
    from classy_vision.optim import build_optimizer

    config = {"name": "sgd", "use_larc": use_larc, "momentum": 0.9, "larc_config": {"eps": 0.5}}
    optimizer = build_optimizer(config)
    optimizer.set_param_groups([torch.ones(2, requires_grad=True)], lr=0.3)
    assert isinstance(optimizer.optimizer, LARC) is use_larc
    assert optimizer.param_groups[0]["lr"] == 0.3
    if use_larc:
        assert optimizer.optimizer.eps == 0.5
