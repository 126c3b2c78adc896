"""Reductions over axes, and cumulative operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval, normalize_axes
from pullback.core.creation import as_dtype, asarray
from pullback.core.families import linear
from pullback.core.operations import function, operations
from pullback.core.primitive import Thunk
from pullback.core.sample import booleans, call, normal, reject
from pullback.errors import ShapeError


def reduced(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool = False) -> tuple[int, ...]:
    """The shape that is left when ``axes`` are reduced."""
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


@linear(name="sum", samples=[call(normal(3, 4), axes=(0,)), call(normal(2, 3, 4), axes=(0, 2))])
def reduce_sum(x: Any, *, axes: tuple[int, ...]) -> Any:
    """Sum over ``axes``, which are dropped; integers and booleans as NumPy sums them."""
    return np.sum(x, axis=axes)


@reduce_sum.infer
def _(x: Aval, *, axes: tuple[int, ...]) -> Aval:
    return Aval(reduced(x.shape, axes), np.sum(np.empty(0, x.dtype)).dtype)


@reduce_sum.transpose
def _(ct: Array, x: Array, *, axes: tuple[int, ...]) -> Iterator[Thunk]:
    yield lambda: operations.broadcast_to(ct.reshape(reduced(x.shape, axes, keepdims=True)), x.shape)


@function(
    np.sum,
    samples=[normal(3, 4), call(normal(3, 4), axis=-1, keepdims=True), call(normal(3, 4), where=booleans(3, 4))],
    rejects=[reject(ShapeError, "axis 2 is out of range", normal(3, 4), axis=2)],
)
def sum(
    x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Array:
    """Sum over ``axis`` (None: all), with NumPy's keywords.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([4., 6.])
    """
    x = asarray(x)
    if dtype is not None:
        x = operations.astype(x, as_dtype("sum", dtype))
    if where is not None:
        x = operations.where(where, x, 0)
    axes = normalize_axes("sum", axis, x.ndim)
    total: Array = reduce_sum(x, axes=axes)
    if keepdims:
        total = total.reshape(reduced(x.shape, axes, keepdims=True))
    return total if initial is None else total + initial
