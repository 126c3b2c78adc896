"""One training step of a network with one hidden layer: forward, backward, SGD; float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Work

RATE = 0.01


class Network:
    """The step for given sizes, by each contestant."""

    def __init__(self, sizes: tuple[int, int, int], batch: int) -> None:
        generator = np.random.default_rng(0)
        self.x = generator.normal(size=(batch, sizes[0])).astype(np.float32)
        self.labels = generator.integers(0, sizes[2], batch)
        self.w1 = (generator.normal(size=(sizes[1], sizes[0])) / sizes[0] ** 0.5).astype(np.float32)
        self.w2 = (generator.normal(size=(sizes[2], sizes[1])) / sizes[1] ** 0.5).astype(np.float32)
        self.b1, self.b2 = np.zeros(sizes[1], np.float32), np.zeros(sizes[2], np.float32)

        first, second = (2 * batch * rows * columns for rows, columns in (sizes[:2], sizes[1:]))
        # Forward, by the weights, and by the input, which the first layer does not need.
        self.work = Work(flops=2 * first + 3 * second)

    def pullback(self, wrap: Any) -> Callable[[], Any]:
        import pullback as pb
        from pullback import nn

        model = nn.Sequential(nn.Linear(*self.w1.shape[::-1]), nn.ReLU(), nn.Linear(*self.w2.shape[::-1]))
        for parameter, value in zip(model.parameters(), (self.w1, self.b1, self.w2, self.b2), strict=True):
            parameter.assign(value)
        optimizer = pb.optim.SGD(model.parameters(), lr=RATE)

        @wrap
        def step(x: Any, labels: Any) -> Any:
            loss = nn.cross_entropy_with_logits(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        return lambda: step(self.x, self.labels)

    def numpy(self) -> Callable[[], Any]:
        w1, b1, w2, b2 = (one.copy() for one in (self.w1, self.b1, self.w2, self.b2))
        x, labels, rows = self.x, self.labels, np.arange(len(self.x))

        def step() -> Any:
            z1 = x @ w1.T + b1
            a1 = np.maximum(z1, 0)
            z2 = a1 @ w2.T + b2
            shifted = z2 - z2.max(axis=1, keepdims=True)
            terms = np.exp(shifted)
            sums = terms.sum(axis=1, keepdims=True)
            loss = np.mean(np.log(sums[:, 0]) - shifted[rows, labels])
            d2 = terms / sums
            d2[rows, labels] -= 1
            d2 /= len(x)
            d1 = (d2 @ w2) * (z1 > 0)
            gradients = (d1.T @ x, d1.sum(0), d2.T @ a1, d2.sum(0))
            for parameter, gradient in zip((w1, b1, w2, b2), gradients, strict=True):
                parameter -= np.float32(RATE) * gradient
            return loss

        return step

    def torch(self, wrap: Any) -> Callable[[], Any]:
        import torch

        x, labels = torch.tensor(self.x), torch.tensor(self.labels)
        model = torch.nn.Sequential(
            torch.nn.Linear(*self.w1.shape[::-1]), torch.nn.ReLU(), torch.nn.Linear(*self.w2.shape[::-1])
        )
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), (self.w1, self.b1, self.w2, self.b2), strict=True):
                parameter.copy_(torch.tensor(value))
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

        @wrap
        def forward(x: Any, labels: Any) -> Any:
            return torch.nn.functional.cross_entropy(model(x), labels)

        def step() -> Any:
            loss = forward(x, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.detach().numpy()

        return step

    def jax(self) -> Callable[[], Any]:
        import jax
        import jax.numpy as jnp

        x, labels = jnp.asarray(self.x), jnp.asarray(self.labels)
        held = [tuple(map(jnp.asarray, (self.w1, self.b1, self.w2, self.b2)))]

        def loss(weights: Any, x: Any, labels: Any) -> Any:
            w1, b1, w2, b2 = weights
            z = jax.nn.relu(x @ w1.T + b1) @ w2.T + b2
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), labels[:, None], 1))

        @jax.jit
        def update(weights: Any, x: Any, labels: Any) -> Any:
            value, gradients = jax.value_and_grad(loss)(weights, x, labels)
            return value, tuple(one - RATE * by for one, by in zip(weights, gradients, strict=True))

        def step() -> Any:
            value, held[0] = update(held[0], x, labels)
            jax.block_until_ready(held[0])
            return np.asarray(value)

        return step
