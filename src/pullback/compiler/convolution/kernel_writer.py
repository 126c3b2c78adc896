"""The adjoint of a convolution by its kernel in machine code.

Numbers of the images are read one by one and spread over a vector, those of the windows in vectors across their
channels, so that these are first packed: the channels of one place side by side. A tile of sums, some offsets by a few
vectors of channels, is kept in registers while the places of some lines are walked through.
"""

from __future__ import annotations

from collections.abc import Callable

from pullback.compiler import strided
from pullback.compiler.blocking import together
from pullback.compiler.convolution.kernels import Gradient
from pullback.compiler.convolution.layout import copying
from pullback.compiler.emit import Module, stored
from pullback.compiler.instructions import Writer
from pullback.compiler.loops import beginning
from pullback.compiler.packing import transposed
from pullback.compiler.views import Buffer, View
from pullback.compiler.words import suffix, vector


class GradientWriter:
    """Writes the sums of groups of images, and the sums of these."""

    def __init__(
        self,
        module: Module,
        problem: Gradient,
        result: View,
        place: Callable[[Buffer], int],
    ) -> None:
        self.module, self.problem, self.result, self.place = module, problem, result, place
        self.kind, self.size = stored(problem.windows.dtype), problem.size
        self.rows, self.vectors, self.lanes = problem.tile
        self.zero = module.intrinsic("llvm.memset.p0.i64", "void", ["ptr", "i8", "i64", "i1"])

    @property
    def parts(self) -> list[tuple[str, int, int]]:
        """The functions to call: name, how many pieces there are, and how many of these belong together."""
        p = self.problem
        count, rows = p.parts * p.groups, p.groups * len(p.rows)
        return [
            *p.source.parts,
            ("run", count, together(count, p.flops)),
            ("total", rows, together(rows, 8 * p.sums.nbytes // self.size)),
        ]

    def text(self) -> str:
        """These functions, and those that they need."""
        texts = [self._packing(), self._kernel(), self._sums(), self._total()]
        if self.problem.source.copy is not None:
            texts.insert(0, copying(self.module, self.problem.source, self.place))
        return "\n".join(texts)

    # Sums of one group ----------------------------------------------------------------------------------------------

    def _sums(self) -> str:
        p, size = self.problem, self.size
        w = Writer(self.module)
        source, windows = beginning(w, p.source.read, self.place), beginning(w, p.windows, self.place)
        sums = beginning(w, p.sums.view(), self.place)
        length = p.lines * p.columns * p.width
        packed = w.result(f"alloca [{length * size} x i8], align 64")
        whole = p.width - p.outputs
        if whole:  # what no output is packed into stays zero
            w.write(f"call void {self.zero}(ptr align 64 {packed}, i8 0, i64 {length * size}, i1 false)")

        table = self.module.table([one * size for one in p.rows])

        def each(index: str, _: list[str]) -> list[str]:
            part, group = w.divided(index, p.groups)
            to = w.moved(sums, index, p.partial * size)
            w.write(f"call void {self.zero}(ptr align {size} {to}, i8 0, i64 {p.partial * size}, i1 false)")
            start = w.value(f"mul i64 {part}, {p.shares}")
            end = w.smaller(w.value(f"add i64 {start}, {p.shares}"), str(p.units))
            at = w.moved(source, group, p.channels * p.source.of_channel * size)
            given = w.moved(windows, group, p.outputs * p.windows.strides[1] * size)

            def each_unit(unit: str, _: list[str]) -> list[str]:
                rest, column = w.divided(unit, p.strips[1])
                image, line = w.divided(rest, p.strips[0])
                line = w.value(f"mul i64 {line}, {p.lines}")
                column = w.value(f"mul i64 {column}, {p.columns}")
                read, came = at, given
                for far, one, other in (
                    (image, p.source.of_image, p.windows.strides[0]),
                    (line, p.source.line, p.windows.strides[2]),
                    (column, 1, p.windows.strides[3]),
                ):
                    read, came = w.moved(read, far, one * size), w.moved(came, far, other * size)
                lines = w.smaller(w.value(f"sub i64 {p.windows.shape[2]}, {line}"), str(p.lines))
                columns = w.smaller(w.value(f"sub i64 {p.windows.shape[3]}, {column}"), str(p.columns))
                numbers = f"i64 {lines}, i64 {columns}"
                w.write(f"call void @pack(ptr {came}, ptr {packed}, {numbers})")

                def each_row(block: str, _: list[str]) -> list[str]:
                    row = w.value(f"mul i64 {block}, {self.rows}")
                    first = w.smaller(row, str(len(p.rows) - self.rows))
                    known = w.value(f"sub i64 {row}, {first}")
                    offsets = w.value(f"getelementptr i64, ptr {table}, i64 {first}")
                    target = w.moved(to, first, p.width * size)

                    def each_panel(panel: str, _: list[str]) -> list[str]:
                        far = self.vectors * self.lanes * size
                        pointers = f"ptr {w.moved(packed, panel, far)}, ptr {w.moved(target, panel, far)}"
                        w.write(f"call void @add(ptr {read}, ptr {offsets}, {pointers}, {numbers}, i64 {known})")
                        return []

                    return w.loop("0", str(p.width // (self.vectors * self.lanes)), [], each_panel)

                return w.loop("0", str(-(-len(p.rows) // self.rows)), [], each_row)

            return w.loop(start, end, [], each_unit)

        w.loop("%begin", "%end", [], each)
        return w.function("run")

    def _packing(self) -> str:
        """The function that packs some lines: ``(windows, packed, lines, columns)``. Places become rows."""
        p, size = self.problem, self.size
        w = Writer(self.module)
        w.lanes = lanes = self.lanes
        type = vector(self.kind, lanes)
        step = p.windows.strides[3]

        def square(at: str, to: str, count: int, some: int) -> None:
            values = []
            for output in range(lanes):
                if output < count:
                    place = w.moved(at, str(output), p.windows.strides[1] * size)
                    values.append(strided.load(w, self.kind, size, place, step, some))
                else:
                    values.append("zeroinitializer")
            for row, value in enumerate(transposed(w, self.kind, values)[:some]):
                w.write(f"store {type} {value}, ptr {w.moved(to, str(row), p.width * size)}, align {size}")

        def line(at: str, to: str, count: int) -> None:
            full, rest = divmod(p.windows.shape[3], lanes)
            if p.strips[1] == 1:
                if full:
                    w.loop("0", str(full), [], lambda index, _: squares(at, to, index, count))
                if rest:
                    square(
                        w.moved(at, str(full * lanes), step * size),
                        w.moved(to, str(full * lanes), p.width * size),
                        count,
                        rest,
                    )
                return
            whole = w.value(f"udiv i64 %columns, {lanes}")
            w.when(
                w.value(f"icmp sgt i64 {whole}, 0"),
                lambda: w.loop("0", whole, [], lambda index, _: squares(at, to, index, count)),
            )
            done = w.value(f"mul i64 {whole}, {lanes}")

            def each_place(place: str, _: list[str]) -> list[str]:
                square(w.moved(at, place, step * size), w.moved(to, place, p.width * size), count, 1)
                return []

            w.when(w.value(f"icmp slt i64 {done}, %columns"), lambda: w.loop(done, "%columns", [], each_place))

        def squares(at: str, to: str, index: str, count: int) -> list[str]:
            square(w.moved(at, index, lanes * step * size), w.moved(to, index, lanes * p.width * size), count, lanes)
            return []

        def each_line(number: str, _: list[str]) -> list[str]:
            at = w.moved("%windows", number, p.windows.strides[2] * size)
            first = w.value(f"mul i64 {number}, %columns")
            to = w.moved("%packed", first, p.width * size)
            full, rest = divmod(p.outputs, lanes)

            def each_vector(index: str, _: list[str]) -> list[str]:
                line(w.moved(at, index, lanes * p.windows.strides[1] * size), w.moved(to, index, lanes * size), lanes)
                return []

            if full:
                w.loop("0", str(full), [], each_vector)
            if rest:
                done = str(full * lanes)
                line(w.moved(at, done, p.windows.strides[1] * size), w.moved(to, done, size), rest)
            return []

        w.loop("0", "%lines", [], each_line)
        return w.function("pack", "ptr noalias %windows, ptr noalias %packed, i64 %lines, i64 %columns")

    def _kernel(self) -> str:
        """Add to a tile of sums: ``(source, offsets, packed, sums, lines, columns, known)``.

        The first ``known`` rows are not added to: another tile has them.
        """
        p, size, kind = self.problem, self.size, self.kind
        w = Writer(self.module)
        w.lanes = self.lanes
        type = vector(kind, self.lanes)
        name = self.module.intrinsic(f"llvm.fmuladd.{suffix(kind, self.lanes)}", type, [type] * 3)
        places = [(row, column) for row in range(self.rows) for column in range(self.vectors)]
        at = []
        for row in range(self.rows):
            far = w.result(f"load i64, ptr {w.moved('%offsets', str(row), 8)}")
            at.append(w.value(f"getelementptr i8, ptr %source, i64 {far}"))
        zero = [(type, "zeroinitializer")] * len(places)

        def each_line(line: str, carried: list[str]) -> list[str]:
            far = w.value(f"mul nsw i64 {line}, {p.source.line * size}")
            packed = w.moved("%packed", w.value(f"mul i64 {line}, %columns"), p.width * size)

            def each_place(place: str, totals: list[str]) -> list[str]:
                here = w.value(f"add nsw i64 {far}, {w.value(f'mul nsw i64 {place}, {size}')}")
                begin = w.moved(packed, place, p.width * size)
                given = [
                    w.result(f"load {type}, ptr {w.moved(begin, str(column), self.lanes * size)}, align {size}")
                    for column in range(self.vectors)
                ]
                found = []
                for row in range(self.rows):
                    value = w.result(f"load {kind}, ptr {w.value(f'getelementptr i8, ptr {at[row]}, i64 {here}')}")
                    spread = w.spread(kind, value)
                    for column in range(self.vectors):
                        total = totals[row * self.vectors + column]
                        operands = ", ".join(f"{type} {one}" for one in (spread, given[column], total))
                        found.append(w.value(f"call {type} {name}({operands})"))
                return found

            return w.loop("0", "%columns", list(zip([type] * len(places), carried, strict=True)), each_place)

        totals = w.loop("0", "%lines", zero, each_line)
        for row in range(self.rows):

            def add(row: int = row) -> None:
                for column in range(self.vectors):
                    to = w.moved("%sums", str(row * p.width + column * self.lanes), size)
                    before = w.result(f"load {type}, ptr {to}, align {size}")
                    total = w.binary("fadd", kind, before, totals[row * self.vectors + column])
                    w.write(f"store {type} {total}, ptr {to}, align {size}")

            w.when(w.value(f"icmp sge i64 {row}, %known"), add)
        parameters = (
            "ptr noalias %source, ptr noalias %offsets, ptr noalias %packed, ptr noalias %sums, "
            "i64 %lines, i64 %columns, i64 %known"
        )
        return w.function("add", parameters, inline=False)

    # The sum of all groups ------------------------------------------------------------------------------------------

    def _total(self) -> str:
        p, size, kind = self.problem, self.size, self.kind
        w = Writer(self.module)
        w.lanes = self.lanes
        type = vector(kind, self.lanes)
        sums, result = beginning(w, p.sums.view(), self.place), beginning(w, self.result, self.place)
        apart = p.groups * p.partial * size

        def each(index: str, _: list[str]) -> list[str]:
            group, row = w.divided(index, len(p.rows))
            at = w.moved(sums, index, p.width * size)
            to = w.moved(w.moved(result, group, p.outputs * len(p.rows) * size), row, size)

            def some(start: str, count: int) -> None:
                place = w.moved(at, start, size)

                def each_part(part: str, carried: list[str]) -> list[str]:
                    value = w.result(f"load {type}, ptr {w.moved(place, part, apart)}, align {size}")
                    return [w.binary("fadd", kind, carried[0], value)]

                (total,) = w.loop("0", str(p.parts), [(type, "zeroinitializer")], each_part)
                target = w.moved(to, start, len(p.rows) * size)
                strided.store(w, kind, size, total, target, len(p.rows), count)

            def each_vector(number: str, _: list[str]) -> list[str]:
                some(w.value(f"mul i64 {number}, {self.lanes}"), self.lanes)
                return []

            full, rest = divmod(p.outputs, self.lanes)
            if full:
                w.loop("0", str(full), [], each_vector)
            if rest:
                some(str(full * self.lanes), rest)
            return []

        w.loop("%begin", "%end", [], each)
        return w.function("total")
