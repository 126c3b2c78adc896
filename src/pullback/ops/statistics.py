"""Means, variances, and averages with weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axes, normalize_axis
from pullback.core.creation import as_dtype
from pullback.core.families import General, general, linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, normal, positive, reject, values
from pullback.dtypes import FLOAT64, is_differentiable, real_dtype
from pullback.errors import ArgumentError, DTypeError, PullbackError, ShapeError
from pullback.ops import scaling
from pullback.ops.promotion import promoted
from pullback.ops.reduction import Axes, as_mask, conjugated, count, finish, reduce_sum, reduced, spread
from pullback.ops.structural import as_array

_HALF = np.dtype(np.float16)


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which NumPy adds up for a mean: double for integers, single for half precision."""
    return FLOAT64 if not is_differentiable(dtype) else np.dtype(np.float32) if dtype == _HALF else dtype


def _mean_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if is_differentiable(dtype) else FLOAT64


# Mean -----------------------------------------------------------------------------------------------------------------


@linear(
    name="mean",
    samples=[
        call(normal(3, 4), axes=(0,)),
        call(normal(2, 3, 4), axes=(0, 2)),
        call(normal(), axes=()),
        call(normal(0, 3), axes=(1,)),
    ],
    axis_params=("axes",),
)
def reduce_mean(x: Any, *, axes: Axes) -> Any:
    """Arithmetic mean over ``axes``, which are dropped, without overflow; NaN of nothing."""
    return scaling.mean(x, axes, _wide(x.dtype)).astype(_mean_dtype(x.dtype), copy=False)


@reduce_mean.composed
def _(x: Array, *, axes: Axes) -> Array:
    found: Array = operations.astype(
        scaling.composed_mean(operations.astype(x, _wide(x.dtype)), axes), _mean_dtype(x.dtype)
    )
    return found


@reduce_mean.infer
def _(x: Aval, *, axes: Axes) -> Aval:
    return Aval(reduced(x.shape, axes), _mean_dtype(x.dtype))


@reduce_mean.transpose
def _(ct: Array, x: Array, *, axes: Axes) -> Iterator[Thunk]:
    # Divided before it is repeated: one division for each mean, not for each element.
    yield lambda: spread(ct / max(count(x.shape, axes), 1), x.shape, axes)


def _masked_mean(a: Array, mask: Array, axes: Axes) -> tuple[Array, Array]:
    """The mean of what ``mask`` takes (in the wide dtype), and how much that is."""
    wide = _wide(a.dtype)
    taken = operations.astype(reduce_sum(mask, axes=axes), real_dtype(wide))
    part = scaling.fraction(count(a.shape, axes))
    total = reduce_sum(operations.where(mask, operations.astype(a, wide), 0) * part, axes=axes)
    return total / (taken * part), taken


def _as_operand(operation: str, a: Any, dtype: Any) -> tuple[Array, np.dtype[Any] | None]:
    """Convert to ``dtype=``; say what the result must be converted to if that is an integer dtype."""
    a = as_array(operation, a)
    if dtype is None:
        return a, None
    wanted = as_dtype(operation, dtype)
    return operations.astype(a, wanted), None if is_differentiable(wanted) else wanted


@function(
    np.mean,
    samples=[
        normal(3, 4),
        normal(),
        call(normal(3, 4), axis=-1, keepdims=True),
        call(normal(2, 3, 4), axis=(0, -1)),
        call(normal(0, 3), axis=1),
        values(),
        call(normal(3, 4), axis=1, where=[True, False, True, True]),
        call(values(1.5, 2.5), dtype=np.float32),
        call(positive(3, 4), dtype=int),
        values(np.inf, 1.0, np.nan),
    ],
    rejects=[reject(ShapeError, "mean: axis 2 is out of range", normal(3, 4), axis=2)],
)
def mean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = None) -> Array:
    """Arithmetic mean along ``axis`` (None: all), with NumPy's keywords; NaN of nothing.

    >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([2., 3.])
    """
    a, converted = _as_operand("mean", a, dtype)
    axes = normalize_axes("mean", axis, a.ndim)
    mask = as_mask("mean", where, a.shape)
    result: Array
    if mask is None:
        result = reduce_mean(a, axes=axes)
    else:
        result = operations.astype(_masked_mean(a, mask, axes)[0], _mean_dtype(a.dtype))
    if converted is not None:
        result = operations.astype(result, converted)
    return finish(result, a.shape, axes, keepdims)


# Variance -------------------------------------------------------------------------------------------------------------


def _centred(x: Array, axes: Axes) -> Array:
    return x - spread(reduce_mean(x, axes=axes), x.shape, axes)


def _real_product(x: Array, y: Array) -> Array:
    """Re(x * conj(y)), elementwise; zero where x is, even if y is not finite."""
    product: Array = operations.strong_product(x, conjugated(y))
    return operations.real(product) if product.dtype.kind == "c" else product


def _freedom(x: Array | Aval, axes: Axes, ddof: float) -> float:
    """What the sum of squares is divided by; NaN when nothing is left, for then there is no derivative."""
    left = count(x.shape, axes) - ddof
    return left if left > 0 else math.nan


_VARIANCE_SAMPLES = [
    call(normal(3, 4), axes=(0,), ddof=0),
    call(normal(2, 3, 4), axes=(0, 2), ddof=1),
    call(normal(3, 4), axes=(1,), ddof=1.5),
]


def _distance(x: Any, axes: Axes) -> Any:
    """The distance of each element of a NumPy array from the mean."""
    average = scaling.mean(x, axes, _mean_dtype(x.dtype))
    return x - average.reshape(reduced(x.shape, axes, keepdims=True))


@general(name="var", samples=_VARIANCE_SAMPLES, axis_params=("axes",))
def reduce_var(x: Any, *, axes: Axes, ddof: float) -> Any:
    """Mean of the squared distance from the mean over ``axes``, with n - ddof in place of n; real for complex x."""
    return scaling.mean_square(_distance(x, axes), axes, max(count(x.shape, axes) - ddof, 0))


@reduce_var.composed
def _(x: Array, *, axes: Axes, ddof: float) -> Array:
    return scaling.composed_mean_square(_centred(x, axes), axes, max(count(x.shape, axes) - ddof, 0))


@general(name="std", samples=_VARIANCE_SAMPLES, axis_params=("axes",))
def reduce_std(x: Any, *, axes: Axes, ddof: float) -> Any:
    """Square root of the variance over ``axes``. Where that is zero its derivative is taken as zero."""
    return scaling.root_of_squares(_distance(x, axes), axes, max(count(x.shape, axes) - ddof, 0))


@reduce_std.composed
def _(x: Array, *, axes: Axes, ddof: float) -> Array:
    return scaling.composed_root_of_squares(_centred(x, axes), axes, max(count(x.shape, axes) - ddof, 0))


def _infer_variance(x: Aval, *, axes: Axes, ddof: float) -> Aval:
    return Aval(reduced(x.shape, axes), real_dtype(_mean_dtype(x.dtype)))


reduce_var.infer(_infer_variance)
reduce_std.infer(_infer_variance)


@reduce_var.define_vjp
def _(ct: Array, out: Array, x: Array, *, axes: Axes, ddof: float) -> Iterator[Thunk]:
    # Of the centred values: the mean's own part of the derivative is their sum, which is zero.
    yield lambda: operations.strong_product(
        spread(ct * (2 / _freedom(x, axes, ddof)), x.shape, axes), _centred(x, axes)
    )


@reduce_var.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axes: Axes, ddof: float) -> Array:
    product = _real_product(tangents[0], _centred(x, axes))
    return reduce_sum(product, axes=axes) * (2 / _freedom(x, axes, ddof))


def _direction(x: Array, out: Array, axes: Axes, ddof: float) -> Array:
    """The distance from the mean over the deviation, zero where that is; NaN where there is no derivative."""
    quotient: Array = _centred(x, axes) / spread(operations.where(out == 0, np.inf, out), x.shape, axes)
    return quotient if _is_free(x, axes, ddof) else quotient * math.nan


def _is_free(x: Array, axes: Axes, ddof: float) -> bool:
    return count(x.shape, axes) > ddof


def _shared(x: Array, of: Array, axes: Axes, ddof: float) -> Array:
    """Divided by n - ddof, if that is anything."""
    return x / (count(of.shape, axes) - ddof) if _is_free(of, axes, ddof) else x


@reduce_std.define_vjp
def _(ct: Array, out: Array, x: Array, *, axes: Axes, ddof: float) -> Iterator[Thunk]:
    yield lambda: operations.strong_product(
        spread(_shared(ct, x, axes, ddof), x.shape, axes), _direction(x, out, axes, ddof)
    )


@reduce_std.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, *, axes: Axes, ddof: float) -> Array:
    product = _real_product(tangents[0], _direction(x, out, axes, ddof))
    return _shared(reduce_sum(product, axes=axes), x, axes, ddof)


def _variance(
    primitive: General, a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: bool, where: Any, correction: Any
) -> Array:
    operation = primitive.name
    if correction is not None:
        if ddof != 0:
            raise ArgumentError(f"{operation}: expected ddof= or correction=, which mean the same, got both")
        ddof = correction
    ddof = _as_number(operation, ddof)
    a, converted = _as_operand(operation, a, dtype)
    axes = normalize_axes(operation, axis, a.ndim)
    mask = as_mask(operation, where, a.shape)
    result: Array
    if mask is None:
        result = primitive(a, axes=axes, ddof=ddof)
    else:
        result = _masked_spread(a, mask, axes, ddof, root=primitive is reduce_std)
    result = operations.astype(result, converted or real_dtype(_mean_dtype(a.dtype)))
    return finish(result, a.shape, axes, keepdims)


def _as_number(operation: str, ddof: Any) -> float:
    if type(ddof) in (int, float):
        return ddof
    try:
        return float(ddof)
    except PullbackError:
        raise
    except (TypeError, ValueError):
        raise ArgumentError(f"{operation}: expected a number as ddof=, got {ddof!r}") from None


def _masked_spread(a: Array, mask: Array, axes: Axes, ddof: float, root: bool) -> Array:
    """The variance of what ``mask`` takes, or its root, whose derivative at zero is zero."""
    average, taken = _masked_mean(a, mask, axes)
    a = operations.astype(a, _mean_dtype(a.dtype))
    centred = operations.where(mask, a - spread(operations.astype(average, a.dtype), a.shape, axes), 0)
    over = operations.maximum(taken - ddof, 0)
    result: Array
    if root:
        result = operations.vector_norm(centred, axis=axes) / operations.sqrt(over)
    else:
        result = reduce_sum(_real_product(centred, centred), axes=axes) / over
    return result


_SPREAD_SAMPLES = [
    normal(3, 4),
    call(normal(3, 4), axis=-1, keepdims=True),
    call(normal(2, 3, 4), axis=(0, -1), ddof=1),
    call(normal(0, 3), axis=1),
    values(),
    call(normal(3, 4), axis=0, ddof=3),
    call(normal(3, 4), axis=1, where=[True, False, True, True], ddof=1),
    values(np.inf, 1.0, np.nan),
    values(2.0, 2.0, 2.0),
]
_SPREAD_REJECTS = [
    reject(ShapeError, "axis 2 is out of range", normal(3, 4), axis=2),
    reject(ArgumentError, "expected ddof= or correction=", normal(3), ddof=1, correction=1),
    reject(ArgumentError, "expected a number as ddof=, got 'one'", normal(3), ddof="one"),
]


@function(np.var, samples=_SPREAD_SAMPLES, rejects=_SPREAD_REJECTS)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = None,
    correction: float | None = None,
) -> Array:
    """Variance along ``axis`` (None: all): sum of squared distances from the mean, over n - ddof. Real for complex a.

    >>> var([1.0, 2.0, 3.0], ddof=1)
    array(1.)
    """
    return _variance(reduce_var, a, axis, dtype, ddof, keepdims, where, correction)


@function(np.std, samples=_SPREAD_SAMPLES, rejects=_SPREAD_REJECTS)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = None,
    correction: float | None = None,
) -> Array:
    """Standard deviation along ``axis`` (None: all), the square root of the variance. Its gradient at zero is zero.

    >>> std([1.0, 2.0, 3.0], ddof=1)
    array(1.)
    """
    return _variance(reduce_std, a, axis, dtype, ddof, keepdims, where, correction)


# Weighted mean --------------------------------------------------------------------------------------------------------


@function(
    np.average,
    samples=[
        normal(3, 4),
        call(normal(3, 4), axis=0, weights=positive(3)),
        call(normal(3, 4), weights=positive(3, 4), returned=True),
        call(normal(3, 4), axis=1, returned=True),
        call(normal(2, 3, 4), axis=(2, 0), weights=positive(4, 2), keepdims=True),
    ],
    rejects=[
        reject(
            DTypeError, "average: expected axis= with weights of another shape", normal(3, 4), weights=[1.0, 2.0, 3.0]
        ),
        reject(ShapeError, "average: expected weights of shape (4,)", normal(3, 4), axis=1, weights=[1.0, 2.0, 3.0]),
    ],
)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """Mean along ``axis`` with ``weights``, of the shape of a or of the axes named; with ``returned`` also their sum.

    Weights that add up to zero give inf or NaN.

    >>> average([1.0, 4.0], weights=[2.0, 1.0])
    array(2.)
    """
    a = as_array("average", a)
    axes = normalize_axes("average", axis, a.ndim)
    if weights is None:
        result = mean(a, axes, keepdims=keepdims)
        total: Any = operations.ones_like(result) * count(a.shape, axes)
    else:
        integer = FLOAT64 if not is_differentiable(a.dtype) else a.dtype
        a, weights = promoted("average", a, weights, dtype=np.result_type(a.dtype, _dtype_of(weights), integer))
        weights = _aligned_weights(a, axis, axes, weights)
        total = finish(reduce_sum(weights, axes=axes), a.shape, axes, keepdims)
        result = finish(reduce_sum(a * weights, axes=axes), a.shape, axes, keepdims) / total
    return (result, total) if returned else result


def _dtype_of(x: Any) -> np.dtype[Any]:
    return as_array("average", x).dtype


def _aligned_weights(a: Array, axis: Any, axes: Axes, weights: Array) -> Array:
    """Weights of the shape of a."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise DTypeError(
            f"average: expected axis= with weights of another shape than a, got shapes {a.shape} and {weights.shape}"
        )
    named = tuple(
        normalize_axis("average", one, a.ndim) for one in (axis if isinstance(axis, (tuple, list)) else (axis,))
    )
    expected = tuple(a.shape[one] for one in named)
    if weights.shape != expected:
        raise ShapeError(f"average: expected weights of shape {expected}, the axes named, got {weights.shape}")
    order = tuple(sorted(range(len(named)), key=named.__getitem__))
    return spread(operations.transpose(weights, order), a.shape, tuple(i for i in range(a.ndim) if i not in axes))
