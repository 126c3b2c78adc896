"""Matrix products in machine code of our own: C = A B, tile by tile, with what comes after it done to each tile.

A tile of C, some rows by a few vectors, is kept in registers while both operands are walked along the axis that is
summed over: elements of A are read one by one and spread over a vector, rows of B are read in vectors. So that these
lie side by side B is first packed into panels, each as wide as a tile. All lengths and strides are known, and the tile
is chosen for them. Each element of C is summed in one fixed order, so no result depends on tiles or threads.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from pullback.compiler.blocking import Blocking
from pullback.compiler.contractions import joined
from pullback.compiler.emit import Module, stored
from pullback.compiler.fuse import Kernel
from pullback.compiler.instructions import Writer
from pullback.compiler.loops import Axis, KernelWriter, Row
from pullback.compiler.tiles import table, traverse
from pullback.compiler.views import Buffer, View
from pullback.compiler.words import vector
from pullback.core.node import Node

_UNROLLED = 12
"""Nodes, times vectors of a row of a tile, that are written one after the other, without a loop."""


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
        module = self.w.module
        texts = [self._finish(), table(module, self.blocking, self.scratch.view(), self.place)]
        w = Writer(module)
        w.write(f"tail call void {traverse(module)}(ptr %operands, i64 %begin, i64 %end, ptr %scratch, ptr @table)")
        return "\n".join([*texts, w.function("run")])

    def _finish(self) -> str:
        """The function that finishes some rows of a tile, as far as its columns are valid, from a row and column on."""
        w, blocking = self.w, self.blocking
        for access in self.accesses:
            access.pointer = self._begin(w, access)
        number = "%number"
        for axis, (_, length, _, _) in reversed(list(enumerate(self.problem.stack))):
            number, along = w.divided(number, length) if axis else ("0", number)
            self._advance(axis, along)
        self._advance(len(self.axes) - 2, "%row")
        self._advance(len(self.axes) - 1, "%column")
        valid = self.problem.n - (blocking.panels - 1) * blocking.width
        all_alike = valid == blocking.width or blocking.panels == 1
        last = "true" if all_alike else w.value(f"icmp eq i64 %column, {(blocking.panels - 1) * blocking.width}")
        if blocking.vectors * len(self.kernel.nodes) > _UNROLLED:
            self._rows(lambda at: self._over_vectors(at, last, valid))
        elif all_alike:
            self._rows(lambda at: self._unrolled(at, valid))
        else:
            some, whole = (functools.partial(self._unrolled, columns=columns) for columns in (valid, blocking.width))
            w.choose(last, lambda: self._rows(some), lambda: self._rows(whole))
        parameters = "ptr noalias %operands, ptr noalias %tile, i64 %row, i64 %count, i64 %column, i64 %number"
        return w.function("finish", parameters, inline=False)

    def _rows(self, each: Callable[[str], None]) -> None:
        """The loop over the rows; ``each`` writes what is done to the one that lies at a place."""
        w, blocking = self.w, self.blocking

        def each_row(number: str, _: list[str]) -> list[str]:
            before = self._advance(len(self.axes) - 2, number)
            each(w.moved("%tile", number, blocking.width * self.size))
            self._restore(before)
            return []

        w.loop("0", "%count", [], each_row)

    def _unrolled(self, at: str, columns: int) -> None:
        """All vectors of a row, one after the other."""
        lanes = self.blocking.lanes
        for start in range(0, columns, lanes):
            self._vector(at, str(start), columns - start)

    def _over_vectors(self, at: str, last: str, valid: int) -> None:
        """The loop over the vectors of a row, and what is left over in the last panel."""
        w, blocking = self.w, self.blocking
        full, rest = divmod(valid, blocking.lanes)
        count = str(full)
        if blocking.panels > 1 and full < blocking.vectors:
            count = w.value(f"select i1 {last}, i64 {full}, i64 {blocking.vectors}")

        def each(start: str, _: list[str]) -> list[str]:
            self._vector(at, start, blocking.lanes)
            return []

        if full:
            w.loop("0", count, [], each, blocking.lanes)
        elif blocking.panels > 1:
            w.when(w.value(f"icmp sgt i64 {count}, 0"), lambda: w.loop("0", count, [], each, blocking.lanes))
        if rest:
            w.when(last, lambda: self._vector(at, str(full * blocking.lanes), rest))

    def _vector(self, at: str, start: str, left: int) -> None:
        """What is done to one vector of a row that lies at a place, of which so many elements are left."""
        w, lanes = self.w, self.blocking.lanes
        place = w.moved(at, start, self.size)
        value = w.result(f"load {vector(self.kind, lanes)}, ptr {place}, align {lanes * self.size}")
        before = self._advance(len(self.axes) - 1, start)
        Row(self, left if left < lanes else 0, {self.problem.node: value}).write()
        self._restore(before)
