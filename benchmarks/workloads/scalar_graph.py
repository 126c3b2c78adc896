"""The graph that everything begins with: L = c (a + 2 b), and its three derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TITLE = "L = c (a + 2 b) with its three derivatives, float64"
_POINT = (3.0, 1.0, -2.0)


def _f(a: Any, b: Any, c: Any) -> Any:
    return c * (a + 2 * b)


def pullback(wrap: Any) -> Callable[[], Any]:
    import pullback as pb

    both = wrap(pb.value_and_grad(_f, argnums=(0, 1, 2)))
    return lambda: both(*_POINT)


def numpy() -> Callable[[], Any]:
    def step() -> Any:
        a, b, c = _POINT
        e = a + 2 * b
        return c * e, (c, 2 * c, e)

    return step


def torch(wrap: Any) -> Callable[[], Any]:
    import torch

    arguments = [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in _POINT]
    forward = wrap(_f)

    def step() -> Any:
        value = forward(*arguments)
        return value.item(), [one.item() for one in torch.autograd.grad(value, arguments)]

    return step


def jax() -> Callable[[], Any]:
    import jax

    both = jax.jit(jax.value_and_grad(_f, argnums=(0, 1, 2)))

    def step() -> Any:
        return jax.device_get(both(*_POINT))

    return step
