"""Patterns of graphs, written as the formula that they stand for: ``"log(1 - sigmoid(x))"``.

A name in a pattern stands for any node; twice the same name for the same node. A number stands for a constant that is
that number all over. Everything else is an operator or the name of a primitive. Sums and products match in either
order. Between two operations of a pattern there may be movements: broadcasts, reshapes, picking of elements. They
change where a number stands, not what it is, so pointwise operations commute with them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from pullback.core.array import Array
from pullback.core.families import Pointwise
from pullback.core.graph import as_scalar
from pullback.core.node import Node
from pullback.core.record import apply
from pullback.core.terminals import CONSTANT
from pullback.errors import GraphError

_MOVEMENTS = frozenset({"broadcast_to", "flip", "gather", "identity", "permute", "reshape", "slice"})
"""Primitives whose result holds elements of their first input, each as it is."""

_COMMUTATIVE = frozenset({"add", "hypot", "logaddexp", "maximum", "minimum", "multiply"})
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.MatMult: "matmul", ast.USub: "negative",
}  # fmt: skip

Moves = tuple[Node, ...]
"""Movements in the order in which they are applied, each a node that does it to something else."""


# Patterns -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pattern:
    """A formula: an operation on other patterns, a name, or a number."""

    operation: str = ""
    arguments: tuple[Pattern, ...] = ()
    name: str = ""
    number: float | None = None

    @cached_property
    def size(self) -> int:
        """The number of operations and numbers."""
        return (not self.name) + sum(one.size for one in self.arguments)

    @cached_property
    def below(self) -> frozenset[str]:
        """The primitives that must be below its operation: without them there is no need to look closer."""
        return frozenset(one.operation or CONSTANT.name for one in self.arguments if not one.name)


def primitives_below(node: Node) -> set[str]:
    """The primitives of the inputs of a node, of what these move too."""
    found: set[str] = set()
    for source in node.inputs:
        found.add(source.primitive.name)
        while source.primitive.name in _MOVEMENTS:
            source = source.inputs[0]
            found.add(source.primitive.name)
    return found


@lru_cache(maxsize=512)
def pattern(text: str) -> Pattern:
    """Return the pattern that ``text`` writes.

    >>> pattern("log(1 - x)").arguments[0].operation
    'subtract'
    """
    return _from_syntax(ast.parse(text, mode="eval").body, text)


def _from_syntax(syntax: ast.AST, text: str) -> Pattern:
    if isinstance(syntax, ast.Name):
        return Pattern(name=syntax.id)
    if isinstance(syntax, ast.Constant) and isinstance(syntax.value, (int, float)):
        return Pattern(number=float(syntax.value))
    if isinstance(syntax, ast.BinOp):
        operands: list[ast.expr] = [syntax.left, syntax.right]
        return Pattern(_OPERATORS[type(syntax.op)], tuple(_from_syntax(one, text) for one in operands))
    if isinstance(syntax, ast.UnaryOp):
        inner = _from_syntax(syntax.operand, text)
        return Pattern(number=-inner.number) if inner.number is not None else Pattern("negative", (inner,))
    if isinstance(syntax, ast.Call) and isinstance(syntax.func, ast.Name):
        return Pattern(syntax.func.id, tuple(_from_syntax(one, text) for one in syntax.args))
    raise GraphError(f"a pattern is made of names, numbers, operators and primitives: {text!r}")


# Matches --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bound:
    """What a name stands for: a node, and the movements between it and where the name stands."""

    node: Node
    moves: Moves

    def same(self, other: Bound) -> bool:
        """Whether both are the same elements of one node, or of two that compute the same; or equal constants."""
        if not _same_operation(self.node, other.node):
            number = as_scalar(self.node)
            return number is not None and number == as_scalar(other.node)
        return len(self.moves) == len(other.moves) and all(
            _same_move(one, two) for one, two in zip(self.moves, other.moves, strict=True)
        )


def _same_operation(one: Node, two: Node) -> bool:
    """Whether two nodes are one, or the same operation on the same: ``exp(x[0]) / (exp(x[0]) + exp(x[1]))``."""
    return one is two or bool(
        one.inputs
        and one.primitive is two.primitive
        and len(one.inputs) == len(two.inputs)
        and all(a is b or _equal_numbers(a, b) for a, b in zip(one.inputs, two.inputs, strict=True))
        and one.params == two.params
    )


def _equal_numbers(one: Node, two: Node) -> bool:
    number = as_scalar(one)
    return number is not None and one.aval == two.aval and number == as_scalar(two)


def _same_move(one: Node, two: Node) -> bool:
    return one is two or (
        one.primitive is two.primitive and one.inputs[1:] == two.inputs[1:] and one.params == two.params
    )


@dataclass(frozen=True)
class Held:
    """An operation of a pattern that is not pointwise, such as a sum, as it was found.

    Attributes:
        params: of the node.
        shape: of what it was applied to.
        moves: the movements between its result and the operation above it.
    """

    params: Mapping[str, Any]
    shape: tuple[int, ...]
    moves: Moves

    @property
    def axes(self) -> Any:
        """The axes of a reduction."""
        return self.params["axes"]

    def moved(self, result: Array) -> Array:
        """Move what takes its place to where its result was moved."""
        return moved(result, self.moves)

    @property
    def is_spread(self) -> bool:
        """Whether each result of a reduction was repeated over what it was reduced from."""
        kept = tuple(1 if i in self.axes else n for i, n in enumerate(self.shape))
        shapes = [move.array_aval.shape for move in self.moves]
        if any(move.primitive.name not in ("broadcast_to", "reshape") for move in self.moves):
            return False
        if not shapes:
            return not self.axes
        leading = self.axes == tuple(range(len(self.axes)))
        return shapes[-1] == self.shape and (
            kept in shapes[:-1] or kept == self.shape or (leading and len(shapes) == 1)
        )


@dataclass
class Match:
    """What was found for a pattern.

    Attributes:
        names: what its names stand for.
        held: its operations that are not pointwise.
        after: movements of the whole: its outermost operation comes after them, and may as well come before.
    """

    names: dict[str, Bound] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    after: Moves = ()

    def copy(self) -> Match:
        """The same, to be changed by itself."""
        return Match(dict(self.names), dict(self.held), self.after)


def moved(x: Array, moves: Moves) -> Array:
    """Apply movements to another array."""
    for move in moves:
        x = apply(move.primitive, (x._node, *move.inputs[1:]), move.params)
    return x


def match(wanted: Pattern, node: Node, inside: Callable[[Node], bool] = lambda node: True) -> Match | None:
    """Return what ``wanted`` matches at ``node``, or None.

    Args:
        wanted: a pattern that is an operation.
        node: where it is looked for; no movement is between it and the pattern.
        inside: whether an operation of the pattern may be this node.
    """
    if node.primitive.name != wanted.operation:
        return None
    found = next(_matches(wanted, node, (), Match(), inside), None)
    if found is None and len(node.inputs) == 1:  # log(M(f(x))) is M(log(f(x)))
        source = node.inputs[0]
        moves: Moves = ()
        while source.primitive.name in _MOVEMENTS and inside(source):
            source, moves = source.inputs[0], (source, *moves)
        if moves:
            found = next(_all(wanted.arguments, (source,), (), Match(after=moves), inside), None)
    return found


Inside = Callable[[Node], bool]


def _matches(wanted: Pattern, node: Node, moves: Moves, found: Match, inside: Inside) -> Iterator[Match]:
    if wanted.name:
        bound = Bound(node, moves)
        known = found.names.get(wanted.name)
        if known is None:
            found = found.copy()
            found.names[wanted.name] = bound
            yield found
        elif known.same(bound):
            yield found
        return
    if wanted.number is not None:
        if _scalar(node) == wanted.number:
            yield found
        return
    while node.primitive.name != wanted.operation:
        if node.primitive.name not in _MOVEMENTS or not inside(node):
            return
        moves = (node, *moves)
        node = node.inputs[0]
    if not inside(node) or len(node.inputs) != len(wanted.arguments):
        return
    if wanted.below and not wanted.below <= primitives_below(node):
        return
    if not isinstance(node.primitive, Pointwise):
        if wanted.operation in found.held:  # two of a kind must be applied alike
            held = found.held[wanted.operation]
            if held.params != node.params or len(held.moves) != len(moves):
                return
            if not all(_same_move(one, two) for one, two in zip(held.moves, moves, strict=True)):
                return
        found = found.copy()
        found.held[wanted.operation] = Held(node.params, node.inputs[0].array_aval.shape, moves)
        moves = ()
    orders = [node.inputs]
    if wanted.operation in _COMMUTATIVE:
        orders.append(node.inputs[::-1])
    for inputs in orders:
        yield from _all(wanted.arguments, inputs, moves, found, inside)


def _all(
    wanted: tuple[Pattern, ...], nodes: tuple[Node, ...], moves: Moves, found: Match, inside: Inside
) -> Iterator[Match]:
    if not wanted:
        yield found
        return
    for first in _matches(wanted[0], nodes[0], moves, found, inside):
        yield from _all(wanted[1:], nodes[1:], moves, first, inside)


def _scalar(node: Node) -> Any:
    """The number that a node is all over, also behind movements; None if it is not one."""
    while node.primitive.name in _MOVEMENTS:
        node = node.inputs[0]
    return as_scalar(node)


def arrays(found: Match, handle: Callable[[Node], Array] = Array) -> dict[str, Array]:
    """What the names stand for, through ``handle`` and moved to where the names stand."""
    return {name: moved(handle(bound.node), bound.moves) for name, bound in found.names.items()}
