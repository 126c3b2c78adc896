"""A graph made ready to be evaluated many times: what each step of a loop runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from pullback.core.graph import Graph
from pullback.core.node import as_value

_Step = tuple[Callable[..., Any], tuple[int, ...], int, tuple[int, ...]]


class Program:
    """The NumPy meaning of a graph as a flat list of steps: what is computed, from which slots, into which slot.

    A slot is emptied after its last use, so that a run holds no more than it still needs.

    Args:
        graph: what is evaluated.
        quiet: whether NumPy's warnings are off meanwhile.
    """

    def __init__(self, graph: Graph, quiet: bool = False) -> None:
        self._quiet = quiet
        places = {node: place for place, node in enumerate(graph.inputs)}
        self._count = len(places)
        constants = [node for node in graph.nodes if not node.inputs and node not in places]
        steps = [node for node in graph.nodes if node.inputs]
        for node in (*constants, *steps):
            places[node] = len(places)
        self._constants = [node.value for node in constants]
        self._outputs = [places[node] for node in graph.outputs]
        kept = {*self._outputs, *range(self._count, self._count + len(constants))}
        last = {places[source]: node for node in steps for source in node.inputs}
        for node in steps:
            last.setdefault(places[node], node)
        done: dict[Any, list[int]] = {}
        for place, node in last.items():
            if place not in kept:
                done.setdefault(node, []).append(place)
        self._steps: list[_Step] = [
            (
                partial(node.primitive.evaluate, **node.params) if node.params else node.primitive.evaluate,
                tuple(places[source] for source in node.inputs),
                places[node],
                tuple(done.get(node, ())),
            )
            for node in steps
        ]

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Return the values of the outputs from values of the inputs."""
        if self._quiet:
            with np.errstate(all="ignore"):
                return self._run(values)
        return self._run(values)

    def _run(self, values: Sequence[Any]) -> list[Any]:
        slots = [*values, *self._constants, *[None] * len(self._steps)]
        for evaluate, inputs, place, done in self._steps:
            value = evaluate(*[slots[i] for i in inputs])
            if value.__class__ is not np.ndarray and value.__class__ is not tuple:
                value = as_value(value)
            slots[place] = value
            for one in done:
                slots[one] = None
        return [slots[place] for place in self._outputs]
