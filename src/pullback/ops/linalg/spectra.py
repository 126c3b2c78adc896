"""Eigenvalues and eigenvectors of matrices that need not be Hermitian."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import by_value, normal, points, reject
from pullback.errors import LinAlgError, ShapeError
from pullback.ops.contraction import adjoint
from pullback.ops.linalg.matrices import as_diagonal, as_square, check_square, columns_times, diagonal_of, expecting
from pullback.ops.linalg.phases import pulled, pushed, turning_of
from pullback.ops.linalg.results import EigResult
from pullback.ops.linalg.solving import regular, solve_matrix
from pullback.ops.linalg.ties import equal_pairs, gaps, largest, once, reciprocal, refuse_apart, refuse_equal, shared
from pullback.ops.reduction import conjugated

_CONVERGENT = "a matrix whose eigenvalues LAPACK finds"
_TURNING = points([0.3, -1.0, 0.2], [1.2, 0.1, 0.4], [0.1, -0.3, 2.0])  # two of its eigenvalues are complex


@general(
    name="eig",
    samples=[by_value(_TURNING), normal(0, 0)],
    rejects=[
        reject(ShapeError, "eig: expected square matrices", normal(2, 3)),
        reject(LinAlgError, "eig: expected finite numbers", np.full((2, 2), np.nan)),
    ],
    stacks=True,
)
def decompose_any(x: Any) -> Any:
    """Eigenvalues and eigenvectors, in columns of length 1, of each matrix of a stack: complex, also of a real one."""
    check_square("eig", x)
    with expecting("eig", _CONVERGENT, x):
        values, vectors = np.linalg.eig(x)
    dtype = np.result_type(x.dtype, np.complex64)
    return values.astype(dtype), vectors.astype(dtype)


@decompose_any.infer
def _(x: Aval) -> tuple[Aval, ...]:
    check_square("eig", x)
    dtype = np.result_type(x.dtype, np.complex64)
    return Aval(x.shape[:-1], dtype), Aval(x.shape, dtype)


decompose_any.define_companions(refuse_apart)


@decompose_any.define_vjp
def _(ct: Sequence[Any], out: tuple[Array, Array], x: Array) -> Iterator[Thunk]:
    # With P = V^-1 dx V: dw = diag(P), and dV = V (F * P), made to keep the lengths of its columns.
    w, v = out
    by_values, by_vectors = ct

    def by_x() -> Array:
        basis = regular(v, by="eig")
        equal = equal_pairs(w)
        if by_vectors is None:
            inner = as_diagonal(shared(by_values, equal))
        else:
            off_diagonal = equal & ~np.eye(w.shape[-1], dtype=bool)
            inner = _of_vectors(by_vectors, v) * conjugated(reciprocal(gaps(w), equal))
            inner = inner + refuse_equal("eig", w, off_diagonal, v.dtype, "vectors")
            if by_values is not None:
                inner = inner + as_diagonal(by_values)
        found = solve_matrix(adjoint(basis), inner @ adjoint(v))
        return found if x.dtype.kind == "c" else operations.real(found)

    yield by_x


def _pivots(v: Array) -> Array:
    """Which component of each eigenvector is real, as numbers 1 and 0: the largest of those that are."""
    if not v.size:
        return v
    fixed = operations.stop_gradient(v)
    sizes = operations.where(operations.imag(fixed) == 0, abs(fixed), -1)
    places = operations.argmax(sizes, axis=-2)[..., None, :] == np.arange(v.shape[-2])[:, None]
    marked: Array = operations.astype(places, v.dtype)
    return marked


def _of_vectors(ct: Array, v: Array) -> Array:
    """The cotangent of ``F * P``: what is left when columns keep their lengths and phases."""
    ct = pulled(ct, v, _pivots(v), turning_of(ct, v), largest(adjoint(v) @ ct))
    turned = adjoint(v) @ ct
    along = operations.real(diagonal_of(turned)).astype(v.dtype)
    return turned - columns_times(adjoint(v) @ v, along)


@decompose_any.define_jvp
def _(tangents: Sequence[Any], out: tuple[Array, Array], x: Array) -> Sequence[Any]:
    w, v = out
    turned = solve_matrix(regular(v, by="eig"), operations.astype(tangents[0], v.dtype) @ v)

    def of_vectors() -> Array:
        equal = equal_pairs(w)
        off_diagonal = equal & ~np.eye(w.shape[-1], dtype=bool)
        inner = turned * reciprocal(gaps(w), equal) + refuse_equal("eig", w, off_diagonal, v.dtype, "vectors")
        moved = v @ inner
        along = operations.real(diagonal_of(adjoint(v) @ moved)).astype(v.dtype)
        moved = moved - columns_times(v, along)
        return moved + columns_times(v, pushed(moved, v, _pivots(v)))

    return [lambda: diagonal_of(turned), of_vectors]


def _as_real(values: Array, like: Array) -> bool:
    """Whether NumPy gives the result as real: all eigenvalues of a real matrix are. Not while they are not known."""
    known = values._node.value
    return like.dtype.kind != "c" and known is not None and bool(np.all(known.imag == 0))


@function(
    np.linalg.eig,
    samples=[by_value(_TURNING)],
    rejects=[
        reject(ShapeError, "eig: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3)),
        reject(ShapeError, "eig: expected a matrix or a stack of them, got shape (3,)", normal(3)),
    ],
)
def eig(a: Any) -> EigResult:
    """Eigenvalues and eigenvectors (in columns of length 1) of a square matrix: ``(eigenvalues, eigenvectors)``.

    As NumPy's they are real where all eigenvalues of a real matrix are, else complex; while traced or batched, when
    that is not known, they are complex.

    Raises:
        LinAlgError: LAPACK does not find them, or a derivative is asked of a matrix without a basis of eigenvectors.
        NotDifferentiableError: what is differentiated depends on eigenvectors where eigenvalues repeat. (By repeated
            eigenvalues alone the gradient is shared equally.)

    >>> eig([[0.0, -1.0], [1.0, 0.0]]).eigenvalues
    array([0.+1.j, 0.-1.j])
    """
    x = as_square("eig", a)
    values, vectors = once(decompose_any, x)
    if _as_real(values, x):
        return EigResult(operations.real(values), operations.real(vectors))
    return EigResult(values, vectors)


@function(
    np.linalg.eigvals,
    samples=[_TURNING],
    rejects=[reject(ShapeError, "eigvals: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3))],
)
def eigvals(a: Any) -> Array:
    """Eigenvalues of a square matrix, or of each of a stack, as ``eig`` gives them.

    >>> eigvals([[0.0, -1.0], [1.0, 0.0]])
    array([0.+1.j, 0.-1.j])
    """
    x = as_square("eigvals", a)
    if x._node.watched:
        values: Array = once(decompose_any, x)[0]
    else:
        with expecting("eigvals", _CONVERGENT, x._node.value):
            found = np.linalg.eigvals(x._node.value)
        values = operations.asarray(found.astype(np.result_type(x.dtype, np.complex64)))
    return operations.real(values) if _as_real(values, x) else values
