"""NumPy's scimath: functions that turn complex where a real number has no real result, as their values must show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import function, operations
from pullback.core.sample import call, integers, points, positive, uniform, values
from pullback.ops.structural import as_array, as_arrays, astype

_SINGLE = "fbhBHF"
"""Dtypes that NumPy makes single precision complex; the others double."""


def _has(operation: str, x: Array, beyond: Callable[[Any], Any]) -> bool:
    """Whether one of the real numbers lies beyond what has a real result."""
    known = x._concrete(f"{operation}, whose dtype depends on the values,")
    return bool(np.any(np.isreal(known) & beyond(known)))


def _widened(operation: str, x: Array, beyond: Callable[[Any], Any]) -> Array:
    if not _has(operation, x, beyond):
        return x
    return astype(x, np.dtype(np.complex64 if x.dtype.char in _SINGLE else np.complex128))


def _negative(x: Any) -> Any:
    return x < 0


def _large(x: Any) -> Any:
    return np.abs(x) > 1


_LINE = [positive(2, 3), points(-1.5, 2.0), integers(-3, 9, 4), values(1j, -1.0, 2.0)]
_BALL = [uniform(-0.9, 0.9, 2, 3), points(-0.5, 0.3), integers(-1, 2, 3), values(2.0, -3.0, 0.5)]


@function(np.lib.scimath.sqrt, samples=_LINE)
def scimath_sqrt(x: Any) -> Array:
    """Square root of x, elementwise; complex if there are negative numbers.

    >>> scimath_sqrt([-1.0, 4.0])
    array([0.+1.j, 2.+0.j])
    """
    return _real_or_complex("scimath_sqrt", operations.sqrt, x, _negative)


@function(np.lib.scimath.log, samples=_LINE)
def scimath_log(x: Any) -> Array:
    """Natural logarithm of x, elementwise; complex if there are negative numbers.

    >>> scimath_log([1.0])
    array([0.])
    """
    return _real_or_complex("scimath_log", operations.log, x, _negative)


@function(np.lib.scimath.log2, samples=_LINE)
def scimath_log2(x: Any) -> Array:
    """Logarithm of x to base 2, elementwise; complex if there are negative numbers.

    >>> scimath_log2([4.0])
    array([2.])
    """
    return _real_or_complex("scimath_log2", operations.log2, x, _negative)


@function(np.lib.scimath.log10, samples=_LINE)
def scimath_log10(x: Any) -> Array:
    """Logarithm of x to base 10, elementwise; complex if there are negative numbers.

    >>> scimath_log10([100.0])
    array([2.])
    """
    return _real_or_complex("scimath_log10", operations.log10, x, _negative)


@function(np.lib.scimath.logn, samples=[call(positive(3), positive(3)), call(2.0, points(-1.5, 2.0))])
def scimath_logn(n: Any, x: Any) -> Array:
    """Logarithm of x to base n, elementwise; complex if there are negative numbers.

    >>> scimath_logn(2.0, [8.0])
    array([3.])
    """
    n, x = as_arrays("scimath_logn", n, x)
    x, n = _widened("scimath_logn", x, _negative), _widened("scimath_logn", n, _negative)
    quotient: Array = operations.log(x) / operations.log(n)
    return quotient


@function(
    np.lib.scimath.power,
    samples=[
        call(positive(3), uniform(-1.5, 1.5, 3)),
        call(points(-1.5, 2.0), points(0.5, 1.5)),
        call(integers(1, 5, 3), integers(-2, 2, 3)),
    ],
)
def scimath_power(x: Any, p: Any) -> Array:
    """X to the power p, elementwise; complex if there are negative x, floating if there are negative integers p.

    >>> scimath_power([2, 4], -1)
    array([0.5 , 0.25])
    """
    x, p = as_arrays("scimath_power", x, p)
    x = _widened("scimath_power", x, _negative)
    if p.dtype.kind not in "fc" and _has("scimath_power", p, _negative):
        p = p * 1.0
    result: Array = operations.power(x, p)
    return result


@function(np.lib.scimath.arccos, samples=_BALL)
def scimath_arccos(x: Any) -> Array:
    """Inverse cosine of x, elementwise; complex if there are numbers beyond 1 or -1.

    >>> scimath_arccos([1.0])
    array([0.])
    """
    return _real_or_complex("scimath_arccos", operations.arccos, x, _large)


@function(np.lib.scimath.arcsin, samples=_BALL)
def scimath_arcsin(x: Any) -> Array:
    """Inverse sine of x, elementwise; complex if there are numbers beyond 1 or -1.

    >>> scimath_arcsin([0.0])
    array([0.])
    """
    return _real_or_complex("scimath_arcsin", operations.arcsin, x, _large)


@function(np.lib.scimath.arctanh, samples=_BALL)
def scimath_arctanh(x: Any) -> Array:
    """Inverse hyperbolic tangent of x, elementwise; complex if there are numbers beyond 1 or -1.

    >>> scimath_arctanh([0.0])
    array([0.])
    """
    return _real_or_complex("scimath_arctanh", operations.arctanh, x, _large)


def _real_or_complex(operation: str, apply: Callable[[Array], Array], x: Any, beyond: Callable[[Any], Any]) -> Array:
    return apply(_widened(operation, as_array(operation, x), beyond))
