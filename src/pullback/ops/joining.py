"""Joining arrays, and taking them apart again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axis
from pullback.core.creation import as_dtype
from pullback.core.families import linear
from pullback.core.operations import function
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, reject
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.indexing import cut
from pullback.ops.promotion import promoted
from pullback.ops.structural import ravel


def _whole(shape: tuple[int, ...], axis: int) -> tuple[tuple[int, int, int], ...]:
    return tuple((0, length, 1) for length in shape[:axis])


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
    before = _whole(ct.shape, axis)
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
    before = _whole(ct.shape, axis)
    for place in range(len(parts)):
        yield lambda place=place: cut(ct, index=(*before, place))  # type: ignore[misc]


def _parts(operation: str, arrays: Any, dtype: Any = None) -> list[Array]:
    """The arrays to be joined, of one dtype."""
    if not isinstance(arrays, Sequence) and not hasattr(arrays, "__getitem__"):
        raise DTypeError(f"{operation}: expected a sequence of arrays, got {type(arrays).__name__}")
    parts = list(arrays)
    if not parts:
        raise ArgumentError(f"{operation}: expected at least one array, got none")
    parts = [np.asarray(part) if isinstance(part, (bool, int, float, complex)) else part for part in parts]
    return promoted(operation, *parts, dtype=None if dtype is None else as_dtype(operation, dtype))


@function(
    (np.concatenate,),
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
