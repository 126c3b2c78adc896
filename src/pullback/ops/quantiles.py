"""Medians, quantiles and percentiles, by all of NumPy's methods, also of what is not NaN."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axes, normalize_axis
from pullback.core.families import batch_all, general
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import call, distinct, integers, normal, points, positive, reject, uniform, values
from pullback.dtypes import FLOAT64, is_differentiable
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.indexing import scatter_add
from pullback.ops.joining import concatenate
from pullback.ops.reduction import Axes, count, finish, reduced, spread
from pullback.ops.sorting import order_along, rearranged, stable_order
from pullback.ops.structural import as_array, broadcast_to, expand_dims, ravel, reshape, stretch, zeros_like
from pullback.ops.taking import along, take_along_axis

_FEW = 4
"""Up to so many order statistics are found in the array by passing over it; for more it is sorted."""


# Order statistics -----------------------------------------------------------------------------------------------------


@general(
    samples=[
        call(distinct(5), integers(0, 5, 3)),
        call(distinct(2, 5), integers(0, 5, 6)),
        call(distinct(2, 5), integers(0, 5, 2, 3)),
        call(distinct(0, 5), integers(0, 5, 3)),
        call(values([2.0, np.nan, 1.0], [1.0, 1.0, 0.0]), values(0, 1)),
    ],
    rejects=[reject(ShapeError, "order_statistic: expected places", normal(2, 3), integers(0, 3, 5, 2))],
)
def order_statistic(x: Any, places: Any) -> Any:
    """The elements that stand at ``places`` when the last axis is sorted; the same places in each row, or its own."""
    _check_places(x.shape, places.shape)
    if places.ndim == 1 and x.size:
        return np.partition(x, np.unique(places), axis=-1)[..., places]
    return np.take_along_axis(np.sort(x, axis=-1), _of_each(places, x.shape), axis=-1)


@general(
    differentiable=False,
    samples=[
        call(distinct(2, 5), integers(0, 5, 3)),
        call(distinct(2, 5), integers(0, 5, 6)),
        call(distinct(2, 5), integers(0, 5, 2, 3)),
        call(values([2.0, np.nan, 2.0], [1.0, 1.0, 0.0]), values(0, 1)),
    ],
)
def order_statistic_index(x: Any, places: Any) -> Any:
    """Where in the rows the order statistics are: of equal elements the first is taken for the lowest place."""
    if places.ndim == 1 and places.size <= _FEW and x.size and x.dtype.kind != "c":
        found = [_stable_index(x, place) for place in places.tolist()]
        return np.stack(found, axis=-1)
    return np.take_along_axis(stable_order(x, x.ndim - 1), _of_each(places, x.shape), axis=-1)


def _stable_index(x: Any, place: int) -> Any:
    """Where the element is that a stable sort puts at ``place``: linear in the length, unlike sorting."""
    value = np.partition(x, place, axis=-1)[..., place, None]
    lost = np.isnan(value)
    before = np.where(lost, ~np.isnan(x), x < value).sum(axis=-1, keepdims=True)
    equal = np.where(lost, np.isnan(x), x == value)
    return np.argmax(np.cumsum(equal, axis=-1) > place % x.shape[-1] - before, axis=-1)


def _check_places(x: tuple[int, ...], places: tuple[int, ...]) -> None:
    if len(places) != 1 and places[:-1] != x[:-1]:
        raise ShapeError(f"order_statistic: expected places of shape (k,) or {(*x[:-1], 'k')}, got {places}")


def _of_each(places: Any, shape: tuple[int, ...]) -> Any:
    return np.broadcast_to(places, (*shape[:-1], places.shape[-1]))


@order_statistic.infer
def _(x: Aval, places: Aval) -> Aval:
    _check_places(x.shape, places.shape)
    return Aval((*x.shape[:-1], places.shape[-1]), x.dtype)


@order_statistic_index.infer
def _(x: Aval, places: Aval) -> Aval:
    _check_places(x.shape, places.shape)
    return Aval((*x.shape[:-1], places.shape[-1]), np.dtype(np.intp))


@order_statistic.define_vjp
def _(ct: Array, out: Array, x: Array, places: Array) -> Iterator[Thunk]:
    def spread_out() -> Array:
        axis = x.ndim - 1
        index = order_statistic_index(x, places)
        indices = [stretch(as_array("quantile", one), index.shape) for one in along("quantile", x.shape, index, axis)]
        return scatter_add(zeros_like(x), ct, *indices, axes=tuple(range(x.ndim)), unique=False)

    yield spread_out
    yield None


@order_statistic.define_jvp
def _(tangents: Sequence[Any], out: Array, x: Array, places: Array) -> Array:
    return take_along_axis(tangents[0], order_statistic_index(x, places), axis=-1)


def _batch_statistic(primitive: Any, batched: Sequence[bool], x: Array, places: Array) -> Array:
    found: Array
    if not batched[1] and places.ndim == 1:
        found = primitive(x, places)
    else:
        x, places = batch_all(batched, (x, places))
        shape = (*x.shape[:-1], places.shape[-1])
        if places.ndim < x.ndim:
            places = reshape(places, (shape[0], *(1,) * (x.ndim - 2), shape[-1]))
        found = primitive(x, broadcast_to(places, shape))
    return found


order_statistic.batching(lambda batched, x, places: _batch_statistic(order_statistic, batched, x, places))
order_statistic_index.batching(lambda batched, x, places: _batch_statistic(order_statistic_index, batched, x, places))


# What all share -------------------------------------------------------------------------------------------------------


def _rows(operation: str, a: Array, axis: Any) -> tuple[Array, Axes]:
    """The array with the axes to be reduced as one, the last."""
    axes = normalize_axes(operation, axis, a.ndim)
    order = (*[i for i in range(a.ndim) if i not in axes], *axes)
    rows = operations.transpose(a, order) if order != tuple(range(a.ndim)) else a
    return reshape(rows, (*reduced(a.shape, axes), count(a.shape, axes))), axes


def _kept(result: Array, front: int, shape: tuple[int, ...], axes: Axes, keepdims: bool) -> Array:
    """Put reduced axes back with length 1, behind the ``front`` axes of q."""
    if not keepdims:
        return result
    return reshape(result, (*result.shape[:front], *reduced(shape, axes, keepdims=True)))


def _no_number(x: Array) -> Array:
    """NaN in the dtype of x."""
    return as_array("nanquantile", np.full((), np.nan, x.dtype))


# Medians --------------------------------------------------------------------------------------------------------------

_MEDIAN_SAMPLES = [
    distinct(5),
    distinct(2, 3),
    distinct(),
    call(distinct(3, 4), axis=0),
    call(distinct(3, 4), axis=1, keepdims=True),
    call(distinct(2, 3, 2), axis=(0, -1)),
    call(integers(0, 9, 4)),
    values(),
    call(values([1.0, np.nan, 3.0], [np.inf, 1.0, 2.0]), axis=1),
]


@function(np.median, samples=_MEDIAN_SAMPLES, rejects=[reject(ShapeError, "median: axis 2 is", normal(3, 4), axis=2)])
def median(a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Array:
    """Median along ``axis`` (None: all), the mean of the two in the middle of an even number; NaN if there is one.

    The derivative goes to the elements in the middle, of equal ones to those that stable sorting puts there.
    ``overwrite_input`` is there for NumPy's sake: arrays are never written to.

    >>> median([3.0, 1.0, 2.0])
    array(2.)
    """
    a = as_array("median", a)
    rows, axes = _rows("median", a, axis)
    n = rows.shape[-1]
    result: Array
    if not n:
        result = operations.mean(rows, axis=-1)
    else:
        floating = is_differentiable(a.dtype)
        places = [n // 2] if n % 2 else [n // 2 - 1, n // 2]
        found = order_statistic(rows, as_array("median", [*places, n - 1] if floating else places))
        result = operations.mean(found[..., : len(places)], axis=-1)
        if floating:  # NaN is sorted to the end
            result = operations.where(operations.isnan(found[..., -1]), found[..., -1], result)
    return finish(result, a.shape, axes, keepdims)


@function(
    np.nanmedian,
    samples=[*_MEDIAN_SAMPLES, call(values([np.nan, np.nan, np.nan], [4.0, 1.0, np.nan]), axis=1)],
    rejects=[reject(ShapeError, "nanmedian: axis 2 is out of range", normal(3, 4), axis=2)],
)
def nanmedian(a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Array:
    """Median along ``axis`` (None: all) of what is not NaN; NaN if there is nothing.

    >>> nanmedian([3.0, np.nan, 1.0, 2.0])
    array(2.)
    """
    a = as_array("nanmedian", a)
    rows, axes = _rows("nanmedian", a, axis)
    if not is_differentiable(a.dtype) or not rows.shape[-1]:
        return median(a, axis, keepdims=keepdims)
    n = _numbers(rows)
    places = operations.stack([operations.maximum(n - 1, 0) // 2, n // 2], axis=-1)
    found = order_statistic(rows, operations.minimum(places, rows.shape[-1] - 1))
    middle = operations.where(n % 2 == 1, found[..., 0], operations.mean(found, axis=-1))
    return finish(operations.where(n == 0, _no_number(middle), middle), a.shape, axes, keepdims)


def _numbers(rows: Array) -> Array:
    """How many elements of each row are not NaN."""
    total: Array = operations.count_nonzero(operations.logical_not(operations.isnan(rows)), axis=-1)
    return total


# Quantiles ------------------------------------------------------------------------------------------------------------

Count = int | Array
Index = Callable[[Count, Array], Array]


def _between(alpha: float, beta: float) -> Index:
    """The index in the sorted array of Hyndman and Fan's continuous methods, which interpolate."""
    return lambda n, q: q * n + (alpha + q * (1 - alpha - beta)) - 1


def _down_at(shift: float, down: Callable[[Array, Array], Array]) -> Index:
    """The index of the methods that take one element: the next one, or where ``down`` holds the one before."""

    def index(n: Count, q: Array) -> Array:
        h = q * n - 1 - shift
        before = operations.floor(h)
        chosen: Array = operations.where(down(h - before, before), before, before + 1)
        return operations.maximum(chosen, 0)

    return index


def _halves(n: Count, q: Array) -> Array:
    h = q * (n - 1)
    return 0.5 * (operations.floor(h) + operations.ceil(h))


_INDEX: dict[str, Index] = {
    "inverted_cdf": _down_at(0.0, lambda gamma, before: gamma == 0),
    "averaged_inverted_cdf": lambda n, q: q * n - 1,
    "closest_observation": _down_at(
        0.5, lambda gamma, before: operations.logical_and(gamma == 0, operations.remainder(before, 2) == 1)
    ),
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "linear": lambda n, q: q * (n - 1),
    "median_unbiased": _between(1 / 3, 1 / 3),
    "normal_unbiased": _between(3 / 8, 3 / 8),
    "lower": lambda n, q: operations.floor(q * (n - 1)),
    "higher": lambda n, q: operations.ceil(q * (n - 1)),
    "midpoint": _halves,
    "nearest": lambda n, q: operations.rint(q * (n - 1)),
}
"""For each method the index, in n sorted elements, of the quantile q. [Hyndman & Fan 1996, The American Statistician
50, 361-365; names as NumPy's]"""

_DISCRETE = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")
"""The methods that take one element."""

_STEPS = {"averaged_inverted_cdf": (0.5, 1.0), "midpoint": (0.0, 0.5)}
"""The methods that interpolate by a weight of two values: at an index that is an integer, and elsewhere."""


def _at_index(rows: Array, h: Array, n: Count, method: str, discrete: bool, weak: bool) -> tuple[Array, Array]:
    """The elements (interpolated, unless the method is discrete) at index ``h`` of the sorted rows, and their last.

    ``h`` has the shape of q, flattened; where each row has a number n of its own (an Array that ends with an axis of
    length 1), with the axes of the rows before it.
    """
    below, above = h < 0, h >= n - 1
    before = operations.where(above, n - 1, operations.where(below, 0, operations.floor(h)))
    after = operations.where(above, n - 1, operations.where(below, 0, operations.floor(h) + 1))
    last = n - 1 if isinstance(n, Array) else as_array("quantile", [n - 1])
    parts = [before, last] if discrete else [before, after, last]
    places = operations.astype(concatenate(parts, axis=-1), np.intp)
    found = order_statistic(rows, operations.maximum(places, 0))
    size = h.shape[-1]
    if discrete:
        return found[..., :size], found[..., size:]
    gamma = h - operations.floor(h)
    if method in _STEPS:
        gamma = operations.astype(operations.where(gamma == 0, *_STEPS[method]), gamma.dtype)
    left, right = found[..., :size], found[..., size : 2 * size]
    if weak:
        gamma = operations.astype(gamma, np.result_type(rows.dtype, 0.0))
    span = right - left
    between = operations.where(gamma >= 0.5, right - span * (1 - gamma), left + span * gamma)
    return between, found[..., 2 * size :]


def _quantile(
    operation: str, a: Any, q: Any, percent: bool, axis: Any, method: Any, keepdims: bool, weights: Any, passing: bool
) -> Array:
    """All of the functions; ``passing`` over NaN."""
    a = as_array(operation, a)
    if a.dtype.kind == "c":
        raise DTypeError(f"{operation}: expected real numbers, which have an order, got {a.dtype}")
    if method not in _INDEX:
        raise ArgumentError(f"{operation}: expected method to be one of {', '.join(_INDEX)}, got {method!r}")
    weak = type(q) in (int, float)
    q = _as_probability(operation, q, a, percent, weak)
    rows, axes = _rows(operation, a, axis)
    if passing and not a.size:
        nothing: Array = operations.mean(a, axis=axis, keepdims=keepdims)
        return nothing
    if not rows.shape[-1] and 0 not in rows.shape[:-1]:
        raise ShapeError(f"{operation}: expected at least one element along the axes, got shape {a.shape}")
    passing = passing and is_differentiable(a.dtype)
    n: Count = _numbers(rows) if passing else rows.shape[-1]
    flat = ravel(q)
    if weights is not None:
        if method != "inverted_cdf":
            raise ArgumentError(f"{operation}: weights= go with method='inverted_cdf' only, got {method!r}")
        found = _weighted(operation, rows, flat, _row_weights(operation, a, weights, axis, axes), n)
        last = order_statistic(rows, as_array(operation, [rows.shape[-1] - 1]))
    else:
        number = operations.astype(expand_dims(n, -1), flat.dtype) if isinstance(n, Array) else n
        h = _INDEX[method](number, flat)
        exact = not is_differentiable(h.dtype)  # integers as q
        if a.dtype.kind == "b" and not (method in _DISCRETE or (exact and method == "linear")):
            raise DTypeError(f"{operation}: expected numbers to interpolate between, got bool. Use method='lower'")
        discrete = method in _DISCRETE or exact
        found, last = _at_index(rows, h, number, method, discrete, weak)
    if isinstance(n, Array):
        found = operations.where(expand_dims(n == 0, -1), _no_number(found), found)
    elif is_differentiable(a.dtype):  # NaN is sorted to the end
        found = operations.where(operations.isnan(last), last, found)
    if q._node.value is None and is_differentiable(found.dtype):  # what is being traced cannot be refused yet
        found = operations.where(operations.logical_and(flat >= 0, flat <= 1), found, _no_number(found))
    result = reshape(operations.moveaxis(found, -1, 0), (*q.shape, *rows.shape[:-1]))
    return _kept(result, q.ndim, a.shape, axes, keepdims)


def _as_probability(operation: str, q: Any, a: Array, percent: bool, weak: bool) -> Array:
    q = as_array(operation, q)
    if q.dtype.kind not in "biuf":
        raise DTypeError(f"{operation}: expected real numbers as q, got {q.dtype}")
    if q.ndim > 2:
        raise ShapeError(f"{operation}: expected q with at most 2 axes, got shape {q.shape}")
    known = q._node.value
    top = 100 if percent else 1
    if known is not None and not np.all((known >= 0) & (known <= top)):
        raise ArgumentError(f"{operation}: expected q from 0 to {top}, got {known}")
    if not percent:
        return q
    return q / (a.dtype.type(100) if a.dtype.kind == "f" and not weak else 100)


# With weights ---------------------------------------------------------------------------------------------------------


def _row_weights(operation: str, a: Array, weights: Any, axis: Any, axes: Axes) -> Array:
    """Weights of the shape of the rows."""
    given = as_array(operation, weights)
    known = given._node.value
    if known is not None and np.any(known < 0):
        raise ArgumentError(f"{operation}: expected weights of at least 0, got {np.min(known)}")
    if given.shape != a.shape:
        listed = () if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
        named = tuple(normalize_axis(operation, one, a.ndim) for one in listed)
        if not named or given.shape != tuple(a.shape[one] for one in named):
            raise ShapeError(
                f"{operation}: expected weights of shape {a.shape} or of the axes named, got shape {given.shape}"
            )
        order = tuple(sorted(range(len(named)), key=named.__getitem__))
        given = spread(operations.transpose(given, order), a.shape, tuple(i for i in range(a.ndim) if i not in axes))
    rows = _rows(operation, given, axis)[0]
    _check_total(operation, operations.sum(rows, axis=-1), True)
    return rows


def _check_total(operation: str, total: Array, needed: Any) -> None:
    """Refuse weights that have no share in their sum, where their values are known."""
    known = total._node.value
    if known is not None and np.any(needed & ~(np.isfinite(known) & (known > 0))):
        raise ArgumentError(f"{operation}: expected finite weights that are not all 0")


def _weighted(operation: str, rows: Array, q: Array, weights: Array, n: Count) -> Array:
    """The first element at which the share of the weights up to it reaches q."""
    if isinstance(n, Array):
        weights = operations.where(operations.isnan(rows), 0, weights)
    axis = rows.ndim - 1
    order = order_along(rows, axis=axis, kind="stable")
    total = operations.cumsum(rearranged(weights, order, axis), axis=-1, dtype=FLOAT64)
    if isinstance(n, Array) and n._node.value is not None:
        _check_total(operation, total[..., -1], n._node.value > 0)
    share = total / total[..., -1:]
    if q.dtype.kind == "f":
        share = operations.astype(share, q.dtype)
    share = operations.where(share == 0, -1, share)
    index = operations.count_nonzero(operations.less(expand_dims(share, -2), expand_dims(q, -1)), axis=-1)
    limit = expand_dims(n, -1) if isinstance(n, Array) else n
    index = operations.maximum(operations.minimum(index, limit - 1), 0)
    return take_along_axis(rearranged(rows, order, axis), index, axis=-1)


# Public functions -----------------------------------------------------------------------------------------------------

_ROWS = values([1.0, np.nan, -3.0, 2.0], [2.0, 0.5, 7.0, 3.0])


_METHODS = [
    *[call(distinct(5), points(0.13, 0.77), method=method) for method in _INDEX],
    *[call(values([5.0, 1.0, 2.0, 4.0]), [0.0, 0.25, 0.5, 1.0], axis=1, method=method) for method in _INDEX],
]


def _samples(scale: float) -> list[Any]:
    return [
        call(distinct(7), 0.3 * scale),
        call(distinct(3, 4), uniform(0.05 * scale, 0.95 * scale, 2), axis=1),
        call(distinct(3, 2), points([0.31 * scale], [0.77 * scale]), axis=0, keepdims=True),
        call(distinct(2, 3, 2), 0.45 * scale, axis=(2, 0)),
        call(integers(0, 9, 5), 0.25 * scale),
        call(values(3, 1, 2), int(scale)),
        call(_ROWS, [0.0, 0.4 * scale, scale], axis=1),
        call(distinct(6), [0.2 * scale, 0.9 * scale], method="inverted_cdf", weights=positive(6)),
    ]


def _axis_weights(scale: float) -> list[Any]:
    # NumPy's functions that pass over NaN raise IndexError for these.
    return [
        call(distinct(3, 4), 0.4 * scale, axis=1, method="inverted_cdf", weights=positive(4)),
        call(distinct(2, 3, 4), 0.4 * scale, axis=(2, 0), method="inverted_cdf", weights=positive(4, 2), keepdims=True),
    ]


def _rejects(operation: str, scale: float) -> list[Any]:
    middle = 0.5 * scale
    return [
        reject(ArgumentError, f"{operation}: expected q from 0 to {scale:g}, got", normal(3), 1.5 * scale),
        reject(ArgumentError, f"{operation}: expected method to be one of", normal(3), middle, method="guess"),
        reject(DTypeError, f"{operation}: expected real numbers, which have an order", [1j], middle),
        reject(DTypeError, f"{operation}: expected real numbers as q", normal(3), 1j),
        reject(ShapeError, f"{operation}: expected q with at most 2 axes", normal(3), np.zeros((1, 1, 1))),
        reject(ShapeError, f"{operation}: axis 1 is out of range", normal(3), middle, axis=1),
        reject(ArgumentError, f"{operation}: weights= go with method=", normal(3), middle, weights=np.ones(3)),
        reject(
            ArgumentError, f"{operation}: expected weights of at least 0", normal(2), middle,
            method="inverted_cdf", weights=[-1.0, 2.0],
        ),
        reject(
            ArgumentError, f"{operation}: expected finite weights", normal(2), middle,
            method="inverted_cdf", weights=[0.0, 0.0],
        ),
        reject(
            ShapeError, f"{operation}: expected weights of shape (3,)", normal(3), middle,
            method="inverted_cdf", weights=[1.0],
        ),
    ]  # fmt: skip


_EMPTY = [reject(ShapeError, "expected at least one element along the axes", np.zeros(0), 0.5)]


@function(
    np.quantile, samples=[*_samples(1.0), *_axis_weights(1.0), *_METHODS], rejects=[*_rejects("quantile", 1), *_EMPTY]
)
def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Array:
    """Quantile(s) q, from 0 to 1, along ``axis`` (None: all), whose axes come first; NaN where there is one.

    Args:
        a: real numbers.
        q: a number or an array of them.
        axis: along which axis or axes.
        overwrite_input: there for NumPy's sake: arrays are never written to.
        method: one of NumPy's thirteen. Those that interpolate have a derivative by q too.
        keepdims: keep the axes with length 1.
        weights: for ``method="inverted_cdf"``, of the shape of a or of the axes named; their derivative is zero.

    >>> quantile([1.0, 2.0, 3.0, 5.0], [0.5, 0.75])
    array([2.5, 3.5])
    """
    return _quantile("quantile", a, q, False, axis, method, keepdims, weights, passing=False)


@function(
    np.percentile, samples=[*_samples(100.0), *_axis_weights(100.0)], rejects=[*_rejects("percentile", 100), *_EMPTY]
)
def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Array:
    """Percentile(s) q, from 0 to 100, along ``axis`` (None: all): ``quantile`` at q / 100.

    >>> percentile([1.0, 2.0, 3.0], 50)
    array(2.)
    """
    return _quantile("percentile", a, q, True, axis, method, keepdims, weights, passing=False)


_NOTHING = values([4.0, 1.0, np.nan], [np.nan, np.nan, np.nan])


@function(
    np.nanquantile,
    samples=[
        *_samples(1.0),
        *_METHODS,
        call(_NOTHING, [0.5, 0.75], axis=1),
        call(_NOTHING, 0.25, axis=0, method="lower"),
    ],
    rejects=_rejects("nanquantile", 1),
)
def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Array:
    """Quantile(s) q along ``axis`` (None: all) of what is not NaN, as ``quantile``; NaN if there is nothing.

    >>> nanquantile([1.0, np.nan, 2.0, 3.0], 0.75)
    array(2.5)
    """
    return _quantile("nanquantile", a, q, False, axis, method, keepdims, weights, passing=True)


@function(
    np.nanpercentile,
    samples=[*_samples(100.0), call(_NOTHING, [50.0], axis=1)],
    rejects=_rejects("nanpercentile", 100),
)
def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Array:
    """Percentile(s) q along ``axis`` (None: all) of what is not NaN, as ``percentile``; NaN if there is nothing.

    >>> nanpercentile([1.0, np.nan, 2.0, 3.0], 75)
    array(2.5)
    """
    return _quantile("nanpercentile", a, q, True, axis, method, keepdims, weights, passing=True)
