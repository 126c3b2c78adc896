"""The larger and the smaller of two, limits, and putting numbers in the place of NaN and infinity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import broadcast_shapes
from pullback.core.families import pointwise
from pullback.core.operations import function, operations, overrides
from pullback.core.primitive import Thunk
from pullback.core.sample import call, distinct, normal, reject, values
from pullback.dtypes import real_dtype
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.pointwise.comparison import isnan, logical_and, logical_not, logical_or
from pullback.ops.pointwise.complex import complex_of, imag, real
from pullback.ops.structural import as_array

_PAIRS = [
    call(distinct(3, 4), normal(3, 4)),
    call(distinct(3, 1), normal(4)),
    call(distinct(3), 0.0),
    call(distinct(0, 3), 0.5),
    call(values(0.0, -0.0, np.nan, 1.0, np.nan, np.inf), values(-0.0, 0.0, 1.0, np.nan, np.nan, np.inf)),
]


@pointwise(
    selects=True,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "maximum: expected shapes that broadcast", normal(3), normal(4))],
)
def maximum(x: Any, y: Any) -> Any:
    """The larger of x and y, elementwise, NaN where one is; equal operands share the gradient equally.

    >>> maximum([1.0, 2.0], 1.5)
    array([1.5, 2. ])
    """
    return np.maximum(x, y)


@maximum.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: _weight(x == y, logical_not(x < y), out)
    yield lambda: _weight(x == y, logical_not(y < x), out)


@pointwise(
    selects=True,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "minimum: expected shapes that broadcast", normal(3), normal(4))],
)
def minimum(x: Any, y: Any) -> Any:
    """The smaller of x and y, elementwise, NaN where one is; equal operands share the gradient equally.

    >>> minimum([1.0, 2.0], 1.5)
    array([1. , 1.5])
    """
    return np.minimum(x, y)


@minimum.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: _weight(x == y, logical_not(x > y), out)
    yield lambda: _weight(x == y, logical_not(y > x), out)


@pointwise(
    selects=True,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "fmax: expected shapes that broadcast", normal(3), normal(4))],
)
def fmax(x: Any, y: Any) -> Any:
    """The larger of x and y, elementwise, the other where one is NaN; equal operands share the gradient equally.

    >>> fmax([1.0, 2.0], [1.5, np.nan])
    array([1.5, 2. ])
    """
    return np.fmax(x, y)


@fmax.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: _weight(x == y, logical_or(x > y, isnan(y)), out)
    yield lambda: _weight(x == y, logical_or(y > x, isnan(x)), out)


@pointwise(
    selects=True,
    samples=_PAIRS,
    rejects=[reject(ShapeError, "fmin: expected shapes that broadcast", normal(3), normal(4))],
)
def fmin(x: Any, y: Any) -> Any:
    """The smaller of x and y, elementwise, the other where one is NaN; equal operands share the gradient equally.

    >>> fmin([1.0, 2.0], [1.5, np.nan])
    array([1., 2.])
    """
    return np.fmin(x, y)


@fmin.partials
def _(out: Array, x: Array, y: Array) -> Iterator[Thunk]:
    yield lambda: _weight(x == y, logical_or(x < y, isnan(y)), out)
    yield lambda: _weight(x == y, logical_or(y < x, isnan(x)), out)


def _weight(tie: Array, selected: Array, out: Array) -> Array:
    """1 where the operand was selected, 1/2 where both are equal, else 0."""
    weight: Array = operations.where(tie, 0.5, _indicator(selected, out))
    return weight


def _indicator(condition: Array, out: Array) -> Array:
    """1 where the condition holds, else 0, in the real dtype that goes with ``out``."""
    indicator: Array = operations.astype(condition, real_dtype(out.dtype))
    return indicator


_MISSING: Any = np._NoValue


@function(
    np.clip,
    samples=[
        call(distinct(3, 4), -0.5, 0.5),
        call(distinct(3, 4), normal(4), 1.0),
        call(distinct(3, 4), None, 0.5),
        call(distinct(3, 4), min=-0.5),
        call(distinct(3, 4), a_min=-0.5, a_max=None),
        call(distinct(3)),
        call(values(0.0, 1.0, 2.0, np.nan, np.inf), 0.0, 1.0),
        call(values(0.0, 1.0, 2.0), 1.5, 0.5),
    ],
    rejects=[
        reject(ShapeError, "clip: expected shapes that broadcast", normal(3), normal(4), 1.0),
        reject(ArgumentError, "clip: expected a_max", normal(3), 1.0),
        reject(ArgumentError, "clip: expected either min and max or a_min and a_max", normal(3), 0.0, 1.0, max=2.0),
    ],
)
def clip(a: Any, a_min: Any = _MISSING, a_max: Any = _MISSING, *, min: Any = _MISSING, max: Any = _MISSING) -> Array:
    """Bring what is below ``a_min`` or above ``a_max`` to these limits; None (or leaving it out) is no limit.

    The gradient goes to ``a`` where it is within the limits or at one of them, and to the limit where that is the
    result. ``min`` and ``max`` are other names of the limits. With ``a_min > a_max`` the result is ``a_max``.

    >>> clip([-1.0, 0.5, 2.0], 0.0, 1.0)
    array([0. , 0.5, 1. ])
    """
    if a_min is _MISSING and a_max is _MISSING:
        a_min, a_max = (None if limit is _MISSING else limit for limit in (min, max))
    elif min is not _MISSING or max is not _MISSING:
        raise ArgumentError("clip: expected either min and max or a_min and a_max, got both")
    elif a_min is _MISSING or a_max is _MISSING:
        raise ArgumentError(f"clip: expected {'a_min' if a_min is _MISSING else 'a_max'} too; None is no limit")
    a = as_array("clip", a)
    if a.dtype.kind in "iu":
        # A Python integer that changes nothing is no limit, even where the dtype does not hold it.
        bounds = np.iinfo(a.dtype)
        a_min = None if type(a_min) is int and a_min <= bounds.min else a_min
        a_max = None if type(a_max) is int and a_max >= bounds.max else a_max
        for given in (a_min, a_max):
            if type(given) is int and not bounds.min <= given <= bounds.max:
                raise ArgumentError(
                    f"clip: {given} is out of bounds for {a.dtype}. Convert to a wider dtype with astype"
                )
    if a_min is None and a_max is None:
        return operations.positive(a)
    if a.dtype.kind != "f" and (a_min is None or a_max is None):
        return minimum(a, a_max) if a_min is None else maximum(a, a_min)
    return limit(a, -np.inf if a_min is None else a_min, np.inf if a_max is None else a_max)


# What x.clip(low, high) on a NumPy array x calls.
overrides[np._core.umath.clip] = clip  # type: ignore[attr-defined]  # NumPy's annotations lack it


@pointwise(
    name="clip",
    private=True,
    types="?bBhHiIlLefdgFDG",
    selects=True,
    samples=[
        call(distinct(3, 4), -0.5, 0.5),
        call(distinct(3, 1), normal(4), normal(4)),
        call(values(0.0, 1.0, 2.0, np.nan), values(0.0, 0.0, 1.5, 0.0), values(1.0, 1.0, 0.5, 1.0)),
    ],
)
def limit(x: Any, low: Any, high: Any) -> Any:
    """The value of x, or ``low`` where x is below it, or ``high`` where x or ``low`` is above it."""
    return np.clip(x, low, high)


@limit.partials
def _(out: Array, x: Array, low: Array, high: Array) -> Iterator[Thunk]:
    yield lambda: _indicator(logical_not(logical_or(x < low, x > high)), out)
    yield lambda: _indicator(logical_and(x < low, low <= high), out)
    yield lambda: _indicator(logical_or(x > high, low > high), out)


@function(
    np.nan_to_num,
    samples=[
        normal(3, 4),
        call(values(1.0, np.nan, np.inf, -np.inf)),
        call(values(1.0, np.nan, np.inf, -np.inf), nan=-1.0, posinf=5.0, neginf=-5.0),
        call(values(np.nan, np.inf, np.nan), nan=values(1.0, 2.0, 3.0)),
    ],
    rejects=[
        reject(ShapeError, "nan_to_num: expected replacements that broadcast to (3,)", normal(3), nan=np.ones((2, 3)))
    ],
)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    """Put numbers in the place of NaN, inf (by default the largest number of the dtype) and -inf (the smallest).

    No gradient goes to what is replaced. ``copy`` is there for NumPy's sake: arrays are never written to.

    >>> nan_to_num([1.0, np.nan, np.inf], posinf=9.0)
    array([1., 0., 9.])
    """
    x = as_array("nan_to_num", x)
    if x.dtype.kind not in "fc":
        return x
    if x.dtype.kind == "c":
        return complex_of(*(nan_to_num(part, copy, nan, posinf, neginf) for part in (real(x), imag(x))))
    largest = float(np.finfo(x.dtype).max)
    result = operations.where(x == -np.inf, _replacement(x, -largest if neginf is None else neginf), x)
    result = operations.where(x == np.inf, _replacement(x, largest if posinf is None else posinf), result)
    finite: Array = operations.where(isnan(x), _replacement(x, nan), result)
    return finite


def _replacement(x: Array, number: Any) -> Array:
    number = as_array("nan_to_num", number)
    if not np.can_cast(number.dtype, x.dtype, "same_kind"):
        raise DTypeError(f"nan_to_num: cannot put {number.dtype} into an array of {x.dtype}. Use astype first")
    if broadcast_shapes("nan_to_num", number.shape, x.shape) != x.shape:
        raise ShapeError(f"nan_to_num: expected replacements that broadcast to {x.shape}, got {number.shape}")
    replacement: Array = operations.astype(number, x.dtype)
    return replacement
