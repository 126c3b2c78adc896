"""Look for NaN and infinities in what compiled functions give, and explain them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from pullback.core.evaluate import evaluate
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.core.state import debugging
from pullback.diagnosis.diagnose import examine
from pullback.errors import ArgumentError, NonFiniteError


class NonFiniteWarning(RuntimeWarning):
    """A compiled function gave a NaN or an infinity; the text says where it began."""


def set_debug(*, nan: str | None = None) -> None:
    """Say what compiled functions do when a result of theirs is NaN or infinite.

    Args:
        nan: ``"explain"``: run the step again with NumPy, find the operation that made it of finite numbers, and warn
            with line, expression, operands and what would avoid it (a ``NonFiniteWarning``). ``"raise"``: raise that
            as a ``NonFiniteError``, before any Parameter is changed. None, the default: nothing.

    Raises:
        ArgumentError: something else.

    >>> set_debug(nan="explain")
    >>> set_debug()
    """
    if nan not in (None, "explain", "raise"):
        raise ArgumentError(f"set_debug: expected nan to be 'explain', 'raise' or None, got {nan!r}")
    debugging.nan = nan


def explain_nonfinite(graph: Graph, values: Sequence[Any]) -> None:
    """Run a graph with these values of its inputs, and warn or raise with what ``examine`` finds."""
    given = dict(zip((node for node in graph.inputs if node.value is None), values, strict=True))
    found = evaluate(graph, given)
    bound: dict[Node, Node] = {}
    for node in graph.nodes:
        inputs = tuple(bound[source] for source in node.inputs)
        bound[node] = Node(
            node.primitive, inputs, node.params, found[node], node.watched, node._origin, None, node.name
        )
    text = str(examine(Graph.of([bound[node] for node in graph.outputs], [bound[node] for node in graph.inputs])))
    if debugging.nan == "raise":
        raise NonFiniteError(text)
    warnings.warn(text, NonFiniteWarning, stacklevel=2)
