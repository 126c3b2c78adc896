"""Sums, products and tests over axes; and what every reduction shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, broadcast_shapes, normalize_axes
from pullback.core.creation import as_dtype
from pullback.core.families import General, general, linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import booleans, call, normal, points, reject, values
from pullback.core.terminals import constant_node
from pullback.errors import DTypeError, ShapeError
from pullback.ops.permuting import inverse
from pullback.ops.structural import as_array, expand, refit

Axes = tuple[int, ...]


# What reductions share ------------------------------------------------------------------------------------------------


def reduced(shape: tuple[int, ...], axes: Axes, keepdims: bool = False) -> tuple[int, ...]:
    """The shape that is left when ``axes`` are reduced."""
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def count(shape: tuple[int, ...], axes: Axes) -> int:
    """How many elements are reduced to one."""
    total = 1
    for axis in axes:
        total *= shape[axis]
    return total


def spread(x: Array, shape: tuple[int, ...], axes: Axes) -> Array:
    """Repeat x, of ``shape`` without ``axes``, along these axes."""
    x = finish(x, shape, axes, True)
    return x if x.shape == shape else expand(x, shape=shape)


def finish(total: Array, shape: tuple[int, ...], axes: Axes, keepdims: bool) -> Array:
    """Put reduced axes back with length 1 if they are to be kept."""
    if not keepdims or not axes:
        return total
    return refit(total, shape=reduced(shape, axes, keepdims=True))


def conjugated(x: Array) -> Array:
    """The complex conjugate; x itself where it is real."""
    if x.dtype.kind != "c":
        return x
    conjugate: Array = operations.conjugate(x)
    return conjugate


def as_mask(operation: str, where: Any, shape: tuple[int, ...]) -> Array | None:
    """Return ``where=`` as a boolean Array of ``shape``; None if it takes every element."""
    if where is None or where is True:
        return None
    mask = as_array(operation, where)
    if broadcast_shapes(operation, mask.shape, shape) != shape:
        raise ShapeError(f"{operation}: expected where= of a shape that broadcasts to {shape}, got {mask.shape}")
    boolean: Array = operations.broadcast_to(operations.astype(mask, bool), shape)
    return boolean


def masked(operation: str, a: Array, where: Any, fill: Any) -> Array:
    """Replace by ``fill`` the elements that ``where=`` leaves out."""
    mask = as_mask(operation, where, a.shape)
    return a if mask is None else operations.where(mask, a, fill)


def as_initial(operation: str, initial: Any, dtype: np.dtype[Any]) -> Array:
    """Return ``initial=`` as a 0-d Array of ``dtype``."""
    if isinstance(initial, (bool, int, float, complex)):
        try:
            return Array(constant_node(np.asarray(initial, dtype)))
        except (OverflowError, TypeError) as error:
            raise DTypeError(f"{operation}: initial={initial!r} does not fit {dtype}: {error}") from None
    start = as_array(operation, initial)
    if start.ndim:
        raise ShapeError(f"{operation}: expected a number as initial=, got shape {start.shape}")
    converted: Array = operations.astype(start, dtype)
    return converted


def accumulated_dtype(operation: str, a: Array, dtype: Any) -> tuple[Array, np.dtype[Any] | None]:
    """Convert to ``dtype=`` before a sum or product; say to what its result must be converted again."""
    if dtype is None:
        return a, None
    wanted = as_dtype(operation, dtype)
    return operations.astype(a, wanted), wanted


# Sum and product ------------------------------------------------------------------------------------------------------


@linear(
    name="sum",
    samples=[
        call(normal(3, 4), axes=(0,)),
        call(normal(2, 3, 4), axes=(0, 2)),
        call(normal(), axes=()),
        call(normal(0, 3), axes=(0,)),
    ],
    axis_params=("axes",),
)
def reduce_sum(x: Any, *, axes: Axes) -> Any:
    """Sum over ``axes``, which are dropped; integers and booleans as NumPy sums them."""
    return np.add.reduce(x, axis=axes)


@reduce_sum.infer
def _(x: Aval, *, axes: Axes) -> Aval:
    return Aval(reduced(x.shape, axes), np.add.reduce(np.empty(0, x.dtype)).dtype)


@reduce_sum.transpose
def _(ct: Array, x: Array, *, axes: Axes) -> Iterator[Thunk]:
    yield lambda: spread(ct, x.shape, axes)


@function(
    np.sum,
    samples=[
        normal(3, 4),
        normal(),
        normal(0),
        call(normal(3, 4), axis=-1, keepdims=True),
        call(normal(2, 3, 4), axis=(0, -1)),
        call(normal(0, 3), axis=1),
        call(normal(3, 4), axis=()),
        call(normal(3, 4), where=booleans(3, 4)),
        call(normal(3, 4), axis=0, where=booleans(4), initial=2.5),
        call(values(1.5, 2.5), dtype=np.float32),
        values(np.inf, -np.inf, np.nan),
    ],
    rejects=[
        reject(ShapeError, "sum: axis 2 is out of range", normal(3, 4), axis=2),
        reject(ShapeError, "sum: an axis is named twice", normal(3, 4), axis=(0, -2)),
        reject(
            ShapeError, "sum: expected where= of a shape that broadcasts to (3,)", normal(3), where=[[True], [False]]
        ),
        reject(ShapeError, "sum: expected a number as initial=", normal(3), initial=[1.0, 2.0]),
        reject(DTypeError, "expected an array or a number, got str", "a"),
    ],
)
def sum(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Array:
    """Sum over ``axis`` (None: all), with NumPy's keywords.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([4., 6.])
    """
    a, converted = accumulated_dtype("sum", as_array("sum", a), dtype)
    axes = normalize_axes("sum", axis, a.ndim)
    total: Array = reduce_sum(masked("sum", a, where, 0), axes=axes)
    if converted is not None:
        total = operations.astype(total, converted)
    if initial is not None:
        total = total + as_initial("sum", initial, total.dtype)
    return finish(total, a.shape, axes, keepdims)


@general(
    name="prod",
    samples=[
        call(normal(3, 4), axes=(0,)),
        call(normal(2, 3, 4), axes=(0, 2)),
        call(normal(), axes=()),
        call(normal(0, 3), axes=(0,)),
        call(points([2.0, 0.0, 3.0], [0.0, 5.0, 0.0]), axes=(1,)),
    ],
    axis_params=("axes",),
)
def reduce_prod(x: Any, *, axes: Axes) -> Any:
    """Product over ``axes``, which are dropped; integers and booleans as NumPy multiplies them."""
    return np.multiply.reduce(x, axis=axes)


@reduce_prod.infer
def _(x: Aval, *, axes: Axes) -> Aval:
    return Aval(reduced(x.shape, axes), np.multiply.reduce(np.empty(0, x.dtype)).dtype)


@reduce_prod.define_vjp
def _(ct: Array, out: Array, x: Array, *, axes: Axes) -> Iterator[Thunk]:
    yield lambda: operations.strong_product(spread(ct, x.shape, axes), conjugated(_others(x, axes)))


@reduce_prod.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axes: Axes) -> Array:
    return reduce_sum(operations.strong_product(tangents[0], _others(x, axes)), axes=axes)


def _others(x: Array, axes: Axes) -> Array:
    """For each element the product of all the others along ``axes``: of those before it and those after it.

    Nothing is divided, so it is right where elements are zero.
    """
    if not x.size:
        return x
    order = (*[i for i in range(x.ndim) if i not in axes], *axes)
    rows = operations.transpose(x, order)
    line = rows.reshape((*rows.shape[: x.ndim - len(axes)], count(x.shape, axes)))
    before = operations.preceding_products(line)
    after = operations.preceding_products(line, reverse=True)
    others: Array = operations.transpose((before * after).reshape(rows.shape), inverse(order))
    return others


@function(
    np.prod,
    samples=[
        normal(3, 4),
        normal(),
        normal(0),
        call(normal(3, 4), axis=-1, keepdims=True),
        call(normal(2, 3, 4), axis=(0, -1)),
        points(2.0, 0.0, 3.0),
        points(2.0, 0.0, 0.0),
        call(normal(3, 4), axis=0, where=booleans(4), initial=2.5),
        call(values(1.5, 2.5), dtype=np.float32),
        values(np.inf, 0.0, np.nan),
    ],
    rejects=[reject(ShapeError, "prod: axis 2 is out of range", normal(3, 4), axis=2)],
)
def prod(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Array:
    """Product over ``axis`` (None: all), with NumPy's keywords. The derivative is exact where elements are zero.

    >>> prod([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([3., 8.])
    """
    a, converted = accumulated_dtype("prod", as_array("prod", a), dtype)
    axes = normalize_axes("prod", axis, a.ndim)
    total: Array = reduce_prod(masked("prod", a, where, 1), axes=axes)
    if converted is not None:
        total = operations.astype(total, converted)
    if initial is not None:
        total = total * as_initial("prod", initial, total.dtype)
    return finish(total, a.shape, axes, keepdims)


# Tests ----------------------------------------------------------------------------------------------------------------


def _infer_test(x: Aval, *, axes: Axes) -> Aval:
    return Aval(reduced(x.shape, axes), np.dtype(bool))


@general(
    name="any",
    differentiable=False,
    samples=[call(normal(3, 4), axes=(0,)), call(normal(0, 3), axes=(0,))],
    axis_params=("axes",),
)
def reduce_any(x: Any, *, axes: Axes) -> Any:
    """Whether any element along ``axes`` is not zero."""
    return np.logical_or.reduce(x, axis=axes)


@general(
    name="all",
    differentiable=False,
    samples=[call(normal(3, 4), axes=(0,)), call(normal(0, 3), axes=(0,))],
    axis_params=("axes",),
)
def reduce_all(x: Any, *, axes: Axes) -> Any:
    """Whether no element along ``axes`` is zero."""
    return np.logical_and.reduce(x, axis=axes)


reduce_any.infer(_infer_test)
reduce_all.infer(_infer_test)


def _test(primitive: General, neutral: bool, a: Any, axis: Any, keepdims: bool, where: Any) -> Array:
    operation = primitive.name
    a = as_array(operation, a)
    axes = normalize_axes(operation, axis, a.ndim)
    if where is not None:
        a = masked(operation, operations.astype(a, bool), where, neutral)
    return finish(primitive(a, axes=axes), a.shape, axes, keepdims)


_TEST_SAMPLES = [
    values(0.0, 1.0, np.nan),
    values(0.0, -0.0),
    normal(),
    normal(0),
    call(booleans(3, 4), axis=0),
    call(booleans(3, 4), axis=(0, 1), keepdims=True),
    call(booleans(3, 4), axis=-1, where=booleans(3, 4)),
]


@function(
    np.any,
    samples=_TEST_SAMPLES,
    rejects=[reject(ShapeError, "any: axis 2 is out of range", normal(3, 4), axis=2)],
    differentiable=False,
)
def any(a: Any, axis: Any = None, *, keepdims: bool = False, where: Any = None) -> Array:
    """Whether any element along ``axis`` (None: all) is not zero.

    >>> any([[True, False], [False, False]], axis=1)
    array([ True, False])
    """
    return _test(reduce_any, False, a, axis, keepdims, where)


@function(
    np.all,
    samples=_TEST_SAMPLES,
    rejects=[reject(ShapeError, "all: axis 2 is out of range", normal(3, 4), axis=2)],
    differentiable=False,
)
def all(a: Any, axis: Any = None, *, keepdims: bool = False, where: Any = None) -> Array:
    """Whether no element along ``axis`` (None: all) is zero.

    >>> all([[True, False], [True, True]], axis=1)
    array([False,  True])
    """
    return _test(reduce_all, True, a, axis, keepdims, where)


@function(
    np.count_nonzero,
    samples=[values(0.0, 1.0, np.nan), normal(), normal(0), call(booleans(3, 4), axis=0, keepdims=True)],
    rejects=[reject(ShapeError, "count_nonzero: axis 2 is out of range", normal(3, 4), axis=2)],
    differentiable=False,
)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Count the elements along ``axis`` (None: all) that are not zero.

    >>> count_nonzero([[1.0, 0.0], [2.0, 3.0]], axis=1)
    array([1, 2])
    """
    a = as_array("count_nonzero", a)
    axes = normalize_axes("count_nonzero", axis, a.ndim)
    return finish(reduce_sum(operations.astype(a, bool), axes=axes), a.shape, axes, keepdims)
