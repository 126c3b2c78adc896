"""Arrays written as indices: ``r_[1:4, x]``, ``c_[x, y]``, ``mgrid[0:2, 0:3]``. And walks over the elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.operations import operations
from pullback.errors import ArgumentError
from pullback.ops.promotion import promoted


class Concatenator:
    """Joins what it is indexed with: arrays, numbers, and slices that stand for ranges; see NumPy's ``r_``.

    >>> r_[1:4, 0, [5.0, 6.0]]
    array([1., 2., 3., 0., 5., 6.])
    >>> c_[[1, 2], [3, 4]]
    array([[1, 3],
           [2, 4]])
    """

    def __init__(self, axis: int = 0, ndim: int = 1, place: int = -1) -> None:
        self._defaults = (axis, ndim, place)

    def __getitem__(self, key: Any) -> Any:
        """Return the parts joined. A string in front gives the axis, the least number of axes and where theirs go."""
        axis, ndim, place = self._defaults
        parts = list(key) if isinstance(key, tuple) else [key]
        if parts and isinstance(parts[0], str):
            word = parts.pop(0)
            if word in ("r", "c"):
                raise ArgumentError(
                    f"r_: expected no matrix, got {word!r}: matrices are not supported. Use '0,2' or c_"
                )
            try:
                axis, ndim, place = (*map(int, word.split(",")), *self._defaults[word.count(",") + 1 :])
            except ValueError:
                raise ArgumentError(f"r_: expected up to three integers, as '0,2', got {word!r}") from None
        aligned = [_with_axes(one, ndim, place) for one in promoted("r_", *[_ranged(one) for one in parts])]
        return operations.concatenate(aligned, axis=axis)

    def __len__(self) -> int:
        return 0


def _ranged(part: Any) -> Any:
    """A slice as the range that it stands for; ``start:stop:5j`` is five numbers with the last."""
    if not isinstance(part, slice):
        return part
    start, step = 0 if part.start is None else part.start, 1 if part.step is None else part.step
    if isinstance(step, complex):
        return operations.linspace(start, part.stop, int(abs(step)))
    return operations.arange(start, part.stop, step)


def _with_axes(part: Array, ndim: int, place: int) -> Array:
    """The array with new axes until it has ``ndim``, its own first one at ``place``."""
    missing = ndim - part.ndim
    if missing <= 0:
        return part
    lengths = [1] * missing
    first = place + missing + 1 if place < 0 else place
    first = min(first, missing)
    return part.reshape((*lengths[:first], *part.shape, *lengths[first:]))


class Grid:
    """The coordinates of a grid, one array for each slice that it is indexed with; see NumPy's ``mgrid`` and ``ogrid``.

    >>> mgrid[0:2, 0:3][0]
    array([[0, 0, 0],
           [1, 1, 1]])
    """

    def __init__(self, numpys: Any) -> None:
        self._numpys = numpys

    def __getitem__(self, key: Any) -> Any:
        """Return the coordinates."""
        found = self._numpys[key]
        return tuple(map(operations.asarray, found)) if isinstance(found, (tuple, list)) else operations.asarray(found)


r_ = Concatenator()
c_ = Concatenator(-1, 2, 0)
mgrid, ogrid = Grid(np.mgrid), Grid(np.ogrid)


def ndenumerate(arr: Any) -> Iterator[tuple[tuple[int, ...], Array]]:
    """The index and the value of each element, in turn.

    >>> list(ndenumerate([[1.0, 2.0]]))
    [((0, 0), array(1.)), ((0, 1), array(2.))]
    """
    array = operations.asarray(arr)
    for index in np.ndindex(array.shape):
        yield index, array[index]
