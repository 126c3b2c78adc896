"""Planning: from a graph to steps, through every pass; and the graphs that its nodes hold, which become native too.

A loop or a branch whose bodies consist of native steps only becomes a step itself; any other stays a call of the host.
A body may find that an index is out of range, that a matrix is singular, or that a loop runs for longer than it may.
It then gives one result more, which says whether all is well, and the program has a check for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.compiler import convolution
from pullback.compiler.contractions import follows, is_product, lies_in_rows, merge_permutations
from pullback.compiler.convolution import is_convolution
from pullback.compiler.emit import is_native
from pullback.compiler.expand import expand, multiply_powers
from pullback.compiler.fuse import (
    Plan,
    Planned,
    Planner,
    Step,
    copied,
    is_fusible,
    is_gather,
    is_join,
    is_nest,
    planned_bodies,
)
from pullback.compiler.guards import guard, with_checks
from pullback.compiler.pieces import join_pieces
from pullback.compiler.prepare import as_joins, prepare
from pullback.compiler.recurrences import substituted
from pullback.compiler.scans import improve_scans
from pullback.compiler.selection import select_along_axes
from pullback.compiler.shapes import (
    compute_before_broadcast,
    compute_by_windows,
    drop_unit_axes,
    pad_before_windows,
    reduce_by_rows,
)
from pullback.control.bodies import Body
from pullback.control.branches import cond_primitive, switch_primitive
from pullback.control.checkpoint import call_primitive
from pullback.control.custom import custom
from pullback.control.loops import while_primitive
from pullback.control.scans import scan_primitive
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.graph import Graph, as_scalar
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.primitive import Params, Primitive
from pullback.core.several import item
from pullback.core.state import record
from pullback.core.terminals import input_node, scalar_node
from pullback.transforms.passes import optimize, remade, rewrite
from pullback.transforms.simplify import condense

BOOLEAN, INTEGER = np.dtype(bool), np.dtype(np.int64)


def plan_graph(graph: Graph) -> tuple[Plan, int]:
    """Return the steps of a graph, and how many of its last outputs are checks."""
    graph, checks = _checked(graph)
    return _planned(graph, checks), checks


def is_known(node: Node) -> bool:
    """Whether the node need not be composed of others: a kernel can compute it, or a product."""
    return any(known(node) for known in (is_fusible, is_product, is_convolution, is_join, is_gather, is_nest))


def _follows(product: Node, operands: Sequence[Node]) -> bool:
    return (convolution.follows if is_convolution(product) else follows)(product, operands)


def _checked(graph: Graph) -> tuple[Graph, int]:
    """The graph in the form that costs least, with checks after its outputs, and how many these are."""
    graph = improve_scans(condense(optimize(inline_calls(graph))))
    graph, flags = make_native(graph)
    graph, more = select_along_axes(join_pieces(graph))
    graph, most = guard(graph)
    return graph, flags + more + most


def _planned(graph: Graph, checks: int = 0) -> Plan:
    graph = expand(multiply_powers(pad_before_windows(graph)), is_known)
    graph = compute_before_broadcast(compute_by_windows(reduce_by_rows(graph)))
    graph = optimize(drop_unit_axes(as_joins(graph)))
    prepared = prepare(lay_out_operands(merge_permutations(graph)))
    outputs = prepared.graph.outputs
    return Planner(prepared, _follows, outputs[len(outputs) - checks :]).plan()


# What a node holds ----------------------------------------------------------------------------------------------------


def inline_calls(graph: Graph) -> Graph:
    """Put what a function with a derivative rule of its own computes in its place: the rule has served."""
    while any(_inlined(node) is not None for node in graph.nodes):
        found: dict[Node, list[Node]] = {}

        def rule(node: Node, inputs: tuple[Node, ...], found: dict[Node, list[Node]] = found) -> Node | None:
            if node.primitive is item and node.inputs[0] in found:
                return found[node.inputs[0]][node.params["index"]]
            body = _inlined(node)
            if body is not None:
                found[node] = substituted(body.outputs, dict(zip(body.inputs, inputs, strict=True)))
            return None

        graph = rewrite(graph, rule, "inline_calls")
    return graph


def _inlined(node: Node) -> Body | None:
    body: Body | None = node.params["body"] if node.primitive is custom else None
    return body


def make_native(graph: Graph) -> tuple[Graph, int]:
    """Plan what nodes hold, where that can be native; return also how many checks are added after the outputs."""
    checks: list[Node] = []
    found: dict[Node, Sequence[Node]] = {}

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if node.primitive is item and node.inputs[0] in found:
            return found[node.inputs[0]][node.params["index"]]
        rule = _RULES.get(node.primitive)
        native = rule(node, inputs) if rule is not None else None
        if native is not None:
            found[node], check = native
            checks.extend(check)
        return None

    rewritten = rewrite(graph, rule, "make_native")
    return with_checks(rewritten, checks), len(checks)


_Native = tuple[list[Node], list[Node]]
"""The results of a native node, and those that are checks."""


def _native_scan(node: Node, inputs: tuple[Node, ...]) -> _Native | None:
    params = node.params
    consts, carries, length = params["consts"], params["carries"], params["length"]
    if not length:
        empty = [scalar_node(0, aval.shape, aval.dtype) for aval in _avals(node)[carries:]]
        return [*inputs[consts : consts + carries], *empty], []
    body, checks = _checked_body(params["body"])
    given, inside, outputs = list(inputs), list(body.inputs), list(body.outputs)
    whole = consts + carries
    if checks:  # whether all was well until now is carried on
        well = input_node(Aval((), BOOLEAN), "well")
        given.insert(whole, scalar_node(True, (), BOOLEAN))
        inside.insert(whole, well)
        outputs = [*outputs[:carries], _all([well, *outputs[-checks:]]), *outputs[carries:-checks]]
        carries += 1
    planned = _planned_body(params["body"], Graph.of(outputs, inside))
    if planned is None:
        return None
    results = _results(node, given, {**params, "body": planned, "carries": carries})
    return results, [results.pop(carries - 1)] if checks else []


def _native_while(node: Node, inputs: tuple[Node, ...]) -> _Native | None:
    params, limit = node.params, node.params["max_steps"]
    asked, given = params["cond_consts"], params["body_consts"]
    question, unsafe = _checked_body(params["cond"])
    body, checks = _checked_body(params["body"])
    if unsafe:
        return None
    operands, outputs, (holds,) = list(inputs), list(body.outputs), question.outputs
    first = len(outputs) - checks
    # Whether all is well is carried on as well: a check may fail, there may be a bound, a signal may end the loop.
    well, still = (input_node(Aval((), BOOLEAN), "well") for _ in range(2))
    states, numbers, start = [well], [still], [scalar_node(True, (), BOOLEAN)]
    good, following = [well, *outputs[first:]], []
    if limit is not None:
        steps = input_node(Aval((), INTEGER), "steps")
        states.append(steps)
        numbers.append(input_node(steps.array_aval, "steps"))
        start.append(scalar_node(0, (), INTEGER))
        with record():
            good.append(operations.less(Array(steps), limit)._node)
            following.append(operations.add(Array(steps), 1)._node)
    operands[asked + given : asked + given] = start
    planned = _planned_body(
        params["body"],
        Graph.of([_all(good), *following, *outputs[:first]], [*body.inputs[:given], *states, *body.inputs[given:]]),
    )
    asks = _planned_body(
        params["cond"],
        Graph.of([_all([still, holds])], [*question.inputs[:asked], *numbers, *question.inputs[asked:]]),
    )
    if planned is None or asks is None:
        return None
    results = _results(node, operands, {**params, "cond": asks, "body": planned, "max_steps": None})
    return results[len(states) :], results[:1]


def _native_branches(node: Node, inputs: tuple[Node, ...]) -> _Native | None:
    index = inputs[0].array_aval.dtype
    if not is_native(index) or index.kind not in "bi":
        return None
    planned, count = _alternatives(node.params["branches"])
    if planned is None:
        return None
    results = _results(node, inputs, {"branches": planned})
    return results[: len(results) - count], results[len(results) - count :]


def _native_call(node: Node, inputs: tuple[Node, ...]) -> _Native | None:
    planned, count = _alternatives([node.params["body"]])
    if planned is None:
        return None
    results = _results(node, inputs, {"body": planned[0]})
    return results[: len(results) - count], results[len(results) - count :]


def _alternatives(bodies: Sequence[Body]) -> tuple[tuple[Planned, ...] | None, int]:
    """Bodies that give the same results, and how many (0 or 1) checks come after these."""
    checked = [_checked_body(body) for body in bodies]
    any_checks = any(checks for _, checks in checked)
    planned = []
    for body, (graph, checks) in zip(bodies, checked, strict=True):
        outputs = list(graph.outputs)
        if any_checks:
            first = len(outputs) - checks
            outputs[first:] = [_all(outputs[first:]) if checks else scalar_node(True, (), BOOLEAN)]
        one = _planned_body(body, Graph.of(outputs, graph.inputs))
        if one is None:
            return None, 0
        planned.append(one)
    return tuple(planned), int(any_checks)


def _checked_body(body: Body) -> tuple[Graph, int]:
    return _checked(Graph.of(body.outputs, body.inputs))


def _planned_body(body: Body, graph: Graph) -> Planned | None:
    """The body as native steps, None if it has a step that is not native."""
    plan = _planned(graph)
    if any(isinstance(step, Step) and not planned_bodies(step.node) for step in plan.steps):
        return None
    return Planned(body.name, plan)


def _results(node: Node, inputs: Sequence[Node], params: Params) -> list[Node]:
    """The results of a node that does the same as another with other inputs and params."""
    avals = node.primitive.infer_aval([one.aval for one in inputs], params)
    loop = Node(node.primitive, tuple(inputs), params, None, True, node._origin, avals, node.name)
    loop.scope = node.scope
    return [
        Node(item, (loop,), {"index": i}, None, True, node._origin, aval) for i, aval in enumerate(avals)  # type: ignore[arg-type]  # a tuple
    ]  # fmt: skip


def _avals(node: Node) -> Sequence[Aval]:
    avals: Any = node.aval
    return avals


def _all(conditions: Sequence[Node]) -> Node:
    """Whether all of these hold."""
    with record():
        found = Array(conditions[0])
        for one in conditions[1:]:
            found = operations.logical_and(found, Array(one))
    return found._node


_RULES: dict[Primitive, Callable[[Node, tuple[Node, ...]], _Native | None]] = {
    scan_primitive: _native_scan,
    while_primitive: _native_while,
    cond_primitive: _native_branches,
    switch_primitive: _native_branches,
    call_primitive: _native_call,
}


def lay_out_operands(graph: Graph) -> Graph:
    """Copy what native loops and branches read, where it does not lie row by row."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if not planned_bodies(node):
            return None
        first = len(inputs)  # of what is read row by row
        if node.primitive is scan_primitive:
            first = node.params["consts"] + node.params["carries"]
        laid = [one if _is_laid_out(one, i >= first) else copied(one) for i, one in enumerate(inputs)]
        return None if laid == list(inputs) else remade(node, tuple(laid))

    return rewrite(graph, rule, "lay_out_operands")


def _is_laid_out(operand: Node, by_rows: bool) -> bool:
    large = operand.array_aval.size > 1
    return lies_in_rows(operand, by_rows) and not (large and as_scalar(operand) is not None)
