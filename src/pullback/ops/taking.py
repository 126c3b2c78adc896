"""Elements picked along an axis: take, take_along_axis and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import normalize_axis
from pullback.core.operations import function
from pullback.core.sample import call, integers, normal, reject
from pullback.errors import DTypeError, ShapeError
from pullback.ops.structural import as_arrays, ravel
from pullback.ops.subscript import getitem


def _along(operation: str, shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """The index that takes ``indices`` along ``axis`` and runs through the others in step with them."""
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"{operation}: expected indices of an integer dtype, got {indices.dtype}")
    if indices.ndim != len(shape):
        raise ShapeError(f"{operation}: expected indices with {len(shape)} axes, as the array has, got {indices.ndim}")
    return tuple(
        indices if i == axis else np.arange(length).reshape((-1,) + (1,) * (len(shape) - 1 - i))
        for i, length in enumerate(shape)
    )


@function(
    np.take_along_axis,
    samples=[
        call(normal(3, 4), integers(0, 4, 3, 2), axis=1),
        call(normal(3, 4), integers(-3, 3, 1, 4), axis=0),
        call(normal(3, 4), integers(0, 12, 5), axis=None),
    ],
    rejects=[
        reject(ShapeError, "take_along_axis: expected indices with 2 axes", normal(3, 4), integers(0, 3, 3), axis=0),
        reject(DTypeError, "integer", normal(3, 4), normal(3, 1), axis=1),
    ],
)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Array:
    """Return the elements at ``indices`` along ``axis``, each from the row it stands in: what argsort's result is for.

    >>> take_along_axis([[3.0, 1.0], [2.0, 4.0]], [[1], [0]], axis=1)
    array([[1.],
           [2.]])
    """
    arr, indices = as_arrays("take_along_axis", arr, indices)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = normalize_axis("take_along_axis", axis, arr.ndim)
    return getitem(arr, _along("take_along_axis", arr.shape, indices, axis))
