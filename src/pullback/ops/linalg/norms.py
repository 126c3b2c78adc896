"""Norms of vectors and matrices, and condition numbers. At a kink the derivative is 0, or shared equally."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axis
from pullback.core.families import general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import by_value, call, invertible, normal, points, reject, values
from pullback.dtypes import FLOAT64, is_differentiable, real_dtype
from pullback.errors import ArgumentError, DTypeError, LinAlgError, ShapeError
from pullback.ops import scaling
from pullback.ops.contraction import adjoint
from pullback.ops.linalg.matrices import as_matrices, check_square
from pullback.ops.linalg.singular import singular_values
from pullback.ops.linalg.solving import guarded_inverse
from pullback.ops.linalg.ties import near_zero
from pullback.ops.reduction import Axes, conjugated, finish, reduce_sum, reduced, spread
from pullback.ops.structural import as_array, astype

_COMPLEX = points([1.0 + 2.0j, -0.5j, 3.0], [0.5, 1.0j, -2.0])


# Euclidean length -----------------------------------------------------------------------------------------------------


@general(
    name="norm",
    samples=[
        call(normal(3, 4), axes=(1,)),
        call(normal(2, 3, 4), axes=(0, 2)),
        call(normal(), axes=()),
        call(_COMPLEX, axes=(0, 1)),
        call(by_value(normal(0, 3)), axes=(0,)),
        call(values([0.0, 0.0], [np.inf, 1.0], [np.nan, 0.0]), axes=(1,)),
    ],
    rejects=[reject(DTypeError, "norm: expected a floating or complex dtype, got int64", np.arange(3), axes=(0,))],
    axis_params=("axes",),
)
def length(x: Any, *, axes: Axes) -> Any:
    """The root of the sum of squares over ``axes``, which are dropped, without overflow. The gradient at 0 is 0."""
    _check_inexact(x)
    return scaling.root_of_squares(x, axes)


@length.composed
def _(x: Array, *, axes: Axes) -> Array:
    return scaling.composed_root_of_squares(x, axes)


def _check_inexact(x: Any) -> None:
    if not is_differentiable(x.dtype):
        raise DTypeError(f"norm: expected a floating or complex dtype, got {x.dtype}")


@length.infer
def _(x: Aval, *, axes: Axes) -> Aval:
    _check_inexact(x)
    return Aval(reduced(x.shape, axes), real_dtype(x.dtype))


def _direction(x: Array, out: Array, axes: Axes) -> Array:
    """``x / out``, and 0 where out is 0, as are then its derivatives."""
    quotient: Array = x / spread(operations.where(out == 0, np.inf, out), x.shape, axes)
    return quotient


@length.define_vjp
def _(ct: Array, out: Array, x: Array, *, axes: Axes) -> Iterator[Thunk]:
    yield lambda: operations.strong_product(spread(ct, x.shape, axes), _direction(x, out, axes))


@length.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axes: Axes) -> Array:
    pushed = operations.strong_product(tangents[0], conjugated(_direction(x, out, axes)))
    return reduce_sum(operations.real(pushed), axes=axes)


# Norms of vectors -----------------------------------------------------------------------------------------------------


def _order(operation: str, ord: Any) -> float:
    if isinstance(ord, (str, Array, np.ndarray)) or not isinstance(ord, (int, float, np.number)):
        raise ArgumentError(f"{operation}: expected a number as ord of vectors, got {ord!r}")
    return float(ord)


def _of_vectors(operation: str, x: Array, axes: Axes, ord: Any) -> Array:
    """The norm over ``axes`` together, which are dropped."""
    p = 2.0 if ord is None else _order(operation, ord)
    if p == 2:
        found: Array = length(x, axes=axes)
        return found
    if p == 0:
        count: Array = operations.sum(astype(x != 0, real_dtype(x.dtype)), axis=axes)
        return count
    sizes = abs(x)
    if math.isinf(p):
        largest: Array = operations.max(sizes, axis=axes, initial=0) if p > 0 else operations.min(sizes, axis=axes)
        return largest
    if p == 1:
        total: Array = operations.sum(sizes, axis=axes)
        return total
    return _power_mean(sizes, axes, p)


def _power_mean(sizes: Array, axes: Axes, p: float) -> Array:
    """``sum(sizes**p) ** (1/p)``, where a size that is 0, a kink, has derivative 0 at every order.

    The sizes are scaled by a power of two near the one that counts most: for derivatives that is a constant.
    """
    scale = _nearest_power(operations.stop_gradient(sizes), axes, p)
    sizes = sizes / spread(scale, sizes.shape, axes)
    if p < 0:
        small: Array = operations.sum(sizes**p, axis=axes) ** (1 / p) * scale
        return small
    none = sizes == 0
    powers = operations.where(none, 0, operations.where(none, 1, sizes) ** p)
    total = operations.sum(powers, axis=axes)
    nothing = total == 0
    found: Array = operations.where(nothing, 0, operations.where(nothing, 1, total) ** (1 / p)) * scale
    return found


def _nearest_power(sizes: Array, axes: Axes, p: float) -> Array:
    """The power of two next to the largest size, for negative p next to the smallest; 1 where there is none."""
    if not math.prod(sizes.shape):
        return operations.ones_like(operations.sum(sizes, axis=axes))
    peak = operations.max(sizes, axis=axes) if p > 0 else operations.min(sizes, axis=axes)
    usable = (peak > 0) & (peak < np.inf)
    power: Array = operations.exp2(operations.floor(operations.log2(operations.where(usable, peak, 1))))
    return power


# Norms of matrices ----------------------------------------------------------------------------------------------------


def _of_matrices(operation: str, x: Array, ord: Any) -> Array:
    """The norm of each matrix of a stack."""
    rows, columns = x.ndim - 2, x.ndim - 1
    if ord is None or (isinstance(ord, str) and ord in ("fro", "f")):
        root: Array = length(x, axes=(rows, columns))
        return root
    if isinstance(ord, str) and ord == "nuc":
        total: Array = _smooth_singular_values(operation, x).sum(-1)
        return total
    if isinstance(ord, (str, Array, np.ndarray)) or ord not in (1, -1, 2, -2, np.inf, -np.inf):
        raise ArgumentError(
            f"{operation}: expected ord of matrices to be 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc', got {ord!r}"
        )
    if abs(ord) == 2:
        sizes = _smooth_singular_values(operation, x)
    else:
        sizes = operations.sum(abs(x), axis=rows if abs(ord) == 1 else columns)
    found: Array = sizes.max(-1, initial=0) if ord > 0 else sizes.min(-1)
    return found


def _smooth_singular_values(operation: str, x: Array) -> Array:
    """The singular values, of which those that are 0 (as absolute values at 0) have derivative 0 in both modes."""
    (matrix,) = as_matrices(operation, x)
    s = singular_values(operation, matrix)
    if not s._node.watched:
        return s
    kept: Array = operations.where(near_zero(s), operations.stop_gradient(s), s)
    return kept


# The functions --------------------------------------------------------------------------------------------------------


def _operand(operation: str, x: Any) -> Array:
    x = as_array(operation, x)
    return x if is_differentiable(x.dtype) else astype(x, FLOAT64)


def _axes(operation: str, axis: Any, ndim: int) -> Axes:
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(normalize_axis(operation, one, ndim) for one in given)
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{operation}: an axis is named twice in {axis}")
    return axes


@function(
    np.linalg.norm,
    samples=[
        normal(3),
        normal(3, 4),
        normal(2, 3, 4),
        normal(),
        *[call(normal(3, 4), ord, axis=1) for ord in (1, 2, np.inf, -np.inf, 3, 2.5, -1, 0.5)],
        call(by_value(normal(3, 4)), 0, axis=0),
        *[call(normal(3, 4), ord) for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
        call(normal(3, 2, 4), 2, axis=(2, 0), keepdims=True),
        call(normal(3, 2, 4), 1, axis=(2, 0), keepdims=True),
        call(normal(3, 4), keepdims=True),
        call(normal(3, 4), axis=-1, keepdims=True),
        by_value(normal(0)),
        values([0.0, 0.0], [0.0, 0.0]),
        call(values([0.0, 0.0], [1.0, -1.0]), 3, axis=1),
    ],
    rejects=[
        reject(ArgumentError, "norm: expected a number as ord of vectors, got 'nuc'", normal(3), "nuc"),
        reject(ArgumentError, "norm: expected ord of matrices to be 1, -1, 2", normal(3, 3), 3),
        reject(ShapeError, "norm: expected 1 or 2 axes for ord=1, got shape (2, 2, 2)", normal(2, 2, 2), 1),
        reject(ShapeError, "norm: an axis is named twice", normal(2, 2), 1, axis=(0, 0)),
        reject(ShapeError, "norm: axis 2 is out of range", normal(2, 2), axis=2),
    ],
)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """Norm of a vector, of a matrix, or of those along one or two axes; with ``ord=None`` of all elements together.

    At 0 the gradient is 0, at ties of the largest it is shared equally.

    Args:
        x: any array.
        ord: of vectors any number, of matrices 1, -1, 2, -2, inf, -inf, "fro" or "nuc". By default the root of the
            sum of squares.
        axis: one axis for vectors, two for matrices; None for the whole.
        keepdims: whether the axes stay, with length 1.

    >>> norm([3.0, 4.0])
    array(5.)
    """
    x = _operand("norm", x)
    if axis is None:
        axes = tuple(range(x.ndim))
        if ord is None or (x.ndim == 1 and ord == 2 and not isinstance(ord, str)):
            return finish(length(x, axes=axes), x.shape, axes, keepdims)
        if x.ndim not in (1, 2):
            raise ShapeError(f"norm: expected 1 or 2 axes for ord={ord!r}, got shape {x.shape}. Name them with axis=")
    else:
        axes = _axes("norm", axis, x.ndim)
    if len(axes) == 1:
        found = _of_vectors("norm", x, axes, ord)
    elif len(axes) == 2:
        found = _of_matrices("norm", operations.moveaxis(x, axes, (-2, -1)), ord)
    else:
        raise ShapeError(f"norm: expected one axis or two, got axis={axis!r}")
    return finish(found, x.shape, axes, keepdims)


@function(
    np.linalg.vector_norm,
    samples=[
        normal(3, 4),
        normal(),
        call(normal(3, 4), axis=0, ord=1),
        call(normal(2, 3, 4), axis=(0, 2), ord=np.inf, keepdims=True),
        call(normal(2, 3, 4), axis=(2, 0), ord=3),
        call(normal(3, 4), keepdims=True),
    ],
    rejects=[
        reject(ArgumentError, "vector_norm: expected a number as ord of vectors, got 'fro'", normal(3), ord="fro"),
        reject(ShapeError, "vector_norm: axis 1 is out of range", normal(3), axis=1),
    ],
)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """Norm of the vectors along one axis, or along several together; with ``axis=None`` of all elements.

    At 0 the gradient is 0, at ties of the largest it is shared equally.

    >>> vector_norm([[3.0, 4.0], [6.0, 8.0]], axis=1)
    array([ 5., 10.])
    """
    x = _operand("vector_norm", x)
    axes = tuple(sorted(_axes("vector_norm", tuple(range(x.ndim)) if axis is None else axis, x.ndim)))
    return finish(_of_vectors("vector_norm", x, axes, ord), x.shape, axes, keepdims)


@function(
    np.linalg.matrix_norm,
    samples=[
        normal(3, 4),
        call(normal(2, 3, 2), ord="nuc"),
        call(normal(2, 3, 2), ord=np.inf, keepdims=True),
    ],
    rejects=[
        reject(ArgumentError, "matrix_norm: expected ord of matrices to be 1, -1, 2", normal(3, 3), ord=0),
        reject(ShapeError, "matrix_norm: expected a matrix or a stack of them, got shape (3,)", normal(3)),
    ],
)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """Norm of a matrix, or of each of a stack: 1, -1, 2, -2, inf, -inf, "fro" or "nuc".

    At 0 the gradient is 0, at ties of the largest it is shared equally.

    >>> matrix_norm([[3.0, 0.0], [0.0, 4.0]], ord=2)
    array(4.)
    """
    x = _operand("matrix_norm", x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_norm: expected a matrix or a stack of them, got shape {x.shape}")
    return finish(_of_matrices("matrix_norm", x, ord), x.shape, (x.ndim - 2, x.ndim - 1), keepdims)


# Condition ------------------------------------------------------------------------------------------------------------


@general(
    name="inv_or_nan",
    samples=[
        invertible(3, 3),
        invertible(2, 3, 3),
        by_value(points([[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]])),
    ],
    rejects=[reject(ShapeError, "cond: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3))],
    stacks=True,
)
def invert_if_possible(x: Any) -> Any:
    """Inverse of each matrix of a stack; NaN for a singular one."""
    check_square("cond", x)
    x = np.asarray(x)  # whether there is an inverse depends on the values
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        if x.ndim == 2:
            return np.full(x.shape, np.nan, x.dtype)
        return np.stack([invert_if_possible.evaluate(one) for one in x])


@invert_if_possible.infer
def _(x: Aval) -> Aval:
    check_square("cond", x)
    return x


invert_if_possible.guarded(guarded_inverse)


@invert_if_possible.define_vjp
def _(ct: Array, out: Array, x: Array) -> Iterator[Thunk]:
    yield lambda: -(adjoint(out) @ ct @ adjoint(out))


@invert_if_possible.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array) -> Array:
    return -(out @ tangents[0] @ out)


@function(
    np.linalg.cond,
    name="linalg.cond",
    samples=[
        normal(3, 4),
        call(invertible(2, 3, 3), -2),
        *[call(invertible(3, 3), p) for p in (1, np.inf, "fro", "nuc", 2)],
        call(values([1.0, 2.0], [2.0, 4.0]), 1),
    ],
    rejects=[
        reject(LinAlgError, "linalg.cond: expected matrices with elements, got shape (0, 0)", normal(0, 0)),
        reject(ShapeError, "linalg.cond: expected square matrices (..., n, n), got shape (2, 3)", normal(2, 3), 1),
        reject(ArgumentError, "linalg.cond: expected ord of matrices", normal(3, 3), 5),
    ],
)
def cond(x: Any, p: Any = None) -> Array:
    """Condition number of a matrix, or of each of a stack: the norm of order p times that of the inverse.

    With p None or 2 the largest singular value over the smallest, with -2 the other way round: then the matrix need not
    be square. Inf where it is singular.

    >>> cond([[2.0, 0.0], [0.0, 1.0]])
    array(2.)
    """
    (x,) = as_matrices("linalg.cond", x)
    if not x.size:
        raise LinAlgError(f"linalg.cond: expected matrices with elements, got shape {x.shape}")
    if p is None or (not isinstance(p, str) and p in (2, -2)):
        s = singular_values("linalg.cond", x)
        with np.errstate(all="ignore"):
            ratio = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    else:
        ratio = _of_matrices("linalg.cond", x, p) * _of_matrices("linalg.cond", invert_if_possible(x), p)
    given = operations.any(operations.isnan(operations.stop_gradient(x)), axis=(-1, -2))
    found: Array = operations.where(operations.isnan(ratio) & ~given, np.inf, ratio)
    return found
