"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pullback.core.parameter import Parameter
from pullback.errors import ArgumentError, DTypeError
from pullback.optim.optimizer import Optimizer, State, number


class Adam(Optimizer):
    """Adam: steps scaled by the gradient's running mean and running mean square.

    With the gradient g of a parameter θ at its step t = 1, 2, ..., and the learning rate γ:

        g ← g + λ θ
        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²          (of a complex g: |g|²)
        θ ← θ - γ m̂ / (√v̂ + ε)          with m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ)

    Args:
        parameters: what to update.
        lr: the learning rate γ > 0.
        betas: β₁ and β₂, from 0 to below 1.
        eps: ε, 0 or more.
        weight_decay: λ, 0 or more; it goes into the means, see ``AdamW`` for the one that does not.

    [Kingma, Ba 2015, https://arxiv.org/abs/1412.6980, algorithm 1]

    >>> import pullback as pb
    >>> w = pb.Parameter([1.0, -2.0])
    >>> optimizer = Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Parameter([ 0.5, -1.5])
    """

    slots = ("mean", "square")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        name = self._name
        try:
            beta1, beta2 = betas
        except TypeError:
            raise DTypeError(f"{name}: expected betas to be a pair of numbers, got {type(betas).__name__}") from None
        except ValueError:
            raise ArgumentError(f"{name}: expected betas to be a pair of numbers, got {betas!r}") from None
        self.betas = (number(f"{name}: beta 1", beta1, below=1), number(f"{name}: beta 2", beta2, below=1))
        self.eps = number(f"{name}: eps", eps)
        self.weight_decay = number(f"{name}: weight_decay", weight_decay)

    def _initial(self, parameter: Parameter) -> State:
        real = np.zeros(parameter.shape, parameter.dtype).real
        return {"mean": np.zeros(parameter.shape, parameter.dtype), "square": np.zeros(real.shape, real.dtype)}

    def rates(self, step: Any) -> tuple[Any, ...]:
        """The corrections of the bias: γ / (1 - β₁ᵗ), and what √v is multiplied by."""
        beta1, beta2 = self.betas
        return self.lr / (1 - beta1**step), 1 / (1 - beta2**step) ** 0.5

    def update(self, value: Any, gradient: Any, state: State, rates: tuple[Any, ...]) -> tuple[Any, State]:
        """The formula of the class."""
        if self.weight_decay:
            gradient = gradient + self.weight_decay * value
        return self._adapted(value, gradient, state, rates)

    def _adapted(self, value: Any, gradient: Any, state: State, rates: tuple[Any, ...]) -> tuple[Any, State]:
        rate, correction = rates
        beta1, beta2 = self.betas
        squared = gradient * gradient if gradient.dtype.kind == "f" else (gradient.conj() * gradient).real
        mean = beta1 * state["mean"] + (1 - beta1) * gradient
        square = beta2 * state["square"] + (1 - beta2) * squared
        deviation = np.sqrt(square) * correction + self.eps
        return value - rate * mean / deviation, {"mean": mean, "square": square}


class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ - γ λ θ, and then the step of Adam, whose means know nothing of it.

    Arguments as for ``Adam``. [Loshchilov, Hutter 2019, https://arxiv.org/abs/1711.05101, algorithm 2]

    >>> import pullback as pb
    >>> w = pb.Parameter([1.0])
    >>> optimizer = AdamW([w], lr=0.5, weight_decay=0.2)
    >>> w.grad = [1.0]
    >>> optimizer.step()
    >>> w
    Parameter([0.4])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)

    def rates(self, step: Any) -> tuple[Any, ...]:
        """Those of Adam, and what θ is multiplied by: 1 - γ λ."""
        return (*super().rates(step), 1 - self.lr * self.weight_decay)

    def update(self, value: Any, gradient: Any, state: State, rates: tuple[Any, ...]) -> tuple[Any, State]:
        """The formula of the class."""
        *adam, kept = rates
        return self._adapted(value * kept if self.weight_decay else value, gradient, state, tuple(adam))
