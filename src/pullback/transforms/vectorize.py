"""Sideways: the same function over a batch, by the batching rule of each primitive."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optree

from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval, as_index
from pullback.core.creation import asarray
from pullback.core.graph import ancestors
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.state import record
from pullback.core.terminals import input_node
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.transforms.arguments import is_value, restore, result_kind, wrap

_WHOLE = object()
"""The axis of what is the same for every member of the batch. In place of None, which is no leaf of a tree."""


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Return a function that applies ``f`` to each member of a batch at once: no loop, one operation for all.

    Args:
        f: a function of arrays (or containers of them) that returns such.
        in_axes: along which axis of each argument the members lie; None for an argument that is the same for all.
            One number for every argument, or a tuple with an entry for each: a number, None, or a container of these
            that goes for the parts of the argument. Keyword arguments have the members along axis 0.
        out_axes: where the axis of the members goes in each result, in the same way. None for a result that is the
            same for all.

    Raises:
        ShapeError: an array has no such axis, or the batches differ in length.
        DTypeError: what is mapped over is no array.
        ArgumentError: the axes do not match the arguments, or ``out_axes`` is None for a result that differs.
        ConcretizationError: ``f`` needs the value of a member, as ``if x > 0`` does. Use ``np.where``.

    >>> import numpy as np
    >>> import pullback as pb
    >>> vmap(np.dot)(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([1., 4.])
    >>> vmap(pb.grad(lambda w, x: (w @ x) ** 2), in_axes=(None, 0))(np.ones(2), np.eye(2))
    array([[2., 0.],
           [0., 2.]])
    """
    if not callable(f):
        raise DTypeError(f"vmap: expected a function, got {type(f).__name__}")

    @functools.wraps(f)
    def batched(*args: Any, **keywords: Any) -> Any:
        axes = _argument_axes(in_axes, args)
        batch = _Batch()
        with record():
            passed = [
                batch.take(f"argument {i}", arg, one) for i, (arg, one) in enumerate(zip(args, axes, strict=True))
            ]
            named = {name: batch.take(f"argument {name}", value, 0) for name, value in keywords.items()}
            if batch.size is None:
                raise ArgumentError("vmap: expected at least one argument to map over, in_axes has None for all")
            leaves, structure = tree.flatten(f(*passed, **named))
        for leaf in leaves:
            if not is_value(leaf):
                raise DTypeError(f"vmap: expected the function to return arrays or numbers, got {type(leaf).__name__}")
        places = spread_axes("out_axes", out_axes, tree.unflatten(structure, leaves))
        found = batch.run([asarray(leaf)._node for leaf in leaves])
        kind = result_kind(args, keywords)
        results = [restore(batch.put(one, place), kind) for one, place in zip(found, places, strict=True)]
        return tree.unflatten(structure, results)

    batched.__name__ = f"vmap({getattr(f, '__name__', type(f).__name__)})"
    return batched


def _argument_axes(in_axes: Any, args: Sequence[Any]) -> Sequence[Any]:
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    if not isinstance(in_axes, tuple):
        return [in_axes] * len(args)
    if len(in_axes) != len(args):
        raise ArgumentError(f"vmap: expected in_axes for {len(args)} arguments, got {len(in_axes)}: {in_axes!r}")
    return in_axes


def spread_axes(argument: str, axes: Any, whole: Any) -> list[Any]:
    """Return the axis of each leaf of ``whole``, for axes given for the whole or for parts of it."""
    leaves, structure = optree.tree_flatten(axes, none_is_leaf=True)
    marked = structure.unflatten([_WHOLE if axis is None else as_index("vmap", argument, axis) for axis in leaves])
    tree.flatten(whole)  # makes dataclasses known
    try:
        found = optree.broadcast_prefix(marked, whole, namespace=tree.NAMESPACE)
    except ValueError as error:
        raise ArgumentError(f"vmap: {argument} {axes!r} does not match its argument. {error}") from None
    return [None if axis is _WHOLE else axis for axis in found]


class _Batch:
    """One call of a vmapped function: its inputs for one member, and the arrays of all members behind them."""

    def __init__(self) -> None:
        self.size: int | None = None
        self._given: dict[Node, Array] = {}
        self._first = ""

    def take(self, name: str, arg: Any, axes: Any) -> Any:
        """Replace what is mapped over in ``arg`` by inputs that stand for one member."""
        leaves, structure = tree.flatten(arg)
        places = spread_axes("in_axes", axes, arg)
        if all(place is None for place in places):
            return wrap(arg)
        taken = [
            wrap(leaf) if place is None else self._member(name, leaf, place)
            for leaf, place in zip(leaves, places, strict=True)
        ]
        return tree.unflatten(structure, taken)

    def _member(self, name: str, leaf: Any, axis: int) -> Array:
        if not is_value(leaf):
            raise DTypeError(
                f"vmap: expected {name} to be made of arrays, got {type(leaf).__name__}. "
                "Give in_axes=None for what is the same for every member"
            )
        array = asarray(leaf)
        if not -array.ndim <= axis < array.ndim:
            raise ShapeError(
                f"vmap: expected {name} to have an axis {axis}, got shape {array.shape}. "
                "Give in_axes=None for what is the same for every member"
            )
        size = array.shape[axis]
        if self.size is None:
            self.size, self._first = size, name
        elif size != self.size:
            raise ShapeError(
                f"vmap: expected batches of one length, got {self.size} ({self._first}) and {size} ({name})"
            )
        if axis % array.ndim:
            array = operations.moveaxis(array, axis, 0)
        member = input_node(Aval(array.shape[1:], array.dtype))
        self._given[member] = array
        return Array(member)

    def run(self, outputs: Sequence[Node]) -> list[tuple[Array, bool]]:
        """Return each output for all members, and whether it differs between them, its axis 0 then theirs."""
        found = batch_nodes(outputs, self._given)
        return [(found[node], True) if node in found else (Array(node), False) for node in outputs]

    def put(self, result: tuple[Array, bool], place: int | None) -> Array:
        """Move the axis of the members to where ``out_axes`` says."""
        array, differs = result
        if place is None:
            if differs:
                raise ArgumentError("vmap: out_axes is None for a result that is not the same for every member")
            return array
        ndim = array.ndim + (not differs)
        if not -ndim <= place < ndim:
            raise ShapeError(f"vmap: out_axes {place} is out of range for a result with {ndim} axes")
        if not differs:
            array = operations.broadcast_to(array, (self.size, *array.shape))
        return operations.moveaxis(array, 0, place) if place % ndim else array


def batch_nodes(outputs: Sequence[Node], given: Mapping[Node, Array]) -> dict[Node, Array]:
    """Apply the batching rules from ``given`` (inputs for one member, each with the array of all) to ``outputs``.

    Returns the array of all members, along axis 0, for each node that depends on one of ``given``.
    """
    found = dict(given)
    first = min((node.index for node in given), default=0)
    for node in ancestors(outputs, stop=lambda node: node.index < first or node in given):
        if node in found or node.index < first:
            continue
        batched = [source in found for source in node.inputs]
        if any(batched):
            inputs = [found[source] if source in found else Array(source) for source in node.inputs]
            found[node] = node.primitive.batch(batched, inputs, node.params)
    return found
