"""Arrays that a function uses and that are not its arguments: somebody may write to them between the calls.

What is an operand as it is becomes an input of the graph, read at every call. What went into something that was
computed while the function was traced is compared with what it held then.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.compiler.references import References
from pullback.control.bodies import rebuild
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.capture import Capture
from pullback.core.graph import ancestors
from pullback.core.node import Node
from pullback.core.settings import same
from pullback.core.terminals import CONSTANT, input_node

Values = np.ndarray[Any, Any]


class Content(NamedTuple):
    """An array, and a copy of what it held."""

    array: Values
    copy: Values

    def holds(self) -> bool:
        """Whether it holds the same, bit for bit, or objects that cannot be told apart."""
        now, before = self.array, self.copy
        if now.shape != before.shape or now.dtype != before.dtype:
            return False
        if now.dtype.hasobject:
            return all(map(same, now.flat, before.flat))
        return np.array_equal(np.ascontiguousarray(now).view(np.uint8), np.ascontiguousarray(before).view(np.uint8))


class Outside(NamedTuple):
    """What was found.

    Attributes:
        outputs: those of the graph, in which inputs stand for arrays that are operands.
        inputs: these.
        arrays: for each input the array that it is read from: NumPy's, or the handle of one of ours.
        contents: what other arrays must hold.
    """

    outputs: list[Node]
    inputs: list[Node]
    arrays: list[Values | Array]
    contents: list[Content]


def find(outputs: Sequence[Node], capture: Capture, first: int, before: References, after: References) -> Outside:
    """Find the arrays that somebody else may write to among those that a function used.

    Args:
        outputs: what the function computes.
        capture: what it met meanwhile.
        first: the index of the first node that it made.
        before: what it refers to, before it ran.
        after: the same afterwards.
    """
    nodes = ancestors(outputs, stop=lambda node: node.index < first)
    known_handles = {id(one.content): one.holder for one in after.found.values() if isinstance(one.holder, Array)}
    ours = [node for node in nodes if node.index < first and node.value is not None and isinstance(node.aval, Aval)]
    ours = [node for node in ours if node.watched or id(node) in known_handles]
    handles = {node: known_handles[id(node)] if id(node) in known_handles else Array(node) for node in ours}
    constants = [node for node in nodes if node.primitive is CONSTANT and node not in handles]
    values = Counter(id(node.value) for node in constants)
    for node in constants:  # of arrays that were made before, which may share the memory of the caller's
        if node.index < first and type(node.value) is np.ndarray:
            capture.meet(node.value, node.value)
    shared = _shared(capture, values)
    sources = {id(value): array for array, known in shared for value in known}
    standing: dict[int, Node] = {}
    replaced = {node: input_node(node.array_aval, node.name, node.weak) for node in handles}
    inputs = list(replaced.values())
    for node in constants:
        array = sources.get(id(node.value))
        if array is not None and array.shape == node.array_aval.shape and array.dtype == node.array_aval.dtype:
            replaced[node] = standing.setdefault(id(array), input_node(node.array_aval, node.name))
    arrays = [array for array, _ in shared if id(array) in standing]
    covered = {id(_owner(array)) for array in arrays}
    others = [array for array, _ in shared if id(array) not in standing]
    known = {id(array): number for array, number in before.arrays}
    others += [array for array, number in after.arrays if known.get(id(array)) == number and _is_writable(array)]
    contents = {id(array): array for array in others if id(_owner(array)) not in covered}
    return Outside(
        _rebuilt(outputs, replaced),
        [*inputs, *(standing[id(array)] for array in arrays)],
        [*handles.values(), *arrays],
        [Content(array, np.array(array, order="C")) for array in contents.values()],
    )


def _rebuilt(outputs: Sequence[Node], replaced: dict[Node, Node]) -> list[Node]:
    if not replaced:
        return list(outputs)
    copies = rebuild(outputs, replaced)
    for node, copy in copies.items():
        copy.scope = node.scope
    return [copies[node] for node in outputs]


def _owner(array: Values) -> Values:
    """The array whose memory this one shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _is_writable(array: Values) -> bool:
    return array.flags.writeable or _owner(array).flags.writeable


def _shared(capture: Capture, values: Counter[int]) -> list[tuple[Values, list[Any]]]:
    """The arrays that were met and that somebody holds who is not the graph: what made them for itself is gone."""
    found = []
    for array, known in capture.met.values():
        owner = _owner(array)
        if not _is_writable(array) or not array.size:
            continue
        ours = sum(one is array for one in known) + values[id(array)]
        is_held = sys.getrefcount(array) > ours + (_BOTH if owner is array else _ALONE)
        if is_held or owner.base is not None or (owner is not array and sys.getrefcount(owner) > _OF_VIEW):
            found.append((array, known))
    return found


_ALONE = 3
"""Who holds an array while it is looked at: the note of it, a variable, and the call that counts."""
_BOTH = _ALONE + 1
"""The same where two variables do."""
_OF_VIEW = 3
"""Who holds the memory of a view: the view, a variable, and the call that counts."""
