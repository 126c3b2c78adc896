"""Functions of arrays with their gradients, written once in NumPy's names and given to each contestant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Gradient:
    """The value and the gradient by the first argument of ``f(xp, *arrays)``, with ``xp`` the contestant's NumPy."""

    def __init__(self, f: Callable[..., Any], arrays: Sequence[Any]) -> None:
        self.f, self.arrays = f, arrays

    def pullback(self, wrap: Any) -> Callable[[], Any]:
        import pullback as pb

        both = wrap(pb.value_and_grad(lambda *arrays: self.f(np, *arrays)))
        return lambda: both(*self.arrays)

    def torch(self, wrap: Any) -> Callable[[], Any]:
        import torch

        first, *others = [torch.tensor(one) for one in self.arrays]
        first.requires_grad_()
        forward = wrap(lambda *arrays: self.f(torch, *arrays))

        def step() -> Any:
            value = forward(first, *others)
            (gradient,) = torch.autograd.grad(value, first)
            return value.detach().numpy(), gradient.numpy()

        return step

    def jax(self) -> Callable[[], Any]:
        import jax
        import jax.numpy as jnp

        arrays = [jnp.asarray(one) for one in self.arrays]
        both = jax.jit(jax.value_and_grad(lambda *given: self.f(jnp, *given)))

        def step() -> Any:
            return tuple(map(np.asarray, jax.block_until_ready(both(*arrays))))

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
