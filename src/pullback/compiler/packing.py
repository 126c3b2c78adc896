"""Blocks of matrices laid out anew for products, so that what is read one after the other lies so."""

from __future__ import annotations

from pullback.compiler.blocking import Blocking
from pullback.compiler.emit import Module, stored
from pullback.compiler.instructions import Writer
from pullback.compiler.machine import vector_bytes
from pullback.compiler.words import vector


def pack_panel(module: Module, blocking: Blocking) -> str:
    """What the function is called that packs some rows of a panel of B: ``pack_panel(source, target, length, panel)``.

    The source is where the first column of B begins, in the first of the rows. What is beyond the last column holds
    numbers that nobody looks at.
    """
    problem = blocking.problem
    form = problem.views[1].dtype, problem.n, problem.k, problem.b, blocking.lanes, blocking.vectors
    write = _copy_panel if problem.b.column_stride == 1 else _turn
    return module.once_written(("pack_panel", *form), lambda module: write(module, blocking))


_PANEL = "ptr noalias %source, ptr noalias %target, i64 %length, i64 %panel"


def _copy_panel(module: Module, blocking: Blocking) -> str:
    """Rows lie side by side already."""
    problem, size, width = blocking.problem, blocking.problem.size, blocking.width
    kind = stored(problem.views[1].dtype)
    last = problem.n - (blocking.panels - 1) * width
    w = Writer(module)
    w.lanes = blocking.lanes
    type = vector(kind, w.lanes)
    begin = w.moved("%source", "%panel", width * size)

    def rows(columns: int) -> None:
        def each(row: str, _: list[str]) -> list[str]:
            at = w.moved(begin, row, problem.b.row_stride * size)
            to = w.moved("%target", row, width * size)
            for start in range(0, width, w.lanes):
                value = "zeroinitializer"
                if start < columns:
                    value = w.load_some(kind, w.moved(at, str(start), size), size, columns - start)
                w.write(f"store {type} {value}, ptr {w.moved(to, str(start), size)}, align {w.lanes * size}")
            return []

        w.loop("0", "%length", [], each)

    if last < width and blocking.panels > 1:
        w.choose(w.value(f"icmp eq i64 %panel, {blocking.panels - 1}"), lambda: rows(last), lambda: rows(width))
    else:
        rows(last)
    return w.function("pack_panel", _PANEL, inline=False)


def _turn(module: Module, blocking: Blocking) -> str:
    """Columns lie side by side: strips of a few rows are transposed."""
    problem, lanes = blocking.problem, blocking.lanes
    full, rest = divmod(problem.n, lanes)  # vectors of columns
    w = Writer(module)
    first = w.value(f"mul i64 %panel, {blocking.vectors}")

    def each(number: str, _: list[str]) -> list[str]:
        place = w.value(f"add i64 {first}, {number}")
        if problem.n % blocking.width:
            place = w.smaller(place, str(-(-problem.n // lanes) - 1))
        at = w.moved("%source", place, lanes * problem.b.column_stride * problem.size)
        to = w.moved("%target", number, lanes * problem.size)
        if not (full and rest):
            _turn_vector(w, blocking, at, to, lanes if full else rest)
            return []
        w.choose(
            w.value(f"icmp slt i64 {place}, {full}"),
            lambda: _turn_vector(w, blocking, at, to, lanes),
            lambda: _turn_vector(w, blocking, at, to, rest),
        )
        return []

    w.loop("0", str(blocking.vectors), [], each)
    return w.function("pack_panel", _PANEL, inline=False)


def _turn_vector(w: Writer, blocking: Blocking, source: str, target: str, columns: int) -> None:
    """Pack the columns of one vector, of which there are so many."""
    problem, size, lanes = blocking.problem, blocking.problem.size, blocking.lanes
    kind, type = stored(problem.views[1].dtype), vector(stored(problem.views[1].dtype), lanes)
    rows = min(lanes, 16 // size)  # of a strip: elements of 16 bytes
    lengths = (blocking.depth, problem.k - (blocking.steps - 1) * blocking.depth)

    def strip(row: str, count: str | None) -> None:
        at, to = w.moved(source, row, size), w.moved(target, row, blocking.width * size)
        places = [w.moved(at, str(min(column, columns - 1)), problem.b.column_stride * size) for column in range(lanes)]
        for number, value in enumerate(_turned(w, kind, size, places, rows, count)):
            place = w.moved(to, str(number), blocking.width * size)
            w.write(f"store {type} {value}, ptr {place}, align {lanes * size}")

    def each(row: str, _: list[str]) -> list[str]:
        strip(row, None)
        return []

    whole, rest = w.divided("%length", rows)
    if min(lengths) >= rows:
        w.loop("0", whole, [], each, rows)
    else:
        w.when(w.value(f"icmp sgt i64 {whole}, 0"), lambda: w.loop("0", whole, [], each, rows))
    if any(length % rows for length in lengths):
        w.when(w.value(f"icmp sgt i64 {rest}, 0"), lambda: strip(w.value(f"mul i64 {whole}, {rows}"), rest))


def _turned(w: Writer, kind: str, size: int, places: list[str], rows: int, count: str | None) -> list[str]:
    """The first rows of what lies in columns that begin at these places; only ``count`` of them where that is given.

    Of a column a strip is read, a part of a vector. What lies in different parts of a vector need not be moved between
    them any more.
    """
    w.lanes = rows
    if count is not None:
        numbers = ", ".join(f"i64 {i}" for i in range(rows))
        mask = w.value(f"icmp slt {w.type('i64')} <{numbers}>, {w.spread('i64', count)}")
    joined = []
    for row in range(rows):
        read = places[row::rows]
        if count is None:
            pieces = [w.load_some(kind, at, size, rows) for at in read]
        else:
            pieces = [w.load_masked(kind, at, size, mask) for at in read]
        joined.append(_joined(w, kind, pieces, rows))
    w.lanes = len(places)
    return transposed(w, kind, joined)


def _joined(w: Writer, kind: str, pieces: list[str], lanes: int) -> str:
    """Vectors one after the other as one."""
    while len(pieces) > 1:
        type = vector(kind, lanes)
        order = ", ".join(f"i32 {i}" for i in range(2 * lanes))
        pieces = [
            w.value(f"shufflevector {type} {x}, {type} {y}, <{2 * lanes} x i32> <{order}>")
            for x, y in zip(pieces[::2], pieces[1::2], strict=True)
        ]
        lanes *= 2
    return pieces[0]


def transposed(w: Writer, kind: str, rows: list[str]) -> list[str]:
    """Squares transposed of which these vectors hold a row each, one square or several side by side."""
    lanes = w.lanes
    type = vector(kind, lanes)
    far = 1
    while far < len(rows):
        found = list(rows)
        for i in range(len(rows)):
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


def pack_rows(module: Module, blocking: Blocking) -> str:
    """What the function is called that packs the rows of A that a tile needs: ``pack_rows(source, target, length)``.

    What lay side by side does so again: rows, each as long as a block is deep, or, where A lies column by column,
    columns.
    """
    problem = blocking.problem
    form = problem.views[0].dtype, problem.a.row_stride, problem.a.column_stride, blocking.rows, blocking.depth
    return module.once_written(("pack_rows", *form), lambda module: _copy_rows(module, blocking))


def _copy_rows(module: Module, blocking: Blocking) -> str:
    problem, size = blocking.problem, blocking.problem.size
    kind = stored(problem.views[0].dtype)
    w = Writer(module)
    if problem.a.column_stride == 1:
        copy = module.intrinsic("llvm.memcpy.p0.p0.i64", "void", ["ptr", "ptr", "i64", "i1"])
        nbytes = w.value(f"mul i64 %length, {size}")
        for row in range(blocking.rows):
            at = w.moved("%source", str(row), problem.a.row_stride * size)
            to = w.moved("%target", str(row), blocking.depth * size)
            w.write(f"call void {copy}(ptr {to}, ptr {at}, i64 {nbytes}, i1 false)")
        return w.function("pack_rows", _ROWS, inline=False)
    w.lanes = vector_bytes() // size
    type = vector(kind, w.lanes)

    def each(index: str, _: list[str]) -> list[str]:
        at = w.moved("%source", index, problem.a.column_stride * size)
        to = w.moved("%target", index, blocking.rows * size)
        for start in range(0, blocking.rows, w.lanes):  # what is written too much the next column overwrites
            value = w.load_some(kind, w.moved(at, str(start), size), size, blocking.rows - start)
            w.write(f"store {type} {value}, ptr {w.moved(to, str(start), size)}, align {size}")
        return []

    w.loop("0", "%length", [], each)
    return w.function("pack_rows", _ROWS, inline=False)


_ROWS = "ptr noalias %source, ptr noalias %target, i64 %length"
