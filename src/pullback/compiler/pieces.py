"""A pass: sums of parts that stand in zeros, each elsewhere, become the parts one after the other.

That is what a backward pass gives for an array that was taken apart: queries, keys and values of attention, the gates
of a recurrent cell. The values stay the same, but for the sign of zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from pullback.core.graph import Graph, as_scalar
from pullback.core.node import Node
from pullback.core.terminals import scalar_node
from pullback.transforms.passes import made, rewrite


class _Piece(NamedTuple):
    """A term that is zeros but for one part: from where to where along the one axis on which that is not whole."""

    term: Node
    axis: int
    start: int
    stop: int


def join_pieces(graph: Graph) -> Graph:
    """Put parts side by side that are added up as arrays of zeros with one part each."""
    uses: dict[Node, int] = dict.fromkeys(graph.outputs, 2)
    for node in graph.nodes:
        for source in node.inputs:
            uses[source] = uses.get(source, 0) + 1
    inner = {
        source
        for node in graph.nodes
        if node.primitive.name == "add"
        for source in node.inputs
        if source.primitive.name == "add" and uses[source] == 1
    }
    sums: dict[Node, list[Node]] = {}  # what is added up in a sum that only a further sum reads

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        terms = [term for source, one in zip(node.inputs, inputs, strict=True) for term in sums.get(source, [one])]
        if node in inner:
            sums[node] = terms
            return None
        return _joined(terms)

    return rewrite(graph, rule, "join_pieces", {"add"})


def _joined(terms: list[Node]) -> Node | None:
    """The sum of the terms, those that are pieces of one array put side by side; None where no two are."""
    rest: list[Node] = []
    axes: dict[int, list[_Piece]] = {}
    for term in terms:
        piece = _as_piece(term)
        if piece is None:
            rest.append(term)
        else:
            axes.setdefault(piece.axis, []).append(piece)
    joined: list[Node] = []
    for pieces in axes.values():
        pieces.sort(key=lambda one: one.start)
        if len(pieces) > 1 and all(one.stop <= following.start for one, following in pairwise(pieces)):
            joined.append(made("concatenate", tuple(_with_zeros_between(pieces)), {"axis": pieces[0].axis}))
        else:
            rest += [one.term for one in pieces]
    if not joined:
        return None
    total, *others = joined + rest
    for term in others:
        total = made("add", (total, term))
    return total


def _as_piece(term: Node) -> _Piece | None:
    if term.primitive.name != "slice_update" or as_scalar(term.inputs[0]) != 0:
        return None
    found = None
    for axis, (one, length) in enumerate(zip(term.params["index"], term.array_aval.shape, strict=False)):
        if one == (0, length, 1):
            continue
        start, stop, step = (one, one + 1, 1) if isinstance(one, int) else one
        if found is not None or step != 1 or stop <= start:
            return None
        found = _Piece(term, axis, start, stop)
    return found


def _with_zeros_between(pieces: list[_Piece]) -> Iterator[Node]:
    axis, aval = pieces[0].axis, pieces[0].term.array_aval

    def shape(length: int) -> tuple[int, ...]:
        return (*aval.shape[:axis], length, *aval.shape[axis + 1 :])

    end = 0
    for term, _, start, stop in pieces:
        if start > end:
            yield scalar_node(0, shape(start - end), aval.dtype)
        part = term.inputs[1]
        lengths = shape(stop - start)
        yield part if part.array_aval.shape == lengths else made("reshape", (part,), {"shape": lengths})
        end = stop
    if end < aval.shape[axis]:
        yield scalar_node(0, shape(aval.shape[axis] - end), aval.dtype)
