"""Where the end of a chain of joints is, about 1,000 operations on numbers, and how it moves with every joint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

TITLE = "Kinematic chain of 1,000 scalar operations, with Jacobian, float64"
_JOINTS = 100
_ANGLES = np.random.default_rng(0).normal(size=_JOINTS)


def _end(xp: Any, angles: Any) -> Any:
    x = y = heading = 0.0
    for i in range(_JOINTS):
        heading = heading + angles[i]
        x = x + 0.1 * xp.cos(heading)
        y = y + 0.1 * xp.sin(heading)
        x, y = x - 0.01 * y, y + 0.01 * x
    return xp.stack([x, y])


def pullback(wrap: Any) -> Callable[[], Any]:
    import pullback as pb

    jacobian = wrap(pb.jacobian(lambda angles: _end(np, angles)))
    return lambda: jacobian(_ANGLES)


def torch(wrap: Any) -> Callable[[], Any]:
    import torch

    angles = torch.tensor(_ANGLES)
    jacobian = wrap(torch.func.jacrev(lambda angles: _end(torch, angles)))
    return lambda: jacobian(angles).numpy()


def jax() -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    angles = jnp.asarray(_ANGLES)
    jacobian = jax.jit(jax.jacrev(lambda angles: _end(jnp, angles)))
    return lambda: np.asarray(jax.block_until_ready(jacobian(angles)))
