"""Graphs, with their values and gradients, summarized: what their pictures have to show."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np

from pullback.control.bodies import Body
from pullback.core.aval import Aval
from pullback.core.families import Pointwise
from pullback.core.graph import Graph, as_scalar
from pullback.core.node import Node
from pullback.core.origin import Derived, Origin
from pullback.core.terminals import CONSTANT, INPUT
from pullback.transforms.evaluation import Evaluation, carries_derivative
from pullback.view.bodies import with_bodies
from pullback.view.cost import flops
from pullback.view.formula import graph_formula
from pullback.view.groups import calls, fold
from pullback.view.model import Item, Link, Operand, Picture, Source, Value
from pullback.view.notation import (
    LONGEST_NAME,
    clean,
    described,
    elements,
    extent,
    is_shown,
    params,
    ranged,
    shortened,
    written,
)
from pullback.view.rules import Rules, written_rule
from pullback.view.statistics import statistics
from pullback.view.timing import seconds

MOST_DETAILED = 1000
"""Of a graph with more nodes than these, edges have numbers between numbers only, and matrices no thumbnails."""

DIGITS = 4

WIDEST = 16
"""An array is written out if that takes no more characters than these."""

LONGEST_TITLE = 70


def typeset(text: str) -> str:
    """Write a formula with typographic signs: a dot for the product, a real minus, small powers.

    >>> typeset("c*(a - 2*b)**2")
    'c·(a − 2·b)²'
    """
    text = re.sub(r"\*\*([23])(?![\d.])", lambda match: "²" if match[1] == "2" else "³", text)
    return text.replace("**", "^").replace("*", "·").replace("-", "\N{MINUS SIGN}")


def brief(value: Any) -> str:
    """A value in a picture: a number, the elements if they are few and short, otherwise shape and range.

    >>> brief(np.array([1.0, 2.0])), brief(np.zeros((4, 1))), brief(np.arange(6.0))
    ('[1, 2]', '(4, 1): all 0', '(6,): 0 to 5')
    """
    if isinstance(value, tuple):
        return f"{len(value)} result{'s' * (len(value) != 1)}"
    value = np.asarray(value)
    short = few(value)
    return typeset(short if short is not None else f"{value.shape}: {extent(value)}".removesuffix(": "))


def few(value: Any) -> str | None:
    """The elements, where there is room for them."""
    text = elements(value, DIGITS if value.size == 1 else 3)
    return text if text is not None and (value.size == 1 or len(text) <= WIDEST) else None


def value_of(value: Any, counted: bool = True, pictured: bool = True, contents: bool = False) -> Value:
    """Say what is shown of a value.

    Args:
        value: an array, a number, or several of them.
        counted: whether there is to be a histogram.
        pictured: whether a matrix gets a thumbnail.
        contents: whether the elements are kept.
    """
    if isinstance(value, tuple):
        return Value(brief(value), described(value))
    array = np.asarray(value)
    if array.ndim == 0 and array.dtype.kind != "c":
        return Value(brief(array), described(array), number=array.item())
    found = statistics(array, counted, pictured)
    kept = array if contents else None
    if array.size <= 4:
        return Value(brief(array), described(array), None, found, kept)
    kind = array.dtype.kind
    full = f"{Aval(array.shape, array.dtype)} {ranged(found, kind, 'from ')}"
    return Value(typeset(f"{array.shape}: {ranged(found, kind)}"), full, None, found, kept)


def summarize(what: Graph | Evaluation) -> Picture:
    """Say what the picture of a graph, or of a graph with its values and gradients, shows."""
    return Summarizer(what).picture()


class Summarizer:
    """Makes the parts of a picture, all of them or those that are asked for.

    Attributes:
        graph: what is shown.
        run: its values and gradients, if it has been walked.
        nodes: those that have a place of their own, in topological order.
        detailed: whether edges have formulas and values between arrays, and matrices thumbnails.
        contents: whether values hold their elements.
        times: how long each operation takes, if that is to be measured.
        holder: the node that holds the graph, if one does.
    """

    def __init__(
        self,
        what: Graph | Evaluation,
        detailed: bool = True,
        contents: bool = False,
        timed: bool = False,
        prefix: str = "",
        holder: Node | None = None,
    ) -> None:
        self.graph = what.graph if isinstance(what, Evaluation) else what
        self.run = run = what if isinstance(what, Evaluation) else None
        graph = self.graph
        nodes = [node for node in graph.nodes if is_shown(node)]
        shown = frozenset(nodes)
        self.names = {
            node: shortened(clean(f"{prefix}{name}" if node in shown else name), LONGEST_NAME)
            for node, name in graph.names.items()
        }
        used = {source for node in nodes for source in node.inputs}
        # A constant with a name stays in the graph although all that uses it was computed at once.
        self.nodes = [node for node in nodes if node in used or node.inputs or node.primitive is INPUT
                      or node in graph.outputs]  # fmt: skip
        self.place = {node: i for i, node in enumerate(self.nodes)}
        self.detailed = detailed and len(self.nodes) <= MOST_DETAILED
        self.contents = contents
        self.times = seconds(run) if timed and run is not None else {}
        self.output = run.output if run is not None else None
        self.rules = Rules()
        self.outputs = frozenset(graph.outputs)
        self.holder = holder

    def picture(self) -> Picture:
        """All of it, with the bodies that nodes hold."""

        def summarized(body: Body, prefix: str, holder: Node) -> Picture:
            return Summarizer(body, self.detailed, self.contents, prefix=prefix, holder=holder).own_picture()

        return with_bodies(self.own_picture(), summarized)

    def own_picture(self) -> Picture:
        """The graph itself, without the bodies that its nodes hold."""
        folding = fold(self.nodes, len(calls(self.holder)) if self.holder is not None else 0)
        items = [self.item(node, folding.of.get(node)) for node in self.nodes]
        links = [link for node in self.nodes for link in self.links(node)]
        output = self.place.get(self.output) if self.output is not None else None
        strange = next((i for i, item in enumerate(items) if item.value and not item.value.is_finite), None)
        arrived = [i for i, item in enumerate(items) if item.gradient and not item.gradient.is_finite]
        return Picture(
            self.graph, self.run, self._title(), self._description(items), items, links, folding.groups, output,
            strange, arrived[-1] if arrived else None,
        )  # fmt: skip

    # Nodes ----------------------------------------------------------------------------------------------------------

    def item(self, node: Node, group: int | None = None) -> Item:
        """What is shown of a node."""
        aval = _aval(node)
        value = self._value(node)
        text = shortened(clean(written(node, self.names)), LONGEST_NAME) if node.inputs else ""
        return Item(
            node, self.names[node], self._kind(node), node.primitive.name, text, self._operands(node),
            params(node.params), aval, group, _source(node), value, self._gradient(node),
            aval.size * aval.dtype.itemsize if aval is not None else None, flops(node), self.times.get(node),
        )  # fmt: skip

    def _operands(self, node: Node) -> list[Operand]:
        place = self.place
        return [("node", place[one]) if one in place else ("number", as_scalar(one)) for one in node.inputs]

    def _kind(self, node: Node) -> str:
        if node.primitive is INPUT:
            return "parameter" if node.value is not None or self._is_closed_over(node) else "input"
        if node.primitive is CONSTANT:
            return "constant"
        return "output" if node in self.outputs else "operation"

    def _is_closed_over(self, node: Node) -> bool:
        """Whether an input of a body stands for a parameter that the body closes over: that has its name outside."""
        outside = self.holder.inputs if self.holder is not None else ()
        return any(one.primitive is INPUT and one.value is not None and one.name == node.name for one in outside)

    def _value(self, node: Node) -> Value | None:
        if self.run is not None:
            return self._shown(self.run.value(node))
        return None if node.primitive is not CONSTANT else self._shown(node.value)

    def _gradient(self, node: Node) -> Value | None:
        if self.run is None or self.output is None:
            return None
        gradient = self.run.gradient(node)
        return None if gradient is None else self._shown(gradient)

    def _shown(self, value: Any, edge: bool = False) -> Value:
        return value_of(value, not edge, self.detailed and not edge, self.contents and not edge)

    # Edges ----------------------------------------------------------------------------------------------------------

    def links(self, target: Node) -> list[Link]:
        """What is shown of the edges to a node."""
        sources = [node for node in dict.fromkeys(target.inputs) if node in self.place]
        pulled = self._contributions(target)
        return [self._link(source, target, pulled.get(source)) for source in sources]

    def _contributions(self, target: Node) -> dict[Node, Any]:
        """What arrives at each operand from the target."""
        if self.run is None or self.output is None or not self.detailed:
            return {}
        return self.run.contributions(target)

    def _link(self, source: Node, target: Node, pulled: Any) -> Link:
        positions = [i for i, node in enumerate(target.inputs) if node is source]
        place = self.place[source], self.place[target], positions
        if not _has_derivative(source) or not _has_derivative(target):
            return Link(*place, differentiable=False)
        rule = self.rules(target, source)
        link: dict[str, Any] = {"rule": rule, "partial": self._partial(source, target)}
        if rule is not None and self.detailed:
            link |= {
                "formula": written_rule(rule.partial, target, self.names),
                "pulled_formula": written_rule(rule.pulled, target, self.names),
            }
        if pulled is not None:
            link["pulled"] = self._shown(pulled, edge=True)
        return Link(*place, **link)

    def _partial(self, source: Node, target: Node) -> Value | None:
        if self.run is None or _aval(source) is None or _aval(target) is None:
            return None
        one, other = source.array_aval, target.array_aval
        small = one.size * other.size <= 4
        if not small and not (self.detailed and isinstance(target.primitive, Pointwise)):
            return None
        partial = np.asarray(self.run.partial(source, target))
        if partial.size == 1:
            partial = partial.reshape(())
        return self._shown(partial, edge=True)

    # The whole ------------------------------------------------------------------------------------------------------

    def _title(self) -> str:
        if len(self.graph.outputs) != 1 or len(self.nodes) > LONGEST_TITLE:
            return ""
        output = self.graph.outputs[0]
        formula = graph_formula(self.graph)
        if len(formula) > LONGEST_TITLE:
            return ""
        return f"{shortened(self.names[output], 24)} = {typeset(clean(formula))}"

    def _description(self, items: list[Item]) -> str:
        parts = [f"Computation graph with {len(items)} nodes."]
        if self.run is not None:
            shown = [items[self.place[node]] for node in self.graph.outputs[:20] if node in self.place]
            parts += [f"{item.name} = {item.value.full}." for item in shown if item.value is not None]
        if self.output is not None:
            inputs = [items[self.place[node]] for node in self.graph.inputs if carries_derivative(node)][:20]
            final = self.names[self.output]
            parts += [f"∂{final}/∂{item.name} = {item.gradient.full}." for item in inputs if item.gradient is not None]
        return " ".join(parts)


def _aval(node: Node) -> Aval | None:
    try:
        aval = node.aval
    except AttributeError:
        return None  # an expression without values
    return aval if isinstance(aval, Aval) else None


def _has_derivative(node: Node) -> bool:
    return hasattr(node, "aval") and carries_derivative(node)  # an expression without values has no avals


def _source(node: Node) -> Source | None:
    origin = node.origin
    made_by = ""
    while isinstance(origin, Derived):
        made_by = made_by or origin.made_by
        origin = origin.parent
    if not isinstance(origin, Origin) or origin.filename.startswith("<"):
        return None
    file = shortened(clean(os.path.basename(origin.filename)), LONGEST_NAME)
    return Source(file, origin.line, made_by)
