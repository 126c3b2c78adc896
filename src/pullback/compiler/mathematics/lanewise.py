"""Functions that take one lane after another: the rare cases that are worth no vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pullback.compiler.mathematics.lanes import Type, Value, Writer
from pullback.compiler.mathematics.registry import Call, Text

Number = Callable[..., Sequence[Value]]


def over_lanes(arguments: Sequence[Type], results: Sequence[Type], number: Number, calls: Sequence[Call]) -> Text:
    """A function that gives a struct of results, found for each lane by what `number` writes for scalars."""
    writer = Writer()
    lanes = arguments[0].lanes
    given = [Value(writer, type, f"%x{i}") for i, type in enumerate(arguments)]
    struct = "{" + ", ".join(type.text for type in results) + "}"
    if lanes == 1:
        found = [value.text for value in number(*given)]
    else:
        found = [f"%found{i}" for i in range(len(results))]
        writer.lines += ["  br label %loop", "loop:", "  %i = phi i32 [0, %0], [%next, %loop]"]
        writer.lines += [f"  %before{i} = phi {t.text} [undef, %0], [%found{i}, %loop]" for i, t in enumerate(results)]
        scalars = [
            writer.value(Type(one.type.element, 1), f"extractelement {one.type.text} {one.text}, i32 %i")
            for one in given
        ]
        writer.lines += [
            f"  %found{i} = insertelement {type.text} %before{i}, {value.type.text} {value.text}, i32 %i"
            for i, (type, value) in enumerate(zip(results, number(*scalars), strict=True))
        ]
        writer.lines += ["  %next = add i32 %i, 1", f"  %more = icmp ult i32 %next, {lanes}"]
        writer.lines += ["  br i1 %more, label %loop, label %done", "done:"]
    result = "undef"
    for i, (type, value) in enumerate(zip(results, found, strict=True)):
        writer.lines.append(f"  %result{i} = insertvalue {struct} {result}, {type.text} {value}, {i}")
        result = f"%result{i}"
    listed = ", ".join(f"{one.type.text} {one.text}" for one in given)
    return Text(struct, listed, "\n".join([*writer.lines, f"  ret {struct} {result}"]), tuple(calls))
