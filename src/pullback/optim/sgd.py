"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pullback.core.parameter import Parameter
from pullback.errors import ArgumentError
from pullback.optim.optimizer import Optimizer, State, number


class SGD(Optimizer):
    """Stochastic gradient descent with momentum and weight decay.

    With the gradient g of a parameter θ, the weight decay λ, the momentum μ and the learning rate γ:

        g ← g + λ θ
        b ← μ b + g          (b = 0 at first; without momentum b is g)
        g ← g + μ b          if nesterov, else g ← b
        θ ← θ - γ g

    Args:
        parameters: what to update.
        lr: the learning rate γ > 0.
        momentum: μ, from 0 to below 1.
        weight_decay: λ, 0 or more.
        nesterov: whether to look ahead by the momentum.

    [Sutskever, Martens, Dahl, Hinton 2013, in the form that PyTorch's ``torch.optim.SGD`` documents]

    >>> import pullback as pb
    >>> w = pb.Parameter([1.0, 2.0])
    >>> optimizer = SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Parameter([0.8, 1.6])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 0.01,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, lr)
        self.momentum = number("SGD: momentum", momentum, below=1)
        self.weight_decay = number("SGD: weight_decay", weight_decay)
        self.nesterov = bool(nesterov)
        if self.nesterov and not self.momentum:
            raise ArgumentError("SGD: nesterov=True needs a momentum above 0")

    @property
    def slots(self) -> tuple[str, ...]:  # type: ignore[override]  # momentum may be set between steps
        """The kinds of state: the momentum, where there is one."""
        return ("momentum",) if self.momentum else ()

    def update(self, value: Any, gradient: Any, state: State, rates: Any) -> tuple[Any, State]:
        """The formula of the class."""
        if self.weight_decay:
            gradient = gradient + self.weight_decay * value
        if not self.momentum:
            return value - self.lr * gradient, {}
        momentum = self.momentum * state["momentum"] + gradient
        direction = gradient + self.momentum * momentum if self.nesterov else momentum
        return value - self.lr * direction, {"momentum": momentum}
