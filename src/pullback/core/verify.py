"""The grammar of graphs: what every graph must satisfy. Checked when a graph is made, so no walk has to."""

from __future__ import annotations

from pullback.core.aval import aval_of
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.core.terminals import CONSTANT, INPUT
from pullback.errors import GraphError


def verify(graph: Graph) -> None:
    """Raise GraphError, naming the node, unless ``graph`` is well formed.

    - inputs are distinct input nodes, and every input node in the graph is among them;
    - a node comes once, after all that it uses;
    - constants have values; what has a value has the aval that it says;
    - what holds a graph gives it inputs of the avals that it takes;
    - the outputs are nodes of the graph; output names are distinct, one for each.
    """
    if len(set(graph.inputs)) != len(graph.inputs):
        raise GraphError("graph: an input is listed twice")
    inputs = set(graph.inputs)
    seen: set[Node] = set()
    for node in graph.nodes:
        if node in seen:
            raise GraphError(f"graph: {node!r} is listed twice")
        if not seen.issuperset(node.inputs):
            source = next(one for one in node.inputs if one not in seen)
            raise GraphError(f"graph: {node!r} comes before {source!r}, which it uses")
        if not node.verified:
            _verify_node(node)
            node.verified = True
        if node.primitive is INPUT and node not in inputs:
            raise GraphError(f"graph: {node!r} is an input node but not among the inputs")
        seen.add(node)
    for node in graph.inputs:
        if node.primitive is not INPUT:
            raise GraphError(f"graph: the input {node!r} is not an input node")
        if node not in seen:
            raise GraphError(f"graph: the input {node!r} is not among the nodes")
    for node in graph.outputs:
        if node not in seen:
            raise GraphError(f"graph: the output {node!r} is not among the nodes")
    names = graph.output_names
    if names is not None and (len(names) != len(graph.outputs) or len(set(names)) != len(names)):
        raise GraphError(f"graph: expected {len(graph.outputs)} distinct output names, got {names}")


def _verify_node(node: Node) -> None:
    """Check what a node is by itself: once, as it never changes."""
    if node.primitive is CONSTANT and node.value is None:
        raise GraphError(f"graph: the constant {node!r} has no value")
    if node.primitive in (INPUT, CONSTANT) and node.inputs:
        raise GraphError(f"graph: {node!r} cannot use other nodes")
    if node._aval is not None and node.value is not None and node._aval != aval_of(node.value):
        raise GraphError(f"graph: {node!r} says {node.aval} but its value is {aval_of(node.value)}")
    node.primitive.verify(node)


def verify_avals(graph: Graph) -> None:
    """Raise GraphError unless each node's aval is what its primitive infers. A check for tests: it repeats all work."""
    for node in graph.nodes:
        if not node.inputs:
            continue
        inferred = node.primitive.infer_aval([source.aval for source in node.inputs], node.params)
        if inferred != node.aval:
            raise GraphError(f"graph: {node!r} should be {inferred}")
