"""How products of matrices go from tile to tile: one function for all of them, and the innermost loops that it calls.

What differs from product to product, lengths and strides, is in a table. So each of them needs little code of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.compiler.blocking import Blocking
from pullback.compiler.emit import Module, stored
from pullback.compiler.instructions import Writer
from pullback.compiler.packing import pack_panel, pack_rows
from pullback.compiler.views import Buffer, View
from pullback.compiler.words import suffix, vector

_FUNCTIONS = ("multiply", "finish", "pack_panel", "pack_rows")
"""What a table begins with: the functions to call, null for those that a product does not need."""

_OPERANDS = ("a", "b", "scratch")
_NUMBERS = (
    "a", "b", "scratch", "a_begin", "b_begin", "scratch_begin", "pieces", "pieces_across", "group", "across", "blocks",
    "panels", "rows", "last_row", "steps", "last_step", "depth", "length", "a_row", "a_column", "b_row", "a_walked",
    "b_walked", "apart", "packed", "tiles", "cleared", "tile", "tile_row", "width", "line",
    "axes",
)  # fmt: skip
"""What follows, in this order; then for each axis of the stack, from the last one on, length and strides.

Operands, and memory for a caller that has none of its own, have places among the pointers that a function is given, and
begin so far from there. Strides are in bytes. Pieces are those of one product of the stack; ``last_row`` is where the
last tile begins; ``length`` is that of the axis that is summed over. ``a_walked`` and ``b_walked`` lead from one step
along it to the next in what the innermost loop reads, ``apart`` from panel to panel. Packed rows and tiles have their
places in the thread's memory; tiles are ``tile`` and, one below the other, ``tile_row`` apart, and so many bytes of
them have to be zero at first.
"""


def table(module: Module, blocking: Blocking, scratch: View, place: Callable[[Buffer], int]) -> str:
    """The table of a product; ``place`` is that of a buffer among the pointers that the function is given."""
    problem, size = blocking.problem, blocking.problem.size
    deep = blocking.steps > 1
    _, packed, tiles, end = blocking.places
    operands = dict(zip(_OPERANDS, (*problem.views, scratch), strict=True))
    numbers = {
        **{name: place(view.buffer) for name, view in operands.items()},
        **{f"{name}_begin": view.offset * view.dtype.itemsize for name, view in operands.items()},
        "pieces": blocking.pieces // problem.count,
        "pieces_across": blocking.pieces_across,
        "group": blocking.group,
        "across": blocking.across,
        "blocks": blocking.blocks,
        "panels": blocking.panels,
        "rows": blocking.rows,
        "last_row": problem.m - blocking.rows,
        "steps": blocking.steps,
        "last_step": blocking.steps - 1,
        "depth": blocking.depth,
        "length": problem.k,
        "a_row": problem.a.row_stride * size,
        "a_column": problem.a.column_stride * size,
        "b_row": problem.b.row_stride * size,
        "a_walked": _walked(blocking)[1] * size,
        "b_walked": (blocking.width if blocking.packs_b else problem.b.row_stride) * size,
        "apart": blocking.panel_bytes if blocking.packs_b else blocking.width * size,
        "packed": packed,
        "tiles": tiles,
        "cleared": end - tiles if deep else 0,
        "width": blocking.width,
        "line": blocking.width * size,
        "tile": blocking.tile_bytes if deep else 0,
        "tile_row": blocking.tile_bytes * blocking.across if deep else 0,
        "axes": len(problem.stack),
    }
    stack = [(length, of_a * size, of_b * size) for _, length, of_a, of_b in reversed(problem.stack)]
    words = [f"i64 {one}" for one in (*(numbers[name] for name in _NUMBERS), *itertools.chain(*stack))]
    functions = {
        "multiply": _multiply(module, blocking),
        "finish": "@finish",
        "pack_panel": pack_panel(module, blocking) if blocking.packs_b else "null",
        "pack_rows": pack_rows(module, blocking) if blocking.packs_a else "null",
    }
    called = ", ".join(f"ptr {functions[name]}" for name in _FUNCTIONS)
    count, pointers = len(words), len(_FUNCTIONS)
    type = f"{{ [{pointers} x ptr], [{count} x i64] }}"
    return f"@table = private constant {type} {{ [{pointers} x ptr] [{called}], [{count} x i64] [{', '.join(words)}] }}"


def _walked(blocking: Blocking) -> tuple[int, int]:
    """How far rows and columns of A are apart where the innermost loop reads it, in elements."""
    a = blocking.problem.a
    if not blocking.packs_a:
        return a.row_stride, a.column_stride
    return (blocking.depth, 1) if a.column_stride == 1 else (1, blocking.rows)


def traverse(module: Module) -> str:
    """What the function is called that goes through some pieces of a product: it is given its table, too."""
    return module.once_written(("traverse",), _traversal)


_CLEAR = "llvm.memset.p0.i64"


def _traversal(module: Module) -> str:
    module.intrinsic(_CLEAR, "void", ["ptr", "i8", "i64", "i1"])
    w = Writer(module)

    def number(name: str) -> str:  # read where it is needed: so it takes no register
        return _number(w, "%table", len(_FUNCTIONS) + _NUMBERS.index(name))

    def function(name: str) -> str:
        return w.value(f"load ptr, ptr {w.moved('%table', str(_FUNCTIONS.index(name)), 8)}")

    a, b, own = (_begun(w, number(name), number(f"{name}_begin")) for name in _OPERANDS)
    scratch = w.value(f"select i1 {w.value('icmp eq ptr %scratch, null')}, ptr {own}, ptr %scratch")
    packs_a, packs_b = (w.value(f"icmp ne ptr {function(name)}, null") for name in ("pack_rows", "pack_panel"))
    packed, tiles = (w.value(f"getelementptr i8, ptr {scratch}, i64 {number(name)}") for name in ("packed", "tiles"))

    def each_piece(index: str, _: list[str]) -> list[str]:
        one, rest = _divided(w, index, number("pieces"))
        row, column = _divided(w, rest, number("pieces_across"))
        first_block, blocks = _some(w, row, number("group"), number("blocks"))
        first_panel, panels = _some(w, column, number("across"), number("panels"))
        at_a, at_b = _in_stack(w, one, (a, b), number("axes"))
        cleared = number("cleared")
        clear = f"call void @{_CLEAR}(ptr align 64 {tiles}, i8 0, i64 {cleared}, i1 false)"
        w.when(w.value(f"icmp sgt i64 {cleared}, 0"), lambda: w.write(clear))

        def each_step(step: str, _: list[str]) -> list[str]:
            start, length = _some(w, step, number("depth"), number("length"))
            from_a, from_b = _far(w, at_a, start, number("a_column")), _far(w, at_b, start, number("b_row"))
            aside = _far(w, from_b, first_panel, number("apart"))
            begin = w.value(f"select i1 {packs_b}, ptr {scratch}, ptr {aside}")

            def pack_panel(right: str, _: list[str]) -> list[str]:
                panel = w.value(f"add i64 {first_panel}, {right}")
                target = _far(w, scratch, right, number("apart"))
                w.write(f"call void {function('pack_panel')}(ptr {from_b}, ptr {target}, i64 {length}, i64 {panel})")
                return []

            w.when(packs_b, lambda: w.loop("0", panels, [], pack_panel))

            def each_block(below: str, _: list[str]) -> list[str]:
                row = w.value(f"mul i64 {w.value(f'add i64 {first_block}, {below}')}, {number('rows')}")
                first = w.smaller(row, number("last_row"))  # the last block has some rows of the one before
                known = w.value(f"sub i64 {row}, {first}")
                left = w.value(f"sub i64 {number('rows')}, {known}")
                as_they_lie = _far(w, from_a, first, number("a_row"))
                rows = w.value(f"select i1 {packs_a}, ptr {packed}, ptr {as_they_lie}")
                begun = _far(w, tiles, below, number("tile_row"))

                def pack_rows() -> None:
                    w.write(f"call void {function('pack_rows')}(ptr {as_they_lie}, ptr {packed}, i64 {length})")

                w.when(packs_a, pack_rows)

                def each_panel(right: str, _: list[str]) -> list[str]:
                    columns, tile = _far(w, begin, right, number("apart")), _far(w, begun, right, number("tile"))
                    given = f"ptr {rows}, ptr {columns}, i64 {length}, ptr {tile}"
                    steps = f"i64 {number('a_walked')}, i64 {number('b_walked')}"
                    w.write(f"call void {function('multiply')}({given}, {steps})")

                    def finish() -> None:
                        panel = w.value(f"add i64 {first_panel}, {right}")
                        column = w.value(f"mul i64 {panel}, {number('width')}")
                        done = _far(w, tile, known, number("line"))
                        given = f"ptr %operands, ptr {done}, i64 {row}, i64 {left}, i64 {column}, i64 {one}"
                        w.write(f"call void {function('finish')}({given})")

                    w.when(w.value(f"icmp eq i64 {step}, {number('last_step')}"), finish)
                    return []

                return w.loop("0", panels, [], each_panel)

            return w.loop("0", blocks, [], each_block)

        return w.loop("0", number("steps"), [], each_step)

    w.loop("%begin", "%end", [], each_piece)
    return w.function("traverse", "ptr %operands, i64 %begin, i64 %end, ptr %scratch, ptr %table", inline=False)


def _divided(w: Writer, index: str, by: str) -> tuple[str, str]:
    """The quotient and the rest of an index, which most often is less than what it is divided by: that takes long."""
    before, more, after = w.block, w.fresh("more"), w.fresh("divided")
    w.write(f"br i1 {w.value(f'icmp slt i64 {index}, {by}')}, label %{after}, label %{more}")
    w.label(more)
    quotient, rest = w.divided(index, by)
    w.write(f"br label %{after}")
    w.label(after)
    return (
        w.value(f"phi i64 [0, %{before}], [{quotient}, %{more}]"),
        w.value(f"phi i64 [{index}, %{before}], [{rest}, %{more}]"),
    )


def _number(w: Writer, table: str, place: int) -> str:
    return w.value(f"load i64, ptr {w.moved(table, str(place), 8)}")


def _begun(w: Writer, place: str, far: str) -> str:
    pointer = w.value(f"load ptr, ptr {w.value(f'getelementptr ptr, ptr %operands, i64 {place}')}")
    return w.value(f"getelementptr i8, ptr {pointer}, i64 {far}")


def _far(w: Writer, pointer: str, index: str, step: str) -> str:
    return w.value(f"getelementptr i8, ptr {pointer}, i64 {w.value(f'mul i64 {index}, {step}')}")


def _some(w: Writer, number: str, together: str, count: str) -> tuple[str, str]:
    """Where the ``number``-th lot of ``count`` things begins of which so many are taken together; how many it has."""
    first = w.value(f"mul i64 {number}, {together}")
    return first, w.smaller(w.value(f"sub i64 {count}, {first}"), together)


def _in_stack(w: Writer, number: str, operands: tuple[str, str], count: str) -> tuple[str, str]:
    """Where A and B of one product of the stack begin."""
    axes = w.moved("%table", str(len(_FUNCTIONS) + len(_NUMBERS)), 8)
    before, some, after = w.block, w.fresh("stack"), w.fresh("stacked")
    w.write(f"br i1 {w.value(f'icmp sgt i64 {count}, 0')}, label %{some}, label %{after}")
    w.label(some)

    def each(axis: str, carried: list[str]) -> list[str]:
        left, *places = carried
        at = w.moved(axes, axis, 3 * 8)
        left, along = _divided(w, left, _number(w, at, 0))
        return [left, *(_far(w, one, along, _number(w, at, i)) for i, one in enumerate(places, 1))]

    _, *found = w.loop("0", count, [("i64", number), *[("ptr", one) for one in operands]], each)
    inside = w.block
    w.write(f"br label %{after}")
    w.label(after)
    a, b = (
        w.value(f"phi ptr [{begun}, %{before}], [{moved}, %{inside}]")
        for begun, moved in zip(operands, found, strict=True)
    )
    return a, b


def _multiply(module: Module, blocking: Blocking) -> str:
    """What the function is called that multiplies some rows of A by a panel of B."""
    dtype = blocking.problem.views[0].dtype
    form = dtype, blocking.lanes, blocking.rows, blocking.vectors, _walked(blocking)[0], blocking.steps > 1
    return module.once_written(("multiply", *form), lambda module: _multiplication(module, *form))


def _multiplication(
    module: Module, dtype: np.dtype[Any], lanes: int, rows: int, vectors: int, a_row: int, adds: bool
) -> str:
    kind, size = stored(dtype), dtype.itemsize
    w = Writer(module)
    w.lanes = lanes
    type = vector(kind, lanes)
    name = module.intrinsic(f"llvm.fmuladd.{suffix(kind, lanes)}", type, [type] * 3)

    def each(_: str, carried: list[str]) -> list[str]:
        a, b, *totals = carried
        places = [w.moved(b, str(column), lanes * size) for column in range(vectors)]
        row_of_b = [w.result(f"load {type}, ptr {at}, align {size}") for at in places]
        found = []
        for row in range(rows):
            spread = w.spread(kind, w.result(f"load {kind}, ptr {w.moved(a, str(row), a_row * size)}, align {size}"))
            for column, other in enumerate(row_of_b):
                total = totals[row * vectors + column]
                found.append(w.result(f"call {type} {name}({type} {spread}, {type} {other}, {type} {total})"))
        next_a, next_b = (w.result(f"getelementptr i8, ptr {x}, i64 %{y}") for x, y in ((a, "a_step"), (b, "b_step")))
        return [next_a, next_b, *found]

    first = [("ptr", "%a"), ("ptr", "%b"), *[(type, "zeroinitializer")] * (rows * vectors)]
    for number, found in enumerate(w.loop("0", "%length", first, each)[2:]):
        at = w.moved("%tile", str(number), lanes * size)
        if adds:  # there is the sum of the blocks before
            found = w.binary("fadd", kind, w.result(f"load {type}, ptr {at}, align {lanes * size}"), found)
        w.write(f"store {type} {found}, ptr {at}, align {lanes * size}")
    parameters = "ptr noalias %a, ptr noalias %b, i64 %length, ptr noalias %tile, i64 %a_step, i64 %b_step"
    return w.function("multiply", parameters, inline=False)
