"""``x.flat``: the elements of an array in a row, to be read and updated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pullback.core.array import Array
from pullback.core.operations import operations
from pullback.ops.repeating import resize
from pullback.ops.structural import as_array, ravel, reshape
from pullback.ops.subscript import getitem, setitem


class Flat:
    """The elements of an array in row-major order.

    >>> import pullback as pb
    >>> x = pb.array([[1.0, 2.0], [3.0, 4.0]])
    >>> x.flat[[0, 3]] = 9.0
    >>> x
    array([[9., 2.],
           [3., 9.]])
    >>> x.flat[1:3]
    array([2., 3.])
    """

    __slots__ = ("_array",)

    def __init__(self, array: Array) -> None:
        self._array = array

    def __getitem__(self, index: Any) -> Array:
        """Return the elements at ``index`` in the row."""
        return getitem(ravel(self._array), index)

    def __setitem__(self, index: Any, values: Any) -> None:
        """Update the elements at ``index``; values begin again from the first where there are too few."""
        row = ravel(self._array)
        values = ravel(as_array("flat", values))
        if values.size:
            updated = setitem(row, index, resize(values, getitem(row, index).shape))
            self._array._rebind("x.flat[i] = v", reshape(updated, self._array.shape))

    def __iter__(self) -> Iterator[Array]:
        return iter(ravel(self._array))

    def __len__(self) -> int:
        return self._array.size


operations.provide("flat", Flat)
