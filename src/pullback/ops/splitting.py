"""Taking arrays apart: split, unstack and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import normalize_axis
from pullback.core.operations import function
from pullback.core.sample import call, normal, reject
from pullback.errors import ArgumentError, ShapeError
from pullback.ops.indexing import cut, whole
from pullback.ops.structural import as_array


def cut_axis(x: Array, axis: int, start: int, stop: int) -> Array:
    """What stands from ``start`` to ``stop`` along one axis."""
    if (start, stop) == (0, x.shape[axis]):
        return x
    return cut(x, index=(*whole(x.shape[:axis]), (start, stop, 1)))


def _points(operation: str, indices: Any, length: int) -> list[tuple[int, int]]:
    """Start and stop of each part, where the axis is divided at ``indices``."""
    try:
        points = [int(point.__index__()) for point in indices]
    except (TypeError, AttributeError):
        raise ArgumentError(
            f"{operation}: expected a number of parts or the indices to divide at, got {indices!r}"
        ) from None
    parts = []
    for one, other in zip([0, *points], [*points, length], strict=True):
        start, stop, _ = slice(one, other).indices(length)
        parts.append((start, max(start, stop)))
    return parts


def _split(operation: str, ary: Any, indices_or_sections: Any, axis: Any, equal: bool) -> list[Array]:
    ary = as_array(operation, ary)
    axis = normalize_axis(operation, axis, ary.ndim)
    length = ary.shape[axis]
    if not hasattr(indices_or_sections, "__index__") or np.ndim(indices_or_sections):
        parts = _points(operation, indices_or_sections, length)
    else:
        count = int(indices_or_sections)
        if count < 1:
            raise ArgumentError(f"{operation}: expected at least 1 part, got {count}")
        each, longer = divmod(length, count)
        if equal and longer:
            raise ShapeError(
                f"{operation}: expected a length that {count} divides, got {length} on axis {axis}. "
                "array_split makes parts of unequal length"
            )
        ends = np.cumsum([each + 1] * longer + [each] * (count - longer)).tolist()
        parts = list(zip([0, *ends[:-1]], ends, strict=True))
    return [cut_axis(ary, axis, start, stop) for start, stop in parts]


@function(
    np.split,
    samples=[
        call(normal(4, 3), 2),
        call(normal(4, 3), [1, 3], axis=1),
        call(normal(5), [3, 2, 9]),
        call(normal(5), [-2]),
    ],
    rejects=[
        reject(ShapeError, "split: expected a length that 2 divides, got 3 on axis 0", normal(3), 2),
        reject(ShapeError, "split: axis 1 is out of range", normal(3), 3, axis=1),
        reject(ArgumentError, "split: expected at least 1 part, got 0", normal(3), 0),
        reject(ArgumentError, "split: expected a number of parts", normal(3), 1.5),
    ],
)
def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Array]:
    """Return a list of the parts along ``axis``: so many of equal length, or divided at the given indices.

    >>> split([1.0, 2.0, 3.0, 4.0], 2)
    [array([1., 2.]), array([3., 4.])]
    """
    return _split("split", ary, indices_or_sections, axis, equal=True)


@function(
    np.array_split,
    samples=[call(normal(5, 3), 3), call(normal(5), 7), call(normal(4, 3), [1, 3], axis=1)],
    rejects=[reject(ArgumentError, "array_split: expected at least 1 part, got -1", normal(3), -1)],
)
def array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Array]:
    """Return a list of the parts along ``axis``, as ``split``; the first parts are longer if they cannot be equal.

    >>> array_split([1.0, 2.0, 3.0], 2)
    [array([1., 2.]), array([3.])]
    """
    return _split("array_split", ary, indices_or_sections, axis, equal=False)


@function(
    np.hsplit,
    samples=[call(normal(2, 4), 2), call(normal(4), [1])],
    rejects=[reject(ShapeError, "hsplit: expected at least 1 axis", normal(), 1)],
)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Array]:
    """Return the parts of an array divided along its second axis, or its only one.

    >>> hsplit([[1.0, 2.0]], 2)
    [array([[1.]]), array([[2.]])]
    """
    ary = _with_axes("hsplit", ary, 1)
    return _split("hsplit", ary, indices_or_sections, 1 if ary.ndim > 1 else 0, equal=True)


@function(
    np.vsplit,
    samples=[call(normal(4, 2), 2)],
    rejects=[reject(ShapeError, "vsplit: expected at least 2 axes", normal(4), 2)],
)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Array]:
    """Return the parts of an array divided along its first axis.

    >>> vsplit([[1.0], [2.0]], 2)
    [array([[1.]]), array([[2.]])]
    """
    return _split("vsplit", _with_axes("vsplit", ary, 2), indices_or_sections, 0, equal=True)


@function(
    np.dsplit,
    samples=[call(normal(2, 2, 4), 2)],
    rejects=[reject(ShapeError, "dsplit: expected at least 3 axes", normal(4, 4), 2)],
)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Array]:
    """Return the parts of an array divided along its third axis.

    >>> dsplit([[[1.0, 2.0]]], 2)
    [array([[[1.]]]), array([[[2.]]])]
    """
    return _split("dsplit", _with_axes("dsplit", ary, 3), indices_or_sections, 2, equal=True)


def _with_axes(operation: str, ary: Any, count: int) -> Array:
    ary = as_array(operation, ary)
    if ary.ndim < count:
        raise ShapeError(f"{operation}: expected at least {count} {'axis' if count == 1 else 'axes'}, got {ary.shape}")
    return ary


@function(
    getattr(np, "unstack", None),  # new in NumPy 2.1
    samples=[normal(2, 3), call(normal(2, 3), axis=-1)],
    rejects=[reject(ShapeError, "unstack: expected at least 1 axis", normal())],
)
def unstack(x: Any, /, *, axis: Any = 0) -> tuple[Array, ...]:
    """Return the arrays that ``stack`` would make x of.

    >>> unstack([[1.0, 2.0], [3.0, 4.0]])
    (array([1., 2.]), array([3., 4.]))
    """
    x = _with_axes("unstack", x, 1)
    axis = normalize_axis("unstack", axis, x.ndim)
    return tuple(cut(x, index=(*whole(x.shape[:axis]), place)) for place in range(x.shape[axis]))
