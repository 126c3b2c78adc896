"""Eigenvalues and eigenvectors, of Hermitian matrices and of any. About repeated eigenvalues, see ``ties``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, positive_definite, reject
from pullback.dtypes import real_dtype
from pullback.errors import ArgumentError, ShapeError
from pullback.ops.contraction import adjoint
from pullback.ops.linalg.factorizations import as_hermitian
from pullback.ops.linalg.matrices import (
    as_diagonal,
    check_square,
    columns_times,
    diagonal_of,
    expecting,
    skew_part,
)
from pullback.ops.linalg.phases import pulled, pushed, row, turned_real, turning_of
from pullback.ops.linalg.results import EighResult
from pullback.ops.linalg.ties import (
    equal_pairs,
    first_order_only,
    gaps,
    largest,
    mean_of_equal,
    once,
    reciprocal,
    refuse_apart,
    refuse_equal,
    shared,
    skew_change,
    turning,
    vanishing,
)

_CONVERGENT = "a matrix whose eigenvalues LAPACK finds"


# Of Hermitian matrices ------------------------------------------------------------------------------------------------


@general(
    name="eigh",
    samples=[
        call(positive_definite(3, 3), lower=True),
        call(positive_definite(2, 3, 3), lower=False),
        call(normal(0, 0), lower=True),
    ],
    rejects=[reject(ShapeError, "eigh: expected square matrices", normal(2, 3), lower=True)],
    stacks=True,
)
def decompose_hermitian(x: Any, *, lower: bool) -> Any:
    """Eigenvalues, ascending, and orthonormal eigenvectors, in columns, of each Hermitian matrix of a stack.

    From which triangle LAPACK takes it changes the signs of the vectors only.
    """
    check_square("eigh", x)
    with expecting("eigh", _CONVERGENT, x):
        values, vectors = np.linalg.eigh(x, "L" if lower else "U")
    if vectors.size:
        (vectors,) = turned_real(vectors[..., _pivot(lower), :], vectors)
    return values, vectors


def _pivot(lower: bool) -> int:
    """The row of the eigenvectors that is real."""
    return 0 if lower else -1


@decompose_hermitian.infer
def _(x: Aval, *, lower: bool) -> tuple[Aval, ...]:
    check_square("eigh", x)
    return Aval(x.shape[:-1], real_dtype(x.dtype)), x


def _groups(values: Any) -> Any:
    """Which pairs of different places have equal values."""
    return equal_pairs.evaluate(values) & ~np.eye(values.shape[-1], dtype=bool)


def _turned(v: Array, w: Array) -> Array:
    """A direction in which the vectors of equal values turn into each other."""
    turned: Array = v @ operations.asarray(turning(v.shape[-1], _groups(w._node.value), v.dtype))
    return turned


@decompose_hermitian.define_directions
def _(ct: Sequence[Any], out: tuple[Array, Array], x: Array, *, lower: bool) -> Sequence[Any]:
    by_values, by_vectors = ct
    w, v = out
    values = w._node.value
    if by_vectors is None or values is None or not _groups(values).any():
        return []
    along = [None, _turned(v.detach(), w)]
    if by_values is None:
        return [along]
    return [along, [np.broadcast_to(np.arange(w.shape[-1], dtype=values.dtype), values.shape), None]]


decompose_hermitian.define_companions(refuse_apart)


@decompose_hermitian.define_vjp
def _(
    ct: Sequence[Any], out: tuple[Array, Array], x: Array, *, lower: bool, slopes: Sequence[Any] = ()
) -> Iterator[Thunk]:
    # With P = V^H dx V, dw = diag(P) and dV = V (F * P), F[i, j] = 1 / (w[j] - w[i]).
    w, v = out
    by_values, by_vectors = ct

    def by_x() -> Array:
        equal = equal_pairs(w)
        if by_vectors is None:
            return columns_times(v, shared(by_values, equal).astype(v.dtype)) @ adjoint(v)
        turned = adjoint(v) @ by_vectors
        if v.dtype.kind == "c":
            rates = turning_of(by_vectors, v)
            turned = adjoint(v) @ pulled(by_vectors, v, row(v, _pivot(lower)), rates, largest(turned))
        skew = vanishing(skew_part(turned), w, equal, largest(turned), operation="eigh", reason="choice")
        inner = skew * reciprocal(gaps(w), equal)
        if slopes:
            change = skew_part(skew_change(_turned(v, w), v, by_vectors, slopes[0][1]))
            vanishing(change, w, _groups(w._node.value), largest(turned), operation="eigh", reason="choice")
        if by_values is not None:
            inner = inner + as_diagonal(by_values.astype(v.dtype))
            inner = inner + _in_groups(v, w, equal, slopes)
        return v @ inner @ adjoint(v)

    yield by_x


def _in_groups(v: Array, w: Array, equal: Array, slopes: Sequence[Any]) -> Array:
    """What stands off the diagonal between equal values, where values and vectors are both used."""
    off_diagonal = equal & ~np.eye(w.shape[-1], dtype=bool)
    if not slopes:
        return refuse_equal("eigh", w, off_diagonal, v.dtype)
    _, slope = slopes[1]
    if slope is None:
        zeros: Array = operations.zeros_like(v)
        return zeros
    steps = np.arange(w.shape[-1], dtype=w.dtype)
    limit = skew_part(adjoint(v) @ slope) * reciprocal(gaps(operations.asarray(steps)), ~off_diagonal)
    found: Array = first_order_only(limit)
    return found


@decompose_hermitian.define_jvp
def _(tangents: Sequence[Any], out: tuple[Array, Array], x: Array, *, lower: bool) -> Sequence[Any]:
    w, v = out
    equal = equal_pairs(w)
    turned = adjoint(v) @ tangents[0] @ v
    moved = operations.real(diagonal_of(turned))
    used: set[str] = set()

    def rest() -> Array:
        """What makes equal values part, checked to be none where the other result is used as well."""
        inner = turned - as_diagonal(mean_of_equal(moved, equal).astype(v.dtype))
        if len(used) == 1:
            return inner
        return vanishing(inner, w, equal, largest(turned), operation="eigh", reason="parts")

    def of_values() -> Array:
        used.add("values")
        return moved if len(used) == 1 else moved + operations.real(diagonal_of(rest() * equal))

    def of_vectors() -> Array:
        used.add("vectors")
        moving = v @ (rest() * reciprocal(gaps(w), equal))
        return moving + columns_times(v, pushed(moving, v, row(v, _pivot(lower)))) if v.dtype.kind == "c" else moving

    return [of_values, of_vectors]


@function(
    np.linalg.eigh,
    samples=[positive_definite(3, 3), call(positive_definite(2, 3, 3), "U"), normal(0, 0), normal(2, 0, 0)],
    rejects=[
        reject(ShapeError, "eigh: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3)),
        reject(ArgumentError, "eigh: expected UPLO 'L' or 'U', got 'X'", normal(2, 2), UPLO="X"),
    ],
)
def eigh(a: Any, UPLO: str = "L") -> EighResult:  # NumPy's name
    """Eigenvalues, ascending, and eigenvectors (in columns) of a Hermitian matrix: ``(eigenvalues, eigenvectors)``.

    One triangle is read, the lower or the upper one (``UPLO``); in a derivative both count, each half. Where
    eigenvalues repeat, functions that do not depend on the choice of the eigenvectors have a gradient.

    Raises:
        LinAlgError: LAPACK does not find them, as with NaN.
        NotDifferentiableError: what is differentiated depends on the choice of eigenvectors of repeated eigenvalues.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]]).eigenvalues
    array([1., 2.])
    """
    lower = _is_lower("eigh", UPLO)
    return EighResult(*once(decompose_hermitian, as_hermitian("eigh", a, lower), lower=lower))


def _is_lower(operation: str, triangle: Any) -> bool:
    if not isinstance(triangle, str) or triangle.upper() not in ("L", "U"):
        raise ArgumentError(f"{operation}: expected UPLO 'L' or 'U', got {triangle!r}")
    return triangle.upper() == "L"


@function(
    np.linalg.eigvalsh,
    samples=[positive_definite(3, 3), call(positive_definite(2, 3, 3), "U"), normal(0, 0)],
    rejects=[
        reject(ShapeError, "eigvalsh: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3)),
        reject(ArgumentError, "eigvalsh: expected UPLO 'L' or 'U', got 1", normal(2, 2), UPLO=1),
    ],
)
def eigvalsh(a: Any, UPLO: str = "L") -> Array:  # NumPy's name
    """Eigenvalues, ascending, of a Hermitian matrix, or of each of a stack, as ``eigh`` gives them.

    Of equal eigenvalues the gradient is shared equally.

    >>> eigvalsh([[2.0, 0.0], [0.0, 1.0]])
    array([1., 2.])
    """
    lower = _is_lower("eigvalsh", UPLO)
    x = as_hermitian("eigvalsh", a, lower)
    if not x._node.watched:
        with expecting("eigvalsh", _CONVERGENT, x._node.value):
            return operations.asarray(np.linalg.eigvalsh(x._node.value))
    values: Array = once(decompose_hermitian, x, lower=lower)[0]
    return values
