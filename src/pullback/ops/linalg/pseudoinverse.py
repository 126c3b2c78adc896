"""Where a matrix has no inverse: pseudo-inverse, least squares, rank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import add_all, general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, positive_definite, reject, values
from pullback.errors import ArgumentError, ShapeError
from pullback.ops.contraction import adjoint
from pullback.ops.linalg.matrices import as_matrices, check_matrix, expecting
from pullback.ops.linalg.singular import as_operand, singular_values
from pullback.ops.structural import as_array

_CONVERGENT = "a matrix whose singular values LAPACK finds"

# Pseudo-inverse -------------------------------------------------------------------------------------------------------


@general(
    name="pinv",
    samples=[call(normal(3, 3), rtol=1e-15), call(normal(4, 2), rtol=1e-3), call(normal(2, 2, 3), rtol=1e-15)],
    rejects=[reject(ShapeError, "pinv: expected a matrix or a stack of them", normal(3), rtol=1e-15)],
    stacks=True,
)
def pseudo_invert(x: Any, *, rtol: float) -> Any:
    """Pseudo-inverse of each matrix of a stack; singular values up to ``rtol`` times the largest count as 0."""
    check_matrix("pinv", x)
    with expecting("pinv", _CONVERGENT, x):
        return np.linalg.pinv(x, rcond=rtol)


@pseudo_invert.infer
def _(x: Aval, *, rtol: float) -> Aval:
    check_matrix("pinv", x)
    *stack, rows, columns = x.shape
    return Aval((*stack, columns, rows), x.dtype)


# The derivative is by matrices of the same rank [Golub & Pereyra 1973, SIAM J. Numer. Anal. 10, (4.12)].


def _product(a: Array, b: Array, c: Array) -> Array:
    """``a @ b @ c`` in the order that takes fewer multiplications: of tall matrices none is as wide as it is tall."""
    (m, k), (n, p) = a.shape[-2:], c.shape[-2:]
    return (a @ b) @ c if m * n * (k + p) <= k * p * (m + n) else a @ (b @ c)


def _pulled(ct: Array, p: Array, x: Array) -> Array:
    """The cotangent of x from that of its pseudo-inverse p."""
    ph, cth = adjoint(p), adjoint(ct)
    left, right = _product(cth, p, ph), _product(ph, p, cth)
    return (left - _product(x, p, left)) + (right - _product(right, p, x)) - _product(ph, ct, ph)


def _pushed(t: Array, p: Array, x: Array) -> Array:
    """The tangent of the pseudo-inverse p of x from that of x."""
    ph, th = adjoint(p), adjoint(t)
    left, right = _product(p, ph, th), _product(th, ph, p)
    return (left - _product(left, x, p)) + (right - _product(p, x, right)) - _product(p, t, p)


@pseudo_invert.define_vjp
def _(ct: Array, out: Array, x: Array, *, rtol: float) -> Iterator[Thunk]:
    yield lambda: _pulled(ct, out, x)


@pseudo_invert.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, rtol: float) -> Array:
    return _pushed(tangents[0], out, x)


def _cutoff(operation: str, **given: Any) -> float | None:
    """Return what is given of two names for one number."""
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) > 1:
        raise ArgumentError(f"{operation}: expected {' or '.join(named)}, got both")
    for name, value in named.items():
        shape = np.shape(value)
        if isinstance(value, Array) or shape:
            raise ArgumentError(f"{operation}: expected {name} to be a number, got an array of shape {shape}")
        return float(value)
    return None


def _accuracy(x: Array) -> float:
    """Below which part of the largest a singular value may be nothing but rounding."""
    return max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)


@function(
    np.linalg.pinv,
    samples=[
        normal(3, 3),
        normal(4, 2),
        normal(2, 2, 3),
        call(normal(3, 2), 1e-3),
        call(normal(3, 2), rtol=1e-3),
        call(positive_definite(3, 3), hermitian=True),
    ],
    rejects=[
        reject(ShapeError, "pinv: expected a matrix or a stack of them, got shape (3,)", normal(3)),
        reject(ArgumentError, "pinv: expected rcond to be a number", normal(3, 3), np.ones(3)),
        reject(ArgumentError, "pinv: expected rcond to be a number, got an array of shape (1,)", normal(3, 3), [0.1]),
        reject(ArgumentError, "pinv: expected rcond or rtol, got both", normal(3, 3), 0.1, rtol=0.1),
    ],
)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Array:
    """Pseudo-inverse of a matrix, or of each of a stack; its derivative is by matrices of the same rank.

    Args:
        a: a matrix, or a stack of them.
        rcond: singular values up to so many times the largest count as 0; 1e-15 where ``rtol`` is not given either.
        hermitian: whether a is Hermitian: one triangle of it is read.
        rtol: the same as ``rcond``; None stands for the accuracy of the dtype times the longer side.

    >>> pinv([[2.0, 0.0], [0.0, 0.0]])
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    x = as_operand("pinv", a, hermitian)
    if rtol is None and rcond is None and x.size:
        rtol = _accuracy(x)
    cutoff = _cutoff("pinv", rcond=rcond, rtol=None if rtol is np._NoValue else rtol)
    found: Array = pseudo_invert(x, rtol=1e-15 if cutoff is None else cutoff)
    return found


# Least squares --------------------------------------------------------------------------------------------------------


def _check_rows(a: Any, b: Any) -> None:
    check_matrix("lstsq", a)
    check_matrix("lstsq", b)
    if a.shape[:-1] != b.shape[:-1]:
        raise ShapeError(f"lstsq: expected (m, n) and (m, k), got {a.shape} and {b.shape}")


@general(
    name="lstsq",
    samples=[call(normal(4, 2), normal(4, 3), rcond=1e-15), call(normal(2, 2, 3), normal(2, 2, 1), rcond=1e-15)],
    rejects=[reject(ShapeError, "lstsq: expected (m, n) and (m, k)", normal(3, 2), normal(2, 1), rcond=1e-15)],
    stacks=True,
)
def least_squares(a: Any, b: Any, *, rcond: float) -> Any:
    """The shortest x for which ``a @ x - b`` is shortest, column by column, for stacks with the same leading axes."""
    _check_rows(a, b)
    if a.ndim == 2:
        with expecting("lstsq", _CONVERGENT, a):
            return np.linalg.lstsq(a, b, rcond)[0]
    found = np.empty((*a.shape[:-2], a.shape[-1], b.shape[-1]), a.dtype)
    for place in np.ndindex(a.shape[:-2]):
        found[place] = np.linalg.lstsq(a[place], b[place], rcond)[0]
    return found


@least_squares.infer
def _(a: Aval, b: Aval, *, rcond: float) -> Aval:
    _check_rows(a, b)
    return Aval((*a.shape[:-2], a.shape[-1], b.shape[-1]), a.dtype)


@least_squares.define_vjp
def _(ct: Array, out: Array, a: Array, b: Array, *, rcond: float) -> Iterator[Thunk]:
    p = pseudo_invert(a, rtol=rcond)
    yield lambda: _pulled(ct @ adjoint(b), p, a)
    yield lambda: adjoint(p) @ ct


@least_squares.define_jvp
def _(tangents: Sequence[Any], out: Array, a: Array, b: Array, *, rcond: float) -> Array:
    of_a, of_b = tangents
    p = pseudo_invert(a, rtol=rcond)
    terms = [] if of_b is None else [p @ of_b]
    total: Array = add_all(terms if of_a is None else [*terms, _pushed(of_a, p, a) @ b])
    return total


@function(
    np.linalg.lstsq,
    samples=[
        call(normal(4, 2), normal(4)),
        call(normal(4, 2), normal(4, 3)),
        call(normal(2, 3), normal(2, 1), 1e-10),
        call(normal(3, 3), normal(3), rcond=None),
    ],
    rejects=[
        reject(ShapeError, "lstsq: expected (m, n) and (m,) or (m, k), got (3, 2) and (2,)", normal(3, 2), normal(2)),
        reject(ShapeError, "lstsq: expected (m, n) and (m,) or (m, k), got (2, 3, 2) and (3,)", normal(2, 3, 2),
               normal(3)),
    ],
)  # fmt: skip
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Array, Array, Array, Array]:
    """Least squares: ``(x, residuals, rank, s)``, x the shortest for which ``a @ x - b`` is shortest.

    The residuals are the squares of that length, empty where the rank is below the number of columns, or there are no
    more rows than columns (while traced the rank is not known: then they are what they are at full rank). Derivatives
    are by matrices of the same rank; s are the singular values of a.

    Args:
        a: a matrix of shape (m, n).
        b: a vector or a matrix with m rows.
        rcond: singular values up to so many times the largest count as 0; by default the accuracy of the dtype times
            the longer side.

    >>> lstsq([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], [1.0, 2.0, 3.0])[0]
    array([1., 1.])
    """
    a, b = as_matrices("lstsq", a, b, least=0)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(f"lstsq: expected (m, n) and (m,) or (m, k), got {a.shape} and {b.shape}")
    rows, columns = a.shape
    cutoff = _cutoff("lstsq", rcond=rcond)
    if cutoff is None:
        cutoff = _accuracy(a)
    right = b.reshape((rows, 1)) if b.ndim == 1 else b
    x = least_squares(a, right, rcond=cutoff)
    s = singular_values("lstsq", a)
    rank = operations.astype((s > cutoff * s.max(initial=0)).sum(), np.int32)
    known = rank._node.value
    if rows <= columns or (known is not None and known != columns):
        residuals = operations.asarray(np.empty(0, s.dtype))
    else:
        residuals = (abs(right - a @ x) ** 2).sum(0)
    return x.reshape(columns) if b.ndim == 1 else x, residuals, rank, s


# Rank -----------------------------------------------------------------------------------------------------------------


@function(
    np.linalg.matrix_rank,
    samples=[
        normal(3, 3),
        normal(2, 4, 2),
        values([1.0, 2.0], [2.0, 4.0]),
        values(0.0, 0.0),
        call(normal(3, 3), 0.5),
        call(normal(2, 3, 3), rtol=0.5),
        call(positive_definite(3, 3), hermitian=True),
    ],
    rejects=[reject(ArgumentError, "matrix_rank: expected tol or rtol, got both", normal(2, 2), 0.1, rtol=0.1)],
    differentiable=False,
)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Array:
    """The number of singular values above a cutoff: an integer, without derivative. Of a vector: 1 unless it is 0.

    Args:
        A: a matrix, a stack of them, or a vector.
        tol: the cutoff.
        hermitian: whether A is Hermitian: one triangle of it is read.
        rtol: the cutoff relative to the largest singular value; by default the accuracy of the dtype times the longer
            side.

    >>> matrix_rank([[1.0, 2.0], [2.0, 4.0]])
    array(1)
    """
    x = as_array("matrix_rank", A).detach()
    absolute, relative = tol, rtol
    _cutoff("matrix_rank", tol=absolute, rtol=relative)
    if x.ndim < 2:
        found: Array = operations.astype(operations.any(x != 0), np.int64)
        return found
    x = as_operand("matrix_rank", x, hermitian)
    s = singular_values("matrix_rank", x)
    if absolute is None:
        absolute = s.max(-1, keepdims=True, initial=0) * (_accuracy(x) if relative is None else float(relative))
    rank: Array = (s > absolute).sum(-1)
    return rank
