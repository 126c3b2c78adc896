"""From a Python function to a graph whose inputs and outputs include the state that the function touches."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import IOBase
from types import MethodType
from typing import Any

import numpy as np

from pullback.compiler.outside import Content, find
from pullback.compiler.references import Reference, References
from pullback.compiler.signature import Call, Static, aval_of_leaf, flatten_call, is_weak
from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.capture import Capture, Cell
from pullback.core.creation import asarray
from pullback.core.graph import Graph, name_as_assigned
from pullback.core.node import Node
from pullback.core.parameter import Parameter
from pullback.core.settings import Configured, Token
from pullback.core.state import record
from pullback.core.terminals import constant_node, input_node
from pullback.core.trace import argument_names
from pullback.errors import ArgumentError, DTypeError, GraphError


@dataclass(frozen=True)
class State:
    """Parameters that a program reads and writes, each with the position of its input or output in the graph.

    Attributes:
        reads: whose values are inputs, after those of the arguments.
        grad_reads: whose gradients are inputs, after these.
        writes: which get a new value, and from which output.
        grad_writes: which get a new gradient, and from which output; None stands for no gradient.
        arguments: arrays among the arguments that the function writes to: positions of the leaf and of the output.
        slots: attributes of Parameters that the graph depends on, each with the very object that it held.
        configured: modules and optimizers whose settings the graph depends on, each with what stood for these.
        references: what the function refers to besides its arguments, where it does not set that itself.
        arrays: NumPy arrays and handles of arrays whose values are inputs, after the gradients; each with its aval.
        contents: arrays of the caller's that must hold what they held.
        settings: functions that read what else the graph depends on, each with what it gave.
    """

    reads: tuple[Parameter, ...]
    grad_reads: tuple[Parameter, ...]
    writes: tuple[tuple[Parameter, int], ...]
    grad_writes: tuple[tuple[Parameter, int | None], ...]
    arguments: tuple[tuple[int, int], ...]
    slots: tuple[tuple[Parameter, str, Any], ...]
    configured: tuple[tuple[Configured, Token], ...]
    references: tuple[Reference, ...]
    arrays: tuple[tuple[np.ndarray[Any, Any] | Array, Aval], ...]
    contents: tuple[Content, ...]
    settings: tuple[tuple[Callable[[], Any], Any], ...]

    def holds(self) -> bool:
        """Whether everything that the graph depends on is as it was when it was traced."""
        return (
            all(getattr(parameter, name) is held for parameter, name, held in self.slots)
            and all(one.token() is token for one, token in self.configured)
            and all(one.holds() for one in self.references)
            and all(Aval(one.shape, one.dtype) == aval for one, aval in self.arrays)
            and all(one.holds() for one in self.contents)
            and all(read() == value for read, value in self.settings)
        )


@dataclass(frozen=True)
class Traced:
    """What tracing gave.

    Attributes:
        graph: inputs: traced leaves, then state; outputs: ``results``, then state.
        structure: of what the function returned.
        results: for each leaf of it the position of its output, or the leaf itself where it is no array.
        state: the Parameters that are read and written.
    """

    graph: Graph
    structure: Any
    results: tuple[tuple[bool, Any], ...]
    state: State

    @cached_property
    def named(self) -> Graph:
        """The graph, with names of nodes for somebody who looks at it."""
        name_as_assigned(self.graph)
        return self.graph


def trace_call(function: Callable[..., Any], call: Call) -> Traced:
    """Run ``function`` on the arguments of ``call`` with arrays that have no values, and keep the graph."""
    names = _names(function, call)
    inputs = [_input(names[i], call.leaves[i]) for i in call.traced]
    _check_arguments(call)
    roots = _roots(function, call)
    before = References(roots)
    handles = [_handle(node, call.leaves[i]) for i, node in zip(call.traced, inputs, strict=True)]
    filled = call.leaves_with(handles)
    args, keywords = tree.unflatten(call.structure, filled)
    first = constant_node(np.float64(0)).index
    with Capture(_parameter_input, _gradient_input) as capture, record():
        output = function(*args, **keywords)
        _check_containers(call, (args, keywords), filled)
        leaves, structure = tree.flatten(output)
        outputs: list[Node] = []
        results = tuple(_result(leaf, outputs) for leaf in leaves)
    del output, leaves, args, keywords, filled  # what is held now is held by others
    after = References(roots)
    _check_stored(after, {*inputs}, first)
    cells = _cells(capture)
    given = [cell for cell in cells if cell.given is not None]
    given_grads = [cell for cell in cells if cell.given_grad is not None]
    writes, grad_writes = tuple(_written(cells, outputs)), tuple(_written_gradients(cells, outputs))
    arguments = tuple(_written_arguments(call, inputs, handles, outputs))
    outside = find(outputs, capture, first, before, after)
    state = State(
        tuple(_parameter(cell) for cell in given),
        tuple(_parameter(cell) for cell in given_grads),
        writes,
        grad_writes,
        arguments,
        (*capture.slots, *[(_parameter(cell), "trainable", _parameter(cell).trainable) for cell in cells]),
        tuple((one, one.token()) for one in capture.configured.values()),  # after what the function itself has set
        tuple(one for one in before.unchanged(after) if not any(one.holder is array for array in outside.arrays)),
        tuple(zip(outside.arrays, [node.array_aval for node in outside.inputs], strict=True)),
        tuple(outside.contents),
        tuple(capture.settings),
    )
    nodes = [*inputs, *[cell.given for cell in given], *[cell.given_grad for cell in given_grads], *outside.inputs]
    graph = Graph.of(outside.outputs, [node for node in nodes if node is not None])
    _check_inputs(graph, nodes)
    return Traced(graph, structure, results, state)


def _roots(function: Callable[..., Any], call: Call) -> list[Any]:
    """Where references begin: the function, with the object that it is a method of, and arguments that are static."""
    traced = set(call.traced)
    leaves = [leaf.value if isinstance(leaf, Static) else leaf for leaf in call.leaves]
    roots = [function, *(leaf for i, leaf in enumerate(leaves) if i not in traced)]
    args, _ = call.filled([_TRACED] * len(traced))
    if args and args[0] is not _TRACED and not isinstance(args[0], (type, tuple, list, dict)) and callable(function):
        roots[0] = MethodType(function, args[0]) if args[0] is not None else function
    return roots


_TRACED = object()


def _cells(capture: Capture) -> list[Cell]:
    """The cells of Parameters that live on."""
    found = []
    for cell in capture.cells:
        if cell.reference() is not None:
            found.append(cell)
        elif cell.given is not None:
            cell.given.value = cell.before.value  # made and forgotten inside the function: what it began with
    return found


def _names(function: Callable[..., Any], call: Call) -> dict[int, str]:
    """A name for each leaf: the parameter that it was given for, and the path inside that."""
    args, _ = call.filled([None] * len(call.traced))
    names = argument_names(function, args)
    found = []
    for path in call.structure.paths():
        argument = names[path[1]] if path[0] == 0 else path[1]
        found.append(".".join(map(str, (argument, *path[2:]))))
    return dict(enumerate(found))


def _input(name: str, leaf: Any) -> Node:
    aval = aval_of_leaf(leaf)
    assert aval is not None
    return input_node(aval, name, is_weak(leaf))


def _handle(node: Node, leaf: Any) -> Array:
    found = Array(node)
    if isinstance(leaf, (np.ndarray, Array)):
        found._is_place = True  # the caller sees what is written to it
    return found


def _parameter_input(parameter: Parameter) -> Node:
    held = parameter._held
    node = input_node(held.array_aval, held.name, held.weak)
    if parameter.trainable:
        node.owner = weakref.ref(parameter)
    return node


def _gradient_input(parameter: Parameter, grad: Array) -> Array:
    name = parameter._held.name
    return Array(input_node(grad.aval, None if name is None else f"{name}.grad"))


def _check_arguments(call: Call) -> None:
    """Refuse what gives its elements once only: the program would be made for them and be wrong for the next call."""
    args = call.filled([_TRACED] * len(call.traced))
    for leaf in tree.flatten(args)[0]:
        if isinstance(leaf, Iterator) and not isinstance(leaf, IOBase):
            raise DTypeError(
                f"compile: expected arguments that are the same at every call, got {type(leaf).__name__}, which gives "
                "its elements once. Give a list"
            )


def _check_containers(call: Call, now: Any, before: Sequence[Any]) -> None:
    """Refuse a function that puts something else into a container that it was given: programs would not do it."""
    leaves, structure = flatten_call(now, {id(one.value) for one in call.leaves if isinstance(one, Static)})
    if structure != call.structure or any(one is not other for one, other in zip(leaves, before, strict=True)):
        raise ArgumentError(
            "compile: expected lists, dictionaries and objects that are arguments to keep what they hold, got a "
            "function that puts something else into one. Copy it in the function, and return the copy"
        )


def _check_stored(after: References, inputs: set[Node], first: int) -> None:
    """Refuse a function that stores arrays of this call outside: they have no values, and programs would not do it."""
    for one in after.found.values():
        node = one.content._node if type(one.content) is Array else None
        if node is not None and node.value is None and (node.index >= first or node in inputs):
            raise GraphError(
                f"compile: expected a function that stores no array outside, got one that puts one ({node.aval}) into "
                f"{'a variable' if one.key is None else repr(one.key)}. Return it, or make what it is stored in a "
                "Parameter and assign to that"
            )


def _check_inputs(graph: Graph, given: Sequence[Node | None]) -> None:
    """Refuse arrays that stand for the arguments of another call."""
    known = set(given)
    for node in graph.inputs:
        if node.value is None and node not in known:
            raise GraphError(
                f"compile: expected arrays of this call, got {node.name or 'one'} ({node.aval}) of another function "
                "that was traced, which has no value outside. Return it from that function, and do not store it"
            )


def _result(leaf: Any, outputs: list[Node]) -> tuple[bool, Any]:
    if isinstance(leaf, (Iterator, Awaitable, AsyncIterator)) and not isinstance(leaf, IOBase):
        raise DTypeError(
            f"compile: expected the function to return arrays, got {type(leaf).__name__}, whose code would run outside "
            "the program. Return a list"
        )
    if isinstance(leaf, (np.ndarray, np.generic, Array)):
        outputs.append(asarray(leaf)._node)
        if not isinstance(outputs[-1].aval, Aval):
            raise DTypeError("compile: expected the function to return arrays, got a node with several results")
        return True, len(outputs) - 1
    return False, leaf


def _parameter(cell: Cell) -> Parameter:
    parameter = cell.reference()
    assert parameter is not None
    return parameter


def _written(cells: Sequence[Cell], outputs: list[Node]) -> list[tuple[Parameter, int]]:
    found = []
    for cell in cells:
        if cell.node is not None and cell.node is not cell.given:
            outputs.append(cell.node)
            found.append((_parameter(cell), len(outputs) - 1))
    return found


def _written_gradients(cells: Sequence[Cell], outputs: list[Node]) -> list[tuple[Parameter, int | None]]:
    found: list[tuple[Parameter, int | None]] = []
    for cell in cells:
        if not cell.grad_touched:
            continue
        if cell.grad is None:
            found.append((_parameter(cell), None))
        elif cell.grad._node is not cell.given_grad:
            outputs.append(cell.grad._node)
            found.append((_parameter(cell), len(outputs) - 1))
    return found


def _written_arguments(
    call: Call, inputs: Sequence[Node], handles: Sequence[Array], outputs: list[Node]
) -> list[tuple[int, int]]:
    found = []
    for position, node, handle in zip(call.traced, inputs, handles, strict=True):
        if handle._node is not node and isinstance(call.leaves[position], (np.ndarray, Array)):
            outputs.append(handle._node)
            found.append((position, len(outputs) - 1))
    return found
