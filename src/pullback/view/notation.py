"""How operations, numbers and arrays are written: the words that listings, formulas and pictures share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from pullback.core.aval import Aval
from pullback.core.graph import as_scalar, format_number
from pullback.core.node import Node
from pullback.core.operators import SYMBOLS
from pullback.core.origin import Derived, Origin
from pullback.core.terminals import CONSTANT
from pullback.view.statistics import Statistics, statistics

ATOM = 100
"""The precedence of what never needs brackets."""

LONGEST_NAME = 200
"""How many characters of a name are shown anywhere; in most places fewer are."""

_PRECEDENCES = {"+": 10, "-": 10, "*": 20, "/": 20, "@": 20, "**": 40}
_SPACED = frozenset("+-@")
INFIX: dict[str, tuple[str, int]] = {
    name: (symbol, _PRECEDENCES[symbol])
    for name, symbol in {**SYMBOLS, "strong_product": "*"}.items()
    if symbol in _PRECEDENCES
}
"""The operations that are written between their operands: with which symbol, and how strongly it binds."""
_COMPARISONS = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}  # fmt: skip
_COMPARED = 5
PREFIX: dict[str, tuple[str, int]] = {"negative": ("-", 30)}
_POWER = INFIX["power"][1]
_SHOWN_BY_SHAPE = frozenset({"broadcast_to", "reshape"})  # the shape of the result stands beside them anyway
_RIGHT_ASSOCIATIVE = frozenset({"power"})
_ASSOCIATIVE = frozenset({"add", "multiply", "strong_product"})


def number(value: Any, digits: int = 6) -> str:
    """Write a number briefly; minus zero as zero.

    >>> number(-2.0), number(-0.0), number(float("nan"))
    ('-2', '0', 'nan')
    """
    text = format_number(value, digits)
    return "0" if text == "-0" else text


_LARGEST_PART = 10_000


def as_ratio(value: Any) -> tuple[int, int] | None:
    """The fraction that a number is which few digits do not give, if it is one of small whole numbers.

    >>> as_ratio(2 / 3), as_ratio(0.5), as_ratio(3.14159265)
    ((2, 3), None, None)
    """
    if not isinstance(value, float) or not math.isfinite(value) or float(format_number(value)) == value:
        return None
    ratio = Fraction(value).limit_denominator(_LARGEST_PART)
    over, under = ratio.numerator, ratio.denominator
    return (over, under) if 0 < abs(over) <= _LARGEST_PART and over / under == value else None


def infix(node: Node, operands: list[tuple[str, int]], tidy: bool = False) -> tuple[str, int]:
    """Write one use of an operation as a person would; operands and result are pairs of text and precedence.

    With ``tidy``, a number stands before what it multiplies, and ``x*x`` is a square.

    >>> from pullback.core.operations import operations, primitives
    >>> operations.load_all()
    >>> from pullback.core.node import NO_PARAMS
    >>> node = Node(primitives["multiply"], (), NO_PARAMS, None, False)
    >>> infix(node, [("c", ATOM), ("a + d", 10)])
    ('c*(a + d)', 20)
    """
    name = node.primitive.name
    if name in INFIX and len(operands) == 2:
        symbol, precedence = INFIX[name]
        if tidy and symbol in "*+":
            if operands[0] == operands[1]:
                return _doubled(symbol, *operands[0])
            if symbol == "*" and operands[1][0][:1].isdigit() and operands[1][1] == ATOM:
                operands = operands[::-1]
        (left, left_precedence), (right, right_precedence) = operands
        # a - (b - c) and (a**b)**c keep their brackets, a + (b + c) loses them.
        left_needs = precedence + (name in _RIGHT_ASSOCIATIVE)
        right_needs = precedence + (name not in _RIGHT_ASSOCIATIVE and name not in _ASSOCIATIVE)
        left = _bracketed(left, left_precedence < left_needs)
        right = _bracketed(right, right_precedence < right_needs or right.startswith("-"))
        return f"{left} {symbol} {right}" if symbol in _SPACED else f"{left}{symbol}{right}", precedence
    if name == "square" and len(operands) == 1:
        return _doubled("*", *operands[0])
    if name in PREFIX and len(operands) == 1:
        symbol, precedence = PREFIX[name]
        text, operand_precedence = operands[0]
        return f"{symbol}{_bracketed(text, operand_precedence <= precedence or text.startswith('-'))}", precedence
    if is_transposed(node) and len(operands) == 1:
        return f"{_bracketed(operands[0][0], operands[0][1] < ATOM)}.T", ATOM
    if name in _COMPARISONS and len(operands) == 2:
        (left, left_precedence), (right, right_precedence) = operands
        left, right = _bracketed(left, left_precedence <= _COMPARED), _bracketed(right, right_precedence <= _COMPARED)
        return f"{left} {_COMPARISONS[name]} {right}", _COMPARED
    if name == "astype" and len(operands) == 1:
        return f"{node.params['dtype']}({operands[0][0]})", ATOM
    if tidy and name == "reciprocal":
        product = INFIX["divide"][1]
        return f"1/{_bracketed(operands[0][0], operands[0][1] <= product)}", product
    given = {
        key: value for key, value in node.primitive.shown(node.params).items() if not is_every_axis(node, key, value)
    }
    return f"{name}({', '.join([*(text for text, _ in operands), *params(given)])})", ATOM


def is_transposed(node: Node) -> bool:
    """Whether a node is another one with its axes reversed."""
    axes = node.params.get("axes", ())
    return node.primitive.name == "permute" and axes == tuple(reversed(range(len(axes))))


def is_every_axis(node: Node, key: str, value: Any) -> bool:
    """Whether a static keyword names all axes of the operand, so that it need not be written."""
    aval = node.inputs[0].aval if key == "axes" and node.inputs else None
    return isinstance(aval, Aval) and value == tuple(range(aval.ndim))


def _doubled(symbol: str, text: str, precedence: int) -> tuple[str, int]:
    if symbol == "*":
        return f"{_bracketed(text, precedence <= _POWER)}**2", _POWER
    product = INFIX["multiply"][1]
    return f"2*{_bracketed(text, precedence < product)}", product


def _bracketed(text: str, needed: bool) -> str:
    return f"({text})" if needed else text


def call(node: Node, operands: list[str]) -> str:
    """Write one use of an operation as a call: ``sum(x, axes=(0,))``."""
    return f"{node.primitive.name}({', '.join([*operands, *params(node.primitive.shown(node.params))])})"


def params(given: Mapping[str, Any]) -> list[str]:
    """Write static keywords: ``axes=(0,)``. Objects that have no name to be written by are left out."""
    texts = {name: _brief(value) for name, value in given.items()}
    return [f"{name}={text}" for name, text in texts.items() if text]


def _brief(value: Any, limit: int = 40) -> str:
    if isinstance(value, np.dtype):
        return str(value)
    text = clean(repr(value))
    if " at 0x" in text:
        text = clean(getattr(value, "__name__", ""))
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def operand(name: str) -> tuple[str, int]:
    """A name or a number as an operand; a negative number binds as a minus does.

    >>> operand("-2"), operand("a")
    (('-2', 30), ('a', 100))
    """
    if name.endswith("j") and name[:1] in "-0123456789":
        return name, INFIX["add"][1]  # a complex number is a sum
    return name, PREFIX["negative"][1] if name.startswith("-") else ATOM


def written(node: Node, names: Mapping[Node, str]) -> str:
    """One use of an operation on the names of its operands: ``c*e``, ``relu(z1)``, ``a + d``, ``w.T``."""
    name = node.primitive.name
    if not node.inputs:
        return name
    if name in _SHOWN_BY_SHAPE:
        return f"{name}({names[node.inputs[0]]})"
    return infix(node, [operand(names[source]) for source in node.inputs])[0]


def is_shown(node: Node) -> bool:
    """Whether a node has a place of its own: all but numbers without a name, which stand in what uses them."""
    return node.primitive is not CONSTANT or node.name is not None or as_scalar(node) is None


def described(value: Any, digits: int = 6) -> str:
    """A value in a few words: a number, the elements of a small array, or shape and range.

    >>> described(np.array(2.0)), described(np.array([1.0, 2.0]))
    ('2', '[1, 2]')
    >>> described(np.arange(12.0).reshape(3, 4))
    'float64[3, 4] from 0 to 11'
    """
    if isinstance(value, tuple):
        return f"({', '.join(described(one, digits) for one in value)})"
    value = np.asarray(value)
    written_out = elements(value, digits)
    if written_out is not None:
        return written_out
    return f"{Aval(value.shape, value.dtype)} {extent(value, 'from ')}".rstrip()


def elements(value: np.ndarray[Any, Any], digits: int) -> str | None:
    """A number, or all elements of an array, of at most four; None if there are more.

    >>> elements(np.array([[1.0, 2.0]]), 6), elements(np.arange(5), 6)
    ('[[1, 2]]', None)
    """
    if value.ndim == 0:
        return number(value.item(), digits)
    if value.ndim > 2 or not 0 < value.size <= 4:
        return None
    return f"[{', '.join(elements(one, digits) or '' for one in value)}]"


def extent(value: np.ndarray[Any, Any], between: str = "") -> str:
    """What range the elements of an array span, and how many of them are no numbers; empty if there are none.

    >>> extent(np.array([1.0, 3.0, np.nan])), extent(np.zeros(9))
    ('1 to 3, 1 nan', 'all 0')
    """
    return ranged(statistics(value, counted=False, pictured=False), value.dtype.kind, between)


def ranged(found: Statistics, kind: str, between: str = "") -> str:
    """The same of an array of which the statistics are known, and the kind of its dtype.

    >>> ranged(statistics(np.array([True, False])), "b")
    'with 1 true'
    """
    if not found.size:
        return ""
    if kind == "b":
        return f"with {found.size - found.zeros} true"
    if kind == "c":
        strange = "nan" if found.nan else "inf" if found.inf else ""
        return f"of norm {strange or number(found.norm or 0.0, 4)}"
    parts = [f"{count} {word}" for count, word in ((found.nan, "nan"), (found.inf, "inf")) if count]
    if found.low is not None and found.high is not None:
        low, high = number(found.low, 3), number(found.high, 3)
        parts.insert(0, f"all {low}" if low == high else f"{between}{low} to {high}")
    return ", ".join(parts)


def norm(value: Any, digits: int = 4) -> str:
    """The Euclidean norm of all elements, written."""
    with np.errstate(all="ignore"):
        return number(np.linalg.norm(np.asarray(value).ravel()).item(), digits)


def source(node: Node) -> str:
    """``file:line`` of the user's code that made the node, empty where there is no file."""
    origin = node.origin
    made_by = ""
    while isinstance(origin, Derived):
        made_by = made_by or f"{origin.made_by} of "
        origin = origin.parent
    if not isinstance(origin, Origin) or origin.filename.startswith("<"):
        return ""
    return f"{made_by}{clean(str(origin))}"


def clean(text: str) -> str:
    r"""Replace what must not reach a terminal or a picture: control characters, direction marks, lone surrogates.

    >>> clean("a\x1b[31mb")
    'a\ufffd[31mb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in _JOINERS else "\N{REPLACEMENT CHARACTER}" for one in text)


# They hold together what is one letter, or one emoji.
_JOINERS = frozenset("\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters of the text, the last one an ellipsis where something is left out.

    >>> shortened("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
