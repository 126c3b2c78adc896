"""Matrix products in machine code of our own: C = A B, tile by tile, with what comes after it done to each tile.

A tile of C, some rows by a few vectors, is kept in registers while both operands are walked along the axis that is
summed over: elements of A are read one by one and spread over a vector, rows of B are read in vectors. So that these
lie side by side B is first packed into panels, each as wide as a tile. All lengths and strides are known, and the tile
is chosen for them. Each element of C is summed in one fixed order, so no result depends on tiles or threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pullback.compiler.contractions import (
    Letters,
    Matrix,
    as_matrix,
    joined,
    lengths_of,
    letters_of,
    rows_and_columns,
)
from pullback.compiler.emit import Module, stored, vector_bytes
from pullback.compiler.fuse import Kernel
from pullback.compiler.instructions import Writer
from pullback.compiler.loops import Access, Axis, KernelWriter, Row
from pullback.compiler.packing import Panels, packing
from pullback.compiler.views import Buffer, View
from pullback.compiler.words import suffix, vector
from pullback.core.node import Node

_PIECE = 500_000
"""Floating-point operations of a piece that one thread takes at a time, about."""
_MOST_PIECES = 64
_DEPTH = 448
"""The summed axis is cut into blocks of at most this length: so a panel stays in the cache, and sums are more exact."""
_GROUP = 8
"""Tiles, one below the other, that share such a block of a panel."""
_NEAR = 512 * 1024
"""Bytes of A that are walked for one panel after the other."""
_PAGE = 4096
_WAYS = 8
"""Rows of A that are walked side by side where they are apart by pages: lines of one set of the first cache."""


@dataclass(frozen=True)
class Problem:
    """A stack of products of matrices.

    Attributes:
        node, letters: what is computed.
        a, b: the operands, of one place of the stack. The columns of the result lie side by side.
        views: where the operands lie.
        rows, columns: letters of the result's axes.
        stack: the axes of the stack: letter, length, strides of a and b.
    """

    node: Node
    letters: Letters
    a: Matrix
    b: Matrix
    views: tuple[View, View]
    rows: str
    columns: str
    stack: tuple[tuple[str, int, int, int], ...]

    @property
    def m(self) -> int:
        """Rows of the result."""
        return self.a.rows

    @property
    def n(self) -> int:
        """Columns of the result."""
        return self.b.columns

    @property
    def k(self) -> int:
        """The length of the axis that is summed over."""
        return self.a.columns

    @property
    def count(self) -> int:
        """How many products there are."""
        return math.prod(length for _, length, _, _ in self.stack)

    @property
    def flops(self) -> int:
        """Floating-point operations."""
        return 2 * self.m * self.n * self.k * self.count


def problem_of(node: Node, views: Sequence[View]) -> Problem:
    """The product that a node is, its operands being where the views say."""
    letters = letters_of(node)
    assert letters is not None
    lengths = lengths_of(node, letters)
    a = as_matrix(letters.a, views[0], letters.m, letters.k)
    b = as_matrix(letters.b, views[1], letters.n, letters.k)
    assert a is not None, (node, views[0])
    assert b is not None, (node, views[1])
    b = b.transposed
    x, y = (letters.a, views[0]), (letters.b, views[1])
    rows, columns = rows_and_columns(node, letters)
    if rows == letters.n:  # the result lies column by column: its transpose is the product
        a, b, x, y = b.transposed, a.transposed, y, x
    stack = tuple(
        (one, lengths[one], x[1].strides[x[0].index(one)], y[1].strides[y[0].index(one)]) for one in letters.stack
    )
    return Problem(node, letters, a, b, (x[1], y[1]), rows, columns, stack)


# Tiles ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Blocking:
    """How a product is cut.

    Attributes:
        rows: of a tile.
        vectors: columns of a tile, in vectors.
        lanes: elements of a vector.
        packed: whether B is packed into panels first.
    """

    rows: int
    vectors: int
    lanes: int
    packed: bool

    @property
    def width(self) -> int:
        """Columns of a tile."""
        return self.vectors * self.lanes


def blocking_of(problem: Problem) -> Blocking:
    """The tiles with which a product takes the fewest cycles, about."""
    size = problem.views[0].dtype.itemsize
    lanes = vector_bytes() // size
    registers = 32 if vector_bytes() == 64 else 16
    while lanes // 2 >= problem.n:
        lanes //= 2
    length = -(-problem.n // lanes)
    apart = problem.a.row_stride * size
    most = _WAYS if problem.a.column_stride == 1 and apart % _PAGE == 0 else 16

    def cycles(shape: tuple[int, int]) -> tuple[float, int]:
        rows, vectors = shape
        tiles = -(-problem.m // rows) * -(-length // vectors)
        # In a cycle two multiplications, or two reads; a panel comes from the second cache; a sum takes four cycles.
        each = max(rows * vectors / 2, (rows + vectors) / 2, 2 * vectors, 4)
        return tiles * (problem.k * each + 30 + 2 * rows * vectors), -rows * vectors

    shapes = [
        (rows, vectors)
        for rows in range(1, min(most, problem.m) + 1)
        for vectors in range(1, min(length, 7) + 1)
        if rows * vectors + vectors < registers
    ]
    rows, vectors = min(shapes, key=cycles)
    direct = problem.b.column_stride == 1 and problem.n % (vectors * lanes) == 0 and problem.m <= 2 * rows
    return Blocking(rows, vectors, lanes, not direct)


def panels_of(problem: Problem, blocking: Blocking) -> Panels:
    """The panels of B."""
    dtype = problem.views[1].dtype
    return Panels(problem.b, stored(dtype), dtype.itemsize, blocking.vectors, blocking.lanes)


class ProductWriter(KernelWriter):
    """Writes a product, and the kernel that is done to each tile of it, as functions ``run(operands, begin, end)``.

    Args:
        kernel: what is done to the product; without nodes if that is just stored.
        problem: what is multiplied.
        packed: memory for the panels of B.
    """

    def __init__(
        self,
        module: Module,
        kernel: Kernel,
        problem: Problem,
        blocking: Blocking,
        packed: Buffer | None,
        views: dict[Node, View],
        locate: Callable[[Node], View],
        base: dict[Node, Node],
        place: Callable[[Buffer], int],
    ) -> None:
        self.problem, self.blocking, self.packed = problem, blocking, packed
        super().__init__(module, kernel, views, locate, base, place)
        self.kind = stored(problem.views[0].dtype)
        self.size = problem.views[0].dtype.itemsize
        self.blocks = -(-problem.m // blocking.rows)
        self.panels = panels_of(problem, blocking).count
        self.steps = -(-problem.k // _DEPTH)
        self.depth = -(-problem.k // self.steps)
        self.deep = self.steps > 1
        self.group = min(self.blocks, _GROUP) if self.deep else 1
        self.groups = -(-self.blocks // self.group)
        near = blocking.rows * self.group * self.depth * self.size
        self.chunk = min(self.groups, max(1, _NEAR // near))

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
    def trips(self) -> int:
        """Into how many pieces the product is cut."""
        return self.problem.count * self.panels * self.groups

    @property
    def tile(self) -> int:
        """How many of them belong together."""
        return together(self.trips, self.problem.flops)

    @property
    def packing_trips(self) -> int:
        """Panels of B."""
        return self.problem.count * self.panels

    @property
    def packing_tile(self) -> int:
        """How many panels belong together."""
        return together(self.packing_trips, 8 * self.packing_trips * self.problem.k * self.blocking.width)

    # Writing --------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The function, and those that it calls."""
        w = self.w
        for access in self.accesses:
            access.pointer = self._begin(w, access)
        a, b = (Access(view, []) for view in self.problem.views)
        at_a = self._begin(w, a)
        at_b = self._begin(w, b) if self.packed is None else self._begin(w, Access(self.packed.view(), []))
        tile_bytes = self.blocking.rows * self.blocking.width * self.size
        scratch = w.result(f"alloca [{self.group * tile_bytes} x i8], align 64")
        w.loop("%begin", "%end", [], lambda index, _: self._piece(index, at_a, at_b, scratch))
        return "\n".join([self._kernel_text(), w.function("run")])

    def _piece(self, index: str, at_a: str, at_b: str, scratch: str) -> list[str]:
        """One piece: the tiles of a group of rows in a panel, and what is done to them."""
        w, problem, blocking = self.w, self.problem, self.blocking
        each = self.panels * self.groups
        number, rest = w.divided(index, each)
        panel, group = self._place(rest)
        column = w.value(f"mul i64 {panel}, {blocking.width}")
        indices = self._unravelled(w, number)
        before = [access.pointer for access in self.accesses]
        for axis, one in enumerate(indices):
            self._advance(axis, one)
        self._advance(len(self.axes) - 1, column)
        for one, (_, _, of_a, of_b) in zip(indices, problem.stack, strict=True):
            at_a = w.moved(at_a, one, of_a * self.size)
            if not blocking.packed:
                at_b = w.moved(at_b, one, of_b * self.size)
        if blocking.packed:
            place = w.value(f"add i64 {w.value(f'mul i64 {number}, {self.panels}')}, {panel}")
            at_b = w.moved(at_b, place, problem.k * blocking.width * self.size)
        else:
            at_b = w.moved(at_b, column, self.size)
        if self.deep:
            self._group_of_tiles(group, panel, at_a, at_b, scratch)
        else:
            self._multiply(group, at_a, at_b, str(problem.k), scratch)
            self._finish(group, panel, scratch)
        self._restore(before)
        return []

    def _group_of_tiles(self, group: str, panel: str, at_a: str, at_b: str, scratch: str) -> None:
        """Several tiles, for one block of the summed axis after the other."""
        w, problem, blocking = self.w, self.problem, self.blocking
        tile_bytes = blocking.rows * blocking.width * self.size
        first = w.value(f"mul i64 {group}, {self.group}")
        left = w.value(f"sub i64 {self.blocks}, {first}")
        count = w.smaller(left, str(self.group))
        zero = w.module.intrinsic("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1"])
        w.write(f"call void {zero}(ptr align 64 {scratch}, i8 0, i64 {self.group * tile_bytes}, i1 false)")

        def each_block(depth: str, _: list[str]) -> list[str]:
            start = w.value(f"mul i64 {depth}, {self.depth}")
            length = w.smaller(w.value(f"sub i64 {problem.k}, {start}"), str(self.depth))
            from_a = w.moved(at_a, start, problem.a.column_stride * self.size)
            from_b = w.moved(at_b, start, self._b_step)

            def each_tile(number: str, _: list[str]) -> list[str]:
                block = w.value(f"add i64 {first}, {number}")
                self._multiply(block, from_a, from_b, length, w.moved(scratch, number, tile_bytes))
                return []

            return w.loop("0", count, [], each_tile)

        w.loop("0", str(self.steps), [], each_block)

        def finish(number: str, _: list[str]) -> list[str]:
            self._finish(w.value(f"add i64 {first}, {number}"), panel, w.moved(scratch, number, tile_bytes))
            return []

        w.loop("0", count, [], finish)

    def _multiply(self, block: str, at_a: str, at_b: str, length: str, tile: str) -> None:
        at_a = self.w.moved(at_a, self._first_row(block), self.problem.a.row_stride * self.size)
        self.w.write(f"call void @multiply(ptr {at_a}, ptr {at_b}, i64 {length}, ptr {tile})")

    def _first_row(self, block: str) -> str:
        """Where a block of rows begins: the last one ends with the last row, and has some of the one before."""
        row = self.w.value(f"mul i64 {block}, {self.blocking.rows}")
        return self.w.smaller(row, str(self.problem.m - self.blocking.rows))

    def _finish(self, block: str, panel: str, tile: str) -> None:
        """What is done to a tile: to its valid columns, and to those rows that the block before does not have."""
        w, blocking = self.w, self.blocking
        first = self._first_row(block)
        known = w.value(f"sub i64 {w.value(f'mul i64 {block}, {blocking.rows}')}, {first}")
        valid = self.problem.n - (self.panels - 1) * blocking.width
        if valid == blocking.width:
            self._rows(first, known, tile, valid)
            return
        names = [w.fresh(word) for word in ("whole", "some", "out")]
        last = w.value(f"icmp eq i64 {panel}, {self.panels - 1}")
        w.write(f"br i1 {last}, label %{names[1]}, label %{names[0]}")
        for name, columns in ((names[0], blocking.width), (names[1], valid)):
            if name == names[0] and self.panels == 1:
                w.label(name)
                w.write("unreachable")
                continue
            w.label(name)
            self._rows(first, known, tile, columns)
            w.write(f"br label %{names[2]}")
        w.label(names[2])

    def _rows(self, first: str, known: str, tile: str, columns: int) -> None:
        w, blocking = self.w, self.blocking
        kind = vector(self.kind, blocking.lanes)

        def each_row(number: str, _: list[str]) -> list[str]:
            at = w.moved(tile, number, blocking.width * self.size)
            before = self._advance(len(self.axes) - 2, w.value(f"add i64 {first}, {number}"))
            for start in range(0, columns, blocking.lanes):
                found = w.value(f"getelementptr i8, ptr {at}, i64 {start * self.size}")
                value = w.result(f"load {kind}, ptr {found}, align {blocking.lanes * self.size}")
                along = self._advance(len(self.axes) - 1, str(start))
                left = columns - start
                Row(self, left if left < blocking.lanes else 0, {self.problem.node: value}).write()
                self._restore(along)
            self._restore(before)
            return []

        w.loop(known, str(blocking.rows), [], each_row)

    # Numbers --------------------------------------------------------------------------------------------------------

    def _place(self, rest: str) -> tuple[str, str]:
        """The panel and the group of a piece: all panels for the groups of one chunk, then for those of the next."""
        w = self.w
        if self.chunk == self.groups:
            return w.divided(rest, self.groups)
        chunk, rest = w.divided(rest, self.panels * self.chunk)
        first = w.value(f"mul i64 {chunk}, {self.chunk}")
        here = w.smaller(w.value(f"sub i64 {self.groups}, {first}"), str(self.chunk))
        panel, group = w.divided(rest, here)
        return panel, w.value(f"add i64 {first}, {group}")

    def _unravelled(self, w: Writer, number: str) -> list[str]:
        """The index along each axis of the stack."""
        found: list[str] = []
        for _, length, _, _ in reversed(self.problem.stack):
            number, index = w.divided(number, length)
            found.append(index)
        return found[::-1]

    @property
    def _b_step(self) -> int:
        """Bytes from one row of B to the next, as it is read."""
        return (self.blocking.width if self.blocking.packed else self.problem.b.row_stride) * self.size

    # The innermost loop ---------------------------------------------------------------------------------------------

    def _kernel_text(self) -> str:
        """The function that multiplies some rows of A by a panel of B: ``(a, b, length, tile)``."""
        blocking, kind, size = self.blocking, self.kind, self.size
        w = Writer(self.w.module)
        w.lanes = lanes = blocking.lanes
        type = vector(kind, lanes)
        places = [(row, column) for row in range(blocking.rows) for column in range(blocking.vectors)]
        at_tile = [
            w.value(f"getelementptr i8, ptr %tile, i64 {(row * blocking.vectors + column) * lanes * size}")
            for row, column in places
        ]
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
            at = w.value(f"getelementptr i8, ptr %b.at, i64 {column * lanes * size}")
            row_of_b.append(w.result(f"load {type}, ptr {at}, align {size}"))
        name = w.module.intrinsic(f"llvm.fmuladd.{suffix(kind, lanes)}", type, [type] * 3)
        for row in range(blocking.rows):
            at = w.value(f"getelementptr i8, ptr %a.at, i64 {row * self.problem.a.row_stride * size}")
            spread = w.spread(kind, w.result(f"load {kind}, ptr {at}, align {size}"))
            for column in range(blocking.vectors):
                total = totals[row, column]
                operands = ", ".join(f"{type} {one}" for one in (spread, row_of_b[column], total))
                w.write(f"{total}.next = call {type} {name}({operands})")
        w.write(f"%a.next = getelementptr i8, ptr %a.at, i64 {self.problem.a.column_stride * size}")
        w.write(f"%b.next = getelementptr i8, ptr %b.at, i64 {self._b_step}")
        w.write("%i.next = add nuw nsw i64 %i, 1")
        w.write("%more = icmp slt i64 %i.next, %length")
        w.write("br i1 %more, label %loop, label %done")
        w.label("done")
        for total, at in zip(totals.values(), at_tile, strict=True):
            found = f"{total}.next"
            if self.deep:  # there is the sum of the blocks before
                found = w.binary("fadd", kind, w.result(f"load {type}, ptr {at}, align {lanes * size}"), found)
            w.write(f"store {type} {found}, ptr {at}, align {lanes * size}")
        parameters = "ptr noalias %a, ptr noalias %b, i64 %length, ptr noalias %tile"
        return w.function("multiply", parameters, inline=False)

    # Packing --------------------------------------------------------------------------------------------------------

    def packing_text(self) -> str:
        """The function that packs panels of B, and those that it calls."""
        assert self.packed is not None
        panels = panels_of(self.problem, self.blocking)
        source, target = Access(self.problem.views[1], []), Access(self.packed.view(), [])

        def origin(w: Writer, pointer: str, number: str) -> str:
            for index, (_, _, _, stride) in zip(self._unravelled(w, number), self.problem.stack, strict=True):
                pointer = w.moved(pointer, index, stride * self.size)
            return pointer

        return packing(
            self.w.module,
            panels,
            lambda w: (self._begin(w, source), self._begin(w, target)),
            origin,
        )


def together(trips: int, flops: int) -> int:
    """How many of the pieces of a part belong together, when it has so many floating-point operations."""
    pieces = min(flops // _PIECE, _MOST_PIECES)
    return trips if pieces < 2 else -(-trips // pieces)
