"""Local partials: the derivative along one edge, with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.families import Pointwise
from pullback.core.node import Node
from pullback.core.terminals import constant_node
from pullback.errors import NotDifferentiableError, ShapeError

LIMIT = 1_000_000
"""The largest Jacobian, in elements, that is laid out for one edge."""


def local_partial(target: Node, source: Node) -> Any:
    """Return the derivative of ``target`` by ``source`` along the edges between them, for nodes that have values.

    Between numbers it is a number. Of an elementwise operation it is the elementwise partial, of the target's shape;
    of any other the Jacobian, of shape ``target.shape + source.shape``.

    Raises:
        NotDifferentiableError: one of the two has several results.
        ShapeError: the Jacobian would have more than a million elements.
    """
    if not isinstance(target.aval, Aval) or not isinstance(source.aval, Aval):
        several = target if not isinstance(target.aval, Aval) else source
        raise NotDifferentiableError(f"partials: {several.primitive.name} has several results: no single partial")
    with np.errstate(all="ignore"):
        return _elementwise(target, source) if isinstance(target.primitive, Pointwise) else _jacobian(target, source)


def pulled(target: Node, arrived: Any, wanted: Sequence[bool]) -> list[Any]:
    """Return what arrives at each distinct operand when ``arrived`` does at ``target``, for nodes that have values.

    None for operands that are not wanted, that nothing arrives at, and that have several results.
    """
    out, inputs = _handles(target)
    with np.errstate(all="ignore"):
        several = isinstance(arrived, tuple)
        ct = tuple(Array(constant_node(one)) for one in arrived) if several else Array(constant_node(arrived))
        given = target.primitive.vjp(ct, out, inputs, wanted, target.params)
    totals: dict[Node, Any] = dict.fromkeys(target.inputs)
    for source, one in zip(target.inputs, given, strict=True):
        if isinstance(one, Array):
            value = one.detach()._node.value
            totals[source] = value if totals[source] is None else totals[source] + value
    return [None if one is None else np.asarray(one) for one in totals.values()]


def _handles(target: Node) -> tuple[Array, list[Array]]:
    return Array(constant_node(target.value)), [Array(constant_node(node.value)) for node in target.inputs]


def _elementwise(target: Node, source: Node) -> Any:
    assert isinstance(target.primitive, Pointwise)
    out, inputs = _handles(target)
    total = np.zeros(out.shape, np.result_type(target.array_aval.dtype, source.array_aval.dtype))
    for thunk, node in zip(target.primitive.local_partials(out, inputs, target.params), target.inputs, strict=True):
        if node is source and thunk is not None:
            derivative = thunk()
            total = total + (derivative._node.value if isinstance(derivative, Array) else derivative)
    return np.asarray(total)


def _jacobian(target: Node, source: Node) -> Any:
    out, inputs = _handles(target)
    if out.size * inputs[target.inputs.index(source)].size > LIMIT:
        raise ShapeError(
            f"partials: the Jacobian of {target.primitive.name} from shape {source.array_aval.shape} to {out.shape} "
            f"would have more than {LIMIT:,} elements"
        )
    wanted = [node is source for node in target.inputs]
    jacobian = np.zeros((out.size, source.array_aval.size), np.result_type(out.dtype, source.array_aval.dtype))
    for row in range(out.size):
        unit = np.zeros(out.size, out.dtype)
        unit[row] = 1
        ct = Array(constant_node(unit.reshape(out.shape)))
        for contribution in target.primitive.vjp(ct, out, inputs, wanted, target.params):
            if contribution is not None:
                # The pullback of a complex map conjugates it.
                jacobian[row] += np.conjugate(np.asarray(contribution.detach()._node.value)).ravel()
    return jacobian.reshape(out.shape + source.array_aval.shape)
