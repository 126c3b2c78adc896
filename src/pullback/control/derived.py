"""What is derived from a body: its pushforward, its pullback, itself over a batch. Each is a body again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pullback.control.bodies import Body, rebuild
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.graph import ancestors
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.terminals import CONSTANT, input_node, scalar_node
from pullback.dtypes import is_differentiable
from pullback.transforms.backward import pull_back
from pullback.transforms.forward import push_forward
from pullback.transforms.passes import merge_extended
from pullback.transforms.vectorize import batch_nodes

Flags = tuple[bool, ...]


def zeros(aval: Aval) -> Array:
    """An array of zeros that takes no memory of that size."""
    return Array(scalar_node(0, aval.shape, aval.dtype))


def chosen(flags: Sequence[bool], items: Iterable[Any]) -> list[Any]:
    """The items whose flag is set."""
    return [item for flag, item in zip(flags, items, strict=True) if flag]


def spread(flags: Sequence[bool], items: Iterable[Any]) -> list[Any]:
    """Put one item at each flag that is set, None at the others."""
    rest = iter(items)
    return [next(rest) if flag else None for flag in flags]


def present(items: Iterable[Any]) -> Flags:
    """Which of the items are not None."""
    return tuple(item is not None for item in items)


def either(one: Sequence[bool], other: Sequence[bool]) -> Flags:
    """Which flags are set in one of the two."""
    return tuple(a or b for a, b in zip(one, other, strict=True))


def differentiable(body: Body, positions: Sequence[bool]) -> Flags:
    """Those of the inputs at ``positions`` whose dtype carries derivatives."""
    return tuple(
        flag and is_differentiable(node.array_aval.dtype) for flag, node in zip(positions, body.inputs, strict=True)
    )


# Forward ------------------------------------------------------------------------------------------------------------


def pushed(body: Body, flags: Flags, full: Flags | None = None) -> tuple[Body, Flags]:
    """The body that gives, after the outputs, the tangents of those that have one, and which these are.

    Args:
        body: what is differentiated.
        flags: which inputs have a tangent; these are further inputs, after those of the body.
        full: outputs that are to have a tangent in any case.
    """
    return body.derive(("pushed", flags, full), lambda: _pushed(body, flags, full))


def _pushed(body: Body, flags: Flags, full: Flags | None) -> tuple[Body, Flags]:
    names = body.names
    arriving = [input_node(node.array_aval, f"d{names[node]}") for node in chosen(flags, body.inputs)]
    found = push_forward(body.outputs, chosen(flags, body.inputs), [Array(node) for node in arriving])
    found = _filled(found, full, body.outputs)
    inputs, outputs = [*body.inputs, *arriving], [*body.outputs, *(one._node for one in found if one is not None)]
    return Body(f"jvp({body.name})", inputs, outputs), present(found)


def tangents(body: Body, flags: Flags, full: Flags | None = None) -> tuple[Body, Flags]:
    """As ``pushed``, without the outputs themselves."""
    wide, given = pushed(body, flags, full)
    count = len(body.outputs)
    return wide.derive("tangents", lambda: Body(wide.name, wide.inputs, wide.outputs[count:])), given


def _filled(found: Sequence[Array | None], full: Flags | None, like: Sequence[Node]) -> list[Array | None]:
    if full is None:
        return list(found)
    return [
        zeros(node.array_aval) if one is None and wanted else one
        for one, wanted, node in zip(found, full, like, strict=True)
    ]


# Reverse ------------------------------------------------------------------------------------------------------------


@dataclass
class Pulled:
    """The nodes of a body and of its pullback together.

    Attributes:
        cotangents: an input for the cotangent of each active output.
        found: the cotangent of each wanted input, None where it is zero.
    """

    cotangents: list[Node]
    found: list[Array | None]


def _pulled_nodes(body: Body, wanted: Flags, active: Flags) -> Pulled:
    cotangents = [
        input_node(node.array_aval, f"ct_{body.output_name(i)}")
        for i, (node, flag) in enumerate(zip(body.outputs, active, strict=True))
        if flag
    ]
    arriving = [None if ct is None else Array(ct) for ct in spread(active, cotangents)]
    return Pulled(cotangents, pull_back(body.outputs, arriving, chosen(wanted, body.inputs)))


def pulled(body: Body, wanted: Flags, active: Flags, full: Flags | None = None) -> tuple[Body, Flags]:
    """The body that gives the cotangents of the wanted inputs, and which of all inputs it gives one for.

    It computes what it needs of the body again. Its inputs are those of the body, then the cotangents of the active
    outputs.

    Args:
        body: what is differentiated.
        wanted: the inputs whose cotangents are asked for.
        active: the outputs that have one.
        full: wanted inputs that are to have a cotangent in any case, be it zeros.
    """
    return body.derive(("pulled", wanted, active, full), lambda: _pulled(body, wanted, active, full))


def _pulled(body: Body, wanted: Flags, active: Flags, full: Flags | None) -> tuple[Body, Flags]:
    parts = _pulled_nodes(body, wanted, active)
    found = _filled(spread(wanted, parts.found), full, body.inputs)
    outputs = [one._node for one in found if one is not None]
    return Body(f"vjp({body.name})", [*body.inputs, *parts.cotangents], outputs), present(found)


@dataclass
class Split:
    """A body and its pullback as two bodies, the second of which uses what the first has saved.

    Attributes:
        forward: the body with what is saved as further outputs.
        invariant: gives, from the invariant inputs, further values that the pullback uses; they are saved once.
        needed: which of the known inputs of the body the pullback uses.
        backward: its inputs are the invariant values, the needed inputs, what was saved, the cotangents of the active
            outputs; its outputs the cotangents of the wanted inputs that have one.
        given: which inputs of the body these are.
    """

    forward: Body
    invariant: Body
    needed: Flags
    backward: Body
    given: Flags


def split(body: Body, wanted: Flags, active: Flags, fixed: Flags, known: Flags) -> Split:
    """Split the pullback of a body that a loop runs again and again.

    What is saved of each step is what the pullback uses of the body, and no more: the arrays that the rules multiply
    by (the cosine, of a sine), not the intermediates that they are computed from.

    Args:
        body: what is differentiated.
        wanted: the inputs whose cotangents are asked for.
        active: the outputs that have one.
        fixed: the inputs that are the same at every step.
        known: the inputs that need not be saved, because the loop still has them.
    """
    return body.derive(("split", wanted, active, fixed, known), lambda: _split(body, wanted, active, fixed, known))


# These cost little and may make an array larger: their operand is saved, and they are repeated.
_REPEATED = frozenset({"broadcast_to", "reshape", "permute", "conjugate"})


def _split(body: Body, wanted: Flags, active: Flags, fixed: Flags, known: Flags) -> Split:
    parts = _pulled_nodes(body, wanted, active)
    results = [one._node for one in parts.found if one is not None]
    order = ancestors(results)
    later = set(parts.cotangents)  # what depends on a cotangent
    for node in order:
        if any(source in later for source in node.inputs):
            later.add(node)
    varying = set(chosen([not flag for flag in fixed], body.inputs))
    for node in [*body.nodes, *order]:
        if any(source in varying for source in node.inputs):
            varying.add(node)
    # Walk from what the pullback uses to what has to be saved for it.
    boundary: set[Node] = set()
    inputs = set(body.inputs)
    held = set(chosen(known, body.inputs))
    waiting = [source for node in order if node in later for source in node.inputs if source not in later]
    waiting += [node for node in results if node not in later]
    seen: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node in seen or node.primitive is CONSTANT:
            continue
        seen.add(node)
        repeated = node.primitive.name in _REPEATED or not isinstance(node.aval, Aval)
        if node not in inputs and node in varying and repeated:
            waiting += node.inputs
        else:
            boundary.add(node)
    ordered = sorted(boundary - held, key=lambda node: node.index)
    saved = [node for node in ordered if node in varying]
    once = [node for node in ordered if node not in varying]
    replaced = {node: input_node(node.array_aval, node.name) for node in (*once, *saved)}
    copies = rebuild(results, replaced)
    needed = tuple(node in boundary and node in held for node in body.inputs)
    again = chosen(needed, body.inputs)
    steps = [replaced[node] for node in once], again, [replaced[node] for node in saved], parts.cotangents
    forward = Body(body.name, body.inputs, merge_extended([*body.outputs, *saved]))
    forward.extends, forward.quiet = body, body.quiet
    return Split(
        forward=forward,
        invariant=Body(body.name, chosen(fixed, body.inputs), once),
        needed=needed,
        backward=Body(
            f"vjp({body.name})", [node for group in steps for node in group], [copies[one] for one in results]
        ),
        given=tuple(one is not None for one in spread(wanted, parts.found)),
    )


def trimmed(bodies: Sequence[Body], inputs: Sequence[Array]) -> tuple[tuple[Body, ...], list[Array]]:
    """Bodies that have the same inputs without those that none of them uses, and what is given for the others."""
    used = set[int]().union(*(one for body in bodies for one in body.uses))
    keep = tuple(i in used for i in range(len(inputs)))
    if all(keep):
        return tuple(bodies), list(inputs)
    smaller = tuple(
        body.derive(("trimmed", keep), partial(Body, body.name, chosen(keep, body.inputs), body.outputs))
        for body in bodies
    )
    return smaller, chosen(keep, inputs)


# Over a batch -------------------------------------------------------------------------------------------------------


def batched(body: Body, flags: Flags, size: int, full: Flags | None = None) -> tuple[Body, Flags]:
    """The body for all members of a batch, and which of its outputs differ between them; their axis 0 is the batch.

    Args:
        body: what each member computes.
        flags: which inputs have the batch as their axis 0.
        size: the number of members.
        full: outputs that are to have the axis in any case.
    """
    return body.derive(("batched", flags, size, full), lambda: _batched(body, flags, size, full))


def _batched(body: Body, flags: Flags, size: int, full: Flags | None) -> tuple[Body, Flags]:
    inputs = list(body.inputs)
    given: dict[Node, Array] = {}
    for i, node in enumerate(body.inputs):
        if flags[i]:
            aval = node.array_aval
            inputs[i] = input_node(Aval((size, *aval.shape), aval.dtype), node.name)
            given[node] = Array(inputs[i])
    found = batch_nodes(body.outputs, given) if given else {}
    outputs = []
    differs = []
    for i, node in enumerate(body.outputs):
        one = found.get(node)
        if one is None and full is not None and full[i]:
            one = over_batch(Array(node), size)
        differs.append(one is not None)
        outputs.append(node if one is None else one._node)
    wide = Body(f"vmap({body.name})", inputs, outputs)
    wide.quiet = body.quiet
    return wide, tuple(differs)


def over_batch(x: Array, size: int) -> Array:
    """Repeat along a new axis 0."""
    repeated: Array = operations.broadcast_to(x, (size, *x.shape))
    return repeated
