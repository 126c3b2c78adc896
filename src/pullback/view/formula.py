"""A node written out as an expression in the names of the inputs."""

from __future__ import annotations

from collections.abc import Mapping

from pullback.core.graph import Graph, ancestors, as_scalar, format_number
from pullback.core.node import Node
from pullback.transforms.evaluation import the_output
from pullback.view.notation import ATOM, infix, operand

LIMIT = 1000
"""How long a formula may grow before shared and long parts are written once, as statements of their own."""

_UNSEEN = frozenset({"broadcast_to", "identity"})  # writing them says nothing
_UNSEEN_IN_RULES = _UNSEEN | {"reshape"}  # as in books, where shapes that fit need no word


def graph_formula(graph: Graph, name: str | None = None, tidy: bool = False) -> str:
    """Write the node of this name, by default the output, in terms of the inputs: ``Graph.formula``.

    A formula that would be longer than a thousand characters is written as several statements, separated by
    semicolons, the node itself last. With ``tidy``, products are written as one would by hand.

    >>> import pullback as pb
    >>> graph_formula(pb.expression("d = 2*b; e = a + d; L = c*e"))
    'c*(a + 2*b)'
    """
    final = the_output(graph, name, "formula")
    nodes = ancestors([final])
    if _full_length(nodes, graph)[final] <= LIMIT:
        return written_out(final, graph.names, tidy)
    return _statements(final, nodes, graph)


def written_out(final: Node, names: Mapping[Node, str], tidy: bool = False) -> str:
    """Write a node in terms of the leaves that it depends on, which have these names; numbers need none."""
    texts: dict[Node, tuple[str, int]] = {}
    for node in ancestors([final]):
        texts[node] = _text(node, texts, names, tidy)
    return texts[final][0]


def _text(
    node: Node, texts: Mapping[Node, tuple[str, int]], names: Mapping[Node, str], tidy: bool = False
) -> tuple[str, int]:
    if not node.inputs:
        return operand(names[node] if node in names else format_number(as_scalar(node)))
    if node.primitive.name in (_UNSEEN_IN_RULES if tidy else _UNSEEN):
        return texts[node.inputs[0]]
    return infix(node, [texts[source] for source in node.inputs], tidy)


def _full_length(nodes: list[Node], graph: Graph) -> dict[Node, int]:
    """About how many characters each node takes when everything is written out; no more than a bound."""
    lengths: dict[Node, int] = {}
    for node in nodes:
        own = len(node.primitive.name) + 2 if node.inputs else len(graph.names[node])
        lengths[node] = min(own + sum(lengths[source] for source in node.inputs), 2 * LIMIT)
    return lengths


def _statements(final: Node, nodes: list[Node], graph: Graph) -> str:
    uses: dict[Node, int] = {}
    for node in nodes:
        for source in node.inputs:
            uses[source] = uses.get(source, 0) + 1
    texts: dict[Node, tuple[str, int]] = {}
    lines = []
    for node in nodes:
        text = _text(node, texts, graph.names)
        if node is final:
            lines.append(text[0])
        elif node.inputs and node.primitive.name not in _UNSEEN and (uses[node] > 1 or len(text[0]) > LIMIT // 10):
            lines.append(f"{graph.names[node]} = {text[0]}")
            text = (graph.names[node], ATOM)
        texts[node] = text
    return "; ".join(lines)
