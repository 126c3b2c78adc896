"""Parameters bound to programs: whose value may be overwritten where it lies.

A Parameter's value is an array that its node holds. A program may write into it only if nobody else sees it: no view,
no recorded operation, no handle. CPython counts who holds an object, and so the entry to a program can tell from the
two counts, and from the Parameter's slot, whether all is as it was when the Parameter was bound.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import weakref
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.parameter import Parameter

_HELD = 2
"""Who holds the node of a bound Parameter: the Parameter and the binding; its value: the node and the binding."""


class Binding:
    """A Parameter with the node and the value that it had when it was bound.

    Attributes:
        value: the array whose memory programs read and write.
        valid: one word, 1 as long as the binding keeps node and value alive; who looks at it must keep it.
    """

    def __init__(self, parameter: Parameter) -> None:
        self._node = parameter._held
        self.value: np.ndarray[Any, Any] = self._node.value
        self.valid = np.ones(1, np.int64)
        self._slot = id(parameter) + slot_offset(Parameter, "_held")

    def is_current(self, parameter: Parameter) -> bool:
        """Whether the Parameter still holds what was bound."""
        return parameter._held is self._node

    def guards(self, written: bool) -> list[tuple[int, int]]:
        """Words of memory, each with what must be there: read in this order, each is there if those before fit."""
        found = [(self.valid.ctypes.data, 1), (self._slot, id(self._node))]
        if written:
            found += [(id(self._node), _HELD), (id(self.value), _HELD)]
        return found

    def is_exclusive(self) -> bool:
        """Whether nobody else holds the value."""
        words = self.guards(written=True)  # numbers only: whoever looks at the objects holds them
        return all(ctypes.c_int64.from_address(address).value == wanted for address, wanted in words)

    def end(self) -> None:
        """Let go of node and value; entries that know of them do not look at them any more."""
        self.valid[0] = 0


_bindings: dict[int, Binding] = {}


def bind(parameter: Parameter) -> Binding | None:
    """Return the binding of the Parameter as it is now; None for a value that native code does not read as it lies."""
    key = id(parameter)
    known = _bindings.get(key)
    if known is not None:
        if known.is_current(parameter):
            return known
        known.end()
    value = parameter._held.value
    if type(value) is not np.ndarray or not (
        value.flags.c_contiguous and value.flags.aligned and value.flags.writeable
    ):
        return None
    if known is None:
        weakref.finalize(parameter, _forget, key)
    binding = _bindings[key] = Binding(parameter)
    return binding


def _forget(key: int) -> None:
    binding = _bindings.pop(key, None)
    if binding is not None:
        binding.end()


@functools.cache
def slot_offset(owner: type, name: str) -> int:
    """Where in an object of a class with slots the pointer to an attribute lies, in bytes."""
    descriptor = vars(owner)[name]
    member = ctypes.c_int64.from_address(id(descriptor) + 40).value  # PyMemberDescrObject.d_member
    return ctypes.c_int64.from_address(member + 16).value  # PyMemberDef.offset


def available() -> bool:
    """Whether slots of Parameters lie where they are expected: checked on a real one."""
    if sys.implementation.name != "cpython":
        return False
    one = Parameter(1.0)
    one._held_grad = Array(one._held)
    return all(
        ctypes.c_int64.from_address(id(one) + slot_offset(Parameter, name)).value == id(getattr(one, name))
        for name in ("_held", "_held_grad", "trainable")
    )
