"""Running sums and products, and the linear recurrence behind the derivative of a running product."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axis
from pullback.core.families import general, linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, points, reject, values
from pullback.core.terminals import scalar_node
from pullback.errors import ArgumentError, ShapeError
from pullback.ops.reduction import accumulated_dtype, conjugated
from pullback.ops.structural import as_array

_SCALAR_LOOP = 16
"""With fewer rows than this a loop over Python numbers is faster than one over slices."""

_BLOCK = 64
"""A line is cut into blocks if they are at least so long, and as many."""


def _running(ufunc: np.ufunc, x: Any, axis: int, reverse: bool) -> Any:
    if reverse:
        return np.flip(ufunc.accumulate(np.flip(x, axis), axis=axis), axis)
    return ufunc.accumulate(x, axis=axis)


@linear(
    name="cumsum",
    samples=[
        call(normal(3, 4), axis=0, reverse=False),
        call(normal(3, 4), axis=1, reverse=True),
        call(normal(0), axis=0, reverse=False),
    ],
    axis_params=("axis",),
)
def running_sum(x: Any, *, axis: int, reverse: bool) -> Any:
    """Sum of each element and those before it (after it, in ``reverse``) along ``axis``."""
    return _running(np.add, x, axis, reverse)


@running_sum.infer
def _(x: Aval, *, axis: int, reverse: bool) -> Aval:
    return Aval(x.shape, np.add.reduce(np.empty(0, x.dtype)).dtype)


@running_sum.transpose
def _(ct: Array, x: Array, *, axis: int, reverse: bool) -> Iterator[Thunk]:
    yield lambda: running_sum(ct, axis=axis, reverse=not reverse)


def _shifted(x: Array, axis: int, fill: int, reverse: bool) -> Array:
    """Move the elements one place on along ``axis`` (back, in ``reverse``); ``fill`` comes in."""
    if not x.shape[axis]:
        return x
    edge = Array(scalar_node(fill, (*x.shape[:axis], 1, *x.shape[axis + 1 :]), x.dtype))
    rest = x[(*[slice(None)] * axis, slice(1, None) if reverse else slice(None, -1))]
    joined: Array = operations.concatenate([rest, edge] if reverse else [edge, rest], axis=axis)
    return joined


@general(
    samples=[
        call(normal(3, 4), normal(3, 4), axis=0, reverse=False),
        call(normal(3, 4), normal(3, 4), axis=1, reverse=True),
        call(normal(2, 20), normal(2, 20), axis=0, reverse=False),
        call(points(0.0, 2.0, 0.0), normal(3), axis=0, reverse=False),
        call(normal(0), normal(0), axis=0, reverse=False),
    ],
    rejects=[reject(ShapeError, "recurrence: expected one shape", normal(3), normal(4), axis=0, reverse=False)],
    axis_params=("axis",),
)
def recurrence(a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    """The linear recurrence ``s[i] = a[i] * s[i-1] + b[i]`` along ``axis``, s[0] = b[0]; backwards in ``reverse``."""
    if a.shape != b.shape:
        raise ShapeError(f"recurrence: expected one shape, got {a.shape} and {b.shape}")
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    result = np.array(b)
    if reverse:
        a, b = a[::-1], b[::-1]
    steps = result[::-1] if reverse else result
    if b.size and b[0].size < _SCALAR_LOOP and b.dtype.char in "efdFD":
        for row in np.ndindex(b.shape[1:]):
            line = (slice(None), *row)
            steps[line] = _line_recurrence(a[line], b[line])
    else:
        for i in range(1, len(b)):
            steps[i] = a[i] * steps[i - 1] + b[i]
    return np.moveaxis(result, 0, axis)


def _line_recurrence(a: Any, b: Any) -> Any:
    """One line. A long one is cut into blocks, which are all gone through at once, each as if it were the first."""
    count = len(b)
    length = math.isqrt(count)
    blocks = -(-count // length)
    if length < _BLOCK:
        return _scalar_recurrence(a.tolist(), b.tolist())
    wide = complex if b.dtype.kind == "c" else float
    padded = np.zeros((2, blocks * length), wide)
    padded[:, :count] = a, b
    padded[0, 0] = 0
    factors, terms = (line.reshape(blocks, length).T.copy() for line in padded)
    products = np.multiply.accumulate(factors, axis=0)
    if not np.all(np.isfinite(products)):
        return _scalar_recurrence(a.tolist(), b.tolist())
    for i in range(1, length):
        terms[i] += factors[i] * terms[i - 1]
    # What a block begins with is what the one before it ends with.
    ends = _scalar_recurrence([0, *products[-1, :-1].tolist()], [0, *terms[-1, :-1].tolist()])
    terms += products * np.array(ends)
    return terms.T.reshape(-1)[:count]


def _scalar_recurrence(a: list[Any], b: list[Any]) -> list[Any]:
    total = b[0]
    result = [total]
    for factor, term in zip(a[1:], b[1:], strict=True):
        total = factor * total + term
        result.append(total)
    return result


@recurrence.infer
def _(a: Aval, b: Aval, *, axis: int, reverse: bool) -> Aval:
    if a != b:
        raise ShapeError(f"recurrence: expected one shape and dtype, got {a} and {b}")
    return b


@recurrence.define_vjp
def _(ct: Array, out: Array, a: Array, b: Array, *, axis: int, reverse: bool) -> Iterator[Thunk]:
    # The adjoint is the recurrence run the other way, l[i] = ct[i] + a[i+1] * l[i+1].
    adjoint = recurrence(conjugated(_shifted(a, axis, 0, not reverse)), ct, axis=axis, reverse=not reverse)
    yield lambda: operations.strong_product(adjoint, conjugated(_shifted(out, axis, 0, reverse)))
    yield lambda: adjoint


@recurrence.define_jvp
def _(tangents: Sequence[Any], out: Array, a: Array, b: Array, *, axis: int, reverse: bool) -> Array:
    by_a, forcing = tangents
    if by_a is not None:
        term = operations.strong_product(by_a, _shifted(out, axis, 0, reverse))
        forcing = term if forcing is None else forcing + term
    return recurrence(a, forcing, axis=axis, reverse=reverse)


@general(
    name="cumprod",
    samples=[
        call(normal(3, 4), axis=0, reverse=False),
        call(normal(3, 4), axis=1, reverse=True),
        call(points(2.0, 0.0, 3.0, 0.0, 5.0), axis=0, reverse=False),
        call(normal(0), axis=0, reverse=False),
    ],
    axis_params=("axis",),
)
def running_product(x: Any, *, axis: int, reverse: bool) -> Any:
    """Product of each element and those before it (after it, in ``reverse``) along ``axis``."""
    return _running(np.multiply, x, axis, reverse)


@running_product.infer
def _(x: Aval, *, axis: int, reverse: bool) -> Aval:
    return Aval(x.shape, np.multiply.reduce(np.empty(0, x.dtype)).dtype)


@running_product.define_vjp
def _(ct: Array, out: Array, x: Array, *, axis: int, reverse: bool) -> Iterator[Thunk]:
    def by_x() -> Array:
        adjoint = recurrence(conjugated(_shifted(x, axis, 0, not reverse)), ct, axis=axis, reverse=not reverse)
        contribution: Array = operations.strong_product(adjoint, conjugated(_shifted(out, axis, 1, reverse)))
        return contribution

    yield by_x


@running_product.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axis: int, reverse: bool) -> Array:
    forcing = operations.strong_product(tangents[0], _shifted(out, axis, 1, reverse))
    return recurrence(x, forcing, axis=axis, reverse=reverse)


def preceding_products(x: Array, *, reverse: bool = False) -> Array:
    """For each element the product of those before it (after it, in ``reverse``) along the last axis."""
    axis = x.ndim - 1
    return _shifted(running_product(x, axis=axis, reverse=reverse), axis, 1, reverse)


operations.provide("preceding_products", preceding_products)


# Public functions -----------------------------------------------------------------------------------------------------


def _cumulate(primitive: Any, a: Any, axis: Any, dtype: Any) -> Array:
    operation = primitive.name
    a, converted = accumulated_dtype(operation, as_array(operation, a), dtype)
    if axis is None:
        a, axis = a.reshape(a.size), 0
    result: Array = primitive(a, axis=normalize_axis(operation, axis, a.ndim), reverse=False)
    return result if converted is None else operations.astype(result, converted)


_SAMPLES = [
    normal(3, 4),
    normal(),
    normal(0),
    call(normal(3, 4), axis=-1),
    call(normal(0, 4), axis=1),
    call(values(1.5, 2.5), 0, np.float32),
    call(points(2.0, 0.0, 3.0, 0.0)),
    values(1.0, np.inf, np.nan, 2.0),
]


@function(
    np.cumsum, samples=_SAMPLES, rejects=[reject(ShapeError, "cumsum: axis 2 is out of range", normal(3, 4), axis=2)]
)
def cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Array:
    """Sum of each element and those before it along ``axis`` (None: of the flattened array).

    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return _cumulate(running_sum, a, axis, dtype)


@function(
    np.cumprod, samples=_SAMPLES, rejects=[reject(ShapeError, "cumprod: axis 2 is out of range", normal(3, 4), axis=2)]
)
def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Array:
    """Product of each element and those before it along ``axis`` (None: of the flattened array).

    The derivative is exact where elements are zero.

    >>> cumprod([1.0, 2.0, 3.0])
    array([1., 2., 6.])
    """
    return _cumulate(running_product, a, axis, dtype)


def _standard(operation: str, primitive: Any, x: Any, axis: Any, dtype: Any, start: int | None) -> Array:
    """The Array API's form of a running operation."""
    x = as_array(operation, x)
    if x.ndim == 0:
        x = x.reshape(1)
    if axis is None and x.ndim != 1:
        raise ArgumentError(f"{operation}: expected axis= for an array with {x.ndim} axes")
    axis = normalize_axis(operation, 0 if axis is None else axis, x.ndim)
    result = _cumulate(primitive, x, axis, dtype)
    if start is not None:
        edge = Array(scalar_node(start, (*x.shape[:axis], 1, *x.shape[axis + 1 :]), result.dtype))
        result = operations.concatenate([edge, result], axis=axis)
    return result


_STANDARD_SAMPLES = [
    normal(3),
    call(normal(3, 4), axis=-1),
    call(normal(3, 4), axis=0, include_initial=True),
    call(normal(0), include_initial=True),
    call(values(1.5, 2.5), dtype=np.float32),
]


@function(
    getattr(np, "cumulative_sum", None),  # since NumPy 2.1
    samples=_STANDARD_SAMPLES,
    rejects=[
        reject(ArgumentError, "cumulative_sum: expected axis=", normal(3, 4)),
        reject(ShapeError, "cumulative_sum: axis 2 is out of range", normal(3, 4), axis=2),
    ],
)
def cumulative_sum(x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Array:
    """Sum of each element and those before it along ``axis``, after a zero with ``include_initial`` (Array API).

    >>> cumulative_sum([1.0, 2.0, 3.0], include_initial=True)
    array([0., 1., 3., 6.])
    """
    return _standard("cumulative_sum", running_sum, x, axis, dtype, 0 if include_initial else None)


@function(
    getattr(np, "cumulative_prod", None),  # since NumPy 2.1
    samples=_STANDARD_SAMPLES,
    rejects=[reject(ArgumentError, "cumulative_prod: expected axis=", normal(3, 4))],
)
def cumulative_prod(x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Array:
    """Product of each element and those before it along ``axis``, after a one with ``include_initial`` (Array API).

    >>> cumulative_prod([1.0, 2.0, 3.0], include_initial=True)
    array([1., 1., 2., 6.])
    """
    return _standard("cumulative_prod", running_product, x, axis, dtype, 1 if include_initial else None)
