"""Sums that overflow or underflow although what is made of them does not: scaled by powers of two, which round nothing.

Each comes twice: for NumPy, which computes plainly first and again only what went wrong, and composed of operations for
the compiler, whose loops compute both at once.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import operations
from pullback.ops.reduction import Axes, count, reduce_sum

_EXPONENTS = {"d": (600, -450, 511), "f": (90, -50, 63)}
"""By dtype: the exponent of the scale, and those between which a root of squares has lost nothing."""


def _real(dtype: np.dtype[Any]) -> str:
    return dtype.char.lower()


def _squares(x: Any, scale: Any = None) -> Any:
    """The squares of the absolute values of ``scale * x``; of NumPy arrays as of ours."""
    parts = (x.real, x.imag) if x.dtype.kind == "c" else (x,)
    if scale is not None:
        parts = tuple([one * scale for one in parts])
    squares = [one * one for one in parts]
    return squares[0] if len(squares) == 1 else squares[0] + squares[1]


# Roots of sums of squares ---------------------------------------------------------------------------------------------


@np.errstate(over="ignore", under="ignore")  # what overflows is computed again
def root_of_squares(x: Any, axes: Axes, over: float | None = None) -> Any:
    """The root of the sum of squares (over a number, if one is given) of a NumPy array; ``axes`` are dropped."""

    def root(squares: Any, axes: Axes) -> Any:
        total = np.add.reduce(squares, axis=axes)
        return np.sqrt(total if over is None else np.true_divide(total, over))

    found = root(_squares(x), axes)
    if _real(x.dtype) not in _EXPONENTS or over == 0:
        return found
    exponent, low, high = _EXPONENTS[_real(x.dtype)]
    if found.ndim == 0 and 2.0**low < found < 2.0**high:
        return found
    small, large = found < 2.0**low, found > 2.0**high
    if found.ndim and not (small | large).any():
        return found
    found = np.array(found)
    last = tuple(range(-len(axes), 0))
    rows = np.moveaxis(x, axes, last)
    for wrong, power in ((small, exponent), (large, -exponent)):
        if wrong.any():
            scale = found.dtype.type(2.0**power)
            found[wrong] = root(_squares(rows[wrong], scale), last) / scale
    return found


def composed_root_of_squares(x: Array, axes: Axes, over: float | None = None) -> Array:
    """The same, composed of operations."""

    def total(scale: float | None) -> Array:
        sum_of_squares = reduce_sum(_squares(x, scale), axes=axes)
        return sum_of_squares if over is None else sum_of_squares / over

    plain = total(None)
    if _real(x.dtype) not in _EXPONENTS or over == 0:
        return operations.sqrt(plain)
    exponent, low, high = _EXPONENTS[_real(x.dtype)]
    up, down = 2.0**exponent, 2.0**-exponent
    large, small = plain > 4.0**high, plain < 4.0**low
    chosen = operations.where(large, total(down), operations.where(small, total(up), plain))
    back = operations.where(large, up, operations.where(small, down, 1.0))
    root: Array = operations.sqrt(chosen) * operations.astype(back, chosen.dtype)
    return root


# Means ----------------------------------------------------------------------------------------------------------------


def fraction(n: float) -> float:
    """The power of two by which ``n`` numbers are multiplied so that their sum does not overflow."""
    return 2.0 ** -math.ceil(math.log2(n)) if n > 1 else 1.0


def _is_finite(x: Any) -> bool:
    return cmath.isfinite(x) if x.ndim == 0 else bool(np.isfinite(x).all())


@np.errstate(over="ignore")
def mean(x: Any, axes: Axes, dtype: np.dtype[Any]) -> Any:
    """The mean of a NumPy array over ``axes``, which are dropped, summed in ``dtype``."""
    n = count(x.shape, axes)
    found = np.true_divide(np.add.reduce(x, axis=axes, dtype=dtype), n)
    if n < 2 or _is_finite(found):
        return found
    part = found.real.dtype.type(fraction(n))
    again = np.true_divide(np.add.reduce(x * part, axis=axes, dtype=dtype), n * part)
    return np.where(np.isfinite(found), found, again)


def composed_mean(x: Array, axes: Axes) -> Array:
    """The same of floating numbers, composed of operations."""
    n = count(x.shape, axes)
    part = fraction(n)
    result: Array = reduce_sum(x * part, axes=axes) / (n * part)
    return result


@np.errstate(over="ignore")
def mean_square(x: Any, axes: Axes, over: float) -> Any:
    """The sum of squares of a NumPy array over a number; ``axes`` are dropped."""
    found = np.true_divide(np.add.reduce(_squares(x), axis=axes), over)
    if over < 2 or _is_finite(found):
        return found
    part = found.dtype.type(fraction(math.sqrt(count(x.shape, axes))))
    again = np.true_divide(np.add.reduce(_squares(x, part), axis=axes), over * part * part)
    return np.where(np.isfinite(found), found, again)


def composed_mean_square(x: Array, axes: Axes, over: float) -> Array:
    """The same, composed of operations."""
    part = fraction(math.sqrt(count(x.shape, axes)))
    result: Array = reduce_sum(_squares(x, part), axes=axes) / (over * part * part)
    return result
