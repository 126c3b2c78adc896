"""Sums over offsets in machine code, with what is done to them.

A tile, some channels by a few vectors of neighbouring places, is kept in registers while all offsets are walked
through: numbers of the kernel are read one by one and spread over a vector, images are read in vectors as they lie.
Places are counted along the lines of the source, its borders with them: so no window is ever laid out. What is computed
for places between two lines is left away, when what comes after the convolution is done to a few lines at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pullback.compiler.blocking import together
from pullback.compiler.convolution.correlation import Correlation
from pullback.compiler.convolution.layout import copying
from pullback.compiler.emit import Module, stored
from pullback.compiler.fuse import Kernel
from pullback.compiler.instructions import Writer
from pullback.compiler.loops import Axis, KernelWriter, Row, beginning
from pullback.compiler.views import Buffer, View
from pullback.compiler.words import suffix, vector
from pullback.core.node import Node


class CorrelationWriter(KernelWriter):
    """Writes a sum over offsets, and the kernel that is done to its result.

    Args:
        kernel: the sum and what is done to it.
        problem: what is summed.
    """

    def __init__(
        self,
        module: Module,
        kernel: Kernel,
        problem: Correlation,
        views: dict[Node, View],
        locate: Callable[[Node], View],
        base: dict[Node, Node],
        place: Callable[[Buffer], int],
    ) -> None:
        self.problem = problem
        super().__init__(module, kernel, views, locate, base, place)
        self.kind, self.size = stored(problem.weights.dtype), problem.size
        self.rows, self.vectors, _ = problem.tile
        self.width = self.vectors * self.lanes
        self.line = max(problem.strip, self.width)  # of what is computed before anything is done to it
        self.strips = -(-problem.height // problem.lines), -(-problem.width // problem.columns)

    def _collapsed(self) -> list[Axis]:
        """The axes of the result: images, channels, lines and columns."""
        p = self.problem
        for access in self.accesses:
            if len(access.strides) == 3:
                access.strides.insert(2, 0)
            far = p.first[0] * access.strides[2] + p.first[1] * access.strides[3]
            access.view = replace(access.view, offset=access.view.offset + far)
            access.strides[2:] = [stride * step for stride, step in zip(access.strides[2:], p.spread, strict=True)]
        return [Axis(length, False) for length in (*self.kernel.shape[:2], p.height, p.width)]

    def _vectorized(self) -> tuple[int | None, int]:
        return 3, self.problem.tile[2]

    @property
    def parts(self) -> list[tuple[str, int, int]]:
        """The functions to call: name, how many pieces there are, and how many of these belong together."""
        p = self.problem
        count = p.source.view.shape[0] * p.groups * self.strips[0] * self.strips[1]
        return [*(p.source.parts if p.lays_out else []), ("run", count, together(count, p.flops))]

    def text(self) -> str:
        """The function that computes some strips, and those that it needs."""
        w, p = self.w, self.problem
        for access in self.accesses:
            access.pointer = self._begin(w, access)
        source, weights = (beginning(w, view, self.place) for view in (p.source.read, p.weights))
        scratch = w.result(f"alloca [{self.rows * self.line * self.size} x i8], align 64")
        w.loop("%begin", "%end", [], lambda index, _: self._strip(index, source, weights, scratch))
        texts = [self._kernel_text(), w.function("run")]
        if p.buffers:
            texts.insert(0, copying(w.module, p.source, self.place))
        return "\n".join(texts)

    def _strip(self, index: str, source: str, weights: str, scratch: str) -> list[str]:
        """One piece: some lines (or a part of a line) of all channels of a group."""
        w, p, size = self.w, self.problem, self.size
        index, column = w.divided(index, self.strips[1])
        index, line = w.divided(index, self.strips[0])
        image, group = w.divided(index, p.groups)
        line = w.value(f"mul i64 {line}, {p.lines}")
        column = w.value(f"mul i64 {column}, {p.columns}")
        lines = w.smaller(w.value(f"sub i64 {p.height}, {line}"), str(p.lines))
        columns = w.smaller(w.value(f"sub i64 {p.width}, {column}"), str(p.columns))
        for far, step in (
            (image, p.source.of_image),
            (group, p.channels * p.source.of_channel),
            (line, p.source.line),
            (column, 1),
        ):
            source = w.moved(source, far, step * size)
        weights = w.moved(weights, group, p.apart[1] * size)
        between = w.value(f"mul i64 {w.value(f'sub i64 {lines}, 1')}, {p.source.line}")
        length = w.value(f"add i64 {between}, {columns}")
        panels = w.value(f"udiv i64 {w.value(f'add i64 {length}, {self.width - 1}')}, {self.width}")
        rest = w.value(f"sub i64 {length}, {self.width}")
        last = w.value(f"select i1 {w.value(f'icmp sgt i64 {rest}, 0')}, i64 {rest}, i64 0")
        before = [access.pointer for access in self.accesses]
        for axis, far in ((0, image), (1, w.value(f"mul i64 {group}, {p.rows}")), (2, line), (3, column)):
            self._advance(axis, far)

        def each_block(block: str, _: list[str]) -> list[str]:
            row = w.value(f"mul i64 {block}, {self.rows}")
            first = w.smaller(row, str(p.rows - self.rows))  # the last block has some rows of the one before
            at = w.moved(weights, first, p.apart[0] * size)

            def each_panel(panel: str, _: list[str]) -> list[str]:
                place = w.smaller(w.value(f"mul i64 {panel}, {self.width}"), last)
                read, to = w.moved(source, place, size), w.moved(scratch, place, size)
                w.write(f"call void @total(ptr {at}, ptr {read}, ptr {to})")
                return []

            w.loop("0", panels, [], each_panel)
            self._finish(first, w.value(f"sub i64 {row}, {first}"), lines, columns, scratch)
            return []

        w.loop("0", str(-(-p.rows // self.rows)), [], each_block)
        self._restore(before)
        return []

    def _finish(self, first: str, known: str, lines: str, columns: str, scratch: str) -> None:
        """What is done to the result: some rows from the first on, but for those that are known, and some lines."""
        w, p, size = self.w, self.problem, self.size
        kind = vector(self.kind, self.lanes)

        def some(at: str, index: str, mask: int) -> None:
            before = self._advance(3, index, self.lanes)
            place = w.moved(at, index, self.lanes * size)
            w.lanes = self.lanes
            value = w.load_some(self.kind, place, size, mask) if mask else w.result(
                f"load {kind}, ptr {place}, align {size}"
            )  # fmt: skip
            Row(self, mask, {p.node: value}).write()
            self._restore(before)

        def each_line(line: str, _: list[str], row: str = "") -> list[str]:
            before = self._advance(2, line)
            at = w.moved(row, line, p.source.line * size)

            def each_vector(index: str, _: list[str]) -> list[str]:
                some(at, index, 0)
                return []

            full, rest = divmod(p.width, self.lanes)
            if self.strips[1] == 1:
                if full:
                    w.loop("0", str(full), [], each_vector)
                if rest:
                    some(at, str(full), rest)
            else:
                whole = w.value(f"udiv i64 {columns}, {self.lanes}")
                w.when(w.value(f"icmp sgt i64 {whole}, 0"), lambda: w.loop("0", whole, [], each_vector))
                if rest:
                    is_last = w.value(f"icmp slt i64 {columns}, {p.columns}")
                    w.when(is_last, lambda: some(at, whole, rest))
            self._restore(before)
            return []

        def each_row(number: str, _: list[str]) -> list[str]:
            before = self._advance(1, w.value(f"add i64 {first}, {number}"))
            row = w.moved(scratch, number, self.line * size)
            w.loop("0", lines, [], lambda line, handed: each_line(line, handed, row))
            self._restore(before)
            return []

        w.loop(known, str(self.rows), [], each_row)

    # The innermost loop ---------------------------------------------------------------------------------------------

    def _kernel_text(self) -> str:
        """The function that computes one tile: ``(weights, source, tile)``."""
        kind, size, lanes = self.kind, self.size, self.lanes
        w = Writer(self.w.module)
        w.lanes = lanes
        type = vector(kind, lanes)
        places = [(row, column) for row in range(self.rows) for column in range(self.vectors)]
        at_tile = [w.moved("%tile", str(row * self.line + column * lanes), size) for row, column in places]
        parameters = "ptr noalias %weights, ptr noalias %source, ptr noalias %tile"
        if not self.problem.offsets:  # places between windows
            for at in at_tile:
                w.write(f"store {type} zeroinitializer, ptr {at}, align {size}")
            return w.function("total", parameters, inline=False)
        # Where the numbers of the kernel lie, and what they are multiplied with, in bytes.
        table = w.module.table([one * size for pair in self.problem.offsets for one in pair])
        w.write("br label %loop")
        w.label("loop")
        w.write("%i = phi i64 [0, %entry], [%i.next, %loop]")
        totals = {place: f"%total{number}" for number, place in enumerate(places)}
        for total in totals.values():
            w.write(f"{total} = phi {type} [zeroinitializer, %entry], [{total}.next, %loop]")
        entry = w.value(f"getelementptr {{i64, i64}}, ptr {table}, i64 %i")
        to_a = w.result(f"load i64, ptr {entry}")
        to_b = w.result(f"load i64, ptr {w.value(f'getelementptr i8, ptr {entry}, i64 8')}")
        a, b = (
            w.value(f"getelementptr i8, ptr {at}, i64 {far}") for at, far in (("%weights", to_a), ("%source", to_b))
        )
        images = [
            w.result(f"load {type}, ptr {w.moved(b, str(column), lanes * size)}, align {size}")
            for column in range(self.vectors)
        ]
        name = w.module.intrinsic(f"llvm.fmuladd.{suffix(kind, lanes)}", type, [type] * 3)
        for row in range(self.rows):
            at = w.moved(a, str(row), self.problem.apart[0] * size)
            spread = w.spread(kind, w.result(f"load {kind}, ptr {at}, align {size}"))
            for column in range(self.vectors):
                total = totals[row, column]
                operands = ", ".join(f"{type} {one}" for one in (spread, images[column], total))
                w.write(f"{total}.next = call {type} {name}({operands})")
        w.write("%i.next = add nuw nsw i64 %i, 1")
        w.write(f"%more = icmp slt i64 %i.next, {len(self.problem.offsets)}")
        w.write("br i1 %more, label %loop, label %done")
        w.label("done")
        for total, at in zip(totals.values(), at_tile, strict=True):
            w.write(f"store {type} {total}.next, ptr {at}, align {size}")
        return w.function("total", parameters, inline=False)
