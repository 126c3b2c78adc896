"""Singular values and vectors. About repeated singular values, see ``ties``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import add_all, general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import by_value, call, normal, positive_definite, reject
from pullback.dtypes import real_dtype
from pullback.errors import LinAlgError, ShapeError
from pullback.ops.contraction import adjoint
from pullback.ops.linalg.factorizations import as_hermitian
from pullback.ops.linalg.matrices import (
    as_diagonal,
    as_matrices,
    check_matrix,
    columns_times,
    diagonal_of,
    expecting,
    hermitian_part,
    skew_part,
)
from pullback.ops.linalg.phases import pulled, pushed, row, turned_real, turning_of
from pullback.ops.linalg.results import SVDResult
from pullback.ops.linalg.ties import (
    equal_pairs,
    first_order_only,
    gaps,
    largest,
    made_before,
    mean_of_equal,
    near_zero,
    negligible,
    once,
    reciprocal,
    refuse_apart,
    refuse_equal,
    shared,
    skew_change,
    sums,
    turning,
    vanishing,
)

_CONVERGENT = "a matrix whose singular values LAPACK finds"


# Singular value decomposition -----------------------------------------------------------------------------------------


@general(
    name="svd",
    samples=[
        call(normal(3, 3), full=False),
        call(normal(4, 2), full=False),
        call(normal(2, 2, 3), full=False),
        call(by_value(normal(4, 2)), full=True),
        call(by_value(normal(2, 2, 3)), full=True),
        call(by_value(normal(4, 2)), full=True, beside=True),
        call(normal(0, 2), full=False),
    ],
    rejects=[
        reject(ShapeError, "svd: expected a matrix or a stack of them, got shape (3,)", normal(3), full=False),
        reject(LinAlgError, "svd: expected finite numbers", np.full((2, 2), np.nan), full=False),
    ],
    stacks=True,
)
def decompose(x: Any, *, full: bool, beside: bool = False) -> Any:
    """U, singular values (descending) and V^H of each matrix of a stack; with ``full``, U and V^H are square.

    One that stands ``beside`` another of the same matrix does not see what the other is used for: where values are
    equal, or 0, it has no derivative.
    """
    check_matrix("svd", x)
    with expecting("svd", _CONVERGENT, x):
        u, s, vh = np.linalg.svd(x, full_matrices=full)
    n = s.shape[-1]
    if x.dtype.kind == "c" and x.size:
        left, right = u[..., :n], np.conjugate(np.swapaxes(vh[..., :n, :], -1, -2))
        wide = x.shape[-2] < x.shape[-1]
        left, right = turned_real((left if wide else right)[..., 0, :], left, right)
        u = np.concatenate([left, u[..., n:]], -1)
        vh = np.concatenate([np.conjugate(np.swapaxes(right, -1, -2)), vh[..., n:, :]], -2)
    return u, s, vh


@decompose.infer
def _(x: Aval, *, full: bool, beside: bool = False) -> tuple[Aval, ...]:
    check_matrix("svd", x)
    *stack, rows, columns = x.shape
    least = min(rows, columns)
    return (
        Aval((*stack, rows, rows if full else least), x.dtype),
        Aval((*stack, least), real_dtype(x.dtype)),
        Aval((*stack, columns if full else least, columns), x.dtype),
    )


class _Factors:
    """The results of a decomposition, and which of the singular values are equal or 0."""

    def __init__(self, out: tuple[Array, Array, Array]) -> None:
        u, self.s, vh = out
        n = self.s.shape[-1]
        v = adjoint(vh)
        self.u, self.v = u[..., :n], v[..., :n]
        self.more_u, self.more_v = u[..., n:], v[..., n:]
        self.rest_u, self.rest_v = u.shape[-2] - n, v.shape[-2] - n  # how many dimensions are beside the first n
        self.wide = u.shape[-2] < vh.shape[-1]
        self.equal, self.zero = equal_pairs(self.s), near_zero(self.s)
        self.zeros = self.zero[..., None, :] & self.zero[..., :, None]

    def between(self, skew_sum: Array, skew_difference: Array) -> Array:
        """What the two skew parts say about P, but between equal values and between zeros."""
        return skew_sum * reciprocal(gaps(self.s), self.equal) + skew_difference * reciprocal(sums(self.s), self.zeros)


def _turned(vectors: Array, more: Array, ct: Array | None) -> tuple[Array, Array | None, Array | None]:
    """The cotangent of orthonormal vectors within their space, out of it, and of what fills them up, in its own."""
    n = vectors.shape[-1]
    if ct is None:
        zeros: Array = operations.zeros_like(adjoint(vectors) @ vectors)
        return zeros, None, None
    own, filling = ct[..., :n], ct[..., n:]
    inside = adjoint(vectors) @ own
    if vectors.shape[-2] == n:
        return inside, None, None
    if not filling.shape[-1]:
        return inside, own - vectors @ inside, None
    # What fills up turns against the vectors.
    outside = more @ (adjoint(more) @ own - adjoint(filling) @ vectors)
    return inside, outside, adjoint(more) @ filling


def _turned_factors(f: _Factors) -> tuple[Array, Array]:
    """A direction in which the vectors of equal values turn into each other, those of zeros on each side alone."""
    n, dtype = f.s.shape[-1], f.u.dtype
    equal = f.equal._node.value & ~np.eye(n, dtype=bool)
    left = turning(n, equal, dtype)
    right = np.where(f.zeros._node.value, turning(n, equal, dtype, seed=1), left)
    return f.u @ operations.asarray(left), f.v @ operations.asarray(right)


@decompose.define_directions
def _(
    ct: Sequence[Any], out: tuple[Array, Array, Array], x: Array, *, full: bool, beside: bool = False
) -> Sequence[Any]:
    by_u, by_s, by_vh = ct
    s = out[1]._node.value
    if (by_u is None and by_vh is None) or s is None:
        return []
    n = s.shape[-1]
    equal = equal_pairs.evaluate(s) & ~np.eye(n, dtype=bool)
    if not (equal.any() or near_zero.evaluate(s).any()):
        return []
    u, values, vh = out
    f = _Factors((u.detach(), values.detach(), vh.detach()))
    left, right = _turned_factors(f)
    left = operations.concatenate([left, operations.zeros_like(f.more_u)], axis=-1)
    right = operations.concatenate([right, operations.zeros_like(f.more_v)], axis=-1)
    along = [left, None, adjoint(right)]
    return [along] if by_s is None else [along, [None, np.broadcast_to(_steps(n, s.dtype), s.shape), None]]


def _check_choice(f: _Factors, by_u: Array | None, by_vh: Array | None, slope: Sequence[Any]) -> None:
    """Raise if turning the vectors of equal values, or of zeros, changes what is computed from them."""
    n = f.s.shape[-1]
    changes = []
    by_v, slope_v = (None if one is None else adjoint(one) for one in (by_vh, slope[2]))
    for moved, vectors, ct, one in zip(
        _turned_factors(f), (f.u, f.v), (by_u, by_v), (slope[0], slope_v), strict=True
    ):  # fmt: skip
        own = operations.zeros_like(vectors) if ct is None else ct[..., :n]
        changes.append(skew_part(skew_change(moved, vectors, own, None if one is None else one[..., :n])))
    scale = largest(by_u, by_vh)
    together, apart = changes[0] + changes[1], changes[0] - changes[1]
    equal = f.equal & ~np.eye(n, dtype=bool)
    vanishing(together, f.s, equal, scale, operation="svd", reason="choice")
    vanishing(apart, f.s, f.zeros & equal, scale, operation="svd", reason="choice")


def _steps(n: int, dtype: np.dtype[Any]) -> Any:
    """The direction in which singular values part from each other and from 0."""
    return np.arange(1, n + 1, dtype=dtype)


decompose.define_companions(refuse_apart)


@decompose.define_vjp
def _(
    ct: Sequence[Any],
    out: tuple[Array, Array, Array],
    x: Array,
    *,
    full: bool,
    beside: bool = False,
    slopes: Sequence[Any] = (),
) -> Iterator[Thunk]:
    # With P = U^H dx V: ds = diag(P), and U^H dU, V^H dV are F- * (P + P^H)/2 +- F+ * (P - P^H)/2,
    # where F-[i, j] = 1 / (s[j] - s[i]) and F+[i, j] = 1 / (s[j] + s[i]).
    f = _Factors(out)
    by_u, by_s, by_vh = ct

    def by_x() -> Array:
        if beside:
            return _checked_beside(f, x) + whole()
        return whole()

    def whole() -> Array:
        if by_u is None and by_vh is None:
            inner = _of_values(by_s, f)
            return columns_times(f.u, inner.astype(x.dtype)) @ adjoint(f.v)
        found = _of_vectors(f, by_u, by_vh)
        if slopes:
            _check_choice(f, by_u, by_vh, slopes[0])
        if by_s is not None:
            found = found + columns_times(f.u, by_s.astype(x.dtype)) @ adjoint(f.v)
            found = found + _in_groups(f, x, slopes)
        return found

    yield by_x


def _checked_beside(f: _Factors, x: Array) -> Array:
    """Zeros of the shape of x; an error where another decomposition of x may choose other vectors."""
    places = (f.equal & ~np.eye(f.s.shape[-1], dtype=bool)) | f.zeros
    found: Array = f.u @ refuse_equal("svd", f.s, places, x.dtype, "beside") @ adjoint(f.v)
    return found


def _of_values(ct: Array, f: _Factors) -> Array:
    """Shared between equal values; at 0, where s is an absolute value, 0 unless that is smooth."""
    kinks = f.zero & (abs(ct) > negligible(ct))
    found: Array = operations.where(kinks, 0, shared(ct, f.equal))
    return found


def _of_vectors(f: _Factors, by_u: Array | None, by_vh: Array | None) -> Array:
    """The gradient by what the vectors are used for."""
    by_u, by_v = _with_phases(f, by_u, None if by_vh is None else adjoint(by_vh))
    of_u, out_u, filling_u = _turned(f.u, f.more_u, by_u)
    of_v, out_v, filling_v = _turned(f.v, f.more_v, by_v)
    scale = largest(of_u, of_v, out_u, out_v, filling_u, filling_v)

    def checked(k: Array, places: Array) -> Array:
        found: Array = vanishing(k, f.s, places, scale, operation="svd", reason="choice")
        return found

    inner = f.between(
        checked(skew_part(of_u + of_v), f.equal),
        checked(skew_part(of_u - of_v), f.zeros),
    )
    found = f.u @ inner @ adjoint(f.v)
    for outside, filling in ((out_u, filling_u), (out_v, filling_v)):
        if filling is not None:
            _check_filling(filling, scale)
        if outside is not None:
            kept = columns_times(checked(outside, _columns(f.zero, outside)), reciprocal(f.s, f.zero))
            found = found + (kept @ adjoint(f.v) if outside is out_u else f.u @ adjoint(kept))
    return found


def _with_phases(f: _Factors, by_u: Array | None, by_v: Array | None) -> tuple[Array | None, Array | None]:
    """The cotangents as those of vectors whose phases are free: of each pair together."""
    if f.u.dtype.kind != "c":
        return by_u, by_v
    n = f.s.shape[-1]
    rates, sizes = [], []
    for ct, vectors in ((by_u, f.u), (by_v, f.v)):
        if ct is not None:
            rates.append(turning_of(ct[..., :n], vectors))
            sizes.append(adjoint(vectors) @ ct[..., :n])
    vectors = f.u if f.wide else f.v
    given = by_u if f.wide else by_v
    own = operations.zeros_like(vectors) if given is None else given[..., :n]
    kept = pulled(own, vectors, row(vectors, 0), add_all(rates), largest(*sizes))
    if given is not None and given.shape[-1] > n:
        kept = operations.concatenate([kept, given[..., n:]], axis=-1)
    return (kept, by_v) if f.wide else (by_u, kept)


def _columns(marked: Array, like: Array) -> Array:
    """Marks of columns as marks of all elements of matrices."""
    places: Array = operations.broadcast_to(marked[..., None, :], like.shape)
    return places


def _check_filling(turned: Array, scale: Array) -> None:
    skew = skew_part(turned)
    values = operations.zeros_like(operations.real(diagonal_of(skew)))
    everywhere = np.ones(skew.shape, bool)
    vanishing(skew, values, everywhere, scale, operation="svd", reason="choice")


def _in_groups(f: _Factors, x: Array, slopes: Sequence[Any]) -> Array:
    """What is said about equal values and about zeros, where values and vectors are both used."""
    n = f.s.shape[-1]
    off_diagonal = f.equal & ~np.eye(n, dtype=bool)
    if not slopes:
        outside = bool(f.rest_u or f.rest_v or x.dtype.kind == "c")
        places = off_diagonal | (f.zeros if outside else False)
        inner = refuse_equal("svd", f.s, places, x.dtype)
        return f.u @ inner @ adjoint(f.v)
    by_u, _, by_vh = slopes[1]
    steps = operations.asarray(_steps(n, f.s.dtype))
    of_u, out_u, _ = _turned(f.u, f.more_u, by_u)
    of_v, out_v, _ = _turned(f.v, f.more_v, None if by_vh is None else adjoint(by_vh))
    inner = skew_part(of_u + of_v) * reciprocal(gaps(steps), ~off_diagonal)
    inner = inner + skew_part(of_u - of_v) * reciprocal(sums(steps), ~f.zeros)
    found = f.u @ inner @ adjoint(f.v)
    if out_u is not None:
        found = found + columns_times(out_u, reciprocal(steps, ~f.zero)) @ adjoint(f.v)
    if out_v is not None:
        found = found + f.u @ adjoint(columns_times(out_v, reciprocal(steps, ~f.zero)))
    limit: Array = first_order_only(found)
    return limit


class _Pushed:
    """Tangents of the results, each computed when it is asked for."""

    def __init__(self, t: Array, f: _Factors) -> None:
        self._f = f
        self._inner = adjoint(f.u) @ t @ f.v
        self._t = t
        self._moved = operations.real(diagonal_of(self._inner))
        self._scale = largest(t)
        self._used: set[str] = set()

    def _checked(self, k: Array, places: Array) -> Array:
        if len(self._used) == 1:
            return k
        found: Array = vanishing(k, self._f.s, places, self._scale, operation="svd", reason="parts")
        return found

    def _parts(self) -> tuple[Array, Array]:
        """The Hermitian part of P, without what moves equal values together, and the skew part."""
        f = self._f
        level = as_diagonal(mean_of_equal(self._moved, f.equal).astype(self._inner.dtype))
        part = self._checked(hermitian_part(self._inner) - level, f.equal)
        return part, self._checked(skew_part(self._inner), f.zeros)

    def _outside(self, vectors: Array, image: Array) -> Array:
        """The part of the image out of the space of the vectors."""
        outside = image - vectors @ (adjoint(vectors) @ image)
        return self._checked(outside, _columns(self._f.zero, outside))

    def values(self) -> Array:
        self._used.add("values")
        if len(self._used) == 1:
            return self._moved
        f = self._f
        part, skew = self._parts()
        nothing = part * f.equal + skew * f.zeros  # after the checks
        if f.rest_u:
            nothing = nothing + adjoint(f.u) @ (self._outside(f.u, self._t @ f.v) * f.zero[..., None, :])
        if f.rest_v:
            nothing = nothing + adjoint(f.v) @ (self._outside(f.v, adjoint(self._t) @ f.u) * f.zero[..., None, :])
        found: Array = self._moved + operations.real(diagonal_of(nothing))
        return found

    def left(self) -> Array:
        self._used.add("vectors")
        found = self._of_left()
        return self._kept(found, self._f.u)

    def right(self) -> Array:
        self._used.add("vectors")
        found = self._of_right()
        return adjoint(self._kept(found, self._f.v))

    def _of_left(self) -> Array:
        f = self._f
        part, skew = self._parts()
        return self._with_rest(f.u, f.more_u, f.rest_u, f.between(part, skew), self._t @ f.v)

    def _of_right(self) -> Array:
        f = self._f
        part, skew = self._parts()
        return self._with_rest(f.v, f.more_v, f.rest_v, f.between(part, -skew), adjoint(self._t) @ f.u)

    def _kept(self, found: Array, vectors: Array) -> Array:
        """Turn the vectors so that the component that was real stays so."""
        f = self._f
        if vectors.dtype.kind != "c":
            return found
        n = f.s.shape[-1]
        base = f.u if f.wide else f.v
        moving = found if vectors is base else self._of_left() if f.wide else self._of_right()
        phases = columns_times(vectors, pushed(moving[..., :n], base, row(base, 0)))
        if found.shape[-1] > n:
            phases = operations.concatenate([phases, operations.zeros_like(found[..., n:])], axis=-1)
        return found + phases

    def _with_rest(self, vectors: Array, more: Array, rest: int, turning: Array, image: Array) -> Array:
        """The tangent of vectors that turn in their own space, and out of it by ``image / s``."""
        f = self._f
        found = vectors @ turning
        if not rest:
            return found
        outside = columns_times(self._outside(vectors, image), reciprocal(f.s, f.zero))
        found = found + outside
        if not more.shape[-1]:
            return found
        filling = -(vectors @ (adjoint(outside) @ more))
        both: Array = operations.concatenate([found, filling], axis=-1)
        return both


@decompose.define_jvp
def _(
    tangents: Sequence[Any], out: tuple[Array, Array, Array], x: Array, *, full: bool, beside: bool = False
) -> Sequence[Any]:
    f = _Factors(out)
    pushed = _Pushed(tangents[0] + _checked_beside(f, x) if beside else tangents[0], f)
    return [pushed.left, pushed.values, pushed.right]


def as_operand(operation: str, a: Any, hermitian: bool) -> Array:
    """Return a matrix, or a stack of them, as an Array; ``hermitian`` says that one triangle of it is read."""
    if hermitian:
        return as_hermitian(operation, a)
    (x,) = as_matrices(operation, a)
    return x


def singular_values(operation: str, x: Array) -> Array:
    """The singular values of each matrix of a stack, from a decomposition if x is watched."""
    if not x._node.watched:
        with expecting(operation, _CONVERGENT, x._node.value):
            return operations.asarray(np.linalg.svd(x._node.value, compute_uv=False))
    return _factors(x, False)[1]


def _factors(x: Array, full: bool) -> tuple[Array, Array, Array]:
    """The decomposition of x; one node for all that ask, as far as that can be."""
    n = min(x.shape[-2:])
    if not full and made_before(decompose, x, full=True) is not None:
        u, s, vh = once(decompose, x, full=True)
        return u[..., :n], s, vh[..., :n, :]
    if full and made_before(decompose, x, full=False) is not None:
        u, s, vh = once(decompose, x, full=True, beside=True)
    else:
        u, s, vh = once(decompose, x, full=full)
    return u, s, vh


@function(
    np.linalg.svd,
    samples=[
        normal(3, 3),
        by_value(normal(4, 2)),
        call(normal(2, 4), full_matrices=False),
        call(normal(2, 3, 2), full_matrices=False),
        call(normal(3, 4), compute_uv=False),
        call(positive_definite(3, 3), compute_uv=False, hermitian=True),
    ],
    rejects=[reject(ShapeError, "svd: expected a matrix or a stack of them, got shape (3,)", normal(3))],
)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Singular value decomposition ``a = U @ diag(S) @ Vh``: ``(U, S, Vh)``, or S alone unless ``compute_uv``.

    Where singular values repeat or are 0, functions that do not depend on the choice of the vectors have a gradient.

    Args:
        a: a matrix, or a stack of them.
        full_matrices: whether U and Vh are square, filled up by columns and rows that are arbitrary but for being
            orthonormal.
        compute_uv: whether U and Vh are wanted.
        hermitian: whether a is Hermitian: one triangle of it is read. (Signs of vectors may differ from NumPy's.)

    Raises:
        LinAlgError: LAPACK does not find them, as with NaN.
        NotDifferentiableError: what is differentiated depends on the choice of the vectors there.

    >>> svd([[3.0, 0.0], [0.0, 2.0]]).S
    array([3., 2.])
    """
    x = as_operand("svd", a, hermitian)
    if not compute_uv:
        return singular_values("svd", x)
    full = bool(full_matrices) and x.shape[-1] != x.shape[-2]
    return SVDResult(*_factors(x, full))


@function(
    np.linalg.svdvals,
    samples=[normal(3, 3), normal(4, 2), normal(2, 2, 3), normal(0, 2)],
    rejects=[reject(ShapeError, "svdvals: expected a matrix or a stack of them, got shape (3,)", normal(3))],
)
def svdvals(x: Any, /) -> Array:
    """Singular values, descending, of a matrix or of each of a stack.

    Of equal ones the gradient is shared equally; at 0, where a singular value is as an absolute value, it is 0.

    >>> svdvals([[3.0, 0.0], [0.0, -2.0]])
    array([3., 2.])
    """
    return singular_values("svdvals", as_operand("svdvals", x, False))
