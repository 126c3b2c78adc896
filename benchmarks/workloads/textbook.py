"""The textbook's network, binary cross-entropy from the logit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

RATE = 0.1


class Textbook:
    """The step, by each contestant."""

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        shapes = ((2, 2), (2,), (1, 2), (1,))
        self.weights = [generator.normal(size=shape).astype(np.float32) for shape in shapes]
        self.x, self.y = np.array([1.0, 2.0], np.float32), np.array([1.0], np.float32)

    def pullback(self, wrap: Any) -> Callable[[], Any]:
        import pullback as pb

        weights = [pb.Parameter(one) for one in self.weights]

        @wrap
        def step(x: Any, y: Any) -> Any:
            w1, b1, w2, b2 = weights
            logit = w2 @ pb.nn.relu(w1 @ x + b1) + b2
            loss = pb.nn.binary_cross_entropy_with_logits(logit, y)
            loss.backward()
            for one in weights:
                one.assign(one.detach() - RATE * one.grad)
                one.grad = None
            return loss

        return lambda: step(self.x, self.y)

    def torch(self, wrap: Any) -> Callable[[], Any]:
        import torch

        weights = [torch.tensor(one, requires_grad=True) for one in self.weights]
        x, y = torch.tensor(self.x), torch.tensor(self.y)

        @wrap
        def forward(x: Any, y: Any) -> Any:
            w1, b1, w2, b2 = weights
            logit = w2 @ torch.relu(w1 @ x + b1) + b2
            return torch.nn.functional.binary_cross_entropy_with_logits(logit, y)

        def step() -> Any:
            loss = forward(x, y)
            loss.backward()
            with torch.no_grad():
                for one in weights:
                    one -= RATE * one.grad
                    one.grad = None
            return loss.detach().numpy()

        return step

    def jax(self) -> Callable[[], Any]:
        import jax
        import jax.numpy as jnp

        held = [[jnp.asarray(one) for one in self.weights]]
        x, y = jnp.asarray(self.x), jnp.asarray(self.y)

        def loss(weights: Any, x: Any, y: Any) -> Any:
            w1, b1, w2, b2 = weights
            logit = w2 @ jax.nn.relu(w1 @ x + b1) + b2
            return jnp.mean(jax.nn.softplus(logit) - y * logit)

        @jax.jit
        def update(weights: Any, x: Any, y: Any) -> Any:
            value, gradients = jax.value_and_grad(loss)(weights, x, y)
            return value, [one - RATE * by for one, by in zip(weights, gradients, strict=True)]

        def step() -> Any:
            value, held[0] = update(held[0], x, y)
            jax.block_until_ready(held[0])
            return np.asarray(value)

        return step
