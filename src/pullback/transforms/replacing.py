"""Replacing nodes of a graph, one at a time: rules in a table, and the walk that applies them and says what it did."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from pullback.core.graph import Graph
from pullback.core.node import NO_PARAMS, Node
from pullback.core.operations import named_primitive, operations
from pullback.core.origin import Derived
from pullback.core.primitive import Params

Rule = Callable[..., Node | None]
"""``rule(node, inputs)`` with the inputs already rewritten: what takes the node's place, or None to keep it."""

EXACT = "exact"


@dataclass(frozen=True)
class Identity:
    """A rule that has a name.

    Attributes:
        name: of the function.
        statement: the identity.
        changes: what may come out differently.
        rule: the function.
    """

    name: str
    statement: str
    changes: str
    rule: Rule


@dataclass(frozen=True)
class Applied:
    """A rewrite that was applied.

    Attributes:
        name: of the rewrite.
        before: the node as it was.
        after: what took its place.
        changes: what may come out differently.
    """

    name: str
    before: Node
    after: Node
    changes: str

    def __str__(self) -> str:
        before, after = (_brief(operations.graph_formula(Graph.of([node]))) for node in (self.before, self.after))
        origin = root = self.before.origin
        while isinstance(root, Derived):
            root = root.parent
        where = f"  at {origin}" if root is not None else ""
        return f"{self.name}: {before} -> {after}  ({self.changes}){where}"


def _brief(formula: str) -> str:
    return formula if len(formula) <= _LONGEST else f"{formula[: _LONGEST - 3]}..."


_LONGEST = 200
"""How many characters of a formula are shown."""

Report = Callable[[Applied], None]
"""Called with each rewrite that is applied."""


class Table:
    """Identities, by the primitive that they begin at.

    With ``counting``, rules are asked with a third argument: which inputs nothing else uses.
    """

    def __init__(self, name: str, counting: bool = False) -> None:
        self.name = name
        self.counting = counting
        self.identities: dict[str, Identity] = {}
        self._at: dict[str, list[Identity]] = {}

    def identity(self, *primitives: str, changes: str = EXACT) -> Callable[[Rule], Rule]:
        """Declare a rule for uses of these primitives; its docstring is the identity."""

        def declare(rule: Rule) -> Rule:
            assert rule.__doc__, f"{rule.__name__}: a rewrite says its identity"
            one = Identity(rule.__name__, inspect.cleandoc(rule.__doc__), changes, rule)
            self.identities[one.name] = one
            for primitive in primitives:
                self._at.setdefault(primitive, []).append(one)
            return rule

        return declare

    def apply(self, graph: Graph, report: Report | None = None) -> Graph:
        """Return the graph with the first rule that fits applied to each node."""
        single = _used_once(graph) if self.counting else frozenset()

        def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
            kept = (tuple([old in single for old in node.inputs]),) if self.counting else ()
            for one in self._at[node.primitive.name]:
                found = one.rule(node, inputs, *kept)
                if found is not None:
                    if report is not None:
                        report(Applied(one.name, with_inputs(node, inputs), found, one.changes))
                    return found
            return None

        return rewrite(graph, rule, self.name, self._at)


def _used_once(graph: Graph) -> frozenset[Node]:
    uses: dict[Node, int] = {}
    for node in graph.nodes:
        for source in node.inputs:
            uses[source] = uses.get(source, 0) + 1
    return frozenset(node for node, count in uses.items() if count == 1) - frozenset(graph.outputs)


def rewrite(graph: Graph, rule: Rule, name: str, at: Container[str] | None = None) -> Graph:
    """Return the graph with ``rule`` applied to each node, left to right; what nothing uses any more is gone.

    It is the graph itself where the rule keeps every node.

    Args:
        graph: what is rewritten.
        rule: called once for each node that has inputs.
        name: of the pass, for the origin of the nodes that it makes.
        at: the names of the primitives at which the rule may apply, by default all.
    """
    replaced: dict[Node, Node] = {}
    for node in graph.nodes:
        if not node.inputs:
            continue
        inputs = replaced_inputs(node, replaced) if replaced else node.inputs
        found = rule(node, inputs) if at is None or node.primitive.name in at else None
        if found is None:
            if inputs is node.inputs:
                continue
            found = node.remade(inputs)
        elif found.inputs and found._origin is None:  # it is new
            found._origin = Derived(name, node._origin)
            found.scope = node.scope
            found.name = found.name or node.name
        if found is not node:
            replaced[node] = found
    return with_replaced(graph, replaced)


def replaced_inputs(node: Node, replaced: Mapping[Node, Node]) -> tuple[Node, ...]:
    """The inputs of a node, or what took their places: the very same tuple where nothing did."""
    inputs = node.inputs
    for source in inputs:
        if source in replaced:
            return tuple(map(replaced.get, inputs, inputs))
    return inputs


def with_inputs(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The node itself if these are its inputs, else the same use of its primitive, of these."""
    return node if inputs is node.inputs or inputs == node.inputs else remade(node, inputs)


def with_replaced(graph: Graph, replaced: Mapping[Node, Node]) -> Graph:
    """The graph of what took the places of its outputs; the graph itself where nothing took any node's place."""
    if not replaced:
        return graph
    outputs = [replaced.get(node, node) for node in graph.outputs]
    return Graph.of(outputs, graph.inputs, graph.output_names)


def remade(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same use of the same primitive, of other inputs."""
    return node.remade(inputs)


def made(name: str, inputs: Sequence[Node], params: Params = NO_PARAMS) -> Node:
    """A new use of the primitive called ``name``, without a value."""
    primitive = named_primitive(name)
    aval = primitive.infer_aval([node.aval for node in inputs], params)
    return Node(primitive, tuple(inputs), params, None, True, None, aval)
