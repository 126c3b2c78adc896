"""Python's operators on arrays: a table of which operation each calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.core.operations import operations

Method = Callable[..., Any]

ARITHMETIC: set[str] = set()
"""The operations of Python's operators: of Python numbers only, their result is a Python number."""


SYMBOLS: dict[str, str] = {}
"""The operations of Python's operators between two operands, each with how Python writes it."""


def _binary(name: str, symbol: str = "") -> tuple[Method, Method, Method]:
    """The operator, its reflected form, and its in-place form, which rebinds the handle of an array."""
    ARITHMETIC.add(name)
    if symbol:
        SYMBOLS[name] = symbol

    def forward(self: Any, other: Any) -> Any:
        return getattr(operations, name)(self, other)

    def reflected(self: Any, other: Any) -> Any:
        return getattr(operations, name)(other, self)

    def in_place(self: Any, other: Any) -> Any:
        result = getattr(operations, name)(self, other)
        return result if self._is_number() else self._rebind(f"in-place {name}", result)

    return forward, reflected, in_place


def _unary(name: str) -> Method:
    ARITHMETIC.add(name)

    def apply(self: Any) -> Any:
        return getattr(operations, name)(self)

    return apply


def _comparison(name: str) -> Method:
    def compare(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, (str, bytes)):
            return NotImplemented  # a TypeError, as Python has it
        return getattr(operations, name)(self, other)

    return compare


def _equality(name: str, of_others: bool) -> Method:
    def compare(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, (str, bytes)):
            return operations.full(self.shape, of_others)  # no number equals it
        if getattr(other, "__array_ufunc__", self) is None:
            return NotImplemented  # it asks to be the one that compares
        return getattr(operations, name)(self, other)

    return compare


class Operators:
    """Operators of ``Array``."""

    __slots__ = ()

    __add__, __radd__, __iadd__ = _binary("add", "+")
    __sub__, __rsub__, __isub__ = _binary("subtract", "-")
    __mul__, __rmul__, __imul__ = _binary("multiply", "*")
    __truediv__, __rtruediv__, __itruediv__ = _binary("divide", "/")
    __floordiv__, __rfloordiv__, __ifloordiv__ = _binary("floor_divide", "//")
    __mod__, __rmod__, __imod__ = _binary("remainder", "%")
    __pow__, __rpow__, __ipow__ = _binary("power", "**")
    __matmul__, __rmatmul__, __imatmul__ = _binary("matmul", "@")
    __and__, __rand__, __iand__ = _binary("bitwise_and", "&")
    __or__, __ror__, __ior__ = _binary("bitwise_or", "|")
    __xor__, __rxor__, __ixor__ = _binary("bitwise_xor", "^")
    __lshift__, __rlshift__, __ilshift__ = _binary("left_shift", "<<")
    __rshift__, __rrshift__, __irshift__ = _binary("right_shift", ">>")
    __divmod__, __rdivmod__, _ = _binary("divmod")
    del _

    __neg__ = _unary("negative")
    __pos__ = _unary("positive")
    __abs__ = _unary("absolute")
    __invert__ = _unary("invert")

    __eq__ = _equality("equal", of_others=False)
    __ne__ = _equality("not_equal", of_others=True)
    __lt__ = _comparison("less")
    __le__ = _comparison("less_equal")
    __gt__ = _comparison("greater")
    __ge__ = _comparison("greater_equal")
