"""Shape and dtype: broadcasting, reshaping, conversion. And what gives the value itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, as_index, broadcast_shapes, normalize_axes
from pullback.core.creation import array, as_dtype, asarray, check_device, check_order
from pullback.core.families import general, linear
from pullback.core.operations import function, operations, overrides
from pullback.core.primitive import Thunk
from pullback.core.record import as_constant
from pullback.core.sample import call, normal, reject
from pullback.core.terminals import constant_node, scalar_node
from pullback.errors import ArgumentError, ShapeError


def as_arrays(operation: str, *operands: Any) -> list[Array]:
    """Return the operands as Arrays; what a node may hold on to, because one of them is watched, is copied."""
    watched = any(isinstance(one, Array) and one._node.watched for one in operands)
    return [keep_array(operation, one, watched) for one in operands]


def as_array(operation: str, x: Any) -> Array:
    """Return the operand as an Array; nested lists may hold Arrays."""
    return keep_array(operation, x, False)


def keep_array(operation: str, x: Any, keep: bool) -> Array:
    """Return the operand as an Array; with ``keep`` as one that a node may hold on to.

    The handle is a new one: what a function returns unchanged must not change with a later update of its argument.
    """
    if isinstance(x, Array):
        return Array(x._node)
    if isinstance(x, (list, tuple)):
        return asarray(x)
    return Array(constant_node(as_constant(operation, x, keep)))


@linear(name="broadcast_to", samples=[call(normal(3, 1), shape=(2, 3, 4)), call(normal(), shape=(2,))])
def expand(x: Any, *, shape: tuple[int, ...]) -> Any:
    """Repeat x along new leading axes and axes of length 1 until it has ``shape``."""
    return np.broadcast_to(x, shape)


@expand.infer
def _(x: Aval, *, shape: tuple[int, ...]) -> Aval:
    if broadcast_shapes("broadcast_to", x.shape, shape) != tuple(shape):
        raise ShapeError(f"broadcast_to: cannot broadcast shape {x.shape} to {shape}")
    return Aval(tuple(shape), x.dtype)


@expand.transpose
def _(ct: Array, x: Array, *, shape: tuple[int, ...]) -> Iterator[Thunk]:
    yield lambda: sum_to(ct, x.shape)


@expand.batching
def _(batched: Sequence[bool], x: Array, *, shape: tuple[int, ...]) -> Array:
    size, *lengths = x.shape
    aligned = (size, *(1,) * (len(shape) - len(lengths)), *lengths)
    return expand(x if x.shape == aligned else refit(x, shape=aligned), shape=(size, *shape))


def sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes that broadcasting ``shape`` to the shape of ``x`` added or stretched."""
    added = x.ndim - len(shape)
    stretched = tuple(i + added for i, length in enumerate(shape) if length == 1 and x.shape[i + added] != 1)
    axes = (*range(added), *stretched)
    total: Array = operations.sum(x, axis=axes) if axes else x
    return total if total.shape == shape else total.reshape(shape)


@function(np.broadcast_to, samples=[call(normal(3, 1), (2, 3, 4)), call(normal(3), (3,))])
def broadcast_to(x: Any, shape: Any) -> Array:
    """Return x repeated to ``shape``, by NumPy's broadcasting rules.

    >>> broadcast_to([1.0, 2.0], (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    x = as_array("broadcast_to", x)
    shape = as_shape("broadcast_to", shape)
    return expand(x, shape=shape) if min(shape, default=0) < 0 else stretch(x, shape)


def stretch(x: Array, shape: tuple[int, ...]) -> Array:
    """``broadcast_to`` for a shape that is known to be one."""
    if x.shape == shape:
        return x
    node = x._node
    if not node.watched and not x.ndim:
        return Array(scalar_node(node.value, shape, x.dtype))
    return expand(x, shape=shape)


def as_shape(operation: str, shape: Any, argument: str = "a length") -> tuple[int, ...]:
    """Return a shape (or another ``argument``) given as an integer or a sequence of integers as a tuple."""
    if type(shape) is tuple and all(type(length) is int for length in shape):
        return shape
    lengths = tuple(shape) if np.iterable(shape) else (shape,)
    return tuple(as_index(operation, argument, length) for length in lengths)


@linear(
    name="astype",
    samples=[call(normal(3, 4), dtype=np.dtype(np.float32)), call(normal(3, 4), dtype=np.dtype(complex))],
    stacks=True,
)
def convert(x: Any, *, dtype: np.dtype[Any]) -> Any:
    """Convert the elements of x to ``dtype``."""
    if x.dtype.kind == "c" and dtype.kind in "fiu":
        x = x.real  # what astype does, without its warning: the caller asked for it
    return x.astype(dtype)


@convert.infer
def _(x: Aval, *, dtype: np.dtype[Any]) -> Aval:
    return Aval(x.shape, dtype)


@convert.transpose
def _(ct: Array, x: Array, *, dtype: np.dtype[Any]) -> Iterator[Thunk]:
    yield lambda: convert(ct, dtype=x.dtype)


@function(np.astype, samples=[call(normal(3, 4), np.float32), call(normal(3, 4), complex)])
def astype(x: Any, dtype: Any, copy: bool = True, *, device: Any = None) -> Array:
    """Return x converted to ``dtype``. An integer dtype ends the derivative. ``copy`` makes no difference that shows.

    >>> astype([1.5, 2.5], int)
    array([1, 2])
    """
    check_device("astype", device)
    x = as_array("astype", x)
    if x.dtype is dtype:
        return x
    dtype = as_dtype("astype", dtype)
    return x if x.dtype == dtype else convert(x, dtype=dtype)


@linear(name="reshape", samples=[call(normal(3, 4), shape=(2, 6)), call(normal(1), shape=())])
def refit(x: Any, *, shape: tuple[int, ...]) -> Any:
    """Lay the elements of x, in row-major order, out in ``shape``."""
    return np.reshape(x, shape)


@refit.infer
def _(x: Aval, *, shape: tuple[int, ...]) -> Aval:
    result = Aval(shape, x.dtype)
    if result.size != x.size:
        raise ShapeError(f"reshape: cannot lay out {x.size} elements of shape {x.shape} in {shape}")
    return result


@refit.transpose
def _(ct: Array, x: Array, *, shape: tuple[int, ...]) -> Iterator[Thunk]:
    yield lambda: refit(ct, shape=x.shape)


@refit.batching
def _(batched: Sequence[bool], x: Array, *, shape: tuple[int, ...]) -> Array:
    return refit(x, shape=(x.shape[0], *shape))


def _resolve_shape(x: Array, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Fill in the one length that is -1."""
    if shape.count(-1) > 1 or any(n < -1 for n in shape):
        raise ShapeError(f"reshape: expected lengths of which at most one is -1, got {shape}")
    if -1 in shape:
        known = 1
        for n in shape:
            known *= n if n != -1 else 1
        if known == 0 or x.size % known:
            raise ShapeError(f"reshape: cannot lay out {x.size} elements of shape {x.shape} in {shape}")
        shape = tuple(x.size // known if n == -1 else n for n in shape)
    return shape


@function(
    np.reshape,
    samples=[
        call(normal(3, 4), (2, -1)),
        call(normal(3, 4), 12),
        call(normal(3, 4), (2, 6), order="F"),
        call(normal(0, 3), (3, 0)),
    ],
    rejects=[
        reject(ShapeError, "reshape: cannot lay out 3 elements of shape (3,) in (2, 2)", normal(3), (2, 2)),
        reject(ShapeError, "at most one is -1", normal(4), (-1, -1)),
        reject(ArgumentError, "order", normal(4), (2, 2), order="A"),
    ],
)
def reshape(x: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Array:
    """Return the elements of x in a new shape; one length may be -1.

    Args:
        x: any array.
        shape: the new shape.
        order: "C" for row-major (the last axis runs fastest), "F" for column-major.
        copy: makes no difference that shows.

    >>> reshape([1.0, 2.0, 3.0, 4.0], (2, -1))
    array([[1., 2.],
           [3., 4.]])
    """
    x = as_array("reshape", x)
    shape = _resolve_shape(x, as_shape("reshape", shape))
    if _is_column_major("reshape", order):
        return operations.transpose(reshape(operations.transpose(x), shape[::-1]))
    return x if x.shape == shape else refit(x, shape=shape)


def _is_column_major(operation: str, order: str) -> bool:
    if order not in ("C", "F"):
        raise ArgumentError(f"{operation}: expected order 'C' or 'F', got {order!r}: arrays have no order in memory")
    return order == "F"


def reshape_method(x: Array, *shape: Any, order: str = "C") -> Array:
    """``x.reshape(2, 3)`` or ``x.reshape((2, 3))``."""
    return reshape(x, shape[0] if len(shape) == 1 else shape, order)


operations.provide("reshape_method", reshape_method)


@function(np.ravel, samples=[normal(3, 4), normal(), call(normal(2, 3), order="F")])
def ravel(a: Any, order: str = "C") -> Array:
    """Return the elements of a along one axis.

    >>> ravel([[1.0, 2.0], [3.0, 4.0]])
    array([1., 2., 3., 4.])
    """
    a = as_array("ravel", a)
    return reshape(a, (a.size,), order)


@function(
    np.squeeze,
    samples=[normal(1, 3, 1), call(normal(1, 3, 1), axis=0), call(normal(1, 3, 1), axis=(0, -1)), normal(3)],
    rejects=[
        reject(ShapeError, "squeeze: expected axes of length 1, got axis 0 of shape (3, 1)", normal(3, 1), axis=0),
        reject(ShapeError, "out of range", normal(3, 1), axis=2),
    ],
)
def squeeze(a: Any, axis: Any = None) -> Array:
    """Return a without its axes of length 1, or without those named.

    >>> squeeze([[1.0, 2.0]])
    array([1., 2.])
    """
    a = as_array("squeeze", a)
    if axis is None:
        axes = tuple(i for i, length in enumerate(a.shape) if length == 1)
    else:
        axes = normalize_axes("squeeze", axis, a.ndim)
    for one in axes:
        if a.shape[one] != 1:
            raise ShapeError(f"squeeze: expected axes of length 1, got axis {one} of shape {a.shape}")
    return reshape(a, tuple(length for i, length in enumerate(a.shape) if i not in axes))


@function(
    np.expand_dims,
    samples=[call(normal(3, 4), 1), call(normal(3), (0, -1)), call(normal(), 0)],
    rejects=[reject(ShapeError, "out of range", normal(3), 2)],
)
def expand_dims(a: Any, axis: Any = 0) -> Array:
    """Return a with new axes of length 1 that have the places ``axis`` in the result.

    >>> expand_dims([1.0, 2.0], 1).shape
    (2, 1)
    """
    a = as_array("expand_dims", a)
    count = a.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    axes = normalize_axes("expand_dims", axis, count)
    lengths = iter(a.shape)
    return reshape(a, tuple(1 if i in axes else next(lengths) for i in range(count)))


def _at_least(ndim: int, arys: tuple[Any, ...]) -> Any:
    results = []
    for one in arys:
        one = as_array(f"atleast_{ndim}d", one)
        if one.ndim == 0:
            one = reshape(one, (1,) * ndim)
        elif one.ndim == 1 and ndim > 1:
            one = expand_dims(one, 0 if ndim == 2 else (0, 2))
        elif one.ndim == 2 and ndim > 2:
            one = expand_dims(one, 2)
        results.append(one)
    return results[0] if len(results) == 1 else tuple(results)


@function(np.atleast_1d, samples=[normal(), normal(2, 3), call(normal(), normal(3))])
def atleast_1d(*arys: Any) -> Any:
    """Each array with at least one axis; a tuple, unless there is one only.

    >>> atleast_1d(3.0)
    array([3.])
    """
    return _at_least(1, arys)


@function(np.atleast_2d, samples=[normal(), normal(3), normal(2, 3, 4)])
def atleast_2d(*arys: Any) -> Any:
    """Each array with at least two axes, new ones in front; a tuple, unless there is one only.

    >>> atleast_2d([1.0, 2.0])
    array([[1., 2.]])
    """
    return _at_least(2, arys)


@function(np.atleast_3d, samples=[normal(), normal(3), normal(2, 3), normal(1, 2, 3, 4)])
def atleast_3d(*arys: Any) -> Any:
    """Each array with at least three axes, new ones as NumPy places them; a tuple, unless there is one only.

    >>> atleast_3d([1.0, 2.0]).shape
    (1, 2, 1)
    """
    return _at_least(3, arys)


@function(
    np.broadcast_arrays,
    samples=[call(normal(3, 1), normal(4)), call(normal(3)), call(normal(), normal(2, 2))],
    rejects=[reject(ShapeError, "broadcast_arrays: expected shapes that broadcast", normal(3), normal(4))],
)
def broadcast_arrays(*args: Any) -> tuple[Array, ...]:
    """The arrays broadcast to one shape.

    >>> broadcast_arrays(1.0, [2.0, 3.0])
    (array([1., 1.]), array([2., 3.]))
    """
    arrays = as_arrays("broadcast_arrays", *args)
    shape = broadcast_shapes("broadcast_arrays", *[one.shape for one in arrays])
    return tuple(broadcast_to(one, shape) for one in arrays)


@function(np.shape, samples=[normal(3, 4)], differentiable=False)
def shape(a: Any) -> tuple[int, ...]:
    """The length of each axis.

    >>> shape([[1.0, 2.0]])
    (1, 2)
    """
    return as_array("shape", a).shape


@function(np.ndim, samples=[normal(3, 4), normal()], differentiable=False)
def ndim(a: Any) -> int:
    """The number of axes.

    >>> ndim([[1.0, 2.0]])
    2
    """
    return as_array("ndim", a).ndim


@function(
    np.size,
    samples=[normal(3, 4), call(normal(3, 4), 1), call(normal(3, 4), (0, 1))],
    rejects=[reject(ShapeError, "size: axis 2 is out of range", normal(3, 4), 2)],
    differentiable=False,
)
def size(a: Any, axis: Any = None) -> int:
    """The number of elements, or the length of one axis (the product, of several).

    >>> size([[1.0, 2.0]]), size([[1.0, 2.0]], 0)
    (2, 1)
    """
    a = as_array("size", a)
    count = 1
    for one in normalize_axes("size", axis, a.ndim):
        count *= a.shape[one]
    return count


# The value itself --------------------------------------------------------------------------------------------------


def _constant_like(operation: str, a: Any, number: int, dtype: Any, order: Any, shape: Any, device: Any) -> Array:
    check_order(operation, order)
    check_device(operation, device)
    a = as_array(operation, a)
    dtype = a.dtype if dtype is None else as_dtype(operation, dtype)
    return Array(scalar_node(number, a.shape if shape is None else as_shape(operation, shape), dtype))


@function(np.zeros_like, samples=[normal(3, 4), call(normal(3), np.float32, shape=(2, 2)), normal()])
def zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Array:
    """Zeros of the shape and dtype of a, unless others are given; the other keywords, NumPy's, have no effect.

    >>> zeros_like([1.0, 2.0])
    array([0., 0.])
    """
    return _constant_like("zeros_like", a, 0, dtype, order, shape, device)


@function(np.ones_like, samples=[normal(3, 4), call(normal(3), int), normal()])
def ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Array:
    """Ones of the shape and dtype of a, unless others are given; the other keywords, NumPy's, have no effect.

    >>> ones_like([1.0, 2.0])
    array([1., 1.])
    """
    return _constant_like("ones_like", a, 1, dtype, order, shape, device)


@function(samples=[normal(3, 4), call(normal(3), int)])
def empty_like(
    prototype: Any,
    /,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Array:
    """An array of the shape and dtype of another, to be filled: zeros, for arrays are never left undefined.

    >>> empty_like([1.0, 2.0]).shape
    (2,)
    """
    return _constant_like("empty_like", prototype, 0, dtype, order, shape, device)


overrides[np.empty_like] = empty_like
overrides[np._core.umath._ones_like] = ones_like  # type: ignore[attr-defined]  # NumPy's annotations lack it


@function(
    np.full_like,
    samples=[call(normal(3, 4), 2.5), call(normal(3), 1, dtype=int), call(normal(2, 3), normal(3))],
    rejects=[reject(ShapeError, "full_like: expected shapes that broadcast", normal(2), normal(3))],
)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Array:
    """An array of the shape and dtype of a, unless others are given, filled with a value that may be watched.

    >>> full_like([1.0, 2.0], 7)
    array([7., 7.])
    """
    check_order("full_like", order)
    check_device("full_like", device)
    a = as_array("full_like", a)
    dtype = a.dtype if dtype is None else as_dtype("full_like", dtype)
    return filled("full_like", fill_value, a.shape if shape is None else as_shape("full_like", shape), dtype)


def filled(operation: str, fill_value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array of this shape and dtype that repeats a value, which may be watched."""
    fill = astype(as_array(operation, fill_value), dtype)
    if broadcast_shapes(operation, fill.shape, shape) != shape:
        raise ShapeError(f"{operation}: cannot broadcast shape {fill.shape} to {shape}")
    return broadcast_to(fill, shape)


@function(np.copy, samples=[normal(3, 4), normal()])
def copy(a: Any) -> Array:
    """An Array with the value of a, which later writes to a NumPy array a do not change.

    >>> copy([1.0, 2.0])
    array([1., 2.])
    """
    return Array(a._node) if isinstance(a, Array) else array(a)


@linear(name="identity", samples=[normal(3, 4)], stacks=True)
def identity(x: Any) -> Any:
    """The value itself, as a node of its own: what an inner derivative is asked by."""
    return x


@identity.infer
def _(x: Aval) -> Aval:
    return x


@identity.transpose
def _(ct: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: ct


operations.provide("identity", identity)


@general(name="stop_gradient", samples=[normal(3, 4)], differentiable=False, stacks=True)
def block(x: Any) -> Any:
    """The value itself, whose derivative is zero."""
    return x


@block.infer
def _(x: Aval) -> Aval:
    return x


@function(samples=[normal(3, 4)], differentiable=False)
def stop_gradient(x: Any) -> Array:
    """Return x as a constant: no derivative goes through it.

    >>> import pullback as pb
    >>> pb.grad(lambda x: x * pb.stop_gradient(x))(3.0)
    3.0
    """
    x = asarray(x)
    return block(x) if x._node.value is None else x.detach()
