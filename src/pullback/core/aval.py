"""Abstract values: what is known of an array before it has a value."""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from pullback.errors import ConcretizationError, DTypeError, ShapeError


class Aval(NamedTuple):
    """Shape and dtype of an array.

    >>> print(Aval((64, 32), np.dtype(np.float32)))
    float32[64, 32]
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    def __str__(self) -> str:
        return f"{dtype_name(self.dtype)}[{', '.join(map(str, self.shape))}]"


@lru_cache(maxsize=64)
def dtype_name(dtype: np.dtype[Any]) -> str:
    """``str(dtype)``, which NumPy makes anew each time."""
    return str(dtype)


TupleAval = tuple[Aval, ...]
"""The abstract value of a node whose primitive has several results; ``item`` nodes pick from it."""


def aval_of(value: Any) -> Aval | TupleAval:
    """Return the abstract value of a NumPy array or scalar, or of a tuple of them.

    >>> print(aval_of(np.zeros((2, 3))))
    float64[2, 3]
    """
    if isinstance(value, tuple):
        return tuple(Aval(item.shape, item.dtype) for item in value)
    return Aval(value.shape, value.dtype)


def broadcast_shapes(operation: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that ``shapes`` broadcast to; raise ShapeError naming ``operation`` when they do not.

    >>> broadcast_shapes("add", (3, 1), (4,))
    (3, 4)
    """
    # Equal shapes, and numbers among arrays, are common: they are decided without NumPy's slow general rule.
    distinct = set(shapes)
    distinct.discard(())
    if len(distinct) <= 1:
        return distinct.pop() if distinct else ()
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(map(str, shapes))
        raise ShapeError(
            f"{operation}: expected shapes that broadcast together, got {listed}. "
            "Aligned from the right, lengths must be equal or 1"
        ) from None


def as_index(operation: str, argument: str, number: Any) -> int:
    """Return what stands for an integer as one; raise DTypeError naming ``operation`` and the argument if it is none.

    >>> as_index("diag", "k", np.int8(2))
    2
    """
    try:
        return operator.index(number)
    except ConcretizationError:
        raise
    except TypeError:
        raise DTypeError(f"{operation}: expected an integer as {argument}, got {number!r}") from None


def normalize_axis(operation: str, axis: Any, ndim: int) -> int:
    """Return ``axis`` as a number from 0 to ``ndim - 1``; raise ShapeError naming ``operation`` if out of range.

    Raises DTypeError if it is no integer.

    >>> normalize_axis("sum", -1, 3)
    2
    """
    index = as_index(operation, "axis", axis)
    if not -ndim <= index < ndim:
        raise ShapeError(f"{operation}: axis {axis} is out of range for an array with {ndim} axes")
    return index % ndim


def normalize_axes(operation: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """Return ``axis`` (None for all, an integer, or a tuple) as a sorted tuple of distinct axes.

    >>> normalize_axes("sum", (-1, 0), 3)
    (0, 2)
    """
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, (tuple, list)):
        axes = tuple(sorted(normalize_axis(operation, one, ndim) for one in axis))
        if len(set(axes)) != len(axes):
            raise ShapeError(f"{operation}: an axis is named twice in {axis}")
        return axes
    return (normalize_axis(operation, axis, ndim),)
