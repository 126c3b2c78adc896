"""What every distribution does with its arguments: shapes, dtypes, and parameters that it is not defined for."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import as_index, broadcast_shapes
from pullback.core.creation import as_dtype, asarray
from pullback.core.operations import operations
from pullback.core.protocols import store
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, ShapeError
from pullback.ops.structural import as_shape


class Source:
    """Where the bits and the uniform numbers of distributions come from."""

    def bits(self, size: Any = None, dtype: Any = np.uint64) -> Array:
        """Draw random bits."""
        raise NotImplementedError

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Array:
        """Draw from the uniform distribution over [0, 1)."""
        raise NotImplementedError

    def _above_zero(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Uniform numbers over (0, 1), of which a logarithm can be taken."""
        drawn = self.random(shape, dtype)
        least: Array = operations.maximum(drawn, 2.0**-54 if drawn.dtype == np.float64 else np.float32(2.0**-25))
        return least


def shape_of(operation: str, size: Any) -> tuple[int, ...]:
    """``size`` as a shape; () for None."""
    shape = () if size is None else as_shape(operation, size)
    if min(shape, default=0) < 0:
        raise ShapeError(f"{operation}: expected lengths of 0 or more, got {shape}")
    return shape


def count_of(operation: str, n: Any) -> int:
    """An integer of 0 or more."""
    count = as_index(operation, "n", n)
    if count < 0:
        raise ArgumentError(f"{operation}: expected a number of 0 or more, got {count}")
    return count


def parameters(operation: str, size: Any, dtype: Any, *given: Any) -> tuple[Any, ...]:
    """The parameters of a distribution as Arrays of ``dtype``, and the shape of what is drawn."""
    dtype = as_dtype(operation, dtype)
    if dtype not in (np.float64, np.float32):
        raise DTypeError(f"{operation}: expected float64 or float32, got {dtype}")
    arrays = [operations.astype(asarray(one), dtype) for one in given]
    common = broadcast_shapes(operation, *(one.shape for one in arrays))
    shape = common if size is None else shape_of(operation, size)
    if broadcast_shapes(operation, common, shape) != shape:
        raise ShapeError(f"{operation}: expected parameters that broadcast to size {shape}, got {common}")
    return (*arrays, shape)


def check(operation: str, valid: Any, expected: str, x: Array) -> None:
    """Raise ArgumentError unless all of a parameter is valid; unknown while a function is being traced."""
    if x._node.value is None:
        return
    value = np.asarray(x._node.value)
    wrong = value[~valid(value)]
    if wrong.size:
        raise ArgumentError(f"{operation}: expected {expected}, got {wrong[0]:g}")


def check_scale(operation: str, scale: Array) -> None:
    """Raise ArgumentError for a negative scale."""
    check(operation, lambda value: value >= 0, "a scale of 0 or more", scale)


def check_positive(operation: str, what: str, x: Array) -> None:
    """Raise ArgumentError for a parameter that is not above 0."""
    check(operation, lambda value: value > 0, f"{what} above 0", x)


def check_probability(operation: str, p: Array) -> None:
    """Raise ArgumentError for what is no probability."""
    check(operation, lambda value: (value >= 0) & (value <= 1), "a probability between 0 and 1", p)


def constants(operation: str, *given: Any) -> None:
    """Refuse parameters that are watched, where what is drawn are integers: they have no derivative."""
    if any(isinstance(one, Array) and one._node.watched and one._node.value is not None for one in given):
        raise NotDifferentiableError(
            f"{operation}: expected parameters that are not watched, got a watched one: no derivative goes through "
            "what is drawn. Use .detach() or pullback.stop_gradient to make them constants"
        )


def given_out(operation: str, out: Any, drawn: Array) -> Array:
    """What was drawn, put where ``out=`` says."""
    if out is None:
        return drawn
    stored: Array = store(operation, (out,), drawn)
    return stored
