"""Activations as modules, for Sequential: each is a function of this package with its settings."""

from __future__ import annotations

import math
from typing import Any

from pullback.core.array import Array
from pullback.errors import ArgumentError, DTypeError
from pullback.nn.module import Module
from pullback.ops.activations import elu, gelu, leaky_relu, silu
from pullback.ops.pointwise.hyperbolic import tanh
from pullback.ops.pointwise.special.logistic import relu, sigmoid
from pullback.ops.softmax import log_softmax, softmax


def _number(what: str, value: Any) -> float:
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__") or not math.isfinite(value):
        raise DTypeError(f"{what}: expected a finite number, got {value!r}")
    return float(value)


class ReLU(Module):
    """``max(x, 0)``: see ``relu``.

    >>> ReLU()([-1.0, 2.0])
    array([0., 2.])
    """

    def forward(self, x: Any) -> Array:
        """Apply the function."""
        return relu(x)


class LeakyReLU(Module):
    """``x`` where it is positive, ``negative_slope * x`` elsewhere: see ``leaky_relu``.

    >>> LeakyReLU(0.1)([-1.0, 2.0])
    array([-0.1,  2. ])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = _number("LeakyReLU: negative_slope", negative_slope)

    def forward(self, x: Any) -> Array:
        """Apply the function."""
        return leaky_relu(x, self.negative_slope)

    def describe(self) -> str:
        """The slope."""
        return f"{self.negative_slope:g}"


class ELU(Module):
    """``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere: see ``elu``.

    >>> ELU()([0.0, 2.0])
    array([0., 2.])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = _number("ELU: alpha", alpha)

    def forward(self, x: Any) -> Array:
        """Apply the function."""
        return elu(x, self.alpha)

    def describe(self) -> str:
        """The height of the lower bound."""
        return f"{self.alpha:g}"


class GELU(Module):
    """``x`` times the probability that a standard normal number is below it, or its approximation: see ``gelu``.

    >>> GELU()([0.0])
    array([0.])
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ArgumentError(f"GELU: expected approximate 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Any) -> Array:
        """Apply the function."""
        return gelu(x, approximate=self.approximate)

    def describe(self) -> str:
        """Which form."""
        return "" if self.approximate == "none" else self.approximate


class SiLU(Module):
    """``x * sigmoid(x)``: see ``silu``.

    >>> SiLU()([0.0])
    array([0.])
    """

    def forward(self, x: Any) -> Array:
        """Apply the function."""
        return silu(x)


class Tanh(Module):
    """The hyperbolic tangent.

    >>> Tanh()([0.0])
    array([0.])
    """

    def forward(self, x: Any) -> Array:
        """Apply the function."""
        return tanh(x)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``: see ``sigmoid``.

    >>> Sigmoid()([0.0])
    array([0.5])
    """

    def forward(self, x: Any) -> Array:
        """Apply the function."""
        return sigmoid(x)


class Softmax(Module):
    """Positive numbers along ``axis`` that add up to 1: see ``softmax``.

    >>> Softmax()([0.0, 0.0])
    array([0.5, 0.5])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Array:
        """Apply the function."""
        return softmax(x, axis=self.axis)

    def describe(self) -> str:
        """The axis, if it is not the last."""
        return "" if self.axis == -1 else f"axis={self.axis}"


class LogSoftmax(Softmax):
    """The logarithm of ``Softmax``, without its underflow: see ``log_softmax``.

    >>> LogSoftmax()([0.0])
    array([0.])
    """

    def forward(self, x: Any) -> Array:
        """Apply the function."""
        return log_softmax(x, axis=self.axis)
