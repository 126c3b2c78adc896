"""Loops and branches as LLVM text: they call the functions of their bodies, each with pointers of its own.

Nothing is copied on the way: a row of a stack is a pointer into it, a row of a result is written where it will stay.
What a loop carries on lies in two places in turn, of which one is where the result is to be; where a body can write a
new value over the old one (see ``Lowered.in_place``) one place is enough.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.compiler.emit import Module, element
from pullback.compiler.fuse import carried_by, planned_bodies
from pullback.compiler.instructions import Writer
from pullback.compiler.lowered import Lowered, Part
from pullback.compiler.views import Buffer, View
from pullback.core.aval import Aval
from pullback.core.node import Node

_OFTEN = 1024
"""After how many steps a loop of unknown length asks whether it is to stop."""


@dataclass(frozen=True)
class Place:
    """Where an array lies: a slot that points to memory, the offset there, and how far apart its rows are, in bytes."""

    slot: int
    offset: int
    aval: Aval
    stride: int = 0

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return math.prod(self.aval.shape) * self.aval.dtype.itemsize


@dataclass(frozen=True)
class Frame:
    """The function of a body, and the pointers that it is given.

    Attributes:
        name: of the function.
        slots: the number of pointers.
        outputs: the first slot of the outputs; inputs come first of all.
        in_place: for outputs that are written where an input was, which one.
        shared: slots that hold what another slot of the caller does: constants, the pool of threads.
        arena: the slot for memory of its own.
        memory: where that memory is.
    """

    name: str
    slots: int
    outputs: int
    in_place: dict[int, int]
    shared: list[tuple[int, int]]
    arena: int
    memory: Place


class Flow:
    """A native loop or branch in the making.

    Attributes:
        name: of its function.
        node: what it is.
        avals: of its results.
        inner: its bodies.
        shared: for each body its slots that hold what a slot of the caller does.
        results: where its results are.
        spare: second places of results that are carried on and need one.
        memory: of the bodies, of which one runs at a time.
        flag: where a condition puts its answer.
    """

    def __init__(self, name: str, node: Node, inner: Sequence[Lowered]) -> None:
        self.name, self.node, self.inner = name, node, inner
        avals: Any = node.aval
        self.avals: Sequence[Aval] = avals
        self.shared: list[list[tuple[int, int]]] = [[] for _ in inner]
        self.results: dict[int, View] = {}
        places = [i for i in carried_by(node) if i not in inner[-1].in_place]
        self.spare = {i: _buffer(avals[i]) for i in places}
        self.memory = _buffer(Aval((max(one.arena_size for one in inner),), np.dtype(np.uint8)))
        self.flag = _buffer(Aval((), np.dtype(bool)))
        self._unused: list[Buffer] = []

    def fill_results(self) -> None:
        """Have memory for results that nothing uses."""
        for i, aval in enumerate(self.avals):
            if i not in self.results:
                self._unused.append(_buffer(aval))
                self.results[i] = self._unused[-1].view()

    def own_buffers(self) -> list[Buffer]:
        """Memory that is needed while it runs, and not before or after."""
        return [self.memory, self.flag, *self.spare.values(), *self._unused]

    def parts(self) -> list[Part]:
        """What a report names: itself, and the parts of its bodies."""
        kind = self.node.primitive.name
        steps = self.node.params.get("length", 0 if kind == "while_loop" else 1)
        inner = [part for one in self.inner for part in one.parts]
        whole = [part for part in inner if part.depth == 0]
        moved, flops = (max(steps, 1) * sum(getattr(part, name) for part in whole) for name in ("nbytes", "flops"))
        described = f"{kind} {planned_bodies(self.node)[-1].name}"
        if "length" in self.node.params:
            described += f", {steps} steps"
        itself = Part(_KINDS[kind], (described,), moved, flops, steps=steps)
        return [itself, *(replace(part, depth=part.depth + 1) for part in inner)]


_KINDS = {"scan": "loop", "while_loop": "loop", "cond": "branch", "switch": "branch", "checkpoint": "call"}
"""What a report calls them."""


def _buffer(aval: Aval) -> Buffer:
    return Buffer("arena", 0, aval.shape, aval.dtype)


class FlowWriter:
    """Writes a loop or branch as a function ``(slots)``.

    Args:
        node: the loop or branch.
        frames: of its bodies.
        inputs: where its inputs are.
        results: where its results are to be.
        spare: second places for results that are carried on, where they need one.
        flag: a byte of memory.
        interrupted: the slot of the function that says whether a signal has come.
    """

    def __init__(
        self,
        module: Module,
        name: str,
        node: Node,
        frames: Sequence[Frame],
        inputs: Sequence[Place],
        results: Sequence[Place],
        spare: Mapping[int, Place],
        flag: Place,
        interrupted: int,
    ) -> None:
        self.w = Writer(module)
        self.name, self.node, self.frames = name, node, frames
        self.inputs, self.results, self.spare, self.flag = inputs, results, spare, flag
        self.interrupted = interrupted

    def text(self) -> str:
        """The function."""
        kind = self.node.primitive.name
        pointers = [self._frame(frame) for frame in self.frames]
        if kind == "scan":
            self._scan(*pointers)
        elif kind == "while_loop":
            self._while(*pointers)
        else:
            self._branch(pointers)
        body = "\n".join(self.w.lines)
        return f"define private void @{self.name}(ptr noalias %slots) nounwind {{\nentry:\n{body}\n  ret void\n}}"

    # Pointers -------------------------------------------------------------------------------------------------------

    def _frame(self, frame: Frame) -> str:
        """Room for the pointers of a body, with those in it that stay the same."""
        pointer = self.w.result(f"alloca [{frame.slots} x ptr], align 64")
        for slot, outer in frame.shared:
            self._set(pointer, slot, self._load(outer))
        self._set(pointer, frame.arena, self._pointer(frame.memory))
        return pointer

    def _load(self, slot: int) -> str:
        return self.w.value(f"load ptr, ptr {self.w.value(f'getelementptr ptr, ptr %slots, i64 {slot}')}")

    def _pointer(self, place: Place) -> str:
        base = self._load(place.slot)
        return self.w.value(f"getelementptr i8, ptr {base}, i64 {place.offset}") if place.offset else base

    def _set(self, frame: str, slot: int, pointer: str) -> None:
        self.w.write(f"store ptr {pointer}, ptr {self.w.value(f'getelementptr ptr, ptr {frame}, i64 {slot}')}")

    def _run(self, frame: Frame, pointer: str) -> None:
        self.w.write(f"call void @{frame.name}(ptr {pointer})")

    def _copy(self, target: str, source: str, nbytes: int) -> None:
        copy = self.w.module.intrinsic("llvm.memcpy.p0.p0.i64", "void", ["ptr", "ptr", "i64", "i1"])
        self.w.write(f"call void {copy}(ptr {target}, ptr {source}, i64 {nbytes}, i1 false)")

    def _select(self, condition: str, one: str, other: str) -> str:
        return self.w.value(f"select i1 {condition}, ptr {one}, ptr {other}")

    # What is carried ------------------------------------------------------------------------------------------------

    def _begin(self, first: int, count: int) -> list[tuple[str, str, str]]:
        """For each carried value: its start, its place and its second place. Those with one place begin there."""
        carried = []
        for i in range(count):
            start, place = self._pointer(self.inputs[first + i]), self._pointer(self.results[i])
            spare = self.spare.get(i)
            if spare is None:
                self._copy(place, start, self.results[i].nbytes)
            carried.append((start, place, place if spare is None else self._pointer(spare)))
        return carried

    # Kinds ----------------------------------------------------------------------------------------------------------

    def _scan(self, pointer: str) -> None:
        w, params, (frame,) = self.w, self.node.params, self.frames
        consts, carries, length = params["consts"], params["carries"], params["length"]
        for i in range(consts):
            self._set(pointer, i, self._pointer(self.inputs[i]))
        carried = self._begin(consts, carries)
        stacks = [(i, self._pointer(self.inputs[i]), self.inputs[i]) for i in range(consts + carries, len(self.inputs))]
        rows = [
            (frame.outputs + i, self._pointer(self.results[i]), self.results[i])
            for i in range(carries, len(self.results))
        ]
        w.write("br label %loop")
        w.label("loop")
        w.write("%count = phi i64 [0, %entry], [%following, %loop]")
        left = w.value(f"sub i64 {length - 1}, %count")
        odd = w.value(f"trunc i64 {left} to i1")
        self._carry(pointer, frame, consts, carried, w.value("icmp eq i64 %count, 0"), odd)
        for slot, base, place in (*stacks, *rows):
            far = w.value(f"mul i64 {left if params['reverse'] else '%count'}, {place.stride}")
            self._set(pointer, slot, w.value(f"getelementptr i8, ptr {base}, i64 {far}"))
        self._run(frame, pointer)
        w.write("%following = add nuw nsw i64 %count, 1")
        w.write(f"%more = icmp slt i64 %following, {length}")
        w.write("br i1 %more, label %loop, label %done")
        w.label("done")

    def _carry(
        self, pointer: str, frame: Frame, first: int, carried: Sequence[tuple[str, str, str]], begins: str, odd: str
    ) -> list[str]:
        """Say where carried values are read, and where the new ones go: their second place if ``odd``."""
        read = []
        for i, (start, place, spare) in enumerate(carried):
            here, there = (place, place) if place == spare else (start, place)
            if place != spare:
                here = self._select(begins, start, self._select(odd, place, spare))
                there = self._select(odd, spare, place)
            self._set(pointer, first + i, here)
            self._set(pointer, frame.outputs + i, there)
            read.append(here)
        return read

    def _while(self, asking: str, pointer: str) -> None:
        """A loop of unknown length; the first thing that it carries is whether all is well."""
        w, params, (question, frame) = self.w, self.node.params, self.frames
        asked, given = params["cond_consts"], params["body_consts"]
        for i in range(asked):
            self._set(asking, i, self._pointer(self.inputs[i]))
        for i in range(given):
            self._set(pointer, i, self._pointer(self.inputs[asked + i]))
        flag = self._pointer(self.flag)
        self._set(asking, question.outputs, flag)
        carried = self._begin(asked + given, len(self.results))
        w.write("br label %ask")
        w.label("ask")
        w.write("%count = phi i64 [0, %entry], [%following, %step]")
        odd = w.value("trunc i64 %count to i1")
        read = self._carry(pointer, frame, given, carried, w.value("icmp eq i64 %count, 0"), odd)
        for i, one in enumerate(read):
            self._set(asking, asked + i, one)
        self._run(question, asking)
        holds = w.result(f"load i8, ptr {flag}")
        w.write(f"%holds = icmp ne i8 {holds}, 0")
        w.write("br i1 %holds, label %go, label %done")
        self._look_for_signals()
        self._run(frame, pointer)
        w.write("%following = add i64 %count, 1")
        w.write("br label %ask")
        w.label("done")
        w.write("%stopped = phi i1 [false, %ask], [true, %look]")
        for i, (one, (_, place, spare)) in enumerate(zip(read, carried, strict=True)):
            if place != spare:
                there = w.value(f"icmp eq ptr {one}, {place}")
                w.write(f"br i1 {there}, label %stored{i}, label %store{i}")
                w.label(f"store{i}")
                self._copy(place, one, self.results[i].nbytes)
                w.write(f"br label %stored{i}")
                w.label(f"stored{i}")
        w.write("br i1 %stopped, label %unwell, label %out")
        w.label("unwell")
        w.write(f"store i8 0, ptr {carried[0][1]}")
        w.write("br label %out")
        w.label("out")

    def _look_for_signals(self) -> None:
        """Every so many steps: go on, unless the user wants to stop."""
        w = self.w
        w.label("go")
        w.write(f"%since = and i64 %count, {_OFTEN - 1}")
        w.write(f"%due = icmp eq i64 %since, {_OFTEN - 1}")
        w.write("br i1 %due, label %look, label %step")
        w.label("look")
        called = self._load(self.interrupted)
        w.write(f"%signal = call i32 {called}()")
        w.write("%stop = icmp ne i32 %signal, 0")
        w.write("br i1 %stop, label %done, label %step")
        w.label("step")

    def _branch(self, pointers: Sequence[str]) -> None:
        """Call the body that the first input says, or the only one there is."""
        w = self.w
        first = 0 if self.node.primitive.name == "checkpoint" else 1
        for frame, pointer in zip(self.frames, pointers, strict=True):
            for i, place in enumerate(self.inputs[first:]):
                self._set(pointer, i, self._pointer(place))
            for i, place in enumerate(self.results):
                self._set(pointer, frame.outputs + i, self._pointer(place))
        if len(self.frames) == 1:
            self._run(self.frames[0], pointers[0])
            return
        place = self.inputs[0]
        kind = element(place.aval.dtype)
        kind = "i8" if kind == "i1" else kind
        index = w.result(f"load {kind}, ptr {self._pointer(place)}")
        below = w.value(f"icmp slt {kind} {index}, 0")
        index = w.value(f"select i1 {below}, {kind} 0, {kind} {index}")
        last = len(self.frames) - 1
        cases = " ".join(f"{kind} {i}, label %branch{i}" for i in range(last))
        w.write(f"switch {kind} {index}, label %branch{last} [{cases}]")
        for i, (frame, pointer) in enumerate(zip(self.frames, pointers, strict=True)):
            w.label(f"branch{i}")
            self._run(frame, pointer)
            w.write("br label %done")
        w.label("done")
