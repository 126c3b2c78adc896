"""Joining arrays: concatenate, stack and their kin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axis
from pullback.core.creation import as_dtype
from pullback.core.families import linear
from pullback.core.operations import function, operations, overrides
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, reject
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.indexing import cut, whole
from pullback.ops.permuting import transpose
from pullback.ops.promotion import promoted
from pullback.ops.structural import as_array, atleast_1d, atleast_2d, atleast_3d, ravel, reshape


@linear(
    name="concatenate",
    samples=[
        call(normal(2, 3), normal(2, 1), axis=1),
        call(normal(2), normal(0), normal(3), axis=0),
        call(normal(2, 3), axis=0),
    ],
    rejects=[
        reject(ShapeError, "concatenate: expected shapes that differ on axis 0 only", normal(2, 3), normal(2), axis=0),
        reject(ShapeError, "got (2, 3) and (2, 4)", normal(2, 3), normal(2, 4), axis=0),
    ],
    axis_params=("axis",),
)
def join(*parts: Any, axis: int) -> Any:
    """The parts, of one dtype, one after the other along ``axis``."""
    return np.concatenate(parts, axis)


@join.infer
def _(*parts: Aval, axis: int) -> Aval:
    first = parts[0]
    total = 0
    for part in parts:
        others = part.shape[:axis] + part.shape[axis + 1 :]
        if part.ndim != first.ndim or others != first.shape[:axis] + first.shape[axis + 1 :]:
            raise ShapeError(
                f"concatenate: expected shapes that differ on axis {axis} only, got {first.shape} and {part.shape}"
            )
        if part.dtype != first.dtype:
            raise DTypeError(f"concatenate: expected parts of one dtype, got {first} and {part}")
        total += part.shape[axis]
    return Aval((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype)


@join.transpose
def _(ct: Array, *parts: Array, axis: int) -> Iterator[Thunk]:
    before = whole(ct.shape[:axis])
    start = 0
    for part in parts:
        stop = start + part.shape[axis]
        yield lambda span=(start, stop, 1): cut(ct, index=(*before, span))  # type: ignore[misc]
        start = stop


@linear(
    name="stack",
    samples=[call(normal(2, 3), normal(2, 3), axis=1), call(normal(), normal(), axis=0), call(normal(2), axis=1)],
    rejects=[
        reject(ShapeError, "stack: expected arrays of one shape, got (2,) and (3,)", normal(2), normal(3), axis=0)
    ],
    axis_params=("axis",),
)
def pile(*parts: Any, axis: int) -> Any:
    """The parts, of one shape and dtype, one after the other along a new axis."""
    return np.stack(parts, axis)


@pile.infer
def _(*parts: Aval, axis: int) -> Aval:
    first = parts[0]
    for part in parts:
        if part.shape != first.shape:
            raise ShapeError(f"stack: expected arrays of one shape, got {first.shape} and {part.shape}")
        if part.dtype != first.dtype:
            raise DTypeError(f"stack: expected parts of one dtype, got {first} and {part}")
    return Aval((*first.shape[:axis], len(parts), *first.shape[axis:]), first.dtype)


@pile.transpose
def _(ct: Array, *parts: Array, axis: int) -> Iterator[Thunk]:
    before = whole(ct.shape[:axis])
    for place in range(len(parts)):
        yield lambda place=place: cut(ct, index=(*before, place))  # type: ignore[misc]


def _sequence(operation: str, arrays: Any) -> list[Any]:
    """The arrays to be joined, at least one; an array stands for those along its first axis."""
    if isinstance(arrays, (str, dict)) or not hasattr(arrays, "__getitem__") or getattr(arrays, "shape", None) == ():
        raise DTypeError(f"{operation}: expected a sequence of arrays, got {type(arrays).__name__}")
    parts = list(arrays)
    if not parts:
        raise ArgumentError(f"{operation}: expected at least one array, got none")
    return [np.asarray(part) if type(part) in (bool, int, float, complex) else part for part in parts]


def _parts(operation: str, arrays: Any, dtype: Any) -> list[Array]:
    """The arrays to be joined, converted to one dtype."""
    dtype = None if dtype is None else as_dtype(operation, dtype)
    return promoted(operation, *_sequence(operation, arrays), dtype=dtype)


@function(
    np.concatenate,
    samples=[
        call([normal(2, 3), normal(1, 3)]),
        call([normal(2, 3), normal(2, 1)], axis=-1),
        call([normal(2, 3), normal()], axis=None),
        call([normal(2), normal(0)], dtype=np.float32),
    ],
    rejects=[
        reject(
            ShapeError,
            "concatenate: expected shapes that differ on axis 0 only, got (1, 1) and (1, 2)",
            [[[1.0]], [[1.0, 2.0]]],
            axis=0,
        ),
        reject(ShapeError, "axis 2 is out of range", [[[1.0]], [[1.0]]], axis=2),
        reject(ArgumentError, "concatenate: expected at least one array", []),
        reject(DTypeError, "concatenate: expected a sequence of arrays", 1.0),
        reject(ShapeError, "out of range", [1.0, 2.0]),
    ],
)
def concatenate(arrays: Any, /, axis: Any = 0, *, dtype: Any = None) -> Array:
    """Return the arrays one after the other along ``axis``; None joins the flattened arrays.

    >>> concatenate([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    parts = _parts("concatenate", arrays, dtype)
    if axis is None:
        parts, axis = [ravel(part) for part in parts], 0
    return join(*parts, axis=normalize_axis("concatenate", axis, parts[0].ndim))


@function(
    np.stack,
    samples=[call([normal(2, 3), normal(2, 3)]), call([normal(2, 3)] * 3, axis=-1), call([normal(), normal()])],
    rejects=[
        reject(ShapeError, "stack: expected arrays of one shape, got (1,) and (2,)", [[1.0], [1.0, 2.0]]),
        reject(ShapeError, "axis 2 is out of range", [[1.0], [2.0]], axis=2),
        reject(ArgumentError, "at least one array", []),
    ],
)
def stack(arrays: Any, axis: Any = 0, *, dtype: Any = None) -> Array:
    """Return the arrays, all of one shape, one after the other along a new axis.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([[1., 3.],
           [2., 4.]])
    """
    parts = _parts("stack", arrays, dtype)
    return pile(*parts, axis=normalize_axis("stack", axis, parts[0].ndim + 1))


operations.provide("concat", concatenate)
overrides[np.concat] = concatenate


def _at_least(ndim: int, operation: str, tup: Any) -> list[Any]:
    """The arrays of a sequence, each with at least ``ndim`` axes."""
    return [(atleast_1d, atleast_2d, atleast_3d)[ndim - 1](part) for part in _sequence(operation, tup)]


@function(
    np.hstack,
    samples=[call([normal(2), normal(3)]), call([normal(2, 1), normal(2, 3)]), call([normal(), normal()])],
    rejects=[
        reject(ShapeError, "differ on axis 0 only", [[1.0], [[1.0]]]),
        reject(ArgumentError, "hstack: expected at least one array", []),
    ],
)
def hstack(tup: Any, *, dtype: Any = None) -> Array:
    """Return the arrays side by side: joined along their second axis, or their only one.

    >>> hstack([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    parts = _at_least(1, "hstack", tup)
    return concatenate(parts, axis=0 if parts[0].ndim == 1 else 1, dtype=dtype)


@function(
    np.vstack,
    samples=[call([normal(3), normal(3)]), call([normal(2, 3), normal(3)])],
    rejects=[reject(ShapeError, "differ on axis 0 only", [[1.0], [1.0, 2.0]])],
)
def vstack(tup: Any, *, dtype: Any = None) -> Array:
    """Return the arrays one below the other: joined along their first axis, vectors as rows.

    >>> vstack([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [3., 4.]])
    """
    return concatenate(_at_least(2, "vstack", tup), axis=0, dtype=dtype)


@function(
    np.dstack,
    samples=[call([normal(3), normal(3)]), call([normal(2, 3), normal(2, 3, 2)])],
    rejects=[reject(ShapeError, "differ on axis 2 only", [[1.0], [1.0, 2.0]])],
)
def dstack(tup: Any) -> Array:
    """Return the arrays joined along their third axis.

    >>> dstack([[1.0, 2.0], [3.0, 4.0]])
    array([[[1., 3.],
            [2., 4.]]])
    """
    return concatenate(_at_least(3, "dstack", tup), axis=2)


@function(
    np.column_stack,
    samples=[call([normal(3), normal(3)]), call([normal(3, 2), normal(3)]), call([normal(), normal()])],
    rejects=[reject(ShapeError, "differ on axis 1 only", [[1.0], [1.0, 2.0]])],
)
def column_stack(tup: Any) -> Array:
    """Return the arrays side by side, vectors as columns.

    >>> column_stack([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    parts = [as_array("column_stack", part) for part in _sequence("column_stack", tup)]
    return concatenate([transpose(atleast_2d(part)) if part.ndim < 2 else part for part in parts], axis=1)


@function(
    np.append,
    samples=[call(normal(2, 3), normal(3)), call(normal(2, 3), normal(1, 3), axis=0), call(normal(3), 2.0)],
    rejects=[reject(ShapeError, "differ on axis 0 only", normal(2, 3), normal(2), axis=0)],
)
def append(arr: Any, values: Any, axis: Any = None) -> Array:
    """Return arr with the values after it along ``axis``; None joins the flattened arrays.

    >>> append([1.0, 2.0], 3.0)
    array([1., 2., 3.])
    """
    if axis is None:
        arr, values, axis = ravel(arr), ravel(values), 0
    return concatenate([arr, values], axis=axis)


@function(
    np.block,
    samples=[
        call([[normal(2, 2), normal(2, 3)], [normal(1, 2), normal(1, 3)]]),
        call([normal(2), 1.0]),
        call(normal(2)),
        call([normal(1, 2, 2), normal(2, 1)]),
    ],
    rejects=[
        reject(ArgumentError, "block: expected lists nested to one depth", [[1.0], 2.0]),
        reject(ArgumentError, "block: expected at least one array", [[]]),
    ],
)
def block(arrays: Any) -> Array:
    """Return the array that nested lists of blocks make: the innermost are joined along the last axis.

    >>> block([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [3., 4.]])
    """
    depths = set(_depths(arrays))
    if len(depths) != 1:
        raise ArgumentError(f"block: expected lists nested to one depth, got depths {sorted(depths)}")
    depth = depths.pop()
    leaves = _blocks(arrays)
    ndim = max(depth, *[leaf.ndim for leaf in leaves])

    def joined(part: Any, level: int) -> Array:
        if level == 0:
            leaf = as_array("block", part)
            return reshape(leaf, (1,) * (ndim - leaf.ndim) + leaf.shape)
        return concatenate([joined(one, level - 1) for one in part], axis=ndim - level)

    return joined(arrays, depth)


def _depths(arrays: Any) -> Iterator[int]:
    if not isinstance(arrays, list):
        yield 0
        return
    if not arrays:
        raise ArgumentError("block: expected at least one array in each list, got an empty list")
    for one in arrays:
        yield from (depth + 1 for depth in _depths(one))


def _blocks(arrays: Any) -> list[Array]:
    if isinstance(arrays, list):
        return [leaf for one in arrays for leaf in _blocks(one)]
    return [as_array("block", arrays)]
