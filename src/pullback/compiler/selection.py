"""Elements picked along one axis, one in each row, as a selection: a comparison of numbers, which loops can fuse.

``take_along_axis(x, labels[:, None], 1)``, the heart of a cross-entropy, is ``sum(where(arange(n) == labels, x, 0))``.
An index out of range raises where NumPy does: a program has a check for it beside its outputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.compiler.guards import with_checks
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.state import record
from pullback.core.terminals import CONSTANT, constant_node
from pullback.transforms.passes import remade, rewrite

LONGEST = 4096
"""The length of an axis up to which to look at every element of a row costs less than to leave the loop."""


def select_along_axes(graph: Graph) -> tuple[Graph, int]:
    """Return the graph with such picks as selections, and how many checks (boolean outputs) were added at its end."""
    checks: list[Node] = []

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if not isinstance(node.aval, Aval) or not node.aval.size:
            return None
        reader = _READERS[node.primitive.name]
        indices = inputs[reader:]
        x = inputs[0].array_aval
        position = _free_index(x.shape, indices, node.params["axes"])
        if position is None:
            return _within_range(node, inputs[:reader], indices, checks)
        axis = node.params["axes"][position]
        length = x.shape[axis]
        with record():
            index = Array(indices[position])
            wrapped = operations.where(index < 0, index + length, index)
            checks.append(operations.all(operations.logical_and(wrapped >= 0, wrapped < length))._node)
            # Numbers of rows fit 32 bits, and twice as many of these go into a vector.
            picked = operations.astype(wrapped, np.int32).reshape(_among(index.shape, x.ndim, node.params["axes"][0]))
            shape = [1] * x.ndim
            shape[axis] = length
            numbers = Array(constant_node(np.arange(length, dtype=np.int32).reshape(shape)))
            chosen = operations.equal(numbers, picked)
            arrays = [Array(one) for one in inputs[:reader]]
            zero = np.zeros((), x.dtype)
            if node.primitive.name == "gather":
                result = operations.sum(operations.where(chosen, arrays[0], zero), axis=axis, keepdims=True)
            elif node.primitive.name == "scatter_add":
                result = arrays[0] + operations.where(chosen, arrays[1], zero)
            else:
                result = operations.where(chosen, arrays[1], arrays[0])
        found: Node = result._node
        return found if found.aval == node.aval else None

    rewritten = rewrite(graph, rule, "select_along_axes", _READERS)
    return with_checks(rewritten, checks), len(checks)


def _within_range(node: Node, operands: tuple[Node, ...], indices: tuple[Node, ...], checks: list[Node]) -> Node | None:
    """The same with indices that count from the front, and that no other is left of: reading is safe before a check."""
    shape = operands[0].array_aval.shape
    if len(operands) > 1 and not operands[1].array_aval.size:
        return operands[0]
    if any(index.array_aval.dtype not in (np.int32, np.int64) for index in indices):
        return None
    found = []
    for index, axis in zip(indices, node.params["axes"], strict=True):
        length = shape[axis]
        value = index.value
        if index.primitive is CONSTANT:
            if np.min(value) < -length or np.max(value) >= length:
                return None  # it fails when it is run, as it does without being compiled
            found.append(index if np.min(value) >= 0 else constant_node(np.where(value < 0, value + length, value)))
            continue
        with record():
            given = Array(index)
            wrapped = operations.where(given < 0, given + length, given)
            checks.append(operations.all(operations.logical_and(wrapped >= 0, wrapped < length))._node)
            found.append(operations.minimum(operations.maximum(wrapped, 0), length - 1)._node)
    inputs = (*operands, *found)
    return None if inputs == node.inputs else remade(node, inputs)


_READERS = {"gather": 1, "scatter_add": 2, "scatter_set": 2}
"""How many operands come before the indices."""


def _among(shape: tuple[int, ...], ndim: int, first: int) -> tuple[int, ...]:
    """The shape of indices among the axes of the array."""
    return (*[1] * first, *shape, *[1] * (ndim - first - len(shape)))


def _free_index(shape: tuple[int, ...], indices: tuple[Node, ...], axes: tuple[int, ...]) -> int | None:
    """Which index is no running number, if it is one only, and it picks one element from each row."""
    if axes != tuple(range(axes[0], axes[0] + len(axes))):
        return None
    lengths = indices[0].array_aval.shape
    if len(lengths) != len(axes):
        return None
    free = [i for i in range(len(axes)) if not _is_running(indices[i], i, shape[axes[i]])]
    if len(free) != 1 or lengths[free[0]] != 1 or shape[axes[free[0]]] > LONGEST:
        return None
    return free[0]


def _is_running(index: Node, axis: int, length: int) -> bool:
    """Whether the index is 0, 1, 2, ... along its own axis, and so leaves that axis as it is."""
    while index.primitive.name == "broadcast_to":
        index = index.inputs[0]
    value: Any = index.value
    if index.primitive is not CONSTANT or value.shape[axis : axis + 1] != (length,):
        return False
    numbers = np.arange(length).reshape([length if i == axis else 1 for i in range(value.ndim)])
    return bool(np.all(value == numbers))
