"""Exponentials and logarithms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, positive, reject, uniform, values
from pullback.errors import DTypeError, ShapeError
from pullback.ops.pointwise.arithmetic import reciprocal

_LN2 = float(np.log(2.0))
_LN10 = float(np.log(10.0))

_EXPONENTS = [normal(3, 4), normal(), normal(0, 3), values(0.0, -0.0, -800.0, 800.0, np.inf, -np.inf, np.nan)]
_POSITIVE = [positive(3, 4), positive(), positive(0, 3), values(0.0, -0.0, -1.0, 5e-324, np.inf, np.nan)]
_LOGARITHMS = [
    call(normal(3, 4), normal(3, 4)),
    call(normal(3, 1), normal(4)),
    call(normal(3), 0.5),
    call(values(-np.inf, -np.inf, np.inf, 800.0, 0.0, np.nan), values(-np.inf, 1.0, np.inf, -800.0, 800.0, 1.0)),
]


@pointwise(samples=_EXPONENTS)
def exp(x: Any) -> Any:
    """The number e to the power x, elementwise; floating or complex. [DLMF 4.2]

    >>> exp(0.0)
    array(1.)
    """
    return np.exp(x)


@exp.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: out


@pointwise(samples=_EXPONENTS)
def exp2(x: Any) -> Any:
    """Two to the power x, elementwise; floating or complex.

    >>> exp2(3.0)
    array(8.)
    """
    return np.exp2(x)


@exp2.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: out * _LN2


@pointwise(samples=[*_EXPONENTS, values(1e-20, -1e-20)])
def expm1(x: Any) -> Any:
    """The value of exp(x) - 1, elementwise, exact also near 0; floating or complex.

    >>> expm1(1e-20)
    array(1.e-20)
    """
    return np.expm1(x)


@expm1.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: exp(x)  # out + 1 would have no digits left for very negative x


@pointwise(samples=_POSITIVE)
def log(x: Any) -> Any:
    """Natural logarithm of x, elementwise; floating (NaN below 0) or complex (principal branch). [DLMF 4.2]

    >>> log(1.0)
    array(0.)
    """
    return np.log(x)


@log.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal(x)


@pointwise(samples=_POSITIVE)
def log2(x: Any) -> Any:
    """Logarithm of x to base 2, elementwise; floating or complex.

    >>> log2(8.0)
    array(3.)
    """
    return np.log2(x)


@log2.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal(x) * (1 / _LN2)


@pointwise(samples=_POSITIVE)
def log10(x: Any) -> Any:
    """Logarithm of x to base 10, elementwise; floating or complex.

    >>> log10(1000.0)
    array(3.)
    """
    return np.log10(x)


@log10.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal(x) * (1 / _LN10)


@pointwise(samples=[uniform(-0.9, 3.0, 3, 4), uniform(-0.9, 3.0), values(-1.0, -2.0, 1e-20, np.inf, np.nan)])
def log1p(x: Any) -> Any:
    """The value of log(1 + x), elementwise, exact also near 0; floating or complex. [DLMF 4.2]

    >>> log1p(1e-20)
    array(1.e-20)
    """
    return np.log1p(x)


@log1p.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal(1 + x)


@pointwise(types="efdg", samples=[uniform(-3.0, -0.05, 3, 4), values(0.0, -1e-20, -800.0, -np.inf, 1.0, np.nan)])
def log1mexp(x: Any) -> Any:
    """The value of log(1 - exp(x)), elementwise, for x of at most 0 (NaN above), exact near 0 and far from it.

    [Mächler 2012, Accurately computing log(1 - exp(-|a|)), equation 7]

    >>> log1mexp(-1e-20)
    array(-46.05170186)
    """
    near = x > -_LN2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(near, np.log(-np.expm1(x)), np.log1p(-np.exp(np.where(near, -1, x)))).astype(x.dtype)


@log1mexp.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -reciprocal(expm1(-x))


@pointwise(
    samples=_LOGARITHMS,
    rejects=[
        reject(ShapeError, "logaddexp: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "logaddexp: expected floating dtypes, got complex128, float64", 1j, 1.0),
    ],
)
def logaddexp(x: Any, y: Any) -> Any:
    """Logarithm of exp(x) + exp(y), elementwise, without overflow; floating, shapes that broadcast.

    Where both are -inf, or both inf, each has the derivative 1/2, as wherever they are equal.

    >>> logaddexp(-np.inf, 1000.0)
    array(1000.)
    """
    return np.logaddexp(x, y)


@logaddexp.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: operations.sigmoid(_difference(x, y))
    yield lambda: operations.sigmoid(_difference(y, x))


@pointwise(
    samples=_LOGARITHMS,
    rejects=[
        reject(ShapeError, "logaddexp2: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "logaddexp2: expected floating dtypes, got complex128, float64", 1j, 1.0),
    ],
)
def logaddexp2(x: Any, y: Any) -> Any:
    """Logarithm to base 2 of 2**x + 2**y, elementwise, without overflow; floating, shapes that broadcast.

    >>> logaddexp2(3.0, 3.0)
    array(4.)
    """
    return np.logaddexp2(x, y)


@logaddexp2.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: operations.sigmoid(_difference(x, y) * _LN2)
    yield lambda: operations.sigmoid(_difference(y, x) * _LN2)


def _difference(x: Array, y: Array) -> Array:
    """X - y, but 0 where both are the same infinity; with the derivatives of x - y everywhere else."""
    same = operations.logical_and(x == y, operations.isinf(x))
    difference: Array = operations.where(same, 0.0, x - y)
    return difference
