"""Determinants. The derivative of a determinant is the adjugate, which exists where the inverse does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import add_all, general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, invertible, normal, points, reject
from pullback.dtypes import real_dtype
from pullback.errors import DTypeError, LinAlgError, ShapeError
from pullback.ops.contraction import adjoint
from pullback.ops.linalg.elimination import (
    are_finite,
    condition_bound,
    eliminate,
    inverse_by,
    is_small,
    is_sound,
    pivots,
)
from pullback.ops.linalg.matrices import as_square, check_square, diagonal_of, expecting
from pullback.ops.linalg.results import SlogdetResult
from pullback.ops.linalg.solving import invert, regular
from pullback.ops.reduction import conjugated

_RANK_1 = points([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [-1.0, -2.0, -3.0])
_RANK_2 = points([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.5, -2.0, 1.0])
_NOT_SQUARE = "expected square matrices (..., n, n), got shape (2, 3)"


def _trace(x: Array) -> Array:
    total: Array = diagonal_of(x).sum(-1)
    return total


def _times(factor: Array, x: Array) -> Array:
    """Each matrix of a stack times a number."""
    product: Array = factor.reshape((*factor.shape, 1, 1)) * x
    return product


# Determinant and adjugate ---------------------------------------------------------------------------------------------


@general(
    name="det",
    samples=[invertible(3, 3), invertible(2, 3, 3), normal(0, 0), normal(1, 1), _RANK_2, _RANK_1],
    rejects=[reject(ShapeError, f"det: {_NOT_SQUARE}", normal(2, 3))],
    stacks=True,
)
def determinant(x: Any) -> Any:
    """Determinant of each matrix of a stack."""
    check_square("det", x)
    return np.linalg.det(x)


@determinant.infer
def _(x: Aval) -> Aval:
    check_square("det", x)
    return Aval(x.shape[:-2], x.dtype)


@determinant.guarded
def _(x: Array) -> tuple[Array, Array] | None:
    if not is_small(x):
        return None
    factors = pivots(eliminate(x))
    sizes = abs(factors)
    # Every part of the product lies between these two.
    most, least = operations.maximum(sizes, 1).prod(0), operations.minimum(sizes, 1).prod(0)
    none = sizes.min(0) == 0
    within = operations.isfinite(most) & ((least >= float(np.finfo(x.dtype).tiny)) | none)
    return factors.prod(0), operations.all(within)


@determinant.define_vjp
def _(ct: Array, out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: _times(ct, adjoint(adjugate(x)))


@determinant.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array) -> Array:
    return _trace(adjugate(x) @ tangents[0])


def _decomposed(x: Any) -> tuple[Any, Any, Any, Any]:
    """Return U^H, the singular values, V, and ``det(U V^H)`` of x = U S V^H, a stack of square matrices."""
    with expecting("det", "matrices of finite numbers", x):
        u, s, vh = np.linalg.svd(x)
    phase = np.linalg.det(u) * np.linalg.det(vh)
    return np.conjugate(np.swapaxes(u, -1, -2)), s, np.conjugate(np.swapaxes(vh, -1, -2)), phase[..., None, None]


def _products_without(s: Any, count: int) -> Any:
    """The product of all of s (along the last axis) but one, or but each pair, whose product is 0 with itself."""
    n = s.shape[-1]
    others = ~np.eye(n, dtype=bool)
    if count == 2:
        others = others[:, None, :] & others[None, :, :]
    factors = np.where(others, s[(..., *[None] * count, slice(None))], 1)
    found = np.prod(factors, axis=-1)
    return np.where(np.eye(n, dtype=bool), 0, found) if count == 2 else found


@general(
    name="adjugate",
    samples=[invertible(3, 3), invertible(2, 3, 3), normal(0, 0), normal(1, 1), normal(2, 2)],
    rejects=[reject(ShapeError, f"adjugate: {_NOT_SQUARE}", normal(2, 3))],
    stacks=True,
)
def adjugate(x: Any) -> Any:
    """Adjugate of each matrix of a stack: ``det(x) inv(x)`` where that exists, and its continuation where not."""
    check_square("adjugate", x)
    if not np.isfinite(x).all():
        return np.full(x.shape, np.nan, x.dtype)
    # Of x = U S V^H it is V adj(S) U^H, times det(U) det(V^H): adj of a product is the product of the adj's.
    uh, s, v, phase = _decomposed(x)
    return (v * _products_without(s, 1)[..., None, :]) @ uh * phase


@adjugate.infer
def _(x: Aval) -> Aval:
    check_square("adjugate", x)
    return x


@adjugate.guarded
def _(x: Array) -> tuple[Array, Array] | None:
    if not is_small(x):
        return None
    if x.shape[-1] <= 3:
        return _of_cofactors(x), are_finite(x)
    factors = eliminate(x)
    inverse = inverse_by(factors)
    return _times(pivots(factors).prod(0), inverse), is_sound(factors) & _is_tame(x, inverse)


def _is_tame(x: Array, inverse: Array) -> Array:
    """Whether formulas with the inverse lose no more than a few digits."""
    found: Array = operations.all(condition_bound(x, inverse) < float(np.finfo(x.dtype).eps) ** -0.25)
    return found


def _of_cofactors(x: Array) -> Array:
    """The adjugate of matrices of at most three rows."""
    n = x.shape[-1]
    if n == 3:
        return _of_two(x, x) / 2
    if n == 2:
        signs = np.array([[1, -1], [-1, 1]], x.dtype)
        turned: Array = operations.matrix_transpose(x[..., ::-1, ::-1]) * signs
        return turned
    ones: Array = operations.ones_like(x)
    return ones


def _of_two(x: Array, t: Array) -> Array:
    """The derivative of the adjugate of matrices of three rows in the direction t: twice itself at (x, x)."""

    def picked(x: Array, rows: Any, columns: Any) -> Array:
        found: Array = operations.matrix_transpose(x[..., rows, :][..., columns])
        return found

    one, two = np.array([1, 2, 0]), np.array([2, 0, 1])
    straight = picked(x, one, one) * picked(t, two, two) + picked(t, one, one) * picked(x, two, two)
    crossed = picked(x, one, two) * picked(t, two, one) + picked(t, one, two) * picked(x, two, one)
    return straight - crossed


@adjugate.define_vjp
def _(ct: Array, out: Array, x: Array) -> Iterator[Thunk]:
    # The second derivative of det is symmetric: <ct, slope(x, t)> = tr(slope(x, ct^H) t).
    yield lambda: adjoint(adjugate_slope(x, adjoint(ct)))


@adjugate.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array) -> Array:
    found: Array = adjugate_slope(x, tangents[0])
    return found


@general(
    name="adjugate_slope",
    samples=[call(invertible(3, 3), normal(3, 3)), call(invertible(2, 2, 2), normal(2, 2, 2))],
    rejects=[reject(ShapeError, "adjugate_slope: expected two arrays of one shape", normal(2, 2), normal(3, 3))],
    stacks=True,
)
def adjugate_slope(x: Any, t: Any) -> Any:
    """Derivative of the adjugate of each x in the direction t, where x is singular as well."""
    check_square("adjugate_slope", x)
    _check_alike(x, t)
    if not np.isfinite(x).all():
        return np.full(x.shape, np.nan, x.dtype)
    uh, s, v, phase = _decomposed(x)
    without = _products_without(s, 2).astype(x.dtype)
    # Of a diagonal matrix S in direction T: off the diagonal -T[i, j] times the product of all s but s[i], s[j];
    # on it the sum of T[k, k] times the product of all but s[i], s[k].
    turned = uh @ t @ v
    diagonal = np.diagonal(turned, axis1=-2, axis2=-1)
    found = -without * turned
    places = np.arange(x.shape[-1])
    found[..., places, places] = np.einsum("...ik,...k->...i", without, diagonal)
    return v @ found @ uh * phase


def _check_alike(x: Any, t: Any) -> None:
    if x.shape != t.shape:
        raise ShapeError(f"adjugate_slope: expected two arrays of one shape, got {x.shape} and {t.shape}")


@adjugate_slope.infer
def _(x: Aval, t: Aval) -> Aval:
    check_square("adjugate_slope", x)
    _check_alike(x, t)
    return x


@adjugate_slope.guarded
def _(x: Array, t: Array) -> tuple[Array, Array] | None:
    if not is_small(x):
        return None
    n = x.shape[-1]
    if n <= 3:
        found = operations.zeros_like(t) if n == 1 else _of_cofactors(t) if n == 2 else _of_two(x, t)
        return found, are_finite(x)
    factors = eliminate(x)
    inverse = inverse_by(factors)
    moved = inverse @ t
    found = _times(_trace(moved), inverse) - moved @ inverse
    return _times(pivots(factors).prod(0), found), is_sound(factors) & _is_tame(x, inverse)


@adjugate_slope.define_vjp
def _(ct: Array, out: Array, x: Array, t: Array) -> Iterator[Thunk]:
    # The third derivative of det is symmetric, too.
    yield lambda: adjoint(_third(x, t, adjoint(ct)))
    yield lambda: adjoint(adjugate_slope(x, adjoint(ct)))


@adjugate_slope.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, t: Array) -> Array:
    of_x, of_t = tangents
    terms = [] if of_t is None else [adjugate_slope(x, of_t)]
    total: Array = add_all(terms if of_x is None else [*terms, _third(x, t, of_x)])
    return total


def _third(x: Array, e: Array, g: Array) -> Array:
    """The second derivative of the adjugate in two directions, by the inverse."""
    a = invert(regular(x, by="det"))
    by_e, by_g = e @ a, g @ a
    trace_e, trace_g = _trace(by_e), _trace(by_g)
    mixed = by_e @ by_g
    both = trace_e * trace_g - _trace(mixed)
    inner = mixed + by_g @ by_e - _times(trace_e, by_g) - _times(trace_g, by_e)
    return _times(determinant(x), _times(both, a) + a @ inner)


@function(
    np.linalg.det,
    samples=[normal(3, 3), normal(2, 3, 3), normal(0, 0), normal(2, 0, 0), normal(2, 2), _RANK_2],
    rejects=[
        reject(ShapeError, f"det: {_NOT_SQUARE}", normal(2, 3)),
        reject(ShapeError, "det: expected a matrix or a stack of them, got shape (3,)", normal(3)),
        reject(DTypeError, "det: expected float32, float64 or their complex", np.eye(2, dtype=np.float16)),
    ],
)
def det(a: Any) -> Array:
    """Determinant of a square matrix, or of each of a stack; it has derivatives where the matrix is singular, too.

    The third and higher derivatives are by the inverse: they raise LinAlgError at a singular matrix.

    >>> det([[1.0, 2.0], [3.0, 5.0]])
    array(-1.)
    """
    found: Array = determinant(as_square("det", a))
    return found


# Sign and logarithm ---------------------------------------------------------------------------------------------------


@general(
    name="slogdet",
    samples=[invertible(3, 3), invertible(2, 3, 3), normal(0, 0), normal(1, 1)],
    rejects=[reject(ShapeError, f"slogdet: {_NOT_SQUARE}", normal(2, 3))],
    stacks=True,
)
def sign_and_logarithm(x: Any) -> Any:
    """Sign (of a complex matrix: a number of absolute value 1) and logarithm of the absolute value of determinants."""
    check_square("slogdet", x)
    return tuple(np.linalg.slogdet(x))


@sign_and_logarithm.guarded
def _(x: Array) -> tuple[tuple[Array, Array], Array] | None:
    if not is_small(x):
        return None
    factors = eliminate(x)
    found = pivots(factors)
    return (operations.sign(found).prod(0), operations.log(abs(found)).sum(0)), is_sound(factors)


@sign_and_logarithm.infer
def _(x: Aval) -> tuple[Aval, ...]:
    check_square("slogdet", x)
    return Aval(x.shape[:-2], x.dtype), Aval(x.shape[:-2], real_dtype(x.dtype))


def _inverse(x: Array, logarithm: Array, weight: Array | None = None) -> Array:
    """The inverse, by which the logarithm has derivatives; it need not be one where ``weight`` is zero."""
    value = logarithm._node.value
    if value is not None and np.isneginf(value).any():
        singular = np.isneginf(value)
        counted = weight._node.value if weight is not None else None
        if counted is not None and not np.any(counted[singular]):
            return invert(operations.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x))
        raise LinAlgError(
            f"slogdet: expected an invertible matrix, got a singular one (shape {x.shape}): the logarithm is -inf and "
            "has no derivative. Use det, which has"
        )
    return invert(x)


@sign_and_logarithm.define_vjp
def _(ct: Sequence[Any], out: tuple[Array, Array], x: Array) -> Iterator[Thunk]:
    # With tr(x^-1 dx) = a + ib the logarithm moves by a, and the sign by ib times itself.
    by_sign, by_logarithm = ct
    sign, logarithm = out

    def by_x() -> Array:
        if x.dtype.kind != "c":
            if by_logarithm is None:
                zeros: Array = operations.zeros_like(x)
                return zeros
            return _times(by_logarithm, adjoint(_inverse(x, logarithm, by_logarithm)))
        factor = operations.zeros_like(sign) if by_logarithm is None else by_logarithm
        if by_sign is not None:
            factor = factor - 1j * operations.imag(conjugated(by_sign) * sign)
        return _times(factor, adjoint(_inverse(x, logarithm)))

    yield by_x


@sign_and_logarithm.define_jvp
def _(tangents: Sequence[Any], out: tuple[Array, Array], x: Array) -> Sequence[Any]:
    sign, logarithm = out
    if x.dtype.kind != "c":
        return [None, lambda: _trace(_inverse(x, logarithm) @ tangents[0])]
    moved = _trace(_inverse(x, logarithm) @ tangents[0])
    return [1j * operations.imag(moved) * sign, operations.real(moved)]


@function(
    np.linalg.slogdet,
    samples=[invertible(3, 3), invertible(2, 3, 3), normal(0, 0)],
    rejects=[
        reject(ShapeError, f"slogdet: {_NOT_SQUARE}", normal(2, 3)),
        reject(ShapeError, "slogdet: expected a matrix or a stack of them, got shape (3,)", normal(3)),
    ],
)
def slogdet(a: Any) -> SlogdetResult:
    """Sign and logarithm of the absolute value of the determinant, ``(sign, logabsdet)``, without overflow.

    Of a singular matrix they are 0 and -inf, and a derivative raises LinAlgError.

    >>> slogdet([[1.0, 2.0], [3.0, 5.0]]).sign
    array(-1.)
    """
    return SlogdetResult(*sign_and_logarithm(as_square("slogdet", a)))
