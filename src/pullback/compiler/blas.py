"""Contractions as matrix products of BLAS, by the pointers that SciPy exports.

A contraction of two operands sums over the letters that both have and the result lacks (k). The letters that only one
operand has (m, n) are rows and columns; those that all three have are a stack of problems. Where each group of letters
lies in memory as one axis BLAS reads the operands as they are, transposed by a flag; otherwise they are laid out anew.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pullback.compiler.emit import Module, stored
from pullback.compiler.fuse import copied, is_move
from pullback.compiler.instructions import Writer
from pullback.compiler.views import Buffer, View
from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.transforms.passes import made, rewrite

ROUTINES = {np.dtype(np.float32): "sgemm", np.dtype(np.float64): "dgemm"}
PARALLEL = 2_000_000
"""Floating-point operations from which on a product is cut into blocks for threads."""
_BLOCKS, _HEIGHT = 4, 16
"""Into at most how many blocks, of a multiple of how many rows: the same for any number of threads."""
SMALL = 2048
"""Products with fewer multiplications are loops of our own: calling BLAS costs as much."""


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
    if terms is None:
        return None
    a, b, out = terms
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
    """Whether BLAS is to compute the node."""
    if not isinstance(node.aval, Aval) or node.aval.dtype not in ROUTINES or not node.aval.dtype.isnative:
        return False
    letters = letters_of(node)
    if letters is None or not letters.k or not letters.m or not letters.n:
        return False
    lengths = _lengths(node, letters)
    m, n, k = (math.prod(lengths[c] for c in group) for group in (letters.m, letters.n, letters.k))
    return min(m, n, k) > 1 and m * n * k > SMALL


def _lengths(node: Node, letters: Letters) -> dict[str, int]:
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


def _joined(term: str, view: View, group: str) -> int | None:
    """The stride of a group of letters as one axis, 0 if it has one element; None if it is no single axis."""
    axes = [(view.shape[term.index(c)], view.strides[term.index(c)]) for c in group]
    axes = [(length, stride) for length, stride in axes if length != 1]
    if not axes:
        return 0
    for (_, before), (length, stride) in itertools.pairwise(axes):
        if before != stride * length:
            return None
    return axes[-1][1]


def as_matrix(term: str, view: View, rows: str, columns: str) -> Matrix | None:
    """The view as a matrix that BLAS reads, or None."""
    shape = dict(zip(term, view.shape, strict=True))
    m, n = (math.prod(shape[c] for c in group) for group in (rows, columns))
    by_row, by_column = _joined(term, view, rows), _joined(term, view, columns)
    if by_row is None or by_column is None:
        return None
    if (by_column == 1 and by_row >= n) or (by_row == 1 and by_column >= m):
        return Matrix(m, n, by_row, by_column)
    return None


def _assumed(operand: Node) -> View:
    """How an operand will lie, where what it moves lies row by row."""
    chain = []
    while is_move(operand):
        chain.append(operand)
        operand = operand.inputs[0]
    aval = operand.array_aval
    view = Buffer("assumed", 0, aval.shape, aval.dtype).view()
    for node in reversed(chain):
        aval = node.array_aval
        view = view.moved(node) or Buffer("assumed", 0, aval.shape, aval.dtype).view()
    return view


def prepared(node: Node) -> Node:
    """A contraction of the same value whose operands BLAS can read: laid out anew where they have to be."""
    letters = letters_of(node)
    assert letters is not None
    a, b = node.inputs
    terms = [letters.a, letters.b]
    operands = [a, b]
    for i, (operand, term, rows) in enumerate(((a, letters.a, letters.m), (b, letters.b, letters.n))):
        if as_matrix(term, _assumed(operand), rows, letters.k) is None:
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
        if node.primitive.name != "permute" or uses[node.inputs[0]] > 1 or not is_product(inputs[0]):
            return None
        letters = letters_of(inputs[0])
        assert letters is not None
        out = "".join(letters.out[axis] for axis in node.params["axes"])
        return made("einsum", inputs[0].inputs, {"subscripts": f"{letters.a},{letters.b}->{out}"})

    return rewrite(graph, rule, "merge_permutations")


# Calling --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Product:
    """One call of BLAS, or a stack of them, as text.

    Attributes:
        text: of the function.
        flops: floating-point operations.
        trips: into how many pieces it is cut: stacked problems, or blocks of rows.
        tile: how many of them belong together.
    """

    text: str
    flops: int
    trips: int
    tile: int


def product(
    module: Module, name: str, node: Node, views: Sequence[View], out: View, slot: Mapping[Any, Any], begin: Any
) -> Product:
    """Write the function that computes a contraction from two views into a third, which lies row by row."""
    letters = letters_of(node)
    assert letters is not None
    w = Writer(module)
    lengths = _lengths(node, letters)
    a = as_matrix(letters.a, views[0], letters.m, letters.k)
    b = as_matrix(letters.b, views[1], letters.n, letters.k)
    assert a is not None, (node, views[0])
    assert b is not None, (node, views[1])
    kind = stored(out.dtype)
    pointers = [begin(w, view) for view in (*views, out)]
    stack = [
        (lengths[c], *[view.strides[term.index(c)] for term, view in _with_terms(letters, views, out)])
        for c in letters.stack
    ]
    routine = ROUTINES[out.dtype]
    called = w.value(f"load ptr, ptr {w.value(f'getelementptr ptr, ptr %slots, i64 {slot[routine]}')}")
    flops = 2 * math.prod(lengths.values())
    large = flops > PARALLEL
    rows = math.prod(lengths[c] for c in letters.m)
    # A stack is cut into its problems, a single large product into blocks of rows.
    height = -(-rows // (_BLOCKS * _HEIGHT)) * _HEIGHT if large and not stack else rows
    block = "entry"

    def nest(depth: int, at: list[str]) -> None:
        nonlocal block
        if depth == len(stack):
            _call(w, called, kind, letters, a, b, out, at, height if height < rows else None)
            return
        length, *strides = stack[depth]
        head, done, index, following, more = (w.fresh(word) for word in ("loop", "done", "i", "i", "m"))
        w.write(f"br label %{head}")
        w.label(head)
        place, before, block = len(w.lines), block, head
        moved = [
            w.value(f"getelementptr {kind}, ptr {one}, i64 {w.value(f'mul i64 %{index}, {stride}')}")
            for one, stride in zip(at, strides, strict=True)
        ]
        nest(depth + 1, moved)
        first, last = ("%begin", "%end") if depth == 0 else ("0", str(length))
        w.write(f"%{following} = add i64 %{index}, 1")
        w.write(f"%{more} = icmp slt i64 %{following}, {last}")
        w.write(f"br i1 %{more}, label %{head}, label %{done}")
        w.lines.insert(place, f"  %{index} = phi i64 [{first}, %{before}], [%{following}, %{block}]")
        w.label(done)
        block = done

    nest(0, pointers)
    body = "\n".join(w.lines)
    text = f"define private void @{name}(ptr noalias %slots, i64 %begin, i64 %end) {{\nentry:\n{body}\n  ret void\n}}"
    trips = stack[0][0] if stack else -(-rows // height)
    tile = 1 if large and not stack else -(-trips // _BLOCKS) if large else trips
    return Product(text, flops, trips, tile)


def _with_terms(letters: Letters, views: Sequence[View], out: View) -> list[tuple[str, View]]:
    return [(letters.a, views[0]), (letters.b, views[1]), (letters.out, out)]


def _call(
    w: Writer,
    called: str,
    kind: str,
    letters: Letters,
    a: Matrix,
    b: Matrix,
    out: View,
    at: Sequence[str],
    height: int | None,
) -> None:
    """One matrix product, or the blocks of ``height`` rows from ``begin`` to ``end`` of it.

    BLAS counts along columns: to it, what lies row by row is transposed.
    """
    c = as_matrix(letters.out, out, letters.m, letters.n)
    assert c is not None, (letters, out)
    rows = w.module.integer(a.rows)
    if height is not None:
        start = w.value(f"mul i64 %begin, {height}")
        stop = w.value(f"mul i64 %end, {height}")
        beyond = w.value(f"icmp sgt i64 {stop}, {a.rows}")
        stop = w.value(f"select i1 {beyond}, i64 {a.rows}, i64 {stop}")
        count = w.value(f"trunc i64 {w.value(f'sub i64 {stop}, {start}')} to i32")
        rows = w.result("alloca i32")
        w.write(f"store i32 {count}, ptr {rows}")
        at = [
            w.value(f"getelementptr {kind}, ptr {at[0]}, i64 {w.value(f'mul i64 {start}, {a.row_stride}')}"),
            at[1],
            w.value(f"getelementptr {kind}, ptr {at[2]}, i64 {w.value(f'mul i64 {start}, {c.row_stride}')}"),
        ]
    height_of = {id(a): rows, id(b): w.module.integer(b.rows)}
    first, second, of_first, of_second = b, a, at[1], at[0]
    if c.column_stride != 1:  # the result lies column by column
        first, second, of_first, of_second = a, b, at[0], at[1]
    # In BLAS's view: C (rows of first) x (rows of second) = op(first) op(second), with k between.
    plain_first = first.row_stride == 1 and first.column_stride >= first.rows
    plain_second = second.column_stride == 1 and second.row_stride >= second.columns
    flag_first, lead_first = ("N", first.column_stride) if plain_first else ("T", first.row_stride)
    flag_second, lead_second = ("N", second.row_stride) if plain_second else ("T", second.column_stride)
    lead_c = max(c.row_stride, c.column_stride)
    module = w.module
    arguments = [
        module.letter(flag_first), module.letter(flag_second),
        height_of[id(first)], height_of[id(second)], module.integer(first.columns),
        module.real(kind, 1.0), of_first, module.integer(lead_first), of_second, module.integer(lead_second),
        module.real(kind, 0.0), at[2], module.integer(lead_c),
    ]  # fmt: skip
    w.write(f"call void {called}({', '.join(f'ptr {one}' for one in arguments)})")


@functools.cache
def addresses() -> dict[str, int]:
    """The addresses of the routines that products call.

    SciPy's BLAS is told to stay on the thread that calls it: its own threads would compete with those of programs.
    """
    from scipy.linalg import cython_blas

    _single_threaded(cython_blas.__file__)

    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    found = {}
    for routine in ROUTINES.values():
        capsule = vars(cython_blas)["__pyx_capi__"][routine]
        found[routine] = pointer(capsule, name(capsule))
    return found


def _single_threaded(module: str) -> None:
    folder = Path(module).resolve().parents[2] / "scipy.libs"
    for library in sorted(folder.glob("libscipy_openblas*")):
        set_threads = getattr(ctypes.CDLL(str(library)), "scipy_openblas_set_num_threads", None)
        if set_threads is not None:
            set_threads(1)
