"""Contractions as products of matrices: which axes are rows and columns, and how the operands have to lie.

A contraction of two operands sums over the letters that both have and the result lacks (k). The letters that only one
operand has (m, n) are rows and columns; those that all three have are a stack of problems. Where each group of letters
lies in memory as one axis the operands are read as they lie, transposed or not; otherwise they are laid out anew.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pullback.compiler.fuse import copied
from pullback.compiler.views import Buffer, View, is_move
from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.transforms.passes import made, rewrite

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
"""The dtypes that products are computed in."""
SMALL = 1024
"""Products with fewer multiplications are loops that fuse with others."""


@dataclass(frozen=True)
class Letters:
    """The letters of a contraction: of the operands and the result, and by their part in it."""

    a: str
    b: str
    out: str
    stack: str
    m: str
    n: str
    k: str


def letters_of(node: Node) -> Letters | None:
    """The letters of a contraction that a matrix product can be; None for any other node."""
    terms = _terms(node)
    return None if terms is None else _letters(*terms)


@lru_cache(maxsize=1024)
def _letters(a: str, b: str, out: str) -> Letters | None:
    if len(set(a)) != len(a) or len(set(b)) != len(b) or not set(out) <= set(a) | set(b):
        return None
    if (set(a) ^ set(b)) - set(out):
        return None  # a letter of one operand only that is summed over
    return Letters(
        a, b, out,
        stack="".join(c for c in out if c in a and c in b),
        m="".join(c for c in out if c in a and c not in b),
        n="".join(c for c in out if c in b and c not in a),
        k="".join(c for c in a if c in b and c not in out),
    )  # fmt: skip


def _terms(node: Node) -> tuple[str, str, str] | None:
    if node.primitive.name == "einsum" and len(node.inputs) == 2:
        operands, _, out = node.params["subscripts"].partition("->")
        a, b = operands.split(",")
        return a, b, out
    if node.primitive.name != "matmul":
        return None
    x, y = (source.array_aval.ndim for source in node.inputs)
    rows = "abcdefghijklmnopqrstuvw"[: x - 1]
    if y > 2:
        return f"{rows}x", f"{rows[: y - 2]}xy", f"{rows}y"
    return f"{rows}x", "xy"[:y], rows + "y"[: y - 1]


def is_product(node: Node) -> bool:
    """Whether the node is to be computed as a product of matrices."""
    letters = letters_of(node)
    if letters is None or not letters.k or not letters.m or not letters.n:
        return False
    if not isinstance(node.aval, Aval) or node.aval.dtype not in DTYPES or not node.aval.dtype.isnative:
        return False
    lengths = lengths_of(node, letters)
    m, n, k = (math.prod(lengths[c] for c in group) for group in (letters.m, letters.n, letters.k))
    if min(m, n, k) == 1 or m * n * k <= SMALL:
        return False
    return as_matrix(letters.out, _contiguous(node.aval), letters.m, letters.n) is not None


def lengths_of(node: Node, letters: Letters) -> dict[str, int]:
    """How long the axis of each letter is."""
    lengths: dict[str, int] = {}
    for term, source in zip((letters.a, letters.b), node.inputs, strict=True):
        lengths.update(zip(term, source.array_aval.shape, strict=True))
    return lengths


# Layout ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Matrix:
    """A matrix inside a view: lengths and strides of rows and columns, one of the strides being 1."""

    rows: int
    columns: int
    row_stride: int
    column_stride: int

    @property
    def transposed(self) -> Matrix:
        """The matrix with rows for columns."""
        return Matrix(self.columns, self.rows, self.column_stride, self.row_stride)


def joined(axes: Iterable[tuple[int, int]]) -> int | None:
    """The stride of neighbouring axes (length and stride) as one, 0 if it has one element; None if they are not one."""
    long = [(length, stride) for length, stride in axes if length != 1]
    if not long:
        return 0
    for (_, before), (length, stride) in itertools.pairwise(long):
        if before != stride * length:
            return None
    return long[-1][1]


def _joined(term: str, view: View, group: str) -> int | None:
    return joined((view.shape[term.index(c)], view.strides[term.index(c)]) for c in group)


def as_matrix(term: str, view: View, rows: str, columns: str) -> Matrix | None:
    """The view as a matrix that a product reads, or None."""
    shape = dict(zip(term, view.shape, strict=True))
    m, n = (math.prod(shape[c] for c in group) for group in (rows, columns))
    by_row, by_column = _joined(term, view, rows), _joined(term, view, columns)
    if by_row is None or by_column is None:
        return None
    if (by_column == 1 and by_row >= n) or (by_row == 1 and by_column >= m):
        return Matrix(m, n, by_row, by_column)
    return None


def follows(product: Node, operands: Sequence[Node]) -> bool:
    """Whether what reads these operands, too, can be done to tiles of a product: in vectors along the columns."""
    letters = letters_of(product)
    assert letters is not None
    _, columns = rows_and_columns(product, letters)
    for view in map(assumed, operands):
        found = [_joined(letters.out, view, group) for group in (letters.m, letters.n)]
        if None in found or _joined(letters.out, view, columns) not in (0, 1):
            return False
    return True


def rows_and_columns(product: Node, letters: Letters) -> tuple[str, str]:
    """The letters of rows and of columns, columns being those that lie side by side in the result."""
    view = _contiguous(product.array_aval)
    return (letters.m, letters.n) if _joined(letters.out, view, letters.n) == 1 else (letters.n, letters.m)


def _contiguous(aval: Aval) -> View:
    return Buffer("assumed", 0, aval.shape, aval.dtype).view()


def assumed(operand: Node) -> View:
    """How an operand will lie, where what it moves lies row by row."""
    chain = []
    while is_move(operand):
        chain.append(operand)
        operand = operand.inputs[0]
    view = _contiguous(operand.array_aval)
    for node in reversed(chain):
        view = view.moved(node) or _contiguous(node.array_aval)
    return view


def lies_in_rows(operand: Node, by_rows: bool = False) -> bool:
    """Whether an operand will lie row by row; with ``by_rows`` only each row of it, wherever that is."""
    found, wanted = assumed(operand), _contiguous(operand.array_aval)
    first = int(by_rows)
    return all(
        length == 1 or one == other
        for length, one, other in zip(found.shape[first:], found.strides[first:], wanted.strides[first:], strict=True)
    )


def prepared(node: Node) -> Node:
    """A contraction of the same value whose operands a product can read: laid out anew where they have to be."""
    letters = letters_of(node)
    assert letters is not None
    a, b = node.inputs
    terms = [letters.a, letters.b]
    operands = [a, b]
    for i, (operand, term, rows) in enumerate(((a, letters.a, letters.m), (b, letters.b, letters.n))):
        if as_matrix(term, assumed(operand), rows, letters.k) is None:
            wanted = letters.stack + rows + letters.k
            axes = tuple(term.index(c) for c in wanted)
            if axes != tuple(range(len(axes))):
                operand = made("permute", (operand,), {"axes": axes})
            operands[i] = copied(operand)
            terms[i] = wanted
    if operands == [a, b]:
        return node
    subscripts = f"{terms[0]},{terms[1]}->{letters.out}"
    new = made("einsum", operands, {"subscripts": subscripts})
    new.name, new._origin = node.name, node._origin
    return new


def merge_permutations(graph: Graph) -> Graph:
    """Let products lay out their results as they are asked for: the transpose of a product is a product."""
    uses: dict[Node, int] = {}
    for node in graph.nodes:
        for source in node.inputs:
            uses[source] = uses.get(source, 0) + 1
    for node in graph.outputs:
        uses[node] = uses.get(node, 0) + 1

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if uses[node.inputs[0]] > 1 or not is_product(inputs[0]):
            return None
        letters = letters_of(inputs[0])
        assert letters is not None
        out = "".join(letters.out[axis] for axis in node.params["axes"])
        new = made("einsum", inputs[0].inputs, {"subscripts": f"{letters.a},{letters.b}->{out}"})
        return new if is_product(new) else None

    return rewrite(graph, rule, "merge_permutations", {"permute"})
