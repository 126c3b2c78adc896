"""The adjoint of windows: they are added up where they lie on an array, one offset in them after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from pullback.compiler import strided
from pullback.compiler.blocking import together
from pullback.compiler.convolution.planar import planar_pairs
from pullback.compiler.emit import Module, stored
from pullback.compiler.instructions import Writer
from pullback.compiler.loops import beginning
from pullback.compiler.machine import vector_bytes
from pullback.compiler.views import Buffer, View
from pullback.core.node import Node
from pullback.ops.window.geometry import Geometry


@dataclass(frozen=True)
class Folding:
    """Windows that are added up.

    Attributes:
        node: what is computed.
        windows: their view (..., *windows, *kernel).
        geometry: how they lie.
    """

    node: Node
    windows: View
    geometry: Geometry

    @property
    def buffers(self) -> list[Buffer]:
        """Memory that is needed meanwhile: none."""
        return []

    @property
    def flops(self) -> int:
        """Floating-point operations."""
        return prod(self.windows.shape)

    @property
    def rank(self) -> int:
        """How many axes windows move along."""
        return len(self.geometry.strides)


def folding_of(node: Node, y: View) -> list[Folding]:
    """The sum of windows (y)."""
    return [Folding(node, y, node.params["geometry"])]


@dataclass(frozen=True)
class _Axis:
    """The windows along one axis, at one offset in them: those that lie inside.

    Attributes:
        first, count: of these windows.
        place: where the first of them lies.
    """

    first: int
    count: int
    place: int


def _inside(windows: int, offset: int, stride: int, before: int, length: int) -> _Axis:
    first = max(0, -(-(before - offset) // stride))
    last = min(windows - 1, (length - 1 + before - offset) // stride)
    return _Axis(first, max(0, last - first + 1), first * stride + offset - before)


class FoldingWriter:
    """Writes the sum of windows as a function over what comes before the axes that they move along."""

    def __init__(self, module: Module, problem: Folding, result: View, place: Callable[[Buffer], int]) -> None:
        self.module, self.problem, self.result, self.place = module, problem, result, place
        shape, strides, rank = problem.windows.shape, problem.windows.strides, problem.rank
        lead = len(shape) - 2 * rank
        self.lead = list(zip(shape[:lead], strides[:lead], strict=True))
        self.counts = planar_pairs(shape[lead : lead + rank], 1)
        self.kernel = planar_pairs(shape[lead + rank :], 1)
        self.apart = planar_pairs(strides[lead : lead + rank], 0)
        self.within = planar_pairs(strides[lead + rank :], 0)
        self.lengths = planar_pairs(result.shape[lead:], 1)

    @property
    def parts(self) -> list[tuple[str, int, int]]:
        """The function to call: name, how many pieces there are, and how many of these belong together."""
        count = prod(length for length, _ in self.lead)
        return [("run", count, together(count, 8 * self.problem.flops))]

    def text(self) -> str:
        """The function."""
        w = Writer(self.module)
        size, kind = self.result.dtype.itemsize, stored(self.result.dtype)
        windows, result = (beginning(w, view, self.place) for view in (self.problem.windows, self.result))
        plane = prod(self.lengths) * size
        zero = self.module.intrinsic("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1"])

        def each(index: str, _: list[str]) -> list[str]:
            to, at, rest = w.moved(result, index, plane), windows, index
            for length, stride in reversed(self.lead):
                rest, one = w.divided(rest, length)
                at = w.moved(at, one, stride * size)
            w.write(f"call void {zero}(ptr align {size} {to}, i8 0, i64 {plane}, i1 false)")
            for i in range(self.kernel[0]):
                for j in range(self.kernel[1]):
                    self._offset(w, kind, size, (i, j), at, to)
            return []

        w.loop("%begin", "%end", [], each)
        return w.function("run")

    def _offset(self, w: Writer, kind: str, size: int, offset: tuple[int, int], at: str, to: str) -> None:
        """Add what windows have at one offset."""
        geometry = self.problem.geometry
        strides = planar_pairs(geometry.strides, 1)
        lines, places = (
            _inside(count, one * step, stride, before, length)
            for one, count, step, stride, (before, _), length in zip(
                offset, self.counts, planar_pairs(geometry.dilation, 1), strides,
                planar_pairs(geometry.padding, (0, 0)), self.lengths, strict=True,
            )
        )  # fmt: skip
        if not lines.count or not places.count:
            return
        far = sum(one * stride for one, stride in zip(offset, self.within, strict=True))
        far += lines.first * self.apart[0] + places.first * self.apart[1]
        at = w.moved(at, "1", far * size)
        to = w.moved(to, "1", (lines.place * self.lengths[1] + places.place) * size)
        w.lanes = lanes = vector_bytes() // size
        while w.lanes // 2 >= places.count:
            w.lanes = lanes = lanes // 2
        full, rest = divmod(places.count, lanes)

        def some(at: str, to: str, index: str, count: int) -> None:
            at = w.moved(at, index, lanes * self.apart[1] * size)
            to = w.moved(to, index, lanes * strides[1] * size)
            value = strided.load(w, kind, size, at, self.apart[1], count)
            before = strided.load(w, kind, size, to, strides[1], count)
            strided.store(w, kind, size, w.binary("fadd", kind, before, value), to, strides[1], count)

        def each_line(line: str, _: list[str]) -> list[str]:
            begin = w.moved(at, line, self.apart[0] * size)
            end = w.moved(to, line, strides[0] * self.lengths[1] * size)

            def each_vector(index: str, _: list[str]) -> list[str]:
                some(begin, end, index, lanes)
                return []

            if full:
                w.loop("0", str(full), [], each_vector)
            if rest:
                some(begin, end, str(full), rest)
            return []

        w.loop("0", str(lines.count), [], each_line)
