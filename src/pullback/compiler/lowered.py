"""What a graph is lowered to: native functions, calls of the host between them, and what they are given."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np

from pullback.compiler import cache
from pullback.compiler.views import View
from pullback.core.aval import Aval
from pullback.core.node import Node


@dataclass(frozen=True)
class HostCall:
    """A call of the host between two native parts: the node's NumPy meaning.

    Attributes:
        node: what is computed.
        operands: where its inputs are: views, or the numbers of results of other host calls.
        number: of its result among those of host calls.
    """

    node: Node
    operands: tuple[View | int, ...]
    number: int


@dataclass(frozen=True)
class Part:
    """One part of a native function: what a report names.

    ``depth`` counts the loops and branches that it is in; ``steps`` says how many steps it has, 0 for who knows.
    """

    kind: str
    nodes: tuple[str, ...]
    nbytes: int
    flops: int
    depth: int = 0
    steps: int = 1


@dataclass
class Lowered:
    """What a graph became.

    Attributes:
        avals: of the outputs.
        checks: how many of the last outputs say that what was computed is right.
        in_place: outputs that are written where an input was: positions of both.
        steps: how many parts each of these native functions has; 0 for a call of the host.
        sequence: names of native functions, and calls of the host, in order.
        object_code: of the native functions.
        text: what it was made from; empty where it comes from the cache.
        slots: the number of pointers that native functions are given.
        inputs, outputs, hosts: the first slot of each kind.
        constants: arrays whose addresses go into slots, each with its slot.
        routines: what the code calls or reads elsewhere in the process, each with the slot of its address.
        arena_size: bytes.
        outputs_of_host: outputs that a host call gives, each with the number of its result.
        functions: the mathematical functions that the code calls: symbol, name, kind and lanes.
        parts: kernels and products.
    """

    avals: list[Aval]
    checks: int = 0
    in_place: dict[int, int] = field(default_factory=dict)
    sequence: list[str | HostCall] = field(default_factory=list)
    object_code: bytes = b""
    text: str = ""
    steps: list[int] = field(default_factory=list)
    slots: int = 0
    outputs: int = 0
    hosts: int = 0
    arena: int = 0
    constants: list[tuple[int, np.ndarray[Any, Any]]] = field(default_factory=list)
    routines: list[tuple[int, str]] = field(default_factory=list)
    arena_size: int = 0
    outputs_of_host: dict[int, int] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    functions: list[tuple[str, str, str, int]] = field(default_factory=list)

    @property
    def work(self) -> float:
        """How much there is to do: bytes moved and operations of products; infinite where nobody knows."""
        if not all(part.steps for part in self.parts):
            return math.inf
        return sum(part.nbytes + part.flops for part in self.parts if part.depth == 0)


_PLAIN = ("checks", "sequence", "steps", "slots", "outputs", "hosts", "arena", "arena_size", "routines", "functions")


def packed(lowered: Lowered) -> bytes:
    """The description of native code, and the code, for the cache."""
    description = {name: getattr(lowered, name) for name in _PLAIN}
    description["in_place"] = list(lowered.in_place.items())
    description["avals"] = [[aval.shape, aval.dtype.str] for aval in lowered.avals]
    description["parts"] = [astuple(one) for one in lowered.parts]
    description["constants"] = [[slot, array.shape, array.dtype.str] for slot, array in lowered.constants]
    return cache.pack(description, [lowered.object_code, *[array.tobytes() for _, array in lowered.constants]])


def unpacked(data: bytes) -> Lowered:
    """What ``packed`` was given."""
    description, (object_code, *blobs) = cache.unpack(data)
    avals = [Aval(tuple(shape), np.dtype(dtype)) for shape, dtype in description["avals"]]
    lowered = Lowered(avals, object_code=object_code, **{name: description[name] for name in _PLAIN})
    lowered.in_place = dict(description["in_place"])
    lowered.parts = [Part(kind, tuple(nodes), *rest) for kind, nodes, *rest in description["parts"]]
    lowered.constants = [
        (slot, np.frombuffer(blob, dtype).reshape(shape))
        for (slot, shape, dtype), blob in zip(description["constants"], blobs, strict=True)
    ]
    return lowered
