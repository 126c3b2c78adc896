"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index, normalize_axis
from pullback.core.creation import as_dtype
from pullback.core.operations import function, operations
from pullback.core.sample import call, normal, reject
from pullback.core.terminals import scalar_node
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.indexing import gather, overwrite
from pullback.ops.inplace import rebind
from pullback.ops.permuting import moveaxis
from pullback.ops.selection import where
from pullback.ops.structural import as_array, ravel, reshape
from pullback.ops.subscript import setitem


@function(
    np.diagonal,
    samples=[normal(3, 4), call(normal(3, 4), 1), call(normal(2, 3, 4), -1, 2, 0), call(normal(3, 4), 9)],
    rejects=[
        reject(ShapeError, "diagonal: expected at least 2 axes, got shape (3,)", normal(3)),
        reject(ShapeError, "diagonal: expected two axes", normal(3, 3), 0, 1, -1),
        reject(ShapeError, "diagonal: axis 2 is out of range", normal(3, 3), 0, 0, 2),
    ],
)
def diagonal(a: Any, offset: int = 0, axis1: Any = 0, axis2: Any = 1) -> Array:
    """Return the elements a[i, i + offset] of two axes, along a new last axis.

    >>> diagonal([[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    return _diagonal("diagonal", a, offset, axis1, axis2)


def _diagonal(operation: str, a: Any, offset: int, axis1: Any, axis2: Any) -> Array:
    x = as_array(operation, a)
    if x.ndim < 2:
        raise ShapeError(f"{operation}: expected at least 2 axes, got shape {x.shape}")
    first, second = normalize_axis(operation, axis1, x.ndim), normalize_axis(operation, axis2, x.ndim)
    if first == second:
        raise ShapeError(f"{operation}: expected two axes, got {axis1} and {axis2}")
    x = moveaxis(x, (first, second), (-2, -1))
    offset = as_index(operation, "offset", offset)
    down, right = max(-offset, 0), max(offset, 0)
    along = np.arange(max(0, min(x.shape[-2] - down, x.shape[-1] - right)))
    return gather(x, along + down, along + right, axes=(x.ndim - 2, x.ndim - 1), unique=True)


@function(
    np.diag,
    samples=[
        normal(3),
        call(normal(3), 1),
        call(normal(3), -2),
        normal(3, 4),
        call(normal(3, 4), -1),
        call(normal(0), 1),
    ],
    rejects=[reject(ShapeError, "diag: expected 1 or 2 axes, got shape ()", normal())],
)
def diag(v: Any, k: int = 0) -> Array:
    """Return the diagonal of a matrix, or the matrix that has a vector as its diagonal and is zero elsewhere.

    >>> diag([1.0, 2.0])
    array([[1., 0.],
           [0., 2.]])
    """
    v = as_array("diag", v)
    k = as_index("diag", "k", k)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError(f"diag: expected 1 or 2 axes, got shape {v.shape}")
    side = v.size + abs(k)
    start = k if k >= 0 else -k * side
    zeros = Array(scalar_node(0, (side * side,), v.dtype))
    span = (start, min(start + v.size * (side + 1), side * side), side + 1)
    return reshape(overwrite(zeros, v, index=(span,)), (side, side))


@function(np.diagflat, samples=[normal(2, 2), call(normal(3), 1), normal()])
def diagflat(v: Any, k: int = 0) -> Array:
    """Return the matrix that has the elements of v as its diagonal.

    >>> diagflat([[1.0], [2.0]])
    array([[1., 0.],
           [0., 2.]])
    """
    return diag(ravel(as_array("diagflat", v)), k)


@function(
    np.trace,
    samples=[normal(3, 4), call(normal(3, 4), 1), call(normal(2, 3, 4), 0, 1, 2), call(normal(3, 3), dtype=np.float32)],
    rejects=[reject(ShapeError, "trace: expected at least 2 axes, got shape (3,)", normal(3))],
)
def trace(a: Any, offset: int = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None) -> Array:
    """Return the sum along a diagonal.

    >>> trace([[1.0, 2.0], [3.0, 4.0]])
    array(5.)
    """
    total: Array = operations.sum(_diagonal("trace", a, offset, axis1, axis2), axis=-1, dtype=dtype)
    return total


def _triangle(operation: str, m: Any, k: int, lower: bool) -> Array:
    m = as_array(operation, m)
    if not m.ndim:
        raise ShapeError(f"{operation}: expected at least 1 axis, got a 0-d array")
    k = as_index(operation, "k", k)
    mask = np.tri(*m.shape[-2:], k=k if lower else k - 1, dtype=bool)  # type: ignore[call-overload]  # of 1 or 2
    zero = np.zeros((), m.dtype)
    result: Array = where(mask, m, zero) if lower else where(mask, zero, m)
    return result


@function(
    np.tril,
    samples=[normal(3, 4), call(normal(2, 3, 3), -1), normal(3)],
    rejects=[reject(ShapeError, "tril: expected at least 1 axis", normal())],
)
def tril(m: Any, k: int = 0) -> Array:
    """Return matrices with zeros above their k-th diagonal.

    >>> tril([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 0.],
           [3., 4.]])
    """
    return _triangle("tril", m, k, lower=True)


@function(
    np.triu,
    samples=[normal(3, 4), call(normal(2, 3, 3), 1), normal(3)],
    rejects=[reject(ShapeError, "triu: expected at least 1 axis", normal())],
)
def triu(m: Any, k: int = 0) -> Array:
    """Return matrices with zeros below their k-th diagonal.

    >>> triu([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [0., 4.]])
    """
    return _triangle("triu", m, k, lower=False)


@function(
    np.tri,
    samples=[call(3), call(2, 4, 1, int), call(3, k=-1)],
    rejects=[reject(DTypeError, "tri: expected an integer as N, got 2.5", 2.5)],
    differentiable=False,
)
def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = float, *, like: Any = None) -> Array:  # NumPy's
    """Ones on and below the k-th diagonal of a matrix with N rows and M columns (N by default), zeros elsewhere.

    >>> tri(2)
    array([[1., 0.],
           [1., 1.]])
    """
    rows, k = as_index("tri", "N", N), as_index("tri", "k", k)
    columns = rows if M is None else as_index("tri", "M", M)
    numpys: Any = np.tri  # its annotations take no dtype that is not known
    return as_array("tri", numpys(rows, columns, k, as_dtype("tri", dtype)))


@function(np.fill_diagonal, samples=(), differentiable=False)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Put values on the diagonal of a: the handle points at the updated array, the gradient flows through.

    >>> import pullback as pb
    >>> a = pb.array([[1.0, 2.0], [3.0, 4.0]])
    >>> fill_diagonal(a, 0.0)
    >>> a
    array([[0., 2.],
           [3., 0.]])
    """
    x = as_array("fill_diagonal", a)
    if x.ndim < 2:
        raise ShapeError(f"fill_diagonal: expected at least 2 axes, got shape {x.shape}")
    end = x.size
    if x.ndim == 2:
        step = x.shape[1] + 1
        if not wrap:
            end = min(end, x.shape[1] * x.shape[1])
    else:
        if len(set(x.shape)) > 1:
            raise ShapeError(f"fill_diagonal: expected axes of one length, got shape {x.shape}")
        step = 1 + sum(x.shape[0] ** i for i in range(1, x.ndim))
    places = len(range(0, end, step))
    val = ravel(as_array("fill_diagonal", val))
    if not val.size:
        raise ArgumentError("fill_diagonal: expected at least one value, got none")
    updated = setitem(ravel(x), slice(0, end, step), operations.resize(val, (places,)))
    rebind("fill_diagonal", a, reshape(updated, x.shape))
