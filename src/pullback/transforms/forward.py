"""Forward mode: walk left to right and push tangents along, by the same local partials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.creation import asarray
from pullback.core.node import Node
from pullback.core.state import record
from pullback.transforms.backward import Region, carries, pull_back


def push_forward(
    outputs: Sequence[Node],
    inputs: Sequence[Node],
    tangents: Sequence[Any],
    region: Region | None = None,
    detours: bool = True,
) -> list[Array | None]:
    """Return the tangent of each output, None where it is zero because nothing connects it.

    Args:
        outputs: where the walk ends.
        inputs: where it starts.
        tangents: the direction, one for each input; None for zero.
        region: the nodes between them, if a caller that walks several times has it already.
        detours: whether formulas that lose their derivative's digits are walked in a stable form.
    """
    region = region or Region(outputs, inputs)
    reached: dict[Node, Any] = {
        node: tangent for node, tangent in zip(inputs, tangents, strict=True) if tangent is not None
    }
    with record(), np.errstate(all="ignore"):
        for node in region.order:
            if not carries(node):
                continue  # not recorded where values are known, but there in a graph that is traced
            arriving = [reached.get(source) for source in node.inputs]
            if all(tangent is None for tangent in arriving):
                continue
            detour = region.detour(node) if detours else None
            if detour is not None:
                along = [reached.get(source) for source in detour.sources]
                (tangent,) = push_forward([detour.result], detour.entries, along, detours=False)
                if tangent is not None:
                    reached[node] = tangent
                continue
            if node.primitive.looks_ahead:
                region.check_companions(node)
            handles = [region.handle(source) for source in node.inputs]
            tangent = node.primitive.jvp(arriving, region.handle(node), handles, node.params)
            if tangent is not None:
                reached[node] = tangent
    return [reached.get(node) for node in outputs]


def cotangent_slopes(
    outputs: Sequence[Node],
    cotangents: Sequence[Array | None],
    node: Node,
    directions: Sequence[Sequence[Any]],
    freeze: bool,
) -> list[list[Array | None]]:
    """Return how the cotangent of each of several results of ``node`` changes as these move in each direction.

    What else the outputs depend on is held. The part of the graph behind ``node`` is walked to the left, and what that
    computed to the right, once for each direction. With ``freeze`` the result is not watched.
    """
    with record():
        (ct,) = pull_back(outputs, cotangents, [node], keep=True)
        found: Sequence[Array | None] = list(ct) if ct is not None else []
        reached = [one._node for one in found if one is not None]
        region = Region(reached, [node], freeze=freeze)
        slopes = []
        for direction in directions:
            moving = [None if t is None else asarray(t) for t in direction]
            tangents = iter(push_forward(reached, [node], [moving], region))
            slopes.append([None if one is None else next(tangents) for one in found])
    return slopes
