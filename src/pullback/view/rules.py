"""The derivative rule of one use of an operation, as a small graph of its own: what stands on an edge as a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import Pointwise
from pullback.core.graph import ancestors, as_scalar
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.state import record
from pullback.core.terminals import CONSTANT, INPUT, input_node
from pullback.errors import PullbackError
from pullback.view.formula import TEXT, Form, outer_factors, written_out
from pullback.view.notation import clean, number

RESULT, COTANGENT = -1, -2
"""Stand for the result of the operation, and for the gradient that arrives at it, where others are operands."""

MOST_PARTS = 40
"""A formula of more names, numbers and operations than these says less than its number."""

Tree = Any
"""A formula as plain data: a number, ``{"operand": position}``, ``{"result": True}``, ``{"gradient": True}``, or
``{"operation": name, "operands": [tree, ...], "params": {...}}``."""


@dataclass(frozen=True)
class Formula:
    """A formula in the operands of an operation, its result, and the gradient that arrives there.

    Attributes:
        final: its node, or the number that it is.
        places: for each of its leaves the position of the operand, ``RESULT`` or ``COTANGENT``.
    """

    final: Node | complex
    places: Mapping[Node, int]

    def text(self, name: Callable[[int], str], form: Form = TEXT) -> str:
        """Write it, with the name that each place has."""
        if not isinstance(self.final, Node):
            return number(self.final)
        names = {leaf: name(place) for leaf, place in self.places.items()}
        return written_out(self.final, names, tidy=True, form=form)

    @property
    def nodes(self) -> list[Node]:
        """Its nodes, in topological order."""
        return ancestors([self.final]) if isinstance(self.final, Node) else []


@dataclass(frozen=True)
class Rule:
    """How the derivative goes along one edge; each part is None where it is not a short formula.

    Attributes:
        partial: the local partial, of an elementwise operation.
        pulled: what arrives at the source along this edge.
    """

    partial: Formula | None
    pulled: Formula | None


class Rules:
    """The rules of a graph's edges: those of equal uses are found once."""

    def __init__(self) -> None:
        self._known: dict[Any, Rule | None] = {}

    def __call__(self, target: Node, source: Node) -> Rule | None:
        """The rule of the edges from source to target; None for nodes with several results or without shapes."""
        key = (_key(target), target.inputs.index(source))
        try:
            return self._known[key]
        except KeyError:
            found = self._known[key] = _rule(target, source)
            return found
        except TypeError:  # static keywords that cannot be compared
            return _rule(target, source)


LONGEST = 60
"""A formula of more characters than these says less than its number."""


def written_rule(formula: Formula | None, target: Node, names: Mapping[Node, str], form: Form = TEXT) -> str | None:
    """Write a part of the rule of an edge to ``target``, with ``ct`` for its gradient; None if it is too long."""
    if formula is None:
        return None

    def name(place: int) -> str:
        return "ct" if place == COTANGENT else names[target if place == RESULT else target.inputs[place]]

    text = clean(formula.text(name))
    if len(text) > LONGEST:
        return None
    return text if form is TEXT else formula.text(name, form)


def _key(target: Node) -> Any:
    first: dict[Node, int] = {}
    operands = []
    for position, node in enumerate(target.inputs):
        scalar = as_scalar(node)
        operands.append((first.setdefault(node, position), node.aval, repr(scalar)))
    return target.primitive, tuple(sorted(target.params.items())), tuple(operands)


def _rule(target: Node, source: Node) -> Rule | None:
    if not isinstance(target.aval, Aval) or not all(isinstance(node.aval, Aval) for node in target.inputs):
        return None
    twins = {
        node: node if as_scalar(node) is not None else input_node(node.array_aval)
        for node in dict.fromkeys([*target.inputs, target])
    }
    places = {twins[node]: target.inputs.index(node) for node in target.inputs if twins[node].primitive is INPUT}
    places[twins[target]] = RESULT
    ct = input_node(target.array_aval)
    wanted = [node is source for node in target.inputs]
    inputs = [Array(twins[node]) for node in target.inputs]
    out = Array(twins[target])
    partial = pulled = None
    if isinstance(target.primitive, Pointwise):
        thunks = target.primitive.local_partials(out, inputs, target.params)
        partial = _sum([thunk for thunk, want in zip(thunks, wanted, strict=True) if want and thunk is not None])
    pulled = _sum([lambda: target.primitive.vjp(Array(ct), out, inputs, wanted, target.params)])
    return Rule(_formula(partial, places), _formula(pulled, {**places, ct: COTANGENT}))


def _sum(terms: list[Callable[[], Any]]) -> Any:
    """The sum of what the terms give; None where a rule needs values, or gives nothing."""
    total = None
    try:
        with record(), np.errstate(all="ignore"):
            for term in terms:
                given = term()
                for one in given if isinstance(given, list) else [given]:
                    if one is not None:
                        total = one if total is None else operations.add(total, one)
    except PullbackError:
        return None
    return total


def _formula(total: Any, places: Mapping[Node, int]) -> Formula | None:
    if total is None:
        return None
    if not isinstance(total, Array):
        return Formula(total, {})
    nodes = ancestors([total._node])
    parts: dict[Node, int] = {}
    for node in nodes:
        if node not in places and not _is_part(node):
            return None
        parts[node] = 1 + sum(parts[one] for one in node.inputs)
        if parts[node] > MOST_PARTS:
            return None
    return Formula(total._node, {node: places[node] for node in nodes if node in places})


def _is_part(node: Node) -> bool:
    return bool(node.inputs) or (node.primitive is CONSTANT and as_scalar(node) is not None)


_UNSEEN = frozenset({"identity", "broadcast_to"})


def tree(formula: Formula) -> Tree:
    """The formula as plain data."""
    if not isinstance(formula.final, Node):
        return formula.final
    made: dict[Node, Tree] = {}
    for node in formula.nodes:
        place = formula.places.get(node)
        if place is not None:
            made[node] = {"result": True} if place == RESULT else {"gradient": True} if place == COTANGENT else {
                "operand": place
            }  # fmt: skip
        elif not node.inputs:
            made[node] = as_scalar(node)
        elif node.primitive.name in _UNSEEN:
            made[node] = made[node.inputs[0]]
        elif (vectors := outer_factors(node)) is not None:
            made[node] = {"operation": "outer", "operands": [made[one] for one in vectors]}
        else:
            made[node] = {"operation": node.primitive.name, "operands": [made[one] for one in node.inputs]}
            if node.params:
                made[node]["params"] = dict(node.params)
    return made[formula.final]
