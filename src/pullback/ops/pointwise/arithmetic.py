"""Addition to division, powers, and their kin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, reject, values
from pullback.errors import DTypeError, ShapeError


@pointwise(
    samples=[call(normal(3, 4), normal(3, 4)), call(normal(3, 1), normal(4)), call(normal(3), 2.0)],
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
    finite_partials=False,
    samples=[
        call(normal(3, 4), normal(3, 4)),
        call(normal(3, 1), normal(4)),
        call(values(0.0, 1.0), values(np.inf, np.nan)),
    ],
    rejects=[reject(ShapeError, "broadcast", normal(3), normal(4))],
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
    samples=[call(normal(3, 4), normal(3, 4)), call(values(0.0, 0.0, 1.0), values(np.inf, np.nan, np.inf))],
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


@strong_product.partials
def _(out: Array, ct: Array, partial: Array) -> Iterator[Thunk]:
    yield lambda: partial
    yield lambda: ct


@pointwise(
    finite_partials=True,
    samples=[normal(3, 4), values(0.0, -0.0, np.inf, np.nan)],
    rejects=[reject(DTypeError, "negative", True)],
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
