"""The functions, by name: how each is written, and how far its results are from the exact ones."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pullback.compiler.mathematics.lanes import Type, Value, Writer
from pullback.compiler.mathematics.lanes import symbol as default_symbol

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
        _definitions[called] = Definition(arity, body, {"float": float, "double": double})
        return body

    return declared


def in_doubles(body: Callable[[Value, str], Value]) -> Body:
    """Write a function of one number so that floats are computed as doubles.

    ``body(x, use)`` is given a double, and which coefficients it needs: "wide" for the exactness of floats, "double".
    """

    def written(x: Value) -> Value:
        return body(x.to("double"), "wide").to("float") if x.type.element == "float" else body(x, "double")

    written.__name__, written.__doc__ = body.__name__, body.__doc__
    return written


def raw(name: str) -> Callable[[Raw], Raw]:
    """Declare a function that is called where the usual way is not exact, given as text by element type and lanes."""

    def declared(writer: Raw) -> Raw:
        _raw[name] = writer
        return writer

    return declared


def names() -> frozenset[str]:
    """The names of the functions, which are those of the primitives that they compute."""
    return frozenset(_definitions)


def arity(name: str) -> int:
    """How many arguments a function takes."""
    return _definitions[name].arity


def bounds(name: str) -> dict[str, float]:
    """The largest error of a function in units in the last place, by element type."""
    return _definitions[name].bounds


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


def text(symbol: str, name: str, element: str, lanes: int) -> str:
    """The module, as LLVM's text, that defines a mathematical function, and privately what it calls.

    Args:
        symbol: what the function is called.
        name: one of `names()`.
        element: "float" or "double".
        lanes: how many elements its arguments and its result have: vectors, or scalars for 1.
    """
    wanted = (name, element, lanes)
    needed = [_defined(one, default_symbol(*one)) for one in _needed([wanted])[1:]]
    return "\n".join([*needed, _defined(wanted, symbol, linkage="")])


def definitions(wanted: Iterable[Call]) -> str:
    """The module that defines functions under their own symbols, and privately what they call, each once."""
    public = dict.fromkeys(wanted)
    found = [_defined(one, default_symbol(*one), "" if one in public else "private ") for one in _needed(public)]
    return "\n".join(found)


def _needed(wanted: Iterable[Call]) -> list[Call]:
    """These functions and those that they call, each once."""
    found = dict.fromkeys(wanted)
    queue = list(found)
    for call in queue:
        new = [one for one in _written(*call).calls if one not in found]
        found.update(dict.fromkeys(new))
        queue += new
    return list(found)


def _defined(call: Call, symbol: str, linkage: str = "private ") -> str:
    text = _written(*call)
    attributes = "nounwind memory(none)" + (" cold noinline" if call[0] in _raw else "")
    return (
        f'{text.globals}define {linkage}{text.results} @"{symbol}"({text.arguments}) {attributes} {{\n{text.body}\n}}\n'
    )
