"""Elimination without errors: how compiled programs solve small systems, many at once.

LAPACK refuses a matrix that is singular. What a program does to the members of a stack side by side cannot stop at one
of them: here the result says itself where it is not to be trusted, and the operation's NumPy meaning decides there (see
``Primitive.guarded``). A pivot counts as sound if it is more than what rounding may have left of a zero, and finite.
So a program raises for the matrices that NumPy raises for, whatever the order in which each of them rounds.

The axes of a stack come last in what elimination gives, as its members then lie side by side for vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import batch_all, general
from pullback.core.operations import operations
from pullback.core.sample import call, invertible, normal, points, positive_definite, reject
from pullback.errors import ShapeError
from pullback.ops.linalg.matrices import check_square

LARGEST = 32
"""Rows of a matrix up to which a program does without LAPACK, which works by blocks."""
_SAFETY = 8
"""How many units of rounding, for each row, a pivot may be that is a zero but for rounding."""


def is_small(x: Any) -> bool:
    """Whether these matrices are of a kind for which a program does without LAPACK: real, with few rows."""
    return x.dtype.char in "fd" and x.shape[-1] <= LARGEST and bool(x.size)


def negligible(n: int, dtype: np.dtype[Any]) -> float:
    """What rounding may leave of a zero in the elimination of n rows, beside the terms that cancelled."""
    return float(_SAFETY * n * np.finfo(dtype).eps)


# Factors --------------------------------------------------------------------------------------------------------------


@general(
    samples=[invertible(3, 3), invertible(2, 5, 5), points([1.0, 2.0], [2.0, 4.0]), normal(1, 1)],
    rejects=[reject(ShapeError, "eliminate: expected square matrices", normal(2, 3))],
    differentiable=False,
)
def eliminate(x: Any) -> Any:
    """Factors of a stack of matrices with n rows, as an array of shape (n, n + 2, ...).

    By rows: the triangular L, its diagonal of ones left out, and U, of the matrix with its rows exchanged; with which
    row each one was exchanged when its turn came; and whether its pivot is sound, 1 or 0.
    """
    check_square("eliminate", x)
    lu = np.array(np.moveaxis(x, (-2, -1), (0, 1)))
    n = len(lu)
    found = np.empty((n, n + 2, *x.shape[:-2]), x.dtype)
    rows = np.arange(n).reshape(n, *[1] * (lu.ndim - 1))
    for k in range(n):
        exchanged = np.argmax(np.abs(lu[k:, k]), axis=0) + k
        row = np.take_along_axis(lu, np.broadcast_to(exchanged, (1, *lu.shape[1:])), 0)[0]
        lu = np.where(rows == exchanged, lu[k], lu)
        lu[k] = row
        cancelled = np.sum(np.abs(lu[k, :k] * lu[:k, k]), axis=0)
        size = np.abs(row[k])
        found[k, n:] = exchanged, (size > negligible(n, x.dtype) * cancelled) & (size < np.inf)
        lu[k + 1 :, k] /= np.where(row[k] == 0, 1, row[k])
        lu[k + 1 :, k + 1 :] -= lu[k + 1 :, k, None] * row[k + 1 :]
    found[:, :n] = lu
    return found


@eliminate.infer
def _(x: Aval) -> Aval:
    check_square("eliminate", x)
    n = x.shape[-1]
    return Aval((n, n + 2, *x.shape[:-2]), x.dtype)


@eliminate.batching
def _(batched: Sequence[bool], x: Array) -> Array:
    return operations.moveaxis(eliminate(x), 2, 0)


def are_finite(x: Array) -> Array:
    """Whether there is no NaN or infinity: what becomes of these depends on the order of operations."""
    found: Array = operations.all(operations.isfinite(x))
    return found


def is_sound(factors: Array) -> Array:
    """Whether every pivot of every matrix is sound."""
    return operations.all(factors[:, -1] != 0)


def pivots(factors: Array) -> Array:
    """The diagonal of U, of shape (n, ...), with the sign of the exchange at each: their product is the determinant."""
    n = len(factors)
    stack = factors.shape[2:]
    diagonal = factors.reshape((n * (n + 2), *stack))[: n * (n + 2) : n + 3]
    own = np.arange(n, dtype=factors.dtype).reshape(n, *[1] * len(stack))
    return operations.where(factors[:, n] == own, diagonal, -diagonal)


# Solutions ------------------------------------------------------------------------------------------------------------


@general(
    samples=[
        call(normal(3, 5), normal(3, 2), transposed=False),
        call(points([2.0, 1.0, 1.0, 1.0], [0.5, 3.0, 1.0, 1.0]), normal(2, 1), transposed=True),
        call(normal(3, 5, 2), normal(2, 3, 1), transposed=False),
    ],
    rejects=[
        reject(ShapeError, "solve_eliminated: expected (n, n + 2, ...) and (..., n, k), got (3, 5) and (2, 1)",
               normal(3, 5), normal(2, 1), transposed=False)
    ],
    differentiable=False,
)  # fmt: skip
def solve_eliminated(factors: Any, b: Any, *, transposed: bool) -> Any:
    """The x with ``a @ x = b``, or with ``a.mT @ x = b``, by what ``eliminate`` gives of a."""
    _check_factors(factors, b)
    n = len(factors)
    y = np.array(np.moveaxis(b, (-2, -1), (0, 1)))
    lu, order = factors[:, :n, None], range(n)
    with np.errstate(all="ignore"):
        if transposed:
            for k in order:
                y[k] /= lu[k, k]
                y[k + 1 :] -= lu[k, k + 1 :] * y[k]
            for k in reversed(order):
                y[:k] -= lu[k, :k] * y[k]
            _exchange(y, factors[:, n], reversed(order))
        else:
            _exchange(y, factors[:, n], order)
            for k in order:
                y[k + 1 :] -= lu[k + 1 :, k] * y[k]
            for k in reversed(order):
                y[k] /= lu[k, k]
                y[:k] -= lu[:k, k] * y[k]
    return np.moveaxis(y, (0, 1), (-2, -1))


def _exchange(y: Any, exchanged: Any, order: Any) -> None:
    for k in order:
        for i in range(k + 1, len(y)):
            y[[k, i]] = np.where(exchanged[k] == i, y[[i, k]], y[[k, i]])


def _check_factors(factors: Any, b: Any) -> None:
    n = factors.shape[0]
    if factors.shape[1] != n + 2 or b.shape[:-1] != (*factors.shape[2:], n):
        raise ShapeError(
            f"solve_eliminated: expected (n, n + 2, ...) and (..., n, k), got {factors.shape} and {b.shape}"
        )


@solve_eliminated.infer
def _(factors: Aval, b: Aval, *, transposed: bool) -> Aval:
    _check_factors(factors, b)
    return b


@solve_eliminated.batching
def _(batched: Sequence[bool], factors: Array, b: Array, *, transposed: bool) -> Array:
    factors, b = batch_all(batched, (factors, b))
    return solve_eliminated(operations.moveaxis(factors, 0, 2), b, transposed=transposed)


def of_transpose(x: Array) -> Array | None:
    """What x is the transpose of, if it is known as one: both have the same factors."""
    node = x._node
    swapped = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    if node.primitive.name != "permute" or tuple(node.params["axes"]) != swapped:
        return None
    return Array(node.inputs[0])


def inverse_by(factors: Array) -> Array:
    """The inverse of each matrix of a stack, by what ``eliminate`` gives of it."""
    n, stack = len(factors), factors.shape[2:]
    ones = operations.broadcast_to(np.eye(n, dtype=factors.dtype), (*stack, n, n))
    found: Array = solve_eliminated(factors, ones, transposed=False)
    return found


def condition_bound(x: Array, inverse: Array) -> Array:
    """An upper bound of the condition number of each matrix of a stack: the product of two Frobenius norms."""
    return operations.sqrt((x * x).sum((-2, -1))) * operations.sqrt((inverse * inverse).sum((-2, -1)))


# Triangles ------------------------------------------------------------------------------------------------------------


@general(
    samples=[positive_definite(3, 3), positive_definite(2, 5, 5), points([4.0, 0.0], [2.0, 0.5])],
    rejects=[reject(ShapeError, "cholesky_or_nan: expected square matrices", normal(2, 3))],
    differentiable=False,
    stacks=True,
)
def cholesky_or_nan(x: Any) -> Any:
    """The lower triangular L with ``L @ L.mT = x``, by the lower triangle of each x of a stack.

    Of a matrix that is not positive definite it has a diagonal that is not positive, or NaN.
    """
    check_square("cholesky_or_nan", x)
    found = np.zeros_like(x)
    with np.errstate(all="ignore"):
        for j in range(x.shape[-1]):
            rest = x[..., j:, j] - np.einsum("...ik,...k->...i", found[..., j:, :j], found[..., j, :j])
            root = np.sqrt(rest[..., :1])
            found[..., j:, j] = np.concatenate([root, rest[..., 1:] / root], axis=-1)
    return found


@cholesky_or_nan.infer
def _(x: Aval) -> Aval:
    check_square("cholesky_or_nan", x)
    return x


@general(
    samples=[
        call(invertible(3, 3), normal(3, 2), lower=True, unit_diagonal=False),
        call(invertible(2, 5, 5), normal(2, 5, 1), lower=False, unit_diagonal=True),
    ],
    rejects=[
        reject(ShapeError, "substitute: expected (..., n, n) and (..., n, k), got (3, 3) and (2, 1)",
               normal(3, 3), normal(2, 1), lower=True, unit_diagonal=False)
    ],
    differentiable=False,
    stacks=True,
)  # fmt: skip
def substitute(a: Any, b: Any, *, lower: bool, unit_diagonal: bool) -> Any:
    """The x with ``a @ x = b`` by the lower or upper triangle of a, whatever its diagonal has."""
    _check_triangle(a, b)
    n = a.shape[-1]
    found = np.array(b)
    with np.errstate(all="ignore"):
        for k in range(n) if lower else reversed(range(n)):
            if not unit_diagonal:
                found[..., k, :] /= a[..., k, k, None]
            rest = slice(k + 1, n) if lower else slice(k)
            found[..., rest, :] -= a[..., rest, k, None] * found[..., k, None, :]
    return found


def _check_triangle(a: Any, b: Any) -> None:
    check_square("substitute", a)
    if b.shape[:-1] != a.shape[:-1]:
        raise ShapeError(f"substitute: expected (..., n, n) and (..., n, k), got {a.shape} and {b.shape}")


@substitute.infer
def _(a: Aval, b: Aval, *, lower: bool, unit_diagonal: bool) -> Aval:
    _check_triangle(a, b)
    return b
