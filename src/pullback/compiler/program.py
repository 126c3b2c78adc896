"""A program: a graph made ready to run again and again on other values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.graph import Graph
from pullback.core.node import as_value
from pullback.errors import GraphError, PullbackError


class Program:
    """Runs a graph.

    Attributes:
        graph: what is computed.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        places = {node: i for i, node in enumerate(graph.nodes)}
        self._constants = [(places[node], node.value) for node in graph.nodes if node.value is not None]
        self._inputs = [places[node] for node in graph.inputs]
        self._outputs = [places[node] for node in graph.outputs]
        self._steps = [
            (places[node], node, tuple(places[source] for source in node.inputs)) for node in graph.nodes if node.inputs
        ]

    def run(self, values: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
        """Return the outputs for these inputs; each is an array of its own."""
        slots: list[Any] = [None] * len(self.graph.nodes)
        for place, value in self._constants:
            slots[place] = value
        for place, value in zip(self._inputs, values, strict=True):
            slots[place] = value
        with np.errstate(all="ignore"):
            for place, node, sources in self._steps:
                try:
                    result = node.primitive.evaluate(*[slots[source] for source in sources], **node.params)
                except PullbackError:
                    raise
                except (ValueError, TypeError, IndexError, ArithmeticError) as error:
                    raise GraphError(f"{node.primitive.name}: {error}") from error
                slots[place] = result if isinstance(result, tuple) else as_value(result)
        return [np.array(slots[place]) for place in self._outputs]
