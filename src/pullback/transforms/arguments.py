"""What a transform does with the arguments of a function and with its results.

NumPy in, NumPy out: inside a function that is being differentiated the values are Arrays; what comes back is of the
kind that was given: Python numbers for Python numbers, NumPy for NumPy, Arrays for Arrays. A result that something
outside still watches stays an Array, or its gradient would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optree

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.creation import asarray
from pullback.core.graph import ancestors
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.state import differentiating, recording
from pullback.core.terminals import INPUT, constant_node, leaf_node
from pullback.dtypes import is_differentiable
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError

_NUMBERS = (bool, int, float, complex)


def kind_of(leaf: Any) -> str:
    """``"array"``, ``"numpy"`` or ``"python"``: what a result that belongs to ``leaf`` is to be."""
    if isinstance(leaf, Array):
        return "array"
    return "python" if isinstance(leaf, _NUMBERS) and not isinstance(leaf, np.generic) else "numpy"


def restore(array: Any, kind: str) -> Any:
    """Return ``array`` as a value of this kind (see ``kind_of``), a constant where nothing is to be recorded.

    A NumPy array that comes back is the caller's own, who may write to it: never the memory of a node, of an argument,
    or of what a rule of the user's returned.
    """
    if not isinstance(array, Array):
        return array
    if array._node.watched:
        if recording.enabled:
            return array
        array = array.detach()
    if kind == "array" or array._node.value is None:
        return array
    value = array._node.value
    if value.ndim == 0:
        return value.item() if kind == "python" else value[()]
    return np.array(value)


class Call:
    """One run of a function on watched inputs.

    Attributes:
        inputs: a watched node for each leaf of the arguments that are differentiated.
        output: what the function returned.
    """

    def __init__(
        self,
        operation: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        keywords: Mapping[str, Any],
        argnums: Sequence[int],
        keep: bool = False,
    ) -> None:
        self.operation = operation
        if not callable(function):
            raise DTypeError(f"{operation}: expected a function, got {type(function).__name__}")
        self.inputs: list[Node] = []
        self.structures: list[Any] = []
        self.kinds: list[str] = []
        self.result_kind = result_kind(args, keywords)
        passed = [wrap(arg) for arg in args]
        with differentiating():
            for number in argnums:
                passed[number] = self._watch(number, args[number], keep)
            self.output = function(*passed, **{name: wrap(value) for name, value in keywords.items()})

    def _watch(self, number: int, arg: Any, keep: bool) -> Any:
        leaves, structure = tree.flatten(arg)
        if not leaves:
            raise ArgumentError(f"{self.operation}: argument {number} holds no arrays to differentiate by")
        arrays = [self._watched(number, leaf, keep) for leaf in leaves]
        self.inputs += [array._node for array in arrays]
        self.kinds += [kind_of(leaf) for leaf in leaves]
        self.structures.append(structure)
        return tree.unflatten(structure, arrays)

    def _watched(self, number: int, leaf: Any, keep: bool) -> Array:
        if not is_value(leaf):
            raise DTypeError(
                f"{self.operation}: expected argument {number} to be made of arrays or numbers, "
                f"got {type(leaf).__name__}. Choose the arguments to differentiate by with argnums"
            )
        array = asarray(leaf)
        if not is_differentiable(array.dtype):
            raise NotDifferentiableError(
                f"{self.operation}: expected argument {number} to be floating or complex, got {array.dtype}: integers "
                "and booleans have no derivative. Give 3.0 for 3, x.astype(float) for x"
            )
        if array._node.watched:
            inner: Array = operations.identity(array)
            inner._node.weak = array._node.weak
            return inner
        value = array._node.value
        return Array(leaf_node(np.array(value) if keep else value, weak=kind_of(leaf) == "python"))

    def outputs(self) -> tuple[list[Array], Any]:
        """The leaves of what the function returned, as Arrays, and their structure."""
        leaves, structure = tree.flatten(self.output)
        for leaf in leaves:
            if not is_value(leaf):
                raise DTypeError(
                    f"{self.operation}: expected the function to return arrays or numbers, got {type(leaf).__name__}"
                )
        return [asarray(leaf) for leaf in leaves], structure

    def release(self, arrays: Sequence[Array]) -> list[Array]:
        """Let go of the inner inputs in what has no value yet: those that have one stand in its graph as constants.

        A result that was traced beside them would otherwise seem to depend on something watched.
        """
        constants = {node: constant_node(node.value) for node in self.inputs if node.primitive is INPUT}
        constants = {node: one for node, one in constants.items() if one.value is not None}
        if not constants or all(one._node.value is not None for one in arrays):
            return list(arrays)
        first = min(node.index for node in constants)
        replaced = dict(constants)
        for node in ancestors([one._node for one in arrays], stop=lambda one: one.index < first):
            inputs = tuple([replaced.get(source, source) for source in node.inputs])
            if inputs != node.inputs:
                watched = any(source.watched for source in inputs)
                replaced[node] = Node(
                    node.primitive, inputs, node.params, node.value, watched, node._origin, node.aval, node.name
                )
                replaced[node].scope = node.scope
        return [Array(replaced.get(one._node, one._node)) for one in arrays]

    def by_argument(self, results: Sequence[Any], convert: bool = True) -> list[Any]:
        """Put one result for each input back into the structures of the arguments, each in its own kind."""
        results = self.release(results)
        if convert:
            results = [restore(one, kind) for one, kind in zip(results, self.kinds, strict=True)]
        trees, position = [], 0
        for structure in self.structures:
            count = structure.num_leaves
            trees.append(tree.unflatten(structure, results[position : position + count]))
            position += count
        return trees


def is_value(leaf: Any) -> bool:
    """Whether ``leaf`` is an array or a number."""
    return isinstance(leaf, (Array, np.ndarray, np.generic, *_NUMBERS))


def result_kind(args: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    """What the results of a call with these arguments are to be, see ``kind_of``: an Array if any of them is one."""
    kinds = {kind_of(leaf) for leaf in tree.flatten((tuple(args), dict(keywords)))[0] if is_value(leaf)}
    return next((kind for kind in ("array", "numpy") if kind in kinds), "python")


def wrap(arg: Any) -> Any:
    """Make NumPy arrays, also inside Python's own containers, Arrays; leave everything else."""
    if isinstance(arg, np.ndarray):
        return asarray(arg)
    if isinstance(arg, (dict, list, tuple)):
        leaves, structure = optree.tree_flatten(arg)  # type: ignore[arg-type,var-annotated]  # a container of anything
        return structure.unflatten([asarray(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves])
    return arg


def normalize_argnums(operation: str, argnums: Any, count: int) -> tuple[tuple[int, ...], bool]:
    """Return ``argnums`` as positions below ``count``, and whether a single one was given."""
    single = hasattr(argnums, "__index__")
    try:
        numbers = [number.__index__() for number in ((argnums,) if single else argnums)]
    except (AttributeError, TypeError):
        raise DTypeError(
            f"{operation}: expected argnums to be an integer or a sequence of them, got {argnums!r}"
        ) from None
    for number in numbers:
        if not -count <= number < count:
            raise ArgumentError(
                f"{operation}: argnums {number} names no argument: {count} positional arguments were given"
            )
    positions = tuple(number % count for number in numbers)
    if len(set(positions)) != len(positions):
        raise ArgumentError(f"{operation}: argnums names an argument twice: {argnums!r}")
    return positions, single
