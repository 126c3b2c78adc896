"""What the primitives that hold graphs share: how they are applied, and what their errors say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.control.bodies import Argument, Body, is_weak
from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.node import Node
from pullback.core.operations import operations
from pullback.core.primitive import Params, Primitive
from pullback.core.record import apply
from pullback.core.several import results
from pullback.errors import DTypeError, GraphError, ShapeError
from pullback.ops.structural import keep_array
from pullback.transforms.arguments import restore, result_kind


class Holding(Primitive):
    """A primitive whose params hold graphs; its results are those of the graphs, as a tuple."""

    family = "control"

    def bind(self, inputs: Sequence[Array], params: Params) -> tuple[Array, ...]:
        """Apply to arrays, and return the results."""
        return results(apply(self, tuple(one._node for one in inputs), params))

    def bodies(self, inputs: Sequence[Any], params: Params) -> list[tuple[Body, Sequence[Any]]]:
        """The graphs that a node holds, each with the avals that it is run on."""
        raise NotImplementedError

    def shown(self, params: Params) -> Params:
        """The graphs, and what differs from the usual; not how the inputs are counted."""
        return {
            name: value
            for name, value in params.items()
            if name not in ("consts", "carries", "cond_consts", "body_consts") and value not in (None, False)
        }

    def verify(self, node: Node) -> None:
        """Raise GraphError unless the graphs that the node holds fit its inputs."""
        for body, avals in self.bodies([source.aval for source in node.inputs], node.params):
            expected = [one.array_aval for one in body.inputs]
            if list(avals) != expected:
                listed = ", ".join(map(str, expected))
                raise GraphError(
                    f"graph: {node!r} runs {body.name} on {', '.join(map(str, avals))}, which takes {listed}"
                )

    def missing(self) -> list[str]:
        """Nothing: it is tested through the functions that make it."""
        return []


class Leaves:
    """The arrays in an argument of a control function."""

    def __init__(self, operation: str, argument: Any) -> None:
        self.operation = operation
        self.given, self.structure = tree.flatten(argument)
        self.arrays = [keep_array(operation, leaf, False) for leaf in self.given]

    @property
    def avals(self) -> list[Aval]:
        """Shape and dtype of each."""
        return [one.aval for one in self.arrays]

    @property
    def weak(self) -> list[bool]:
        """Of each, whether it is a Python number or stands for one."""
        return [is_weak(leaf) and one.dtype.kind in "ifc" for leaf, one in zip(self.given, self.arrays, strict=True)]

    def argument(self) -> Argument:
        """How a function is traced that gets this argument."""
        return Argument(self.avals, self.structure, self.weak)

    def hold(self) -> list[Array]:
        """The arrays, to be held on to by a node: those that somebody else may write to are copied."""
        return [keep_array(self.operation, leaf, True) for leaf in self.given]


def check_flag(operation: str, name: str, flag: Any) -> None:
    """Raise DTypeError unless an option is True or False."""
    if not isinstance(flag, (bool, np.bool_)):
        raise DTypeError(f"{operation}: expected True or False as {name}, got {flag!r}")


def path(structure: Any, position: int) -> str:
    """A readable path of a leaf of this structure, empty if it is the only one: ``['w'][0]`` is ``w.0``."""
    return tree.paths(tree.unflatten(structure, [0.0] * structure.num_leaves))[position]


def finish(arrays: Sequence[Array], structure: Any, *arguments: Any) -> Any:
    """Return results in their structure: NumPy values where such came in, Python's where only such came in."""
    kind = result_kind(arguments, {})
    kinds = ["numpy" if kind == "python" and one.dtype.char not in "?ldD" else kind for one in arrays]
    return tree.unflatten(structure, [restore(one, kind) for one, kind in zip(arrays, kinds, strict=True)])


def held(leaves: Sequence[Leaves], captured: Sequence[Node]) -> list[list[Array]]:
    """The arrays of each argument; copies of the caller's own, where the node will hold on to them."""
    watched = any(node.watched for node in captured) or any(
        one._node.watched for group in leaves for one in group.arrays
    )
    return [group.hold() if watched else group.arrays for group in leaves]


def check_structure(operation: str, what: str, expected: Any, found: Any) -> None:
    """Raise ShapeError unless two structures are equal."""
    if expected != found:
        raise ShapeError(f"{operation}: expected {what} of the structure {shown(expected)}, got {shown(found)}")


def shown(structure: Any) -> str:
    """A structure as it is written, with * for each array."""
    return str(tree.unflatten(structure, [_Leaf()] * structure.num_leaves))


class _Leaf:
    def __repr__(self) -> str:
        return "*"


def check_leaf(operation: str, what: str, expected: Aval, found: Aval, advice: str) -> None:
    """Raise ShapeError or DTypeError unless a leaf has the shape and dtype that it is to have."""
    if expected != found:
        error = ShapeError if expected.shape != found.shape else DTypeError
        raise error(f"{operation}: expected {what} to be {expected}, got {found}. {advice}")


_ORDER = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def holds(new: np.dtype[Any], old: np.dtype[Any]) -> bool:
    """Whether a Python number of the kind of ``old`` may become ``new``."""
    return _ORDER[new.kind] >= _ORDER[old.kind]


def converted(arrays: Sequence[Array], avals: Sequence[Aval]) -> list[Array]:
    """The arrays in the dtypes of these avals."""
    return [
        one if one.dtype == aval.dtype else operations.astype(one, aval.dtype)
        for one, aval in zip(arrays, avals, strict=True)
    ]
