"""Panels: a matrix laid out anew for products, some columns side by side, one row after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pullback.compiler.contractions import Matrix
from pullback.compiler.emit import Module
from pullback.compiler.instructions import Writer
from pullback.compiler.words import vector


@dataclass(frozen=True)
class Panels:
    """How a matrix is packed.

    Attributes:
        matrix: what is packed.
        kind, size: of an element: the LLVM type, and bytes.
        vectors, lanes: the columns of a panel are so many vectors of so many elements. What is missing is zero.
    """

    matrix: Matrix
    kind: str
    size: int
    vectors: int
    lanes: int

    @property
    def width(self) -> int:
        """Columns of a panel."""
        return self.vectors * self.lanes

    @property
    def count(self) -> int:
        """How many panels there are."""
        return -(-self.matrix.columns // self.width)

    @property
    def nbytes(self) -> int:
        """The size of one panel."""
        return self.matrix.rows * self.width * self.size


def packing(
    module: Module,
    panels: Panels,
    begin: Callable[[Writer], tuple[str, str]],
    origin: Callable[[Writer, str, str], str],
) -> str:
    """The text of a function ``pack(operands, begin, end)`` over the panels of a stack of matrices.

    Args:
        module: where the function goes.
        panels: what they are to be.
        begin: writes where the first matrix begins, and the first panel.
        origin: writes where a matrix begins, from where the first does and its number in the stack.
    """
    w = Writer(module)
    source, target = begin(w)
    matrix, width, size = panels.matrix, panels.width, panels.size
    write = _copy if matrix.column_stride == 1 else _turn
    texts: list[str] = []
    last = matrix.columns - (panels.count - 1) * width  # columns of the last panel
    if panels.count > 1:
        texts.append(write(module, "whole", panels, width))
    if last < width or panels.count == 1:
        texts.append(write(module, "last", panels, last))

    def each(index: str, _: list[str]) -> list[str]:
        number, panel = w.divided(index, panels.count)
        at = w.moved(origin(w, source, number), panel, width * matrix.column_stride * size)
        to = w.moved(target, index, panels.nbytes)
        called = "@whole" if panels.count > 1 else "@last"
        if panels.count > 1 and last < width:
            is_last = w.value(f"icmp eq i64 {panel}, {panels.count - 1}")
            called = w.value(f"select i1 {is_last}, ptr @last, ptr @whole")
        w.write(f"call void {called}(ptr {at}, ptr {to})")
        return []

    w.loop("%begin", "%end", [], each)
    return "\n".join([*texts, w.function("pack")])


_POINTERS = "ptr noalias %source, ptr noalias %target"


def _copy(module: Module, name: str, panels: Panels, columns: int) -> str:
    """A function that packs one panel with so many columns: these lie side by side already."""
    w = Writer(module)
    w.lanes, size = panels.lanes, panels.size
    type = vector(panels.kind, w.lanes)

    def each(row: str, _: list[str]) -> list[str]:
        at = w.moved("%source", row, panels.matrix.row_stride * size)
        to = w.moved("%target", row, panels.width * size)
        for start in range(0, panels.width, w.lanes):
            value = "zeroinitializer"
            if start < columns:
                value = w.load_some(panels.kind, w.moved(at, str(start), size), size, columns - start)
            w.write(f"store {type} {value}, ptr {w.moved(to, str(start), size)}, align {w.lanes * size}")
        return []

    w.loop("0", str(panels.matrix.rows), [], each)
    return w.function(name, _POINTERS)


def _turn(module: Module, name: str, panels: Panels, columns: int) -> str:
    """A function that packs one panel with so many columns of which each lies side by side: transposed in squares."""
    w = Writer(module)
    w.lanes, size = panels.lanes, panels.size
    lanes, rows = w.lanes, panels.matrix.rows
    type = vector(panels.kind, lanes)

    def square(at: str, to: str, start: int, some: int) -> None:
        """Transpose the columns of one vector, in so many rows."""
        values = []
        for column in range(start, start + lanes):
            if column < columns:
                place = w.moved(at, str(column), panels.matrix.column_stride * size)
                values.append(w.load_some(panels.kind, place, size, some))
            else:
                values.append("zeroinitializer")
        for row, value in enumerate(transposed(w, panels.kind, values)[:some]):
            place = w.moved(to, str(row * panels.width + start), size)
            w.write(f"store {type} {value}, ptr {place}, align {lanes * size}")

    def squares(row: str, some: int) -> None:
        at, to = w.moved("%source", row, size), w.moved("%target", row, panels.width * size)
        for start in range(0, panels.width, lanes):
            square(at, to, start, some)

    def each(index: str, _: list[str]) -> list[str]:
        squares(w.value(f"mul i64 {index}, {lanes}"), lanes)
        return []

    whole, rest = divmod(rows, lanes)
    if whole:
        w.loop("0", str(whole), [], each)
    if rest:
        squares(str(whole * lanes), rest)
    return w.function(name, _POINTERS)


def transposed(w: Writer, kind: str, rows: list[str]) -> list[str]:
    """The columns of a square whose rows these vectors are."""
    lanes = len(rows)
    type = vector(kind, lanes)
    far = 1
    while far < lanes:
        found = list(rows)
        for i in range(lanes):
            if i & far:
                continue
            first = [p if not p & far else lanes + p - far for p in range(lanes)]
            second = [p + far if not p & far else lanes + p for p in range(lanes)]
            for place, order in ((i, first), (i + far, second)):
                mask = ", ".join(f"i32 {p}" for p in order)
                pair = f"{type} {rows[i]}, {type} {rows[i + far]}"
                found[place] = w.value(f"shufflevector {pair}, <{lanes} x i32> <{mask}>")
        rows = found
        far *= 2
    return rows
