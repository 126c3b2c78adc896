"""The functions, by name: how each is written, and how far its results are from the exact ones."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from pullback.compiler.mathematics.lanes import Type, Value, Writer, symbol

Body = Callable[..., Value]
Raw = Callable[[str, int], "Text"]
Call = tuple[str, str, int]
"""A function that is called: its name, element type and lanes."""


@dataclass(frozen=True)
class Text:
    """A function as LLVM text after its name and before its attributes, then its body; and the functions it calls."""

    results: str
    arguments: str
    body: str
    calls: tuple[Call, ...] = ()
    globals: str = ""


@dataclass(frozen=True)
class Definition:
    """A function of numbers: how to write it, and its largest errors in units in the last place, by element type."""

    name: str
    arity: int
    body: Body
    bounds: dict[str, float]


_definitions: dict[str, Definition] = {}
_raw: dict[str, Raw] = {}


def define(float: float, double: float, name: str = "") -> Callable[[Body], Body]:
    """Declare a function; its largest error in units in the last place, as tests hold it, for each element type."""

    def declared(body: Body) -> Body:
        arity = len(inspect.signature(body).parameters)
        called = name or body.__name__
        _definitions[called] = Definition(called, arity, body, {"float": float, "double": double})
        return body

    return declared


def raw(name: str) -> Callable[[Raw], Raw]:
    """Declare a function that is called where the usual way is not exact, given as text by element type and lanes."""

    def declared(writer: Raw) -> Raw:
        _raw[name] = writer
        return writer

    return declared


def names() -> frozenset[str]:
    """The names of the functions, which are those of the primitives that they compute."""
    return frozenset(_definitions)


def definition(name: str) -> Definition:
    """What is declared under a name."""
    return _definitions[name]


@functools.lru_cache(maxsize=1024)
def _written(name: str, element: str, lanes: int) -> Text:
    if name in _raw:
        return _raw[name](element, lanes)
    definition = _definitions[name]
    writer, type = Writer(), Type(element, lanes)
    arguments = [Value(writer, type, f"%x{i}") for i in range(definition.arity)]
    result = definition.body(*arguments)
    lines = [*writer.lines, f"  ret {type.text} {result.text}"]
    listed = ", ".join(f"{type.text} {one.text}" for one in arguments)
    return Text(type.text, listed, "\n".join(lines), tuple(writer.calls))


class WrittenFunction(ir.Function):
    """A function of a module whose text is ready; equal ones are written once for the life of the process."""

    def __init__(self, module: ir.Module, name: str, type: ir.FunctionType, text: Text, rare: bool) -> None:
        super().__init__(module, type, name)
        self.linkage = "private"
        self.text = text
        self.rare = rare

    def descr(self, buf: list[str]) -> None:
        """Append the text of the definition, as llvmlite asks for it."""
        text = self.text
        added = " ".join(self.attributes._to_list(self.ftype.return_type))
        attributes = f"nounwind memory(none) {'cold noinline' if self.rare else added}"
        head = f'define private {text.results} @"{self.name}"({text.arguments}) {attributes}'
        buf.append(f"{text.globals}{head} {{\n{text.body}\n}}\n")

    @property
    def is_declaration(self) -> bool:
        """False: the text is its definition."""
        return False


def function(module: ir.Module, name: str, element: str, lanes: int) -> ir.Function:
    """The private function that computes a mathematical function, written into the module when first asked for.

    Args:
        module: where it is defined.
        name: one of `names()`.
        element: "float" or "double".
        lanes: how many elements its arguments and its result have: vectors, or scalars for 1.
    """
    called = symbol(name, element, lanes)
    if called in module.globals:
        return module.globals[called]
    text = _written(name, element, lanes)
    for needed in text.calls:
        function(module, *needed)
    scalar = ir.FloatType() if element == "float" else ir.DoubleType()
    type = scalar if lanes == 1 else ir.VectorType(scalar, lanes)
    arity = 1 if name in _raw else _definitions[name].arity
    return WrittenFunction(module, called, ir.FunctionType(type, [type] * arity), text, name in _raw)
