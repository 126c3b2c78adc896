"""What a picture shows: nodes, edges, groups, and what is known of their values. All that draws, draws from this."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.transforms.evaluation import Evaluation
from pullback.view.groups import Group
from pullback.view.rules import Rule
from pullback.view.statistics import Statistics

Operand = tuple[str, Any]


@dataclass(frozen=True)
class Value:
    """A value, or a gradient, as it is shown.

    Attributes:
        text: in a few characters: a number, the elements if they are few, otherwise shape and range.
        full: in a few words.
        number: of one real number, itself.
        statistics: of an array.
        elements: the array itself, where it was asked for.
    """

    text: str
    full: str
    number: float | None = None
    statistics: Statistics | None = None
    elements: Any = None

    @property
    def is_several(self) -> bool:
        """Whether it is several results, of which no numbers are known."""
        return self.number is None and self.statistics is None

    @property
    def norm(self) -> float:
        """The Euclidean norm, NaN or infinite if an element is; 0 for several results."""
        found = self.statistics
        if found is None:
            return abs(float(self.number)) if self.number is not None else 0.0
        return math.nan if found.nan else math.inf if found.inf else found.norm or 0.0

    @property
    def is_finite(self) -> bool:
        """Whether all elements are."""
        return math.isfinite(self.norm)


@dataclass(frozen=True)
class Source:
    """A line of the user's code, in a file without its directory.

    ``made_by`` names the pass that made the node for it, if one did.
    """

    file: str
    line: int | None
    made_by: str = ""


@dataclass(frozen=True)
class Item:
    """A node.

    Attributes:
        node: of the graph.
        name: unique in the graph.
        kind: ``input``, ``parameter``, ``constant``, ``operation`` or ``output``.
        operation: the name of the primitive.
        written: the operation on the names of its operands, empty for what is not computed.
        operands: in their order: ``("node", position of the item)`` or ``("number", number)``.
        params: static keywords, written.
        aval: shape and dtype; None for an expression without values, and for several results.
        group: the position of the innermost group, None outside of any.
        source: where it was made.
        value: what it is.
        gradient: the derivative of the output by it.
        memory: bytes of the value.
        flops: about how many operations on numbers it takes.
        seconds: how long it took, if that was measured.
    """

    node: Node
    name: str
    kind: str
    operation: str
    written: str
    operands: list[Operand]
    params: list[str]
    aval: Aval | None
    group: int | None
    source: Source | None
    value: Value | None
    gradient: Value | None
    memory: int | None
    flops: int | None
    seconds: float | None = None


@dataclass(frozen=True)
class Link:
    """An edge: one or more uses of one item by another.

    Attributes:
        source: the position of the item that is used.
        target: the position of the item that uses it.
        positions: as which of its operands.
        rule: the derivative along it as formulas.
        partial: the local partial: between numbers, and of an elementwise operation.
        formula: it as a formula in names, if there is a short one.
        pulled: what arrives at the source along it.
        pulled_formula: that as a formula.
        differentiable: whether a derivative goes along it.
    """

    source: int
    target: int
    positions: list[int]
    rule: Rule | None = None
    partial: Value | None = None
    formula: str | None = None
    pulled: Value | None = None
    pulled_formula: str | None = None
    differentiable: bool = True


@dataclass
class Picture:
    """A graph as it is shown.

    Attributes:
        graph: what is shown.
        run: its values and gradients, if it has been walked.
        title: one line for the whole, empty where none is short enough.
        description: for who cannot see it.
        items: the nodes, in topological order.
        links: the edges, in the order of their targets.
        groups: what the nodes are folded into, each after its parent.
        output: the position of the item whose gradients are shown; None without a backward pass.
        strange_value: the position of the first item whose value is not finite although its operands are.
        strange_gradient: the same for gradients, from the right.
    """

    graph: Graph
    run: Evaluation | None
    title: str = ""
    description: str = ""
    items: list[Item] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    output: int | None = None
    strange_value: int | None = None
    strange_gradient: int | None = None
