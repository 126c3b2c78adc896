"""Addition to division, remainders, and their kin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, integers, normal, points, reject, values
from pullback.core.sample import positive as positives
from pullback.errors import DTypeError, ShapeError
from pullback.ops.structural import as_array

_DIVISIONS = [
    call(points(5.3, -5.3, 5.3, -5.3, 0.4), points(2.0, 2.0, -2.0, -2.0, 3.1)),
    call(points(7.3, -8.9), 2.5),
    call(normal(0, 3), positives(3)),
    call(values(1.0, -1.0, 0.0, np.inf, 1.0, np.nan, -0.0), values(0.0, 0.0, 0.0, 2.0, -np.inf, 1.0, 3.0)),
]
"""Smooth where no quotient is an integer: there floor and trunc jump."""


@pointwise(
    samples=[
        call(normal(3, 4), normal(3, 4)),
        call(normal(3, 1), normal(4)),
        call(normal(3), 2.0),
        call(normal(), normal(0, 3)),
        call(values(np.inf, np.nan), values(-np.inf, 1.0)),
    ],
    rejects=[
        reject(ShapeError, "add: expected shapes that broadcast together, got (3,) and (4,)", normal(3), normal(4)),
        reject(DTypeError, "add: expected an array or a number, got str", normal(3), "a"),
    ],
)
def add(x: Any, y: Any) -> Any:
    """Sum of x and y, elementwise; any dtype and shapes that broadcast. Raises ShapeError if they do not.

    >>> add(1.0, 2.0)
    array(3.)
    """
    return np.add(x, y)


@add.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: 1
    yield lambda: 1


@pointwise(
    samples=[
        call(normal(3, 4), normal(3, 4)),
        call(normal(3, 1), normal(4)),
        call(2.0, normal(3)),
        call(values(np.inf, np.nan), values(np.inf, 1.0)),
    ],
    rejects=[
        reject(ShapeError, "subtract: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "subtract: expected integer, floating or complex dtypes, got bool", True, False),
    ],
)
def subtract(x: Any, y: Any) -> Any:
    """Difference of x and y, elementwise; any dtype but boolean, shapes that broadcast.

    >>> subtract(3.0, [1.0, 2.0])
    array([2., 1.])
    """
    return np.subtract(x, y)


@subtract.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: 1
    yield lambda: -1


@pointwise(
    samples=[
        call(normal(3, 4), normal(3, 4)),
        call(normal(3, 1), normal(4)),
        call(normal(), normal(0, 3)),
        call(values(0.0, 1.0), values(np.inf, np.nan)),
    ],
    rejects=[reject(ShapeError, "multiply: expected shapes that broadcast", normal(3), normal(4))],
)
def multiply(x: Any, y: Any) -> Any:
    """Product of x and y, elementwise; any dtype and shapes that broadcast. Raises ShapeError if they do not.

    >>> multiply(3.0, 2.0)
    array(6.)
    """
    return np.multiply(x, y)


@multiply.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: y
    yield lambda: x


@pointwise(
    types=np.multiply,
    private=True,
    samples=[call(normal(3, 4), normal(3, 4)), call(values(0.0, 0.0, 1.0), values(np.inf, np.nan, np.inf))],
    rejects=[reject(ShapeError, "strong_product: expected shapes that broadcast", normal(3), normal(4))],
)
def strong_product(ct: Any, partial: Any) -> Any:
    """Product in which a ``ct`` of exactly zero gives zero whatever the partial, even inf or NaN; elementwise.

    It is what multiplies a cotangent by a partial that need not be finite: no NaN comes through a branch of ``where``
    that was not selected.

    >>> strong_product(0.0, np.inf)
    array(0.)
    """
    with np.errstate(all="ignore"):
        product = np.multiply(ct, partial)
        if not np.isfinite(np.add.reduce(product, axis=None)):  # one cheap pass decides that nothing is to be done
            product = np.where(ct == 0, np.zeros((), product.dtype), product)
    return product


operations.provide("strong_product", strong_product)


@strong_product.partials
def _(out: Array, ct: Array, partial: Array) -> Iterator[Thunk]:
    yield lambda: partial
    yield lambda: ct


@pointwise(
    samples=[
        call(normal(3, 4), positives(3, 4)),
        call(normal(3, 1), positives(4)),
        call(1.0, positives(3)),
        call(values(1.0, 0.0, -1.0, np.inf, np.nan), values(0.0, 0.0, -0.0, np.inf, 1.0)),
    ],
    rejects=[reject(ShapeError, "divide: expected shapes that broadcast", normal(3), normal(4))],
)
def divide(x: Any, y: Any) -> Any:
    """Quotient of x and y, elementwise; integers give float64, shapes that broadcast.

    >>> divide(3, 2)
    array(1.5)
    """
    return np.divide(x, y)


@divide.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: reciprocal(y)
    yield lambda: -out / y


@pointwise(
    samples=_DIVISIONS,
    rejects=[
        reject(ShapeError, "floor_divide: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "floor_divide: expected integer or floating dtypes, got complex", 1j, 2.0),
    ],
)
def floor_divide(x: Any, y: Any) -> Any:
    """Largest integer not above x / y, elementwise; integer or floating, shapes that broadcast. Its derivative is 0.

    >>> floor_divide([5.0, -5.0], 2.0)
    array([ 2., -3.])
    """
    return np.floor_divide(x, y)


@floor_divide.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: 0
    yield lambda: 0


@pointwise(
    samples=_DIVISIONS,
    rejects=[
        reject(ShapeError, "remainder: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "remainder: expected integer or floating dtypes, got complex", 1j, 2.0),
    ],
)
def remainder(x: Any, y: Any) -> Any:
    """What ``floor_divide`` leaves of x, with the sign of y, elementwise; integer or floating, shapes that broadcast.

    >>> remainder([5.0, -5.0], 3.0)
    array([2., 1.])
    """
    return np.remainder(x, y)


@remainder.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: 1
    yield lambda: -floor_divide(x, y)


@pointwise(
    samples=_DIVISIONS,
    rejects=[
        reject(ShapeError, "fmod: expected shapes that broadcast", normal(3), normal(4)),
        reject(DTypeError, "fmod: expected integer or floating dtypes, got complex", 1j, 2.0),
    ],
)
def fmod(x: Any, y: Any) -> Any:
    """What division towards zero leaves of x, with the sign of x, elementwise; integer or floating.

    >>> fmod([5.0, -5.0], 3.0)
    array([ 2., -2.])
    """
    return np.fmod(x, y)


@fmod.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: 1
    # x - out is a multiple of y, and so the quotient is right where x / y would be rounded up to the next integer.
    yield lambda: -operations.rint((x - out) / y)


@function(
    np.divmod,
    samples=[*_DIVISIONS, call(integers(-9, 9, 5), 4)],
    rejects=[reject(ShapeError, "divmod: expected shapes that broadcast", normal(3), normal(4))],
)
def divmod(x: Any, y: Any) -> tuple[Array, Array]:
    """Return ``floor_divide(x, y)`` and ``remainder(x, y)``.

    >>> divmod(7.0, 2.0)
    (array(3.), array(1.))
    """
    return floor_divide(x, y), remainder(x, y)


@pointwise(
    finite_partials=True,
    samples=[normal(3, 4), normal(), normal(0, 3), values(0.0, -0.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "negative: expected integer, floating or complex dtypes, got bool", True)],
)
def negative(x: Any) -> Any:
    """Minus x, elementwise; any dtype but boolean.

    >>> negative(3.0)
    array(-3.)
    """
    return np.negative(x)


@negative.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -1


@pointwise(
    finite_partials=True,
    samples=[normal(3, 4), normal(), values(0.0, -0.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "positive: expected integer, floating or complex dtypes, got bool", True)],
)
def positive(x: Any) -> Any:
    """The value of x, elementwise; any dtype but boolean.

    >>> positive(3.0)
    array(3.)
    """
    return np.positive(x)


@positive.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 1


@pointwise(samples=[positives(3, 4), normal(), values(0.0, -0.0, np.inf, np.nan)])
def reciprocal(x: Any) -> Any:
    """One divided by x, elementwise, in the dtype of x: integers are divided as integers.

    >>> reciprocal(4.0)
    array(0.25)
    """
    return np.reciprocal(x)


@reciprocal.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -(out * out)


@function(
    np.modf,
    samples=[points(2.3, -2.7, 0.5), points(1.25), values(-2.0, -0.5, 0.0, -0.0, np.inf, -np.inf, np.nan)],
    rejects=[reject(DTypeError, "modf: expected floating dtypes, got complex", 1j)],
)
def modf(x: Any) -> tuple[Array, Array]:
    """Return the fractional and the integral part of x, both with its sign; integers are converted to floating.

    >>> modf([2.5, -1.25])
    (array([ 0.5 , -0.25]), array([ 2., -1.]))
    """
    x = as_array("modf", x)
    fraction = fractional_part(x)
    return fraction, operations.trunc(operations.astype(x, fraction.dtype))


@pointwise(
    name="modf",
    private=True,
    types=np.modf,
    finite_partials=True,
    samples=[points(2.3, -2.7, 0.5), values(2.0, np.inf)],
)
def fractional_part(x: Any) -> Any:
    """What is left of x without its integral part, with the sign of x; floating."""
    return np.modf(x)[0]


@fractional_part.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: 1


@function(
    np.frexp,
    samples=[points(2.3, -5.7, 0.3), points(1.25), values(0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 5e-324)],
    rejects=[reject(DTypeError, "frexp: expected floating dtypes, got complex", 1j)],
)
def frexp(x: Any) -> tuple[Array, Array]:
    """Return mantissa m, with 0.5 <= abs(m) < 1, and integer exponent e of x = m * 2**e. The exponent is constant.

    >>> frexp(3.0)
    (array(0.75), array(2, dtype=int32))
    """
    x = as_array("frexp", x)
    return mantissa(x), exponent(x)


@pointwise(name="frexp", private=True, types=np.frexp, samples=[points(2.3, -5.7, 0.3), values(0.0, 1.0, np.inf)])
def mantissa(x: Any) -> Any:
    """The mantissa of ``frexp``."""
    return np.frexp(x)[0]


@mantissa.partials
def _(out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: ldexp(operations.ones_like(out), negative(exponent(x)))


@pointwise(
    name="frexp_exponent", private=True, types=np.frexp, differentiable=False, samples=[points(2.3, -5.7), values(0.0)]
)
def exponent(x: Any) -> Any:
    """The exponent of ``frexp``, int32."""
    return np.frexp(x)[1]


@pointwise(
    samples=[
        call(normal(3, 4), integers(-3, 4, 3, 4)),
        call(normal(3, 1), integers(-3, 4, 4)),
        call(normal(3), 2),
        call(values(1.0, np.inf, np.nan), values(2000, 1, 1)),
    ],
    rejects=[
        reject(ShapeError, "ldexp: expected shapes that broadcast", normal(3), integers(0, 2, 4)),
        reject(DTypeError, "ldexp", normal(3), 1.5),
    ],
)
def ldexp(x: Any, n: Any) -> Any:
    """Product of x and 2**n, elementwise; x floating, n integer (without a derivative), shapes that broadcast.

    >>> ldexp(0.75, 2)
    array(3.)
    """
    return np.ldexp(x, n)


@ldexp.partials
def _(out: Array, x: Array, n: Array) -> Iterator[Thunk]:
    yield lambda: ldexp(operations.ones_like(out), n)
    yield None
