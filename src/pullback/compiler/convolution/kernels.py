"""The adjoint of a convolution by its kernel: a number for each offset, summed over all windows; how that is cut.

Images are dealt to a fixed number of groups, each of which has sums of its own; these are added in order, so that
threads do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pullback.compiler.convolution.layout import Source, source_of
from pullback.compiler.convolution.planar import planar, planar_pairs, sides_of
from pullback.compiler.machine import vector_bytes
from pullback.compiler.views import Buffer, View
from pullback.core.node import Node

_GROUPS = 16
_PARTIAL = 8 * 1024 * 1024
"""Bytes that the sums of all groups take at most, if there is more than one."""
_PACKED = 64 * 1024
"""Bytes of windows that are packed at a time."""


@dataclass(frozen=True)
class Gradient:
    """A sum over all windows, for each number of a kernel.

    Attributes:
        node: what is computed.
        source: the images.
        windows: the view of what the windows are multiplied with (batch, outputs, height, width).
        groups: of channels.
        rows: for each number of the kernel, of one output: where the images are read, in elements.
        channels: of the images, of one group.
    """

    node: Node
    source: Source
    windows: View
    groups: int
    rows: tuple[int, ...]
    channels: int

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return self.windows.dtype.itemsize

    @property
    def outputs(self) -> int:
        """Of one group."""
        return self.windows.shape[1] // self.groups

    @property
    def flops(self) -> int:
        """Floating-point operations."""
        return 2 * self.node.array_aval.size * self.windows.shape[0] * self.windows.shape[2] * self.windows.shape[3]

    @cached_property
    def tile(self) -> tuple[int, int, int]:
        """Rows of a tile, its vectors, and the lanes of these."""
        lanes = vector_bytes() // self.size
        registers = 32 if vector_bytes() == 64 else 16
        while lanes // 2 >= self.outputs:
            lanes //= 2
        length = -(-self.outputs // lanes)

        def cycles(shape: tuple[int, int]) -> tuple[float, int]:
            rows, vectors = shape
            tiles = -(-len(self.rows) // rows) * -(-length // vectors)
            return tiles * max(rows * vectors / 2, (rows + vectors) / 2, 4), -rows * vectors

        shapes = [
            (rows, vectors)
            for rows in range(1, min(10, len(self.rows)) + 1)  # each row has a register for where it is read
            for vectors in range(1, min(length, 7) + 1)
            if rows * vectors + vectors < registers
        ]
        rows, vectors = min(shapes, key=cycles)
        return rows, vectors, lanes

    @property
    def width(self) -> int:
        """Outputs of one group, in whole panels of vectors."""
        _, vectors, lanes = self.tile
        return -(-self.outputs // (vectors * lanes)) * vectors * lanes

    @property
    def columns(self) -> int:
        """How many places of a line are packed together."""
        return max(1, min(self.windows.shape[3], _PACKED // (self.width * self.size)))

    @property
    def lines(self) -> int:
        """How many lines are packed together."""
        return max(1, min(self.windows.shape[2], _PACKED // (self.width * self.size * self.columns)))

    @property
    def strips(self) -> tuple[int, int]:
        """Into how many pieces an image is cut: lines, columns."""
        return -(-self.windows.shape[2] // self.lines), -(-self.windows.shape[3] // self.columns)

    @property
    def units(self) -> int:
        """Pieces of all images."""
        return self.windows.shape[0] * self.strips[0] * self.strips[1]

    @cached_property
    def shares(self) -> int:
        """How many units one group of them has."""
        most = min(_GROUPS, _PARTIAL // (self.groups * self.partial * self.size), self.units)
        return -(-self.units // max(most, 1))

    @property
    def partial(self) -> int:
        """How many numbers there are, of one group of channels."""
        return len(self.rows) * self.width

    @property
    def parts(self) -> int:
        """Groups of units."""
        return -(-self.units // self.shares)

    @cached_property
    def sums(self) -> Buffer:
        """Memory for the sums of all groups."""
        return Buffer("arena", 0, (self.parts, self.groups, len(self.rows), self.width), self.windows.dtype)

    @property
    def buffers(self) -> list[Buffer]:
        """Memory that is needed meanwhile."""
        return [self.sums] if self.source.copy is None else [self.sums, self.source.copy]


def kernel_of(node: Node, x: View, y: View) -> list[Gradient]:
    """The adjoint of a convolution by its kernel, of images (x) and what comes back for the windows (y)."""
    geometry, groups = node.params["geometry"], node.params["groups"]
    x, y = planar(x), planar(y)
    source = source_of(x, *sides_of(x.shape[2:], geometry), 0, y.shape[3])
    steps, kernel = planar_pairs(geometry.dilation, 1), planar_pairs(node.params["kernel"], 1)
    channels = x.shape[1] // groups
    rows = tuple(
        source.offset(c, i * steps[0], j * steps[1])
        for c in range(channels)
        for i in range(kernel[0])
        for j in range(kernel[1])
    )
    return [Gradient(node, source, y, groups, rows, channels)]
