"""Lowering: from a graph to machine code, through plan, memory and text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from pullback.compiler import cache
from pullback.compiler.blocks import BlockedWriter
from pullback.compiler.convolution.correlation import Correlation
from pullback.compiler.convolution.correlation_writer import CorrelationWriter
from pullback.compiler.convolution.folding import FoldingWriter
from pullback.compiler.convolution.kernel_writer import GradientWriter
from pullback.compiler.convolution.kernels import Gradient
from pullback.compiler.emit import Module
from pullback.compiler.flow import Flow, FlowWriter, Frame, Place
from pullback.compiler.fuse import Kernel, Nest, Plan, Step, carried_by, planned_bodies
from pullback.compiler.loops import KernelWriter
from pullback.compiler.lowered import HostCall, Lowered, Part, packed, unpacked
from pullback.compiler.machine import assemble, entry_name
from pullback.compiler.nests import nest_writer
from pullback.compiler.placement import ROUTINES, Placement
from pullback.compiler.planning import plan_graph
from pullback.compiler.products import ProductWriter
from pullback.compiler.views import Buffer, View
from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.node import Node


def _described(node: Node) -> str:
    return f"{node.primitive.name} {node.aval}"


def load_or_lower(graph: Graph, updates: Mapping[int, int]) -> Lowered:
    """Lower a graph, or take what the cache on disk has for it."""
    print_ = cache.fingerprint(graph)
    if print_ is None:
        return lower(graph, updates=updates)
    name = entry_name(b"program", print_, repr(sorted(updates.items())).encode())
    stored = cache.load(name)
    if stored is not None:
        return unpacked(stored)
    lowered = lower(graph, updates=updates)
    if all(isinstance(one, str) for one in lowered.sequence):
        cache.store(name, packed(lowered))
    return lowered


def lower(graph: Graph, separate: bool = False, updates: Mapping[int, int] | None = None) -> Lowered:
    """Plan a graph and generate its code.

    Args:
        graph: what is to be computed.
        separate: make each step a native function of its own, so that it can be timed.
        updates: outputs that are new values of inputs, which may be overwritten: positions of both.
    """
    plan, checks = plan_graph(graph)
    lowering = _Lowering(plan, Module(), "", checks, updates or {})
    lowering.write(separate)
    return lowering.lowered


_LOCATE = """define private void @locate(ptr %slots, ptr %table, ptr noalias %operands, i64 %count) nounwind {
entry:
  br label %each
each:
  %i = phi i64 [0, %entry], [%next, %each]
  %slot.at = getelementptr [2 x i64], ptr %table, i64 %i
  %slot = load i64, ptr %slot.at
  %offset.at = getelementptr i64, ptr %slot.at, i64 1
  %offset = load i64, ptr %offset.at
  %base.at = getelementptr ptr, ptr %slots, i64 %slot
  %base = load ptr, ptr %base.at
  %operand = getelementptr i8, ptr %base, i64 %offset
  %to = getelementptr ptr, ptr %operands, i64 %i
  store ptr %operand, ptr %to
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %each, label %out
out:
  ret void
}"""
"""A function that makes pointers of a table of slots and offsets."""


_PartWriter = KernelWriter | CorrelationWriter | GradientWriter | FoldingWriter
"""What writes functions, each of which does some iterations of a part."""


class _Lowering:
    """Writes the steps of a plan.

    Args:
        plan: of a graph, or of a body.
        module: where the code goes.
        prefix: of the names of its functions.
        checks: how many of the last outputs stop the program where they are false.
        updates: as for ``lower``.
    """

    def __init__(self, plan: Plan, module: Module, prefix: str, checks: int, updates: Mapping[int, int]) -> None:
        self.plan = plan
        self.module = module
        self.lowered = Lowered([node.array_aval for node in plan.graph.outputs], checks=checks)
        self.checks = set(plan.graph.outputs[len(plan.graph.outputs) - checks :])
        self.called: set[str] = set()  # which of the routines
        self.operands: list[tuple[int, int]] = []  # of the steps of the native function that is being put together
        self.flows = {
            step.node: self._flow(f"{prefix}step{number}", step.node)
            for number, step in enumerate(plan.steps)
            if isinstance(step, Step) and planned_bodies(step.node)
        }
        self.placed = Placement(plan, self.lowered, self.flows, self.checks, updates)

    def _flow(self, name: str, node: Node) -> Flow:
        """A native loop or branch: its bodies are lowered and written before it."""
        bodies = planned_bodies(node)
        inner = []
        for i, body in enumerate(bodies):
            updates = carried_by(node) if i == len(bodies) - 1 else {}
            lowering = _Lowering(body.plan, self.module, f"{name}.{i}.", 0, updates)
            lowering.write_function(f"{name}.{i}")
            self.called |= lowering.called
            inner.append(lowering.lowered)
        if node.primitive.name == "while_loop":
            self.called.add("interrupted")
        return Flow(name, node, inner)

    def write(self, separate: bool) -> None:
        """Write the steps as native functions between which the host is called; each alone if they are separate."""
        lowered = self.lowered
        calls: list[str] = []  # of the native function that is being put together

        def finish() -> None:
            if calls:
                name = f"part{len(lowered.sequence)}"
                self._add_function(name, calls, "define")
                lowered.sequence.append(name)
                lowered.steps.append(len(lowered.parts) - sum(lowered.steps))
                calls.clear()

        for number, step in enumerate(self.plan.steps):
            if isinstance(step, Step) and step.node not in self.flows:
                finish()
                lowered.sequence.append(self._host_call(step.node))
                lowered.steps.append(0)
            else:
                self._step(step, calls)
            if self.checks and number == max(self.plan.place[node] for node in self.checks):
                calls.extend(self._stop_unless_checked())
            if separate:
                finish()
        finish()
        self._note_slots()
        names = [one for one in lowered.sequence if isinstance(one, str)]
        if names:
            lowered.text = str(self.module)
            lowered.functions = self.module.functions
            lowered.object_code = assemble(lowered.text)

    def write_function(self, name: str) -> None:
        """Write the steps of a body, all of them native, as one function."""
        calls: list[str] = []
        for step in self.plan.steps:
            self._step(step, calls)
        self._add_function(name, calls, "define private")
        self._note_slots()

    def _note_slots(self) -> None:
        found = [(slot, value) for slot, value in self.lowered.constants if slot in self.placed.read]
        self.lowered.constants = [(slot, np.asarray(value, order="C")) for slot, value in found]
        self.lowered.routines = [(self.placed.routines[name], name) for name in ROUTINES if name in self.called]

    def _add_function(self, name: str, calls: list[str], word: str) -> None:
        body = "\n".join([*self._locate_operands(self.module, name), *calls])
        self.module.add(f"{word} void @{name}(ptr noalias %slots) nounwind {{\nentry:\n{body}\n  ret void\n}}")
        self.operands.clear()

    def _step(self, step: Kernel | Nest | Step, calls: list[str]) -> None:
        if isinstance(step, Kernel):
            if step.nodes:
                self._kernel(step, calls)
        elif isinstance(step, Nest):
            self._nest(step.node, calls)
        else:
            self._write_flow(step.node, calls)

    def _write_flow(self, node: Node, calls: list[str]) -> None:
        """Write a loop or branch; its parts follow it in the report."""
        flow = self.flows[node]
        memory = self._place(flow.memory.view())
        frames = [
            Frame(
                f"{flow.name}.{i}", one.slots, one.outputs, one.in_place,
                [*shared, *[(slot, self.placed.routines[name]) for slot, name in one.routines]], one.arena, memory,
            )
            for i, (one, shared) in enumerate(zip(flow.inner, flow.shared, strict=True))
        ]  # fmt: skip
        inputs = [self._place(self.placed.locate(source)) for source in node.inputs]
        results = [self._place(flow.results[i]) for i in range(len(flow.avals))]
        spare = {i: self._place(buffer.view()) for i, buffer in flow.spare.items()}
        flag = self._place(flow.flag.view())
        interrupted = self.placed.routines["interrupted"]
        writer = FlowWriter(self.module, flow.name, node, frames, inputs, results, spare, flag, interrupted)
        self.module.add(writer.text())
        calls.append(f"  call void @{flow.name}(ptr %slots)")
        self.lowered.parts += flow.parts()

    def _place(self, view: View) -> Place:
        slot, offset = self.placed.slot(view.buffer)
        size = view.dtype.itemsize
        stride = view.strides[0] * size if view.shape else 0
        return Place(slot, offset + view.offset * size, Aval(view.shape, view.dtype), stride)

    def _stop_unless_checked(self) -> list[str]:
        """Return from the native function if a check failed: before any state is written."""
        lines = []
        for i, node in enumerate(self.checks):
            slot, _ = self.placed.slot(self.placed.views[node].buffer)
            lines += [
                f"  %check{i}.slot = getelementptr ptr, ptr %slots, i64 {slot}",
                f"  %check{i}.at = load ptr, ptr %check{i}.slot",
                f"  %check{i} = load i8, ptr %check{i}.at",
                f"  %check{i}.good = icmp ne i8 %check{i}, 0",
                f"  br i1 %check{i}.good, label %checked{i}, label %failed{i}",
                f"failed{i}:",
                "  ret void",
                f"checked{i}:",
            ]
        return lines

    def _convolution(self, kernel: Kernel, calls: list[str]) -> None:
        product = kernel.product
        assert product is not None
        views = {node: self.placed.views[node] for node in kernel.nodes if node in self.placed.views}
        read = [self.placed.locate(source) for source in product.inputs]
        written: list[View] = []
        problems = self.placed.convolutions[product]
        for problem in problems:
            given: dict[Buffer, int] = {}

            def place(buffer: Buffer, given: dict[Buffer, int] = given) -> int:
                return given.setdefault(buffer, len(given))

            writer: _PartWriter
            if isinstance(problem, Correlation):
                writer = CorrelationWriter(
                    self.module, kernel, problem, views, self.placed.locate, self.plan.base, place
                )
            elif isinstance(problem, Gradient):
                writer = GradientWriter(self.module, problem, views[product], place)
            else:
                writer = FoldingWriter(self.module, problem, views[product], place)
            self._call_parts(writer, given, calls)
            written = (
                [one.view for one in writer.accesses] if isinstance(writer, CorrelationWriter) else [views[product]]
            )
        moved = sum(view.buffer.nbytes for view in (*read, *written))
        flops = sum(problem.flops for problem in problems)
        self.lowered.parts.append(Part("convolution", tuple(map(_described, kernel.nodes)), moved, flops))

    def _kernel(self, kernel: Kernel, calls: list[str]) -> None:
        if kernel.product in self.placed.convolutions:
            self._convolution(kernel, calls)
            return
        views = {node: self.placed.views[node] for node in kernel.nodes if node in self.placed.views}
        given: dict[Buffer, int] = {}  # the operands of the functions that are going to be called

        def place(buffer: Buffer) -> int:
            return given.setdefault(buffer, len(given))

        kind, flops = "kernel", 0
        writer: KernelWriter
        if kernel.nodes[0] in self.placed.blocked:
            scratch = self.placed.blocked[kernel.nodes[0]]
            writer = BlockedWriter(self.module, kernel, scratch, views, self.placed.locate, self.plan.base, place)
        elif kernel.product is None:
            writer = KernelWriter(self.module, kernel, views, self.placed.locate, self.plan.base, place)
        else:
            blocking, scratch = self.placed.products[kernel.product]
            writer = ProductWriter(
                self.module, kernel, blocking, scratch, views, self.placed.locate, self.plan.base, place
            )
            kind, flops = "product", blocking.problem.flops
        self._call_parts(writer, given, calls)
        accesses = [access.view for access in writer.accesses]
        if kernel.product is not None:
            accesses += blocking.problem.views
        moved = sum(view.buffer.nbytes for view in accesses)
        self.lowered.parts.append(Part(kind, tuple(map(_described, kernel.nodes)), moved, flops))

    def _nest(self, node: Node, calls: list[str]) -> None:
        given: dict[Buffer, int] = {}
        writer = nest_writer(self.module, node, self.placed.locate, lambda buffer: given.setdefault(buffer, len(given)))
        self._call_parts(writer, given, calls)
        moved = sum(access.view.buffer.nbytes for access in writer.accesses)
        self.lowered.parts.append(Part("kernel", (_described(node),), moved, 0))

    def _locate_operands(self, module: Module, name: str) -> list[str]:
        """Write down where the operands of all steps of a native function are, as pointers one after the other."""
        count = len(self.operands)
        if not count:
            return []
        table = ", ".join(f"i64 {slot}, i64 {offset}" for slot, offset in self.operands)
        module.add(f"@{name}.table = private constant [{2 * count} x i64] [{table}]")
        locate = module.share(_LOCATE)["locate"]
        return [
            f"  %operands = alloca [{count} x ptr]",
            f"  call void @{locate}(ptr %slots, ptr @{name}.table, ptr %operands, i64 {count})",
        ]

    def _call_parts(self, writer: _PartWriter, given: Iterable[Buffer], calls: list[str]) -> None:
        """Add the functions of a writer, and run its parts on the buffers that it asked for."""
        names = self.module.share(writer.text())
        first = len(self.operands)
        self.operands += map(self.placed.slot, given)
        for name, trips, tile in writer.parts:
            self._call(names[name], calls, first, trips, tile)

    def _call(self, name: str, calls: list[str], operands: int, trips: int, tile: int) -> None:
        """Run a part as a whole, or, if it has much to do, in tiles that threads take.

        Args:
            name: of its function.
            calls: where the call is added.
            operands: the place of its first operand among those of all steps.
            trips: the iterations of its first loop.
            tile: how many of them belong together.
        """
        number = len(calls)
        given = f"%operands{number}"
        calls.append(f"  {given} = getelementptr ptr, ptr %operands, i64 {operands}")
        if tile >= trips:
            calls.append(f"  call void @{name}(ptr {given}, i64 0, i64 {trips}, ptr null)")
            return
        self.called |= {"parallel", "pool"}
        for word in ("parallel", "pool"):
            slot = f"getelementptr ptr, ptr %slots, i64 {self.placed.routines[word]}"
            calls += [f"  %{word}{number}.at = {slot}", f"  %{word}{number} = load ptr, ptr %{word}{number}.at"]
        calls.append(
            f"  call void %parallel{number}(ptr %pool{number}, ptr @{name}, ptr {given}, i64 {trips}, i64 {tile})"
        )

    def _host_call(self, node: Node) -> HostCall:
        placed = self.placed
        operands = tuple(
            placed.locate(source) if isinstance(source.aval, Aval) else placed.results[source] for source in node.inputs
        )
        views = [one for one in operands if isinstance(one, View)]
        placed.read |= {view.buffer.number for view in views if view.buffer.kind == "constant"}
        return HostCall(node, operands, placed.results[node])
