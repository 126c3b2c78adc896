"""Where the elements of an array lie in memory: buffers, and views into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.core.node import Node

_MOVES = frozenset({"broadcast_to", "reshape", "permute", "slice", "flip"})


def is_move(node: Node) -> bool:
    """Whether the node only says where elements are: nothing is computed."""
    if node.primitive.name == "windows":
        return not any(map(any, node.params["geometry"].padding))
    return node.primitive.name in _MOVES


@dataclass(eq=False)
class Buffer:
    """A piece of memory that holds one array, row by row.

    Attributes:
        kind: "input", "output", "constant", "host" (what a call of the host returned) or "arena".
        number: which of its kind; where it begins in the arena, in bytes, once that has been planned.
    """

    kind: str
    number: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def view(self) -> View:
        """All of it."""
        return View(self, 0, contiguous(self.shape), self.shape)


@dataclass(frozen=True)
class View:
    """An array inside a buffer; offset and strides count elements."""

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of its elements."""
        return self.buffer.dtype

    def moved(self, node: Node) -> View | None:
        """The view that a movement makes of this one; None for a reshape that would have to copy."""
        shape = node.array_aval.shape
        name = node.primitive.name
        if name == "permute":
            axes = node.params["axes"]
            return replace(self, strides=tuple(self.strides[axis] for axis in axes), shape=shape)
        if name == "broadcast_to":
            added = len(shape) - len(self.shape)
            kept = zip(self.shape, self.strides, shape[added:], strict=True)
            strides = (*[0] * added, *[0 if n == 1 and m != 1 else stride for n, stride, m in kept])
            return replace(self, strides=strides, shape=shape)
        if name == "reshape":
            reshaped = reshaped_strides(self.shape, self.strides, shape)
            return None if reshaped is None else replace(self, strides=reshaped, shape=shape)
        if name == "windows":
            geometry = node.params["geometry"]
            lead = len(self.shape) - len(geometry.strides)
            steps = [
                [step * stride for step, stride in zip(one, self.strides[lead:], strict=True)]
                for one in (geometry.strides, geometry.dilation)
            ]
            return replace(self, strides=(*self.strides[:lead], *steps[0], *steps[1]), shape=shape)
        entries = sliced(node, self.shape)
        offset = self.offset + sum(start * stride for (start, _, _), stride in zip(entries, self.strides, strict=True))
        strides = tuple(step * stride for (_, step, kept_), stride in zip(entries, self.strides, strict=True) if kept_)
        return replace(self, offset=offset, strides=strides, shape=shape)


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of an array that lies row by row.

    >>> contiguous((2, 3, 4))
    (12, 4, 1)
    """
    strides = [1] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        strides[axis - 1] = strides[axis] * shape[axis]
    return tuple(strides)


def reshaped_strides(shape: Sequence[int], strides: Sequence[int], target: Sequence[int]) -> tuple[int, ...] | None:
    """The strides with which elements of a view, in row-major order, lie in another shape; None if in no regular way.

    >>> reshaped_strides((2, 3), (3, 1), (6,)), reshaped_strides((2, 3), (1, 2), (6,))
    ((1,), None)
    """
    old = [(n, stride) for n, stride in zip(shape, strides, strict=True) if n != 1]
    result = [0] * len(target)
    position = 0
    axis = 0
    while axis < len(target):
        if target[axis] == 1:
            axis += 1
            continue
        # Groups of axes, of the old and of the new shape, that hold equally many elements.
        first, last = position, axis
        have, want = old[position][0], target[axis]
        while have != want:
            if have < want:
                position += 1
                have *= old[position][0]
            else:
                last += 1
                want *= target[last]
        for i in range(first, position):
            if old[i][1] != old[i + 1][1] * old[i + 1][0]:
                return None
        stride = old[position][1]
        for i in range(last, axis - 1, -1):
            result[i] = stride
            stride *= target[i]
        position += 1
        axis = last + 1
    return tuple(result)


def sliced(node: Node, shape: Sequence[int]) -> list[tuple[int, int, bool]]:
    """For each axis of what is sliced or flipped: where it starts, its step, and whether the axis is kept."""
    if node.primitive.name == "flip":
        axes = node.params["axes"]
        return [(n - 1, -1, True) if axis in axes else (0, 1, True) for axis, n in enumerate(shape)]
    entries = []
    for n, one in zip(shape, node.params["index"], strict=False):
        if isinstance(one, tuple):
            start, _, step = slice(*one).indices(n)
            entries.append((start, step, True))
        else:
            entries.append((one % n, 0, False))
    return [*entries, *[(0, 1, True)] * (len(shape) - len(entries))]


Place = tuple[int, int, int] | None
"""Where along an axis: (axis of a loop nest, step, start); None for its only element."""


def places_below(node: Node, places: Sequence[Place]) -> list[Place] | None:
    """Where the input of a movement is read when its result is read at ``places``; None if that is in no simple way."""
    shape = node.inputs[0].array_aval.shape
    name = node.primitive.name
    if name == "permute":
        below: list[Place] = [None] * len(shape)
        for i, axis in enumerate(node.params["axes"]):
            below[axis] = places[i]
        return below
    if name == "broadcast_to":
        added = len(places) - len(shape)
        return [None if n == 1 else place for n, place in zip(shape, places[added:], strict=True)]
    if name == "windows":
        return None
    if name == "reshape":
        target = node.array_aval.shape
        long = [place for n, place in zip(target, places, strict=True) if n != 1]
        if [n for n in target if n != 1] != [n for n in shape if n != 1]:
            return None
        given = iter(long)
        return [None if n == 1 else next(given) for n in shape]
    kept = iter(places)
    found: list[Place] = []
    for (start, step, is_kept), n in zip(sliced(node, shape), shape, strict=True):
        place = next(kept) if is_kept else None
        if n == 1:
            found.append(None)
        elif place is None:
            found.append((-1, 0, start))  # one fixed element
        else:
            found.append((place[0], place[1] * step, place[2] * step + start))
    return found
