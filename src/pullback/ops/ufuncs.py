"""The methods of ufuncs in general: reduce, accumulate and reduceat, one step after the other.

Sums, products, extremes and the like have operations of their own, which ``core/ufuncs.py`` calls instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import normalize_axes, normalize_axis
from pullback.core.creation import as_dtype
from pullback.core.operations import operations
from pullback.errors import ArgumentError, IndexingError, ShapeError
from pullback.ops.joining import concatenate, stack
from pullback.ops.reduction import as_initial, as_mask, finish
from pullback.ops.structural import as_array, broadcast_to
from pullback.ops.subscript import getitem

Combine = Callable[[Any, Any], Array]


def _operand(operation: str, array: Any, dtype: Any) -> Array:
    x = as_array(operation, array)
    return x if dtype is None else operations.astype(x, as_dtype(operation, dtype))


def _at(x: Array, axis: int, index: Any) -> Array:
    return getitem(x, (*[slice(None)] * axis, index))


def reduce(
    ufunc: np.ufunc,
    combine: Combine,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """``ufunc.reduce``: the elements along one axis combined from the first to the last.

    Raises:
        ArgumentError: several axes, whose order would matter; or a mask without ``initial`` to begin with.
        ShapeError: nothing to combine, for a ufunc that has no identity.
    """
    operation = f"{ufunc.__name__}.reduce"
    x = _operand(operation, array, dtype)
    axes = normalize_axes(operation, axis, x.ndim)
    if len(axes) > 1:
        raise ArgumentError(f"{operation}: expected one axis, got {axes}: over several the order would matter")
    if not axes:
        return x
    (along,) = axes
    mask = as_mask(operation, where, x.shape)
    if initial is None:
        initial = ufunc.identity
    if initial is None and mask is not None:
        raise ArgumentError(f"{operation}: expected initial= together with where=, for where nothing is taken")
    count = x.shape[along]
    if initial is None:
        if not count:
            raise ShapeError(f"{operation}: expected at least one element along axis {along}, got shape {x.shape}")
        result = _at(x, along, 0)
    else:
        shape = (*x.shape[:along], *x.shape[along + 1 :])
        result = broadcast_to(as_initial(operation, initial, x.dtype), shape)
    for i in range(initial is None, count):
        combined = combine(result, _at(x, along, i))
        result = combined if mask is None else operations.where(_at(mask, along, i), combined, result)
    return finish(result, x.shape, axes, keepdims)


def accumulate(ufunc: np.ufunc, combine: Combine, array: Any, axis: Any = 0, dtype: Any = None) -> Array:
    """``ufunc.accumulate``: each element along the axis combined with what those before it gave."""
    operation = f"{ufunc.__name__}.accumulate"
    x = _operand(operation, array, dtype)
    if not x.ndim:
        raise ShapeError(f"{operation}: expected at least one axis, got a 0-d array")
    along = normalize_axis(operation, axis, x.ndim)
    if not x.shape[along]:
        return x
    results = [_at(x, along, 0)]
    for i in range(1, x.shape[along]):
        results.append(combine(results[-1], _at(x, along, i)))
    return stack(results, axis=along)


def reduceat(
    ufunc: np.ufunc, reduction: Callable[..., Array], array: Any, indices: Any, axis: Any = 0, dtype: Any = None
) -> Array:
    """``ufunc.reduceat``: the reductions from each index to the next, whose values must be known.

    Where an index is not below the next one the element at it is taken. ``reduction`` is what reduces one axis.
    """
    operation = f"{ufunc.__name__}.reduceat"
    x = _operand(operation, array, dtype)
    if not x.ndim:
        raise ShapeError(f"{operation}: expected at least one axis, got a 0-d array")
    along = normalize_axis(operation, axis, x.ndim)
    starts = as_array(operation, indices)._concrete(f"{operation}, whose segments are where its indices are,")
    if starts.ndim != 1:
        raise ShapeError(f"{operation}: expected indices with one axis, got shape {starts.shape}")
    if starts.size and starts.dtype.kind not in "iu":
        raise IndexingError(f"{operation}: expected integers as indices, got {starts.dtype}")
    length = x.shape[along]
    parts = []
    for start, stop in zip(starts.tolist(), [*starts.tolist()[1:], length], strict=False):
        if not 0 <= start < length:
            raise IndexingError(f"{operation}: index {start} is out of range for axis {along} of length {length}")
        piece = _at(x, along, slice(start, max(stop, start + 1)))
        parts.append(reduction(piece, axis=along, keepdims=True))
    if not parts:
        return _at(x, along, slice(0, 0))
    return concatenate(parts, axis=along)


operations.provide("ufunc_reduce", reduce)
operations.provide("ufunc_accumulate", accumulate)
operations.provide("ufunc_reduceat", reduceat)
