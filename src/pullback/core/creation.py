"""Making arrays from Python and NumPy values."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import operations
from pullback.core.record import as_constant
from pullback.core.terminals import constant_node
from pullback.dtypes import is_number, native
from pullback.errors import ArgumentError, DTypeError


def array(
    x: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: str | None = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
    requires_grad: bool = False,
) -> Array:
    """Return an Array with a copy of ``x``: a number, a NumPy array, an Array, or nested lists of these.

    Args:
        x: the value. Inside a list, Arrays that are watched stay watched.
        dtype: by default the one that NumPy gives ``x``.
        copy: None or False as for ``asarray``.
        order: "K", "C", "F" or "A", without effect: arrays have no order in memory.
        subok: without effect: there are no subclasses.
        ndmin: the number of axes that the result has at least; new ones come first.
        like: without effect: the result is an Array.
        requires_grad: make it a leaf, whose ``grad`` a later ``backward`` fills.

    Raises:
        DTypeError: ``x`` is not made of numbers.
        NotDifferentiableError: ``requires_grad`` for an integer or boolean array.

    >>> array([1.0, 2.0])
    array([1., 2.])
    >>> array(3.0, requires_grad=True)
    array(3., requires_grad=True)
    """
    check_order("array", order)
    result = _convert("array", x, dtype, copy)
    if result.ndim < ndmin:
        result = operations.reshape(result, (1,) * (ndmin - result.ndim) + result.shape)
    if requires_grad:
        leaf = Array(result._node)
        if result._node.watched:
            leaf = Array(constant_node(result._concrete("requires_grad=True")))
        leaf._make_leaf(leaf._concrete("requires_grad=True"))
        return leaf
    return result


def asarray(
    x: Any,
    dtype: Any = None,
    order: str | None = None,
    *,
    device: str | None = None,
    copy: bool | None = None,
    like: Any = None,
) -> Array:
    """Return ``x`` as an Array, without a copy where that can be: an Array of the right dtype is returned as it is.

    An Array made from a NumPy array shares its memory: write to the NumPy array afterwards and the Array changes.

    Args:
        x: a number, a NumPy array, an Array, or nested lists of these.
        dtype: by default the one that NumPy gives ``x``.
        order: "K", "C", "F" or "A", without effect: arrays have no order in memory.
        device: "cpu", the only one.
        copy: True always copies; False raises ArgumentError where a copy is needed.
        like: without effect: the result is an Array.

    >>> asarray(np.arange(3.0))
    array([0., 1., 2.])
    """
    check_order("asarray", order)
    check_device("asarray", device)
    return _convert("asarray", x, dtype, copy)


def _convert(operation: str, x: Any, dtype: Any, copy: bool | None) -> Array:
    if dtype is not None:
        dtype = as_dtype(operation, dtype)
    if isinstance(x, (list, tuple)) and _holds_array(x):
        _refuse_copy(operation, copy, "a list")
        result: Array = operations.stack([_convert(operation, item, None, copy=None) for item in x])
    elif isinstance(x, Array):
        result = Array(x._node) if copy else x
    else:
        value = as_constant(operation, x, keep=False)
        if not isinstance(x, np.ndarray):
            _refuse_copy(operation, copy, type(x).__name__)
        if dtype is not None and value.dtype != dtype:
            _refuse_copy(operation, copy, f"dtype {value.dtype}")
            value = value.astype(dtype)
        if copy and isinstance(value, np.ndarray):
            value = np.array(value, order="K")
        return Array(constant_node(value))
    if dtype is None or result.dtype == dtype:
        return result
    _refuse_copy(operation, copy, f"dtype {result.dtype}")
    converted: Array = operations.astype(result, dtype)
    return converted


def _refuse_copy(operation: str, copy: bool | None, what: str) -> None:
    if copy is False:
        raise ArgumentError(f"{operation}: expected what needs no copy, because of copy=False, got {what}")


def check_order(operation: str, order: Any) -> None:
    """Raise ArgumentError unless ``order`` is one of NumPy's words for the order of elements in memory."""
    if order not in (None, "K", "C", "F", "A"):
        raise ArgumentError(f"{operation}: expected order 'K', 'C', 'F' or 'A', got {order!r}")


def check_device(operation: str, device: Any) -> None:
    """Raise ArgumentError unless ``device`` is None or "cpu"."""
    if device not in (None, "cpu"):
        raise ArgumentError(f"{operation}: expected the device 'cpu', got {device!r}")


def _holds_array(x: Any) -> bool:
    waiting = [x]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Array):
            return True
        if isinstance(item, (list, tuple)):
            waiting.extend(item)
    return False


def as_dtype(operation: str, dtype: Any) -> np.dtype[Any]:
    """Return ``dtype`` as a NumPy dtype of numbers; raise DTypeError naming ``operation`` if it is none.

    >>> as_dtype("array", "float32")
    dtype('float32')
    """
    try:
        result = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"{operation}: expected a dtype, got {dtype!r}") from None
    if not is_number(result):
        raise DTypeError(f"{operation}: expected a dtype of numbers, got {result}")
    return native(result)


operations.provide("asarray", asarray)
