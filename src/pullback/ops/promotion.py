"""Bringing operands to the dtype that NumPy gives them together."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.terminals import constant_node
from pullback.errors import ArgumentError, DTypeError
from pullback.ops.structural import as_arrays, astype

_PYTHON_NUMBERS = (bool, int, float, complex)


def promoted(operation: str, *operands: Any, dtype: Any = None) -> list[Array]:
    """Return the operands as Arrays of the dtype that NumPy promotes them to; Python's numbers are weak.

    Raises:
        DTypeError: an operand that is not made of numbers.
        ArgumentError: a Python number that the dtype does not hold.
    """
    weak = [type(one) in _PYTHON_NUMBERS for one in operands]
    arrays = iter(as_arrays(operation, *[one for one, number in zip(operands, weak, strict=True) if not number]))
    mixed = [one if number else next(arrays) for one, number in zip(operands, weak, strict=True)]
    if dtype is not None:
        for one in mixed:
            if isinstance(one, Array) and not np.can_cast(one.dtype, dtype, "same_kind"):
                raise DTypeError(f"{operation}: cannot put {one.dtype} into an array of {dtype}. Use astype first")
    else:
        dtype = np.result_type(*[one.dtype if isinstance(one, Array) else one for one in mixed])
    try:
        return [
            astype(one, dtype) if isinstance(one, Array) else Array(constant_node(np.asarray(one, dtype)))
            for one in mixed
        ]
    except OverflowError as error:
        raise ArgumentError(f"{operation}: {error}. Convert the array to a wider dtype with astype") from None
