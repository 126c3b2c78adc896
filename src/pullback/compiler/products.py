"""Matrix products in machine code of our own: C = A B, tile by tile, with what comes after it done to each tile.

A tile of C, some rows by a few vectors, is kept in registers while both operands are walked along the axis that is
summed over: elements of A are read one by one and spread over a vector, rows of B are read in vectors. So that these
lie side by side B is first packed into panels, each as wide as a tile. All lengths and strides are known, and the tile
is chosen for them. Each element of C is summed in one fixed order, so no result depends on tiles or threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from pullback.compiler.blocking import Blocking
from pullback.compiler.contractions import joined
from pullback.compiler.emit import Module, stored
from pullback.compiler.fuse import Kernel
from pullback.compiler.instructions import Writer
from pullback.compiler.loops import Access, Axis, KernelWriter, Row
from pullback.compiler.packing import pack_panel, pack_rows
from pullback.compiler.views import Buffer, View
from pullback.compiler.words import suffix, vector
from pullback.core.node import Node


class ProductWriter(KernelWriter):
    """Writes a product, and the kernel that is done to each tile of it, as a function over pieces.

    Args:
        kernel: what is done to the product; no more than that where it is just stored.
        blocking: how it is cut.
        scratch: memory of the thread that calls.
    """

    def __init__(
        self,
        module: Module,
        kernel: Kernel,
        blocking: Blocking,
        scratch: Buffer,
        views: dict[Node, View],
        locate: Callable[[Node], View],
        base: dict[Node, Node],
        place: Callable[[Buffer], int],
    ) -> None:
        self.problem, self.blocking, self.scratch = blocking.problem, blocking, scratch
        self.kind, self.size = stored(self.problem.views[0].dtype), self.problem.size
        super().__init__(module, kernel, views, locate, base, place)

    def _collapsed(self) -> list[Axis]:
        """The axes of the stack, the rows and the columns."""
        letters, shape = self.problem.letters.out, self.kernel.shape
        lengths = dict(zip(letters, shape, strict=True))
        groups = [*[one for one, *_ in self.problem.stack], self.problem.rows, self.problem.columns]
        for access in self.accesses:
            strides = dict(zip(letters, access.strides, strict=True))
            found = [joined([(lengths[one], strides[one]) for one in group]) for group in groups]
            access.strides = [stride or 0 for stride in found]
        return [Axis(math.prod(lengths[one] for one in group), False) for group in groups]

    def _vectorized(self) -> tuple[int | None, int]:
        return len(self.axes) - 1, self.blocking.lanes

    @property
    def parts(self) -> list[tuple[str, int, int]]:
        """The function to call, how many pieces there are, and how many of these a thread takes at a time."""
        return [("run", self.blocking.pieces, self.blocking.together)]

    # Writing --------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The function, and those that it calls."""
        w, blocking = self.w, self.blocking
        for access in self.accesses:
            access.pointer = self._begin(w, access)
        at_a, at_b = (self._begin(w, Access(view, [])) for view in self.problem.views)
        alone = w.value("icmp eq ptr %scratch, null")
        own = self._begin(w, Access(self.scratch.view(), []))
        scratch = w.value(f"select i1 {alone}, ptr {own}, ptr %scratch")
        w.loop("%begin", "%end", [], lambda index, _: self._piece(index, at_a, at_b, scratch))
        texts = [self._multiplication()]
        if blocking.packs_a:
            texts.append(pack_rows(w.module, blocking))
        if blocking.packs_b:
            texts.append(pack_panel(w.module, blocking))
        return "\n".join([*texts, w.function("run")])

    def _piece(self, index: str, at_a: str, at_b: str, scratch: str) -> list[str]:
        """One piece: some rows of tiles, and what is done to them."""
        w, blocking = self.w, self.blocking
        number, rest = w.divided(index, blocking.pieces // self.problem.count)
        row, column = w.divided(rest, blocking.pieces_across)
        first_block = w.value(f"mul i64 {row}, {blocking.group}")
        first_panel = w.value(f"mul i64 {column}, {blocking.across}")
        blocks = w.smaller(w.value(f"sub i64 {blocking.blocks}, {first_block}"), str(blocking.group))
        panels = w.smaller(w.value(f"sub i64 {blocking.panels}, {first_panel}"), str(blocking.across))
        before = [access.pointer for access in self.accesses]
        for axis, (_, length, of_a, of_b) in reversed(list(enumerate(self.problem.stack))):
            number, along = w.divided(number, length)
            self._advance(axis, along)
            at_a = w.moved(at_a, along, of_a * self.size)
            at_b = w.moved(at_b, along, of_b * self.size)
        _, of_rows, of_tiles, end = blocking.places
        packed_rows, tiles = w.moved(scratch, "1", of_rows), w.moved(scratch, "1", of_tiles)
        deep = blocking.steps > 1
        if deep:  # sums of blocks are added to what is there
            zero = w.module.intrinsic("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1"])
            w.write(f"call void {zero}(ptr align 64 {tiles}, i8 0, i64 {end - of_tiles}, i1 false)")

        def each_step(step: str, _: list[str]) -> list[str]:
            start = w.value(f"mul i64 {step}, {blocking.depth}")
            length = w.smaller(w.value(f"sub i64 {self.problem.k}, {start}"), str(blocking.depth))
            from_a = w.moved(at_a, start, self.problem.a.column_stride * self.size)
            from_b = w.moved(at_b, start, self.problem.b.row_stride * self.size)
            if blocking.packs_b:
                w.loop("0", panels, [], lambda one, _: self._pack(one, first_panel, from_b, scratch, length))

            def each_block(number: str, _: list[str]) -> list[str]:
                block = w.value(f"add i64 {first_block}, {number}")
                rows = w.moved(from_a, self._first_row(block), self.problem.a.row_stride * self.size)
                if blocking.packs_a:
                    w.write(f"call void @rows(ptr {rows}, ptr {packed_rows}, i64 {length})")
                    rows = packed_rows

                def each_panel(one: str, _: list[str]) -> list[str]:
                    panel = w.value(f"add i64 {first_panel}, {one}")
                    if blocking.packs_b:
                        columns = w.moved(scratch, one, blocking.panel_bytes)
                    else:
                        columns = w.moved(from_b, panel, blocking.width * self.size)
                    tile = self._tile(tiles, number, one) if deep else tiles
                    arguments = f"ptr {rows}, ptr {columns}, i64 {length}, ptr {tile}"
                    w.write(f"call void @multiply({arguments})")
                    if not deep:
                        self._finish(block, panel, tile)
                    return []

                return w.loop("0", panels, [], each_panel)

            return w.loop("0", blocks, [], each_block)

        def finish_block(number: str, _: list[str]) -> list[str]:
            def finish(one: str, _: list[str]) -> list[str]:
                block, panel = w.value(f"add i64 {first_block}, {number}"), w.value(f"add i64 {first_panel}, {one}")
                self._finish(block, panel, self._tile(tiles, number, one))
                return []

            return w.loop("0", panels, [], finish)

        if deep:
            w.loop("0", str(blocking.steps), [], each_step)
            w.loop("0", blocks, [], finish_block)
        else:
            each_step("0", [])
        self._restore(before)
        return []

    def _pack(self, one: str, first_panel: str, at_b: str, scratch: str, length: str) -> list[str]:
        w = self.w
        panel = w.value(f"add i64 {first_panel}, {one}")
        target = w.moved(scratch, one, self.blocking.panel_bytes)
        w.write(f"call void @panel(ptr {at_b}, ptr {target}, i64 {length}, i64 {panel})")
        return []

    def _tile(self, tiles: str, block: str, panel: str) -> str:
        place = self.w.value(f"add i64 {self.w.value(f'mul i64 {block}, {self.blocking.across}')}, {panel}")
        return self.w.moved(tiles, place, self.blocking.tile_bytes)

    def _first_row(self, block: str) -> str:
        """Where a block of rows begins: the last one ends with the last row, and has some of the one before."""
        row = self.w.value(f"mul i64 {block}, {self.blocking.rows}")
        return self.w.smaller(row, str(self.problem.m - self.blocking.rows))

    def _finish(self, block: str, panel: str, tile: str) -> None:
        """What is done to a tile: to its valid columns, and to those rows that the block before does not have."""
        w, blocking = self.w, self.blocking
        before = self._advance(len(self.axes) - 1, w.value(f"mul i64 {panel}, {blocking.width}"))
        first = self._first_row(block)
        known = w.value(f"sub i64 {w.value(f'mul i64 {block}, {blocking.rows}')}, {first}")
        valid = self.problem.n - (blocking.panels - 1) * blocking.width
        if valid == blocking.width or blocking.panels == 1:
            self._rows(first, known, tile, valid)
        else:
            whole, some, out = (w.fresh(word) for word in ("whole", "some", "out"))
            last = w.value(f"icmp eq i64 {panel}, {blocking.panels - 1}")
            w.write(f"br i1 {last}, label %{some}, label %{whole}")
            for name, columns in ((whole, blocking.width), (some, valid)):
                w.label(name)
                self._rows(first, known, tile, columns)
                w.write(f"br label %{out}")
            w.label(out)
        self._restore(before)

    def _rows(self, first: str, known: str, tile: str, columns: int) -> None:
        w, blocking = self.w, self.blocking
        kind = vector(self.kind, blocking.lanes)

        def each_row(number: str, _: list[str]) -> list[str]:
            at = w.moved(tile, number, blocking.width * self.size)
            before = self._advance(len(self.axes) - 2, w.value(f"add i64 {first}, {number}"))
            for start in range(0, columns, blocking.lanes):
                place = w.moved(at, str(start), self.size)
                value = w.result(f"load {kind}, ptr {place}, align {blocking.lanes * self.size}")
                along = self._advance(len(self.axes) - 1, str(start))
                left = columns - start
                Row(self, left if left < blocking.lanes else 0, {self.problem.node: value}).write()
                self._restore(along)
            self._restore(before)
            return []

        w.loop(known, str(blocking.rows), [], each_row)

    # The innermost loop ---------------------------------------------------------------------------------------------

    def _multiplication(self) -> str:
        """The function that multiplies some rows of A by a panel of B: ``(a, b, length, tile)``."""
        blocking, kind, size = self.blocking, self.kind, self.size
        w = Writer(self.w.module)
        w.lanes = lanes = blocking.lanes
        type = vector(kind, lanes)
        places = [(row, column) for row in range(blocking.rows) for column in range(blocking.vectors)]
        a = self.problem.a
        a_row, a_column = a.row_stride, a.column_stride
        if blocking.packs_a:
            a_row, a_column = (blocking.depth, 1) if a_column == 1 else (1, blocking.rows)
        b_row = blocking.width if blocking.packs_b else self.problem.b.row_stride
        w.write("br label %loop")
        w.label("loop")
        w.write("%i = phi i64 [0, %entry], [%i.next, %loop]")
        w.write("%a.at = phi ptr [%a, %entry], [%a.next, %loop]")
        w.write("%b.at = phi ptr [%b, %entry], [%b.next, %loop]")
        totals = {place: f"%total{i}" for i, place in enumerate(places)}
        for total in totals.values():
            w.write(f"{total} = phi {type} [zeroinitializer, %entry], [{total}.next, %loop]")
        row_of_b = []
        for column in range(blocking.vectors):
            at = w.moved("%b.at", str(column), lanes * size)
            row_of_b.append(w.result(f"load {type}, ptr {at}, align {size}"))
        name = w.module.intrinsic(f"llvm.fmuladd.{suffix(kind, lanes)}", type, [type] * 3)
        for row in range(blocking.rows):
            at = w.moved("%a.at", str(row), a_row * size)
            spread = w.spread(kind, w.result(f"load {kind}, ptr {at}, align {size}"))
            for column in range(blocking.vectors):
                total = totals[row, column]
                operands = ", ".join(f"{type} {one}" for one in (spread, row_of_b[column], total))
                w.write(f"{total}.next = call {type} {name}({operands})")
        w.write(f"%a.next = getelementptr i8, ptr %a.at, i64 {a_column * size}")
        w.write(f"%b.next = getelementptr i8, ptr %b.at, i64 {b_row * size}")
        w.write("%i.next = add nuw nsw i64 %i, 1")
        w.write("%more = icmp slt i64 %i.next, %length")
        w.write("br i1 %more, label %loop, label %done")
        w.label("done")
        for number, total in enumerate(totals.values()):
            at = w.moved("%tile", str(number), lanes * size)
            found = f"{total}.next"
            if blocking.steps > 1:  # there is the sum of the blocks before
                found = w.binary("fadd", kind, w.result(f"load {type}, ptr {at}, align {lanes * size}"), found)
            w.write(f"store {type} {found}, ptr {at}, align {lanes * size}")
        parameters = "ptr noalias %a, ptr noalias %b, i64 %length, ptr noalias %tile"
        return w.function("multiply", parameters, inline=False)
