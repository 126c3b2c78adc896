"""Graphs as one would write them by hand: stable forms, collected algebra, nothing twice. What ``simplify`` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.graph import Graph, ancestors, as_scalar
from pullback.core.node import Node
from pullback.core.origin import Derived
from pullback.core.state import record
from pullback.core.terminals import CONSTANT, input_node
from pullback.transforms.identities import algebra, layout
from pullback.transforms.linearity import linearity
from pullback.transforms.passes import fold_constants, merge_common
from pullback.transforms.polynomials import EXPENSIVE, Reading, Writing, candidates, common_size, is_algebra, least_cost
from pullback.transforms.replacing import (
    Applied,
    remade,
    replaced_inputs,
    rewrite,
    with_inputs,
    with_replaced,
)
from pullback.transforms.stabilize import Found, find

_CONE = 200
"""How many operations a formula may have to be simplified as one."""

_CANCELLED = "rounding, and finite where what cancels was infinite"


def graph_simplify(graph: Graph, log: bool = False) -> Graph:
    """Apply every rewrite until none applies any more: ``Graph.simplify``."""
    applied: list[Applied] = []
    simplified = simplify(Graph.of(graph.outputs, graph.inputs, graph.output_names), applied)
    simplified.rewrites = tuple(applied)
    if log:
        print("\n".join(map(str, applied)) if applied else "nothing to simplify")
    return simplified


def simplify(graph: Graph, applied: list[Applied]) -> Graph:
    """Return the simplified graph, and add what was done to ``applied``."""
    for _ in range(8):
        before = graph
        graph = _drop_identities(graph)
        for one in (layout.apply, algebra.apply, fold_constants):
            graph = one(graph, applied.append)
        graph = linearity.apply(merge_common(graph), applied.append)
        # Algebra first: 1 - sigmoid(z) may cancel as long as it is one.
        graph = merge_common(collect_terms(merge_common(graph), applied))
        graph = merge_common(stabilize(graph, applied))
        if graph.nodes == before.nodes:
            break
    return graph


def condense(graph: Graph) -> Graph:
    """The graph as it is compiled: in stable forms, with terms collected."""
    stable: set[Node] = set()
    return _settled(collect_terms(_settled(graph, stable), drops_zeros=False), stable)


def _settled(graph: Graph, stable: set[Node]) -> Graph:
    """The graph after as many rounds of stabilisation as find something: what is rewritten may be part of a formula."""
    for _ in range(4):
        before, graph = graph, stabilize(merge_common(graph), stable=stable)
        if len(graph.nodes) == len(before.nodes) and graph.outputs == before.outputs:
            break
    return merge_common(graph)


def _drop_identities(graph: Graph) -> Graph:
    """Drop nodes that only were asked for derivatives; those that have a name keep it."""
    return rewrite(
        graph,
        lambda node, inputs: inputs[0] if node.name is None else None,
        "drop_identities",
        {"identity"},
    )


def stabilize(graph: Graph, applied: list[Applied] | None = None, stable: set[Node] | None = None) -> Graph:
    """Put formulas that lose digits into their stable form, by the table of ``stabilize``.

    They are looked for from the outputs on, the largest first: in ``log(exp(a) - exp(b))`` it is the logarithm that
    is rewritten, not the difference.

    Args:
        graph: what is rewritten.
        applied: where it is written down what was done.
        stable: nodes in which nothing was found in an earlier round; it grows by those of this one.
    """
    chosen = _largest_matches(graph, set() if stable is None else stable)
    if not chosen:
        return graph
    replaced: dict[Node, Node] = {}

    def handle(source: Node) -> Array:
        return Array(replaced.get(source, source))

    for node in graph.nodes:
        found = chosen.get(node)
        if found is not None:
            made = _made(partial(found.build, handle), node, found.rewrite.name)
            assert made is not None  # it was built before
            replaced[node] = made
            if applied is not None:
                applied.append(Applied(found.rewrite.name, node, made, found.rewrite.changes))
        elif (inputs := replaced_inputs(node, replaced)) is not node.inputs:
            replaced[node] = remade(node, inputs)
    return with_replaced(graph, replaced)


def _largest_matches(graph: Graph, stable: set[Node]) -> dict[Node, Found]:
    """The rewrite of each node that is the last operation of a formula, and no inner operation of a larger one."""
    chosen: dict[Node, Found] = {}
    covered: set[Node] = set()
    for node in reversed(graph.nodes):
        if node in covered or node in stable or not node.inputs or not isinstance(node.aval, Aval):
            continue
        for found in find(node):
            with record():
                result = found.build()
            if result is None or result._node is node:
                continue
            sources = set(found.sources)
            inner = [one for one in ancestors([node], stop=sources.__contains__) if one not in sources]
            if found.rewrite.yields and any(_is_rewritten(one) for one in inner if one is not node):
                continue
            covered.update(inner)
            chosen[node] = found
            break
        else:
            stable.add(node)
    return chosen


def _is_rewritten(node: Node) -> bool:
    return bool(node.inputs) and isinstance(node.aval, Aval) and next(find(node), None) is not None


def _made(build: Callable[[], Array | None], node: Node, name: str) -> Node | None:
    """What ``build`` makes in place of ``node``; the nodes that it makes have the node's origin, the last its name."""
    first = input_node(None).index
    with record():
        result = build()
    if result is None:
        return None
    final = result._node
    for one in ancestors([final], stop=lambda one: one.index < first):
        if one.index > first and one.inputs:
            one._origin = Derived(name, node._origin)
    if final.index > first and final.name is None:
        final.name = node.name
    return final


def collect_terms(graph: Graph, applied: list[Applied] | None = None, *, drops_zeros: bool = True) -> Graph:
    """Collect, cancel and factor sums and products of whole formulas, where that takes fewer operations.

    Args:
        graph: what is rewritten.
        applied: where it is written down what was done.
        drops_zeros: whether ``0 * x`` is 0, although it is NaN where x is infinite or NaN.
    """
    users: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for source in node.inputs:
            users.setdefault(source, []).append(node)
    outputs = set(graph.outputs)
    reading = Reading(drops_zeros)

    def is_root(node: Node) -> bool:
        using = users.get(node, ())
        return node in outputs or len(using) > 1 or any(not _continues(node, user) for user in using)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        candidate = with_inputs(node, inputs)
        if not is_algebra(candidate):
            return candidate
        polynomial = reading.read(candidate)
        if not is_root(node):
            return candidate
        limit = _own_cost(node, users, outputs)
        best: Node | None = None
        for form in candidates(polynomial):
            if least_cost(form) >= limit:
                continue
            writing = Writing(candidate, reading.guarded)
            written = _made(partial(writing.polynomial, form), candidate, "algebra")
            # Multiplied out, what was zero by a guarded factor would be a difference of two infinities.
            safe = writing.is_safe and (form is polynomial or not writing.has_guarded)
            if written is not None and safe and (cost := _cost(written, candidate)) < limit:
                best, limit = written, cost
        if best is None:
            return candidate
        reading.polynomials[best] = polynomial
        if applied is not None:
            applied.append(Applied("algebra", candidate, best, _CANCELLED))
        return best

    return rewrite(graph, rule, "collect_terms")


def _continues(node: Node, user: Node) -> bool:
    """Whether a formula goes on from a node to one that uses it."""
    return is_algebra(user) and user.aval == node.aval


def _own_cost(root: Node, users: dict[Node, list[Node]], outputs: set[Node]) -> float:
    """What the operations cost that only serve ``root``."""
    own = {root}
    cost = 0.0
    waiting = [root]
    while waiting and len(own) < _CONE:
        node = waiting.pop()
        cost += _price(node)
        for source in dict.fromkeys(node.inputs):
            free = source.inputs and source not in outputs and own.issuperset(users[source])
            if free and is_algebra(source):
                own.add(source)
                waiting.append(source)
    return cost


def _price(node: Node) -> float:
    """What an operation costs; negative numbers, and arrays of others than 0 and 1, are written less well."""
    unwieldy = sum(_is_unwieldy(source) for source in node.inputs)
    return EXPENSIVE.get(node.primitive.name, 1) + 0.1 * unwieldy


def _is_unwieldy(node: Node) -> bool:
    number = as_scalar(node)
    if number is not None:
        return bool(number < 0)
    return node.primitive is CONSTANT and common_size(node.value) not in (None, 1.0)


def _cost(written: Node, replaced: Node) -> float:
    """What the operations cost that were made for a new form."""
    new = ancestors([written], stop=lambda one: one.index <= replaced.index)
    return sum(_price(one) for one in new if one.index > replaced.index and one.inputs)
