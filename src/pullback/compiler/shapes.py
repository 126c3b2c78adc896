"""Passes that give nodes the shapes in which they fuse best. The values stay the same, those of sums to rounding."""

from __future__ import annotations

from pullback.compiler.fuse import REDUCTIONS, is_fusible, is_move, is_reduction
from pullback.core.graph import Graph, as_scalar
from pullback.core.node import Node
from pullback.core.terminals import scalar_node
from pullback.transforms.passes import made, rewrite

_LARGE = 1024
"""Elements from which on a reduction over several axes is done row by row."""


def reduce_by_rows(graph: Graph) -> Graph:
    """Reduce rows first and then what is left: rows fuse with what else is done to them, and run in parallel."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if node.primitive.name not in REDUCTIONS or not is_reduction(node):
            return None
        axes, shape = node.params["axes"], inputs[0].array_aval.shape
        long = [axis for axis in axes if shape[axis] > 1]
        if len(long) < 2 or long[-1] != max(axis for axis, n in enumerate(shape) if n > 1):
            return None
        if inputs[0].array_aval.size < _LARGE:
            return None
        rows = made(node.primitive.name, inputs, {"axes": (long[-1],)})
        rest = tuple(axis - (axis > long[-1]) for axis in axes if axis != long[-1])
        return made(node.primitive.name, (rows,), {"axes": rest})

    return rewrite(graph, rule, "reduce_by_rows")


def drop_unit_axes(graph: Graph) -> Graph:
    """Compute on shapes without axes of length 1: what is done to ``x.mean(1, keepdims=True)`` then fits its rows."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if not is_fusible(node) or is_move(node) or is_reduction(node):
            return None
        shape = node.array_aval.shape
        if 1 not in shape:
            return None
        bare = tuple(n for n in shape if n != 1)
        squeezed = tuple(made("reshape", (one,), {"shape": bare}) for one in inputs)
        return made("reshape", (made(node.primitive.name, squeezed, node.params),), {"shape": shape})

    return rewrite(graph, rule, "drop_unit_axes")


def compute_before_broadcast(graph: Graph) -> Graph:
    """Compute once what is the same along an axis, and broadcast the result: one reciprocal for a row, not for each."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if not is_fusible(node) or is_move(node) or is_reduction(node):
            return None
        sources = [one.inputs[0] for one in inputs if one.primitive.name == "broadcast_to"]
        if not sources or any(one.array_aval.shape != sources[0].array_aval.shape for one in sources):
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
