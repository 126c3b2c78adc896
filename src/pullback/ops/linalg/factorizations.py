"""Factorizations into triangular matrices: Cholesky's and QR.

**Hermitian matrices.** NumPy reads one triangle of a matrix that is to be Hermitian. In a derivative both triangles
count, each half: the gradient by a Hermitian matrix is Hermitian, as the frameworks have it, and a step along it leads
to a Hermitian matrix again. Of a matrix that is not Hermitian (of which just one triangle is filled, say) that would be
no derivative at all, so asking for one is refused. The same holds for ``eigh``, ``eigvalsh`` and ``hermitian=True``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import general, linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import by_value, call, invertible, normal, positive_definite, reject
from pullback.errors import ArgumentError, DTypeError, LinAlgError, NotDifferentiableError, ShapeError
from pullback.ops.contraction import adjoint
from pullback.ops.linalg.elimination import cholesky_or_nan, is_small, substitute
from pullback.ops.linalg.matrices import (
    as_diagonal,
    as_matrices,
    as_square,
    check_matrix,
    check_square,
    diagonal_of,
    expecting,
    hermitian_part,
)
from pullback.ops.linalg.results import QRResult
from pullback.ops.linalg.solving import regular, solve_triangle
from pullback.ops.linalg.ties import once

_ADVICE = ". Add a multiple of the identity to one that is so but for rounding"
_INDEFINITE = np.array([[1.0, 2.0], [2.0, 1.0]])


# Hermitian matrices ---------------------------------------------------------------------------------------------------


@general(
    name="hermitian",
    samples=[
        call(positive_definite(3, 3), lower=True),
        call(positive_definite(2, 3, 3), lower=False),
        call(normal(0, 0), lower=True),
    ],
    rejects=[reject(ShapeError, "hermitian: expected square matrices", normal(2, 3), lower=True)],
    stacks=True,
)
def mirrored(x: Any, *, lower: bool) -> Any:
    """The Hermitian matrices of which x has the lower or the upper triangle."""
    check_square("hermitian", x)
    half = np.tril(x, -1) if lower else np.triu(x, 1)
    diagonal = np.einsum("...ii->...i", x).real
    found = half + np.conjugate(np.swapaxes(half, -1, -2))
    np.einsum("...ii->...i", found)[...] = diagonal
    return found


@mirrored.composed
def _(x: Array, *, lower: bool) -> Array:
    if x.dtype.kind == "c":
        raise DTypeError("hermitian: the diagonal of a complex matrix is made real by NumPy")
    given = np.tri(x.shape[-1], dtype=bool)
    found: Array = operations.where(given if lower else given.T, x, adjoint(x))
    return found


@mirrored.infer
def _(x: Aval, *, lower: bool) -> Aval:
    check_square("hermitian", x)
    return x


@mirrored.define_vjp
def _(ct: Array, out: Array, x: Array, *, lower: bool) -> Iterator[Thunk]:
    yield lambda: both_triangles(ct, x)


@mirrored.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, lower: bool) -> Array:
    found: Array = both_triangles(tangents[0], x)
    return found


@linear(
    samples=[
        call(by_value(normal(3, 3)), positive_definite(3, 3)),
        call(by_value(normal(2, 3, 3)), positive_definite(2, 3, 3)),
    ],
    rejects=[
        reject(NotDifferentiableError, "hermitian: expected a Hermitian matrix, got one whose triangles differ by 3",
               np.eye(2), np.array([[1.0, 3.0], [0.0, 1.0]])),
        reject(ShapeError, "hermitian: expected two arrays of one shape", normal(2, 2), normal(3, 3)),
    ],
    arguments=(0,),
    stacks=True,
)  # fmt: skip
def both_triangles(t: Any, x: Any) -> Any:
    """The Hermitian part of t, a tangent or cotangent of matrices x, which are checked to be Hermitian."""
    _check_alike(t, x)
    if x.size:
        apart = np.abs(x - np.conjugate(np.swapaxes(x, -1, -2))).max()
        if apart > np.sqrt(np.finfo(x.dtype).eps) * np.abs(x).max():
            raise NotDifferentiableError(
                f"hermitian: expected a Hermitian matrix, got one whose triangles differ by {apart:.2g} (shape "
                f"{x.shape}). In a derivative both triangles count: give (a + a.conj().mT) / 2, or np.tril(a) + "
                "np.tril(a, -1).conj().mT for one that is given by its lower triangle"
            )
    return (t + np.conjugate(np.swapaxes(t, -1, -2))) / 2


def _check_alike(t: Any, x: Any) -> None:
    if t.shape != x.shape:
        raise ShapeError(f"hermitian: expected two arrays of one shape, got {t.shape} and {x.shape}")


@both_triangles.guarded
def _(t: Array, x: Array) -> tuple[Array, Array] | None:
    if x.dtype.kind == "c" or not x.size:
        return None
    apart = abs(x - adjoint(x)).max()
    return hermitian_part(t), apart <= float(np.sqrt(np.finfo(x.dtype).eps)) * abs(x).max()


@both_triangles.infer
def _(t: Aval, x: Aval) -> Aval:
    _check_alike(t, x)
    return t


@both_triangles.transpose
def _(ct: Array, t: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: both_triangles(ct, x)
    yield None


def as_hermitian(operation: str, x: Any, lower: bool = True) -> Array:
    """Return the Hermitian matrix, or stack of them, that is given by one triangle of x."""
    found: Array = once(mirrored, as_square(operation, x), lower=lower)
    return found


# Cholesky -------------------------------------------------------------------------------------------------------------


@general(
    name="cholesky",
    samples=[positive_definite(3, 3), positive_definite(2, 3, 3), normal(0, 0)],
    rejects=[
        reject(ShapeError, "cholesky: expected square matrices", normal(2, 3)),
        reject(LinAlgError, "cholesky: expected a positive definite matrix, got one of shape (2, 2)", _INDEFINITE),
    ],
    stacks=True,
)
def factor(x: Any) -> Any:
    """The lower triangular L with a positive diagonal and ``L @ adjoint(L) = x``, for each x of a stack, Hermitian."""
    check_square("cholesky", x)
    with expecting("cholesky", "a positive definite matrix", x, _ADVICE):
        return np.linalg.cholesky(x)


@factor.infer
def _(x: Aval) -> Aval:
    check_square("cholesky", x)
    return x


def _half_lower(x: Array) -> Array:
    """The lower triangle of x, half its diagonal."""
    found: Array = operations.tril(x) - as_diagonal(diagonal_of(x)) / 2
    return found


@factor.guarded
def _(x: Array) -> tuple[Array, Array] | None:
    if not is_small(x):
        return None
    found = cholesky_or_nan(x)
    # LAPACK fails where rounding outweighs the least eigenvalue of the matrix scaled to a diagonal of ones [Higham,
    # Accuracy and Stability of Numerical Algorithms, theorem 10.7]. This bounds its inverse.
    scaled = substitute(found, as_diagonal(operations.sqrt(diagonal_of(x))), lower=True, unit_diagonal=False)
    bound = (scaled * scaled).sum((-2, -1)) * (x.shape[-1] * float(np.finfo(x.dtype).eps))
    return found, operations.all(bound < 1)


@factor.define_vjp
def _(ct: Array, out: Array, x: Array) -> Iterator[Thunk]:
    # dL = L Φ(L^-1 dx L^-H) with Φ the lower triangle with half the diagonal.
    def by_x() -> Array:
        inner = hermitian_part(_half_lower(adjoint(out) @ ct))
        upper = adjoint(out)
        left = solve_triangle(upper, inner, lower=False, unit_diagonal=False)
        return adjoint(solve_triangle(upper, adjoint(left), lower=False, unit_diagonal=False))

    yield by_x


@factor.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array) -> Array:
    left = solve_triangle(out, tangents[0], lower=True, unit_diagonal=False)
    both = solve_triangle(out, adjoint(left), lower=True, unit_diagonal=False)
    return out @ _half_lower(adjoint(both))


@function(
    np.linalg.cholesky,
    samples=[positive_definite(3, 3), call(positive_definite(2, 3, 3), upper=True), normal(0, 0)],
    rejects=[
        reject(ShapeError, "cholesky: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3)),
        reject(ShapeError, "cholesky: expected a matrix or a stack of them, got shape ()", normal()),
    ],
)
def cholesky(a: Any, /, *, upper: bool = False) -> Array:
    """The lower triangular L with ``L @ L.conj().mT = a``, for a Hermitian positive definite a; ``upper``: its adjoint.

    One triangle of a is read, the lower one or the upper one. In a derivative both count, each half.

    Raises:
        LinAlgError: a matrix is not positive definite.
        NotDifferentiableError: the derivative is asked of a matrix that is not Hermitian.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]])
    array([[2., 0.],
           [1., 2.]])
    """
    found: Array = factor(as_hermitian("cholesky", a, lower=not upper))
    return adjoint(found) if upper else found


# QR -------------------------------------------------------------------------------------------------------------------


def _check_tall(x: Any) -> None:
    check_matrix("qr", x)
    if x.shape[-2] < x.shape[-1]:
        raise ShapeError(f"qr: expected at least as many rows as columns, got shape {x.shape}")


@general(
    name="qr",
    samples=[normal(4, 3), invertible(2, 3, 3), normal(3, 0), normal(0, 0)],
    rejects=[reject(ShapeError, "qr: expected at least as many rows as columns", normal(2, 3))],
    stacks=True,
)
def orthogonalize(x: Any) -> Any:
    """Q with orthonormal columns and an upper triangular R with ``Q @ R = x``, for each x of a stack, not wide."""
    _check_tall(x)
    return tuple(np.linalg.qr(x))


@orthogonalize.infer
def _(x: Aval) -> tuple[Aval, ...]:
    _check_tall(x)
    return x, Aval((*x.shape[:-2], x.shape[-1], x.shape[-1]), x.dtype)


def _divided(x: Array, r: Array) -> Array:
    """``x @ inv(r)`` for an upper triangular r."""
    return adjoint(solve_triangle(adjoint(r), adjoint(x), lower=True, unit_diagonal=False))


@orthogonalize.define_vjp
def _(ct: Sequence[Any], out: tuple[Array, Array], x: Array) -> Iterator[Thunk]:
    # With W = Q^H dx R^-1, dR = T R and dQ = dx R^-1 - Q T, where T is the upper triangle of W plus the adjoint of its
    # strictly lower one, the diagonal real (that of R is).
    q, r = out
    by_q, by_r = ct

    def by_x() -> Array:
        inner = operations.zeros_like(r) if by_r is None else by_r @ adjoint(r)
        if by_q is not None:
            inner = inner - adjoint(q) @ by_q
        strict = operations.triu(inner, 1)
        folded = strict + adjoint(strict) + _real_diagonal(inner)
        total = q @ folded if by_q is None else by_q + q @ folded
        # total R^-H
        return adjoint(solve_triangle(regular(r, by="qr"), adjoint(total), lower=False, unit_diagonal=False))

    yield by_x


def _real_diagonal(x: Array) -> Array:
    diagonal = diagonal_of(x)
    return as_diagonal(operations.real(diagonal).astype(x.dtype))


@orthogonalize.define_jvp
def _(tangents: Sequence[Any], out: tuple[Array, Array], x: Array) -> Sequence[Any]:
    q, r = out
    moved = _divided(tangents[0], regular(r, by="qr"))
    inner = adjoint(q) @ moved
    upper = operations.triu(inner, 1) + adjoint(operations.tril(inner, -1)) + _real_diagonal(inner)
    return [lambda: moved - q @ upper, lambda: upper @ r]


@function(
    np.linalg.qr,
    samples=[
        normal(4, 3),
        invertible(3, 3),
        normal(2, 4, 2),
        normal(2, 4),
        call(normal(4, 3), mode="r"),
        call(normal(2, 3), mode="complete"),
        normal(0, 3),
        normal(3, 0),
    ],
    rejects=[
        reject(ArgumentError, "qr: expected mode 'reduced', 'complete' or 'r', got 'raw'", normal(3, 3), mode="raw"),
        reject(ShapeError, "qr: expected a matrix or a stack of them, got shape (3,)", normal(3)),
    ],
)
def qr(a: Any, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and an upper triangular R, ``Q @ R = a``: ``(Q, R)``, or R alone for mode "r".

    Mode "complete" fills Q up to a square matrix by columns that are arbitrary but for being orthonormal: of a watched
    matrix with more rows than columns it is refused.

    Raises LinAlgError where a derivative is asked and the columns are linearly dependent.

    >>> qr([[3.0, 1.0], [4.0, 2.0]]).R
    array([[-5. , -2.2],
           [ 0. ,  0.4]])
    """
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError(f"qr: expected mode 'reduced', 'complete' or 'r', got {mode!r}: there is no 'raw' one here")
    (x,) = as_matrices("qr", a)
    rows, columns = x.shape[-2:]
    if mode == "complete" and rows > columns:
        if x._node.watched:
            raise NotDifferentiableError(
                f"qr: mode 'complete' adds {rows - columns} arbitrary columns to Q of one of shape {x.shape}: they "
                "have no derivative. Use mode='reduced'"
            )
        return QRResult(*(operations.asarray(one) for one in np.linalg.qr(x._node.value, mode="complete")))
    if rows >= columns:
        q, r = orthogonalize(x)
    else:
        q, left = orthogonalize(x[..., :rows])
        r = operations.concatenate([left, adjoint(q) @ x[..., rows:]], axis=-1)
    return r if mode == "r" else QRResult(q, r)
