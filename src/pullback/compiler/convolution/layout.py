"""Where images lie so that windows of them are read in vectors: with zeros around, and phases of a stride.

Windows that are s apart see every s-th element. Laid out so that those lie side by side, one *phase* after the other,
neighbouring windows read neighbouring elements whatever the stride is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from pullback.compiler import strided
from pullback.compiler.blocking import together
from pullback.compiler.emit import Module, stored
from pullback.compiler.instructions import Writer
from pullback.compiler.loops import beginning
from pullback.compiler.machine import vector_bytes
from pullback.compiler.views import Buffer, View


@dataclass(frozen=True)
class Side:
    """One axis of images, as windows see it.

    Attributes:
        length: elements that there are.
        before: zeros before them.
        size: places in all.
        stride: how far windows are apart.
    """

    length: int
    before: int = 0
    size: int = 0
    stride: int = 1

    @property
    def is_plain(self) -> bool:
        """Whether the elements lie as they are."""
        return self.before == 0 and self.stride == 1 and self.size == self.length

    @property
    def phase(self) -> int:
        """Places of one phase."""
        return -(-self.size // self.stride)

    def runs(self) -> list[tuple[int, int, int]]:
        """For each phase: the first element in it, how many there are, and the place of the first."""
        found = []
        for phase in range(self.stride):
            first = (phase - self.before) % self.stride
            count = max(0, -(-(self.length - first) // self.stride))
            found.append((first, count, (self.before + first) // self.stride))
        return found


@dataclass(frozen=True)
class Source:
    """Images that windows are read from.

    Attributes:
        view: the images (batch, channels, height, width).
        y, x: the last two axes.
        copy: memory where they are laid out anew; None where they are read as they lie.
    """

    view: View
    y: Side
    x: Side
    copy: Buffer | None

    @cached_property
    def plane(self) -> int:
        """Elements of one channel of one image, laid out anew."""
        return self.y.stride * self.x.stride * self.y.phase * self.x.phase

    @property
    def line(self) -> int:
        """Elements from one line to the next, in one phase."""
        return self.view.strides[2] if self.copy is None else self.x.phase

    @property
    def of_channel(self) -> int:
        """Elements from one channel to the next."""
        return self.view.strides[1] if self.copy is None else self.plane

    @property
    def of_image(self) -> int:
        """Elements from one image to the next."""
        return self.view.strides[0] if self.copy is None else self.plane * self.view.shape[1]

    def offset(self, channel: int, y: int, x: int) -> int:
        """Where the element at these places lies."""
        if self.copy is None:
            return channel * self.of_channel + y * self.line + x
        phase = y % self.y.stride * self.x.stride + x % self.x.stride
        within = y // self.y.stride * self.x.phase + x // self.x.stride
        return channel * self.plane + phase * self.y.phase * self.x.phase + within

    @property
    def parts(self) -> list[tuple[str, int, int]]:
        """The function that lays them out anew, if one does: name, pieces, and how many of these belong together."""
        if self.copy is None:
            return []
        count = self.view.shape[0] * self.view.shape[1]
        return [("copy", count, together(count, 8 * count * self.plane))]

    @property
    def read(self) -> View:
        """What windows are read from."""
        return self.view if self.copy is None else self.copy.view()


def source_of(view: View, y: Side, x: Side, room: int, width: int) -> Source:
    """Images as windows see them.

    Args:
        view: the images.
        y: the last axis but one.
        x: the last axis.
        room: elements that may be read beyond the last; without any, images need not be laid out anew.
        width: of the lines of windows.
    """
    is_dense = view.shape[3] <= view.strides[2] <= view.shape[3] + 4 * width and view.strides[3] == 1
    if y.is_plain and x.is_plain and is_dense and not room:
        return Source(view, y, x, None)
    empty = Source(view, y, x, None)
    length = view.shape[0] * view.shape[1] * empty.plane + room
    return Source(view, y, x, Buffer("arena", 0, (length,), view.dtype))


def copying(module: Module, source: Source, place_of: Callable[[Buffer], int]) -> str:
    """The text of a function ``copy(operands, begin, end)`` over the channels of all images."""
    w = Writer(module)
    assert source.copy is not None
    view, size, kind = source.view, source.view.dtype.itemsize, stored(source.view.dtype)
    at, to = beginning(w, view, place_of), beginning(w, source.copy.view(), place_of)
    inside = source.y.phase * source.x.phase
    zero = w.module.intrinsic("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1"])

    def each_channel(index: str, _: list[str]) -> list[str]:
        image, channel = w.divided(index, view.shape[1])
        read = w.moved(w.moved(at, image, view.strides[0] * size), channel, view.strides[1] * size)
        plane = w.moved(to, index, source.plane * size)
        if source.plane != view.shape[2] * view.shape[3]:
            w.write(f"call void {zero}(ptr align {size} {plane}, i8 0, i64 {source.plane * size}, i1 false)")
        for phase, (first, count, place) in enumerate(source.y.runs()):
            if not count:
                continue
            from_line = w.moved(read, "1", first * view.strides[2] * size)
            to_line = w.moved(plane, "1", (phase * source.x.stride * inside + place * source.x.phase) * size)

            def each_line(number: str, _: list[str], start: str = from_line, target: str = to_line) -> list[str]:
                line = w.moved(start, number, source.y.stride * view.strides[2] * size)
                target = w.moved(target, number, source.x.phase * size)
                for column, (first, count, place) in enumerate(source.x.runs()):
                    if count:
                        begin = w.moved(line, "1", first * view.strides[3] * size)
                        end = w.moved(target, "1", (column * inside + place) * size)
                        _copy_run(w, kind, size, count, begin, source.x.stride * view.strides[3], end)
                return []

            w.loop("0", str(count), [], each_line)
        return []

    w.loop("%begin", "%end", [], each_channel)
    return w.function("copy")


def _copy_run(w: Writer, kind: str, size: int, count: int, at: str, step: int, to: str) -> None:
    """Copy so many elements, from where they are a step apart to where they lie side by side."""
    w.lanes = lanes = vector_bytes() // size

    def some(at: str, to: str, left: int) -> None:
        strided.store(w, kind, size, strided.load(w, kind, size, at, step, left), to, 1, left)

    def each(index: str, _: list[str]) -> list[str]:
        some(w.moved(at, index, lanes * step * size), w.moved(to, index, lanes * size), lanes)
        return []

    full, rest = divmod(count, lanes)
    if full:
        w.loop("0", str(full), [], each)
    if rest:
        done = full * lanes
        some(w.moved(at, str(done), step * size), w.moved(to, str(done), size), rest)
