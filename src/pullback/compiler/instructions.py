"""The instruction set: NumPy's elementary functions of numbers, each as LLVM instructions on vectors of them.

Every other pointwise primitive is composed of these, by its NumPy meaning (see expand.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.compiler import mathematics
from pullback.compiler.emit import Module, constant, element, is_native
from pullback.compiler.machine import vector_bytes
from pullback.compiler.words import suffix, vector

Dtype = np.dtype[Any]


PART = "ptr noalias %operands, i64 %begin, i64 %end, ptr %scratch"
"""What a function is given that does some iterations of a part. A thread of the pool gives memory of its own."""


class Writer:
    """Writes the instructions of one function. Equal instructions in one block are written once.

    Attributes:
        module: where the function belongs to.
        lines: what has been written.
        lanes: how many elements a value has that is written now.
        block: the name of the block that is written now.
        keeps_vectors: whether vectors have to be kept in memory while others are computed: calls change all registers.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.lines: list[str] = []
        self.lanes = 1
        self.block = "entry"
        self.keeps_vectors = False
        self._count = 0
        self._known: dict[str, str] = {}

    def function(self, name: str, parameters: str = PART, inline: bool = True) -> str:
        """The text of a function of what was written; by default one that does some iterations of a part."""
        body = "\n".join(self.lines)
        words = "nounwind" if inline else "nounwind noinline"
        if self.keeps_vectors:  # each in one line of the cache
            words += f" alignstack({vector_bytes()})"
        return f"define private void @{name}({parameters}) {words} {{\nentry:\n{body}\n  ret void\n}}"

    def fresh(self, prefix: str = "v") -> str:
        """A name that has not been used."""
        self._count += 1
        return f"{prefix}{self._count}"

    def value(self, instruction: str) -> str:
        """Write an instruction that only computes, unless the block has it, and return the name of its result."""
        known = self._known.get(instruction)
        if known is None:
            known = self._known[instruction] = f"%{self.fresh()}"
            self.lines.append(f"  {known} = {instruction}")
        return known

    def result(self, instruction: str) -> str:
        """Write an instruction that reads memory, and return the name of its result."""
        name = f"%{self.fresh()}"
        self.lines.append(f"  {name} = {instruction}")
        return name

    def write(self, instruction: str) -> None:
        """Write an instruction without a result."""
        self.lines.append(f"  {instruction}")

    def label(self, name: str) -> None:
        """Begin a block."""
        self.lines.append(f"{name}:")
        self.block = name
        self._known = {}

    def loop(
        self,
        start: str,
        stop: str,
        carried: Sequence[tuple[str, str]],
        body: Callable[[str, list[str]], list[str]],
        step: int = 1,
    ) -> list[str]:
        """Write a loop that runs at least once; ``carried`` are types and first values of what it hands on.

        The body is given ``step`` times the number of the iteration, so that it need not multiply. It is counted in a
        vector of one lane, which loop strength reduction, two fifths of code generation, leaves alone.
        """
        head, done = self.fresh("loop"), self.fresh("done")
        counter, index, following, more = (f"%{self.fresh('i')}" for _ in range(4))
        phis = [f"%{self.fresh('a')}" for _ in carried]
        start, stop = self.times(start, step), self.times(stop, step)
        before = self.block
        first = self.value(f"insertelement <1 x i64> poison, i64 {start}, i64 0")
        self.write(f"br label %{head}")
        self.label(head)
        place = len(self.lines)
        handed = body(index, phis)
        self.write(f"{following} = add nuw nsw i64 {index}, {step}")
        self.write(f"{more} = icmp slt i64 {following}, {stop}")
        next = self.value(f"insertelement <1 x i64> poison, i64 {following}, i64 0")
        self.write(f"br i1 {more}, label %{head}, label %{done}")
        lines = [f"  {counter} = phi <1 x i64> [{first}, %{before}], [{next}, %{self.block}]"]
        for phi, (type, begun), last in zip(phis, carried, handed, strict=True):
            lines.append(f"  {phi} = phi {type} [{begun}, %{before}], [{last}, %{self.block}]")
        lines.append(f"  {index} = extractelement <1 x i64> {counter}, i64 0")
        self.lines[place:place] = lines
        self.label(done)
        return handed

    def when(self, condition: str, body: Callable[[], object]) -> None:
        """Write what happens only where a condition holds."""
        then, after = self.fresh("then"), self.fresh("after")
        self.write(f"br i1 {condition}, label %{then}, label %{after}")
        self.label(then)
        body()
        self.write(f"br label %{after}")
        self.label(after)

    def choose(self, condition: str, body: Callable[[], object], other: Callable[[], object]) -> None:
        """Write what happens where a condition holds, and what elsewhere."""
        yes, no, after = self.fresh("yes"), self.fresh("no"), self.fresh("after")
        self.write(f"br i1 {condition}, label %{yes}, label %{no}")
        for name, write in ((yes, body), (no, other)):
            self.label(name)
            write()
            self.write(f"br label %{after}")
        self.label(after)

    def moved(self, pointer: str, index: str, step: int) -> str:
        """A pointer moved on by ``index`` times ``step`` bytes."""
        far = self.times(index, step)
        return pointer if far == "0" else self.value(f"getelementptr i8, ptr {pointer}, i64 {far}")

    def times(self, index: str, count: int) -> str:
        """An index times a number."""
        if index.isdecimal():
            return str(int(index) * count)
        return index if count == 1 else self.value(f"mul nsw i64 {index}, {count}")

    def smaller(self, x: str, y: str) -> str:
        """The smaller one of two lengths."""
        less = self.value(f"icmp slt i64 {x}, {y}")
        return self.value(f"select i1 {less}, i64 {x}, i64 {y}")

    def divided(self, index: str, by: int | str) -> tuple[str, str]:
        """The quotient and the rest of an index."""
        if by == 1:
            return index, "0"
        return self.value(f"udiv i64 {index}, {by}"), self.value(f"urem i64 {index}, {by}")

    def spread(self, kind: str, value: str) -> str:
        """A single value in every lane."""
        if self.lanes == 1:
            return value
        type = vector(kind, self.lanes)
        first = self.value(f"insertelement {type} poison, {kind} {value}, i64 0")
        zeros = vector("i32", self.lanes)
        return self.value(f"shufflevector {type} {first}, {type} poison, {zeros} zeroinitializer")

    def load_some(self, kind: str, pointer: str, size: int, count: int) -> str:
        """The first ``count`` elements from a place on, as a vector; zeros after them."""
        type = self.type(kind)
        if count >= self.lanes:
            return self.result(f"load {type}, ptr {pointer}, align {size}")
        return self.load_masked(kind, pointer, size, first_lanes(self.lanes, count))

    def load_masked(self, kind: str, pointer: str, size: int, mask: str) -> str:
        """The elements from a place on where the mask is true, zeros elsewhere."""
        type, of_mask = self.type(kind), vector("i1", self.lanes)
        called = self.module.intrinsic(f"llvm.masked.load.{suffix(kind, self.lanes)}.p0", type, ["ptr", of_mask, type])
        return self.result(
            f"call {type} {called}(ptr align {size} {pointer}, {of_mask} {mask}, {type} zeroinitializer)"
        )

    def type(self, kind: str) -> str:
        """The type of a value of this kind, with as many lanes as are written now."""
        return vector(kind, self.lanes)

    def constant(self, kind: str, value: Any) -> str:
        """A number in every lane."""
        return constant(kind, self.lanes, value)

    def intrinsic(self, name: str, kind: str, *operands: str) -> str:
        """Call an intrinsic whose arguments and result are of one kind."""
        type = self.type(kind)
        called = self.module.intrinsic(f"llvm.{name}.{suffix(kind, self.lanes)}", type, [type] * len(operands))
        return self.value(f"call {type} {called}({', '.join(f'{type} {one}' for one in operands)})")

    def binary(self, operation: str, kind: str, x: str, y: str) -> str:
        """An instruction of two operands of one kind."""
        return self.value(f"{operation} {self.type(kind)} {x}, {y}")

    def select(self, condition: str, kind: str, x: str, y: str) -> str:
        """The value of x where the condition holds, of y elsewhere."""
        type = self.type(kind)
        return self.value(f"select {self.type('i1')} {condition}, {type} {x}, {type} {y}")

    def compare(self, how: str, kind: str, x: str, y: str) -> str:
        """A comparison: the words of ``fcmp``; integers and booleans are compared by the same."""
        if kind in _FLOATS:
            return self.value(f"fcmp {how} {self.type(kind)} {x}, {y}")
        word = {"oeq": "eq", "une": "ne", "olt": "lt", "ole": "le", "ogt": "gt", "oge": "ge"}[how]
        if word not in ("eq", "ne"):
            word = ("u" if kind == "i1" else "s") + word
        return self.value(f"icmp {word} {self.type(kind)} {x}, {y}")

    def convert(self, source: str, target: str, x: str) -> str:
        """Convert between kinds, as NumPy's astype does."""
        if source == target:
            return x
        if target == "i1":
            zero = self.constant(source, 0)
            return self.compare("une", source, x, zero)
        if source in _FLOATS:
            word = {"float": "fptrunc", "double": "fpext"}.get(target, "fptosi")
        elif target in _FLOATS:
            word = "uitofp" if source == "i1" else "sitofp"
        elif source == "i1":
            word = "zext"
        else:
            word = "sext" if target == "i64" else "trunc"
        return self.value(f"{word} {self.type(source)} {x} to {self.type(target)}")


def first_lanes(lanes: int, count: int) -> str:
    """The mask of the first ``count`` lanes."""
    return f"<{', '.join(f'i1 {int(i < count)}' for i in range(lanes))}>"


_FLOATS = ("float", "double")
_KINDS_OF = {"f": _FLOATS, "i": ("i32", "i64"), "b": ("i1",)}

Rule = Callable[..., str]
_rules: dict[tuple[str, str], Rule] = {}
"""By the name of the primitive and the kind of its first operand: ``rule(writer, kind, *operands)``."""


def _rule(names: str, kinds: str) -> Callable[[Rule], Rule]:
    def declared(rule: Rule) -> Rule:
        for name in names.split():
            for letter in kinds:
                for kind in _KINDS_OF[letter]:
                    _rules[name, kind] = rule
        return rule

    return declared


def find(name: str, inputs: Sequence[Dtype], out: Dtype) -> Rule | None:
    """The rule for a primitive on operands of these dtypes, or None if it has none: ``rule(writer, *operands)``."""
    if not inputs or not is_native(out) or not all(is_native(one) for one in inputs):
        return None
    kinds = [element(one) for one in inputs]
    if name == "select":
        return lambda w, c, x, y: w.select(c, kinds[1], x, y)
    if name == "astype":
        target = element(out)
        if kinds[0] in _FLOATS and target == "i32":
            return None  # what is out of range differs from NumPy's
        return lambda w, x: w.convert(kinds[0], target, x)
    if any(kind != kinds[0] for kind in kinds):
        return None
    rule = _rules.get((name, kinds[0]))
    if rule is not None:
        return lambda w, *operands: rule(w, kinds[0], *operands)
    if kinds[0] in _FLOATS and name in mathematics.names():
        return lambda w, *operands: _mathematical(w, name, kinds[0], operands)
    return None


def _mathematical(w: Writer, name: str, kind: str, operands: Sequence[str]) -> str:
    type = w.type(kind)
    w.keeps_vectors |= w.lanes > 1
    called = w.module.mathematical(name, kind, w.lanes, len(operands))
    return w.value(f"call {type} {called}({', '.join(f'{type} {one}' for one in operands)})")


def is_expensive(name: str) -> bool:
    """Whether to compute it twice costs more than to store it."""
    return name in mathematics.names() or name in ("divide", "sqrt", "reciprocal", "power", "ndtr")


# Arithmetic -----------------------------------------------------------------------------------------------------------

for _name, _word in (("add", "fadd"), ("subtract", "fsub"), ("multiply", "fmul"), ("divide", "fdiv")):
    _rule(_name, "f")(lambda w, kind, x, y, word=_word: w.binary(word, kind, x, y))
for _name, _word in (("add", "add"), ("subtract", "sub"), ("multiply", "mul"), ("bitwise_and", "and"),
                     ("bitwise_or", "or"), ("bitwise_xor", "xor")):  # fmt: skip
    _rule(_name, "i")(lambda w, kind, x, y, word=_word: w.binary(word, kind, x, y))
for _names, _word in (("add bitwise_or logical_or maximum fmax", "or"), ("multiply bitwise_and logical_and minimum "
                      "fmin", "and"), ("bitwise_xor logical_xor", "xor")):  # fmt: skip
    _rule(_names, "b")(lambda w, kind, x, y, word=_word: w.binary(word, kind, x, y))


@_rule("strong_product", "f")
def _(w: Writer, kind: str, ct: str, partial: str) -> str:
    zero = w.constant(kind, 0)
    return w.select(w.compare("oeq", kind, ct, zero), kind, zero, w.binary("fmul", kind, ct, partial))


@_rule("negative", "f")
def _(w: Writer, kind: str, x: str) -> str:
    return w.value(f"fneg {w.type(kind)} {x}")


@_rule("negative", "i")
def _(w: Writer, kind: str, x: str) -> str:
    return w.binary("sub", kind, w.constant(kind, 0), x)


@_rule("positive identity", "fib")
def _(w: Writer, kind: str, x: str) -> str:
    return x


@_rule("ndtr", "f")
def _(w: Writer, kind: str, x: str) -> str:
    """Half of erfc(-x/sqrt(2)); what the rounding of the quotient changes far out is put right by the derivative."""
    root = 0.5**0.5
    high = float(np.float32(root)) if kind == "float" else root
    low = root - high if kind == "float" else -4.833646656726457e-17
    x = _negated(w, kind, x)
    t = w.binary("fmul", kind, x, w.constant(kind, high))
    left = w.intrinsic("fma", kind, x, w.constant(kind, high), _negated(w, kind, t))
    rest = w.intrinsic("fma", kind, x, w.constant(kind, low), left)
    bell = _mathematical(w, "exp", kind, [_negated(w, kind, w.binary("fmul", kind, t, t))])
    slope = w.binary("fmul", kind, bell, w.constant(kind, 2 / np.pi**0.5))
    change = w.binary("fmul", kind, rest, slope)
    near = w.compare("olt", kind, w.intrinsic("fabs", kind, t), w.constant(kind, 40))
    change = w.select(near, kind, change, w.constant(kind, 0))
    whole = w.binary("fsub", kind, _mathematical(w, "erfc", kind, [t]), change)
    return w.binary("fmul", kind, whole, w.constant(kind, 0.5))


def _negated(w: Writer, kind: str, x: str) -> str:
    return w.value(f"fneg {w.type(kind)} {x}")


@_rule("square", "f")
def _(w: Writer, kind: str, x: str) -> str:
    return w.binary("fmul", kind, x, x)


@_rule("square", "i")
def _(w: Writer, kind: str, x: str) -> str:
    return w.binary("mul", kind, x, x)


@_rule("reciprocal", "f")
def _(w: Writer, kind: str, x: str) -> str:
    return w.binary("fdiv", kind, w.constant(kind, 1), x)


def _divided(w: Writer, kind: str, x: str, y: str) -> tuple[str, str]:
    """The quotient of integers, rounded down, and the rest; as in NumPy both are 0 for a division by 0."""
    zero, one, least = w.constant(kind, 0), w.constant(kind, 1), w.constant(kind, -1)
    by_zero, by_least = w.compare("oeq", kind, y, zero), w.compare("oeq", kind, y, least)
    # The processor takes neither 0 nor the quotient of the least number and -1.
    safe = w.select(by_zero, kind, one, w.select(by_least, kind, one, y))
    quotient, rest = w.binary("sdiv", kind, x, safe), w.binary("srem", kind, x, safe)
    signs = w.compare("olt", kind, w.binary("xor", kind, rest, y), zero)
    below = w.binary("and", "i1", signs, w.compare("une", kind, rest, zero))
    quotient = w.select(below, kind, w.binary("sub", kind, quotient, one), quotient)
    rest = w.select(below, kind, w.binary("add", kind, rest, y), rest)
    quotient = w.select(by_least, kind, w.binary("sub", kind, zero, x), quotient)
    return w.select(by_zero, kind, zero, quotient), w.select(by_zero, kind, zero, rest)


_rule("floor_divide", "i")(lambda w, kind, x, y: _divided(w, kind, x, y)[0])
_rule("remainder", "i")(lambda w, kind, x, y: _divided(w, kind, x, y)[1])


@_rule("absolute fabs", "f")
def _(w: Writer, kind: str, x: str) -> str:
    return w.intrinsic("fabs", kind, x)


@_rule("absolute", "i")
def _(w: Writer, kind: str, x: str) -> str:
    negative = w.compare("olt", kind, x, w.constant(kind, 0))
    return w.select(negative, kind, w.binary("sub", kind, w.constant(kind, 0), x), x)


for _name, _word in (("sqrt", "sqrt"), ("floor", "floor"), ("ceil", "ceil"), ("trunc", "trunc"), ("rint", "rint")):
    _rule(_name, "f")(lambda w, kind, x, word=_word: w.intrinsic(word, kind, x))


@_rule("sign", "f")
def _(w: Writer, kind: str, x: str) -> str:
    zero = w.constant(kind, 0)
    rest = w.binary("fadd", kind, x, zero)  # NaN stays, and 0 is what becomes of -0
    below = w.select(w.compare("olt", kind, x, zero), kind, w.constant(kind, -1), rest)
    return w.select(w.compare("ogt", kind, x, zero), kind, w.constant(kind, 1), below)


@_rule("copysign", "f")
def _(w: Writer, kind: str, x: str, y: str) -> str:
    return w.intrinsic("copysign", kind, x, y)


for _names, _factor in (("degrees rad2deg", 180 / np.pi), ("radians deg2rad", np.pi / 180)):
    _rule(_names, "f")(lambda w, kind, x, factor=_factor: w.binary("fmul", kind, x, w.constant(kind, factor)))


# The larger and the smaller -------------------------------------------------------------------------------------------


def _extreme(w: Writer, kind: str, x: str, y: str, how: str) -> str:
    """The larger (``how`` = "ogt") or smaller; NaN where one is."""
    better = w.select(w.compare(how, kind, x, y), kind, x, y)  # y where one is NaN
    return w.select(w.compare("uno", kind, x, x), kind, x, better)


def _extreme_number(w: Writer, kind: str, x: str, y: str, how: str) -> str:
    """The larger or smaller; the other where one is NaN."""
    better = w.select(w.compare(how, kind, x, y), kind, x, y)
    return w.select(w.compare("uno", kind, y, y), kind, x, better)


for _name, _how in (("maximum", "ogt"), ("minimum", "olt")):
    _rule(_name, "f")(lambda w, kind, x, y, how=_how: _extreme(w, kind, x, y, how))
for _name, _how in (("fmax", "ogt"), ("fmin", "olt")):
    _rule(_name, "f")(lambda w, kind, x, y, how=_how: _extreme_number(w, kind, x, y, how))
for _names, _how in (("maximum fmax", "ogt"), ("minimum fmin", "olt")):
    _rule(_names, "i")(lambda w, kind, x, y, how=_how: w.select(w.compare(how, kind, x, y), kind, x, y))


@_rule("relu", "f")
def _(w: Writer, kind: str, x: str) -> str:
    zero = w.constant(kind, 0)
    return w.select(w.compare("ole", kind, x, zero), kind, zero, x)  # NaN stays


@_rule("clip", "f")
def _(w: Writer, kind: str, x: str, low: str, high: str) -> str:
    return _extreme(w, kind, _extreme(w, kind, x, low, "ogt"), high, "olt")


# Comparisons and tests ------------------------------------------------------------------------------------------------

for _name, _how in (("equal", "oeq"), ("not_equal", "une"), ("less", "olt"), ("less_equal", "ole"),
                    ("greater", "ogt"), ("greater_equal", "oge")):  # fmt: skip
    _rule(_name, "fib")(lambda w, kind, x, y, how=_how: w.compare(how, kind, x, y))

for _name, _word in (("logical_and", "and"), ("logical_or", "or"), ("logical_xor", "xor")):
    _rule(_name, "fi")(
        lambda w, kind, x, y, word=_word: w.binary(word, "i1", w.convert(kind, "i1", x), w.convert(kind, "i1", y))
    )


@_rule("logical_not", "fib")
def _(w: Writer, kind: str, x: str) -> str:
    return w.binary("xor", "i1", w.convert(kind, "i1", x), w.constant("i1", 1))


@_rule("invert", "b")
def _(w: Writer, kind: str, x: str) -> str:
    return w.binary("xor", kind, x, w.constant(kind, 1))


@_rule("invert", "i")
def _(w: Writer, kind: str, x: str) -> str:
    return w.binary("xor", kind, x, w.constant(kind, -1))


@_rule("isnan", "f")
def _(w: Writer, kind: str, x: str) -> str:
    return w.compare("uno", kind, x, x)


@_rule("isinf", "f")
def _(w: Writer, kind: str, x: str) -> str:
    return w.compare("oeq", kind, w.intrinsic("fabs", kind, x), w.constant(kind, np.inf))


@_rule("isfinite", "f")
def _(w: Writer, kind: str, x: str) -> str:
    return w.compare("olt", kind, w.intrinsic("fabs", kind, x), w.constant(kind, np.inf))


_rule("isnan isinf", "ib")(lambda w, kind, x: w.constant("i1", 0))
_rule("isfinite", "ib")(lambda w, kind, x: w.constant("i1", 1))
