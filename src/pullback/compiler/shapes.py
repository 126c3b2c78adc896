"""Passes that give nodes the shapes in which they fuse best. The values stay the same, those of sums to rounding."""

from __future__ import annotations

from dataclasses import replace

from pullback.compiler.fuse import REDUCTIONS, is_cheap, is_fusible, is_reduction, is_window
from pullback.compiler.views import is_move
from pullback.core.aval import Aval
from pullback.core.graph import Graph, ancestors, as_scalar
from pullback.core.node import Node
from pullback.core.terminals import scalar_node
from pullback.transforms.passes import made, rewrite

_LARGE = 1024
"""Elements from which on a reduction over several axes is done row by row."""


def _is_elementwise(node: Node) -> bool:
    """Whether a kernel computes each element of the node from those at its place."""
    return is_fusible(node) and not is_move(node) and not is_reduction(node)


def pad_before_windows(graph: Graph) -> Graph:
    """Let windows move over padded arrays: then they say only where elements are."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if is_move(node):
            return None
        geometry = node.params["geometry"]
        rank = len(geometry.padding)
        none = ((0, 0),) * rank
        widths = (*((0, 0),) * (inputs[0].array_aval.ndim - rank), *geometry.padding)
        padded = made("pad", inputs, {"widths": widths})
        return made("windows", (padded,), {**node.params, "geometry": replace(geometry, padding=none)})

    return rewrite(graph, rule, "pad_before_windows", {"windows"})


def reduce_by_rows(graph: Graph) -> Graph:
    """Reduce rows first and then what is left: rows fuse with what else is done to them, and run in parallel."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if not is_reduction(node):
            return None
        axes, shape = node.params["axes"], inputs[0].array_aval.shape
        long = [axis for axis in axes if shape[axis] > 1]
        if len(long) < 2 or long[-1] != max(axis for axis, n in enumerate(shape) if n > 1):
            return None
        if inputs[0].array_aval.size < _LARGE or is_window(node):
            return None
        first = long[-1]
        while first - 1 in axes:
            first -= 1
        rest = tuple(axis for axis in axes if axis < first)
        if not any(shape[axis] > 1 for axis in rest):
            return None
        rows = made(node.primitive.name, inputs, {"axes": tuple(axis for axis in axes if axis >= first)})
        return made(node.primitive.name, (rows,), {"axes": rest})

    return rewrite(graph, rule, "reduce_by_rows", REDUCTIONS)


def compute_by_windows(graph: Graph) -> Graph:
    """Compute what follows windows in the shape in which they lie side by side, not in that of the images.

    What comes back through the largest of each window, say, then fuses with what comes back through a rectifier before.
    """

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        finer = next((one.inputs[0] for one in inputs if _is_of_windows(one)), None)
        if finer is None or not _is_elementwise(node):
            return None
        shape = finer.array_aval.shape
        result = made(node.primitive.name, [_reshaped(one, shape) for one in inputs], node.params)
        return made("reshape", (result,), {"shape": node.array_aval.shape})

    return rewrite(graph, rule, "compute_by_windows")


def _is_of_windows(node: Node) -> bool:
    """Whether images are looked at here that have been computed by windows: from what is the same for each of them."""
    if node.primitive.name != "reshape":
        return False
    below = node.inputs[0]
    if below.array_aval.ndim <= node.array_aval.ndim or is_move(below) or not below.inputs or not is_fusible(below):
        return False
    return any(one.primitive.name == "broadcast_to" and as_scalar(one.inputs[0]) is None for one in below.inputs)


def _reshaped(node: Node, shape: tuple[int, ...]) -> Node:
    """The node in another shape, and cheap nodes that it is computed from."""
    chain = ancestors([node], stop=lambda one: not is_cheap(one))
    found: dict[Node, Node] = {}
    for one in chain:
        if is_cheap(one):
            found[one] = made(one.primitive.name, [found[source] for source in one.inputs], one.params)
        elif one.primitive.name == "reshape" and one.inputs[0].array_aval.shape == shape:
            found[one] = one.inputs[0]
        else:
            scalar = as_scalar(one)
            found[one] = (
                made("reshape", (one,), {"shape": shape})
                if scalar is None
                else scalar_node(scalar, shape, one.array_aval.dtype)
            )
    return found[node]


def drop_unit_axes(graph: Graph) -> Graph:
    """Compute on shapes without axes of length 1: what is done to ``x.mean(1, keepdims=True)`` then fits its rows."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if not isinstance(node.aval, Aval) or 1 not in node.aval.shape or not _is_elementwise(node):
            return None
        shape = node.aval.shape
        bare = tuple(n for n in shape if n != 1)
        squeezed = tuple(made("reshape", (one,), {"shape": bare}) for one in inputs)
        return made("reshape", (made(node.primitive.name, squeezed, node.params),), {"shape": shape})

    return rewrite(graph, rule, "drop_unit_axes")


def compute_before_broadcast(graph: Graph) -> Graph:
    """Compute once what is the same along an axis, and broadcast the result: one reciprocal for a row, not for each."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        sources = [one.inputs[0] for one in inputs if one.primitive.name == "broadcast_to"]
        if not sources or any(one.array_aval.shape != sources[0].array_aval.shape for one in sources):
            return None
        if not _is_elementwise(node):
            return None
        shape = sources[0].array_aval.shape
        small = []
        for one in inputs:
            scalar = as_scalar(one)
            if one.primitive.name == "broadcast_to":
                small.append(one.inputs[0])
            elif scalar is not None:
                small.append(scalar_node(scalar, shape, one.array_aval.dtype))
            else:
                return None
        result = made(node.primitive.name, small, node.params)
        return made("broadcast_to", (result,), {"shape": node.array_aval.shape})

    return rewrite(graph, rule, "compute_before_broadcast")
