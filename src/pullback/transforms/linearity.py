"""What linear operations allow: numbers are taken out of sums and products, scattered zeros are not multiplied."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pullback.core.graph import Graph, as_scalar
from pullback.core.node import Node
from pullback.core.terminals import CONSTANT, constant_node, scalar_node
from pullback.transforms.passes import made, rewrite


def move_scalars_out(graph: Graph) -> Graph:
    """Multiply the result by a number in place of the operand, where the result is not larger; ``sum(2*x) = 2*sum(x)``.

    And multiply only what was scattered: ``scatter(v) * s`` is ``scatter(v * s[i])``.
    """
    uses: dict[Node, int] = {}
    for node in graph.nodes:
        for source in node.inputs:
            uses[source] = uses.get(source, 0) + 1
    single = {node for node, count in uses.items() if count == 1} - set(graph.outputs)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        simplify = _RULES.get(node.primitive.name)
        kept = tuple(old in single for old in node.inputs)
        return None if simplify is None else simplify(node, inputs, kept)

    return rewrite(graph, rule, "linearity")


def _scaled(node: Node) -> tuple[float, Node] | None:
    """A node as a number times another node, if it is one."""
    if node.primitive.name == "negative":
        return -1.0, node.inputs[0]
    if node.primitive.name == "multiply":
        for one, other in (node.inputs, node.inputs[::-1]):
            number = as_scalar(one)
            if isinstance(number, float) and other.primitive is not CONSTANT:
                return number, other
    return None


def _times(number: float, node: Node) -> Node:
    if number == -1:
        return made("negative", (node,))
    aval = node.array_aval
    return made("multiply", (scalar_node(number, aval.shape, aval.dtype), node))


def _linear(node: Node, inputs: tuple[Node, ...], single: tuple[bool, ...]) -> Node | None:
    """A linear operation on a multiple of something."""
    if node.array_aval.dtype.kind != "f":
        return None
    for position, source in enumerate(inputs):
        found = _scaled(source)
        size = source.array_aval.size
        if found is None or node.array_aval.size > size or not (single[position] or node.array_aval.size < size):
            continue
        number, inner = found
        others = (*inputs[:position], inner, *inputs[position + 1 :])
        return _times(number, made(node.primitive.name, others, node.params))
    return None


def _moved(node: Node, inputs: tuple[Node, ...], single: tuple[bool, ...]) -> Node | None:
    """A movement of a multiple: the number goes to where it may meet others."""
    found = _scaled(inputs[0])
    if found is None or node.array_aval.dtype.kind != "f":
        return None
    return _times(found[0], made(node.primitive.name, (found[1], *inputs[1:]), node.params))


def _plus(node: Node, inputs: tuple[Node, ...], single: tuple[bool, ...]) -> Node | None:
    """Adding an array of negative constants is subtracting one of positive ones."""
    for one, other in (inputs, inputs[::-1]):
        value = other.value
        if other.primitive is CONSTANT and as_scalar(other) is None and value.dtype.kind == "f" and (value <= 0).all():
            return made("subtract", (one, constant_node(0 - value)))
    return None


def _sum(node: Node, inputs: tuple[Node, ...], single: tuple[bool, ...]) -> Node | None:
    """Sums of multiples, and of what was scattered into zeros."""
    (source,) = inputs
    if _is_placed(source):
        axes = node.params["axes"]
        values = source.inputs[1]
        if len(axes) == source.array_aval.ndim and source.array_aval.dtype == node.array_aval.dtype:
            return made("sum", (values,), {"axes": tuple(range(values.array_aval.ndim))})
        if source.primitive.name == "scatter_add" and _sums_rows(source, axes):
            return values
    return _linear(node, inputs, single)


def _sums_rows(scattered: Node, axes: tuple[int, ...]) -> bool:
    """Whether one value was scattered into each row along ``axes``: its sum is that value."""
    places = scattered.params["axes"]
    indices = scattered.inputs[2:]
    if len(axes) != 1 or places != tuple(range(scattered.array_aval.ndim)) or axes[0] != len(places) - 1:
        return False
    shape = scattered.array_aval.shape[:-1]
    if indices[0].array_aval.shape not in (shape, (*shape, 1)):
        return False
    for axis, index in enumerate(indices[:-1]):
        expected = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(index.array_aval.ndim)])
        if index.value is None or not np.array_equal(index.value, np.broadcast_to(expected, index.array_aval.shape)):
            return False
    return indices[0].array_aval.shape == shape


_PICKS = {"scatter_add": "gather", "slice_update": "slice"}
"""What puts values among others, and what picks from the same places."""


def _is_placed(node: Node) -> bool:
    """Whether a node puts values among zeros."""
    return node.primitive.name in _PICKS and as_scalar(node.inputs[0]) == 0


def _product(node: Node, inputs: tuple[Node, ...], single: tuple[bool, ...]) -> Node | None:
    """Products with what was put among zeros."""
    for position, (one, other) in enumerate((inputs, inputs[::-1])):
        if not _is_placed(one) or not single[position]:
            continue
        if node.primitive.name == "strong_product" and position == 1:
            continue  # zeros of the partial are no zeros of the cotangent
        zeros, values, *indices = one.inputs
        picked = made(_PICKS[one.primitive.name], (other, *indices), one.params)
        return made(one.primitive.name, (zeros, made(node.primitive.name, (values, picked)), *indices), one.params)
    return None


_RULES: dict[str, Callable[[Node, tuple[Node, ...], tuple[bool, ...]], Node | None]] = {
    "sum": _sum,
    "mean": _linear,
    "matmul": _linear,
    "einsum": _linear,
    "broadcast_to": _moved,
    "reshape": _moved,
    "permute": _moved,
    "add": _plus,
    "multiply": _product,
    "strong_product": _product,
}
