"""A program: a graph made ready to run again and again on other values."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from pullback.compiler import allocation, threads
from pullback.compiler.arena import Arena
from pullback.compiler.entry import Given, Result, build
from pullback.compiler.interrupts import interrupted_address
from pullback.compiler.lower import load_or_lower, lower
from pullback.compiler.lowered import HostCall
from pullback.compiler.machine import Code, provide
from pullback.compiler.views import View
from pullback.control.bodies import Body
from pullback.core.evaluate import evaluate
from pullback.core.graph import Graph
from pullback.core.node import Node, as_value
from pullback.errors import GraphError, PullbackError

Array = np.ndarray[Any, Any]
RELEASING = 500_000
"""Bytes moved or operations done above which other threads of Python may run meanwhile."""
_NATIVE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Program:
    """Runs a graph. May be run from several threads at once.

    Attributes:
        graph: what is computed.
        lowered: what it was made into.
        seconds: how long each part took in all runs, where parts are separate.
    """

    def __init__(self, graph: Graph, separate: bool = False, updates: Mapping[int, int] | None = None) -> None:
        self.graph = graph
        updates = updates or {}
        self.lowered = lowered = lower(graph, True, updates) if separate else load_or_lower(graph, updates)
        self.seconds: list[float] | None = [0.0] * len(lowered.sequence) if separate else None
        self._avals = [node.array_aval for node in graph.inputs]
        provide(lowered.functions)
        names = [one for one in lowered.sequence if isinstance(one, str)]
        self._code = Code(lowered.object_code, names) if names else None
        self._sequence: list[Any] = [
            with_compiled_bodies(one) if isinstance(one, HostCall) else _NATIVE(self._code.addresses[one])  # type: ignore[union-attr]  # names have code
            for one in lowered.sequence
        ]
        self._template = (ctypes.c_void_p * lowered.slots)()
        for slot, array in lowered.constants:
            self._template[slot] = array.ctypes.data
        for slot, routine in lowered.routines:
            self._template[slot] = _address(routine)
        self._pool = next((slot for slot, routine in lowered.routines if routine == "pool"), None)
        self._arena = Arena(lowered.arena_size)

    @property
    def is_native(self) -> bool:
        """Whether there are no calls of the host, any of which may fail midway."""
        return not any(isinstance(one, HostCall) for one in self.lowered.sequence)

    def run(self, values: Sequence[Any], owned: Collection[int] = ()) -> list[Array]:
        """Return the outputs for these inputs; each is an array of its own, or an owned one that was overwritten.

        Args:
            values: the inputs.
            owned: positions of those that may be overwritten where they are, as nobody else sees them.
        """
        in_place = self.lowered.in_place
        overwritten = set(in_place.values()).difference(owned)
        arrays = [
            np.array(value, aval.dtype, order="C") if i in overwritten else as_input(value, aval.dtype)
            for i, (value, aval) in enumerate(zip(values, self._avals, strict=True))
        ]
        outputs = [
            arrays[in_place[i]] if i in in_place else allocation.empty(aval)
            for i, aval in enumerate(self.lowered.avals)
        ]
        if self._pool is not None:
            threads.pool.ensure()
        slots = type(self._template).from_buffer_copy(self._template)
        for i, array in enumerate((*arrays, *outputs)):
            slots[i] = array.ctypes.data
        with self._arena.taken() as arena, np.errstate(all="ignore"):
            slots[self.lowered.arena] = arena.ctypes.data
            run = _Run(arrays, outputs, arena, dict(self.lowered.constants), slots, self.lowered.hosts)
            for i, one in enumerate(self._sequence):
                start = time.perf_counter() if self.seconds is not None else 0.0
                if isinstance(one, HostCall):
                    run.call_host(one)
                else:
                    one(slots)
                if self.seconds is not None:
                    self.seconds[i] += time.perf_counter() - start
            for place, number in self.lowered.outputs_of_host.items():
                outputs[place][...] = run.results[number]
        first = len(outputs) - self.lowered.checks
        return outputs[:first] if all(outputs[first:]) else self._evaluated(values)

    def _evaluated(self, values: Sequence[Any]) -> list[Array]:
        """The outputs by NumPy where a check failed: that raises what it raises, or knows the result after all."""
        found = evaluate(self.graph, dict(zip(self.graph.inputs, map(np.asarray, values), strict=True)))
        return [np.array(found[one], order="C") for one in self.graph.outputs]

    # The entry ------------------------------------------------------------------------------------------------------

    def entry(
        self,
        arguments: Sequence[Given],
        state: Mapping[int, Array],
        guards: Sequence[tuple[int, int]],
        lookups: Sequence[tuple[Any, str, Any]],
        results: Sequence[Result],
        single: bool,
        held: Any,
    ) -> Callable[..., Any] | None:
        """Return a Python function in machine code that runs the program; None where there can be none.

        Args:
            arguments: what is expected of each argument.
            state: arrays that are inputs, by their position, and stay where they are.
            guards: words of memory, each with what must be there.
            lookups: dictionaries, each with a key and what must be there.
            results: for each result how it is made, with the position of its output in place of its slot.
            single: whether the one result is returned as it is.
            held: what ``guards`` look at, to be kept alive as long as the function.
        """
        lowered = self.lowered
        if len(lowered.sequence) != 1 or not isinstance(lowered.sequence[0], str) or self._code is None:
            return None
        if self._pool is not None:
            threads.pool.ensure()
        template = type(self._template).from_buffer_copy(self._template)
        for position, array in state.items():
            template[position] = array.ctypes.data
        flags = np.zeros(lowered.checks + 1, np.uint8)
        first = lowered.outputs + len(self.lowered.avals) - lowered.checks
        for i in range(lowered.checks):
            template[first + i] = flags.ctypes.data + i
        template_held: Any = template
        template_held.held = (flags, self, held)
        made = [replace(one, slot=lowered.outputs + one.slot) for one in results]
        return build(
            self._code.addresses[lowered.sequence[0]], template, arguments, guards, lookups, made, single,
            (lowered.arena, self._arena.word), (lowered.checks, flags.ctypes.data), lowered.work > RELEASING,
            [id(array) for array in state.values()],
        )  # fmt: skip


_WORTH = 16
"""Operations in a body from which on it is compiled, where the loop itself runs on the host."""


class CompiledBody(Body):
    """A body that runs as a program of its own, in a loop or branch that is no native code as a whole."""

    @cached_property
    def _compiled(self) -> Program:
        return Program(Graph.of(self.outputs, self.inputs))

    def evaluate(self, values: Sequence[Any]) -> list[Any]:
        """The values of the outputs from values of the inputs."""
        return list(self._compiled.run(values))


def with_compiled_bodies(call: HostCall) -> HostCall:
    """The call with bodies that are programs."""
    node = call.node
    params = {name: _compiled(value) for name, value in node.params.items()}
    if all(value is node.params[name] for name, value in params.items()):
        return call
    held = Node(node.primitive, node.inputs, params, None, True, node._origin, node.aval, node.name)
    return replace(call, node=held)


def _compiled(value: Any) -> Any:
    if isinstance(value, tuple) and any(isinstance(one, Body) for one in value):
        return tuple([_compiled(one) for one in value])
    if not isinstance(value, Body) or sum(bool(node.inputs) for node in value.nodes) < _WORTH:
        return value
    return value.derive(CompiledBody, lambda: CompiledBody(value.name, value.inputs, value.outputs))


class _Run:
    """What one run of a program with host calls works on."""

    def __init__(
        self,
        inputs: list[Array],
        outputs: list[Array],
        arena: Array,
        constants: dict[int, Array],
        slots: Any,
        hosts: int,
    ) -> None:
        self.inputs, self.outputs, self.arena, self.constants = inputs, outputs, arena, constants
        self.slots = slots
        self.hosts = hosts
        self.results: dict[int, Any] = {}
        self.kept: list[Array] = []

    def call_host(self, call: HostCall) -> None:
        """Run the NumPy meaning of a node."""
        operands = [self.results[one] if isinstance(one, int) else self._array(one) for one in call.operands]
        try:
            result = call.node.primitive.evaluate(*operands, **call.node.params)
        except PullbackError:
            raise
        except (ValueError, TypeError, IndexError, ArithmeticError) as error:
            raise GraphError(f"{call.node.primitive.name}: {error}") from error
        if isinstance(result, tuple):
            result = tuple([self._own(one, operands) for one in result])
        else:
            aval = call.node.array_aval
            result = as_input(self._own(as_value(result), operands), aval.dtype)
            self.slots[self.hosts + call.number] = result.ctypes.data
        self.results[call.number] = result

    def _own(self, result: Any, operands: Sequence[Any]) -> Any:
        """A result that does not lie in the memory of an operand, which other parts of the program use again."""
        shared = any(np.may_share_memory(result, one) for one in operands if isinstance(one, np.ndarray))
        return np.array(result) if shared else result

    def _array(self, view: View) -> Any:
        buffer = view.buffer
        if buffer.kind == "host":
            whole = self.results[buffer.number]
        elif buffer.kind == "arena":
            whole = self.arena[buffer.number : buffer.number + buffer.nbytes].view(buffer.dtype)
        elif buffer.kind == "constant":
            whole = self.constants[buffer.number]
        else:
            whole = (self.inputs if buffer.kind == "input" else self.outputs)[buffer.number]
        size = buffer.dtype.itemsize
        strides = tuple(stride * size for stride in view.strides)
        array = np.ndarray(view.shape, buffer.dtype, whole.reshape(-1), view.offset * size, strides)
        array.flags.writeable = False
        return array


def _address(routine: str) -> int:
    if routine == "interrupted":
        return interrupted_address()
    return threads.pool.address if routine == "pool" else threads.parallel_address()


def as_input(value: Any, dtype: np.dtype[Any]) -> Array:
    """The value as native code reads it: of this dtype, row by row, aligned."""
    return np.require(value, dtype, ["C_CONTIGUOUS", "ALIGNED"])
