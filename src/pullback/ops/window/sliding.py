"""Sliding windows by NumPy's name."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import normalize_axis
from pullback.core.operations import function, operations
from pullback.core.sample import call, integers, normal, reject
from pullback.errors import ArgumentError, ShapeError
from pullback.ops.structural import as_array, as_shape
from pullback.ops.window.geometry import Geometry
from pullback.ops.window.unfolding import unfold

_EVERY = Geometry((1,), ((0, 0),), (1,))


@function(
    np.lib.stride_tricks.sliding_window_view,
    samples=[
        call(normal(5), 3),
        call(normal(3, 4), (2, 3)),
        call(normal(3, 4), 2, axis=0),
        call(normal(3, 5), (2, 2), axis=(1, 1)),
        call(integers(0, 9, 4), 4),
    ],
    rejects=[
        reject(ShapeError, "sliding_window_view: expected a window of at most 3 along axis 0, got 4", normal(3), 4),
        reject(ShapeError, "sliding_window_view: expected a window for each of 2 axes, got 1", normal(3, 3), 2),
        reject(ArgumentError, "sliding_window_view: expected windows of at least 0, got -1", normal(3), -1),
        reject(ArgumentError, "sliding_window_view: writeable= is not supported", normal(3), 2, writeable=True),
    ],
)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Array:
    """Every window of this shape, as new last axes; a value, never a view.

    ``axis`` says along which axes the windows slide, by default along all of them.

    >>> sliding_window_view([1.0, 2.0, 3.0], 2)
    array([[1., 2.],
           [2., 3.]])
    """
    x = as_array("sliding_window_view", x)
    if writeable:
        raise ArgumentError("sliding_window_view: writeable= is not supported, arrays are never written to")
    lengths = as_shape("sliding_window_view", window_shape, "the length of a window")
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    if len(axes) != len(lengths):
        raise ShapeError(f"sliding_window_view: expected a window for each of {len(axes)} axes, got {len(lengths)}")
    for one, length in zip([normalize_axis("sliding_window_view", one, x.ndim) for one in axes], lengths, strict=True):
        if length < 0:
            raise ArgumentError(f"sliding_window_view: expected windows of at least 0, got {length}")
        if length > x.shape[one]:
            raise ShapeError(
                f"sliding_window_view: expected a window of at most {x.shape[one]} along axis {one}, got {length}"
            )
        x = operations.moveaxis(unfold(operations.moveaxis(x, one, -1), kernel=(length,), geometry=_EVERY), -2, one)
    return x
