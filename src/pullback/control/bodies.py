"""Bodies: the graphs that nodes hold. Tracing one, and making what it closes over its inputs."""

from __future__ import annotations

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from pullback.control.programs import Program
from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.capture import Sealed
from pullback.core.creation import asarray
from pullback.core.graph import Graph, ancestors, source_names
from pullback.core.node import Node
from pullback.core.record import apply, python_type
from pullback.core.state import record, recording
from pullback.core.terminals import CONSTANT, INPUT, constant_node, input_node
from pullback.core.trace import argument_names
from pullback.dtypes import is_differentiable
from pullback.errors import DTypeError
from pullback.transforms.arguments import is_value
from pullback.transforms.passes import optimize

T = TypeVar("T")
LEAF = tree.flatten(0.0)[1]
"""The structure of a single array."""


_OFTEN = 16
"""How many times a body runs before it is worth the time to optimize it."""


class Body(Graph):
    """A graph that a node holds, with the name of the function that it was traced from.

    It is closed: everything that it uses is an input, or a constant that nothing watches. Its nodes have no values.

    Attributes:
        name: the function's.
        extends: the body of which this one has the inputs and, before further ones, the outputs; None if of none.
        quiet: whether NumPy's warnings are off while it runs: it computes what nobody asked for as well.
    """

    extends: Body | None = None
    quiet = False

    def __init__(self, name: str, inputs: Sequence[Node], outputs: Sequence[Node]) -> None:
        self.name = name
        super().__init__(inputs, ancestors([*outputs, *inputs]), outputs)
        self._derived: dict[Any, Any] = {}
        self._program: Program | None = None
        self._runs = 0

    def evaluate(self, values: Sequence[Any]) -> list[Any]:
        """The values of the outputs from values of the inputs. Run often, it is optimized (exactly)."""
        self._runs += 1
        program = self._program
        if program is None or self._runs == _OFTEN:
            graph = optimize(self) if self._runs >= _OFTEN else self
            program = self._program = Program(graph, self.quiet)
        return program(values)

    @cached_property
    def reach(self) -> list[frozenset[int]]:
        """For each output, the positions of the inputs by which it may have a derivative."""
        return self._depends(lambda node: may_carry(node) and (not node.inputs or node.primitive.differentiable))

    @cached_property
    def uses(self) -> list[frozenset[int]]:
        """For each output, the positions of the inputs that its value depends on."""
        return self._depends(lambda node: True)

    def _depends(self, passes: Callable[[Node], bool]) -> list[frozenset[int]]:
        masks = {node: 1 << i if passes(node) else 0 for i, node in enumerate(self.inputs)}
        for node in self.nodes:
            if node not in masks:
                masks[node] = 0
                if passes(node):
                    for source in node.inputs:
                        masks[node] |= masks[source]
        return [frozenset(i for i in range(len(self.inputs)) if masks[node] >> i & 1) for node in self.outputs]

    def derive(self, key: Any, build: Callable[[], T]) -> T:
        """Return what ``build`` makes of this body, made once for each ``key``."""
        if key not in self._derived:
            self._derived[key] = build()
        found: T = self._derived[key]
        return found

    def __repr__(self) -> str:
        return self.name


def may_carry(node: Node) -> bool:
    """Whether the node, or one of its results, is of a dtype that carries derivatives."""
    aval = node.aval
    return any(is_differentiable(one.dtype) for one in ((aval,) if isinstance(aval, Aval) else aval))


# Tracing ------------------------------------------------------------------------------------------------------------


@dataclass
class Argument:
    """One argument of a function that is traced: an Aval for each leaf (or what is passed as it is).

    Attributes:
        leaves: as said.
        structure: of the argument.
        weak: of each leaf, whether it stands for a Python number; by default none does.
    """

    leaves: Sequence[Any]
    structure: Any
    weak: Sequence[bool] | None = None


@dataclass
class Traced:
    """A function that has been run on arrays without values.

    Attributes:
        name: the function's.
        arguments: an input node for each Aval among the leaves of the arguments.
        outputs: the leaves of what it returned.
        weak: of each output, whether it is a Python number or stands for one.
        structure: the structure of what it returned.
        captured: the nodes outside that it uses and that are watched, or have no value yet.
    """

    name: str
    arguments: list[Node]
    outputs: list[Node]
    weak: list[bool]
    structure: Any
    captured: list[Node]

    def close(self, captured: Sequence[Node] | None = None, outputs: Sequence[Node] | None = None) -> Body:
        """Return the body whose inputs are ``captured`` (by default what this one captures) and the arguments."""
        captured = self.captured if captured is None else captured
        outputs = self.outputs if outputs is None else outputs
        replaced = {node: input_node(node.array_aval, node.name, node.weak) for node in captured}
        inputs = [*(replaced[node] for node in captured), *self.arguments]
        names = source_names(ancestors(outputs, stop=replaced.__contains__))
        copies = rebuild(outputs, replaced, names)
        return interned(Body(self.name, inputs, [copies[node] for node in outputs]))


def name_of(f: Callable[..., Any]) -> str:
    """What errors call a function of the user's."""
    return getattr(f, "__name__", type(f).__name__)


def check_takes(operation: str, f: Any, count: int, what: str = "a function") -> None:
    """Raise DTypeError unless ``f`` can be called with so many arguments."""
    if not callable(f):
        raise DTypeError(f"{operation}: expected {what}, got {type(f).__name__}")
    try:
        signature = inspect.signature(f)
    except ValueError:  # written in C, without a signature
        return
    try:
        signature.bind(*range(count))
    except TypeError:
        expected = f"{what} of {count} argument{'s' * (count != 1)}"
        raise DTypeError(f"{operation}: expected {expected}, got {name_of(f)}{signature}") from None


def trace_body(operation: str, f: Callable[..., Any], arguments: Sequence[Argument], hoist: bool) -> Traced:
    """Run ``f`` on inputs without values, see ``Traced``.

    Args:
        operation: what errors name.
        f: the function.
        arguments: of what shapes and dtypes.
        hoist: what ``f`` computes from captured nodes alone is computed once, outside: for loops. Without it such
            nodes belong to the body: for branches, which may never run.

    Raises:
        DTypeError: ``f`` is no function of so many arguments, or returns what is no array.
    """
    check_takes(operation, f, len(arguments))
    name = name_of(f)
    first = input_node(Aval((), np.dtype(bool))).index  # what is older stands outside
    inputs: list[Node] = []
    passed = []
    for title, argument in zip(argument_names(f, arguments), arguments, strict=True):
        paths = tree.paths(tree.unflatten(argument.structure, [0.0] * len(argument.leaves)))
        leaves = []
        weak_leaves = argument.weak or [False] * len(paths)
        for path, leaf, weak in zip(paths, argument.leaves, weak_leaves, strict=True):
            if isinstance(leaf, Aval):
                inputs.append(input_node(leaf, f"{title}.{path}" if path else title, weak))
                leaf = Array(inputs[-1])
            leaves.append(leaf)
        passed.append(tree.unflatten(argument.structure, leaves))
    with record(), Sealed(operation):
        found, structure = tree.flatten(f(*passed))
    for leaf in found:
        if not is_value(leaf):
            raise DTypeError(f"{operation}: expected {name} to return arrays or numbers, got {type(leaf).__name__}")
    outputs = [asarray(leaf)._node for leaf in found]
    captured = captured_by(outputs, inputs, first, hoist)
    return Traced(name, inputs, outputs, [is_weak(leaf) for leaf in found], structure, captured)


def is_weak(leaf: Any) -> bool:
    """Whether a value is a Python number, or an Array that stands for one: it takes the dtype of what it meets."""
    return not isinstance(leaf, (Array, np.ndarray, np.generic)) or python_type(leaf) is not None


def captured_by(outputs: Sequence[Node], inputs: Sequence[Node], first: int, hoist: bool) -> list[Node]:
    """The watched nodes that ``outputs`` use and that do not depend on ``inputs``; see ``trace_body``.

    With ``hoist`` those as near to the outputs as can be, otherwise those made before the node numbered ``first``.
    """
    depends = set(inputs)
    found: dict[Node, None] = {}

    def capture(node: Node) -> None:
        if node not in depends and node.watched:
            found[node] = None

    for node in ancestors(outputs, stop=lambda node: node.index < first or node.value is not None):
        inside = node.index > first and node.value is None and node.primitive is not INPUT
        if inside and (not hoist or any(source in depends for source in node.inputs)):
            depends.add(node)
            for source in node.inputs:
                capture(source)
    for node in outputs:
        capture(node)
    return list(found)


def rebuild(
    outputs: Iterable[Node], replaced: Mapping[Node, Node], names: Mapping[Node, str] | None = None
) -> dict[Node, Node]:
    """Copy what ``outputs`` depend on, with nodes ``replaced`` by others; return the copy of each node.

    Constants that somebody else may write to are copied as well.
    """
    copies = dict(replaced)
    names = names or {}
    for node in ancestors(outputs, stop=copies.__contains__):
        if node in copies:
            continue
        if node.primitive is CONSTANT:
            copies[node] = _private(node)
        elif all(copies[source] is source for source in node.inputs):
            copies[node] = node
            node.name = node.name or names.get(node)
        else:
            copies[node] = Node(
                node.primitive, tuple(copies[source] for source in node.inputs), node.params, None, True,
                node._origin, node.aval, node.name or names.get(node), weak=node.weak,
            )  # fmt: skip
            copies[node].scope = node.scope
    return copies


_LARGE = 4096
"""Bytes of a constant above which it is neither copied nor compared."""


def _private(node: Node) -> Node:
    value = node.value
    if not isinstance(value, np.ndarray) or not value.flags.writeable or value.nbytes > _LARGE:
        return node
    own = value.copy()
    own.flags.writeable = False
    copy = constant_node(own)
    copy.weak, copy.name = node.weak, node.name
    return copy


# Bodies that are equal are one, so that what was derived from one before serves again -------------------------------

_KEPT = 512
_known: OrderedDict[Any, Body] = OrderedDict()
_interning = threading.Lock()


def interned(body: Body) -> Body:
    """Return the body that was met before and does the same at the same places of the same code, or ``body``."""
    try:
        key = _key(body)
        hash(key)
    except TypeError:  # a parameter that cannot be compared
        return body
    with _interning:
        found = _known.setdefault(key, body)
        _known.move_to_end(key)
        if len(_known) > _KEPT:
            _known.popitem(last=False)
    return found


def _key(body: Body) -> Any:
    places = {node: place for place, node in enumerate(body.nodes)}
    rows: list[Any] = [body.name]
    for node in body.nodes:
        row: tuple[Any, ...] = (node.name, node.weak)
        if node.inputs:
            origin = node._origin
            where = (id(origin[0]), origin[1]) if origin.__class__ is tuple else origin
            params = tuple((name, _comparable(value)) for name, value in node.params.items())
            row += (node.primitive, params, tuple(places[source] for source in node.inputs), where)
        elif node.primitive is INPUT:
            row += (node.aval,)
        else:
            row += (_constant_key(node.value),)
        rows.append(row)
    return (*rows, tuple(places[node] for node in body.inputs), tuple(places[node] for node in body.outputs))


def _constant_key(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.size and not any(value.strides):
        value = value.flat[0], value.shape
        return value[0].dtype, value[0].tobytes(), value[1]
    if isinstance(value, tuple) or value.nbytes > _LARGE:
        raise TypeError
    return value.dtype, value.tobytes(), value.shape


def _comparable(value: Any) -> Any:
    """A parameter so that equal means the same: 1, 1.0 and True differ, and so do 0.0 and -0.0."""
    if isinstance(value, tuple):
        return tuple(_comparable(one) for one in value)
    if isinstance(value, (float, complex)):
        return type(value), repr(value)
    return type(value), value


# Running on arrays --------------------------------------------------------------------------------------------------


def replay(body: Body, arrays: Sequence[Array]) -> list[Array]:
    """Apply the body's operations to arrays, each recorded (or computed) anew."""
    found: dict[Node, Any] = {node: one._node for node, one in zip(body.inputs, arrays, strict=True)}
    for node in body.nodes:
        if node in found:
            continue
        if not node.inputs:
            found[node] = node
            continue
        inputs = tuple(found[source] for source in node.inputs)
        if isinstance(inputs[0], tuple):  # an item of several results
            found[node] = inputs[0][node.params["index"]]._node
        elif (bind := getattr(node.primitive, "bind", None)) is not None:  # a node that holds a graph
            found[node] = bind([Array(one) for one in inputs], node.params)
        else:
            found[node] = apply(node.primitive, inputs, node.params)._node
    return [Array(found[node]) for node in body.outputs]


def run(body: Body, arrays: Sequence[Array]) -> list[Array]:
    """The body's outputs: computed in one go where nothing is watched, otherwise as ``replay`` does."""
    values = [one._node.value for one in arrays]
    if any(value is None for value in values) or (recording.enabled and any(one._node.watched for one in arrays)):
        return replay(body, arrays)
    with np.errstate(all="ignore"):
        return [Array(constant_node(value)) for value in body.evaluate(values)]
