"""Making arrays from Python and NumPy values."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import operations
from pullback.core.record import as_constant
from pullback.core.terminals import constant_node
from pullback.dtypes import is_number
from pullback.errors import DTypeError


def array(x: Any, dtype: Any = None, *, requires_grad: bool = False) -> Array:
    """Return an Array with a copy of ``x``: a number, a NumPy array, an Array, or nested lists of these.

    Args:
        x: the value. Inside a list, Arrays that are watched stay watched.
        dtype: by default the one that NumPy gives ``x``.
        requires_grad: make it a leaf, whose ``grad`` a later ``backward`` fills.

    Raises:
        DTypeError: ``x`` is not made of numbers.
        NotDifferentiableError: ``requires_grad`` for an integer or boolean array.

    >>> array([1.0, 2.0])
    array([1., 2.])
    >>> array(3.0, requires_grad=True)
    array(3., requires_grad=True)
    """
    result = _convert("array", x, dtype, copy=True)
    if requires_grad:
        leaf = Array(result._node)
        if result._node.watched:
            leaf = Array(constant_node(result._concrete("requires_grad=True")))
        leaf._make_leaf(leaf._concrete("requires_grad=True"))
        return leaf
    return result


def asarray(x: Any, dtype: Any = None) -> Array:
    """Return ``x`` as an Array, without a copy where that can be: an Array of the right dtype is returned as it is.

    An Array made from a NumPy array shares its memory: write to the NumPy array afterwards and the Array changes.

    >>> asarray(np.arange(3.0))
    array([0., 1., 2.])
    """
    return _convert("asarray", x, dtype, copy=False)


def _convert(operation: str, x: Any, dtype: Any, copy: bool) -> Array:
    if dtype is not None:
        dtype = as_dtype(operation, dtype)
    if isinstance(x, (list, tuple)) and _holds_array(x):
        result: Array = operations.stack([_convert(operation, item, None, copy=False) for item in x])
    elif isinstance(x, Array):
        result = Array(x._node) if copy else x
    else:
        value = as_constant(operation, x, keep=False)
        if dtype is not None:
            value = value.astype(dtype, copy=False)
        if copy and isinstance(value, np.ndarray):
            value = np.array(value, order="K")
        return Array(constant_node(value))
    return operations.astype(result, dtype) if dtype is not None and result.dtype != dtype else result


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
    return result


operations.provide("asarray", asarray)
