"""Loop nests of one node each: what goes along an axis step by step, and what writes to indices.

Axes on which the order counts are the inner loops, as those of a reduction are; vectors and threads go across the
others. So results are the same for any number of threads, and those of NumPy's order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pullback.compiler.emit import Module, element
from pullback.compiler.fuse import RUNNING, SCATTERS, SYSTEMS, Kernel
from pullback.compiler.instructions import find, is_expensive
from pullback.compiler.loops import KernelWriter, Row
from pullback.compiler.systems import SystemWriter
from pullback.compiler.views import Buffer, View
from pullback.compiler.words import vector
from pullback.core.node import Node


def nest_writer(
    module: Module, node: Node, locate: Callable[[Node], View], place: Callable[[Buffer], int]
) -> KernelWriter:
    """What writes the loop nest of a node. For the arguments see ``KernelWriter``."""
    name = node.primitive.name
    writer = _ScatterWriter if name in SCATTERS else SystemWriter if name in SYSTEMS else _RunningWriter
    return writer(module, node, locate, place)


class _NestWriter(KernelWriter):
    def _vector_axes(self) -> list[int]:
        return [i for i, axis in enumerate(self.axes) if not axis.reduced]


class _RunningRow(Row):
    """Steps along an axis, each from what the one before gave."""

    def write(self) -> None:
        k, w = self.k, self.w
        (node,) = k.kernel.nodes
        w.lanes = k.lanes
        kind = element(node.array_aval.dtype)
        total = self._terms(node)[-1]
        self._store(k.writes[node], total, self.mask)
        if not k.inner:
            return
        (axis,) = k.inner

        def body(index: str, carried: list[str]) -> list[str]:
            before = k._advance(axis, index)
            following = self._following(node, carried[0])
            self._store(k.writes[node], following, self.mask)
            k._restore(before)
            return [following]

        w.loop("1", str(k.axes[axis].length), [(vector(kind, w.lanes), total)], body)

    def _terms(self, node: Node) -> list[str]:
        kind = element(node.array_aval.dtype)
        return [
            self.w.convert(element(one.array_aval.dtype), kind, self._operand(one, {}, False, self.mask))
            for one in node.inputs
        ]

    def _following(self, node: Node, total: str) -> str:
        dtype = node.array_aval.dtype
        rule, add = find(RUNNING[node.primitive.name], [dtype, dtype], dtype), find("add", [dtype, dtype], dtype)
        assert rule is not None
        assert add is not None
        terms = self._terms(node)
        total = rule(self.w, total, terms[0])
        return add(self.w, total, terms[1]) if len(terms) > 1 else total


class _RunningWriter(_NestWriter):
    def __init__(
        self, module: Module, node: Node, locate: Callable[[Node], View], place: Callable[[Buffer], int]
    ) -> None:
        axis = node.params["axis"]

        def located(operand: Node) -> View:
            view = locate(operand)
            if not node.params.get("reverse", False):
                return view
            steps = [-stride if i == axis else stride for i, stride in enumerate(view.strides)]
            last = (view.shape[axis] - 1) * view.strides[axis]
            return replace(view, offset=view.offset + last, strides=tuple(steps))

        self.apart = is_expensive(RUNNING[node.primitive.name])  # more than to collect what lies apart
        kernel = Kernel(node.array_aval.shape, (axis,), [node])
        base = {one: one for one in node.inputs}
        super().__init__(module, kernel, {node: located(node)}, located, base, place)

    def _vector_axes(self) -> list[int]:
        axes = super()._vector_axes()
        return [i for i in axes if self.apart or all(one.strides[i] in (0, 1) for one in self.accesses)]

    def _write_row(self, mask: int) -> None:
        _RunningRow(self, mask).write()


class _ScatterRow(Row):
    """Indices one after the other; each changes what it picks, all lanes at once."""

    def write(self) -> None:
        self._over_indices(0)

    def _over_indices(self, depth: int) -> None:
        k = self.k
        if depth == len(k.inner):
            self._change()
            return
        axis = k.inner[depth]

        def body(index: str, carried: list[str]) -> list[str]:
            before = k._advance(axis, index)
            self._over_indices(depth + 1)
            k._restore(before)
            return []

        self.w.loop("0", str(k.axes[axis].length), [], body)

    def _change(self) -> None:
        k, w = self.k, self.w
        (node,) = k.kernel.nodes
        w.lanes = 1
        table = k.tables[node]
        there = self._picked(table, self._distance(table, node.inputs[2:], {}, False, 0))
        w.lanes = k.lanes
        value = self._operand(node.inputs[1], {}, False, self.mask)
        if node.primitive.name == "scatter_add":
            dtype = node.array_aval.dtype
            rule = find("add", [dtype, dtype], dtype)
            assert rule is not None
            value = rule(w, self._load(there, self.mask), value)
        self._store(there, value, self.mask)


class _ScatterWriter(_NestWriter):
    def __init__(
        self, module: Module, node: Node, locate: Callable[[Node], View], place: Callable[[Buffer], int]
    ) -> None:
        shape = node.inputs[1].array_aval.shape
        indexed = tuple(axis for axis in range(len(shape)) if axis not in node.params["places"])
        base = {one: one for one in node.inputs}
        super().__init__(module, Kernel(shape, indexed, [node]), {}, locate, base, place)

    def _write_row(self, mask: int) -> None:
        _ScatterRow(self, mask).write()
