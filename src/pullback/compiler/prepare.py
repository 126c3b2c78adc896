"""A graph made ready to be planned: with copies where memory has to be laid out anew, and for parts of what is joined.

What joins arrays is no step of a program. Its operands are copies that lie in its memory, and a copy is done by the
kernel that computes what is copied: each part is written to its place where it is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pullback.compiler.contractions import is_product, prepared
from pullback.compiler.convolution import is_convolution
from pullback.compiler.fuse import SCATTERS, UPDATES, Prepared, copied, is_fusible, is_gather, is_join, is_nest
from pullback.compiler.views import is_move, places_below
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.core.terminals import scalar_node
from pullback.ops.indexing import adjacent
from pullback.transforms.passes import made, remade, rewrite, with_inputs


def prepare(graph: Graph) -> Prepared:
    """Put copies where memory has to be laid out anew, and for the parts of what is joined."""
    replaced: dict[Node, Node] = {}
    forced: set[Node] = set()
    products: set[Node] = set()
    parts: dict[Node, Node] = {}
    uses = _uses(graph)
    for node in graph.nodes:
        inputs = tuple([replaced[source] for source in node.inputs])
        new = with_inputs(node, inputs)
        if is_product(new) or is_convolution(new):
            new = prepared(new) if is_product(new) else new
            products.add(new)
        elif is_gather(new):
            new = _spread(new, 1)
        elif is_join(new) or (is_nest(new) and new.primitive.name in SCATTERS):
            new = _joined(new, [uses[source] == 1 for source in node.inputs], parts)
        elif node.primitive.name == "reshape" and is_fusible(node):
            new = _laid_out(new, forced)
        replaced[node] = new
    outputs: list[Node] = []
    for node in graph.outputs:
        new = replaced[node]
        if new in outputs or is_move(new) or not new.inputs:
            new = copied(new)
        outputs.append(new)
    return Prepared(Graph.of(outputs, graph.inputs, graph.output_names), products, forced, parts)


def _laid_out(node: Node, forced: set[Node]) -> Node:
    """A reshape whose input lies row by row, if it does more than add and drop axes of length 1."""
    x = node.inputs[0]
    if places_below(node, [None] * len(node.array_aval.shape)) is not None:
        return node
    below = x
    while is_move(below):
        if below.primitive.name != "reshape":
            x = copied(x)
            forced.add(x)
            return remade(node, (x,))
        below = below.inputs[0]
    forced.add(below)
    return node


def _uses(graph: Graph) -> dict[Node, int]:
    uses: dict[Node, int] = {}
    for node in graph.nodes:
        for source in node.inputs:
            uses[source] = uses.get(source, 0) + 1
    for node in graph.outputs:
        uses[node] = uses.get(node, 0) + 1
    return uses


def _joined(node: Node, only_use: Sequence[bool], parts: dict[Node, Node]) -> Node:
    """The join of copies of its operands. An operand that is a join itself, and has no other use, needs no copy."""
    name = node.primitive.name
    copies = [
        one if is_join(one) and only_use[i] and not (name in UPDATES and i) else copied(_without_units(one))
        for i, one in enumerate(node.inputs[:1] if name in SCATTERS else node.inputs)
    ]
    join = remade(node, (*copies, *node.inputs[len(copies) :]))
    if name in SCATTERS:
        join = _spread(join, 2)
    for one, index in zip(copies, _indices(node), strict=True):
        place = made("slice", (join,), {"index": index})
        shape = one.array_aval.shape
        parts[one] = place if place.array_aval.shape == shape else made("reshape", (place,), {"shape": shape})
    return join


def _without_units(x: Node) -> Node:
    """The operand without axes of length 1, as numbers are computed."""
    shape = tuple(n for n in x.array_aval.shape if n != 1)
    if x.primitive.name == "reshape" and x.inputs[0].array_aval.shape == shape:
        return x.inputs[0]
    return x if x.array_aval.shape == shape else made("reshape", (x,), {"shape": shape})


def _indices(node: Node) -> Iterator[tuple[Any, ...]]:
    """Where the parts lie in a join, each as ``slice`` would read it."""
    if node.primitive.name in UPDATES:
        yield ()
        if node.primitive.name == "slice_update":
            yield node.params["index"]
        return
    axis, start = node.params["axis"], 0
    for part in node.inputs:
        stop = start + part.array_aval.shape[axis]
        yield (*[(0, n, 1) for n in node.array_aval.shape[:axis]], (start, stop, 1))
        start = stop


def _spread(node: Node, first_index: int) -> Node:
    """What reads or writes at indices, with an index for each element that is read or written."""
    indices = node.inputs[first_index:]
    axes = node.params["axes"]
    shape = node.inputs[1].array_aval.shape if first_index > 1 else node.array_aval.shape
    count = indices[0].array_aval.ndim
    first = axes[0] if adjacent(axes) else 0
    places = (*range(first), *range(first + count, len(shape)))
    spread = []
    for index in indices:
        lengths = index.array_aval.shape
        among = (*[1] * first, *lengths, *[1] * (len(shape) - first - count))
        if among != lengths:
            index = made("reshape", (index,), {"shape": among})
        spread.append(index if among == shape else made("broadcast_to", (index,), {"shape": shape}))
    operands = (*node.inputs[:first_index], *spread)
    params = {"axes": axes, "places": places}
    return Node(node.primitive, operands, params, None, True, node._origin, node.aval, node.name)


# What else puts parts together ----------------------------------------------------------------------------------------


def as_joins(graph: Graph) -> Graph:
    """Say with ``concatenate`` and ``slice_update`` what else puts parts together; leave out those without elements."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        return _AS_JOIN[node.primitive.name](node, inputs)

    return rewrite(graph, rule, "as_joins", _AS_JOIN)


def _concatenate(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    parts = [one for one in inputs if one.array_aval.size]
    if len(parts) == 1:
        return parts[0]
    return made("concatenate", parts, node.params) if parts and len(parts) < len(inputs) else None


def _stack(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    axis, shape = node.params["axis"], inputs[0].array_aval.shape
    shape = (*shape[:axis], 1, *shape[axis:])
    parts = [made("reshape", (one,), {"shape": shape}) for one in inputs]
    return parts[0] if len(parts) == 1 else made("concatenate", parts, {"axis": axis})


def _pad(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    (x,) = inputs
    zeros = scalar_node(0, node.array_aval.shape, node.array_aval.dtype)
    if not x.array_aval.size:
        return zeros
    pairs = zip(x.array_aval.shape, node.params["widths"], strict=True)
    return made("slice_update", (zeros, x), {"index": tuple((before, before + n, 1) for n, (before, _) in pairs)})


def _slice_update(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    x, v = inputs
    if not v.array_aval.size:
        return x
    is_whole = all(one == (0, n, 1) for one, n in zip(node.params["index"], x.array_aval.shape, strict=False))
    return v if is_whole else None


_AS_JOIN = {"concatenate": _concatenate, "stack": _stack, "pad": _pad, "slice_update": _slice_update}
