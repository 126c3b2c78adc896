"""What may refuse its values (a matrix that is singular, say), as native code that cannot, with a check.

Where the check fails the program stops, before it has changed anything, and the graph is evaluated with NumPy: that
raises what it raises without being compiled, or has the result after all.
"""

from __future__ import annotations

from collections.abc import Sequence

from pullback.core.array import Array
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.core.several import item
from pullback.core.state import record
from pullback.transforms.passes import rewrite


def guard(graph: Graph) -> tuple[Graph, int]:
    """Return the graph with what is computed in place of guarded primitives, and how many checks are at its end now."""
    if all(node.primitive.guard is None for node in graph.nodes):
        return graph, 0
    checks: list[Node] = []
    found: dict[Node, Sequence[Node]] = {}

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if node.primitive is item and node.inputs[0] in found:
            return found[node.inputs[0]][node.params["index"]]
        if node.primitive.guard is None:
            return None
        with record():
            guarded = node.primitive.guard(*[Array(one) for one in inputs], **node.params)
        if guarded is None:
            return None
        result, holds = guarded
        checks.append(holds._node)
        if not isinstance(result, tuple):
            return result._node
        found[node] = [one._node for one in result]
        return None

    rewritten = rewrite(graph, rule, "guard")
    return with_checks(rewritten, checks), len(checks)


def with_checks(graph: Graph, checks: Sequence[Node]) -> Graph:
    """The graph with checks after its outputs."""
    if not checks:
        return graph
    names = graph.output_names and (*graph.output_names, *[f"check {i + 1}" for i in range(len(checks))])
    return Graph.of([*graph.outputs, *checks], graph.inputs, names)
