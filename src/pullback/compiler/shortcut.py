"""Shortcuts: a function that takes a call like the one before straight to its program, past all that decides which.

Its core is the entry in machine code. Around that goes what only some calls need: containers, Arrays, gradients.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.compiler import binding, entry
from pullback.compiler.binding import bind, slot_offset
from pullback.compiler.entry import MISS, Given, Result
from pullback.compiler.outside import Content
from pullback.compiler.program import Program
from pullback.compiler.signature import BY_VALUE, Call, Static, flatten_call
from pullback.compiler.tracing import State, Traced
from pullback.core import tree
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.parameter import Parameter
from pullback.core.settings import Configured
from pullback.core.terminals import constant_node
from pullback.dtypes import FLOAT64

Function = Callable[..., Any]


@functools.cache
def available() -> bool:
    """Whether this interpreter's objects lie as entries in machine code expect."""
    return entry.available() and binding.available()


def shortcut(call: Call, traced: Traced, program: Program, updates: Mapping[int, int], kind: str) -> Function | None:
    """Return the shortcut for calls like this one, None if it is not of the simple kind that has such.

    It takes positional arguments and then those of the keywords, sorted by name, and returns MISS for other calls.

    Args:
        call: one that ran just now.
        traced: what its program was made from.
        program: what runs.
        updates: outputs that are new values of inputs: positions of both.
        kind: of the results: "python", "numpy" or "array".
    """
    state = traced.state
    if state.settings or state.arguments or state.grad_reads or not available():
        return None
    if set(updates) != set(program.lowered.in_place) or len(state.writes) != len(updates):
        return None
    arguments, made, expected = _arguments(call), _results(traced, program, kind), _expected(state, len(call.traced))
    if arguments is None or made is None or expected is None:
        return None
    grads = [(one, Result(program.lowered.avals[at], at)) for one, at in state.grad_writes if at is not None]
    structure = traced.structure
    single = structure == tree.flatten(_ANYTHING)[1]
    found = program.entry(
        arguments, expected.arrays, expected.guards, expected.lookups, [*made, *[one for _, one in grads]],
        single and not grads, (state, expected.held),
    )  # fmt: skip
    if found is None:
        return None
    if grads:
        found = _with_gradients(found, [one for one, _ in grads], len(made), single)
    if kind == "array":
        positions = [i for i, leaf in enumerate(call.leaves) if type(leaf) is Array]
        found = _with_arrays(found, positions, len(made), single)
    given = None if call.structure == _flat(len(call.leaves), call.names) else call.structure
    into = None if single or not made or structure == tree.flatten((_ANYTHING,) * len(made))[1] else structure
    if given is not None or into is not None:
        found = _between(found, given, call.names, into)
    return _while_they_hold(found, state.contents) if state.contents else found


def _arguments(call: Call) -> list[Given] | None:
    traced = {position: slot for slot, position in enumerate(call.traced)}
    arguments = []
    for position, leaf in enumerate(call.leaves):
        slot = traced.get(position)
        if slot is None:
            if type(leaf) is Static:
                leaf = leaf.value
                if not isinstance(leaf, (*BY_VALUE, float, complex)):
                    return None
            arguments.append(Given(same=leaf))
            continue
        if type(leaf) is Array:
            if leaf._node.watched or leaf._node.weak:
                return None
            leaf = leaf._node.value
        if type(leaf) is np.ndarray and leaf.dtype.isbuiltin:
            arguments.append(Given(Aval(leaf.shape, np.dtype(leaf.dtype.type)), slot=slot))
        elif type(leaf) is float or isinstance(leaf, np.generic):
            arguments.append(Given(scalar=type(leaf), slot=slot))
        else:
            return None
    return arguments


def _results(traced: Traced, program: Program, kind: str) -> list[Result] | None:
    made = []
    for is_traced, place in traced.results:
        if not is_traced:
            return None
        aval = program.lowered.avals[place]
        if kind == "python" and not aval.shape:
            if aval.dtype != FLOAT64:
                return None
            made.append(Result(None, place))
        else:
            made.append(Result(aval, place))
    nothing = traced.structure == tree.flatten(None)[1]
    return made if made or nothing else None


class _Expected(NamedTuple):
    """What has to be as it was.

    Attributes:
        guards: words of memory, each with what must be there.
        lookups: dictionaries, each with a key and what must be there.
        arrays: values of state, by the position of their input; who holds on to them keeps programs from writing there.
        held: what guards look at.
    """

    guards: list[tuple[int, int]]
    lookups: list[tuple[Any, str, Any]]
    arrays: dict[int, np.ndarray[Any, Any]]
    held: Any


def _expected(state: State, first: int) -> _Expected | None:
    """What a program with this state depends on; None where that is not seen from words of memory."""
    if not all(one.is_guarded() for one in state.references):
        return None
    guards: list[tuple[int, int]] = []
    words: list[np.ndarray[Any, Any]] = []
    arrays: dict[int, np.ndarray[Any, Any]] = {}
    written = {id(parameter) for parameter, _ in state.writes}
    for i, parameter in enumerate(state.reads, first):
        bound = bind(parameter)
        if bound is None:
            return None
        guards += bound.guards(id(parameter) in written)
        words.append(bound.valid)
        arrays[i] = bound.value
    for i, (array, _) in enumerate(state.arrays, first + len(state.reads)):
        if type(array) is not np.ndarray or not (array.flags.c_contiguous and array.flags.aligned):
            return None
        arrays[i] = array
    slots = {(id(one), name): (one, name, held) for one, name, held in state.slots}
    dropped = [one for one, at in state.grad_writes if at is None]
    slots.update({(id(one), "_held_grad"): (one, "_held_grad", None) for one in dropped})
    guards += [(id(one) + slot_offset(Parameter, name), id(held)) for one, name, held in slots.values()]
    guards += [(id(one) + slot_offset(Configured, "_token"), id(token)) for one, token in state.configured]
    references = [one.renewed() for one in state.references]
    guards += [word for one in references for word in one.words()]
    lookups = [(one.holder, one.key, one.content) for one in references if one.key is not None]
    return _Expected(guards, lookups, arrays, (references, words))


# Around the entry -----------------------------------------------------------------------------------------------------

_ANYTHING = object()


def _flat(count: int, names: Sequence[str]) -> Any:
    """The structure of a call with so many arguments, the last of these names, none of which is a container."""
    positional = (_ANYTHING,) * (count - len(names))
    return tree.flatten((positional, dict.fromkeys(names, _ANYTHING)))[1]


def _between(found: Function, given: Any, names: Sequence[str], into: Any) -> Function:
    """The same with containers among the arguments (of the structure ``given``) or in the result (``into``)."""

    def run(*args: Any) -> Any:
        if given is not None:
            positional = len(args) - len(names)
            leaves, structure = flatten_call((args[:positional], dict(zip(names, args[positional:], strict=True))))
            if structure != given:
                return MISS
            args = tuple(leaves)
        result = found(*args)
        return result if into is None or result is MISS else tree.unflatten(into, result)

    return run


def _with_arrays(found: Function, positions: Sequence[int], count: int, single: bool) -> Function:
    """The same with Arrays at these positions, and of ``count`` results; through none of them a derivative goes."""

    def run(*args: Any) -> Any:
        values = list(args)
        for i in positions:
            one = values[i] if i < len(values) else None
            if type(one) is not Array or one._node.watched or one._node.weak:
                return MISS
            values[i] = one._node.value
        result = found(*values)
        if result is MISS or not count:
            return result
        return _array(result) if single else tuple([_array(one) for one in result])

    return run


def _array(value: Any) -> Array:
    return Array(constant_node(np.asarray(value)))


def _with_gradients(found: Function, parameters: Sequence[Parameter], count: int, single: bool) -> Function:
    """The same where results after the first ``count`` are new gradients of ``parameters``."""

    def run(*args: Any) -> Any:
        result = found(*args)
        if result is MISS:
            return MISS
        for parameter, grad in zip(parameters, result[count:], strict=True):
            parameter._held_grad = _array(grad)
        return result[0] if single else result[:count] if count else None

    return run


def _while_they_hold(found: Function, contents: Sequence[Content]) -> Function:
    """The same of a program that was made for what some arrays held."""

    def run(*args: Any) -> Any:
        return found(*args) if all(one.holds() for one in contents) else MISS

    return run
