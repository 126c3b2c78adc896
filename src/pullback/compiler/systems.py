"""Loop nests of small matrices: factors, and what solves with them (see ops/linalg/elimination.py, which they follow).

Vectors go across the members of a stack, or across columns where there is no stack to speak of. Matrices of a few rows
are straight-line code in registers; others lie in memory of the function's own and are gone through by loops. Both are
written by the same text: only where cells lie and how steps are repeated differs. A pivot is chosen for each lane, and
rows are exchanged by selections.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from pullback.compiler.allocation import ALIGNMENT
from pullback.compiler.emit import Module, element
from pullback.compiler.fuse import Kernel
from pullback.compiler.instructions import Writer
from pullback.compiler.loops import Access, KernelWriter, Row, tile_of
from pullback.compiler.machine import vector_bytes
from pullback.compiler.views import Buffer, View
from pullback.compiler.words import vector
from pullback.core.node import Node
from pullback.ops.linalg.elimination import negligible

_IN_REGISTERS = 4
"""Rows and columns up to which a matrix is straight-line code."""

Index = int | str
"""A number, or the name of an ``i64``."""


class SystemWriter(KernelWriter):
    """Writes one of ``SYSTEMS`` as a function; arguments as for ``KernelWriter``."""

    def __init__(
        self, module: Module, node: Node, locate: Callable[[Node], View], place: Callable[[Buffer], int]
    ) -> None:
        self.node = node
        self.w = Writer(module)
        self.place = place
        factors = node if node.primitive.name == "eliminate" else node.inputs[0]
        self.n = factors.array_aval.shape[-2 if node.primitive.name in ("cholesky_or_nan", "substitute") else 0]
        first = (
            2 if node.primitive.name in ("eliminate", "solve_eliminated") else 0
        )  # of the axes of a stack in factors
        rank = factors.array_aval.ndim - 2
        stack = factors.array_aval.shape[first : first + rank]
        right = node.inputs[1:]
        self.columns = right[0].array_aval.shape[-1] if right else 1
        width = vector_bytes() // node.array_aval.dtype.itemsize
        side_by_side = bool(right) and math.prod(stack) < min(width, self.columns)
        self.kernel = Kernel((*stack, self.columns) if side_by_side else stack, None, [node])
        self.steps: list[tuple[int, int]] = []  # of each access, from row to row and from column to column

        def access(one: Node, lies_last: bool) -> Access:
            view = locate(one)
            cells = view.strides[:2] if lies_last else view.strides[rank:]
            strides = list(view.strides[2:] if lies_last else view.strides[:rank])
            strides = [0 if n == 1 else stride for n, stride in zip(stack, strides, strict=True)]
            if side_by_side:
                strides.append(cells[1] if one in (node, *right) and not lies_last else 0)
            self.steps.append((cells[0], cells[1]))
            return Access(view, strides)

        accesses = [access(node.inputs[0], bool(first) and factors is not node)]
        accesses += [access(one, False) for one in (*right, node)] if factors is not node else [access(node, True)]
        if side_by_side:
            if len(accesses) == 3 and node.inputs[0] in right:
                accesses[0].strides[-1] = 0
            self.columns = 1
        self._arrange(accesses)

    @property
    def in_registers(self) -> bool:
        """Whether cells are registers, and steps are written one after the other."""
        return self.n <= _IN_REGISTERS

    @property
    def parts(self) -> list[tuple[str, int, int]]:
        """The function, with an estimate of what there is to do."""
        operations = self.n**2 * (self.columns if len(self.accesses) == 3 else self.n)
        return [("run", self.trips, tile_of(self.trips, math.prod(self.kernel.shape) * operations))]

    def text(self) -> str:
        """The function, which begins with memory for cells that are no registers."""
        if not self.in_registers:
            type = vector(element(self.node.array_aval.dtype), self.lanes)
            self.memory = self.w.result(f"alloca [{self.n * (self.n + 3)} x {type}], align {ALIGNMENT}")
        return super().text()

    def _write_row(self, mask: int) -> None:
        self.w.lanes = self.lanes
        _SystemRow(self, mask).write()


class _Registers:
    """Cells that are values."""

    def __init__(self) -> None:
        self._values: dict[tuple[Index, Index], str] = {}

    def get(self, i: Index, j: Index = 0) -> str:
        return self._values[i, j]

    def set(self, i: Index, j: Index, value: str) -> None:
        self._values[i, j] = value


class _Memory:
    """Cells that lie row by row from a pointer on, each with all its lanes."""

    def __init__(self, w: Writer, kind: str, size: int, pointer: str, columns: int) -> None:
        self.w, self.columns, self.pointer = w, columns, pointer
        self.type, self.size = w.type(kind), size * w.lanes

    def _at(self, i: Index, j: Index) -> str:
        row = self.w.moved(self.pointer, str(i), self.columns * self.size)
        return self.w.moved(row, str(j), self.size)

    def get(self, i: Index, j: Index = 0) -> str:
        return self.w.result(f"load {self.type}, ptr {self._at(i, j)}, align {self.size}")

    def set(self, i: Index, j: Index, value: str) -> None:
        self.w.write(f"store {self.type} {value}, ptr {self._at(i, j)}, align {self.size}")


class _Operand:
    """Cells of an operand or of the result, where they lie."""

    def __init__(self, row: _SystemRow, access: Access, steps: tuple[int, int]) -> None:
        size = access.view.dtype.itemsize
        self.row, self.access = row, access
        self.steps = tuple(step * size for step in steps)

    def _at(self, i: Index, j: Index) -> Access:
        w = self.row.w
        pointer = w.moved(self.access.pointer, str(i), self.steps[0])
        return replace(self.access, pointer=w.moved(pointer, str(j), self.steps[1]))

    def get(self, i: Index, j: Index = 0) -> str:
        return self.row._load(self._at(i, j), self.row.mask)

    def set(self, i: Index, j: Index, value: str) -> None:
        self.row._store(self._at(i, j), value, self.row.mask)


_Cells = _Registers | _Memory | _Operand


class _SystemRow(Row):
    """One member of a stack, or one vector of them."""

    k: SystemWriter

    def __init__(self, writer: SystemWriter, mask: int) -> None:
        super().__init__(writer, mask)
        self.n = writer.n
        self.dtype = writer.node.array_aval.dtype
        self.kind = element(self.dtype)
        self.taken = 0  # cells of the memory
        *self.operands, self.out = (
            _Operand(self, access, steps) for access, steps in zip(writer.accesses, writer.steps, strict=True)
        )

    def write(self) -> None:
        """Write what the primitive does."""
        _WRITERS[self.k.node.primitive.name](self)

    # Cells and steps ------------------------------------------------------------------------------------------------

    def cells(self, rows: int, columns: int) -> _Cells:
        """New cells."""
        if self.k.in_registers:
            return _Registers()
        size = self.dtype.itemsize
        pointer = self.w.moved(self.k.memory, str(self.taken), size * self.w.lanes)
        self.taken += rows * columns
        return _Memory(self.w, self.kind, size, pointer, columns)

    def copied(self, operand: _Operand, columns: int) -> _Cells:
        """The rows of an operand in new cells."""
        found = self.cells(self.n, columns)
        self.each(0, self.n, lambda i: self.each(0, columns, lambda j: found.set(i, j, operand.get(i, j))))
        return found

    def read(self, operand: _Operand, columns: int) -> _Cells:
        """The same, to be read only: where they lie if it costs no more to read them there."""
        near = self.w.lanes == 1 or self._stride(operand.access) in (0, 1)
        return operand if near and not self.k.in_registers else self.copied(operand, columns)

    def each(self, start: Index, stop: Index, body: Callable[[Index], object], down: bool = False) -> None:
        """Do something for each number of a range; ``down`` begins with its last, and the range with 0."""
        if self.k.in_registers and isinstance(start, int) and isinstance(stop, int):
            for i in reversed(range(start, stop)) if down else range(start, stop):
                body(i)
            return
        if isinstance(start, int) and isinstance(stop, int):
            if start < stop:
                self._repeat(start, stop, body, down)
            return
        some = self.w.value(f"icmp slt i64 {start}, {stop}")
        self.w.when(some, lambda: self._repeat(start, stop, body, down))

    def _repeat(self, start: Index, stop: Index, body: Callable[[Index], object], down: bool) -> None:
        def inside(index: str, _: list[str]) -> list[str]:
            if down:
                index = self.w.value(f"sub i64 {self.plus(stop, -1)}, {index}")
            body(index)
            return []

        self.w.loop(str(start), str(stop), [], inside)

    def plus(self, i: Index, more: int) -> Index:
        """A number and some more."""
        return i + more if isinstance(i, int) else self.w.value(f"add i64 {i}, {more}")

    # Values ---------------------------------------------------------------------------------------------------------

    def number(self, i: Index) -> str:
        """A number as a value."""
        if isinstance(i, int):
            return self.w.constant(self.kind, i)
        return self.w.spread(self.kind, self.w.value(f"sitofp i64 {i} to {self.kind}"))

    def less(self, x: str, y: str, z: str) -> str:
        """``x - y * z``."""
        return self.w.intrinsic("fma", self.kind, self.w.value(f"fneg {self.w.type(self.kind)} {y}"), z, x)

    def divided(self, x: str, y: str) -> str:
        """``x / y``."""
        return self.w.binary("fdiv", self.kind, x, y)

    def size(self, x: str) -> str:
        """``abs(x)``."""
        return self.w.intrinsic("fabs", self.kind, x)

    def exchange(self, cells: _Cells, columns: int, k: Index, with_row: str) -> None:
        """Exchange row k with a later one, or itself, which may be another in each lane."""
        if self.w.lanes == 1 and not self.k.in_registers:
            i = self.w.value(f"fptosi {self.kind} {with_row} to i64")
            self.each(0, columns, lambda j: self._swap(cells, k, i, j, None))
            return

        def each_row(i: Index) -> None:
            here = self.w.compare("oeq", self.kind, with_row, self.number(i))
            self.each(0, columns, lambda j: self._swap(cells, k, i, j, here))

        self.each(self.plus(k, 1), self.n, each_row)

    def _swap(self, cells: _Cells, k: Index, i: Index, j: Index, here: str | None) -> None:
        upper, lower = cells.get(k, j), cells.get(i, j)
        if here is not None:
            upper, lower = (
                self.w.select(here, self.kind, upper, lower),
                self.w.select(here, self.kind, lower, upper),
            )
        cells.set(k, j, lower)
        cells.set(i, j, upper)

    # The primitives -------------------------------------------------------------------------------------------------

    def eliminate(self) -> None:
        """Write ``eliminate``: by rows, what is below a pivot at each step."""
        n, w, kind = self.n, self.w, self.kind
        a, state = self.copied(self.operands[0], n), self.cells(1, 3)
        zero, one, least = (w.constant(kind, value) for value in (0, 1, -1))
        limit = w.constant(kind, negligible(n, self.dtype))

        def step(k: Index) -> None:
            state.set(0, 0, least)
            state.set(0, 1, self.number(k))

            def search(i: Index) -> None:
                size = self.size(a.get(i, k))
                larger = w.compare("ogt", kind, size, state.get(0, 0))
                for place, value in enumerate((size, self.number(i))):
                    state.set(0, place, w.select(larger, kind, value, state.get(0, place)))

            self.each(k, n, search)
            chosen = state.get(0, 1)
            self.exchange(a, n, k, chosen)
            state.set(0, 2, zero)

            def cancelled(i: Index) -> None:
                product = self.size(w.binary("fmul", kind, a.get(k, i), a.get(i, k)))
                state.set(0, 2, w.binary("fadd", kind, state.get(0, 2), product))

            self.each(0, k, cancelled)
            pivot = a.get(k, k)
            lost = w.binary("fmul", kind, limit, state.get(0, 2))
            self.out.set(k, n, chosen)
            size = self.size(pivot)
            sound = w.select(w.compare("ogt", kind, size, lost), kind, one, zero)
            self.out.set(
                k, n + 1, w.select(w.compare("olt", kind, size, w.constant(kind, math.inf)), kind, sound, zero)
            )
            self.each(0, n, lambda j: self.out.set(k, j, a.get(k, j)))
            by = w.select(w.compare("oeq", kind, pivot, zero), kind, one, pivot)

            def below(i: Index) -> None:
                factor = self.divided(a.get(i, k), by)
                a.set(i, k, factor)
                self.each(self.plus(k, 1), n, lambda j: a.set(i, j, self.less(a.get(i, j), factor, a.get(k, j))))

            self.each(self.plus(k, 1), n, below)

        self.each(0, n, step)

    def solve_eliminated(self) -> None:
        """Write ``solve_eliminated``."""
        n, transposed = self.n, self.k.node.params["transposed"]
        lu = self.read(self.operands[0], n + 1)

        def column(y: _Cells) -> None:
            if transposed:
                self.forwards(y, lambda i, k: lu.get(k, i), divides=True)
                self.backwards(y, lambda i, k: lu.get(k, i), divides=False)
                self.each(0, n, lambda k: self.exchange(y, 1, k, lu.get(k, n)), down=True)
            else:
                self.each(0, n, lambda k: self.exchange(y, 1, k, lu.get(k, n)))
                self.forwards(y, lu.get, divides=False)
                self.backwards(y, lu.get, divides=True)

        self.by_columns(column)

    def substitute(self) -> None:
        """Write ``substitute``."""
        params = self.k.node.params
        a = self.read(self.operands[0], self.n)
        walk = self.forwards if params["lower"] else self.backwards
        self.by_columns(lambda y: walk(y, a.get, divides=not params["unit_diagonal"]))

    def by_columns(self, solve: Callable[[_Cells], None]) -> None:
        """Solve for each column of the right hand side, in cells."""
        given, taken = self.operands[1], self.taken

        def column(c: Index) -> None:
            self.taken = taken
            y = self.cells(self.n, 1)
            self.each(0, self.n, lambda i: y.set(i, 0, given.get(i, c)))
            solve(y)
            self.each(0, self.n, lambda i: self.out.set(i, c, y.get(i)))

        if self.k.columns == 1:
            column(0)
        else:
            self._repeat(0, self.k.columns, column, False)

    def forwards(self, y: _Cells, cell: Callable[[Index, Index], str], divides: bool) -> None:
        """Substitute by a lower triangle, from the first row on."""

        def step(k: Index) -> None:
            value = self._divided_by_pivot(y, cell, k, divides)
            self.each(self.plus(k, 1), self.n, lambda i: y.set(i, 0, self.less(y.get(i), cell(i, k), value)))

        self.each(0, self.n, step)

    def backwards(self, y: _Cells, cell: Callable[[Index, Index], str], divides: bool) -> None:
        """Substitute by an upper triangle, from the last row on."""

        def step(k: Index) -> None:
            value = self._divided_by_pivot(y, cell, k, divides)
            self.each(0, k, lambda i: y.set(i, 0, self.less(y.get(i), cell(i, k), value)))

        self.each(0, self.n, step, down=True)

    def _divided_by_pivot(self, y: _Cells, cell: Callable[[Index, Index], str], k: Index, divides: bool) -> str:
        if divides:
            y.set(k, 0, self.divided(y.get(k), cell(k, k)))
        return y.get(k)

    def cholesky(self) -> None:
        """Write ``cholesky_or_nan``: what each column leaves of those after it."""
        n, w, kind = self.n, self.w, self.kind
        a = self.cells(n, n)
        self.each(0, n, lambda i: self.each(0, self.plus(i, 1), lambda j: a.set(i, j, self.operands[0].get(i, j))))

        def step(k: Index) -> None:
            root = w.intrinsic("sqrt", kind, a.get(k, k))
            self.each(0, k, lambda i: self.out.set(i, k, w.constant(kind, 0)))
            self.out.set(k, k, root)

            def below(i: Index) -> None:
                factor = self.divided(a.get(i, k), root)
                a.set(i, k, factor)
                self.out.set(i, k, factor)

            after = self.plus(k, 1)
            self.each(after, n, below)
            self.each(after, n, lambda i: self.each(after, self.plus(i, 1), lambda j: a.set(
                i, j, self.less(a.get(i, j), a.get(i, k), a.get(j, k))
            )))  # fmt: skip

        self.each(0, n, step)


_WRITERS: dict[str, Callable[[_SystemRow], None]] = {
    "eliminate": _SystemRow.eliminate,
    "solve_eliminated": _SystemRow.solve_eliminated,
    "cholesky_or_nan": _SystemRow.cholesky,
    "substitute": _SystemRow.substitute,
}
