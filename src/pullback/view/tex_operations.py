"""How operations are written in LaTeX: fractions, powers, roots, sums, transposes and functions as books have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pullback.core.aval import Aval
from pullback.core.graph import as_scalar
from pullback.core.node import Node
from pullback.view.notation import ATOM, INFIX, PREFIX, as_ratio, is_every_axis, is_transposed, params
from pullback.view.tex import tex_formula, tex_name, tex_number, tex_symbol

Written = tuple[str, int]
"""A formula, and how strongly its outermost operation binds."""

_WHOLE = 0  # what takes everything up to the end, such as a case distinction
_RELATION, _ADDED, _SUMMED, _TIMES = 5, INFIX["add"][1], 15, INFIX["multiply"][1]
_SIGNED, _FRACTION, _POWER = PREFIX["negative"][1], 35, INFIX["power"][1]

_FUNCTIONS = {
    **{name: rf"\{name}" for name in ("arccos", "arcsin", "arctan", "cos", "cosh", "det", "log", "max", "min", "sin",
                                      "sinh", "tan", "tanh")},
    "maximum": r"\max", "minimum": r"\min", "gamma": r"\Gamma", "real": r"\mathrm{Re}", "imag": r"\mathrm{Im}",
    "exp": r"\exp", "sigmoid": r"\sigma",
}  # fmt: skip
_REDUCTIONS = {"sum": r"\sum", "prod": r"\prod"}
_FENCES = {
    "absolute": (r"\left|", r"\right|"),
    "norm": (r"\left\|", r"\right\|"),
    "floor": (r"\left\lfloor ", r"\right\rfloor "),
    "ceil": (r"\left\lceil ", r"\right\rceil "),
    "conjugate": (r"\overline{", "}"),
    "sqrt": (r"\sqrt{", "}"),
    "cbrt": (r"\sqrt[3]{", "}"),
}
_RELATIONS = {
    "less": "<", "less_equal": r"\le", "greater": ">", "greater_equal": r"\ge", "equal": "=", "not_equal": r"\ne",
}  # fmt: skip


def tex_leaf(node: Node, names: Mapping[Node, str]) -> Written:
    """Write an input or a constant."""
    number = as_scalar(node)
    if number is None or node.name is not None:
        return tex_name(names[node]), ATOM
    if isinstance(number, complex):
        return tex_number(number), _ADDED
    ratio = as_ratio(number)
    if ratio is not None:
        over, under = ratio
        return rf"{'-' * (over < 0)}\frac{{{abs(over)}}}{{{under}}}", _SIGNED if over < 0 else _FRACTION
    text = tex_number(number)
    return text, _SIGNED if text.startswith("-") else _TIMES if r"\times" in text else ATOM


def tex_operation(node: Node, operands: list[Written], tidy: bool = False) -> Written:
    r"""Write one use of an operation; operands and result are pairs of formula and precedence.

    >>> from pullback.core.operations import operations, primitives
    >>> operations.load_all()
    >>> from pullback.core.node import NO_PARAMS
    >>> node = Node(primitives["divide"], (), NO_PARAMS, None, False)
    >>> tex_operation(node, [("c", ATOM), ("a + d", 10)])
    ('\\frac{c}{a + d}', 35)
    """
    name = node.primitive.name
    write = _WRITERS.get(name)
    if write is not None:
        return write(node, operands)
    if is_transposed(node):
        return f"{_bracketed(operands[0], _POWER)}^{{\\top}}", _POWER
    given = {key: value for key, value in node.primitive.shown(node.params).items()
             if not is_every_axis(node, key, value)}  # fmt: skip
    texts = [text for text, _ in operands]
    if name in _FENCES and len(operands) == 1:
        left, right = _FENCES[name]
        return f"{left}{texts[0]}{right}{_axes(given)}", ATOM
    if name in _REDUCTIONS and given.keys() <= {"axes"}:
        return f"{_REDUCTIONS[name]}{_axes(given)} {_bracketed(operands[0], _SUMMED)}", _SUMMED
    if name == "astype":
        return rf"\mathrm{{{node.params['dtype']}}}\left({texts[0]}\right)", ATOM
    others = [tex_formula(text) for text in params({key: value for key, value in given.items() if key != "axes"})]
    function = _FUNCTIONS.get(name) or tex_symbol(name)
    return rf"{function}{_axes(given)}\left({', '.join([*texts, *others])}\right)", ATOM


def _axes(given: Mapping[str, Any]) -> str:
    """The axes that are reduced, below the line; nothing where it is all of them."""
    axes = given.get("axes")
    if not isinstance(axes, tuple | int):
        return ""
    listed = ", ".join(map(str, axes if isinstance(axes, tuple) else (axes,)))
    return rf"_{{\mathrm{{axis}}\,{listed}}}"


def _bracketed(operand: Written, above: int) -> str:
    """An operand, in brackets unless it binds more strongly than ``above``."""
    text, precedence = operand
    return text if precedence > above else rf"\left({text}\right)"


def _add(node: Node, operands: list[Written]) -> Written:
    left, right = operands
    return f"{_bracketed(left, _RELATION)} + {_term(right, _RELATION)}", _ADDED


def _subtract(node: Node, operands: list[Written]) -> Written:
    left, right = operands
    return f"{_bracketed(left, _RELATION)} - {_term(right, _ADDED)}", _ADDED


def _term(operand: Written, above: int) -> str:
    """What stands behind a sign and so must not begin with one."""
    return _bracketed(operand, max(above, operand[1]) if operand[0].startswith("-") else above)


def _negative(node: Node, operands: list[Written]) -> Written:
    return f"-{_term(operands[0], _ADDED)}", _SIGNED if operands[0][1] >= _TIMES else _ADDED


def _multiply(node: Node, operands: list[Written]) -> Written:
    left, right = operands
    of_left, of_right = (as_scalar(one) for one in node.inputs)
    if of_right is not None and of_left is None and not right[0].startswith("-"):
        left, right = right, left  # numbers stand first
    if left == right and left[1] > _SUMMED:
        return f"{_bracketed(left, _POWER)}^{{2}}", _POWER
    first = _bracketed(left, _SUMMED)
    # A sum goes on to the end of the product: 2 \sum x.
    second = right[0] if right[1] == _SUMMED else _term(right, _SUMMED)
    between = r" \odot " if all(_is_array(one) for one in node.inputs) else r" \cdot "
    if left[1] == ATOM and left[0][-1:].isdigit() and not second[:1].isdigit():
        between = r"\," if second[:1].isalnum() or second[:1] == "\\" else " "
    return f"{first}{between}{second}", min(right[1], _TIMES) if right[1] == _SUMMED else _TIMES


def _is_array(node: Node) -> bool:
    """Whether a node has several elements that are not one number repeated."""
    while node.inputs and node.primitive.name in ("broadcast_to", "identity", "reshape"):
        node = node.inputs[0]
    aval = getattr(node, "aval", None)  # in an expression without values there is none
    return isinstance(aval, Aval) and aval.size > 1 and as_scalar(node) is None


def _matmul(node: Node, operands: list[Written]) -> Written:
    left, right = operands
    return rf"{_bracketed(left, _SUMMED)} \, {_term(right, _TIMES)}", _TIMES


def tex_outer(left: Written, right: Written) -> Written:
    """Write the outer product of two vectors: the first as a column, the second as a row."""
    return rf"{_bracketed(left, _SUMMED)} \, {_bracketed(right, _POWER)}^{{\top}}", _TIMES


def _divide(node: Node, operands: list[Written]) -> Written:
    return rf"\frac{{{operands[0][0]}}}{{{operands[1][0]}}}", _FRACTION


def _power(node: Node, operands: list[Written]) -> Written:
    return f"{_bracketed(operands[0], _POWER)}^{{{operands[1][0]}}}", _POWER


def _select(node: Node, operands: list[Written]) -> Written:
    condition, one, other = (text for text, _ in operands)
    return (
        rf"\begin{{cases}} {one} & \mathrm{{if}}\ {condition} \\ {other} & \mathrm{{otherwise}} \end{{cases}}",
        _WHOLE,
    )


def _solve(node: Node, operands: list[Written]) -> Written:
    return rf"{_bracketed(operands[0], _POWER)}^{{-1}} \, {_bracketed(operands[1], _TIMES)}", _TIMES


def _relation(sign: str) -> Callable[[Node, list[Written]], Written]:
    def write(node: Node, operands: list[Written]) -> Written:
        left, right = (_bracketed(one, _RELATION) for one in operands)
        return f"{left} {sign} {right}", _RELATION

    return write


_WRITERS: dict[str, Callable[[Node, list[Written]], Written]] = {
    "add": _add,
    "subtract": _subtract,
    "negative": _negative,
    "multiply": _multiply,
    "strong_product": _multiply,
    "matmul": _matmul,
    "divide": _divide,
    "reciprocal": lambda node, operands: _divide(node, [("1", ATOM), *operands]),
    "power": _power,
    "square": lambda node, operands: _power(node, [*operands, ("2", ATOM)]),
    "select": _select,
    "solve": _solve,
    "inv": lambda node, operands: _power(node, [*operands, ("-1", _SIGNED)]),
    **{name: _relation(sign) for name, sign in _RELATIONS.items()},
}
