"""The NumPy evaluator: the meaning of a graph, against which every other walk is tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pullback.core.graph import Graph
from pullback.core.node import Node, as_value
from pullback.errors import GraphError, PullbackError


def evaluate(graph: Graph, given: Mapping[Node, Any]) -> dict[Node, Any]:
    """Return the value of every node, from values for the inputs.

    Args:
        graph: what to evaluate.
        given: a value for each input that has none of its own.

    Raises:
        GraphError: an operation refuses the values (a matrix that is not invertible, say); it names the node.
    """
    values: dict[Node, Any] = {}
    for node in graph.nodes:
        if node in given:
            values[node] = given[node]
        elif not node.inputs:
            values[node] = node.value
        else:
            with np.errstate(all="ignore"):  # inf and NaN are shown as values, not as warnings
                try:
                    value = node.primitive.evaluate(*[values[source] for source in node.inputs], **node.params)
                except PullbackError:
                    raise
                except (ValueError, TypeError, IndexError, ArithmeticError) as error:
                    raise GraphError(f"{graph.names[node]} = {node.primitive.name}(...): {error}") from error
            values[node] = value if isinstance(value, tuple) else as_value(value)
    return values
