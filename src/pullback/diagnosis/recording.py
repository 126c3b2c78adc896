"""Run a function with everything watched, and keep the graph with its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.creation import asarray
from pullback.core.graph import Graph, source_names
from pullback.core.node import Node
from pullback.core.record import python_type
from pullback.core.state import record
from pullback.core.terminals import leaf_node
from pullback.core.trace import argument_names
from pullback.dtypes import is_differentiable
from pullback.errors import DTypeError
from pullback.transforms.arguments import is_value, wrap


def record_call(
    operation: str, function: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]
) -> Graph:
    """Call ``function`` with NumPy values, watched, and return the graph of what it returned.

    Inputs are named after the arguments, other nodes after the variables that they were assigned to. Python's own
    control flow is no hindrance: the graph is of the way that was taken.

    Raises:
        DTypeError: it is no function, or returns something else than arrays and numbers.
    """
    if not callable(function):
        raise DTypeError(f"{operation}: expected a function, got {type(function).__name__}")
    inputs: list[Node] = []
    names = argument_names(function, args)
    passed = [_watched(name, arg, inputs) for name, arg in zip(names, args, strict=True)]
    named = {name: _watched(name, value, inputs) for name, value in keywords.items()}
    with record(), np.errstate(all="ignore"):
        leaves, _ = tree.flatten(function(*passed, **named))
    outputs = [asarray(leaf)._node for leaf in leaves if is_value(leaf)]
    if not outputs or len(outputs) != len(leaves):
        raise DTypeError(f"{operation}: expected the function to return arrays or numbers, such as the loss")
    graph = Graph.of(outputs, inputs)
    first = min((node.index for node in inputs), default=0)
    for node, name in source_names(graph.nodes).items():
        if node.name is None and node.index > first:  # made by this call, for nobody else
            node.name = name
    return graph


def _watched(name: str, arg: Any, inputs: list[Node]) -> Any:
    if isinstance(arg, (Array, np.ndarray, np.generic, float, complex)):
        return _input(name, arg, inputs)
    leaves, structure = tree.flatten(arg)
    if len(leaves) == 1 and leaves[0] is arg:
        return arg
    paths = tree.paths(arg)
    watched = [
        _input(f"{name}.{path}", leaf, inputs) if type(leaf) in (Array, np.ndarray, float) else wrap(leaf)
        for path, leaf in zip(paths, leaves, strict=True)
    ]
    return tree.unflatten(structure, watched)


def _input(name: str, leaf: Any, inputs: list[Node]) -> Any:
    array = asarray(leaf)
    value = array._node.value
    if value is None or array._node.watched or not is_differentiable(array.dtype):
        return array
    weak = python_type(leaf) is not None or type(leaf) in (float, complex)
    node = leaf_node(value, name=name, weak=weak)
    inputs.append(node)
    return Array(node)
