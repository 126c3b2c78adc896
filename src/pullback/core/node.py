"""A node: one use of a primitive, and the value it produces."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from itertools import count
from types import CodeType, MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.aval import Aval, TupleAval, aval_of
from pullback.core.origin import Derived, Origin, as_shown
from pullback.core.state import Scope, recording

if TYPE_CHECKING:
    from pullback.core.array import Array
    from pullback.core.primitive import Primitive

NO_PARAMS: Mapping[str, Any] = MappingProxyType({})
_next_index = count().__next__


class Node:
    """One use of a primitive, and the value it produces. Immutable once whoever makes it has handed it out.

    Attributes:
        primitive: the operation.
        inputs: the nodes whose values it uses, each use an edge of the graph.
        params: the primitive's static keywords.
        value: the NumPy value, or None while a function is only being traced. A tuple for a primitive that has
            several results.
        watched: whether a derivative may be asked through this node: it is an input, or depends on one.
        name: the name in the user's source, if it has one; names in a graph are unique, see ``Graph.names``.
        index: the place in the order of creation. Inputs are made before what uses them, so sorting nodes by
            index sorts them topologically.
        weak: whether it stands for a Python number, which takes the dtype of the arrays that it meets (NEP 50).
        scope: the call of a module that it was made in, None outside of any.
        verified: whether it was found well formed, by itself, when a graph was made of it.
        owner: a weak reference to the array whose ``grad`` a backward pass fills (leaves with requires_grad only).
    """

    __slots__ = (
        "__weakref__",
        "_aval",
        "_origin",
        "index",
        "inputs",
        "name",
        "owner",
        "params",
        "primitive",
        "scope",
        "value",
        "verified",
        "watched",
        "weak",
    )

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Node, ...],
        params: Mapping[str, Any],
        value: Any,
        watched: bool,
        origin: tuple[CodeType, int] | Origin | Derived | None = None,
        aval: Aval | TupleAval | None = None,
        name: str | None = None,
        owner: weakref.ref[Array] | None = None,
        weak: bool = False,
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.value = value
        self.watched = watched
        self.index = _next_index()
        self.name = name
        self.owner = owner
        self.weak = weak
        self.verified = False
        self.scope: Scope | None = recording.scope
        self._origin = origin
        self._aval = aval

    def remade(self, inputs: tuple[Node, ...]) -> Node:
        """The same use of the same primitive, of other inputs. Graphs are made of these, so it takes the short way."""
        other = Node.__new__(Node)
        other.primitive = self.primitive
        other.inputs = inputs
        other.params = self.params
        other.value = None
        other.watched = True
        other.index = _next_index()
        other.name = self.name
        other.owner = None
        other.weak = False
        other.verified = False
        other.scope = self.scope
        other._origin = self._origin
        other._aval = self.aval
        return other

    @property
    def aval(self) -> Aval | TupleAval:
        """Shape and dtype of the value. A node of an expression that has not been given values has none yet."""
        if self._aval is None:
            if self.value is None:
                raise AttributeError("this node belongs to an expression without values: it has no shape yet")
            self._aval = aval_of(self.value)
        return self._aval

    @property
    def array_aval(self) -> Aval:
        """The aval of a node that has a single result."""
        aval = self._aval
        if aval.__class__ is Aval:  # as it mostly is where it is asked often, while compiling
            return aval
        aval = self.aval
        assert isinstance(aval, Aval), f"{self.primitive.name} has several results"
        return aval

    @property
    def origin(self) -> Origin | Derived | None:
        """Where in the user's code the node was made, or which pass made it from what."""
        return as_shown(self._origin)

    def __repr__(self) -> str:
        label = f" {self.name}" if self.name else ""
        try:
            return f"<Node{label}: {self.primitive.name} {self.aval}>"
        except AttributeError:
            return f"<Node{label}: {self.primitive.name}>"

    def __copy__(self) -> Node:
        return self  # immutable

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return self  # immutable


def as_value(value: Any) -> np.ndarray[Any, Any] | np.generic:
    """Return what a primitive computed as a NumPy array or scalar."""
    return value if isinstance(value, (np.ndarray, np.generic)) else np.asarray(value)


def is_finite(value: Any) -> bool:
    """Whether all numbers of a value are finite; of several results, of each."""
    if value is None:
        return True
    if isinstance(value, tuple):
        return all(map(is_finite, value))
    return value.dtype.kind not in "fc" or bool(np.isfinite(value).all())
