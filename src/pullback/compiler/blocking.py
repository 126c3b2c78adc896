"""How a product of matrices is cut: tiles that fit the registers, blocks that fit the caches, pieces for threads.

All of it follows from the shapes and from how the operands lie, nothing from the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pullback.compiler.contractions import (
    Letters,
    Matrix,
    as_matrix,
    lengths_of,
    letters_of,
    rows_and_columns,
)
from pullback.compiler.machine import vector_bytes
from pullback.compiler.views import View
from pullback.core.node import Node

_PIECE = 500_000
"""Floating-point operations of what one thread takes at a time, at least about."""
_MOST_PIECES = 64
_SHARES, _SHARE = 16, 2_000_000
"""Into how many pieces a product is cut at least, as long as each has so many floating-point operations."""
_DEPTH = 256
"""The summed axis is cut into blocks of at most this length: so panels stay in the cache, and sums are more exact."""
_MOST_BLOCKS, _MOST_PANELS = 16, 4
"""Rows and columns of a piece, in tiles; twice as many rows where panels are transposed, which costs more."""
_PANEL_BYTES = 256 * 1024
"""Of the panels of a piece."""
_PAGE = 4096
"""Elements that are apart by so many bytes are in the same set of the first cache, which holds but a few of them."""
SCRATCH = 512 * 1024
"""Bytes that a thread has for packed operands and for tiles that are not complete."""
_LINE = 64


@dataclass(frozen=True)
class Problem:
    """A stack of products of matrices, C = A B.

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
    def size(self) -> int:
        """Bytes of an element."""
        return self.views[0].dtype.itemsize

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


@dataclass(frozen=True)
class Blocking:
    """How a problem is cut.

    Attributes:
        problem: what is computed.
        rows: of a tile of C.
        vectors: columns of a tile, in vectors.
        lanes: elements of a vector.
        packs_a, packs_b: whether blocks of an operand are laid out anew.
        group: tiles of a piece, one below the other.
        across: tiles of a piece, side by side.
    """

    problem: Problem
    rows: int
    vectors: int
    lanes: int
    packs_a: bool
    packs_b: bool
    group: int
    across: int

    @property
    def width(self) -> int:
        """Columns of a tile."""
        return self.vectors * self.lanes

    @property
    def blocks(self) -> int:
        """Tiles of C, one below the other."""
        return -(-self.problem.m // self.rows)

    @property
    def panels(self) -> int:
        """Tiles of C, side by side."""
        return -(-self.problem.n // self.width)

    @property
    def steps(self) -> int:
        """Into how many blocks the summed axis is cut."""
        return -(-self.problem.k // _DEPTH)

    @property
    def depth(self) -> int:
        """The length of these; that of the last may be less."""
        return -(-self.problem.k // self.steps)

    @property
    def pieces_across(self) -> int:
        """How many pieces are side by side."""
        return -(-self.panels // self.across)

    @property
    def pieces(self) -> int:
        """How many pieces there are."""
        return self.problem.count * -(-self.blocks // self.group) * self.pieces_across

    @property
    def together(self) -> int:
        """How many pieces a thread takes at a time."""
        return together(self.pieces, self.problem.flops)

    @property
    def tile_bytes(self) -> int:
        """The size of a tile."""
        return self.rows * self.width * self.problem.size

    @property
    def panel_bytes(self) -> int:
        """The size of a packed block of a panel of B; its rows are filled up to whole vectors."""
        return -(-self.depth // self.lanes) * self.lanes * self.width * self.problem.size

    @property
    def places(self) -> tuple[int, int, int, int]:
        """Where in a thread's memory packed blocks of B and A begin, and tiles, and where these end."""
        a = self.across * self.panel_bytes if self.packs_b else 0
        columns = self.depth * self.problem.size
        tiles = a + (-(-(self.rows * columns) // _LINE) * _LINE + 4 * _LINE if self.packs_a else 0)
        return 0, a, tiles, tiles + self.tile_bytes * (self.group * self.across if self.steps > 1 else 1)


def blocking_of(problem: Problem) -> Blocking:
    """The way to cut a problem that takes the fewest cycles, about."""
    lanes = vector_bytes() // problem.size
    while lanes // 2 >= problem.n:
        lanes //= 2
    rows, vectors = _tile(problem, lanes)
    by_rows = problem.a.column_stride == 1
    apart = (problem.a.row_stride if by_rows else problem.a.column_stride) * problem.size
    packs_a = apart % (_PAGE if by_rows else _PAGE // 4) == 0  # of rows a few, of columns many are walked at a time
    packs_b = problem.b.column_stride != 1 or problem.n % (vectors * lanes) != 0 or problem.m > 2 * rows
    one = Blocking(problem, rows, vectors, lanes, packs_a, packs_b, 1, 1)
    most = max(1, min(_MOST_PANELS, _PANEL_BYTES // one.panel_bytes))
    least = 1 if not packs_b else 4 if problem.b.column_stride == 1 else 8  # tiles for which packing a panel pays
    group, across = min(one.blocks, max(_MOST_BLOCKS, 4 * least)), min(one.panels, most)
    wanted = min(problem.flops // _SHARE, _SHARES)
    while problem.count * -(-one.blocks // group) * -(-one.panels // across) < wanted:
        if across > 1:
            across -= 1
        elif group > least:
            group -= 1
        else:
            break
    group, across = (
        -(-whole // -(-whole // part)) for whole, part in ((one.blocks, group), (one.panels, across))
    )  # as even as can be
    return Blocking(problem, rows, vectors, lanes, packs_a, packs_b, group, across)


def _tile(problem: Problem, lanes: int) -> tuple[int, int]:
    """Rows and vectors of a tile."""
    registers = 32 if vector_bytes() == 64 else 16
    length = -(-problem.n // lanes)

    def cycles(shape: tuple[int, int]) -> tuple[float, int]:
        rows, vectors = shape
        tiles = -(-problem.m // rows) * -(-length // vectors)
        # In a cycle two multiplications, or two reads; a panel comes from the second cache; a sum takes four cycles.
        each = max(rows * vectors / 2, (rows + vectors) / 2, 3.5 * vectors, 4) + 0.5
        return tiles * (problem.k * each + 30 + 2 * rows * vectors), -rows * vectors

    shapes = [
        (rows, vectors)
        for rows in range(1, min(16, problem.m) + 1)
        for vectors in range(1, min(length, 7) + 1)
        if rows * vectors + vectors < registers
    ]
    return min(shapes, key=cycles)


def together(trips: int, flops: int) -> int:
    """How many of the pieces of a part belong together, when it has so many floating-point operations."""
    pieces = min(flops // _PIECE, _MOST_PIECES)
    return trips if pieces < 2 else -(-trips // pieces)
