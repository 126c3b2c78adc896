"""Nodes with several results, and picking one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.core.array import Array
from pullback.core.aval import Aval, TupleAval
from pullback.core.primitive import Params, Primitive
from pullback.core.record import apply
from pullback.core.state import record
from pullback.core.terminals import constant_node


class Item(Primitive):
    """Pick one result of a node that has several. Made by the library, never by a user's call."""

    family = "item"

    def pick(self, several: Array, index: int) -> Array:
        """Return the result at ``index`` of the primitive that ``several`` is the tuple of results of."""
        with record():  # what is not recorded has no tuple-valued node in the first place
            return apply(self, (several._node,), {"index": index})

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> Aval | TupleAval:
        """The aval of the one that is picked."""
        aval: Aval = inputs[0][params["index"]]
        return aval

    def vjp(self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params) -> list[Any]:
        """The cotangent at its place among zeros."""
        count = len(inputs[0]._node.aval)
        return [[ct if i == params["index"] else None for i in range(count)]]

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Array | None:
        """The tangent that belongs to the one that is picked; a rule may have left it to be computed here."""
        tangent = tangents[0][params["index"]] if tangents[0] is not None else None
        found: Array | None = tangent() if callable(tangent) else tangent
        return found

    def batch(self, batched: Sequence[bool], inputs: Sequence[Any], params: Params) -> Array:
        """Pick from the results for the batch, which a batching rule gives as a tuple."""
        picked: Array = inputs[0][params["index"]]
        return picked

    def missing(self) -> list[str]:
        """Nothing: it is tested through the primitives that have several results."""
        return []


def _item(several: Any, *, index: int) -> Any:
    """Pick one result of a node that has several."""
    return several[index]


item = Item(_item, name="item")


def has_several(x: Array) -> bool:
    """Whether the node of ``x`` has several results."""
    node = x._node
    return (node.aval if node.value is None else node.value).__class__ is tuple


def results(several: Array) -> tuple[Array, ...]:
    """Return a handle on each result of a node that has several."""
    value = several._node.value
    if value is not None and not several._node.watched:
        return tuple(Array(constant_node(one)) for one in value)
    return tuple(item.pick(several, i) for i in range(len(several._node.aval)))
