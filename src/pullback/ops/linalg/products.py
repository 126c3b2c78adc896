"""Products and traces, as the linear algebra of the Array API has them: of the last axes, and of vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import function, operations
from pullback.core.sample import call, normal, reject
from pullback.errors import ArgumentError, ShapeError
from pullback.ops.contraction import multiply_matrices
from pullback.ops.promotion import promoted
from pullback.ops.structural import as_array, as_arrays


@function(
    np.linalg.matrix_transpose,
    name="linalg.matrix_transpose",
    samples=[normal(3, 4), normal(2, 3, 4)],
    rejects=[reject(ShapeError, "linalg.matrix_transpose: expected at least 2 axes, got shape (3,)", normal(3))],
)
def matrix_transpose(x: Any, /) -> Array:
    """Return x with its last two axes swapped.

    >>> matrix_transpose([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    swapped: Array = operations.matrix_transpose(as_array("linalg.matrix_transpose", x))
    return swapped


@function(
    np.linalg.outer,
    name="linalg.outer",
    samples=[call(normal(3), normal(4)), call(normal(0), normal(2))],
    rejects=[
        reject(ShapeError, "linalg.outer: expected two vectors, got shapes (2, 2) and (3,)", normal(2, 2), normal(3))
    ],
)
def outer(x1: Any, x2: Any, /) -> Array:
    """Product of each element of a vector with each of another: a matrix.

    >>> outer([1.0, 2.0], [3.0, 4.0])
    array([[3., 4.],
           [6., 8.]])
    """
    x1, x2 = as_arrays("linalg.outer", x1, x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"linalg.outer: expected two vectors, got shapes {x1.shape} and {x2.shape}")
    product: Array = operations.outer(x1, x2)
    return product


@function(
    np.linalg.cross,
    name="linalg.cross",
    samples=[call(normal(3), normal(3)), call(normal(4, 3), normal(3)), call(normal(3, 4), normal(3, 4), axis=0)],
    rejects=[
        reject(ShapeError, "linalg.cross: expected vectors of length 3, got lengths 2 and 3", normal(2), normal(3))
    ],
)
def cross(x1: Any, x2: Any, /, *, axis: Any = -1) -> Array:
    """Cross product of vectors of length 3 along ``axis``; the other axes broadcast.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    array([0., 0., 1.])
    """
    x1, x2 = as_arrays("linalg.cross", x1, x2)
    product: Array = operations.cross(x1, x2, axis=axis)
    return product


@function(
    np.linalg.trace,
    name="linalg.trace",
    samples=[normal(3, 4), call(normal(2, 3, 4), offset=1), call(normal(3, 3), dtype=np.float32)],
    rejects=[reject(ShapeError, "linalg.trace: expected at least 2 axes, got shape (3,)", normal(3))],
)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """Return the sum along a diagonal of the last two axes.

    >>> trace([[1.0, 2.0], [3.0, 4.0]])
    array(5.)
    """
    total: Array = operations.trace(as_array("linalg.trace", x), offset, -2, -1, dtype)
    return total


@function(
    np.linalg.diagonal,
    name="linalg.diagonal",
    samples=[normal(3, 4), call(normal(2, 3, 4), offset=-1)],
    rejects=[reject(ShapeError, "linalg.diagonal: expected at least 2 axes, got shape (3,)", normal(3))],
)
def diagonal(x: Any, /, *, offset: int = 0) -> Array:
    """Return the elements x[..., i, i + offset], along a new last axis.

    >>> diagonal([[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    found: Array = operations.diagonal(as_array("linalg.diagonal", x), offset, -2, -1)
    return found


# A product of many matrices -------------------------------------------------------------------------------------------


def _best_splits(sizes: Sequence[int]) -> list[list[int]]:
    """Where to split each range of factors so that the whole takes the fewest multiplications [CLRS, 15.2].

    Factor i has ``sizes[i]`` rows and ``sizes[i + 1]`` columns.
    """
    n = len(sizes) - 1
    cost = [[0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return split


def _multiplied(factors: Sequence[Array], split: list[list[int]]) -> Array:
    """The product of all factors, in the best order; without recursion, there may be many."""
    done: dict[tuple[int, int], Array] = {(i, i): one for i, one in enumerate(factors)}
    waiting = [(0, len(factors) - 1)]
    while waiting:
        i, j = waiting[-1]
        k = split[i][j]
        parts = [part for part in ((i, k), (k + 1, j)) if part not in done]
        if parts:
            waiting += parts
            continue
        waiting.pop()
        if (i, j) not in done:
            done[i, j] = multiply_matrices(done[i, k], done[k + 1, j])
    return done[0, len(factors) - 1]


@function(
    np.linalg.multi_dot,
    samples=[
        call([normal(3, 4), normal(4, 2)]),
        call([normal(3), normal(3, 2), normal(2)]),
        call([normal(2, 5), normal(5, 3), normal(3, 4), normal(4)]),
        call([normal(2), normal(2, 3), normal(3, 2), normal(2, 3), normal(3, 2)]),
    ],
    rejects=[
        reject(ArgumentError, "multi_dot: expected at least two arrays, got 1", [np.eye(2)]),
        reject(ShapeError, "multi_dot: expected matrices, and vectors at the ends only, got shapes (2, 2), (2,)",
               [np.eye(2), np.ones(2), np.eye(2)]),
        reject(ShapeError, "multi_dot: expected as many columns as the next has rows, got (2, 2) and (3, 3)",
               [np.eye(2), np.eye(3)]),
    ],
)  # fmt: skip
def multi_dot(arrays: Any) -> Array:
    """Product of two or more matrices, in the order that takes the fewest multiplications; vectors at the ends.

    >>> multi_dot([[[1.0, 2.0]], [[3.0], [4.0]], [5.0]])
    array([55.])
    """
    factors = promoted("multi_dot", *arrays) if len(arrays) else []
    if len(factors) < 2:
        raise ArgumentError(f"multi_dot: expected at least two arrays, got {len(factors)}")
    first, last = factors[0].ndim == 1, factors[-1].ndim == 1
    shapes = [x.shape for x in factors]
    if first:
        factors[0] = factors[0].reshape((1, factors[0].size))
    if last:
        factors[-1] = factors[-1].reshape((factors[-1].size, 1))
    if any(x.ndim != 2 for x in factors):
        listed = ", ".join(map(str, shapes))
        raise ShapeError(f"multi_dot: expected matrices, and vectors at the ends only, got shapes {listed}")
    for x, y, one, other in zip(factors, factors[1:], shapes, shapes[1:], strict=False):
        if x.shape[1] != y.shape[0]:
            raise ShapeError(f"multi_dot: expected as many columns as the next has rows, got {one} and {other}")
    product = _multiplied(factors, _best_splits([*(x.shape[0] for x in factors), factors[-1].shape[1]]))
    kept = (() if first else product.shape[:1]) + (() if last else product.shape[1:])
    return product if product.shape == kept else product.reshape(kept)
