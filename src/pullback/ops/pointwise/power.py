"""Powers and roots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.graph import as_scalar
from pullback.core.operations import operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, distinct, normal, points, positive, reject, values
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.pointwise.arithmetic import reciprocal, strong_product
from pullback.ops.pointwise.exponential import log

_POWERS = [
    call(positive(3, 4), normal(3, 4)),
    call(positive(3, 1), normal(4)),
    call(normal(3), 2.0),
    call(normal(3), 3),
    call(2.0, normal(3)),
    call(positive(), -0.5),
    call(
        values(0.0, 0.0, 0.0, -0.0, -2.0, -2.0, np.inf, np.nan, 1.0),
        values(0.0, 2.0, -1.0, 3.0, 3.0, 0.5, -1.0, 0.0, np.nan),
    ),
]


@pointwise(
    samples=_POWERS,
    rejects=[
        reject(ShapeError, "power: expected shapes that broadcast", normal(3), normal(4)),
        reject(ArgumentError, "power: integers to negative integer powers", 2, -1),
    ],
)
def power(x: Any, y: Any) -> Any:
    """Raise x to the power y, elementwise; integer, floating or complex, shapes that broadcast.

    The derivative by x is right for negative x and integer-valued y, and at x = 0; the one by y is 0 at x = 0 < y.
    Raises ArgumentError for integers to negative integer powers.

    >>> power(2.0, 3.0)
    array(8.)
    """
    try:
        return np.power(x, y)
    except ValueError:
        raise ArgumentError(
            "power: integers to negative integer powers are not integers. Make one of them floating"
        ) from None


@power.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: _by_base(x, y)
    yield lambda: _by_exponent(out, x, y)


@pointwise(
    samples=_POWERS,
    rejects=[reject(ShapeError, "float_power: expected shapes that broadcast", normal(3), normal(4))],
)
def float_power(x: Any, y: Any) -> Any:
    """Raise x to the power y, elementwise, computed in float64 or complex128; derivatives as those of ``power``.

    >>> float_power(2, -1)
    array(0.5)
    """
    return np.float_power(x, y)


@float_power.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: _by_base(x, y)
    yield lambda: _by_exponent(out, x, y)


def _by_base(x: Array, y: Array) -> Array:
    """Y * x**(y - 1), which is 0 where y is 0, also at x = 0."""
    exponent = as_scalar(y._node)
    if exponent == 2:
        return x * 2
    if exponent is not None and exponent != 0:
        return power(x, exponent - 1) * exponent
    return strong_product(y, power(x, y - 1))


def _by_exponent(out: Array, x: Array, y: Array) -> Array:
    """x**y * log(x), continued by 0 to x = 0 < y."""
    zero = operations.logical_and(x == 0, y > 0)
    return out * log(operations.where(zero, 1.0, x))


@pointwise(finite_partials=True, samples=[normal(3, 4), normal(), normal(0, 3), values(0.0, np.inf, np.nan)])
def square(x: Any) -> Any:
    """Product of x with itself, elementwise; any dtype.

    >>> square(3.0)
    array(9.)
    """
    return np.square(x)


@square.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: x * 2


@pointwise(samples=[positive(3, 4), positive(), positive(0, 3), values(0.0, -0.0, -1.0, np.inf, np.nan)])
def sqrt(x: Any) -> Any:
    """Square root of x, elementwise; floating (NaN below 0) or complex (principal branch).

    >>> sqrt(9.0)
    array(3.)
    """
    return np.sqrt(x)


@sqrt.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 0.5 / out


@pointwise(
    samples=[distinct(3, 4), positive(), values(0.0, -0.0, -8.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "cbrt: expected floating dtypes, got complex", 1j)],
)
def cbrt(x: Any) -> Any:
    """Cube root of x, elementwise, with the sign of x; floating.

    >>> cbrt(-8.0)
    array(-2.)
    """
    return np.cbrt(x)


@cbrt.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal(3 * (out * out))


@pointwise(
    samples=[
        call(normal(3, 4), normal(3, 4)),
        call(normal(3, 1), normal(4)),
        call(points(3.0, 0.0), points(0.0, -2.0)),
        call(values(0.0, np.inf, 1e200, np.nan), values(0.0, np.nan, 1e200, 1.0)),
    ],
    rejects=[
        reject(ShapeError, "hypot: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "hypot: expected floating dtypes, got complex128, float64", 1j, 2.0),
    ],
)
def hypot(x: Any, y: Any) -> Any:
    """Length of the vector (x, y), elementwise, without overflow; floating. Its derivatives at (0, 0) are 0.

    >>> hypot(3.0, 4.0)
    array(5.)
    """
    return np.hypot(x, y)


@hypot.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: x / operations.where(out == 0, np.inf, out)  # 0 / inf, and derivatives that are 0
    yield lambda: y / operations.where(out == 0, np.inf, out)
