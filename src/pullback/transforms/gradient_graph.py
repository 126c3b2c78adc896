"""The backward pass as a graph: the same walk as with numbers, on nodes without values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from pullback.core.array import Array
from pullback.core.graph import Graph, ancestors, listed
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.origin import Derived
from pullback.core.terminals import INPUT, input_node
from pullback.errors import GraphError, NotDifferentiableError
from pullback.transforms.backward import pull_back, seed
from pullback.transforms.evaluation import carries_derivative, the_output


def graph_backward(graph: Graph, wrt: str | Sequence[str] | None = None) -> Graph:
    """Return the graph whose outputs are the gradients of the output by each named node: ``Graph.backward``.

    Its inputs are those of ``graph``; the gradients are named ``dL/da``. One that nothing connects is a constant zero.

    Args:
        graph: a graph with one output, of one element.
        wrt: a name, a sequence of names, or None for all inputs that carry derivatives.

    Raises:
        GraphError: an unknown name, or one that is given twice, or no input that carries a derivative.
        ShapeError: the output has more than one element.
        NotDifferentiableError: a node of integers or booleans, or a constant, is named.

    >>> import pullback as pb
    >>> graph = pb.trace(lambda a, b: a * (a + b), 3.0, 1.0)
    >>> run = graph_backward(graph, "a").forward(3.0, 1.0)
    >>> run.values["dout/da"]
    7.0
    """
    output = the_output(graph, None, "backward")
    wanted = _wanted(graph, wrt)
    twins = abstract(graph)
    arrived: dict[Node, Any] = {}
    inputs = [twins[node] for node in graph.inputs if carries_derivative(node)]
    one = seed(Array(twins[output]), None, "backward")
    begun: list[tuple[int, Node]] = []  # from which node on the nodes are those of a step

    def visit(node: Node, ct: Any) -> None:
        arrived[node] = ct
        begun.append((input_node(None).index, node))

    pull_back([twins[output]], [one], inputs, visit)

    final = graph.output_name()
    gradients: list[Node] = []
    for node in wanted:
        ct = arrived.get(twins[node])
        gradients.append((ct if ct is not None else operations.zeros_like(Array(twins[node])))._node)
    # Not after t1, t2 ...: these number the nodes of each graph anew.
    named = {node for node in graph.nodes if node.name or node is output or node in wanted}
    names = {
        arrived[twins[node]]._node: _derivative(final, graph.names[node])
        for node in graph.nodes
        if node in named and isinstance(arrived.get(twins[node]), Array) and arrived[twins[node]]._node.inputs
    }
    originals = {twin: node for node, twin in twins.items()}
    copies = _rename(gradients, originals, names, begun)
    titles = [_derivative(final, graph.names[node]) for node in wanted]
    return Graph.of([copies[node] for node in gradients], graph.inputs, titles)


def _derivative(output: str, name: str) -> str:
    output = f"({output})" if "/" in output else output
    return f"d{output}/d{name}"


def _wanted(graph: Graph, wrt: str | Sequence[str] | None) -> list[Node]:
    if wrt is None:
        wanted = [node for node in graph.inputs if carries_derivative(node)]
        if not wanted:
            raise GraphError("backward: the graph has no input that carries a derivative (of floating dtype)")
        return wanted
    names: list[Any] = list(wrt) if isinstance(wrt, Iterable) and not isinstance(wrt, str) else [wrt]
    if len(set(names)) != len(names) or not names or not all(isinstance(name, str) for name in names):
        raise GraphError(f"backward: expected distinct names, got {listed(map(str, names))}")
    for name in names:
        if not carries_derivative(graph[name]):
            raise NotDifferentiableError(f"backward: {name!r} is {graph[name].aval}, or a constant: no derivative")
    return [graph[name] for name in names]


def abstract(graph: Graph) -> dict[Node, Node]:
    """Return a twin without a value for every node but the constants, so that rules record instead of computing."""
    twins: dict[Node, Node] = {}
    for node in graph.nodes:
        if node.primitive is INPUT:
            twins[node] = input_node(node.array_aval, node.name)
        elif not node.inputs:
            twins[node] = node
        else:
            inputs = tuple(twins[source] for source in node.inputs)
            twins[node] = Node(
                node.primitive, inputs, node.params, None, node.watched, node.origin, node.aval, node.name
            )
            twins[node].scope = node.scope
    return twins


def _rename(
    outputs: Sequence[Node], known: Mapping[Node, Node], names: Mapping[Node, str], begun: Sequence[tuple[int, Node]]
) -> dict[Node, Node]:
    """Copy what ``outputs`` depend on: twins become the nodes they stand for, new nodes get names and an origin."""
    copies: dict[Node, Node] = dict(known)
    for node in ancestors(outputs, stop=known.__contains__):
        if node in known:
            continue
        inputs = tuple(copies[source] for source in node.inputs)
        step = bisect_right(begun, node.index, key=itemgetter(0))
        parent = begun[step - 1][1].origin if step else node.origin
        copies[node] = Node(
            node.primitive, inputs, node.params, node.value, node.watched,
            Derived("backward", parent), node.aval, names.get(node, node.name),
        )  # fmt: skip
        copies[node].scope = node.scope
    return copies
