"""Loop nests: a kernel as LLVM text.

The axes that are kept are the outer loops, the reduced ones the inner. One axis, along which most of what is read lies
side by side, is walked in vectors; what is left at its end is done with masks. Lengths are known, so each loop is as
long as it is and no more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from pullback.compiler import strided
from pullback.compiler.allocation import ALIGNMENT, available
from pullback.compiler.emit import Module, element, stored
from pullback.compiler.fuse import REDUCTIONS, Kernel, is_lookup, is_reduction, is_worth_keeping, scalar_of
from pullback.compiler.instructions import Writer, find, first_lanes
from pullback.compiler.machine import vector_bytes
from pullback.compiler.views import Buffer, View
from pullback.compiler.words import vector
from pullback.core.node import Node

PARALLEL = 150_000
"""Work from which on it pays to wake other threads."""
_TILES, _TILE = 64, 50_000
"""Into how many tiles such work is cut at most, and the work of each at least: whatever the number of threads."""


_BEYOND = 32 << 20
"""Bytes of a result that is not to be in the caches afterwards."""
_POINTS = {1: 2.0, 0: 1.0, **dict.fromkeys(range(2, strided.SMALL + 1), 0.25)}
"""How well an access suits an axis that is walked in vectors, by its stride."""
_UNROLLED, _UNROLLED_WINDOW = 4, 16
"""Steps along reduced axes, walked in vectors or not, that are written one after the other, without loops."""

NOTHING: Mapping[Node, str] = MappingProxyType({})


def tile_of(trips: int, work: int) -> int:
    """How many iterations of the first loop belong together: all of them where there is little to do."""
    return trips if work < PARALLEL else -(-trips // min(_TILES, work // _TILE))


def work_of(kernel: Kernel) -> int:
    """About how many instructions on numbers there are to do."""
    return math.prod(kernel.shape) * sum(8 if is_worth_keeping(node) else 1 for node in kernel.nodes)


@dataclass(eq=False)
class Access:
    """An array that a kernel reads or writes: its view, and how far apart its elements lie along each loop.

    Where there are indices, ``steps`` says how far apart what they pick lies.
    """

    view: View
    strides: list[int]
    pointer: str = ""
    steps: tuple[int, ...] = ()


@dataclass
class Axis:
    """One loop: its length, and whether it is reduced."""

    length: int
    reduced: bool
    members: list[int] = field(default_factory=list)


def beginning(w: Writer, view: View, place: Callable[[Buffer], int]) -> str:
    """Where a view begins; ``place`` is that of a buffer among the pointers that the function is given."""
    at = w.value(f"getelementptr ptr, ptr %operands, i64 {place(view.buffer)}")
    return w.moved(w.value(f"load ptr, ptr {at}"), "1", view.offset * view.dtype.itemsize)


class KernelWriter:
    """Writes one kernel as a function ``run(operands, begin, end)`` over the iterations of its first loop.

    Args:
        kernel: what is computed.
        views: where what is stored lies.
        locate: the view of an operand that was computed before.
        base: what operands move.
        place: of a buffer among the pointers that the function is given.
    """

    def __init__(
        self,
        module: Module,
        kernel: Kernel,
        views: dict[Node, View],
        locate: Callable[[Node], View],
        base: dict[Node, Node],
        place: Callable[[Buffer], int],
    ) -> None:
        self.kernel = kernel
        self.base = base
        self.w = Writer(module)
        self.members = set(kernel.nodes)
        self.place = place
        self.reads: dict[tuple[Node, bool], Access] = {}
        self.writes: dict[Node, Access] = {}
        self.tables: dict[Node, Access] = {}
        for node in kernel.nodes:
            outer = node in kernel.outer and not is_reduction(node)
            operands: Sequence[Node] = node.inputs if node is not kernel.product else ()
            if "places" in node.params:
                table, *operands = operands
                self.tables[node] = self._table(node, operands, locate(table if is_lookup(node) else node))
            for operand in operands:
                if base[operand] not in self.members and scalar_of(operand) is None:
                    self.reads.setdefault((operand, outer), self._access(locate(operand), outer))
            if node in views:
                self.writes[node] = self._access(views[node], node in kernel.outer)
        self._arrange([*self.reads.values(), *self.tables.values(), *self.writes.values()])

    # Shapes of loops ------------------------------------------------------------------------------------------------

    def _arrange(self, accesses: list[Access]) -> None:
        """Choose the loops for what is read and written."""
        self.accesses = accesses
        self.axes = self._collapsed()
        self.vector_axis, self.lanes = self._vectorized()
        self.kept = self._ordered(reduced=False)
        self.inner = self._ordered(reduced=True)

    def _access(self, view: View, outer: bool) -> Access:
        strides = [0] * len(self.kernel.shape)
        axes = self.kernel.kept if outer else range(len(self.kernel.shape))
        for axis, stride, length in zip(axes, view.strides, view.shape, strict=True):
            strides[axis] = stride if length != 1 else 0
        return Access(view, strides)

    def _table(self, node: Node, operands: Sequence[Node], view: View) -> Access:
        """What is read or written at indices: along the axes that these are on it stays where it is."""
        axes, places = node.params["axes"], node.params["places"]
        lengths = operands[-1].array_aval.shape
        strides = [0] * len(lengths)
        for place, axis in zip(places, (axis for axis in range(len(view.shape)) if axis not in axes), strict=True):
            strides[place] = view.strides[axis]
        found = self._access(View(view.buffer, view.offset, tuple(strides), lengths), node in self.kernel.outer)
        found.steps = tuple(view.strides[axis] for axis in axes)
        return found

    def _collapsed(self) -> list[Axis]:
        """Join neighbouring axes that every access walks as if they were one; leave out those of length 1."""
        reduced = self.kernel.axes or ()
        axes: list[Axis] = []
        kept: list[list[int]] = []  # for each axis the strides of all accesses
        for number_, length in enumerate(self.kernel.shape):
            if length == 1:
                continue
            strides = [access.strides[number_] for access in self.accesses]
            is_reduced = number_ in reduced
            if axes and axes[-1].reduced == is_reduced:
                joined = all(before == stride * length for before, stride in zip(kept[-1], strides, strict=True))
                if joined:
                    axes[-1].length *= length
                    kept[-1] = strides
                    continue
            axes.append(Axis(length, is_reduced))
            kept.append(strides)
        for i, access in enumerate(self.accesses):
            access.strides = [strides[i] for strides in kept]
        return axes

    def _vector_axes(self) -> Sequence[int]:
        """The axes that may be walked in vectors."""
        return range(len(self.axes))

    def _vectorized(self) -> tuple[int | None, int]:
        """The axis that is walked in vectors, and how many elements these have."""
        candidates = self._vector_axes()
        if not candidates:
            return None, 1
        inner = [node for node in self.kernel.nodes if node not in self.kernel.outer]
        width = max(node.array_aval.dtype.itemsize for node in inner or self.kernel.nodes)
        full = vector_bytes() // width

        def score(axis: int) -> float:
            length = self.axes[axis].length
            points = 0.0
            for access in self.accesses:
                stride = access.strides[axis]
                points += _POINTS.get(stride, -4)
            # What is left over in the last vector is lost.
            return points * length / (-(-length // full) * full) - (0.1 if self.axes[axis].reduced else 0)

        best = max(candidates, key=lambda axis: (score(axis), axis))
        length = self.axes[best].length
        lanes = full
        while lanes // 2 >= length:
            lanes //= 2
        return best, lanes

    def _ordered(self, reduced: bool) -> list[int]:
        """The loops over kept or reduced axes, from the outside: the one that is walked in vectors comes last."""
        axes = [i for i, axis in enumerate(self.axes) if axis.reduced == reduced and i != self.vector_axis]
        if self.vector_axis is not None and self.axes[self.vector_axis].reduced == reduced:
            axes.append(self.vector_axis)
        return axes

    @property
    def inner_is_short(self) -> bool:
        """Whether there are so few steps along the reduced axes that they need no loops."""
        steps = math.prod(self._count(axis) for axis in self.inner)
        return steps <= (_UNROLLED_WINDOW if self.rows_in_lanes else _UNROLLED)

    @property
    def rows_in_lanes(self) -> bool:
        """Whether vectors go across kept axes: then each lane has a row of its own."""
        return self.vector_axis is not None and not self.axes[self.vector_axis].reduced

    @property
    def trips(self) -> int:
        """How many iterations the first loop has, in vectors where that is the one walked so."""
        if not self.kept:
            return 1
        return self._count(self.kept[0])

    @property
    def parts(self) -> list[tuple[str, int, int]]:
        """The functions to call: name, how many iterations there are, and how many of these belong together."""
        return [("run", self.trips, tile_of(self.trips, work_of(self.kernel)))]

    def scale(self, depth: int) -> int:
        """How many elements an iteration of a loop over reduced axes takes."""
        return self.lanes if self.inner[depth] == self.vector_axis else 1

    def _count(self, axis: int) -> int:
        length = self.axes[axis].length
        return -(-length // self.lanes) if axis == self.vector_axis else length

    # Writing --------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The function."""
        w = self.w
        for access in self.accesses:
            access.pointer = self._begin(w, access)
        self._over_kept(0, dynamic=True)
        return w.function("run")

    def _begin(self, w: Writer, access: Access) -> str:
        return beginning(w, access.view, self.place)

    def passes_caches(self, access: Access) -> bool:
        """Whether what is written goes to memory past the caches, which it would only fill.

        So go large results that are not read again, in whole vectors that all begin where these have to.
        """
        buffer, size = access.view.buffer, access.view.dtype.itemsize
        strides = [stride for axis, stride in enumerate(access.strides) if axis != self.vector_axis]
        return (
            buffer.kind == "output"
            and buffer.nbytes >= _BEYOND
            and self.kernel.axes is None
            and self.kernel.product is None
            and self.lanes * size == ALIGNMENT == vector_bytes()
            and all(stride * size % ALIGNMENT == 0 for stride in (*strides, access.view.offset))
            and available()
        )

    def _advance(self, axis: int, index: str, scale: int = 1) -> list[str]:
        """Move every access on along an axis; return the pointers as they were."""
        before = [access.pointer for access in self.accesses]
        for access in self.accesses:
            stride = access.strides[axis] * scale
            if not stride:
                continue
            kind = stored(access.view.dtype)
            far = self.w.times(index, stride)
            access.pointer = self.w.value(f"getelementptr {kind}, ptr {access.pointer}, i64 {far}")
        return before

    def _restore(self, pointers: Sequence[str]) -> None:
        for access, pointer in zip(self.accesses, pointers, strict=True):
            access.pointer = pointer

    def _over_kept(self, depth: int, dynamic: bool = False, mask: int = 0) -> None:
        """The loops over kept axes from ``depth`` on, and what is inside; ``mask`` lanes count, 0 for all."""
        if depth == len(self.kept):
            self._write_row(mask)
            return
        axis = self.kept[depth]
        length = self.axes[axis].length
        if axis != self.vector_axis:
            self._kept_loop(depth, axis, "%begin" if dynamic else "0", "%end" if dynamic else str(length), 1)
            return
        full, rest = divmod(length, self.lanes)
        if not dynamic:
            if full:
                self._kept_loop(depth, axis, "0", str(full), self.lanes)
            if rest:
                self._kept_tail(depth, axis, full, rest)
            return
        # The first loop: in this call, some of its vectors, and the rest if that is among them.
        w = self.w
        if not rest:  # the same text for all lengths
            self._kept_loop(depth, axis, "%begin", "%end", self.lanes)
            return
        if full:
            stop = w.smaller("%end", str(full))
            begun = w.value(f"icmp slt i64 %begin, {full}")
            w.when(begun, lambda: self._kept_loop(depth, axis, "%begin", stop, self.lanes))
        w.when(w.value(f"icmp sgt i64 %end, {full}"), lambda: self._kept_tail(depth, axis, full, rest))

    def _write_row(self, mask: int) -> None:
        Row(self, mask).write()

    def _kept_loop(self, depth: int, axis: int, start: str, stop: str, scale: int) -> None:
        def body(index: str, _: list[str]) -> list[str]:
            before = self._advance(axis, index)
            self._over_kept(depth + 1)
            self._restore(before)
            return []

        self.w.loop(start, stop, [], body, scale)

    def _kept_tail(self, depth: int, axis: int, full: int, rest: int) -> None:
        before = self._advance(axis, str(full * self.lanes))
        self._over_kept(depth + 1, mask=rest)
        self._restore(before)


@dataclass(frozen=True)
class Walk:
    """What the loop of a stage over the reduced axes does.

    Attributes:
        sums: the reductions that it computes.
        types, first: of what it adds up, and with what it begins.
        body: what it does at each place, with so many lanes: from what was added up to what is then.
    """

    sums: list[Node]
    types: list[str]
    first: list[str]
    body: Callable[[list[str], int], list[str]]


class Row:
    """What happens for one place of the kept axes (or for one vector of them): stages over the reduced axes.

    Args:
        mask: how many lanes count, 0 for all.
        given: values that are there already.
    """

    def __init__(self, kernel: KernelWriter, mask: int, given: Mapping[Node, str] = NOTHING) -> None:
        self.k = kernel
        self.w = kernel.w
        self.mask = mask
        self.given = given
        self.outer: dict[Node, str] = {}

    def write(self) -> None:
        """Write all stages."""
        kernel = self.k.kernel
        last = max(kernel.stages.values(), default=0)
        for stage in range(last + 1):
            self.outer_level(stage)
            walk = self.walk(stage)
            if walk is not None:
                self.keep(walk, self.over_reduced(walk))

    # Levels ---------------------------------------------------------------------------------------------------------

    def outer_level(self, stage: int) -> None:
        """Compute and store what is at the outer level before the loop of a stage."""
        self.w.lanes = self.k.lanes if self.k.rows_in_lanes else 1
        for node in self.k.kernel.nodes:
            if node not in self.k.kernel.outer or self.k.kernel.stages[node] != stage:
                continue
            if not is_reduction(node):
                self.outer[node] = self._compute(node, self.outer, True, stage, self.mask)
            if node in self.k.writes:
                self._store(self.k.writes[node], self.outer[node], self.mask if self.k.rows_in_lanes else 0)

    def walk(self, stage: int) -> Walk | None:
        """What the loop of a stage over the reduced axes has to do, None for nothing."""
        k = self.k
        stages = k.kernel.stages
        inner = [node for node in k.kernel.nodes if node not in k.kernel.outer]
        writes = [node for node in inner if node in k.writes and stages[node] == stage]
        sums = [node for node in k.kernel.nodes if is_reduction(node) and stages[node] == stage + 1]
        if not writes and not sums:
            return None
        self.w.lanes = k.lanes
        lanes = k.lanes
        kinds = [element(node.array_aval.dtype) for node in sums]
        first = [self.w.constant(kind, _neutral(node)) for kind, node in zip(kinds, sums, strict=True)]

        def body(carried: list[str], mask: int) -> list[str]:
            self.w.lanes = lanes
            values = {**self.given, **(self.outer if k.rows_in_lanes or lanes == 1 else {})}
            found = [self._inner(node, values, stage, mask) for node in writes]
            handed = [
                self._accumulate(node, total, values, stage, mask) for node, total in zip(sums, carried, strict=True)
            ]
            for node, value in zip(writes, found, strict=True):  # last: what was read may be overwritten
                self._store(self.k.writes[node], value, mask)
            return handed

        return Walk(sums, [vector(kind, lanes) for kind in kinds], first, body)

    def keep(self, walk: Walk, totals: Sequence[str]) -> None:
        """Take over what the loop of a stage has added up."""
        for node, total in zip(walk.sums, totals, strict=True):
            self.outer[node] = total if self.k.rows_in_lanes or self.k.lanes == 1 else self._across(node, total)

    def combined(self, walk: Walk, totals: Sequence[str], others: Sequence[str]) -> list[str]:
        """What two parts of the loop of a stage have added up, together."""
        self.w.lanes = self.k.lanes
        return [
            _combined(self.w, node, element(node.array_aval.dtype), total, other)
            for node, total, other in zip(walk.sums, totals, others, strict=True)
        ]

    def over_reduced(self, walk: Walk) -> list[str]:
        """The loops over all reduced axes; return what they have added up."""
        return self._over_reduced(walk, 0, walk.first)

    def over_some(self, walk: Walk, start: str, stop: str) -> list[str]:
        """The same for some iterations of the first loop only, all in whole vectors."""
        return self._loop(walk, 0, walk.first, start, stop)

    def over_rest(self, walk: Walk, carried: list[str]) -> list[str]:
        """The same for what is left over by the whole vectors of the first loop."""
        return self._rest(walk, 0, carried)

    def _over_reduced(self, walk: Walk, depth: int, carried: list[str]) -> list[str]:
        k = self.k
        if depth == len(k.inner):
            return walk.body(carried, self.mask)
        full = k.axes[k.inner[depth]].length // k.scale(depth)
        if full > 1 and not k.inner_is_short:
            carried = self._loop(walk, depth, carried, "0", str(full))
        else:
            for index in range(full):
                before = k._advance(k.inner[depth], str(index), k.scale(depth))
                carried = self._over_reduced(walk, depth + 1, carried)
                k._restore(before)
        return self._rest(walk, depth, carried)

    def _loop(self, walk: Walk, depth: int, carried: list[str], start: str, stop: str) -> list[str]:
        k = self.k

        def inside(index: str, handed: list[str]) -> list[str]:
            before = k._advance(k.inner[depth], index)
            found = self._over_reduced(walk, depth + 1, handed)
            k._restore(before)
            return found

        return k.w.loop(start, stop, list(zip(walk.types, carried, strict=True)), inside, k.scale(depth))

    def _rest(self, walk: Walk, depth: int, carried: list[str]) -> list[str]:
        k = self.k
        full, rest = divmod(k.axes[k.inner[depth]].length, k.scale(depth))
        if rest:
            before = k._advance(k.inner[depth], str(full * k.scale(depth)))
            carried = walk.body(carried, rest)
            k._restore(before)
        return carried

    # Values ---------------------------------------------------------------------------------------------------------

    def _inner(self, node: Node, values: dict[Node, str], stage: int, mask: int) -> str:
        """The value of an inner node of this kernel, computed (or read back) in the loop of ``stage``."""
        waiting = [node]
        members, stages = self.k.members, self.k.kernel.stages
        while waiting:
            one = waiting[-1]
            if one in values:
                waiting.pop()
                continue
            if one in self.k.kernel.outer:  # one number for the whole row
                kind = element(one.array_aval.dtype)
                values[one] = self.w.spread(kind, self.outer[one])
                continue
            if stages[one] < stage and one in self.k.writes and is_worth_keeping(one):
                values[one] = self._load(self.k.writes[one], mask)
                continue
            operands = [self.k.base[source] for source in one.inputs]
            missing = [source for source in operands if source in members and source not in values]
            if missing:
                waiting += missing
            else:
                values[one] = self._compute(one, values, False, stage, mask)
        return values[node]

    def _compute(self, node: Node, values: dict[Node, str], outer: bool, stage: int, mask: int) -> str:
        if is_lookup(node):
            return self._look_up(node, values, outer, mask if self.w.lanes > 1 else 0)
        operands = [self._operand(source, values, outer, mask) for source in node.inputs]
        dtypes = [source.array_aval.dtype for source in node.inputs]
        rule = find(node.primitive.name, dtypes, node.array_aval.dtype)
        assert rule is not None
        return rule(self.w, *operands)

    def _look_up(self, node: Node, values: dict[Node, str], outer: bool, mask: int) -> str:
        """The elements of a table at indices; side by side where the indices are the same in all lanes."""
        w, access, indices = self.w, self.k.tables[node], node.inputs[1:]
        lanes, lies = w.lanes, stored(access.view.dtype)
        if lanes == 1 or all(self._is_alike(index, outer) for index in indices):
            w.lanes = 1
            there = self._picked(access, self._distance(access, indices, values, outer, mask))
            w.lanes = lanes
            return self._load(there, mask)
        far = self._distance(access, indices, values, outer, mask)
        stride = self._stride(access)
        if stride:
            places = ", ".join(f"i64 {i * stride}" for i in range(lanes))
            far = w.binary("add", "i64", far, f"<{places}>")
        pointers = w.value(f"getelementptr {lies}, ptr {access.pointer}, <{lanes} x i64> {far}")
        return self._gathered(access, pointers, mask)

    def _distance(
        self, access: Access, indices: Sequence[Node], values: dict[Node, str], outer: bool, mask: int
    ) -> str:
        """How far what indices pick is from where a table begins, in elements."""
        w = self.w
        far = w.constant("i64", 0)
        for index, step in zip(indices, access.steps, strict=True):
            picked = w.convert(element(index.array_aval.dtype), "i64", self._operand(index, values, outer, mask))
            far = w.binary("add", "i64", far, w.binary("mul", "i64", picked, w.constant("i64", step)))
        return far

    def _picked(self, access: Access, far: str) -> Access:
        """A table from ``far`` elements on."""
        lies = stored(access.view.dtype)
        return replace(access, pointer=self.w.value(f"getelementptr {lies}, ptr {access.pointer}, i64 {far}"))

    def _is_alike(self, index: Node, outer: bool) -> bool:
        """Whether an index is the same in all lanes."""
        read = self.k.reads.get((index, outer))
        return scalar_of(index) is not None or (read is not None and self._stride(read) == 0)

    def _operand(self, operand: Node, values: dict[Node, str], outer: bool, mask: int) -> str:
        base = self.k.base[operand]
        if base in self.k.members:
            return values[base]
        scalar = scalar_of(operand)
        if scalar is not None:
            return self.w.constant(element(operand.array_aval.dtype), scalar)
        return self._load(self.k.reads[operand, outer], mask if self.w.lanes > 1 else 0)

    def _accumulate(self, node: Node, total: str, values: dict[Node, str], stage: int, mask: int) -> str:
        operand = node.inputs[0]
        base = self.k.base[operand]
        if base in self.k.members:
            value = self._inner(base, values, stage, mask)
        else:
            value = self._operand(operand, values, False, mask)
        kind = element(node.array_aval.dtype)
        value = self.w.convert(element(operand.array_aval.dtype), kind, value)
        if mask and not self.k.rows_in_lanes:
            value = self.w.select(first_lanes(self.w.lanes, mask), kind, value, self.w.constant(kind, _neutral(node)))
        return _combined(self.w, node, kind, total, value)

    def _across(self, node: Node, total: str) -> str:
        """Combine the lanes of a vector."""
        kind = element(node.array_aval.dtype)
        lanes = self.k.lanes
        while lanes > 1:
            half = lanes // 2
            type, index = vector(kind, lanes), vector("i32", half)
            parts = []
            for start in (0, half):
                places = ", ".join(f"i32 {start + i}" for i in range(half))
                chosen = f"<{places}>" if half > 1 else None
                if chosen is None:
                    parts.append(self.w.value(f"extractelement {type} {total}, i64 {start}"))
                else:
                    parts.append(self.w.value(f"shufflevector {type} {total}, {type} poison, {index} {chosen}"))
            self.w.lanes = half
            total = _combined(self.w, node, kind, *parts)
            lanes = half
        self.w.lanes = 1
        return total

    # Memory ---------------------------------------------------------------------------------------------------------

    def _load(self, access: Access, mask: int) -> str:
        w, lanes = self.w, self.w.lanes
        kind, lies = element(access.view.dtype), stored(access.view.dtype)
        size = access.view.dtype.itemsize
        stride = self._stride(access)
        if lanes == 1 or stride == 0:
            value = w.result(f"load {lies}, ptr {access.pointer}, align {size}")
            if lies != kind:
                value = w.result(f"icmp ne {lies} {value}, 0")
            return w.spread(kind, value)
        type = vector(lies, lanes)
        value = strided.load(w, lies, size, access.pointer, stride, mask or lanes)
        return w.result(f"icmp ne {type} {value}, zeroinitializer") if lies != kind else value

    def _gathered(self, access: Access, pointers: str, mask: int) -> str:
        """What lies at a place for each lane."""
        kind, lies, size = element(access.view.dtype), stored(access.view.dtype), access.view.dtype.itemsize
        value = strided.gather(self.w, lies, size, pointers, mask or self.w.lanes)
        return self.w.result(f"icmp ne {self.w.type(lies)} {value}, zeroinitializer") if lies != kind else value

    def _store(self, access: Access, value: str, mask: int) -> None:
        w, lanes = self.w, self.w.lanes
        kind, lies = element(access.view.dtype), stored(access.view.dtype)
        size = access.view.dtype.itemsize
        if lies != kind:
            value = w.value(f"zext {vector(kind, lanes)} {value} to {vector(lies, lanes)}")
        stride = self._stride(access)
        if stride == 1 and not mask and self.k.passes_caches(access):
            type, once = vector(lies, lanes), w.module.once()
            w.write(f"store {type} {value}, ptr {access.pointer}, align {lanes * size}, !nontemporal {once}")
            return
        strided.store(w, lies, size, value, access.pointer, stride, mask or lanes)

    def _stride(self, access: Access) -> int:
        return 0 if self.k.vector_axis is None else access.strides[self.k.vector_axis]


def _neutral(node: Node) -> Any:
    """What changes nothing when it takes part in a reduction."""
    name, dtype = node.primitive.name, node.array_aval.dtype
    if name in ("max", "min"):
        sign = -1 if name == "max" else 1
        if dtype.kind == "b":
            return sign > 0
        if dtype.kind == "f":
            return sign * np.inf
        info = np.iinfo(dtype)
        return info.min if name == "max" else info.max
    return {"sum": -0.0 if dtype.kind == "f" else 0, "prod": 1, "any": False, "all": True}[name]


def _combined(w: Writer, node: Node, kind: str, x: str, y: str) -> str:
    name = REDUCTIONS[node.primitive.name]
    if name in ("or", "and"):
        return w.binary(name, kind, x, y)
    dtype = node.array_aval.dtype
    rule = find(name, [dtype, dtype], dtype)
    assert rule is not None
    return rule(w, x, y)
