"""Functions of arrays with their gradients, written once in NumPy's names and given to each contestant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Gradient:
    """The value of ``f(xp, *arrays)``, with ``xp`` the contestant's NumPy, and its gradient by the first arguments.

    Args:
        f: the function.
        arrays: its arguments.
        count: by how many of them it is differentiated.
    """

    def __init__(self, f: Callable[..., Any], arrays: Sequence[Any], count: int = 1) -> None:
        self.f, self.arrays, self.by = f, arrays, tuple(range(count))

    def pullback(self, wrap: Any) -> Callable[[], Any]:
        import pullback as pb

        both = wrap(pb.value_and_grad(lambda *arrays: self.f(np, *arrays), argnums=self.by))
        return lambda: both(*self.arrays)

    def torch(self, wrap: Any) -> Callable[[], Any]:
        import torch

        arrays = [torch.tensor(one, requires_grad=i in self.by) for i, one in enumerate(self.arrays)]
        sources = [arrays[i] for i in self.by]
        forward = wrap(lambda *arrays: self.f(torch, *arrays))

        def step() -> Any:
            value = forward(*arrays)
            gradients = torch.autograd.grad(value, sources)
            return value.detach().numpy(), tuple(one.numpy() for one in gradients)

        return step

    def jax(self) -> Callable[[], Any]:
        import jax
        import jax.numpy as jnp

        arrays = [jnp.asarray(one) for one in self.arrays]
        both = jax.jit(jax.value_and_grad(lambda *given: self.f(jnp, *given), argnums=self.by))

        def step() -> Any:
            value, gradients = jax.block_until_ready(both(*arrays))
            return np.asarray(value), tuple(map(np.asarray, gradients))

        return step


class Plain(Gradient):
    """The value of ``f(xp, *arrays)`` alone."""

    def pullback(self, wrap: Any) -> Callable[[], Any]:
        import pullback as pb

        def plain(*arrays: Any) -> Any:
            return self.f(np, *arrays)

        run = wrap(plain)
        arrays = [pb.asarray(one) for one in self.arrays] if run is plain else self.arrays
        return lambda: run(*arrays)

    def numpy(self) -> Callable[[], Any]:
        return lambda: self.f(np, *self.arrays)

    def torch(self, wrap: Any) -> Callable[[], Any]:
        import torch

        arrays = [torch.tensor(one) for one in self.arrays]
        run = wrap(lambda *given: self.f(torch, *given))
        return lambda: run(*arrays).numpy()

    def jax(self) -> Callable[[], Any]:
        import jax
        import jax.numpy as jnp

        arrays = [jnp.asarray(one) for one in self.arrays]
        run = jax.jit(lambda *given: self.f(jnp, *given))
        return lambda: np.asarray(jax.block_until_ready(run(*arrays)))
