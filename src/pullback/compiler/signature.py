"""The signature of a call: what decides which program runs it.

Arrays and Python's floating and complex numbers are traced: their shape and dtype belong to the signature, their value
does not. Everything else is static: integers, booleans, strings, None by value, also in containers that are static by
their name; functions, modules and Parameters by identity.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import optree

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.parameter import Parameter
from pullback.core.record import python_type
from pullback.dtypes import is_number, means_otherwise, native
from pullback.errors import DTypeError

BY_VALUE = (int, bool, str, bytes, type(None), np.dtype, type)


class Call:
    """The arguments of one call, taken apart.

    Attributes:
        key: what programs are found by.
        leaves: every leaf of the arguments.
        structure: how they are put together.
        traced: the positions of the leaves that are inputs of the graph.
        held: what the key knows by identity, to be kept alive as long as the key.
        names: of the keywords, sorted: their leaves come last, in this order.
    """

    __slots__ = ("held", "key", "leaves", "names", "structure", "traced")

    def __init__(self, args: Sequence[Any], keywords: Mapping[str, Any], static: frozenset[str | int]) -> None:
        given: Any = (tuple(args), dict(keywords))
        if static:
            given = (
                tuple(Static(arg) if i in static else arg for i, arg in enumerate(args)),
                {name: Static(arg) if name in static else arg for name, arg in keywords.items()},
            )
        self.names = tuple(sorted(keywords))
        self.leaves, self.structure = flatten_call(given)
        self.traced: list[int] = []
        self.held: list[Any] = []
        self.key = (self.structure, *[self._part(i, leaf) for i, leaf in enumerate(self.leaves)])

    def _part(self, position: int, leaf: Any) -> Any:
        aval = None if isinstance(leaf, Parameter) else aval_of_leaf(leaf)
        if aval is not None:
            self.traced.append(position)
            return (*aval, is_weak(leaf), isinstance(leaf, Array))
        return self._static(leaf.value if isinstance(leaf, Static) else leaf)

    def _static(self, value: Any) -> Any:
        kind = type(value)
        if kind in (tuple, list):
            return (kind, *map(self._static, value))
        if kind is dict:
            return (kind, *[(self._static(key), self._static(one)) for key, one in value.items()])
        if isinstance(value, (float, complex)):
            return (kind, repr(value))  # -0.0 is not 0.0, nan is nan
        if isinstance(value, BY_VALUE):
            return (kind, value)
        self.held.append(value)
        return (kind, id(value))

    def filled(self, arrays: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with ``arrays`` in the places of the leaves that are traced."""
        return tree.unflatten(self.structure, self.leaves_with(arrays))

    def leaves_with(self, arrays: Sequence[Any]) -> list[Any]:
        """The leaves of these."""
        leaves = [leaf.value if isinstance(leaf, Static) else leaf for leaf in self.leaves]
        for position, array in zip(self.traced, arrays, strict=True):
            leaves[position] = array
        return leaves


class Static:
    """An argument that is static by its name, whatever it is."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _is_opaque(value: Any) -> bool:
    # None and what can be called (functions, modules) are leaves, though some of them could be taken apart.
    return value is None or callable(value)


def flatten_call(given: Any, whole: Collection[int] = ()) -> tuple[list[Any], Any]:
    """Take the arguments of a call, ``(args, keywords)``, apart into leaves and their structure.

    Objects that have their id in ``whole`` are leaves.
    """
    is_leaf = (lambda value: id(value) in whole or _is_opaque(value)) if whole else _is_opaque
    while True:
        leaves, structure = optree.tree_flatten(given, is_leaf=is_leaf, namespace=tree.NAMESPACE)
        if not tree.register_dataclasses([leaf for leaf in leaves if not callable(leaf)]):
            return leaves, structure


def aval_of_leaf(leaf: Any) -> Aval | None:
    """The aval of what is traced, None for what is static."""
    if isinstance(leaf, Array):
        return leaf.aval
    if isinstance(leaf, (np.ndarray, np.generic)):
        if means_otherwise(leaf) or not is_number(leaf.dtype):
            raise DTypeError(f"compile: expected plain arrays of numbers, got {type(leaf).__name__} of {leaf.dtype}")
        return Aval(leaf.shape, native(leaf.dtype))
    if isinstance(leaf, (float, complex)):
        return Aval((), np.dtype(type(leaf + 0)))
    return None


def is_weak(leaf: Any) -> bool:
    """Whether the leaf is a Python number, or stands for one."""
    return type(leaf) in (float, complex) or python_type(leaf) is not None
