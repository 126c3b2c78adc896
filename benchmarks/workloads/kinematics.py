"""Where the end of a chain of joints is, about 1,000 operations on numbers, with the derivative by every joint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

TITLE = "Kinematic chain of 1,000 scalar operations, with gradient, float64"
_JOINTS = 100
_ANGLES = np.random.default_rng(0).normal(size=_JOINTS)


def _reach(xp: Any, angles: Any) -> Any:
    x = y = heading = 0.0
    for i in range(_JOINTS):
        heading = heading + angles[i]
        x = x + 0.1 * xp.cos(heading)
        y = y + 0.1 * xp.sin(heading)
        x, y = x - 0.01 * y, y + 0.01 * x
    return x * x + y * y


def pullback(wrap: Any) -> Callable[[], Any]:
    import pullback as pb

    both = wrap(pb.value_and_grad(lambda angles: _reach(np, angles)))
    return lambda: both(_ANGLES)


def torch(wrap: Any) -> Callable[[], Any]:
    import torch

    angles = torch.tensor(_ANGLES, requires_grad=True)
    forward = wrap(lambda angles: _reach(torch, angles))

    def step() -> Any:
        value = forward(angles)
        return value.item(), torch.autograd.grad(value, angles)[0].numpy()

    return step


def jax() -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    both = jax.jit(jax.value_and_grad(lambda angles: _reach(jnp, angles)))
    return lambda: tuple(map(np.asarray, jax.block_until_ready(both(_ANGLES))))
