"""Passes: each takes a graph and returns one that computes the same, in a form that costs less.

Every rule here is exact: the values are the same bit for bit, NaN, infinities and the sign of zero included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.aval import Aval
from pullback.core.graph import Graph, ancestors, as_scalar
from pullback.core.node import NO_PARAMS, Node, as_value
from pullback.core.operations import named_primitive
from pullback.core.origin import Derived
from pullback.core.terminals import CONSTANT, constant_node, scalar_node

Rule = Callable[[Node, tuple[Node, ...]], Node | None]
"""``rule(node, inputs)`` with the inputs already rewritten: what takes the node's place, or None to keep it."""


def rewrite(graph: Graph, rule: Rule, name: str) -> Graph:
    """Return the graph with ``rule`` applied to each node, left to right; what nothing uses any more is gone.

    Args:
        graph: what is rewritten.
        rule: called once for each node that has inputs.
        name: of the pass, for the origin of the nodes that it makes.
    """
    replaced: dict[Node, Node] = {}
    for node in graph.nodes:
        if not node.inputs:
            replaced[node] = node
            continue
        inputs = tuple([replaced[source] for source in node.inputs])
        found = rule(node, inputs)
        if found is None:
            found = node if inputs == node.inputs else remade(node, inputs)
        elif found.inputs and found._origin is None:  # it is new
            found._origin = Derived(name, node.origin)
            found.scope = node.scope
            found.name = found.name or node.name
        replaced[node] = found
    outputs = [replaced[node] for node in graph.outputs]
    return Graph.of(outputs, graph.inputs, graph.output_names)


def remade(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same use of the same primitive, of other inputs."""
    copy = Node(node.primitive, inputs, node.params, None, True, node._origin, node.aval, node.name)
    copy.scope = node.scope
    return copy


def made(name: str, inputs: Sequence[Node], params: Any = NO_PARAMS) -> Node:
    """A new use of the primitive called ``name``, without a value."""
    primitive = named_primitive(name)
    aval = primitive.infer_aval([node.aval for node in inputs], params)
    return Node(primitive, tuple(inputs), params, None, True, None, aval)


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
            settled[node] = node if inputs == node.inputs else remade(node, inputs)
    without_value = [node for node in graph.inputs if node.value is None]
    return Graph.of([settled[node] for node in graph.outputs], without_value, graph.output_names)


_FOLD_LIMIT = 1 << 16
"""The largest constant, in elements, that is computed while compiling."""


def fold_constants(graph: Graph) -> Graph:
    """Compute what depends on constants only, unless that is large."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if not isinstance(node.aval, Aval) or node.aval.size > _FOLD_LIMIT:
            return None
        if not all(source.primitive is CONSTANT and not isinstance(source.value, tuple) for source in inputs):
            return None
        if any(source.aval.size > _FOLD_LIMIT and any(source.value.strides) for source in inputs):  # type: ignore[union-attr]
            return None
        if node.primitive.name == "broadcast_to":
            scalar = as_scalar(inputs[0])
            return None if scalar is None else scalar_node(scalar, node.aval.shape, node.aval.dtype)
        try:
            with np.errstate(all="ignore"):
                return constant_node(as_value(node.primitive.evaluate(*[one.value for one in inputs], **node.params)))
        except (ValueError, TypeError, IndexError, ArithmeticError):
            return None  # it fails when it is run, as it does without being compiled

    return rewrite(graph, rule, "fold_constants")


# The same thing twice -------------------------------------------------------------------------------------------------


def merge_common(graph: Graph) -> Graph:
    """Compute what is computed twice in the same way once (common sub-expressions)."""
    known: dict[Any, Node] = {}
    replaced: dict[Node, Node] = {}
    for node in graph.nodes:
        if node.primitive is CONSTANT:
            key = _constant_key(node)
            replaced[node] = node if key is None else known.setdefault(key, node)
        elif not node.inputs:
            replaced[node] = node
        else:
            inputs = tuple([replaced[source] for source in node.inputs])
            key = (node.primitive.name, *[id(one) for one in inputs], _params_key(node.params))
            found = known.get(key)
            if found is None:
                found = known[key] = node if inputs == node.inputs else remade(node, inputs)
            replaced[node] = found
    return Graph.of([replaced[node] for node in graph.outputs], graph.inputs, graph.output_names)


def merge_loops(graph: Graph) -> Graph:
    """Run a loop once that a backward pass runs again to save what it needs."""
    return Graph.of(merge_extended(graph.outputs), graph.inputs, graph.output_names)


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
        return (value.shape, value.dtype.str, np.asarray(value).flat[0].tobytes())
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


# Algebra --------------------------------------------------------------------------------------------------------------


def simplify_exactly(graph: Graph) -> Graph:
    """Drop operations that change nothing: products with 1, differences from 0, conversions to the same dtype."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        simplify = _ALGEBRA.get(node.primitive.name)
        return None if simplify is None else simplify(node, inputs)

    return rewrite(graph, rule, "simplify_exactly")


def _multiply(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    for one, other in (inputs, inputs[::-1]):
        scalar = as_scalar(one)
        if scalar is None or node.array_aval.dtype.kind == "b":
            continue
        if scalar == 1:
            return other
        if scalar == -1 and node.array_aval.dtype.kind in "if":
            return made("negative", (other,))
    return None


def _divide(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    divisor = as_scalar(inputs[1])
    if divisor == 1:
        return inputs[0]
    if isinstance(divisor, float) and math.isfinite(divisor) and abs(math.frexp(divisor)[0]) == 0.5:
        info = np.finfo(node.array_aval.dtype)
        if info.tiny <= abs(1 / divisor) <= info.max:  # a power of two: its reciprocal is exact
            reciprocal = scalar_node(1 / divisor, node.array_aval.shape, node.array_aval.dtype)
            return made("multiply", (inputs[0], reciprocal))
    return None


def _add(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    for one, other in (inputs, inputs[::-1]):
        scalar = as_scalar(one)
        # x + 0 makes 0 of -0; integers have no -0.
        if scalar == 0 and (node.array_aval.dtype.kind in "iu" or math.copysign(1, _real(scalar)) < 0):
            if node.array_aval.dtype.kind == "c":
                continue
            return other
        if other.primitive.name == "negative" and node.array_aval.dtype.kind in "if":
            return made("subtract", (one, other.inputs[0]))
    return None


def _subtract(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    scalar = as_scalar(inputs[1])
    if scalar == 0 and node.array_aval.dtype.kind in "iuf" and math.copysign(1, _real(scalar)) > 0:
        return inputs[0]
    if inputs[1].primitive.name == "negative" and node.array_aval.dtype.kind in "if":
        return made("add", (inputs[0], inputs[1].inputs[0]))
    return None


def _real(scalar: Any) -> float:
    return float(scalar.real)


def _power(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    exponent = as_scalar(inputs[1])
    if node.array_aval.dtype.kind != "f":
        return None
    if exponent == 1:
        return inputs[0]
    if exponent == 2:
        return made("square", (inputs[0],))
    return None


def _negative(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    return inputs[0].inputs[0] if inputs[0].primitive.name == "negative" else None


def _astype(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    return inputs[0] if inputs[0].aval == node.aval else None


def _select(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    condition, x, y = inputs
    if x is y:
        return x
    scalar = as_scalar(condition)
    return None if scalar is None else x if scalar else y


def _strong_product(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    # A factor that is one finite number gives zero for zero by itself; a cotangent that is no zero needs no care.
    ct, partial = as_scalar(inputs[0]), as_scalar(inputs[1])
    finite = partial is not None and np.isfinite(partial)
    if finite or (ct is not None and ct != 0):
        product = made("multiply", inputs)
        return _multiply(product, inputs) or product
    return None


_ALGEBRA = {
    "multiply": _multiply,
    "divide": _divide,
    "add": _add,
    "subtract": _subtract,
    "power": _power,
    "negative": _negative,
    "positive": lambda node, inputs: inputs[0] if inputs[0].aval == node.aval else None,
    "astype": _astype,
    "select": _select,
    "strong_product": _strong_product,
}


# Layout ---------------------------------------------------------------------------------------------------------------


def clean_layout(graph: Graph) -> Graph:
    """Join chains of reshapes, of permutations and of broadcasts into one of each, and drop those that do nothing."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        clean = _LAYOUT.get(node.primitive.name)
        return None if clean is None else clean(node, inputs[0])

    return rewrite(graph, rule, "clean_layout")


def _reshape(node: Node, x: Node) -> Node | None:
    if x.aval == node.aval:
        return x
    if x.primitive.name == "reshape":
        source = x.inputs[0]
        return source if source.aval == node.aval else made("reshape", (source,), node.params)
    scalar = as_scalar(x)
    return None if scalar is None else scalar_node(scalar, node.array_aval.shape, node.array_aval.dtype)


def _permute(node: Node, x: Node) -> Node | None:
    axes: tuple[int, ...] = node.params["axes"]
    if axes == tuple(range(len(axes))):
        return x
    if x.primitive.name == "permute":
        joined = tuple(x.params["axes"][axis] for axis in axes)
        return _permute_of(x.inputs[0], joined)
    lengths = x.array_aval.shape
    long = [axis for axis in axes if lengths[axis] != 1]
    if long == sorted(long):  # only axes of length 1 move: nothing moves in memory
        return made("reshape", (x,), {"shape": node.array_aval.shape})
    return None


def _permute_of(x: Node, axes: tuple[int, ...]) -> Node:
    return x if axes == tuple(range(len(axes))) else made("permute", (x,), {"axes": axes})


def _broadcast_to(node: Node, x: Node) -> Node | None:
    if x.aval == node.aval:
        return x
    if x.primitive.name == "broadcast_to":
        return made("broadcast_to", (x.inputs[0],), node.params)
    return None


def _reduce(node: Node, x: Node) -> Node | None:
    same = isinstance(node.aval, Aval) and node.aval == x.aval and not node.params["axes"]
    return x if same else None


_LAYOUT = {
    "reshape": _reshape,
    "permute": _permute,
    "broadcast_to": _broadcast_to,
    "sum": _reduce,
    "max": _reduce,
    "min": _reduce,
    "prod": _reduce,
    "mean": _reduce,
}


def optimize(graph: Graph) -> Graph:
    """Run every pass, until nothing more is found (at most a few times)."""
    graph = merge_loops(settle(graph))
    for _ in range(4):
        before = len(graph.nodes)
        for one in (clean_layout, simplify_exactly, fold_constants, merge_common):
            graph = one(graph)
        if len(graph.nodes) == before:
            break
    return graph


__all__ = [
    "clean_layout",
    "fold_constants",
    "merge_common",
    "merge_extended",
    "merge_loops",
    "optimize",
    "rewrite",
    "settle",
    "simplify_exactly",
]
