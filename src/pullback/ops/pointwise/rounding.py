"""Rounding, signs and the like: piecewise constant or linear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index
from pullback.core.families import pointwise
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, distinct, normal, points, reject, uniform, values
from pullback.dtypes import real_dtype
from pullback.errors import DTypeError, ShapeError
from pullback.ops.pointwise.complex import complex_sign, modulus
from pullback.ops.structural import as_array

_STEPS = [distinct(3, 4), points(0.3), normal(0, 3), values(0.0, -0.0, 0.5, 1.5, -0.5, -2.0, np.inf, -np.inf, np.nan)]
_SIGNS = [
    call(distinct(3, 4), distinct(3, 4)),
    call(distinct(3, 1), distinct(4)),
    call(distinct(3), 2.0),
    call(values(0.0, -0.0, 1.0, 1.0, np.nan), values(-1.0, 1.0, -0.0, np.nan, 1.0)),
]


@pointwise(finite_partials=True, samples=_STEPS)
def rint(x: Any) -> Any:
    """The integer nearest to x, of two the even one, elementwise; floating or complex. Its derivative is 0.

    >>> rint([1.4, 2.5])
    array([1., 2.])
    """
    return np.rint(x)


@rint.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 0


@pointwise(
    finite_partials=True,
    samples=_STEPS,
    rejects=[reject(DTypeError, "floor: expected boolean, integer or floating", 1j)],
)
def floor(x: Any) -> Any:
    """The largest integer not above x, elementwise, in the dtype of x; not complex. Its derivative is 0.

    >>> floor([1.4, -2.5])
    array([ 1., -3.])
    """
    return np.floor(x)


@floor.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 0


@pointwise(
    finite_partials=True,
    samples=_STEPS,
    rejects=[reject(DTypeError, "ceil: expected boolean, integer or floating", 1j)],
)
def ceil(x: Any) -> Any:
    """The smallest integer not below x, elementwise, in the dtype of x; not complex. Its derivative is 0.

    >>> ceil([1.4, -2.5])
    array([ 2., -2.])
    """
    return np.ceil(x)


@ceil.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 0


@pointwise(
    finite_partials=True,
    samples=_STEPS,
    rejects=[reject(DTypeError, "trunc: expected boolean, integer or floating", 1j)],
)
def trunc(x: Any) -> Any:
    """The integer next to x towards 0, elementwise, in the dtype of x; not complex. Its derivative is 0.

    >>> trunc([1.4, -2.5])
    array([ 1., -2.])
    """
    return np.trunc(x)


@trunc.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 0


@function(np.fix, samples=_STEPS, rejects=[reject(DTypeError, "fix: expected boolean, integer or floating", 1j)])
def fix(x: Any) -> Array:
    """The integer next to x towards 0, elementwise: ``trunc`` by its older name.

    >>> fix([1.4, -2.5])
    array([ 1., -2.])
    """
    return trunc(x)


@function(
    (np.round, np.around),
    samples=[*_STEPS, call(distinct(3, 4), 1), call(values(125.0, -15.0, 26.0), decimals=-1)],
    rejects=[reject(DTypeError, "round: expected an integer as decimals, got 1.5", normal(3), 1.5)],
)
def round(a: Any, decimals: Any = 0) -> Array:
    """Round to this number of decimals (-1: to tens), halves to even, elementwise. Its derivative is 0.

    >>> round([1.25, 2.71], 1)
    array([1.2, 2.7])
    """
    a = as_array("round", a)
    decimals = as_index("round", "decimals", decimals)
    if a.dtype.kind == "b" and decimals != 0:
        raise DTypeError(
            f"round: expected integer, floating or complex numbers to round to {decimals} decimals, got bool"
        )
    return round_to(a, decimals=decimals)


@pointwise(
    name="round",
    private=True,
    types="?bBhHiIlLefdgFDG",
    finite_partials=True,
    samples=[distinct(3, 4), call(points(0.123, 1.517), decimals=1)],
)
def round_to(x: Any, *, decimals: int = 0) -> Any:
    """Round x to this number of decimals."""
    return np.round(x, decimals)


@round_to.partials
def _(out: Array, x: Array, *, decimals: int = 0) -> Iterator[Thunk]:
    yield lambda: 0


@pointwise(selects=True, complex_case=modulus, samples=_STEPS)
def absolute(x: Any) -> Any:
    """Absolute value of x, elementwise; any dtype, complex gives the modulus. Its derivative at 0 is 0.

    >>> absolute(-3.0)
    array(3.)
    """
    return np.absolute(x)


@absolute.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: sign(x)


@pointwise(
    finite_partials=True,
    samples=_STEPS,
    rejects=[reject(DTypeError, "fabs: expected floating dtypes, got complex", 1j)],
)
def fabs(x: Any) -> Any:
    """Absolute value of x, elementwise, floating. Its derivative at 0 is 0.

    >>> fabs(-3)
    array(3.)
    """
    return np.fabs(x)


@fabs.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: sign(x)


@pointwise(
    finite_partials=True,
    complex_case=complex_sign,
    samples=_STEPS,
    rejects=[reject(DTypeError, "sign: expected integer, floating or complex dtypes, got bool", True)],
)
def sign(x: Any) -> Any:
    """Minus 1, 0 or 1 as x is below, at or above 0, elementwise; x / abs(x) for complex. Its real derivative is 0.

    >>> sign([-3.0, 0.0])
    array([-1.,  0.])
    """
    return np.sign(x)


@sign.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 0


@pointwise(
    samples=_SIGNS,
    rejects=[
        reject(ShapeError, "copysign: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "copysign: expected floating dtypes, got complex128, float64", 1j, 1.0),
    ],
)
def copysign(x: Any, y: Any) -> Any:
    """The absolute value of x with the sign of y, elementwise; floating. The derivative by y is 0, by x = 0 too.

    >>> copysign(3.0, -1.0)
    array(-3.)
    """
    return np.copysign(x, y)


@copysign.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: sign(x) * copysign(1.0, y)
    yield lambda: 0


@pointwise(
    samples=_SIGNS,
    selects=True,
    rejects=[
        reject(ShapeError, "heaviside: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "heaviside: expected floating dtypes, got complex128, float64", 1j, 1.0),
    ],
)
def heaviside(x: Any, y: Any) -> Any:
    """Zero for negative x, 1 for positive x, y where x is 0, elementwise; floating. The derivative by x is 0.

    >>> heaviside([-1.0, 0.0, 1.0], 0.5)
    array([0. , 0.5, 1. ])
    """
    return np.heaviside(x, y)


@heaviside.composed
def _(x: Array, y: Array) -> Array:
    step = operations.where(operations.equal(x, 0), y, operations.where(operations.isnan(x), x, 0))
    result: Array = operations.where(operations.greater(x, 0), 1, step)
    return result


@heaviside.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: 0
    yield lambda: operations.astype(x == 0, real_dtype(out.dtype))


@pointwise(
    finite_partials=True,
    samples=_SIGNS,
    rejects=[
        reject(ShapeError, "nextafter: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "nextafter: expected floating dtypes, got complex128, float64", 1j, 1.0),
    ],
)
def nextafter(x: Any, y: Any) -> Any:
    """The floating number next to x on the way to y, elementwise. The derivative by x is 1.

    >>> nextafter(1.0, 2.0) > 1.0
    array(True)
    """
    return np.nextafter(x, y)


@nextafter.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: 1
    yield lambda: 0


@pointwise(
    finite_partials=True,
    samples=[uniform(1.1, 1.9, 3, 4), uniform(2.2, 3.8), values(0.0, 1.0, -1.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "spacing: expected floating dtypes, got complex", 1j)],
)
def spacing(x: Any) -> Any:
    """The distance from x to the next floating number away from 0, elementwise. Its derivative is 0.

    >>> spacing(1.0) == np.finfo(float).eps
    array(True)
    """
    return np.spacing(x)


@spacing.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 0
