"""The backward pass: start with 1 at the final node, walk right to left, multiply by the local partial of each edge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.creation import array
from pullback.core.families import General
from pullback.core.graph import ancestors
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.state import Mirror, record, recording, scope_kept
from pullback.core.terminals import constant_node, leaf_node
from pullback.dtypes import is_differentiable
from pullback.errors import DTypeError, NotDifferentiableError, ShapeError
from pullback.transforms.stabilize import find

Cotangent = Any
"""An Array, None for zero, or, for a node with several results, a list of these."""


class Detour(NamedTuple):
    """Another computation of a node's value: its result, and the inner input that stands for each node it starts at."""

    result: Node
    sources: tuple[Node, ...]
    entries: tuple[Node, ...]


class Region:
    """The nodes between ``inputs`` and ``outputs``, and how the rules shall see them.

    A derivative is itself differentiable by whatever is watched outside: the rules then work on the recorded nodes.
    What depends on ``inputs`` only is of no further use once their derivative is known: the rules work on its values;
    so they do for everything that has a value where operations are not recorded, or with ``freeze``. With ``keep`` they
    always work on the nodes: the derivative will be differentiated by the same inputs.
    """

    def __init__(
        self, outputs: Iterable[Node], inputs: Sequence[Node], keep: bool = False, freeze: bool = False
    ) -> None:
        self.inputs = frozenset(inputs)
        self._freeze = freeze or not (recording.enabled or keep)
        depends = set(inputs)  # on one of the inputs
        live: set[Node] = set()  # watched from outside
        order: list[Node] = []
        # What is older than every input depends on none, however long its own history is.
        first = min((node.index for node in inputs), default=0)
        # Inputs may depend on each other's ancestors, never on each other: each is a node of its own.
        for node in ancestors(outputs, stop=lambda node: node.index < first or node in self.inputs):
            if node in self.inputs:
                if any(source.watched for source in node.inputs):
                    live.add(node)
                continue
            if node.index < first or not node.inputs:
                if node.watched:
                    live.add(node)
                continue
            if any(source in live for source in node.inputs):
                live.add(node)
            if any(source in depends for source in node.inputs):
                depends.add(node)
                order.append(node)
        self.order = order
        self.depends = depends
        self._live = live | depends if keep else live
        self._handles: dict[Node, Array] = {}
        self._ahead: list[Node] = []

    def handle(self, node: Node) -> Array:
        """The array through which rules see ``node``."""
        handle = self._handles.get(node)
        if handle is None:
            frozen = node.value is not None and (self._freeze or node not in self._live)
            handle = self._handles[node] = Array(constant_node(node.value) if frozen and node.watched else node)
        return handle

    def detour(self, node: Node) -> Detour | None:
        """A stable form of ``node`` beside the recorded one, for derivatives to go through; None if it needs none."""
        for found in find(node, lambda one: one not in self.inputs, backward=True):
            entries: dict[Node, Node] = {}

            def enter(source: Node, entries: dict[Node, Node] = entries) -> Array:
                handle = self.handle(source)
                if source not in self.depends:
                    return handle
                if source not in entries:
                    watched = handle._node.watched
                    entries[source] = operations.identity(handle)._node if watched else leaf_node(handle._node.value)
                return Array(entries[source])

            result = found.build(enter)
            if result is not None:
                return Detour(result._node, tuple(entries), tuple(entries.values()))
        return None

    def check_companions(self, node: Node) -> None:
        """Raise if another node that looks ahead was seen with which this one may not share a derivative."""
        if self._ahead:
            assert isinstance(node.primitive, General)
            node.primitive.check_companions(node, self._ahead, self.order)
        self._ahead.append(node)

    def forget(self, node: Node) -> None:
        """Drop the handle of a node that no rule will ask for again."""
        self._handles.pop(node, None)


def pull_back(
    outputs: Sequence[Node],
    cotangents: Sequence[Array | None],
    inputs: Sequence[Node],
    visit: Callable[[Node, Array], None] | None = None,
    keep: bool = False,
    detours: bool = True,
) -> list[Array | None]:
    """Return the cotangent of each input, None where it is zero because nothing connects it.

    Args:
        outputs: where the walk starts.
        cotangents: what arrives at each output.
        inputs: where it ends.
        visit: called with each node and the whole cotangent that arrived there, right to left. The walk then follows
            what is written.
        keep: whether the result is to be differentiated by ``inputs`` again.
        detours: whether formulas that lose their derivative's digits are walked in a stable form.
    """
    region = Region(outputs, inputs, keep)
    arrived: dict[Node, Cotangent] = {}
    for node, ct in zip(outputs, cotangents, strict=True):
        if ct is not None and node in region.depends:
            arrived[node] = add_cotangents(arrived.get(node), ct)
    mirror = Mirror("backward")
    with record(), scope_kept(), np.errstate(all="ignore"):
        for node in reversed(region.order):
            ct = arrived.pop(node, None)
            if ct is None:
                continue
            if visit is not None:
                visit(node, ct)
            if detours:  # in a picture, what is made for a node stands beside it
                recording.scope = mirror(node.scope)
            detour = region.detour(node) if detours and visit is None else None
            if detour is not None:
                contributions = pull_back([detour.result], [ct], detour.entries, detours=False)
                for source, contribution in zip(detour.sources, contributions, strict=True):
                    arrived[source] = add_cotangents(arrived.get(source), contribution)
                region.forget(node)
                continue
            wanted = [source in region.depends and carries(source) for source in node.inputs]
            if any(wanted):
                handles = [region.handle(source) for source in node.inputs]
                params = node.params
                if node.primitive.looks_ahead:
                    region.check_companions(node)
                    params = _with_slopes(node, ct, region.handle(node), handles, outputs, cotangents)
                contributions = node.primitive.vjp(ct, region.handle(node), handles, wanted, params)
                for source, contribution in zip(node.inputs, contributions, strict=True):
                    if contribution is not None:
                        arrived[source] = add_cotangents(arrived.get(source), contribution)
            region.forget(node)
    found = [arrived.get(node) for node in inputs]
    if visit is not None:
        for node, ct in zip(inputs, found, strict=True):
            if ct is not None:
                visit(node, ct)
    return found


def _with_slopes(
    node: Node,
    ct: Cotangent,
    out: Array,
    handles: Sequence[Array],
    outputs: Sequence[Node],
    cotangents: Sequence[Array | None],
) -> Mapping[str, Any]:
    """The params of the node and, where its pullback asks for it, how the cotangent that arrived changes."""
    assert isinstance(node.primitive, General)
    directions = node.primitive.directions(ct, out, handles, node.params)
    if not directions:
        return node.params
    freeze = not out._node.watched  # the rules work on values
    slopes = operations.cotangent_slopes(outputs, cotangents, node, directions, freeze)
    return {**node.params, "slopes": slopes}


def carries(node: Node) -> bool:
    """Whether a derivative goes through the node: integers and booleans end it."""
    value = node.value
    if value.__class__ is np.ndarray:  # the common case, on the path of every edge
        return bool(value.dtype.kind in "fc")
    aval = node.aval
    return is_differentiable(aval.dtype) if isinstance(aval, Aval) else True  # of several results, each is asked


def add_cotangents(total: Cotangent, contribution: Cotangent) -> Cotangent:
    """Add what arrives along two edges."""
    if total is None:
        return contribution
    if contribution is None:
        return total
    if isinstance(total, list):
        return [add_cotangents(one, other) for one, other in zip(total, contribution, strict=True)]
    return operations.add(total, contribution)


def seed(output: Array, cotangent: Any, operation: str) -> Array:
    """Return the cotangent with which a walk from ``output`` starts: the given one, or 1."""
    if output.dtype.kind not in "fc":
        raise NotDifferentiableError(
            f"{operation}: expected a floating or complex output, got {output.aval}: "
            "integers and booleans have no derivative"
        )
    if cotangent is None:
        if output.size != 1:
            raise ShapeError(
                f"{operation}: expected an output with one element, got shape {output.shape}. "
                "Reduce it (a sum, a mean), give a cotangent of its shape, or ask for a jacobian"
            )
        ones: Array = operations.ones_like(output)
        return ones
    return fitted(cotangent, output, f"{operation}: expected a cotangent of the output's")


def fitted(given: Any, like: Array, expected: str) -> Array:
    """Return a copy of ``given`` as an Array of the shape and dtype of ``like``, or raise in the words ``expected``."""
    try:
        one = array(given)  # a copy: it may become the gradient itself
    except DTypeError:
        raise DTypeError(f"{expected} shape {like.shape}, got {type(given).__name__}") from None
    if one.shape != like.shape:
        raise ShapeError(f"{expected} shape {like.shape}, got {one.shape}")
    if one.dtype != like.dtype:
        if not np.can_cast(one.dtype, like.dtype, "same_kind"):
            raise DTypeError(f"{expected} dtype {like.dtype}, got {one.dtype}")
        one = operations.astype(one, like.dtype)
    return one


def accumulate_gradients(output: Array, cotangent: Any = None) -> None:
    """Add to the ``grad`` of each leaf the derivative of ``output`` by it: what ``Array.backward`` does."""
    reached = ancestors([output._node], stop=lambda node: node.owner is not None)
    leaves = [node for node in reached if node.owner is not None]
    if not leaves:
        raise NotDifferentiableError(
            "backward: this array does not depend on anything watched. "
            "Make an input with pullback.array(x, requires_grad=True), and mind no_grad and detach"
        )
    gradients = pull_back([output._node], [seed(output, cotangent, "backward")], leaves)
    # All is computed before anything is stored: an error leaves every grad as it was.
    for leaf, gradient in zip(leaves, gradients, strict=True):
        owner = leaf.owner() if leaf.owner is not None else None
        if owner is not None and gradient is not None:
            gradient = own(gradient)
            owner._grad = gradient if owner._grad is None else operations.add(owner._grad, gradient)


def own(gradient: Array) -> Array:
    """Return the gradient with memory of its own where its value is a view (of a broadcast, say)."""
    value = gradient._node.value
    if not gradient._node.watched and isinstance(value, np.ndarray) and value.base is not None:
        return Array(constant_node(np.array(value)))
    return gradient
