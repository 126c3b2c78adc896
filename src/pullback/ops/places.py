"""Indices made from shapes and from other indices: integers, which have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index
from pullback.core.operations import function, operations
from pullback.core.sample import call, integers, normal, reject, values
from pullback.errors import ArgumentError, DTypeError, IndexingError, ShapeError
from pullback.ops.structural import as_array, as_shape, astype, reshape


@function(
    np.ix_,
    samples=[call([1, 2], [0, 1, 2]), call([True, False, True], values(4, 0)), call(normal(2), [1]), call([])],
    rejects=[reject(ShapeError, "ix_: expected indices with one axis, got shape (1, 1)", [[1]])],
)
def ix_(*args: Any) -> tuple[Array, ...]:
    """The indices of a grid: each array along an axis of its own. Booleans, whose value must be known, as places.

    >>> ix_([0, 2], [1])
    (array([[0],
           [2]]), array([[1]]))
    """
    found = []
    for place, one in enumerate(args):
        x = as_array("ix_", np.zeros(0, np.intp) if isinstance(one, (list, tuple)) and not len(one) else one)
        if x.ndim != 1:
            raise ShapeError(f"ix_: expected indices with one axis, got shape {x.shape}")
        if x.dtype.kind == "b":
            x = operations.nonzero(x)[0]
        found.append(reshape(x, (1,) * place + (x.size,) + (1,) * (len(args) - place - 1)))
    return tuple(found)


def _constants(arrays: Any) -> tuple[Array, ...]:
    return tuple(as_array("indices", one) for one in arrays)


@function(
    np.diag_indices_from,
    samples=[normal(3, 3), normal(2, 2, 2)],
    rejects=[
        reject(ShapeError, "diag_indices_from: expected at least 2 axes, got shape (3,)", normal(3)),
        reject(ShapeError, "diag_indices_from: expected axes of one length, got shape (2, 3)", normal(2, 3)),
    ],
    differentiable=False,
)
def diag_indices_from(arr: Any) -> tuple[Array, ...]:
    """The indices of the diagonal of an array of this shape.

    >>> diag_indices_from(np.zeros((2, 2)))
    (array([0, 1]), array([0, 1]))
    """
    x = as_array("diag_indices_from", arr)
    if x.ndim < 2:
        raise ShapeError(f"diag_indices_from: expected at least 2 axes, got shape {x.shape}")
    if len(set(x.shape)) > 1:
        raise ShapeError(f"diag_indices_from: expected axes of one length, got shape {x.shape}")
    return _constants(np.diag_indices(x.shape[0], x.ndim))


def _matrix(operation: str, arr: Any) -> Array:
    x = as_array(operation, arr)
    if x.ndim != 2:
        raise ShapeError(f"{operation}: expected a matrix, got shape {x.shape}")
    return x


@function(
    np.tril_indices_from,
    samples=[normal(3, 4), call(normal(3, 3), -1)],
    rejects=[reject(ShapeError, "tril_indices_from: expected a matrix, got shape (3,)", normal(3))],
    differentiable=False,
)
def tril_indices_from(arr: Any, k: Any = 0) -> tuple[Array, ...]:
    """The indices of the triangle of a matrix of this shape on and below the k-th diagonal.

    >>> tril_indices_from(np.zeros((2, 2)))
    (array([0, 1, 1]), array([0, 0, 1]))
    """
    x = _matrix("tril_indices_from", arr)
    return _constants(np.tril_indices(x.shape[0], as_index("tril_indices_from", "k", k), x.shape[1]))


@function(
    np.triu_indices_from,
    samples=[normal(3, 4), call(normal(3, 3), 1)],
    rejects=[reject(ShapeError, "triu_indices_from: expected a matrix, got shape (3,)", normal(3))],
    differentiable=False,
)
def triu_indices_from(arr: Any, k: Any = 0) -> tuple[Array, ...]:
    """The indices of the triangle of a matrix of this shape on and above the k-th diagonal.

    >>> triu_indices_from(np.zeros((2, 2)))
    (array([0, 0, 1]), array([0, 1, 1]))
    """
    x = _matrix("triu_indices_from", arr)
    return _constants(np.triu_indices(x.shape[0], as_index("triu_indices_from", "k", k), x.shape[1]))


def _integers(operation: str, x: Any) -> Array:
    x = as_array(operation, x)
    if x.dtype.kind not in "biu":
        raise DTypeError(f"{operation}: expected integers as indices, got {x.dtype}")
    result: Array = astype(x, np.intp)
    return result


@function(
    np.unravel_index,
    samples=[call(integers(0, 12, 2, 3), (3, 4)), call(7, (2, 3, 4), order="F"), call(integers(0, 5, 3), 6)],
    rejects=[
        reject(IndexingError, "unravel_index: index 6 is out of range for an array of shape (2, 3)", 6, (2, 3)),
        reject(DTypeError, "unravel_index: expected integers as indices, got float64", normal(3), (2, 3)),
        reject(ArgumentError, "unravel_index: expected order 'C' or 'F', got 'K'", 1, (2, 3), order="K"),
    ],
    differentiable=False,
)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Array, ...]:
    """The indices along each axis of places in an array of this shape that is laid out flat.

    >>> unravel_index(4, (2, 3))
    (array(1), array(1))
    """
    place = _integers("unravel_index", indices)
    lengths = as_shape("unravel_index", shape)
    if order not in ("C", "F"):
        raise ArgumentError(f"unravel_index: expected order 'C' or 'F', got {order!r}")
    known, total = place._node.value, int(np.prod(lengths, dtype=np.intp))
    if known is not None and known.size and not (known.min() >= 0 and known.max() < total):
        wrong = known[(known < 0) | (known >= total)].flat[0] if known.ndim else known
        raise IndexingError(f"unravel_index: index {wrong} is out of range for an array of shape {lengths}")
    found = []
    for length in reversed(lengths) if order == "C" else lengths:
        found.append(place % length)
        place = place // length
    return tuple(reversed(found) if order == "C" else found)


@function(
    np.ravel_multi_index,
    samples=[
        call((integers(0, 3, 4), integers(0, 4, 4)), (3, 4)),
        call((integers(0, 3, 4), 2), (3, 4), order="F"),
        call((values(-1, 5), values(3, 9)), (3, 4), mode="wrap"),
        call((values(-1, 5), values(3, 9)), (3, 4), mode=("clip", "wrap")),
    ],
    rejects=[
        reject(IndexingError, "ravel_multi_index: index 3 is out of range for axis 0 of length 3", (3, 0), (3, 4)),
        reject(DTypeError, "ravel_multi_index: expected integers as indices, got float64", (0.5, 0), (3, 4)),
        reject(ArgumentError, "ravel_multi_index: expected an index for each of 2 axes, got 1", (1,), (3, 4)),
        reject(ArgumentError, "ravel_multi_index: expected mode 'raise', 'wrap' or 'clip'", (1, 1), (3, 4), mode="x"),
        reject(ArgumentError, "ravel_multi_index: expected order 'C' or 'F', got 'K'", (1, 1), (3, 4), order="K"),
    ],
    differentiable=False,
)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Array:
    """The places, in an array of this shape laid out flat, of what has these indices along each axis.

    >>> ravel_multi_index((1, 1), (2, 3))
    array(4)
    """
    lengths = as_shape("ravel_multi_index", dims)
    indices = [_integers("ravel_multi_index", one) for one in multi_index]
    if len(indices) != len(lengths):
        raise ArgumentError(f"ravel_multi_index: expected an index for each of {len(lengths)} axes, got {len(indices)}")
    if order not in ("C", "F"):
        raise ArgumentError(f"ravel_multi_index: expected order 'C' or 'F', got {order!r}")
    modes = [mode] * len(lengths) if isinstance(mode, str) else list(mode)
    axes = range(len(lengths)) if order == "C" else reversed(range(len(lengths)))
    place: Any = 0
    for axis in axes:
        place = place * lengths[axis] + _within(indices[axis], axis, lengths[axis], modes[axis])
    result: Array = place
    return result


def _within(index: Array, axis: int, length: int, mode: Any) -> Array:
    if mode == "wrap":
        return index % length
    if mode == "clip":
        clipped: Array = operations.clip(index, 0, length - 1)
        return clipped
    if mode != "raise":
        raise ArgumentError(f"ravel_multi_index: expected mode 'raise', 'wrap' or 'clip', got {mode!r}")
    known = index._node.value
    if known is not None and known.size and not (known.min() >= 0 and known.max() < length):
        wrong = known[(known < 0) | (known >= length)].flat[0] if known.ndim else known
        raise IndexingError(f"ravel_multi_index: index {wrong} is out of range for axis {axis} of length {length}")
    return index
