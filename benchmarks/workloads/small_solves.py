"""A system of three equations for each of many, by Cramer's rule written for one and mapped over the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

TITLE = "vmap of a 3x3 solve over 1e5, float32"
_generator = np.random.default_rng(0)
_A = (_generator.normal(size=(10**5, 3, 3)) + 4 * np.eye(3)).astype(np.float32)
_B = _generator.normal(size=(10**5, 3)).astype(np.float32)


def _solve(stack: Any, a: Any, b: Any) -> Any:
    def determinant(u: Any, v: Any, w: Any) -> Any:
        return (
            u[0] * (v[1] * w[2] - v[2] * w[1]) - v[0] * (u[1] * w[2] - u[2] * w[1]) + w[0] * (u[1] * v[2] - u[2] * v[1])
        )

    u, v, w = a[:, 0], a[:, 1], a[:, 2]
    whole = determinant(u, v, w)
    return stack([determinant(b, v, w) / whole, determinant(u, b, w) / whole, determinant(u, v, b) / whole])


def pullback(wrap: Any) -> Callable[[], Any]:
    import pullback as pb

    run = wrap(pb.vmap(lambda a, b: _solve(np.stack, a, b)))
    return lambda: run(_A, _B)


def numpy() -> Callable[[], Any]:
    a, b = (np.moveaxis(one, 0, -1).copy() for one in (_A, _B))  # the batch last, as suits its loops best
    return lambda: np.moveaxis(_solve(np.stack, a, b), -1, 0)


def torch(wrap: Any) -> Callable[[], Any]:
    import torch

    a, b = torch.tensor(_A), torch.tensor(_B)
    run = wrap(torch.vmap(lambda a, b: _solve(torch.stack, a, b)))
    return lambda: run(a, b).numpy()


def jax() -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    a, b = jnp.asarray(_A), jnp.asarray(_B)
    run = jax.jit(jax.vmap(lambda a, b: _solve(jnp.stack, a, b)))
    return lambda: np.asarray(jax.block_until_ready(run(a, b)))
