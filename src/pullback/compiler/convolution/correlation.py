"""Convolutions and their adjoints by the images: each is a sum over offsets, the same for all places. How it is cut.

Where windows of the adjoint are some steps apart, places are in phases, each of which is a sum of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from pullback.compiler.convolution.layout import Side, Source, source_of
from pullback.compiler.convolution.planar import planar, planar_pairs, planar_shape, sides_of
from pullback.compiler.machine import vector_bytes
from pullback.compiler.views import Buffer, View
from pullback.core.node import Node

_STRIP = 640
"""Places that are computed before what comes after is done to them: so that they stay in the first cache."""
_MOST_VECTORS = 7
_PAGE = 4096
_WAYS = 8


@dataclass(frozen=True)
class Correlation:
    """A sum over offsets.

    Attributes:
        node: what is computed.
        source, weights: the operands.
        groups: of channels.
        rows: channels of the result, of one group.
        apart: elements of the weights from one row to the next, and from one group to the next.
        channels: of the source, of one group.
        offsets: for each number of the kernel where it lies, and where what it is multiplied with does: in elements.
        height, width: of one channel of the result, or of those of its places that are computed here.
        first: where the first of these is.
        spread: how far they are apart.
        lays_out: whether the source is laid out anew here, if it has to be.
    """

    node: Node
    source: Source
    weights: View
    groups: int
    rows: int
    apart: tuple[int, int]
    channels: int
    offsets: tuple[tuple[int, int], ...]
    height: int
    width: int
    first: tuple[int, int] = (0, 0)
    spread: tuple[int, int] = (1, 1)
    lays_out: bool = True

    @property
    def buffers(self) -> list[Buffer]:
        """Memory that is needed meanwhile."""
        return [self.source.copy] if self.source.copy is not None and self.lays_out else []

    @property
    def flops(self) -> int:
        """Floating-point operations."""
        images, channels = self.node.array_aval.shape[:2]
        return 2 * images * channels * self.height * self.width * len(self.offsets)

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return self.weights.dtype.itemsize

    @cached_property
    def lines(self) -> int:
        """How many lines belong together."""
        most = max(1, min(self.height, _STRIP // max(self.source.line, self.width)))
        return -(-self.height // -(-self.height // most))

    @cached_property
    def columns(self) -> int:
        """How many places of a line belong together."""
        return self.width if self.width <= _STRIP else _STRIP

    @property
    def strip(self) -> int:
        """Places that are computed together, those between lines with them."""
        return (self.lines - 1) * self.source.line + self.columns

    @cached_property
    def tile(self) -> tuple[int, int, int]:
        """Rows of a tile, its vectors and their lanes: those with which it takes the fewest cycles, about."""
        lanes = vector_bytes() // self.size
        registers = 32 if vector_bytes() == 64 else 16
        while lanes // 2 >= self.strip:
            lanes //= 2
        length = -(-self.strip // lanes)
        most = _WAYS if self.apart[0] * self.size % _PAGE == 0 else 14

        def cycles(shape: tuple[int, int]) -> tuple[float, int]:
            rows, vectors = shape
            tiles = -(-self.rows // rows) * -(-length // vectors)
            # In a cycle two multiplications, or two reads, of which a vector may need two; a sum takes four cycles.
            each = max(rows * vectors / 2, (rows + 2 * vectors + 2) / 2, 4)
            return tiles * (len(self.offsets) * each + 30 + 3 * rows * vectors), -rows * vectors

        shapes = [
            (rows, vectors)
            for rows in range(1, min(most, self.rows) + 1)
            for vectors in range(1, min(length, _MOST_VECTORS) + 1)
            if rows * vectors + vectors < registers
        ]
        rows, vectors = min(shapes, key=cycles)
        return rows, vectors, lanes


def convolution_of(node: Node, x: View, w: View) -> list[Correlation]:
    """A convolution of images (x) with a kernel (w)."""
    geometry, groups = node.params["geometry"], node.params["groups"]
    x, w = planar(x), planar(w)
    outputs, channels, *kernel = w.shape
    height, width = planar_shape(node.array_aval.shape)[2:]
    sides = sides_of(x.shape[2:], geometry)
    steps = planar_pairs(geometry.dilation, 1)

    def made(source: Source) -> list[Correlation]:
        offsets = tuple(
            (
                c * w.strides[1] + i * w.strides[2] + j * w.strides[3],
                source.offset(c, i * steps[0], j * steps[1]),
            )
            for c in range(channels)
            for i in range(kernel[0])
            for j in range(kernel[1])
        )  # fmt: skip
        rows = outputs // groups
        apart = (w.strides[0], rows * w.strides[0])
        return [Correlation(node, source, w, groups, rows, apart, channels, offsets, height, width)]

    return _with_room(made, x, *sides, width)


@dataclass(frozen=True)
class _Phase:
    """Every so many places of one axis: a sum over those numbers of the kernel that meet a window there.

    Attributes:
        first, count: of these places.
        numbers: of the kernel, each with the window that it meets at the first place.
    """

    first: int
    count: int
    numbers: tuple[tuple[int, int], ...]


def _phases(length: int, kernel: int, step: int, stride: int, before: int) -> list[_Phase]:
    found = []
    for first in range(min(stride, length)):
        places = [(i, first + before - i * step) for i in range(kernel)]
        numbers = tuple((i, place // stride) for i, place in places if place % stride == 0)
        found.append(_Phase(first, -(-(length - first) // stride), numbers))
    return found


def images_of(node: Node, y: View, w: View) -> list[Correlation]:
    """The adjoint of a convolution by its images: every place is a sum over the windows (y) that it is in.

    Where windows are some steps apart there are as many phases of places, each of which meets other numbers of the
    kernel: each is a sum of its own.
    """
    geometry, groups = node.params["geometry"], node.params["groups"]
    y, w = planar(y), planar(w)
    outputs, channels, *kernel = w.shape
    lengths = planar_shape(node.array_aval.shape)[2:]
    strides = planar_pairs(geometry.strides, 1)
    phases, sides = [], []
    for length, n, size, step, stride, (before, _) in zip(
        lengths, y.shape[2:], kernel, planar_pairs(geometry.dilation, 1), strides,
        planar_pairs(geometry.padding, (0, 0)), strict=True,
    ):  # fmt: skip
        found = _phases(length, size, step, stride, before)
        lead = max([0, *(-window for one in found for _, window in one.numbers)])
        ends = [one.count + window for one in found for _, window in one.numbers]
        phases.append(found)
        sides.append(Side(n, lead, lead + max([n, *ends])))

    def made(source: Source) -> list[Correlation]:
        found: list[Correlation] = []
        for line in phases[0]:
            for column in phases[1]:
                offsets = tuple(
                    (
                        o * w.strides[0] + i * w.strides[2] + j * w.strides[3],
                        source.offset(o, one + sides[0].before, other + sides[1].before),
                    )
                    for o in range(outputs // groups)
                    for i, one in line.numbers
                    for j, other in column.numbers
                )
                apart = (w.strides[1], outputs // groups * w.strides[0])
                first = (line.first, column.first)
                found.append(
                    Correlation(
                        node, source, w, groups, channels, apart, outputs // groups, offsets,
                        line.count, column.count, first, strides, lays_out=not found,
                    )
                )  # fmt: skip
        return found

    return _with_room(made, y, sides[0], sides[1], lengths[1])


def _with_room(
    made: Callable[[Source], list[Correlation]], view: View, y: Side, x: Side, width: int
) -> list[Correlation]:
    """The correlations whose source is read as it lies where tiles never read beyond it, else is laid out anew."""
    found = made(source_of(view, y, x, 0, width))
    if all(_stays_inside(one) for one in found):
        return found
    return made(source_of(view, y, x, _MOST_VECTORS * vector_bytes() // found[0].size, width))


def _stays_inside(one: Correlation) -> bool:
    _, vectors, lanes = one.tile
    lines, columns = (one.height - 1) % one.lines + 1, (one.width - 1) % one.columns + 1
    return one.source.copy is None and (lines - 1) * one.source.line + columns >= vectors * lanes
