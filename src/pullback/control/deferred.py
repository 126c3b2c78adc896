"""Derivatives that are taken when a graph runs: of loops whose number of steps is not known before.

The number of arrays that the pullback of such a loop uses is not known either, so it cannot be written as a graph of
arrays. It is a node that holds what is to be differentiated, and differentiates it with the values that it is given.
Differentiated again it is such a node again, so that every order is had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pullback.control.bodies import Body, replay
from pullback.control.derived import Flags, batched, chosen, over_batch, present, spread, zeros
from pullback.control.held import Holding
from pullback.core.array import Array
from pullback.core.aval import Aval, TupleAval
from pullback.core.operations import operations
from pullback.core.primitive import Params
from pullback.core.state import record
from pullback.core.terminals import constant_node, leaf_node
from pullback.dtypes import is_differentiable
from pullback.transforms.backward import pull_back
from pullback.transforms.forward import push_forward


class Map:
    """A function of arrays that can be differentiated when it is called with values."""

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """The results."""
        raise NotImplementedError

    def avals(self, inputs: Sequence[Aval]) -> list[Aval]:
        """Of the results."""
        raise NotImplementedError

    def over(self, size: int) -> Map:
        """The same for all members of a batch, which is axis 0 of every argument and every result."""
        raise NotImplementedError


@dataclass(frozen=True)
class Held(Map):
    """What a body computes."""

    body: Body

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """Run it."""
        return replay(self.body, arrays)

    def avals(self, inputs: Sequence[Aval]) -> list[Aval]:
        """Of its outputs."""
        return [node.array_aval for node in self.body.outputs]

    def over(self, size: int) -> Map:
        """The body for all members."""
        everything = (True,) * len(self.body.inputs), (True,) * len(self.body.outputs)
        return Held(batched(self.body, everything[0], size, everything[1])[0])


@dataclass(frozen=True)
class Pulled(Map):
    """The pullback of a map: from its arguments and cotangents of ``active`` results to those of wanted arguments."""

    inner: Map
    wanted: Flags
    active: Flags

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """Run the map, and walk back over it."""
        count = len(self.wanted)
        found = through(self.inner, arrays[:count], self.wanted, spread(self.active, arrays[count:]))
        return [
            zeros(x.aval) if one is None else one
            for x, one, flag in zip(arrays, found, self.wanted, strict=False)
            if flag
        ]

    def avals(self, inputs: Sequence[Aval]) -> list[Aval]:
        """Those of the wanted arguments."""
        return chosen(self.wanted, inputs[: len(self.wanted)])

    def over(self, size: int) -> Map:
        """The pullback of the map for all members."""
        return Pulled(self.inner.over(size), self.wanted, self.active)


@dataclass(frozen=True)
class Pushed(Map):
    """The pushforward of a map: from its arguments and the tangents of ``moving`` ones to those of its results."""

    inner: Map
    moving: Flags

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """Run the map, and walk along it."""
        count = len(self.moving)
        inputs = [fresh(x) if flag else x for x, flag in zip(arrays, self.moving, strict=False)]
        with record():
            outputs = self.inner(inputs)
        points = [x._node for x in chosen(self.moving, inputs)]
        found = push_forward([one._node for one in outputs], points, list(arrays[count:]))
        kept = zip(outputs, found, strict=True)
        return [zeros(x.aval) if one is None else one for x, one in kept if is_differentiable(x.dtype)]

    def avals(self, inputs: Sequence[Aval]) -> list[Aval]:
        """Those of the results that have derivatives."""
        found = self.inner.avals(inputs[: len(self.moving)])
        return [aval for aval in found if is_differentiable(aval.dtype)]

    def over(self, size: int) -> Map:
        """The pushforward of the map for all members."""
        return Pushed(self.inner.over(size), self.moving)


def fresh(x: Array) -> Array:
    """A node of its own with the value of ``x``: what a derivative is asked by, and stops at."""
    if x._node.watched:
        inner: Array = operations.identity(x)
        return inner
    return Array(leaf_node(x._node.value))


def through(
    f: Callable[[list[Array]], Sequence[Array]], inputs: Sequence[Array], wanted: Sequence[bool], ct: Sequence[Any]
) -> list[Array | None]:
    """Run ``f`` on the inputs, and pull the cotangents of its results back to those that are wanted."""
    with record():
        points = [fresh(x) if flag else x for x, flag in zip(inputs, wanted, strict=True)]
        outputs = f(points)
        nodes = [x._node for x in chosen(wanted, points)]
        return spread(wanted, pull_back([one._node for one in outputs], list(ct), nodes))


def _run(*values: Any, map: Map) -> tuple[Any, ...]:
    """Take a derivative of a loop that says itself how many steps it makes."""
    found = map([Array(constant_node(value)) for value in values])
    return tuple(one._node.value for one in found)


class Deferred(Holding):
    """Inputs: the arguments of a map. Results: those of the map."""

    def bodies(self, inputs: Sequence[Any], params: Params) -> list[Any]:
        """None that is run on the inputs as they are."""
        return []

    def infer_aval(self, inputs: Sequence[Any], params: Params) -> Aval | TupleAval:
        """What the map says."""
        return tuple(params["map"].avals(inputs))

    def bind(self, inputs: Sequence[Array], params: Params) -> tuple[Array, ...]:
        """Apply; the map itself where there are values, so that it records what can be differentiated."""
        if all(x._node.value is not None for x in inputs):
            return tuple(params["map"](inputs))
        return super().bind(inputs, params)

    def vjp(
        self, ct: Any, out: Array, inputs: Sequence[Array], wanted: Sequence[bool], params: Params
    ) -> list[Array | None]:
        """The pullback of the map."""
        pulled = Pulled(params["map"], tuple(wanted), present(ct))
        found = self.bind([*inputs, *(one for one in ct if one is not None)], {"map": pulled})
        return spread(wanted, found)

    def jvp(self, tangents: Sequence[Any], out: Array, inputs: Sequence[Array], params: Params) -> Any:
        """The pushforward of the map."""
        pushed = Pushed(params["map"], present(tangents))
        found = self.bind([*inputs, *(one for one in tangents if one is not None)], {"map": pushed})
        avals: Any = self.infer_aval([x.aval for x in inputs], params)
        return spread([is_differentiable(aval.dtype) for aval in avals], found)

    def batch(self, flags: Sequence[bool], inputs: Sequence[Array], params: Params) -> Any:
        """The map for all members."""
        size = next(x.shape[0] for x, flag in zip(inputs, flags, strict=True) if flag)
        everywhere = [x if flag else over_batch(x, size) for x, flag in zip(inputs, flags, strict=True)]
        return self.bind(everywhere, {"map": params["map"].over(size)})


deferred = Deferred(_run, name="deferred")
