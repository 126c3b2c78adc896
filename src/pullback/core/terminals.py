"""The nodes at which a graph begins: inputs and constants."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.aval import Aval
from pullback.core.node import NO_PARAMS, Node
from pullback.core.primitive import Terminal

if TYPE_CHECKING:
    from pullback.core.array import Array

INPUT = Terminal("input", "A value that is given from outside; derivatives are asked by these.")
CONSTANT = Terminal("constant", "A value that no derivative is asked by.")


def constant_node(value: Any) -> Node:
    """A node for a value that is not watched."""
    return Node(CONSTANT, (), NO_PARAMS, value, False)


def leaf_node(value: Any, owner: weakref.ref[Array] | None = None, name: str | None = None, weak: bool = False) -> Node:
    """A watched node with a value: what a derivative is asked by."""
    return Node(INPUT, (), NO_PARAMS, value, True, name=name, owner=owner, weak=weak)


def input_node(aval: Aval | None, name: str | None = None, weak: bool = False) -> Node:
    """A watched node without a value: an input of a graph that is being traced."""
    return Node(INPUT, (), NO_PARAMS, None, True, aval=aval, name=name, weak=weak)


def scalar_node(value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Node:
    """A constant that is one number all over ``shape``: a view with strides 0, no memory of that size."""
    scalar = np.array(value, dtype)
    if shape:
        scalar.flags.writeable = False
        scalar = np.ndarray(shape, dtype, scalar, 0, (0,) * len(shape))
    return constant_node(scalar)
