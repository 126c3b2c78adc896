"""Running extremes, and running logarithms of sums of exponentials: what ufuncs accumulate besides sums and products.

The derivative of each is a linear recurrence, so that it takes one pass whatever the length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axis
from pullback.core.creation import as_dtype
from pullback.core.families import General, general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, distinct, normal, reject, values
from pullback.dtypes import is_differentiable, real_dtype
from pullback.errors import DTypeError, ShapeError
from pullback.ops.cumulative import recurrence
from pullback.ops.extremes import attained
from pullback.ops.structural import as_array, zeros_like

_SAMPLES = [
    call(distinct(2, 5), axis=1),
    call(distinct(4, 2), axis=0),
    call(distinct(0, 3), axis=0),
    call(values(1.0, 3.0, 3.0, np.nan, 4.0), axis=0),
]


@general(name="cummax", samples=_SAMPLES, axis_params=("axis",))
def running_max(x: Any, *, axis: int) -> Any:
    """The largest of each element and those before it along ``axis``; NaN from the first NaN on."""
    return np.maximum.accumulate(x, axis=axis)


@general(name="cummin", samples=_SAMPLES, axis_params=("axis",))
def running_min(x: Any, *, axis: int) -> Any:
    """The smallest of each element and those before it along ``axis``; NaN from the first NaN on."""
    return np.minimum.accumulate(x, axis=axis)


def _later_and_earlier(x: Array, axis: int) -> tuple[Array, Array]:
    """The elements from the second on along ``axis``, and for each the one before it."""
    whole = (slice(None),) * axis
    return x[(*whole, slice(1, None))], x[(*whole, slice(None, -1))]


def _from_second(later: Array, axis: int) -> Array:
    """With a zero for the first element."""
    zero = zeros_like(later, shape=(*later.shape[:axis], 1, *later.shape[axis + 1 :]))
    result: Array = operations.concatenate([zero, later], axis=axis)
    return result


def _stretches(out: Array, x: Array, axis: int) -> tuple[Array, Array, Array]:
    """What the running extreme does along ``axis``, as numbers of its dtype.

    Returns where it is what it was before (0 for the first element), where x attains it, and at how many places of
    the stretch over which it is the same x has attained it so far.
    """
    dtype = real_dtype(out.dtype)
    same = _from_second(operations.astype(attained(*_later_and_earlier(out, axis), axes=()), dtype), axis)
    reached = operations.astype(attained(x, out, axes=()), dtype)
    return same, reached, recurrence(same, reached, axis=axis, reverse=False)


def _declare_rules(primitive: General) -> None:
    """The rules of both: what attains the extreme shares its derivative equally."""

    @primitive.infer
    def _(x: Aval, *, axis: int) -> Aval:
        return x

    @primitive.define_vjp
    def _(ct: Array, out: Array, x: Array, *, axis: int) -> Iterator[Thunk]:
        def share() -> Array:
            if not x.size:
                return ct
            same, reached, ties = _stretches(out, x, axis)
            kept = operations.concatenate([_later_and_earlier(same, axis)[0], _first(same, axis)], axis=axis)
            arriving = recurrence(_like(kept, ct), ct / ties, axis=axis, reverse=True)
            shared: Array = operations.where(reached != 0, arriving, 0)
            return shared

        yield share

    @primitive.define_jvp
    def _(tangents: Sequence[Any], out: Array, x: Array, *, axis: int) -> Array:
        if not x.size:
            return zeros_like(out)
        same, reached, ties = _stretches(out, x, axis)
        moved = operations.where(reached != 0, tangents[0], 0)
        return recurrence(_like(same, moved), moved, axis=axis, reverse=False) / ties


def _first(same: Array, axis: int) -> Array:
    return same[(*(slice(None),) * axis, slice(None, 1))]


def _like(factors: Array, terms: Array) -> Array:
    """Factors in the dtype that a recurrence has its terms in."""
    converted: Array = operations.astype(factors, terms.dtype)
    return converted


_declare_rules(running_max)
_declare_rules(running_min)


@general(
    name="logcumsumexp",
    samples=[
        call(normal(2, 5), axis=1),
        call(normal(0, 3), axis=0),
        call(values(-np.inf, -np.inf, 1000.0, 1000.0), axis=0),
    ],
    axis_params=("axis",),
)
def running_logsumexp(x: Any, *, axis: int) -> Any:
    """The logarithm of the sum of the exponentials of each element and those before it along ``axis``."""
    return np.logaddexp.accumulate(x, axis=axis)


@running_logsumexp.infer
def _(x: Aval, *, axis: int) -> Aval:
    return x


def _share(x: Array, out: Array) -> Array:
    """``exp(x - out)``, the part of a term in a sum; 0 where there is nothing yet."""
    nothing = out == -np.inf
    part: Array = operations.exp(operations.where(nothing, -np.inf, x) - operations.where(nothing, 0, out))
    return part


@running_logsumexp.define_vjp
def _(ct: Array, out: Array, x: Array, *, axis: int) -> Iterator[Thunk]:
    def by_x() -> Array:
        if not x.size:
            return ct
        later, earlier = _later_and_earlier(out, axis)
        last = zeros_like(out, shape=(*out.shape[:axis], 1, *out.shape[axis + 1 :]))
        kept = operations.concatenate([_share(earlier, later), last], axis=axis)
        arriving = recurrence(kept, ct, axis=axis, reverse=True)
        product: Array = operations.strong_product(arriving, _share(x, out))
        return product

    yield by_x


@running_logsumexp.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axis: int) -> Array:
    if not x.size:
        return zeros_like(out)
    later, earlier = _later_and_earlier(out, axis)
    kept = _from_second(_share(earlier, later), axis)
    return recurrence(kept, operations.strong_product(tangents[0], _share(x, out)), axis=axis, reverse=False)


# Public functions -----------------------------------------------------------------------------------------------------


def _accumulated(primitive: General, array: Any, axis: Any, dtype: Any) -> Array:
    operation = primitive.name
    x = as_array(operation, array)
    if not x.ndim:
        raise ShapeError(f"{operation}: expected at least one axis, got a 0-d array")
    if dtype is not None:
        x = operations.astype(x, as_dtype(operation, dtype))
    return primitive(x, axis=normalize_axis(operation, axis, x.ndim))


def _public_rejects(operation: str) -> list[Any]:
    return [
        reject(ShapeError, f"{operation}: axis 1 is out of range", normal(3), axis=1),
        reject(ShapeError, f"{operation}: expected at least one axis", normal()),
    ]


_PUBLIC_SAMPLES = [
    distinct(4),
    call(distinct(2, 5), axis=1),
    call(values(1.0, 3.0, 3.0, np.nan, 4.0)),
    call(values(1.5, 2.5), dtype=np.float32),
    call(distinct(0)),
]


@function(np.maximum.accumulate, samples=_PUBLIC_SAMPLES, rejects=_public_rejects("cummax"))
def cummax(array: Any, axis: Any = 0, dtype: Any = None) -> Array:
    """The largest of each element and those before it along ``axis``: ``np.maximum.accumulate``.

    Those that attain it share the gradient equally.

    >>> cummax([1.0, 3.0, 2.0])
    array([1., 3., 3.])
    """
    return _accumulated(running_max, array, axis, dtype)


@function(np.minimum.accumulate, samples=_PUBLIC_SAMPLES, rejects=_public_rejects("cummin"))
def cummin(array: Any, axis: Any = 0, dtype: Any = None) -> Array:
    """The smallest of each element and those before it along ``axis``: ``np.minimum.accumulate``.

    >>> cummin([2.0, 1.0, 3.0])
    array([2., 1., 1.])
    """
    return _accumulated(running_min, array, axis, dtype)


@function(
    np.logaddexp.accumulate,
    samples=[normal(4), call(normal(2, 5), axis=1), values(-np.inf, 0.0, np.inf, 1.0), values(-np.inf, np.nan, 1.0)],
    rejects=[*_public_rejects("logcumsumexp"), reject(DTypeError, "logcumsumexp: expected floating", [1j])],
)
def logcumsumexp(array: Any, axis: Any = 0, dtype: Any = None) -> Array:
    """The logarithm of the running sum of exponentials along ``axis``: ``np.logaddexp.accumulate``.

    >>> logcumsumexp([0.0, 0.0]).round(3)
    array([0.   , 0.693])
    """
    x = as_array("logcumsumexp", array)
    if x.dtype.kind == "c":
        raise DTypeError(f"logcumsumexp: expected floating numbers, got {x.dtype}")
    if not is_differentiable(x.dtype):
        x = operations.astype(x, np.logaddexp.resolve_dtypes((x.dtype, x.dtype, None))[0])
    return _accumulated(running_logsumexp, x, axis, dtype)
