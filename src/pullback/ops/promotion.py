"""Bringing operands to the dtype that NumPy gives them together."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.record import python_type
from pullback.core.terminals import constant_node
from pullback.errors import ArgumentError, DTypeError
from pullback.ops.structural import astype, keep_array


def promoted(operation: str, *operands: Any, dtype: Any = None) -> list[Array]:
    """Return the operands as Arrays of the dtype that NumPy promotes them to; Python's numbers are weak.

    Raises:
        DTypeError: an operand that is not made of numbers.
        ArgumentError: a Python number that the dtype does not hold.
    """
    watched = any(isinstance(one, Array) and one._node.watched for one in operands)
    mixed = [one if type(one) in _WEAK else keep_array(operation, one, watched) for one in operands]
    if dtype is None:
        dtype = _common([_type_of(one) for one in mixed])
    else:
        for one in mixed:
            if isinstance(one, Array) and not np.can_cast(one.dtype, dtype, "same_kind"):
                raise DTypeError(f"{operation}: cannot put {one.dtype} into an array of {dtype}. Use astype first")
    try:
        return [
            Array(constant_node(np.asarray(one, dtype))) if type(one) in _WEAK else astype(one, dtype) for one in mixed
        ]
    except OverflowError as error:
        raise ArgumentError(f"{operation}: {error}. Convert the array to a wider dtype with astype") from None


_WEAK = {bool: "biufc", int: "iufc", float: "fc", complex: "c"}
"""Python's numbers, each with the kinds of dtype that it does not change."""


def _type_of(operand: Any) -> Any:
    """The dtype of an array; for a Python number, or an array that stands for one, such a number."""
    if type(operand) in _WEAK:
        return operand
    number = python_type(operand)
    return operand.dtype if number is None else number()


def _common(types: list[Any]) -> Any:
    """The dtype that dtypes and Python numbers promote to."""
    given = [one for one in types if type(one) not in _WEAK]
    if given and given.count(given[0]) == len(given):  # the common case, without NumPy's search
        kind = given[0].kind
        if all(kind in _WEAK[type(one)] for one in types if type(one) in _WEAK):
            return given[0]
    return np.result_type(*types)
