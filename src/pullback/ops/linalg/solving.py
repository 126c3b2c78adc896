"""Inverses and systems of linear equations with one solution."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, as_index, normalize_axis
from pullback.core.families import add_all, general, linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, integers, invertible, normal, reject
from pullback.core.scipy import LazyModule
from pullback.errors import ArgumentError, DTypeError, LinAlgError, ShapeError
from pullback.ops.contraction import adjoint
from pullback.ops.linalg.elimination import (
    are_finite,
    condition_bound,
    eliminate,
    inverse_by,
    is_small,
    is_sound,
    of_transpose,
    solve_eliminated,
    substitute,
)
from pullback.ops.linalg.matrices import (
    as_matrices,
    as_square,
    check_matrix,
    check_square,
    diagonal_of,
    expecting,
    with_stacks,
)

scipy_linalg: Any = LazyModule("scipy.linalg")
"""``scipy.linalg``, loaded when the first function of it is used."""

_SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
_INVERTIBLE = ("an invertible matrix", ". Use pinv or lstsq for a singular one")


# What a rule needs, checked when there are values ---------------------------------------------------------------------


def _dependent_columns(x: Any) -> Any:
    """Whether the columns of an upper triangular x are linearly dependent to working precision."""
    pivots = np.abs(np.diagonal(x, axis1=-2, axis2=-1))
    return pivots.min(-1) <= x.shape[-1] * float(np.finfo(x.dtype).eps) * pivots.max(-1)


def _singular(x: Any, accuracy: float) -> Any:
    """Whether the smallest singular value is nothing beside the largest."""
    s = np.linalg.svd(x, compute_uv=False)
    return s[..., -1] <= x.shape[-1] * accuracy * s[..., 0]


_CHECKS: dict[str, tuple[Any, str]] = {
    "det": (
        lambda x: _singular(x, np.finfo(x.dtype).eps),
        "an invertible matrix, got one of shape {} that is singular to working precision: only the first two "
        "derivatives are known there",
    ),
    "eig": (
        lambda x: _singular(x, np.sqrt(np.finfo(x.dtype).eps)),
        "a matrix with a basis of eigenvectors, got a defective one (shape {}): where eigenvalues meet in one "
        "eigenvector they have no derivative",
    ),
    "qr": (
        _dependent_columns,
        "linearly independent columns, got dependent ones (R of shape {} has a zero on its diagonal): Q and R have no "
        "derivative there",
    ),
}


@linear(
    samples=[call(invertible(3, 3), by="det"), call(invertible(2, 3, 3), by="qr"), call(normal(0, 0), by="eig")],
    rejects=[
        reject(LinAlgError, "det: expected an invertible matrix, got one of shape (2, 2)", _SINGULAR, by="det"),
        reject(LinAlgError, "eig: expected a matrix with a basis of eigenvectors", _SINGULAR, by="eig"),
    ],
    stacks=True,
)
def regular(x: Any, *, by: str) -> Any:
    """The matrices x themselves, checked to be as the rule of the operation ``by`` needs them."""
    fails, words = _CHECKS[by]
    if x.size and np.any(fails(x)):
        raise LinAlgError(f"{by}: expected {words.format(x.shape)}")
    return x


@regular.infer
def _(x: Aval, *, by: str) -> Aval:
    check_square(by, x)
    return x


@regular.transpose
def _(ct: Array, x: Array, *, by: str) -> Iterator[Thunk]:
    yield lambda: ct


@regular.guarded
def _(x: Array, *, by: str) -> tuple[Array, Array] | None:
    if not is_small(x):
        return None
    if by == "qr":
        return x, operations.logical_not(operations.any(_dependent_columns(x)))
    epsilon = float(np.finfo(x.dtype).eps)
    factors = eliminate(x)
    bound = condition_bound(x, inverse_by(factors))
    accuracy = epsilon if by == "det" else math.sqrt(epsilon)
    return x, is_sound(factors) & operations.all(bound * (x.shape[-1] * accuracy) < 0.5)


# Inverse --------------------------------------------------------------------------------------------------------------


@general(
    name="inv",
    samples=[invertible(3, 3), invertible(2, 3, 3), normal(0, 0), normal(1, 1)],
    rejects=[reject(ShapeError, "inv: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3))],
    stacks=True,
)
def invert(x: Any) -> Any:
    """Inverse of each matrix of a stack."""
    check_square("inv", x)
    with expecting("inv", _INVERTIBLE[0], x, _INVERTIBLE[1]):
        return np.linalg.inv(x)


@invert.infer
def _(x: Aval) -> Aval:
    check_square("inv", x)
    return x


@invert.guarded
def guarded_inverse(x: Array) -> tuple[Array, Array] | None:
    """The inverse of each matrix of a stack in a program, and whether it is right."""
    if not is_small(x):
        return None
    factors = eliminate(x)
    found = inverse_by(factors)
    return found, is_sound(factors) & are_finite(found)


@invert.define_vjp
def _(ct: Array, out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -(adjoint(out) @ ct @ adjoint(out))


@invert.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array) -> Array:
    return -(out @ tangents[0] @ out)


@function(
    np.linalg.inv,
    samples=[invertible(3, 3), invertible(2, 3, 3), normal(0, 0), normal(0, 2, 2)],
    rejects=[
        reject(ShapeError, "inv: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3)),
        reject(ShapeError, "inv: expected a matrix or a stack of them, got shape (3,)", normal(3)),
        reject(DTypeError, "inv: expected float32, float64 or their complex", np.eye(2, dtype=np.float16)),
    ],
)
def inv(a: Any) -> Array:
    """Inverse of a square matrix, or of each of a stack.

    Raises LinAlgError where a matrix is singular.

    >>> inv([[2.0, 0.0], [0.0, 4.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    found: Array = invert(as_square("inv", a))
    return found


# Equations ------------------------------------------------------------------------------------------------------------


def _check_system(operation: str, a: Any, b: Any) -> None:
    check_square(operation, a)
    check_matrix(operation, b)
    if a.shape[-1] != b.shape[-2] or a.shape[:-2] != b.shape[:-2]:
        raise ShapeError(f"{operation}: expected (..., n, n) and (..., n, k), got {a.shape} and {b.shape}")


@general(
    name="solve",
    samples=[
        call(invertible(3, 3), normal(3, 2)),
        call(invertible(2, 3, 3), normal(2, 3, 1)),
        call(normal(0, 0), normal(0, 2)),
    ],
    rejects=[reject(ShapeError, "solve: expected (..., n, n) and (..., n, k)", normal(3, 3), normal(2, 1))],
    stacks=True,
)
def solve_matrix(a: Any, b: Any) -> Any:
    """The matrix x with ``a @ x = b``, for stacks with the same leading axes."""
    _check_system("solve", a, b)
    with expecting("solve", _INVERTIBLE[0], a, _INVERTIBLE[1]):
        return np.linalg.solve(a, b)


@solve_matrix.infer
def _(a: Aval, b: Aval) -> Aval:
    _check_system("solve", a, b)
    return b


@solve_matrix.guarded
def _(a: Array, b: Array) -> tuple[Array, Array] | None:
    if not (is_small(a) and b.size):
        return None
    of = of_transpose(a)
    factors = eliminate(a if of is None else of)
    found = solve_eliminated(factors, b, transposed=of is not None)
    return found, is_sound(factors) & are_finite(found)


@solve_matrix.define_vjp
def _(ct: Array, out: Array, a: Array, b: Array) -> Iterator[Thunk]:
    by_b = solve_matrix(adjoint(a), ct)
    yield lambda: -(by_b @ adjoint(out))
    yield lambda: by_b


@solve_matrix.define_jvp
def _(tangents: Sequence[Any], out: Array, a: Array, b: Array) -> Array:
    of_a, of_b = tangents
    terms = [one for one in (of_b, None if of_a is None else -(of_a @ out)) if one is not None]
    found: Array = solve_matrix(a, add_all(terms))
    return found


@function(
    np.linalg.solve,
    samples=[
        call(invertible(3, 3), normal(3)),
        call(invertible(3, 3), normal(3, 2)),
        call(invertible(2, 3, 3), normal(3)),
        call(invertible(2, 1, 3, 3), normal(4, 3, 2)),
        call(invertible(3, 3), normal(2, 3, 2)),
        call(normal(0, 0), normal(0)),
        call(invertible(2, 2), integers(0, 5, 2)),
    ],
    rejects=[
        reject(ShapeError, "solve: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3), normal(2)),
        reject(ShapeError, "solve: expected b of shape (3,) or (..., 3, k), got (2,)", invertible(3, 3), normal(2)),
        reject(ShapeError, "solve: expected b of shape (3,) or (..., 3, k), got ()", invertible(3, 3), normal()),
        reject(ShapeError, "broadcast together", invertible(2, 3, 3), normal(4, 3, 1)),
    ],
)
def solve(a: Any, b: Any) -> Array:
    """The x with ``a @ x = b``: b is one vector if it has one axis, otherwise a matrix or a stack of them.

    Leading axes broadcast. Raises LinAlgError where a matrix is singular.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
    array([0.5 , 0.25])
    """
    return _solved("solve", solve_matrix, a, b)


def _solved(operation: str, solver: Any, a: Any, b: Any, **params: Any) -> Array:
    """Bring both to one dtype and stack, make a vector a column, and solve."""
    a, b = as_matrices(operation, a, b, least=0)
    check_square(operation, a)
    n = a.shape[-1]
    if not b.ndim or b.shape[max(-2, -b.ndim)] != n:
        raise ShapeError(f"{operation}: expected b of shape ({n},) or (..., {n}, k), got {b.shape}")
    vector = b.ndim == 1
    if vector:
        b = b.reshape((n, 1))
    stacked_a, stacked_b = _same_stack(operation, a, b)
    x: Array = solver(stacked_a, stacked_b, **params)
    return x.reshape(x.shape[:-1]) if vector else x


def _same_stack(operation: str, a: Array, b: Array) -> tuple[Array, Array]:
    if a.shape[:-2] == b.shape[:-2]:
        return a, b
    a, b = with_stacks(operation, a, b)
    return a, b


# Triangular systems ---------------------------------------------------------------------------------------------------


def _triangle(x: Array, lower: bool, unit_diagonal: bool) -> Array:
    """The part of x that a triangular solve reads."""
    found: Array = operations.tril(x, -int(unit_diagonal)) if lower else operations.triu(x, int(unit_diagonal))
    return found


@general(
    name="solve_triangular",
    samples=[
        call(invertible(3, 3), normal(3, 2), lower=True, unit_diagonal=False),
        call(invertible(2, 3, 3), normal(2, 3, 1), lower=False, unit_diagonal=True),
        call(normal(0, 0), normal(0, 2), lower=True, unit_diagonal=False),
    ],
    rejects=[
        reject(
            ShapeError, "solve_triangular: expected (..., n, n) and (..., n, k)", normal(3, 3), normal(2, 1),
            lower=True, unit_diagonal=False,
        ),
    ],
    stacks=True,
)  # fmt: skip
def solve_triangle(a: Any, b: Any, *, lower: bool, unit_diagonal: bool) -> Any:
    """The matrix x with ``a @ x = b``, where only the lower or upper triangle of a is read."""
    _check_system("solve_triangular", a, b)
    if not b.size:
        return np.empty(b.shape, b.dtype)
    _check_triangle(a, unit_diagonal)
    # NaN and inf are values here as elsewhere: SciPy is not to look for them.
    found = scipy_linalg.solve_triangular(a, b, lower=lower, unit_diagonal=unit_diagonal, check_finite=False)
    return np.asarray(found, b.dtype)


def _check_triangle(a: Any, unit_diagonal: bool) -> None:
    zero = np.diagonal(a, axis1=-2, axis2=-1) == 0
    if zero.any() and not unit_diagonal:
        place = int(np.nonzero(zero)[-1][0])
        raise LinAlgError(
            f"solve_triangular: expected an invertible matrix, got a zero at ({place}, {place}) of the diagonal "
            f"(shape {a.shape})"
        )


@solve_triangle.infer
def _(a: Aval, b: Aval, *, lower: bool, unit_diagonal: bool) -> Aval:
    _check_system("solve_triangular", a, b)
    return b


@solve_triangle.guarded
def _(a: Array, b: Array, *, lower: bool, unit_diagonal: bool) -> tuple[Array, Array] | None:
    if not (is_small(a) and b.size):
        return None
    found = substitute(a, b, lower=lower, unit_diagonal=unit_diagonal)
    return found, are_finite(found) if unit_diagonal else operations.all(diagonal_of(a) != 0) & are_finite(found)


@solve_triangle.define_vjp
def _(ct: Array, out: Array, a: Array, b: Array, *, lower: bool, unit_diagonal: bool) -> Iterator[Thunk]:
    by_b = solve_triangle(adjoint(a), ct, lower=not lower, unit_diagonal=unit_diagonal)
    yield lambda: -_triangle(by_b @ adjoint(out), lower, unit_diagonal)
    yield lambda: by_b


@solve_triangle.define_jvp
def _(tangents: Sequence[Any], out: Array, a: Array, b: Array, *, lower: bool, unit_diagonal: bool) -> Array:
    of_a, of_b = tangents
    moved = None if of_a is None else -(_triangle(of_a, lower, unit_diagonal) @ out)
    total = add_all([one for one in (of_b, moved) if one is not None])
    found: Array = solve_triangle(a, total, lower=lower, unit_diagonal=unit_diagonal)
    return found


def _reference(*args: Any, **keywords: Any) -> Any:
    return scipy_linalg.solve_triangular(*args, **keywords)


@function(
    _reference,
    samples=[
        call(invertible(3, 3), normal(3)),
        call(invertible(3, 3), normal(3, 2), lower=True),
        call(invertible(3, 3), normal(3, 2), trans=1),
        call(invertible(3, 3), normal(3, 2), trans="C", lower=True, unit_diagonal=True),
        call(invertible(2, 3, 3), normal(3)),
        call(invertible(2, 3, 3), normal(2, 3, 2), trans=2),
    ],
    rejects=[
        reject(ArgumentError, "solve_triangular: expected trans as 0, 1, 2, 'N', 'T' or 'C', got 3",
               invertible(2, 2), normal(2), trans=3),
        reject(ShapeError, "solve_triangular: expected b of shape (3,)", invertible(3, 3), normal(2)),
    ],
)  # fmt: skip
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """The x with ``a @ x = b``, where a is triangular: of the other triangle nothing is read.

    Args:
        a: a square matrix, or a stack of them.
        b: a vector, a matrix, or a stack of matrices.
        trans: 0 or "N" for a itself, 1 or "T" for its transpose, 2 or "C" for its conjugate transpose.
        lower: whether the lower triangle is read.
        unit_diagonal: whether the diagonal is taken to be 1, and not read.
        overwrite_b: changes nothing: arrays are never written to.
        check_finite: whether NaN and inf are refused, as SciPy does. (They are where there are values to look at.)

    Raises LinAlgError where the diagonal has a zero.

    >>> solve_triangular([[1.0, 1.0], [0.0, 2.0]], [3.0, 4.0])
    array([1., 2.])
    """
    form = _FORMS.get(trans) if isinstance(trans, (int, str)) else None
    if form is None:
        raise ArgumentError(f"solve_triangular: expected trans as 0, 1, 2, 'N', 'T' or 'C', got {trans!r}")
    a, b = as_matrices("solve_triangular", a, b, least=0)
    check_square("solve_triangular", a)
    if check_finite:
        _check_finite(a, b)
    if form != "N":
        a, lower = operations.matrix_transpose(a) if form == "T" else adjoint(a), not lower
    return _solved("solve_triangular", solve_triangle, a, b, lower=bool(lower), unit_diagonal=bool(unit_diagonal))


_FORMS = {0: "N", 1: "T", 2: "C", "N": "N", "T": "T", "C": "C"}


def _check_finite(*arrays: Array) -> None:
    for x in arrays:
        value = x._node.value
        if value is not None and not np.isfinite(value).all():
            raise ArgumentError(
                "solve_triangular: expected finite numbers, got NaN or inf. Give check_finite=False to go on"
            )


# Tensors --------------------------------------------------------------------------------------------------------------


@function(
    np.linalg.tensorinv,
    samples=[call(invertible(4, 4), 1), call(normal(2, 3, 6), ind=2)],
    rejects=[
        reject(ShapeError, "tensorinv: expected axes whose lengths have one product before and after ind=1, got (2, 3)",
               normal(2, 3), 1),
        reject(ArgumentError, "tensorinv: expected ind of at least 1, got 0", normal(2, 2), 0),
    ],
)  # fmt: skip
def tensorinv(a: Any, ind: int = 2) -> Array:
    """The inverse of a as a linear map from its last axes to its first ``ind``.

    >>> tensorinv([[2.0, 0.0], [0.0, 4.0]], ind=1)
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    (x,) = as_matrices("tensorinv", a, least=0)
    ind = as_index("tensorinv", "ind", ind)
    if ind <= 0:
        raise ArgumentError(f"tensorinv: expected ind of at least 1, got {ind}")
    rows, columns = math.prod(x.shape[:ind]), math.prod(x.shape[ind:])
    if rows != columns:
        raise ShapeError(
            f"tensorinv: expected axes whose lengths have one product before and after ind={ind}, got {x.shape}"
        )
    found: Array = invert(x.reshape((rows, columns)))
    return found.reshape(x.shape[ind:] + x.shape[:ind])


@function(
    np.linalg.tensorsolve,
    samples=[
        call(invertible(4, 4), normal(4)),
        call(normal(2, 3, 6), normal(2, 3)),
        call(normal(4, 2, 2), normal(2, 2), axes=(0,)),
    ],
    rejects=[
        reject(ShapeError, "tensorsolve: expected as many unknowns as equations, got 3 and 2", normal(2, 3), normal(2)),
        reject(ShapeError, "tensorsolve: axis 3 is out of range", normal(2, 3, 6), normal(2, 3), (3,)),
    ],
)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Array:
    """The x with ``tensordot(a, x, x.ndim) = b``; ``axes`` of a are first moved to its end.

    >>> tensorsolve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
    array([0.5 , 0.25])
    """
    a, b = as_matrices("tensorsolve", a, b, least=0)
    if axes is not None:
        order = list(range(a.ndim))
        for axis in axes:
            place = normalize_axis("tensorsolve", axis, a.ndim)
            order.remove(place)
            order.append(place)
        a = operations.transpose(a, tuple(order))
    unknowns, equations = a.shape[b.ndim :], a.shape[: b.ndim]
    count, rows = math.prod(unknowns), math.prod(equations)
    if count != rows or rows != b.size:
        wanted = rows if count != rows else b.size
        raise ShapeError(f"tensorsolve: expected as many unknowns as equations, got {count} and {wanted}")
    found: Array = solve_matrix(a.reshape((rows, count)), b.reshape((rows, 1)))
    return found.reshape(unknowns)
