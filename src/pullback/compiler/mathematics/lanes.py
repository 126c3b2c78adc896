"""Values in a function being written as LLVM IR, with the operators of arithmetic.

Every value is a scalar or a vector of so many lanes; constants spread to all lanes. The text is written directly: LLVM
parses it in microseconds, where building it from llvmlite's instruction objects costs more than compiling it. Equal
instructions are written once.
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_BITS = {"float": 32, "double": 64, "i32": 32, "i64": 64, "i128": 128, "i1": 1}
_DIGITS = {"float": 23, "double": 52}  # explicit binary digits of the significand


@dataclass(frozen=True)
class Type:
    """An element type of LLVM, and how many lanes of it (1: a scalar)."""

    element: str
    lanes: int

    @functools.cached_property
    def text(self) -> str:
        """As LLVM writes it."""
        return self.element if self.lanes == 1 else f"<{self.lanes} x {self.element}>"

    @functools.cached_property
    def suffix(self) -> str:
        """As the names of overloaded intrinsics have it."""
        element = {"float": "f32", "double": "f64"}.get(self.element, self.element)
        return element if self.lanes == 1 else f"v{self.lanes}{element}"

    @functools.cached_property
    def floating(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self.element in _DIGITS

    @functools.cached_property
    def integers(self) -> Type:
        """The integers as wide as these elements."""
        return Type(f"i{_BITS[self.element]}", self.lanes)

    @functools.cached_property
    def mask(self) -> Type:
        """What a comparison of such values gives."""
        return Type("i1", self.lanes)

    @functools.cached_property
    def digits(self) -> int:
        """Explicit binary digits of the significand."""
        return _DIGITS[self.element]

    @functools.cached_property
    def width(self) -> int:
        """Bits of an element."""
        return _BITS[self.element]

    @functools.cached_property
    def sign_bit(self) -> int:
        """The integer whose only bit is an element's sign."""
        return -(1 << (self.width - 1))

    @functools.cached_property
    def bias(self) -> int:
        """What is added to the exponent when it is stored; also the largest exponent."""
        return {"float": 127, "double": 1023}[self.element]

    @functools.cached_property
    def tiny(self) -> float:
        """The smallest normal number."""
        return math.ldexp(1.0, 1 - self.bias)

    @functools.lru_cache(maxsize=4096)  # noqa: B019 (a handful of types live as long as the process)
    def constant(self, number: float) -> str:
        """The text of a number in every lane, rounded to the element type."""
        if self.floating:
            rounded = round_to(self.element, number)
            text = f"{self.element} 0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"
        else:
            text = f"{self.element} {int(number)}"
        return text.partition(" ")[2] if self.lanes == 1 else f"splat ({text})"


def round_to(element: str, number: float) -> float:
    """The number nearest to it in "float" or "double"."""
    if element == "double" or math.isinf(number) or math.isnan(number):
        return number
    rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    return rounded


class Writer:
    """The instructions of one function, in order, and the functions that they call."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.calls: list[tuple[str, str, int]] = []
        self._known: dict[str, Value] = {}
        self._block = "0"

    def value(self, type: Type, instruction: str) -> Value:
        """The result of an instruction, written unless it has been already."""
        known = self._known.get(instruction)
        if known is None:
            known = Value(self, type, f"%v{len(self.lines)}")
            self._known[instruction] = known
            self.lines.append(f"  {known.text} = {instruction}")
        return known

    def rarely(self, condition: Value, function: str, usual: Sequence[Value], *inputs: Value) -> list[Value]:
        """The usual values, but those of another function of this package where the condition holds in any lane."""
        element, lanes = inputs[0].type.element, inputs[0].type.lanes
        if lanes > 1:
            bits = self.value(Type(f"i{lanes}", 1), f"bitcast {condition.type.text} {condition.text} to i{lanes}")
            condition = self.value(Type("i1", 1), f"icmp ne i{lanes} {bits.text}, 0")
        self.calls.append((function, element, lanes))
        n = len(self.lines)
        given = ", ".join(f"{value.type.text} {value.text}" for value in inputs)
        struct = "{" + ", ".join(value.type.text for value in usual) + "}"
        self.lines += [
            f"  br i1 {condition.text}, label %rare{n}, label %after{n}",
            f"rare{n}:",
            f'  %r{n} = call {struct} @"{symbol(function, element, lanes)}"({given})',
            *(f"  %r{n}.{i} = extractvalue {struct} %r{n}, {i}" for i in range(len(usual))),
            f"  br label %after{n}",
            f"after{n}:",
        ]
        before, self._block = self._block, f"after{n}"
        return [
            self.value(one.type, f"phi {one.type.text} [{one.text}, %{before}], [%r{n}.{i}, %rare{n}]")
            for i, one in enumerate(usual)
        ]


def symbol(function: str, element: str, lanes: int) -> str:
    """The name that a function of this package has in a module."""
    return f"pullback.{function}.{Type(element, lanes).suffix}"


class Value:
    """A value in a function being written. Comparisons are false where an operand is NaN."""

    __slots__ = ("text", "type", "writer")

    def __init__(self, writer: Writer, type: Type, text: str) -> None:
        self.writer = writer
        self.type = type
        self.text = text

    def like(self, number: float) -> Value:
        """A number in every lane, of the type of this value."""
        return Value(self.writer, self.type, self.type.constant(number))

    # Arithmetic -----------------------------------------------------------------------------------------------------

    def _operand(self, other: Value | float) -> str:
        return other.text if isinstance(other, Value) else self.type.constant(other)

    def _arithmetic(self, float_operation: str, operation: str, left: Value | float, right: Value | float) -> Value:
        opcode = float_operation if self.type.floating else operation
        text = f"{opcode} {self.type.text} {self._operand(left)}, {self._operand(right)}"
        return self.writer.value(self.type, text)

    def __add__(self, other: Value | float) -> Value:
        return self._arithmetic("fadd", "add", self, other)

    __radd__ = __add__

    def __sub__(self, other: Value | float) -> Value:
        return self._arithmetic("fsub", "sub", self, other)

    def __rsub__(self, other: float) -> Value:
        return self._arithmetic("fsub", "sub", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return self._arithmetic("fmul", "mul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Value | float) -> Value:
        return self._arithmetic("fdiv", "sdiv", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return self._arithmetic("fdiv", "sdiv", other, self)

    def __neg__(self) -> Value:
        return self.writer.value(self.type, f"fneg {self.type.text} {self.text}")

    # Bits -----------------------------------------------------------------------------------------------------------

    def __and__(self, other: Value | int) -> Value:
        return self._arithmetic("", "and", self, other)

    def __or__(self, other: Value | int) -> Value:
        return self._arithmetic("", "or", self, other)

    def __xor__(self, other: Value | int) -> Value:
        return self._arithmetic("", "xor", self, other)

    def __invert__(self) -> Value:
        """Not, of a mask."""
        return self._arithmetic("", "xor", self, 1)

    def __lshift__(self, count: int) -> Value:
        return self._arithmetic("", "shl", self, count)

    def __rshift__(self, count: int) -> Value:
        """Without a sign: zeros come in from the left."""
        return self._arithmetic("", "lshr", self, count)

    def _as(self, type: Type) -> Value:
        return self.writer.value(type, f"bitcast {self.type.text} {self.text} to {type.text}")

    @property
    def bits(self) -> Value:
        """The bits of floating-point numbers, as integers."""
        return self._as(self.type.integers)

    def floats(self, element: str) -> Value:
        """The floating-point numbers that have these integers as bits."""
        return self._as(Type(element, self.type.lanes))

    def to(self, element: str) -> Value:
        """The same number, rounded if need be, in the other floating-point type."""
        type = Type(element, self.type.lanes)
        if type == self.type:
            return self
        opcode = "fpext" if element == "double" else "fptrunc"
        return self.writer.value(type, f"{opcode} {self.type.text} {self.text} to {type.text}")

    # Comparison -----------------------------------------------------------------------------------------------------

    def _compare(self, condition: str, other: Value | float) -> Value:
        opcode = (
            f"fcmp o{condition}"
            if self.type.floating
            else f"icmp {'' if condition in ('eq', 'ne') else 's'}{condition}"
        )
        return self.writer.value(self.type.mask, f"{opcode} {self.type.text} {self.text}, {self._operand(other)}")

    def __lt__(self, other: Value | float) -> Value:
        return self._compare("lt", other)

    def __le__(self, other: Value | float) -> Value:
        return self._compare("le", other)

    def __gt__(self, other: Value | float) -> Value:
        return self._compare("gt", other)

    def __ge__(self, other: Value | float) -> Value:
        return self._compare("ge", other)

    def equals(self, other: Value | float) -> Value:
        """Whether the numbers are equal: a mask."""
        return self._compare("eq", other)

    def is_nan(self) -> Value:
        """Whether it is no number: a mask."""
        return self.writer.value(self.type.mask, f"fcmp uno {self.type.text} {self.text}, {self._operand(0.0)}")

    # Intrinsics that are one instruction of the processor -----------------------------------------------------------

    def intrinsic(self, name: str, *others: Value | float) -> Value:
        """An intrinsic of LLVM whose operands and result are of this type."""
        operands = ", ".join(f"{self.type.text} {self._operand(one)}" for one in (self, *others))
        return self.writer.value(self.type, f"call {self.type.text} @llvm.{name}.{self.type.suffix}({operands})")

    def fma(self, factor: Value | float, addend: Value | float) -> Value:
        """The value self * factor + addend, rounded once."""
        return self.intrinsic("fma", factor, addend)

    def __abs__(self) -> Value:
        return self.intrinsic("fabs")

    def sqrt(self) -> Value:
        """The square root, correctly rounded."""
        return self.intrinsic("sqrt")

    def copysign(self, sign: Value | float) -> Value:
        """The magnitude of self with the sign of another."""
        return self.intrinsic("copysign", sign)

    # Choice ---------------------------------------------------------------------------------------------------------

    def at_most(self, bound: float) -> Value:
        """The smaller of the two; NaN stays."""
        return where(self > bound, bound, self)

    def at_least(self, bound: float) -> Value:
        """The larger of the two; NaN stays."""
        return where(self < bound, bound, self)


def where(condition: Value, yes: Value | float, no: Value | float) -> Value:
    """In each lane the one or the other. At least one of the two is a value; a number takes its type."""
    typed = yes if isinstance(yes, Value) else no
    assert isinstance(typed, Value)
    type = typed.type
    chosen = ", ".join(f"{type.text} {typed._operand(one)}" for one in (yes, no))
    return condition.writer.value(type, f"select {condition.type.text} {condition.text}, {chosen}")
