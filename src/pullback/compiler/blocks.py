"""Reductions of everything to a few numbers: in blocks that threads take, which are added up in one fixed order.

A kernel whose axes are all reduced is no loop over places that are kept, which threads could share. So each loop of it
becomes a function over blocks, that leaves what each block adds up in memory, and one that adds up the blocks, does
what is left over and computes what the next loop needs. The blocks depend on the shape alone.
"""

from __future__ import annotations

from collections.abc import Callable

from pullback.compiler.emit import Module, element
from pullback.compiler.fuse import Kernel, is_reduction
from pullback.compiler.instructions import Writer
from pullback.compiler.loops import PARALLEL, KernelWriter, Row, Walk, beginning, work_of
from pullback.compiler.machine import vector_bytes
from pullback.compiler.views import Buffer, View
from pullback.core.node import Node

_BLOCKS = 64
_BLOCK = 50_000
"""Work of a block, at least about."""
_NUMBER = 8
"""Bytes for one number that later loops need."""


def is_blocked(kernel: Kernel) -> bool:
    """Whether a kernel is to be computed in blocks."""
    if kernel.product is not None or kernel.axes is None or work_of(kernel) < PARALLEL:
        return False
    return all(kernel.shape[axis] == 1 for axis in kernel.kept)


def scratch_bytes(kernel: Kernel) -> int:
    """How much memory the blocks of a kernel need."""
    sums = sum(is_reduction(node) for node in kernel.nodes)
    return len(kernel.outer) * _NUMBER + (sums * _BLOCKS + 1) * vector_bytes() * 8


class BlockedWriter(KernelWriter):
    """Writes a kernel that reduces all axes as functions over blocks.

    Args:
        scratch: memory for what blocks add up, and for numbers that later loops need.
    """

    def __init__(
        self,
        module: Module,
        kernel: Kernel,
        scratch: Buffer,
        views: dict[Node, View],
        locate: Callable[[Node], View],
        base: dict[Node, Node],
        place: Callable[[Buffer], int],
    ) -> None:
        super().__init__(module, kernel, views, locate, base, place)
        self.scratch = scratch
        self.numbers = {node: i for i, node in enumerate(node for node in kernel.nodes if node in kernel.outer)}
        self.stages = range(max(kernel.stages.values(), default=0) + 1)
        whole = self.axes[self.inner[0]].length // self.scale(0)
        self.block = -(-whole // max(1, min(_BLOCKS, work_of(kernel) // _BLOCK)))
        self.whole, self.blocks = whole, -(-whole // self.block)
        self.begins = any(kernel.stages[node] == 0 for node in kernel.outer)
        self.walked = [stage for stage in self.stages if Row(self, 0).walk(stage) is not None]

    @property
    def parts(self) -> list[tuple[str, int, int]]:
        """The functions to call: name, how many blocks there are, and how many of these belong together."""
        found = [("before", 1, 1)] if self.begins else []
        for stage in self.walked:
            found += [(f"walk{stage}", self.blocks, 1), (f"join{stage}", 1, 1)]
        return found

    def text(self) -> str:
        """The functions."""
        texts = [self._function("before", self._before, 0)] if self.begins else []
        for stage in self.walked:
            texts += [
                self._function(f"walk{stage}", self._walk, stage),
                self._function(f"join{stage}", self._join, stage),
            ]
        return "\n".join(texts)

    def _function(self, name: str, write: Callable[[str, int], None], stage: int) -> str:
        w = self.w = Writer(self.w.module)
        for access in self.accesses:
            access.pointer = self._begin(w, access)
        write(beginning(w, self.scratch.view(), self.place), stage)
        return w.function(name)

    def _before(self, scratch: str, stage: int) -> None:
        self._outer(Row(self, 0), scratch, stage)

    def _outer(self, row: Row, scratch: str, stage: int) -> None:
        """Compute what is at the outer level before the loop of a stage, and keep it for later ones."""
        row.outer_level(stage)
        for node, value in row.outer.items():
            if self.kernel.stages[node] == stage:
                place = self.w.moved(scratch, str(self.numbers[node]), _NUMBER)
                self.w.write(f"store {element(node.array_aval.dtype)} {value}, ptr {place}")

    def _row(self, scratch: str, stage: int) -> Row:
        """The state of a row before the loop of a stage: the numbers at the outer level are read back."""
        row = Row(self, 0)
        for node, number in self.numbers.items():
            if self.kernel.stages[node] <= stage:
                place = self.w.moved(scratch, str(number), _NUMBER)
                row.outer[node] = self.w.result(f"load {element(node.array_aval.dtype)}, ptr {place}")
        return row

    def _walk(self, scratch: str, stage: int) -> None:
        """Add up some blocks."""
        w = self.w
        row = self._row(scratch, stage)

        def each(block: str, _: list[str]) -> list[str]:
            start = w.value(f"mul i64 {block}, {self.block}")
            stop = w.smaller(w.value(f"add i64 {start}, {self.block}"), str(self.whole))
            walk = row.walk(stage)
            assert walk is not None
            for total, place, type in zip(
                row.over_some(walk, start, stop), self._places(scratch, walk, block), walk.types, strict=True
            ):
                w.write(f"store {type} {total}, ptr {place}, align 8")
            return []

        w.loop("%begin", "%end", [], each)

    def _join(self, scratch: str, stage: int) -> None:
        """Add up what the blocks have added up, and what is left over; go on to what the next loop needs."""
        w = self.w
        row = self._row(scratch, stage)
        walk = row.walk(stage)
        assert walk is not None

        def each(block: str, totals: list[str]) -> list[str]:
            places = zip(walk.types, self._places(scratch, walk, block), strict=True)
            return row.combined(walk, totals, [w.result(f"load {type}, ptr {at}, align 8") for type, at in places])

        totals = w.loop("0", str(self.blocks), list(zip(walk.types, walk.first, strict=True)), each)
        row.keep(walk, row.over_rest(walk, totals))
        for node in walk.sums:
            place = w.moved(scratch, str(self.numbers[node]), _NUMBER)
            w.write(f"store {element(node.array_aval.dtype)} {row.outer[node]}, ptr {place}")
        self._outer(row, scratch, stage + 1)

    def _places(self, scratch: str, walk: Walk, block: str) -> list[str]:
        """Where a block leaves what it adds up."""
        each = vector_bytes() * 8
        first = self.w.moved(self.w.moved(scratch, str(len(self.numbers)), _NUMBER), block, len(walk.sums) * each)
        return [self.w.moved(first, str(i), each) for i in range(len(walk.sums))]
