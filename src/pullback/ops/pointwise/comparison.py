"""Comparisons, and tests of numbers: results are boolean and carry no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import function, operations
from pullback.core.sample import booleans, call, integers, normal, reject, values
from pullback.errors import DTypeError, ShapeError
from pullback.ops.structural import as_array

_PAIRS = [
    call(normal(3, 1), normal(4)),
    call(normal(3), 0.5),
    call(integers(0, 3, 3, 4), integers(0, 3, 4)),
    call(booleans(5), booleans(5)),
    call(values(0.0, -0.0, np.nan, np.inf), values(-0.0, 1.0, np.nan, np.inf)),
]
_TESTED = [normal(3, 4), normal(), integers(-2, 3, 4), values(0.0, -0.0, -1.0, np.nan, np.inf, -np.inf)]


@pointwise(
    differentiable=False,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "equal: expected shapes that broadcast", normal(3), normal(4))],
)
def equal(x: Any, y: Any) -> Any:
    """Whether x and y are equal, elementwise; NaN equals nothing.

    >>> equal([1.0, 2.0], 2.0)
    array([False,  True])
    """
    return np.equal(x, y)


@pointwise(
    differentiable=False,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "not_equal: expected shapes that broadcast", normal(3), normal(4))],
)
def not_equal(x: Any, y: Any) -> Any:
    """Whether x and y differ, elementwise; NaN differs from all.

    >>> not_equal([1.0, 2.0], 2.0)
    array([ True, False])
    """
    return np.not_equal(x, y)


@pointwise(
    differentiable=False,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "less: expected shapes that broadcast", normal(3), normal(4))],
)
def less(x: Any, y: Any) -> Any:
    """Whether x is below y, elementwise; complex numbers by their real part first, as NumPy orders them.

    >>> less([1.0, 2.0], 2.0)
    array([ True, False])
    """
    return np.less(x, y)


@pointwise(
    differentiable=False,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "less_equal: expected shapes that broadcast", normal(3), normal(4))],
)
def less_equal(x: Any, y: Any) -> Any:
    """Whether x is below or equal to y, elementwise.

    >>> less_equal([1.0, 2.0, 3.0], 2.0)
    array([ True,  True, False])
    """
    return np.less_equal(x, y)


@pointwise(
    differentiable=False,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "greater: expected shapes that broadcast", normal(3), normal(4))],
)
def greater(x: Any, y: Any) -> Any:
    """Whether x is above y, elementwise; complex numbers by their real part first, as NumPy orders them.

    >>> greater([1.0, 2.0, 3.0], 2.0)
    array([False, False,  True])
    """
    return np.greater(x, y)


@pointwise(
    differentiable=False,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "greater_equal: expected shapes that broadcast", normal(3), normal(4))],
)
def greater_equal(x: Any, y: Any) -> Any:
    """Whether x is above or equal to y, elementwise.

    >>> greater_equal([1.0, 2.0], 2.0)
    array([False,  True])
    """
    return np.greater_equal(x, y)


@pointwise(
    differentiable=False,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "logical_and: expected shapes that broadcast", normal(3), normal(4))],
)
def logical_and(x: Any, y: Any) -> Any:
    """Whether both x and y are true (not zero), elementwise.

    >>> logical_and([True, False], True)
    array([ True, False])
    """
    return np.logical_and(x, y)


@pointwise(
    differentiable=False,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "logical_or: expected shapes that broadcast", normal(3), normal(4))],
)
def logical_or(x: Any, y: Any) -> Any:
    """Whether x or y or both are true (not zero), elementwise.

    >>> logical_or([True, False], False)
    array([ True, False])
    """
    return np.logical_or(x, y)


@pointwise(
    differentiable=False,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "logical_xor: expected shapes that broadcast", normal(3), normal(4))],
)
def logical_xor(x: Any, y: Any) -> Any:
    """Whether exactly one of x and y is true (not zero), elementwise.

    >>> logical_xor([True, False], True)
    array([False,  True])
    """
    return np.logical_xor(x, y)


@pointwise(differentiable=False, samples=_TESTED)
def logical_not(x: Any) -> Any:
    """Whether x is false (zero), elementwise.

    >>> logical_not([True, False])
    array([False,  True])
    """
    return np.logical_not(x)


@pointwise(differentiable=False, samples=_TESTED)
def isnan(x: Any) -> Any:
    """Whether x is NaN, elementwise; for complex, whether a part is.

    >>> isnan([1.0, np.nan])
    array([False,  True])
    """
    return np.isnan(x)


@pointwise(differentiable=False, samples=_TESTED)
def isinf(x: Any) -> Any:
    """Whether x is inf or -inf, elementwise; for complex, whether a part is.

    >>> isinf([1.0, -np.inf])
    array([False,  True])
    """
    return np.isinf(x)


@pointwise(differentiable=False, samples=_TESTED)
def isfinite(x: Any) -> Any:
    """Whether x is neither infinite nor NaN, elementwise.

    >>> isfinite([1.0, np.nan, np.inf])
    array([ True, False, False])
    """
    return np.isfinite(x)


@pointwise(
    differentiable=False,
    samples=_TESTED,
    rejects=[reject(DTypeError, "signbit: expected floating dtypes, got complex", 1j)],
)
def signbit(x: Any) -> Any:
    """Whether the sign bit of x is set, elementwise: also for -0.0; floating.

    >>> signbit([1.0, -0.0])
    array([False,  True])
    """
    return np.signbit(x)


@signbit.composed
def _(x: Array) -> Array:
    negative: Array = operations.less(operations.copysign(1.0, x), 0)
    return negative


@function(
    np.isposinf,
    samples=_TESTED,
    rejects=[reject(DTypeError, "isposinf: expected a real dtype, got complex128", 1j)],
    differentiable=False,
)
def isposinf(x: Any) -> Array:
    """Whether x is inf, elementwise; not complex.

    >>> isposinf([np.inf, -np.inf])
    array([ True, False])
    """
    return equal(as_real("isposinf", x), np.inf)


@function(
    np.isneginf,
    samples=_TESTED,
    rejects=[reject(DTypeError, "isneginf: expected a real dtype, got complex128", 1j)],
    differentiable=False,
)
def isneginf(x: Any) -> Array:
    """Whether x is -inf, elementwise; not complex.

    >>> isneginf([np.inf, -np.inf])
    array([False,  True])
    """
    return equal(as_real("isneginf", x), -np.inf)


def as_real(operation: str, x: Any) -> Array:
    """Return x as an Array; raise DTypeError if it is complex."""
    x = as_array(operation, x)
    if x.dtype.kind == "c":
        raise DTypeError(f"{operation}: expected a real dtype, got {x.dtype}")
    return x


@function(np.isreal, samples=[*_TESTED, values(1j, 1.0, complex(0.0, np.nan))], differentiable=False)
def isreal(x: Any) -> Array:
    """Whether x has no imaginary part, elementwise.

    >>> isreal([1.0, 1.0j])
    array([ True, False])
    """
    return equal(operations.imag(x), 0)


@function(np.iscomplex, samples=[*_TESTED, values(1j, 1.0, complex(0.0, np.nan))], differentiable=False)
def iscomplex(x: Any) -> Array:
    """Whether x has an imaginary part, elementwise.

    >>> iscomplex([1.0, 1.0j])
    array([False,  True])
    """
    return not_equal(operations.imag(x), 0)


@function(
    np.isclose,
    samples=[
        *_PAIRS,
        call(normal(3), normal(3), rtol=0.5, atol=0.1),
        call(values(np.nan), values(np.nan), equal_nan=True),
    ],
    rejects=[reject(ShapeError, "expected shapes that broadcast", normal(3), normal(4))],
    differentiable=False,
)
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Array:
    """Whether abs(a - b) <= atol + rtol * abs(b), or a == b, elementwise; NaN is close to NaN if ``equal_nan``.

    >>> isclose([1.0, 1.1], 1.0 + 1e-9)
    array([ True, False])
    """
    a, b = (one if isinstance(one, (int, float, complex)) else as_array("isclose", one) for one in (a, b))
    if isinstance(b, Array):
        b = operations.astype(b, np.result_type(b.dtype, 1.0))  # integers and booleans would wrap around
    elif isinstance(b, int):
        b = float(b)
    with np.errstate(invalid="ignore"):
        near = less_equal(operations.absolute(a - b), atol + rtol * operations.absolute(b))
    close = logical_or(logical_and(near, isfinite(b)), equal(a, b))
    return logical_or(close, logical_and(isnan(a), isnan(b))) if equal_nan else close


@function(
    np.allclose,
    samples=[*_PAIRS, call(normal(3), normal(3), rtol=0.5, atol=10.0)],
    rejects=[reject(ShapeError, "expected shapes that broadcast", normal(3), normal(4))],
    differentiable=False,
)
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close, see ``isclose``: a Python bool.

    >>> allclose([1.0, 1.1], 1.0)
    False
    """
    return bool(operations.all(isclose(a, b, rtol, atol, equal_nan)))


@function(
    np.array_equal,
    samples=[*_PAIRS, call(normal(3), normal(4)), call(values(np.nan), values(np.nan), equal_nan=True)],
    differentiable=False,
)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """Whether both have the same shape and equal elements: a Python bool.

    >>> array_equal([1.0, 2.0], [1.0, 2.0])
    True
    """
    a1, a2 = as_array("array_equal", a1), as_array("array_equal", a2)
    if a1.shape != a2.shape:
        return False
    same = equal(a1, a2)
    return bool(operations.all(logical_or(same, logical_and(isnan(a1), isnan(a2))) if equal_nan else same))
