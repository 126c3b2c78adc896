"""Hyperbolic functions and their inverses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.primitive import Thunk
from pullback.core.sample import normal, uniform, values
from pullback.ops.pointwise.arithmetic import reciprocal
from pullback.ops.pointwise.power import hypot, sqrt

_ANYWHERE = [normal(3, 4), normal(), normal(0, 3), values(0.0, -0.0, 30.0, -800.0, np.inf, -np.inf, np.nan)]


@pointwise(samples=_ANYWHERE)
def sinh(x: Any) -> Any:
    """Hyperbolic sine of x, elementwise; floating or complex. [DLMF 4.34]

    >>> sinh(0.0)
    array(0.)
    """
    return np.sinh(x)


@sinh.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: cosh(x)


@pointwise(samples=_ANYWHERE)
def cosh(x: Any) -> Any:
    """Hyperbolic cosine of x, elementwise; floating or complex. [DLMF 4.34]

    >>> cosh(0.0)
    array(1.)
    """
    return np.cosh(x)


@cosh.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: sinh(x)


@pointwise(finite_partials=True, samples=_ANYWHERE)
def tanh(x: Any) -> Any:
    """Hyperbolic tangent of x, elementwise; floating or complex. [DLMF 4.34]

    >>> tanh(0.0)
    array(0.)
    """
    return np.tanh(x)


@tanh.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 1 - out * out


@pointwise(samples=[*_ANYWHERE, values(1e200, -1e200)])
def arcsinh(x: Any) -> Any:
    """Inverse hyperbolic sine of x, elementwise; floating or complex. [DLMF 4.38]

    >>> arcsinh(0.0)
    array(0.)
    """
    return np.arcsinh(x)


@arcsinh.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    # hypot does not overflow, but has no complex form
    yield lambda: reciprocal(sqrt(x * x + 1) if x.dtype.kind == "c" else hypot(x, 1))


@pointwise(samples=[uniform(1.2, 4.0, 3, 4), uniform(1.2, 4.0), values(1.0, 0.5, 1e200, np.inf, np.nan)])
def arccosh(x: Any) -> Any:
    """Inverse hyperbolic cosine of x, elementwise; floating (NaN below 1) or complex (principal branch). [DLMF 4.38]

    >>> arccosh(1.0)
    array(0.)
    """
    return np.arccosh(x)


@arccosh.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal(sqrt(x - 1) * sqrt(x + 1))


@pointwise(samples=[uniform(-0.9, 0.9, 3, 4), uniform(-0.9, 0.9), values(0.0, -0.0, 1.0, -1.0, 2.0, np.nan)])
def arctanh(x: Any) -> Any:
    """Inverse hyperbolic tangent of x, elementwise; floating (NaN outside -1 to 1) or complex. [DLMF 4.38]

    >>> arctanh(0.0)
    array(0.)
    """
    return np.arctanh(x)


@arctanh.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal((1 - x) * (1 + x))
