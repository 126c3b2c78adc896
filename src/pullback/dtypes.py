"""Words about dtypes: which of them numbers have, and which carry derivatives."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

FLOAT64 = np.dtype(np.float64)

Scalar = bool | int | float | complex
"""Python's own numbers. They are weak (NEP 50): they take the dtype of the array that they meet."""


def is_number(dtype: np.dtype[Any]) -> bool:
    """Whether ``dtype`` is boolean, integer, floating or complex: what a graph can hold.

    >>> is_number(np.dtype(np.int8)), is_number(np.dtype(object))
    (True, False)
    """
    return dtype.kind in "biufc"


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in the order of bytes of this machine: what arrays have here, whatever file they are from.

    >>> native(np.dtype(">f4"))
    dtype('float32')
    """
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def means_otherwise(array: np.ndarray[Any, Any] | np.generic) -> bool:
    """Whether operations of this array mean something else than those of plain arrays: it is masked, or a matrix.

    >>> means_otherwise(np.zeros(3)), means_otherwise(np.ma.masked_array([1.0], [True]))
    (False, True)
    """
    if type(array) is np.ndarray:
        return False
    return isinstance(array, np.matrix) or ("numpy.ma" in sys.modules and isinstance(array, np.ma.MaskedArray))


def is_differentiable(dtype: np.dtype[Any]) -> bool:
    """Whether ``dtype`` is floating or complex: only these carry derivatives.

    >>> is_differentiable(np.dtype(np.float32)), is_differentiable(np.dtype(np.int64))
    (True, False)
    """
    return dtype.kind in "fc"


def real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the real part of ``dtype``.

    >>> real_dtype(np.dtype(np.complex64))
    dtype('float32')
    """
    return np.empty(0, dtype).real.dtype
