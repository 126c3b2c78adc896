"""Into the functions that a node runs, such as the body of a scan: the run in which finite numbers became others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.control.bodies import Body
from pullback.control.checkpoint import Call
from pullback.control.held import Holding
from pullback.core.evaluate import evaluate
from pullback.core.graph import Graph
from pullback.core.node import Node, is_finite


class Run(NamedTuple):
    """One run of a function that a node holds.

    Attributes:
        graph: what was run, with values.
        name: of the function.
        number: which run it was, from 1.
    """

    graph: Graph
    name: str
    number: int


def with_values(graph: Graph, given: Mapping[Node, Any]) -> Graph:
    """The same graph, run with NumPy on the values of its inputs; its nodes keep what they gave."""
    found = evaluate(graph, given)
    bound: dict[Node, Node] = {}
    for node in graph.nodes:
        inputs = tuple([bound[source] for source in node.inputs])
        bound[node] = Node(
            node.primitive, inputs, node.params, found[node], node.watched, node._origin, None, node.name
        )
    return Graph.of([bound[node] for node in graph.outputs], [bound[node] for node in graph.inputs])


def faulty_run(node: Node) -> Run | None:
    """The first run of a function that a node holds that made NaN of none, or an infinity of finite numbers."""
    if not isinstance(node.primitive, Holding):
        return None
    values = [source.value for source in node.inputs]
    if isinstance(node.primitive, Call):  # it may run a program in place of the function
        return _run(node.params["body"], values, 1) if _is_faulty(values, node.value) else None
    log = _Log()
    params = {name: log.watching(param) for name, param in node.params.items()}
    with np.errstate(all="ignore"):
        node.primitive.evaluate(*values, **params)
    return log.found


def _run(body: Body, values: Sequence[Any], number: int) -> Run:
    return Run(with_values(body, dict(zip(body.inputs, values, strict=True))), body.name, number)


def _is_faulty(values: Sequence[Any], results: Sequence[Any]) -> bool:
    if all(map(is_finite, results)):
        return False
    return all(map(is_finite, values)) or (any(map(_has_nan, results)) and not any(map(_has_nan, values)))


def _has_nan(value: Any) -> bool:
    return value.dtype.kind in "fc" and bool(np.isnan(value).any())


class _Log:
    """Looks on while functions are run, and keeps the first run that was faulty."""

    def __init__(self) -> None:
        self.found: Run | None = None
        self._runs: dict[Body, int] = {}

    def watching(self, param: Any) -> Any:
        """A parameter of a node, its functions replaced by those that are looked on at."""
        if isinstance(param, tuple):
            return tuple([self.watching(one) for one in param])
        return _Watched(param, self) if isinstance(param, Body) else param

    def look(self, body: Body, values: Sequence[Any], results: Sequence[Any]) -> None:
        """Take note of a run."""
        number = self._runs[body] = self._runs.get(body, 0) + 1
        if self.found is None and _is_faulty(values, results):
            self.found = _run(body, values, number)


class _Watched(Body):
    """A body whose runs are looked on at."""

    def __init__(self, body: Body, log: _Log) -> None:
        super().__init__(body.name, body.inputs, body.outputs)
        self._body, self._log = body, log

    def evaluate(self, values: Sequence[Any]) -> list[Any]:
        """As the body does."""
        results = self._body.evaluate(values)
        self._log.look(self._body, values, results)
        return results
