"""What NumPy's in-place functions do to an Array: its handle points at the updated value."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.errors import DTypeError, NotDifferentiableError


def rebind(operation: str, target: Any, result: Array) -> None:
    """Make ``target`` hold the result: an Array points at it, a NumPy array is written to where no gradient is lost."""
    if isinstance(target, Array):
        target._rebind(operation, result)
    elif not isinstance(target, np.ndarray):
        raise DTypeError(f"{operation}: expected an array to write to, got {type(target).__name__}")
    elif result._node.watched:
        raise NotDifferentiableError(
            f"{operation}: writing a watched value into a NumPy array would lose the gradient. "
            "Make the array an Array first: pullback.array(x)"
        )
    else:
        target[...] = result._node.value
