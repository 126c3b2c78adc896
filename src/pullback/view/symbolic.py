"""The local partial along an edge as a formula in the names of the graph."""

from __future__ import annotations

from collections.abc import Mapping

from pullback.core.array import Array
from pullback.core.families import Pointwise
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.state import record
from pullback.core.terminals import CONSTANT, input_node
from pullback.errors import PullbackError
from pullback.view.formula import graph_formula
from pullback.view.notation import number

LIMIT = 60
"""A formula longer than this says less than its number."""


def symbolic_partial(target: Node, source: Node, names: Mapping[Node, str]) -> str | None:
    """Write the local partial of an elementwise operation: ``c`` for dL/de at ``L = c*e``.

    None where there is no short formula: an operation that is not elementwise, or whose rule needs values.
    """
    if not isinstance(target.primitive, Pointwise):
        return None
    twins = {
        node: node if node.primitive is CONSTANT else input_node(node.array_aval, names[node])
        for node in (*target.inputs, target)
    }
    inputs = [Array(twins[node]) for node in target.inputs]
    total = None
    try:
        with record():
            thunks = target.primitive.local_partials(Array(twins[target]), inputs, target.params)
            for thunk, node in zip(thunks, target.inputs, strict=True):
                if node is source and thunk is not None:
                    total = thunk() if total is None else operations.add(total, thunk())
    except PullbackError:
        return None
    if not isinstance(total, Array):
        return number(total) if total is not None else None
    text = graph_formula(Graph.of([total._node]), tidy=True)
    return text if len(text) <= LIMIT else None
