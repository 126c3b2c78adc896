"""Reductions that pass over NaN: the same reductions with a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import general
from pullback.core.operations import function, operations
from pullback.core.sample import call, distinct, integers, normal, reject, values
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, ShapeError
from pullback.ops.cumulative import cumprod, cumsum
from pullback.ops.extremes import max, min, place_of
from pullback.ops.reduction import all, as_mask, count_nonzero, prod, reduced, sum
from pullback.ops.statistics import mean, std, var
from pullback.ops.structural import as_array

_ROWS = values([1.0, np.nan, -3.0], [2.0, 0.5, np.inf])
_SAMPLES = [normal(3, 4), call(normal(3, 4), axis=0, keepdims=True), _ROWS, call(_ROWS, axis=0), call(_ROWS, axis=1)]
_REJECTS = [reject(ShapeError, "axis 2 is out of range", normal(3, 4), axis=2)]


def _filled(operation: str, a: Any, fill: float) -> Array:
    """``fill`` in place of NaN."""
    a = as_array(operation, a)
    return operations.where(operations.isnan(a), fill, a) if is_differentiable(a.dtype) else a


def _present(operation: str, a: Any, where: Any) -> tuple[Array, Array | None]:
    """The array, and where it is to be counted; None for everywhere."""
    a = as_array(operation, a)
    mask = as_mask(operation, where, a.shape)
    if is_differentiable(a.dtype):
        number = operations.logical_not(operations.isnan(a))
        mask = number if mask is None else operations.logical_and(mask, number)
    return a, mask


@function(np.nansum, samples=_SAMPLES, rejects=_REJECTS)
def nansum(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Array:
    """Sum along ``axis`` with NaN taken as zero.

    >>> nansum([1.0, np.nan, 2.0])
    array(3.)
    """
    return sum(_filled("nansum", a, 0), axis, dtype, keepdims=keepdims, initial=initial, where=where)


@function(np.nanprod, samples=_SAMPLES, rejects=_REJECTS)
def nanprod(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Array:
    """Product along ``axis`` with NaN taken as one.

    >>> nanprod([3.0, np.nan, 2.0])
    array(6.)
    """
    return prod(_filled("nanprod", a, 1), axis, dtype, keepdims=keepdims, initial=initial, where=where)


@function(np.nancumsum, samples=[normal(3, 4), call(_ROWS, axis=1)], rejects=_REJECTS)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None) -> Array:
    """Running sum along ``axis`` with NaN taken as zero.

    >>> nancumsum([1.0, np.nan, 2.0])
    array([1., 1., 3.])
    """
    return cumsum(_filled("nancumsum", a, 0), axis, dtype)


@function(np.nancumprod, samples=[normal(3, 4), call(_ROWS, axis=1)], rejects=_REJECTS)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None) -> Array:
    """Running product along ``axis`` with NaN taken as one.

    >>> nancumprod([3.0, np.nan, 2.0])
    array([3., 3., 6.])
    """
    return cumprod(_filled("nancumprod", a, 1), axis, dtype)


def _nan_extreme(
    operation: str, extreme: Any, fill: float, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any
) -> Array:
    a = as_array(operation, a)
    keywords = {"keepdims": keepdims, "initial": initial, "where": where}
    result: Array
    if not is_differentiable(a.dtype):
        result = extreme(a, axis, **keywords)
        return result
    result = extreme(_filled(operation, a, fill), axis, **keywords)
    if initial is None:  # a row of NaN only stays NaN
        result = operations.where(all(operations.isnan(a), axis, keepdims=keepdims), np.nan, result)
    return result


@function(np.nanmax, samples=[*_SAMPLES, call(values([np.nan, np.nan], [1.0, np.nan]), axis=1)], rejects=_REJECTS)
def nanmax(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Array:
    """Largest element along ``axis`` that is not NaN; NaN if there is none.

    >>> nanmax([1.0, np.nan, 2.0])
    array(2.)
    """
    return _nan_extreme("nanmax", max, -np.inf, a, axis, keepdims, initial, where)


@function(np.nanmin, samples=[*_SAMPLES, call(values([np.nan, np.nan], [1.0, np.nan]), axis=1)], rejects=_REJECTS)
def nanmin(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Array:
    """Smallest element along ``axis`` that is not NaN; NaN if there is none.

    >>> nanmin([1.0, np.nan, 2.0])
    array(1.)
    """
    return _nan_extreme("nanmin", min, np.inf, a, axis, keepdims, initial, where)


@function(np.nanmean, samples=[*_SAMPLES, call(values([np.nan, np.nan], [1.0, np.nan]), axis=1)], rejects=_REJECTS)
def nanmean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = None) -> Array:
    """Mean along ``axis`` of what is not NaN; NaN if there is nothing.

    >>> nanmean([1.0, np.nan, 2.0])
    array(1.5)
    """
    a, mask = _present("nanmean", a, where)
    return mean(a, axis, dtype, keepdims=keepdims, where=mask)


def _nan_spread(spread: Any, a: Array, mask: Array | None, axis: Any, dtype: Any, ddof: float, keepdims: bool) -> Array:
    result: Array = spread(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=mask)
    if mask is None:
        return result
    enough = operations.greater(count_nonzero(mask, axis, keepdims=keepdims), ddof)
    numbers: Array = operations.where(enough, result, np.nan)
    return numbers


@function(
    np.nanvar,
    samples=[*_SAMPLES, call(values([np.nan, np.nan], [1.0, np.nan]), axis=1, ddof=1)],
    rejects=_REJECTS,
)
def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False, where: Any = None
) -> Array:
    """Variance along ``axis`` of what is not NaN; NaN unless there are more than ``ddof`` elements.

    >>> nanvar([1.0, np.nan, 3.0])
    array(1.)
    """
    a, mask = _present("nanvar", a, where)
    return _nan_spread(var, a, mask, axis, dtype, ddof, keepdims)


@function(
    np.nanstd,
    samples=[*_SAMPLES, call(values([np.nan, np.nan], [1.0, np.nan]), axis=1, ddof=1)],
    rejects=_REJECTS,
)
def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False, where: Any = None
) -> Array:
    """Standard deviation along ``axis`` of what is not NaN; NaN unless there are more than ``ddof`` elements.

    >>> nanstd([1.0, np.nan, 3.0])
    array(1.)
    """
    a, mask = _present("nanstd", a, where)
    return _nan_spread(std, a, mask, axis, dtype, ddof, keepdims)


# Where the extremes are ----------------------------------------------------------------------------------------------

_FIND_SAMPLES = [call(distinct(3, 4), axis=0), call(values(1.0, np.nan, 3.0), axis=0)]
_FIND_REJECTS = [reject(ArgumentError, "expected a number other than NaN in every row", np.full(2, np.nan), axis=0)]


@general(name="nanargmax", differentiable=False, samples=_FIND_SAMPLES, rejects=_FIND_REJECTS, axis_params=("axis",))
def find_nanmax(x: Any, *, axis: int) -> Any:
    """The place along ``axis``, which is dropped, of the first largest element that is not NaN."""
    return _found(np.nanargmax, x, axis)


@general(name="nanargmin", differentiable=False, samples=_FIND_SAMPLES, rejects=_FIND_REJECTS, axis_params=("axis",))
def find_nanmin(x: Any, *, axis: int) -> Any:
    """The place along ``axis``, which is dropped, of the first smallest element that is not NaN."""
    return _found(np.nanargmin, x, axis)


def _found(find: Any, x: Any, axis: int) -> Any:
    try:
        return find(x, axis=axis)
    except ValueError:
        raise ArgumentError(
            f"{find.__name__}: expected a number other than NaN in every row along axis {axis}"
        ) from None


def _infer_place(x: Aval, *, axis: int) -> Aval:
    return Aval(reduced(x.shape, (axis,)), np.dtype(np.intp))


find_nanmax.infer(_infer_place)
find_nanmin.infer(_infer_place)


_PLACE_SAMPLES = [
    distinct(3, 4),
    call(distinct(3, 4), axis=-1, keepdims=True),
    call(distinct(3, 4), keepdims=True),
    values(np.nan, 1.0, 3.0, 3.0, -np.inf),
    integers(0, 9, 4),
]
_PLACE_REJECTS = [
    reject(ShapeError, "axis 2 is out of range", normal(3, 4), axis=2),
    reject(ArgumentError, "expected a number other than NaN in every row", [np.nan, np.nan]),
]


@function(np.nanargmax, samples=_PLACE_SAMPLES, rejects=_PLACE_REJECTS, differentiable=False)
def nanargmax(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Place of the first largest element along ``axis`` (None: in the flattened array) that is not NaN.

    Raises ArgumentError where there is none.

    >>> nanargmax([1.0, np.nan, 2.0])
    array(2)
    """
    return place_of(find_nanmax, a, axis, keepdims)


@function(np.nanargmin, samples=_PLACE_SAMPLES, rejects=_PLACE_REJECTS, differentiable=False)
def nanargmin(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Place of the first smallest element along ``axis`` (None: in the flattened array) that is not NaN.

    Raises ArgumentError where there is none.

    >>> nanargmin([np.nan, 1.0, 2.0])
    array(1)
    """
    return place_of(find_nanmin, a, axis, keepdims)
