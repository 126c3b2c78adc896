"""Fusion: the nodes of a graph are put together into kernels, each one loop nest.

A kernel runs over the elements of one shape. Some axes of it may be reduced: what is computed at the *inner* level has
an element for each place, what is computed at the *outer* level one for each place of the axes that are kept. Rows of a
softmax are such a kernel: the maximum (outer) of the row, the exponentials less it (inner), their sum (outer), the
quotients (inner). What one loop over the row needs of a result of the loop before is one *stage* later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from pullback.compiler.emit import is_native
from pullback.compiler.instructions import find, is_expensive
from pullback.compiler.views import Place, is_move, places_below
from pullback.control.bodies import Body
from pullback.core.aval import Aval
from pullback.core.graph import Graph, ancestors, as_scalar
from pullback.core.node import NO_PARAMS, Node
from pullback.core.operations import named_primitive
from pullback.core.several import item
from pullback.core.terminals import CONSTANT

REDUCTIONS = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum", "any": "or", "all": "and"}
JOINS = frozenset({"concatenate", "slice_update"})
"""Primitives whose result is put together of their operands."""
UPDATES = frozenset({"slice_update", "scatter_add", "scatter_set"})
"""Primitives whose result is their first operand, changed here and there."""
SCATTERS = frozenset({"scatter_add", "scatter_set"})
"""Primitives that write to indices."""
RUNNING = {
    "cumsum": "add", "cumprod": "multiply", "cummax": "maximum", "cummin": "minimum", "logcumsumexp": "logaddexp",
    "recurrence": "multiply",
}  # fmt: skip
"""Primitives that go along an axis, each with what it does at every step."""
SYSTEMS = frozenset({"eliminate", "solve_eliminated", "cholesky_or_nan", "substitute"})
"""Primitives of small matrices, each of which a loop nest goes through by rows."""
_WINDOW = 16
_LARGEST = 96
"""Nodes in one kernel: more would not find room in registers, and make code generation slow."""


@dataclass(eq=False)
class Kernel:
    """One loop nest.

    Attributes:
        shape: of the inner level.
        axes: those that are reduced; None as long as nothing is.
        nodes: what is computed, in order.
        outer: those of the nodes that are at the outer level.
        stages: of inner nodes, in which loop over the reduced axes they are computed; of outer nodes, before which.
        product: the first of the nodes, if that is a product of matrices: the others are done to tiles of it.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...] | None = None
    nodes: list[Node] = field(default_factory=list)
    outer: set[Node] = field(default_factory=set)
    stages: dict[Node, int] = field(default_factory=dict)
    product: Node | None = None

    @property
    def kept(self) -> tuple[int, ...]:
        """The axes that are not reduced."""
        return tuple(axis for axis in range(len(self.shape)) if axis not in (self.axes or ()))

    def places(self, outer: bool) -> list[Place]:
        """Where a value of the inner or outer level is, in terms of the axes of the loop nest."""
        axes = self.kept if outer else tuple(range(len(self.shape)))
        return [None if self.shape[axis] == 1 else (axis, 1, 0) for axis in axes]


@dataclass(eq=False)
class Nest:
    """One node that a loop nest of its own computes, of operands that lie in memory."""

    node: Node


@dataclass(eq=False)
class Step:
    """What cannot be fused: a loop or a branch (see ``planned_bodies``), or a call of the host."""

    node: Node


@dataclass
class Plan:
    """A graph as steps that run one after the other.

    Attributes:
        graph: as it was prepared: with copies where memory has to be laid out anew.
        steps: in order.
        stored: what has to lie in memory: what another step uses, and the outputs.
        base: for each node that only moves elements, what it moves; other nodes are their own.
        place: the number of the step in which a node is computed; -1 for inputs and constants.
        parts: what lies in the memory of what it is joined to, as a movement of that.
    """

    graph: Graph
    steps: list[Kernel | Nest | Step]
    stored: set[Node]
    base: dict[Node, Node]
    place: dict[Node, int]
    parts: dict[Node, Node]


class Planned(Body):
    """A body that consists of native steps."""

    def __init__(self, name: str, plan: Plan) -> None:
        super().__init__(name, plan.graph.inputs, plan.graph.outputs)
        self.plan = plan


def planned_bodies(node: Node) -> list[Planned]:
    """The bodies that a native loop or branch runs; none for any other node."""
    held = [*node.params.get("branches", ()), node.params.get("cond"), node.params.get("body")]
    return [body for body in held if isinstance(body, Planned)]


def carried_by(node: Node) -> dict[int, int]:
    """The results that a loop carries on: positions of each, and of what its body reads of it."""
    count, first = 0, 0
    if node.primitive.name == "scan":
        count, first = node.params["carries"], node.params["consts"]
    elif node.primitive.name == "while_loop":
        first = node.params["body_consts"]
        count = len(node.inputs) - node.params["cond_consts"] - first
    return {i: first + i for i in range(count)}


def is_reduction(node: Node) -> bool:
    """Whether the node is a reduction that a kernel can hold."""
    if node.primitive.name not in REDUCTIONS:
        return False
    x = node.inputs[0].array_aval.dtype
    out = node.array_aval.dtype
    name = node.primitive.name
    return is_native_operation("astype", out, x) and (
        name in ("any", "all") or is_native_operation(REDUCTIONS[name], out, out, out)
    )


@lru_cache(maxsize=4096)
def is_native_operation(name: str, out: np.dtype[Any], *operands: np.dtype[Any]) -> bool:
    """Whether there are native instructions for a primitive on operands of these dtypes."""
    return find(name, operands, out) is not None


def is_join(node: Node) -> bool:
    """Whether the operands of the node can be written to their places in it, so that nothing is left to do."""
    return node.primitive.name in JOINS and _is_plain(node) and is_native(node.array_aval.dtype)


def joined_by(part: Node) -> Node:
    """What a part is joined to, given as a movement of that."""
    while is_move(part):
        part = part.inputs[0]
    return part


def is_gather(node: Node) -> bool:
    """Whether the node reads at indices that are known to be within range."""
    return node.primitive.name == "gather" and _is_plain(node) and has_safe_indices(node, 1)


def has_safe_indices(node: Node, first: int) -> bool:
    """Whether the operands from ``first`` on are indices within the range of the axes of the first operand."""
    x = node.inputs[0].array_aval if first == 1 else node.array_aval  # a copy has no axes of length 1
    return is_native(x.dtype) and all(
        is_native(index.array_aval.dtype) and _is_within(index, x.shape[axis])
        for index, axis in zip(node.inputs[first:], node.params["axes"], strict=True)
    )


def _is_within(index: Node, length: int) -> bool:
    while is_move(index):
        index = index.inputs[0]
    if index.primitive is CONSTANT:
        return bool(np.min(index.value) >= 0 and np.max(index.value) < length)
    if index.primitive.name != "minimum" or index.inputs[0].primitive.name != "maximum":
        return False
    least, most = scalar_of(index.inputs[0].inputs[1]), scalar_of(index.inputs[1])
    return least == 0 and isinstance(most, int) and most < length


def is_nest(node: Node) -> bool:
    """Whether the node is computed by a loop nest of its own."""
    name = node.primitive.name
    if name not in SCATTERS and name not in SYSTEMS and name not in RUNNING:
        return False
    if not _is_plain(node) or not all(is_native(one.array_aval.dtype) for one in (node, *node.inputs)):
        return False
    dtype = node.array_aval.dtype
    if name in SCATTERS:
        return has_safe_indices(node, 2) and (name == "scatter_set" or dtype.kind != "b")
    if name in SYSTEMS:
        return dtype.kind == "f"
    return dtype.kind != "b" and is_native_operation(RUNNING[name], dtype, dtype, dtype)


def is_lookup(node: Node) -> bool:
    """Whether the node reads its first operand at indices that are there for each element."""
    return node.primitive.name == "gather" and "places" in node.params


def is_fusible(node: Node) -> bool:
    """Whether a kernel can compute the node."""
    if not _is_plain(node):
        return False
    if is_lookup(node):
        return True
    if is_move(node) or is_reduction(node):
        return True
    if node.primitive.family not in ("pointwise", "linear") or node.params.keys() - {"dtype"}:
        return False
    dtypes = [source.array_aval.dtype for source in node.inputs]
    return is_native_operation(node.primitive.name, node.array_aval.dtype, *dtypes)


def is_window(node: Node) -> bool:
    """Whether the node is a reduction over so few elements that no loop is needed: those of a window, say."""
    if not is_reduction(node):
        return False
    shape, axes = node.inputs[0].array_aval.shape, node.params["axes"]
    count = math.prod(shape[axis] for axis in axes)
    return count <= _WINDOW and count * _WINDOW <= math.prod(shape)


def _is_plain(node: Node) -> bool:
    for one in (node, *node.inputs):
        aval = one.aval
        if not isinstance(aval, Aval) or 0 in aval.shape:
            return False
    return True


def copied(x: Node) -> Node:
    """A node that computes nothing, and so gives its input memory of its own."""
    return Node(named_primitive("identity"), (x,), NO_PARAMS, None, True, x._origin, x.aval)


@dataclass(frozen=True)
class Prepared:
    """A graph that is ready to be planned.

    Attributes:
        graph: with copies where memory has to be laid out anew.
        products: nodes that are products of matrices.
        forced: what has to be stored whatever uses it.
        parts: copies that lie in the memory of what they are joined to; each as a movement of that.
    """

    graph: Graph
    products: set[Node]
    forced: set[Node]
    parts: dict[Node, Node]


class Planner:
    """Puts the nodes of a prepared graph into steps, in topological order.

    Args:
        prepared: what is planned.
        follows: whether what reads some operands (second), too, can be done to tiles of a product (first).
        checks: outputs that stop the program where they are false.
    """

    def __init__(
        self,
        prepared: Prepared,
        follows: Callable[[Node, Sequence[Node]], bool],
        checks: Sequence[Node] = (),
    ) -> None:
        self.graph = graph = prepared.graph
        self.products = prepared.products
        self.parts = prepared.parts
        self.joins = {joined_by(one) for one in prepared.parts.values()}
        self.follows = follows
        self._closed = 0  # steps before this one take no more nodes
        self.steps: list[Kernel | Nest | Step] = []
        self.base: dict[Node, Node] = {}
        self.place: dict[Node, int] = {}
        self.fusible = {node for node in graph.nodes if is_fusible(node)}
        self.late = _late_nodes(graph, self.fusible, prepared.products, prepared.forced)
        first = ancestors(checks)  # what may stop the program comes before anything that cannot be undone
        for node in first:
            self._take(node)
        self._closed = len(self.steps)
        known = self.late | set(first)
        for node in graph.nodes:
            if node not in known:
                there = [self.place[self.base[one]] for one in node.inputs if one in self.base]
                for one in self._needed(node):
                    self._take(one, max(there, default=-1))
                self._take(node)
        self.stored = self._find_stored(prepared.forced)

    def plan(self) -> Plan:
        """The steps and what they leave in memory."""
        for step in self.steps:
            if isinstance(step, Kernel):
                set_stages(step, self.base)
        return Plan(self.graph, self.steps, self.stored, self.base, self.place, self.parts)

    def _needed(self, node: Node) -> list[Node]:
        """The late nodes that a node needs and that have not been taken, in order."""
        if self.late.isdisjoint(node.inputs):
            return []
        found = ancestors(node.inputs, stop=lambda one: one not in self.late or one in self.base)
        return [one for one in found if one in self.late and one not in self.base]

    def _take(self, node: Node, wanted: int = -1) -> None:
        """Put a node into a step: a late one, if that can be, into the one that is wanted."""
        if not node.inputs:
            self.base[node] = node
            self.place[node] = -1
        elif node.primitive is item and planned_bodies(node.inputs[0]):
            self.base[node] = node
            self.place[node] = self.place[node.inputs[0]]
        elif is_move(node) and node in self.fusible:
            below = self.base[node.inputs[0]]
            self.base[node] = below
        else:
            self.base[node] = node
            if is_nest(node):
                self.place[node] = len(self.steps)
                self.steps.append(Nest(node))
            elif node in self.joins:
                self._join(node)
            elif node in self.products:
                self.place[node] = len(self.steps)
                self.steps.append(Kernel(node.array_aval.shape, nodes=[node], product=node))
            elif node in self.fusible:
                self._fuse(node, wanted)
            else:
                self.place[node] = len(self.steps)
                self.steps.append(Step(node))

    def _join(self, node: Node) -> None:
        """There is nothing to do once the parts are there."""
        self.place[node] = max(self.place[one] for one in node.inputs)

    def _fuse(self, node: Node, wanted: int) -> None:
        after = {self.base[source] for source in node.inputs}
        # Where its operands are made if that can be, so that what uses it can be there too; else in the last that fits.
        first = max((self.place[one] for one in after), default=-1)
        earliest = max(self._closed, self._after(node) + 1)
        later = range(len(self.steps) - 1, first, -1)
        for number in (wanted, *(later or (first,))) if node in self.late else (first, *later):
            if number < max(first, earliest):
                continue
            step = self.steps[number]
            if isinstance(step, Kernel) and self._joins(step, number, node):
                return
        reduced = is_reduction(node)
        kernel = Kernel(node.inputs[0].array_aval.shape if reduced else node.array_aval.shape)
        self.place[node] = len(self.steps)
        self.steps.append(kernel)
        kernel.nodes.append(node)
        if reduced:
            kernel.axes = node.params["axes"]
            kernel.outer.add(node)

    def _after(self, node: Node) -> int:
        """The step after which a part must be written, as it takes the place of what that writes; -1 for any."""
        part = self.parts.get(node)
        if part is None:
            return -1
        join = joined_by(part)
        return self.place[join.inputs[0]] if join.primitive.name in UPDATES and node is not join.inputs[0] else -1

    def _joins(self, kernel: Kernel, number: int, node: Node) -> bool:
        """Put the node into the kernel if it can be computed there."""
        if len(kernel.nodes) >= _LARGEST:
            return False
        if kernel.product is not None:
            return self._joins_tiles(kernel, kernel.product, number, node)
        axes = kernel.axes
        if is_reduction(node):
            if node.inputs[0].array_aval.shape != kernel.shape or axes not in (None, node.params["axes"]):
                return False
            kernel.axes = node.params["axes"]
            outer, reads_outer = True, False
        else:
            shape = node.array_aval.shape
            outer = shape != kernel.shape
            if outer and (axes is None or shape != tuple(kernel.shape[axis] for axis in kernel.kept)):
                return False
            reads_outer = outer
        if not self._are_readable(kernel, number, node, reads_outer):
            kernel.axes = axes
            return False
        kernel.nodes.append(node)
        if outer:
            kernel.outer.add(node)
        self.place[node] = number
        return True

    def _joins_tiles(self, kernel: Kernel, product: Node, number: int, node: Node) -> bool:
        """Put the node behind a product if it can be computed on tiles of it."""
        if is_reduction(node) or is_lookup(node) or node.array_aval.shape != kernel.shape:
            return False
        if not all(self._is_readable(kernel, number, source, False) for source in node.inputs):
            return False
        operands = [source for source in node.inputs if self.base[source] not in kernel.nodes]
        part = self.parts.get(node)
        if part is not None:  # what can be read at a place can be written there
            if joined_by(part) in self.parts:
                return False
            operands.append(part)
        if not self.follows(product, operands):
            return False
        kernel.nodes.append(node)
        self.place[node] = number
        return True

    def _are_readable(self, kernel: Kernel, number: int, node: Node, outer: bool) -> bool:
        """Whether the kernel can read the operands of a node of its outer or inner level."""
        operands: Sequence[Node] = node.inputs
        if is_lookup(node):  # what is looked up has to be there, all of it
            table, *operands = operands
            if self.place[self.base[table]] >= number:
                return False
        return all(self._is_readable(kernel, number, source, outer) for source in operands)

    def _is_readable(self, kernel: Kernel, number: int, operand: Node, outer: bool) -> bool:
        """Whether the kernel can read the operand for a node of its outer or inner level."""
        base = self.base[operand]
        if self.place[base] != number or base in self.joins:
            return self.place[base] < number
        places = places_in(operand, base, kernel.places(outer))
        if outer and base not in kernel.outer:
            return False
        return places == kernel.places(base in kernel.outer)

    def _find_stored(self, forced: set[Node]) -> set[Node]:
        stored = {self.base[node] for node in self.graph.outputs}
        stored |= {self.base[node] for node in forced if node in self.base}
        stored |= self.joins | self.parts.keys()
        for node in self.graph.nodes:
            if is_move(node) and node in self.fusible:
                continue
            for source in node.inputs:
                base = self.base[source]
                if self.place[base] != self.place[node] and self.place[base] >= 0:
                    stored.add(base)
        return stored


_CHEAP = frozenset({"equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "isnan", "logical_and",
                    "logical_or", "logical_not"})  # fmt: skip


def is_cheap(node: Node) -> bool:
    """Whether the node gives truth values, also as numbers: these are sooner computed anew than stored."""
    if node.primitive.name == "astype":
        return node.inputs[0].array_aval.dtype == bool
    return node.primitive.name in _CHEAP


def _late_nodes(graph: Graph, fusible: set[Node], products: set[Node], forced: set[Node]) -> set[Node]:
    """Nodes of what lies in memory anyway that are computed only where they are used: cheap ones, and for one use only.

    A rectifier's derivative need not be stored between the forward and the backward pass. What is made of a state,
    with numbers, for its update alone (the momentum times its decay) waits for the product that it is added to.
    """
    stored = set(forced) | set(graph.outputs)
    users: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for source in node.inputs:
            users.setdefault(source, []).append(node)
        if node.inputs and (node in products or node not in fusible):
            for source in node.inputs:
                stored.add(_moved(source))
    late: dict[Node, bool] = {}  # with whether they depend on what is computed here, not on arguments only
    for node in graph.nodes:
        if not node.inputs or node in stored or node in products or node not in fusible:
            continue
        inputs = [one for one in node.inputs if scalar_of(one) is None and (one in late or _moved(one).inputs)]
        if is_move(node):
            found = node.inputs[0] in late
        else:
            cheap = _is_late(node) and all(one in late or _moved(one) in stored for one in inputs)
            alone = len(users.get(node, ())) == 1 and not is_reduction(node) and not is_cheap(node)
            large = [one for one in inputs if node.array_aval.size == 1 or _moved(one).array_aval.size > 1]
            found = cheap or (alone and all(one in late for one in large))
        if found:
            late[node] = any(late.get(one, True) for one in inputs)
    for node in reversed(list(late)):
        others = [one for one in users.get(node, ()) if one not in late]
        given = not late[node] and _is_late(_moved(node))
        if any(map(_is_late, others)) or (others and given):  # it is needed where these are
            del late[node]
    return set(late)


def _is_late(node: Node) -> bool:
    return is_cheap(node) or is_window(node)


def _moved(node: Node) -> Node:
    """What a node moves; the node itself if it is no movement."""
    while is_move(node):
        node = node.inputs[0]
    return node


def places_in(operand: Node, base: Node, places: Sequence[Place]) -> list[Place] | None:
    """Where ``base`` is read when ``operand``, which moves it, is read at ``places``."""
    found = list(places)
    while operand is not base:
        below = places_below(operand, found)
        if below is None:
            return None
        found = below
        operand = operand.inputs[0]
    return found


def set_stages(kernel: Kernel, base: dict[Node, Node]) -> None:
    """Say in which loop over the reduced axes each node is computed."""
    stages = kernel.stages
    members = set(kernel.nodes)
    for node in kernel.nodes:
        operands = [base[source] for source in node.inputs if base[source] in members]
        stage = max((stages[one] for one in operands), default=0)
        stages[node] = stage + 1 if is_reduction(node) else stage


def is_worth_keeping(node: Node) -> bool:
    """Whether a value that a later loop needs too is better stored than computed again."""
    return is_expensive(node.primitive.name)


def scalar_of(node: Node) -> bool | int | float | complex | None:
    """The number that a node is all over, None if it is no such constant."""
    while is_move(node):
        node = node.inputs[0]
    if node.primitive is not CONSTANT:
        return None
    scalar = as_scalar(node)
    if scalar is not None and isinstance(node.value, (np.ndarray, np.generic)) and node.value.dtype == np.float32:
        return float(np.float32(scalar))
    return scalar
