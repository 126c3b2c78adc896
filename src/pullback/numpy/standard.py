"""What the Array API standard asks of a function beyond what NumPy's own takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import normalize_axis
from pullback.core.operations import operations
from pullback.core.protocols import array_function
from pullback.errors import ArgumentError


def finfo(dtype: Any) -> Any:
    """Return the limits of a floating dtype, or of the dtype of an array.

    >>> finfo("float32").bits
    32
    """
    return np.finfo(dtype.dtype if isinstance(dtype, Array) else dtype)


def iinfo(type: Any) -> Any:
    """Return the limits of an integer dtype, or of the dtype of an array.

    >>> iinfo("int8").max
    127
    """
    return np.iinfo(type.dtype if isinstance(type, Array) else type)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """Return an array of another library as an Array; it shares the memory unless ``copy`` says otherwise.

    >>> from_dlpack(np.arange(3.0))
    array([0., 1., 2.])
    """
    if isinstance(x, Array):
        return operations.asarray(x, device=device, copy=copy)
    return operations.asarray(np.from_dlpack(x, device=device, copy=copy))


def sort(
    a: Any,
    axis: Any = -1,
    kind: Any = None,
    order: Any = None,
    *,
    descending: bool = False,
    stable: bool | None = None,
) -> Any:
    """Return the elements along ``axis`` (None: all of them) in order: upwards, or downwards if ``descending``.

    >>> sort([2.0, 3.0, 1.0], descending=True)
    array([3., 2., 1.])
    """
    found = array_function(np.sort, (a,), {"axis": axis, "kind": kind, "order": order, "stable": stable})
    return operations.flip(found, 0 if axis is None else axis) if descending else found


def argsort(
    a: Any,
    axis: Any = -1,
    kind: Any = None,
    order: Any = None,
    *,
    descending: bool = False,
    stable: bool | None = None,
) -> Any:
    """Return the indices that put the elements along ``axis`` in order; arguments as ``sort``.

    >>> argsort([2.0, 3.0, 1.0], descending=True)
    array([1, 0, 2])
    """
    if not descending:
        return array_function(np.argsort, (a,), {"axis": axis, "kind": kind, "order": order, "stable": stable})
    if kind is not None or order is not None:
        raise ArgumentError(f"argsort: expected no kind= or order= with descending=True, got {kind!r}, {order!r}")
    x = operations.asarray(a)
    if axis is None:
        x, axis = operations.ravel(x), 0
    axis = normalize_axis("argsort", axis, x.ndim)
    # From behind, so that equal elements stay in their order.
    places = array_function(np.argsort, (operations.flip(x, axis),), {"axis": axis, "stable": True})
    return x.shape[axis] - 1 - operations.flip(places, axis)
