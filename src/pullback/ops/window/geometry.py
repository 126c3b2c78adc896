"""How windows lie on an array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.errors import ShapeError

Shape = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Geometry:
    """How windows lie on an array, one entry for each axis that they move along.

    Attributes:
        strides: how far one window is from the next.
        padding: how many zeros are put before and after the array.
        dilation: how far the elements of a window are apart.
    """

    strides: Shape
    padding: Pairs
    dilation: Shape

    def windows(self, operation: str, lengths: Shape, kernel: Shape) -> Shape:
        """How many windows of the size ``kernel`` there are along axes of these lengths."""
        axes = len(lengths)
        if not len(kernel) == len(self.strides) == len(self.padding) == len(self.dilation) == axes:
            raise ShapeError(
                f"{operation}: expected a kernel, strides, padding and dilation for {axes} axes, got {kernel}, "
                f"{self.strides}, {self.padding} and {self.dilation}"
            )
        if min((*self.strides, *self.dilation, *kernel), default=1) < 1 or any(min(pair) < 0 for pair in self.padding):
            raise ShapeError(
                f"{operation}: expected strides, dilation and a kernel of at least 1 and padding of at least 0, got "
                f"{self.strides}, {self.dilation}, {kernel} and {self.padding}"
            )
        found = []
        for length, size, (before, after), stride, step in zip(
            lengths, kernel, self.padding, self.strides, self.dilation, strict=True
        ):
            room = before + length + after - (size - 1) * step
            if room < 1:
                raise ShapeError(
                    f"{operation}: expected windows that fit, got a kernel of {kernel} (dilation {self.dilation}) on "
                    f"an array of {lengths} with padding {self.padding}"
                )
            found.append((room - 1) // stride + 1)
        return tuple(found)

    def padded(self, lengths: Shape) -> Shape:
        """The lengths with the padding."""
        return tuple(before + n + after for n, (before, after) in zip(lengths, self.padding, strict=True))

    def places(self, offset: Shape, windows: Shape) -> tuple[Any, ...]:
        """Where, in the padded array, the element at ``offset`` of each window is."""
        starts = [i * step for i, step in zip(offset, self.dilation, strict=True)]
        return tuple(
            slice(start, start + (n - 1) * stride + 1, stride)
            for start, n, stride in zip(starts, windows, self.strides, strict=True)
        )

    def view(self, x: Any, kernel: Shape, windows: Shape) -> Any:
        """The windows of a padded array as a view: (..., *kernel, *windows)."""
        rank = len(kernel)
        steps = x.strides[x.ndim - rank :]
        lead = x.ndim - rank
        inner = [step * dilation for step, dilation in zip(steps, self.dilation, strict=True)]
        outer = [step * stride for step, stride in zip(steps, self.strides, strict=True)]
        return np.lib.stride_tricks.as_strided(
            x, (*x.shape[:lead], *kernel, *windows), (*x.strides[:lead], *inner, *outer), writeable=False
        )

    def pad(self, x: Any) -> Any:
        """A padded copy of x; x itself without padding."""
        if not any(map(any, self.padding)):
            return x
        lead = x.ndim - len(self.padding)
        result = np.zeros(x.shape[:lead] + self.padded(x.shape[lead:]), x.dtype)
        result[(..., *self.inside(x.shape[lead:]))] = x
        return result

    def inside(self, lengths: Shape) -> tuple[Any, ...]:
        """Where the array is in the padded one."""
        return tuple(slice(before, before + n) for n, (before, _) in zip(lengths, self.padding, strict=True))


LINE = Geometry((1,), ((0, 0),), (1,))
SPREAD = Geometry((1,), ((1, 1),), (2,))
PLANE = Geometry((2, 1), ((1, 0), (1, 2)), (1, 2))
CORNER = Geometry((2, 1), ((1, 0), (0, 1)), (1, 1))
"""What the samples are called with."""
