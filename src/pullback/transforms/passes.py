"""Passes: each takes a graph and returns one that computes the same, in a form that costs less.

Every rule here is exact: the values are the same bit for bit, NaN, infinities and the sign of zero included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from pullback.core.aval import Aval
from pullback.core.graph import Graph, ancestors, as_scalar
from pullback.core.node import Node, as_value
from pullback.core.terminals import CONSTANT, constant_node, scalar_node
from pullback.transforms.identities import algebra, layout
from pullback.transforms.replacing import (
    EXACT,
    Applied,
    Report,
    made,
    remade,
    replaced_inputs,
    rewrite,
    with_inputs,
    with_replaced,
)

# Constants ------------------------------------------------------------------------------------------------------------


def settle(graph: Graph) -> Graph:
    """Make constants of what has a value already, and drop what only matters to derivatives.

    What a function closes over was computed before: its history is none of the program's business.
    """
    given = set(graph.inputs)
    settled: dict[Node, Node] = {}
    for node in graph.nodes:
        if node in given and node.value is None:
            settled[node] = node
        elif node.value is not None and not isinstance(node.value, tuple):
            settled[node] = node if node.primitive is CONSTANT else constant_node(node.value)
        elif node.primitive.name in ("identity", "stop_gradient"):
            settled[node] = settled[node.inputs[0]]
        else:
            inputs = tuple([settled[source] for source in node.inputs])
            settled[node] = with_inputs(node, inputs)
    without_value = [node for node in graph.inputs if node.value is None]
    return Graph.of([settled[node] for node in graph.outputs], without_value, graph.output_names)


_FOLD_LIMIT = 1 << 16
"""The largest constant, in elements, that is computed while compiling."""


def fold_constants(graph: Graph, report: Report | None = None) -> Graph:
    """Compute what depends on constants only, unless that is large."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        found = fold(node, inputs)
        if found is not None and report is not None and node.primitive.name not in _REPEATS:
            report(Applied("fold_constants", with_inputs(node, inputs), found, EXACT))
        return found

    def fold(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        for source in inputs:
            if source.primitive is not CONSTANT or isinstance(source.value, tuple):
                return None
        if not isinstance(node.aval, Aval) or node.aval.size > _FOLD_LIMIT:
            return None
        if any(source.aval.size > _FOLD_LIMIT and any(source.value.strides) for source in inputs):  # type: ignore[union-attr]
            return None
        if node.primitive.name == "broadcast_to":
            scalar = as_scalar(inputs[0])
            return None if scalar is None else scalar_node(scalar, node.aval.shape, node.aval.dtype)
        try:
            with np.errstate(all="ignore"):
                value = as_value(node.primitive.evaluate(*[one.value for one in inputs], **node.params))
        except (ValueError, TypeError, IndexError, ArithmeticError):
            return None  # it fails when it is run, as it does without being compiled
        return _constant(value)

    return rewrite(graph, rule, "fold_constants")


_REPEATS = frozenset({"broadcast_to", "reshape"})


def _constant(value: Any) -> Node:
    """A constant node, of a number all over if it is one."""
    return constant_node(value) if isinstance(value, tuple) else _number(value) or constant_node(value)


def _number(value: np.ndarray[Any, Any]) -> Node | None:
    """A constant node of an array that is one number all over; None if it is not."""
    if not 1 < value.size <= _FOLD_LIMIT or value.dtype.kind not in "iuf" or not any(value.strides):
        return None
    first, last = value[(0,) * value.ndim].tobytes(), value[(-1,) * value.ndim].tobytes()
    if first != last or value.tobytes() != first * value.size:
        return None
    return scalar_node(value[(0,) * value.ndim].item(), value.shape, value.dtype)


# The same thing twice -------------------------------------------------------------------------------------------------


def merge_common(graph: Graph) -> Graph:
    """Compute what is computed twice in the same way once (common sub-expressions).

    A constant array that is one number all over becomes that number.
    """
    if graph in _merged:
        return graph
    known: dict[Any, Node] = {}
    replaced: dict[Node, Node] = {}
    for node in graph.nodes:
        same = node
        if node.primitive is CONSTANT:
            constant = node if isinstance(node.value, tuple) else _number(node.value) or node
            key = _constant_key(constant)
            same = constant if key is None else known.setdefault(key, constant)
        elif node.inputs:
            inputs = replaced_inputs(node, replaced)
            key = (node.primitive, inputs, _params_key(node.params))
            found = known.get(key)
            if found is None:
                found = known[key] = with_inputs(node, inputs)
            same = found
        if same is not node:
            replaced[node] = same
    merged = with_replaced(graph, replaced)
    _merged.add(merged)
    return merged


_merged: WeakSet[Graph] = WeakSet()
"""Graphs in which nothing is computed twice, as far as is known."""


def merge_loops(graph: Graph) -> Graph:
    """Run a loop once that a backward pass runs again to save what it needs."""
    outputs = merge_extended(graph.outputs)
    return graph if tuple(outputs) == graph.outputs else Graph.of(outputs, graph.inputs, graph.output_names)


def merge_extended(outputs: Sequence[Node]) -> list[Node]:
    """Let a node whose body another one extends, on the same inputs, give way to that other one.

    A backward pass runs a loop with what it saves as further results, beside the loop that the forward pass ran.
    """
    order = ancestors(outputs)
    loops: dict[Any, Node] = {}
    extends: list[tuple[Any, Node]] = []
    for node in order:
        body = node.params.get("body")
        if body is not None:
            others = tuple((name, value) for name, value in node.params.items() if name != "body")
            loops[node.primitive.name, node.inputs, others, body] = node
            if getattr(body, "extends", None) is not None:
                extends.append(((node.primitive.name, node.inputs, others, body.extends), node))
    wider = {loops[key]: node for key, node in extends if key in loops}
    if not wider:
        return list(outputs)
    copies: dict[Node, Node] = {}
    for node in order:
        if node in copies:
            continue
        chain = [node]
        while chain[-1] in wider:
            chain.append(wider[chain[-1]])
        kept = chain[-1]
        inputs = tuple([copies[source] for source in node.inputs])
        copy = node
        if kept is not node or inputs != node.inputs:
            copy = Node(
                kept.primitive, inputs, kept.params, None, True, node._origin, kept.aval, node.name, weak=node.weak
            )
            copy.scope = node.scope
        copies.update(dict.fromkeys(chain, copy))
    return [copies[node] for node in outputs]


def _constant_key(node: Node) -> Any:
    value = node.value
    if isinstance(value, tuple):
        return None
    if as_scalar(node) is not None:
        return (value.shape, value.dtype.str, value[(0,) * value.ndim].tobytes())
    return (value.shape, value.dtype.str, value.tobytes()) if value.size <= 256 else None


def _params_key(params: Any) -> Any:
    if not params:
        return None
    try:
        key = tuple([(name, type(value), value) for name, value in params.items()])
        hash(key)
    except TypeError:
        return id(params)
    return key


# All of them ----------------------------------------------------------------------------------------------------------


def optimize(graph: Graph) -> Graph:
    """Run every pass, until nothing more is found (at most a few times)."""
    graph = merge_loops(settle(graph))
    for _ in range(4):
        before = len(graph.nodes)
        for one in (layout.apply, algebra.apply, fold_constants, merge_common):
            graph = one(graph)
        if len(graph.nodes) == before:
            break
    return graph


__all__ = [
    "fold_constants",
    "made",
    "merge_common",
    "merge_extended",
    "merge_loops",
    "optimize",
    "remade",
    "replaced_inputs",
    "rewrite",
    "settle",
    "with_inputs",
    "with_replaced",
]
