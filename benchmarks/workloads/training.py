"""A training step of a network, forward, backward and update, from weights by name and a loss for each contestant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Loss = Callable[..., Any]
Start = Callable[[Any], Callable[[], Any]]
BETA1, BETA2, EPS, DECAY = 0.9, 0.999, 1e-8, 0.01


class Training:
    """The step; each contestant is given its loss, ``loss(library, weights, *data)``.

    Args:
        weights: what is trained, float32.
        data: what the loss gets besides.
        rate: the learning rate.
        adam: whether the optimizer is AdamW; it is SGD otherwise.
    """

    def __init__(self, weights: Mapping[str, Any], data: Sequence[Any], rate: float, adam: bool = False) -> None:
        self.weights = {name: np.asarray(one, np.float32) for name, one in weights.items()}
        self.data, self.rate, self.adam = tuple(data), rate, adam

    def pullback(self, loss: Loss) -> Start:
        def start(wrap: Any) -> Callable[[], Any]:
            import pullback as pb

            weights = {name: pb.Parameter(one) for name, one in self.weights.items()}
            make = pb.optim.AdamW if self.adam else pb.optim.SGD
            optimizer = make(weights.values(), lr=self.rate)

            @wrap
            def step(*data: Any) -> Any:
                value = loss(pb, weights, *data)
                value.backward()
                optimizer.step()
                optimizer.zero_grad()
                return value

            return lambda: step(*self.data)

        return start

    def numpy(self, gradients: Loss) -> Callable[[], Callable[[], Any]]:
        """``gradients(weights, *data)`` returns the loss and the gradient by each weight, by name."""

        def start() -> Callable[[], Any]:
            weights = {name: one.copy() for name, one in self.weights.items()}

            def step() -> Any:
                value, found = gradients(weights, *self.data)
                for name, one in weights.items():
                    one -= np.float32(self.rate) * found[name]
                return value

            return step

        return start

    def torch(self, loss: Loss) -> Start:
        def start(wrap: Any) -> Callable[[], Any]:
            import torch

            weights = {name: torch.tensor(one, requires_grad=True) for name, one in self.weights.items()}
            data = [torch.tensor(one) for one in self.data]
            if self.adam:
                options = {"betas": (BETA1, BETA2), "eps": EPS, "weight_decay": DECAY}
                optimizer: Any = torch.optim.AdamW(weights.values(), lr=self.rate, fused=True, **options)
            else:
                optimizer = torch.optim.SGD(weights.values(), lr=self.rate, fused=True)
            forward = wrap(lambda weights, *data: loss(torch, weights, *data))

            def step() -> Any:
                value = forward(weights, *data)
                value.backward()
                optimizer.step()
                optimizer.zero_grad()
                return value.detach().numpy()

            return step

        return start

    def jax(self, loss: Loss) -> Callable[[], Callable[[], Any]]:
        def start() -> Callable[[], Any]:
            import jax
            import jax.numpy as jnp

            data = [jnp.asarray(one) for one in self.data]
            weights = {name: jnp.asarray(one) for name, one in self.weights.items()}
            moments = [jax.tree.map(jnp.zeros_like, weights) for _ in range(2)] if self.adam else []
            held = [(weights, moments, jnp.zeros((), jnp.float32))]

            def adam(moments: Any, weights: Any, gradients: Any, count: Any) -> Any:
                mean = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, moments[0], gradients)
                square = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, moments[1], gradients)
                first, second = 1 - BETA1**count, 1 - BETA2**count
                new = jax.tree.map(
                    lambda w, m, v: (
                        w * (1 - self.rate * DECAY) - self.rate * (m / first) / (jnp.sqrt(v / second) + EPS)
                    ),
                    weights, mean, square,
                )  # fmt: skip
                return new, [mean, square]

            def update(state: Any, *data: Any) -> Any:
                weights, moments, count = state
                count = count + 1
                value, gradients = jax.value_and_grad(lambda weights: loss(jax, weights, *data))(weights)
                if self.adam:
                    weights, moments = adam(moments, weights, gradients, count)
                else:
                    weights = jax.tree.map(lambda w, g: w - self.rate * g, weights, gradients)
                return value, (weights, moments, count)

            run = jax.jit(update, donate_argnums=0)

            def step() -> Any:
                value, held[0] = run(held[0], *data)
                jax.block_until_ready(held[0])
                return np.asarray(value)

            return step

        return start


def cross_entropy(logits: Any, labels: Any) -> tuple[Any, Any]:
    """The loss in NumPy by hand, and its gradient."""
    rows = np.arange(len(logits))
    shifted = logits - logits.max(1, keepdims=True)
    terms = np.exp(shifted)
    sums = terms.sum(1, keepdims=True)
    gradient = terms / sums
    gradient[rows, labels] -= 1
    return np.mean(np.log(sums[:, 0]) - shifted[rows, labels]), gradient / np.float32(len(logits))
