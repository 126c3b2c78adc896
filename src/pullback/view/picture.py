"""What a picture of a graph says: the words on nodes and edges, before anything has a place."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.core.terminals import CONSTANT, INPUT
from pullback.errors import ArgumentError
from pullback.transforms.evaluation import Evaluation, carries_derivative
from pullback.view.formula import graph_formula
from pullback.view.notation import clean, described, is_shown, norm, shortened, written
from pullback.view.summary import brief, few, typeset
from pullback.view.symbolic import symbolic_partial

MOST_NODES = 1000
"""A graph with more nodes than these has no picture that anyone could read."""

DETAILED = 12
"""Up to so many edges, each label names its partial; with more it is the number only."""


@dataclass(frozen=True)
class Shape:
    """A node as it is drawn.

    Attributes:
        kind: ``input``, ``parameter``, ``constant``, ``operation`` or ``output``.
        name: in bold.
        operation: after the name, empty for what is not computed.
        value: below it, empty where there is none.
        gradient: below the node, empty where there is none.
        tip: all of it in full.
    """

    kind: str
    name: str
    operation: str = ""
    value: str = ""
    gradient: str = ""
    tip: str = ""


@dataclass(frozen=True)
class Line:
    """An edge as it is drawn, between positions in ``Picture.shapes``; an empty label is none."""

    source: int
    target: int
    label: str = ""
    tip: str = ""


@dataclass
class Picture:
    """A graph as it is drawn.

    Attributes:
        title: one line for the whole, empty where none is short enough.
        description: for who cannot see it.
        shapes: the nodes, in topological order.
        lines: the edges.
        backward: whether gradients are shown.
    """

    title: str = ""
    description: str = ""
    shapes: list[Shape] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    backward: bool = False


def draw(graph: Graph, run: Evaluation | None = None) -> Picture:
    """Say what the picture of a graph, with the values and gradients of ``run`` if there is one, shows.

    Raises:
        ArgumentError: the graph has more than a thousand nodes.
    """
    nodes = [node for node in graph.nodes if is_shown(node)]
    if len(nodes) > MOST_NODES:
        raise ArgumentError(
            f"picture: expected a graph of at most {MOST_NODES:,} nodes, got {len(nodes):,}. "
            "Draw a part of it, or print it"
        )
    return _Drawing(graph, run, nodes).picture()


class _Drawing:
    def __init__(self, graph: Graph, run: Evaluation | None, nodes: list[Node]) -> None:
        self.graph = graph
        self.run = run
        self.names = {node: clean(name) for node, name in graph.names.items()}
        used = {source for node in nodes for source in node.inputs}
        # A constant with a name stays in the graph although all that uses it was computed at once.
        self.nodes = [node for node in nodes if node in used or node.inputs or node.primitive is INPUT
                      or node in graph.outputs]  # fmt: skip
        self.output = run.output if run is not None else None

    def picture(self) -> Picture:
        place = {node: i for i, node in enumerate(self.nodes)}
        edges = [(one, node) for node in self.nodes for one in dict.fromkeys(node.inputs) if one in place]
        detailed = len(edges) <= DETAILED
        lines = []
        for source, target in edges:
            label, tip = self._partial(source, target, detailed)
            lines.append(Line(place[source], place[target], label, tip))
        shapes = [self._shape(node) for node in self.nodes]
        return Picture(self._title(), self._description(), shapes, lines, self.output is not None)

    def _shape(self, node: Node) -> Shape:
        name = self.names[node]
        operation = typeset(clean(written(node, self.graph.names))) if node.inputs else ""
        value, full = self._value(node)
        gradient, full_gradient = self._gradient(node)
        head = f"{name} = {operation}" if operation else f"{name}: {self._kind(node)}"
        tip = "\n".join(part for part in (head, full, full_gradient) if part)
        return Shape(self._kind(node), shortened(name, 24), shortened(operation, 32), value, gradient, tip)

    def _kind(self, node: Node) -> str:
        if node.primitive is INPUT:
            return "input" if node.value is None else "parameter"
        if node.primitive is CONSTANT:
            return "constant"
        return "output" if node in self.graph.outputs else "operation"

    def _value(self, node: Node) -> tuple[str, str]:
        if self.run is not None:
            value = self.run.value(node)
            return brief(value), f"value {described(value)}"
        try:
            aval = node.aval
        except AttributeError:
            return "", ""  # an expression without values
        if isinstance(aval, Aval):
            return ("", "") if aval.shape == () else (str(aval), "")
        return f"{len(aval)} results", ""

    def _gradient(self, node: Node) -> tuple[str, str]:
        gradient = self.run.gradient(node) if self.run is not None else None
        if gradient is None or self.output is None or isinstance(gradient, tuple):
            return "", ""
        symbol = f"∂{shortened(self.names[self.output], 12)}/∂{shortened(self.names[node], 16)}"
        full = f"∂{self.names[self.output]}/∂{self.names[node]} = {described(gradient)}"
        short = few(np.asarray(gradient))
        if short is not None:
            return f"{symbol} = {typeset(short)}", full
        return f"‖{symbol}‖ = {typeset(norm(gradient))}", full

    def _partial(self, source: Node, target: Node, detailed: bool) -> tuple[str, str]:
        """The label of an edge, and what it says in full."""
        if self.run is None or not carries_derivative(source) or not carries_derivative(target):
            return "", ""
        symbol = f"∂{self.names[target]}/∂{self.names[source]}"
        if not isinstance(source.aval, Aval) or not isinstance(target.aval, Aval):
            return "", ""
        formula = symbolic_partial(target, source, self.graph.names)
        formula = typeset(clean(formula)) if formula is not None else None
        if source.aval.size * target.aval.size <= 4:
            partial = np.asarray(self.run.partial(source, target))
            if partial.size == 1:
                partial = partial.reshape(())
            if partial.ndim > 2:
                return "", f"{symbol}: a Jacobian of shape {partial.shape}"
            value = brief(partial)
            short = f"∂{shortened(self.names[target], 12)}/∂{shortened(self.names[source], 12)} = {value}"
            tip = f"{symbol} = {value}" if formula in (None, value) else f"{symbol} = {formula} = {value}"
            return (short if detailed else value), tip
        if formula is not None:
            return (formula if len(formula) <= 16 else ""), f"{symbol} = {formula}, elementwise"
        shape = (*target.aval.shape, *source.aval.shape)
        return "", f"{symbol}: a Jacobian of shape {shape}"

    def _title(self) -> str:
        if len(self.graph.outputs) != 1:
            return ""
        output = self.graph.outputs[0]
        formula = graph_formula(self.graph, self.graph.names[output])
        if len(formula) > 70:
            return ""
        return f"{shortened(self.names[output], 24)} = {typeset(clean(formula))}"

    def _description(self) -> str:
        parts = [f"Computation graph with {len(self.nodes)} nodes."]
        run = self.run
        if run is not None:
            parts += [f"{self.names[node]} = {described(run.value(node))}." for node in self.graph.outputs]
        if self.output is not None:
            inputs = [node for node in self.graph.inputs if carries_derivative(node)]
            parts += [f"{full}." for full in (self._gradient(node)[1] for node in inputs[:20]) if full]
        return " ".join(parts)
