"""What stands between the layers of networks, composed of primitives; ``relu`` and ``sigmoid`` are primitives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import function, operations
from pullback.core.sample import call, distinct, normal, reject, values
from pullback.dtypes import FLOAT64, is_differentiable
from pullback.errors import ArgumentError, DTypeError
from pullback.ops.pointwise.comparison import as_real
from pullback.ops.pointwise.special.error import ndtr
from pullback.ops.pointwise.special.logistic import sigmoid
from pullback.ops.structural import astype

_EDGES = values(0.0, -0.0, 90.0, -90.0, 800.0, -800.0, np.nan)
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017, arXiv:1706.02515


def as_floating(operation: str, x: Any) -> Array:
    """Return x as a real floating Array, integers as float64."""
    x = as_real(operation, x)
    return x if is_differentiable(x.dtype) else astype(x, FLOAT64)


@function(
    samples=[distinct(3, 4), call(distinct(3), 0.3), call(distinct(3), normal()), _EDGES],
    rejects=[reject(DTypeError, "leaky_relu: expected a real dtype, got complex128", np.array([1j]))],
)
def leaky_relu(x: Any, negative_slope: Any = 0.01) -> Array:
    """Return x where it is positive and ``negative_slope * x`` elsewhere; at 0 the derivative is ``negative_slope``.

    >>> leaky_relu([-1.0, 2.0])
    array([-0.01,  2.  ])
    """
    x = as_real("leaky_relu", x)
    result: Array = operations.where(x > 0, x, negative_slope * x)
    return result


@function(
    samples=[distinct(3, 4), call(distinct(3), 0.3), _EDGES],
    rejects=[reject(DTypeError, "elu: expected a real dtype, got complex128", np.array([1j]))],
)
def elu(x: Any, alpha: Any = 1.0) -> Array:
    """Return x where it is positive and ``alpha * (exp(x) - 1)`` elsewhere. [Clevert et al. 2015, arXiv:1511.07289]

    >>> elu([-1.0, 2.0])
    array([-0.63212056,  2.        ])
    """
    x = as_real("elu", x)
    positive = x > 0
    below = operations.where(positive, 0, x)  # the exponential of large x, which is not used, would overflow
    result: Array = operations.where(positive, x, alpha * operations.expm1(below))
    return result


@function(
    samples=[distinct(3, 4), _EDGES],
    rejects=[reject(DTypeError, "selu: expected a real dtype, got complex128", np.array([1j]))],
)
def selu(x: Any) -> Array:
    """Return a multiple of ``elu`` that keeps mean 0 and variance 1 from layer to layer. [arXiv:1706.02515]

    >>> selu([-1.0, 2.0])
    array([-1.11133074,  2.10140197])
    """
    return _SELU_SCALE * elu(as_real("selu", x), _SELU_ALPHA)


@function(
    samples=[normal(3, 4), call(normal(3, 4), approximate="tanh"), _EDGES, call(_EDGES, approximate="tanh")],
    rejects=[
        reject(ArgumentError, "gelu: expected approximate 'none' or 'tanh', got 'fast'", normal(3), "fast"),
        reject(DTypeError, "gelu: expected a real dtype, got complex128", np.array([1j])),
    ],
)
def gelu(x: Any, approximate: str = "none") -> Array:
    """Return x times the probability that a standard normal number is below it. [arXiv:1606.08415]

    Args:
        x: any real array.
        approximate: ``"none"``, or ``"tanh"`` for ``x/2 * (1 + tanh(√(2/π) * (x + 0.044715 x³)))``.

    >>> gelu([-1.0, 2.0])
    array([-0.15865525,  1.95449974])
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: expected approximate 'none' or 'tanh', got {approximate!r}")
    x = as_real("gelu", x)
    if approximate == "none":
        return x * ndtr(x)
    # (1 + tanh(u)) / 2 is sigmoid(2 u), which keeps its digits where tanh(u) is near -1
    return x * sigmoid(2 * math.sqrt(2 / math.pi) * (x * (1 + 0.044715 * operations.square(x))))


@function(
    samples=[normal(3, 4), _EDGES],
    rejects=[reject(DTypeError, "silu: expected a real dtype, got complex128", np.array([1j]))],
)
def silu(x: Any) -> Array:
    """Return ``x * sigmoid(x)``, also called swish. [arXiv:1702.03118]

    >>> silu([-1.0, 2.0])
    array([-0.26894142,  1.76159416])
    """
    x = as_real("silu", x)
    return x * sigmoid(x)


@function(
    samples=[distinct(3, 4), values(-np.inf, -1.0, 1.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "hard_tanh: expected a real dtype, got complex128", np.array([1j]))],
)
def hard_tanh(x: Any) -> Array:
    """Return x brought to the range from -1 to 1.

    >>> hard_tanh([-3.0, 0.5])
    array([-1. ,  0.5])
    """
    clipped: Array = operations.clip(as_real("hard_tanh", x), -1, 1)
    return clipped
