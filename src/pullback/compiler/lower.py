"""Lowering: from a graph to machine code, through plan, memory and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pullback.compiler import cache, convolution
from pullback.compiler.blocking import Blocking, blocking_of, problem_of
from pullback.compiler.blocks import BlockedWriter, is_blocked, scratch_bytes
from pullback.compiler.convolution import is_convolution
from pullback.compiler.convolution.correlation import Correlation
from pullback.compiler.convolution.correlation_writer import CorrelationWriter
from pullback.compiler.convolution.folding import FoldingWriter
from pullback.compiler.convolution.kernel_writer import GradientWriter
from pullback.compiler.convolution.kernels import Gradient
from pullback.compiler.emit import Module
from pullback.compiler.flow import Flow, FlowWriter, Frame, Place
from pullback.compiler.fuse import JOINS, UPDATES, Kernel, Nest, Plan, Step, carried_by, is_reduction, planned_bodies
from pullback.compiler.loops import KernelWriter
from pullback.compiler.lowered import HostCall, Lowered, Part, packed, unpacked
from pullback.compiler.machine import assemble, entry_name
from pullback.compiler.memory import place_buffers
from pullback.compiler.nests import nest_writer
from pullback.compiler.planning import plan_graph
from pullback.compiler.products import ProductWriter
from pullback.compiler.views import Buffer, View, contiguous, is_move
from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.node import Node
from pullback.core.several import item
from pullback.core.terminals import CONSTANT


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


_ROUTINES = ("parallel", "pool", "interrupted")
"""What native code calls or reads elsewhere: see threads.py and interrupts.py."""


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


def _reshaped(copy: Node) -> Node:
    """What is copied, whatever shape it had."""
    source = copy.inputs[0]
    while source.primitive.name == "reshape":
        source = source.inputs[0]
    return source


class _Lowering:
    """Gives the arrays of a plan their memory, and writes its steps.

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
        self.prefix = prefix
        self.graph = plan.graph
        self.views: dict[Node, View] = {}
        self.slots: dict[Any, int] = {}
        self.products: dict[Node, tuple[Blocking, Buffer]] = {}
        self.blocked: dict[Node, Buffer] = {}  # by the first node of a kernel
        self.convolutions: dict[Node, convolution.Problems] = {}
        self.results: dict[Node, int] = {}  # numbers of the results of host calls
        self.lowered = Lowered([node.array_aval for node in plan.graph.outputs], checks=checks)
        self.checks = set(plan.graph.outputs[len(plan.graph.outputs) - checks :])
        self.updates = updates
        self.called: set[str] = set()  # which of the routines
        self.read: set[int] = set()  # the slots of constants that lie in memory: most numbers stand in the code
        self.operands: list[tuple[int, int]] = []  # of the steps of the native function that is being put together
        self.flows = {
            step.node: self._flow(f"{prefix}step{number}", step.node)
            for number, step in enumerate(plan.steps)
            if isinstance(step, Step) and planned_bodies(step.node)
        }
        self.readers = self._find_readers()
        self._give_buffers()
        self._plan_memory()

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

    # Memory ---------------------------------------------------------------------------------------------------------

    def _give_buffers(self) -> None:
        graph, lowered = self.graph, self.lowered
        count = len(graph.inputs)
        for i, node in enumerate(graph.inputs):
            self._give(node, "input", i)
        lowered.outputs = count
        outputs = {node: i for i, node in enumerate(graph.outputs)}
        count += len(outputs)
        lowered.hosts = count
        for step in self.plan.steps:
            if isinstance(step, Step) and step.node not in self.flows:
                number = len(self.results)
                if isinstance(step.node.aval, Aval):
                    self._give(step.node, "host", number)
                self.results[step.node] = number
                if step.node in outputs:
                    lowered.outputs_of_host[outputs[step.node]] = number
        count += len(self.results)
        for node in graph.nodes:
            if node.primitive is CONSTANT and isinstance(node.aval, Aval):
                buffer = self._give(node, "constant", count)
                self.slots[buffer] = count
                lowered.constants.append((count, node.value))
                count += 1
        for flow in self.flows.values():
            for one, shared in zip(flow.inner, flow.shared, strict=True):
                for slot, array in one.constants:
                    shared.append((slot, count))
                    self.read.add(count)
                    lowered.constants.append((count, array))
                    count += 1
        lowered.arena = count
        count += 1
        for routine in _ROUTINES:
            self.slots[routine] = count
            count += 1
        lowered.slots = count
        self._update_in_place()
        same = self._changed_in_place(outputs)
        for node in reversed(graph.nodes):  # what is joined comes before its parts, what is changed before what it was
            if node not in self.plan.stored or node in self.views or node in self.results:
                continue
            if node in self.plan.parts:
                self.views[node] = self.locate(self.plan.parts[node])
            elif node in same:
                shape = node.array_aval.shape
                self.views[node] = View(self.views[same[node]].buffer, 0, contiguous(shape), shape)
            elif node in outputs:
                self._give(node, "output", outputs[node])
            else:
                self._give(node, "arena", 0)
        for step in self.plan.steps:
            if isinstance(step, Kernel) and step.product is not None:
                self._block(step.product)
            elif isinstance(step, Kernel) and is_blocked(step):
                self.blocked[step.nodes[0]] = Buffer("arena", 0, (scratch_bytes(step),), np.dtype(np.uint8))
        for node in graph.nodes:
            if node.primitive is item and node.inputs[0] in self.flows:
                self.flows[node.inputs[0]].results[node.params["index"]] = self.views[node]
        for flow in self.flows.values():
            flow.fill_results()

    def _block(self, node: Node) -> None:
        """Choose the tiles of a product, and have memory for packed operands."""
        operands = [self.locate(source) for source in node.inputs]
        if is_convolution(node):
            self.convolutions[node] = convolution.planned(node, operands)
            return
        blocking = blocking_of(problem_of(node, operands))
        self.products[node] = (blocking, Buffer("arena", 0, (blocking.places[-1],), np.dtype(np.uint8)))

    def _find_readers(self) -> dict[Node, list[tuple[Node, Node]]]:
        """What reads the memory of each node, with the operand that it reads it through."""
        readers: dict[Node, list[tuple[Node, Node]]] = {}
        for node in self.graph.nodes:
            if not is_move(node):
                for source in node.inputs:
                    readers.setdefault(self.plan.base[source], []).append((node, source))
        return readers

    def _changed_in_place(self, outputs: Mapping[Node, int]) -> dict[Node, Node]:
        """Leave out copies of what is changed where it was, as nothing reads it any more; each with what it becomes."""
        plan, same = self.plan, {}
        for node in self.graph.nodes:
            copy = node.inputs[0] if node.primitive.name in UPDATES else None
            if copy not in plan.parts or node in plan.parts:
                continue
            old = _reshaped(copy)
            is_own = old in plan.stored and old not in outputs and old not in plan.parts and old not in self.views
            if is_own and self._is_changeable(old, node, copy):
                self._leave_out(copy)
                same[old] = node
        return same

    def _is_changeable(self, old: Node, new: Node, copy: Node) -> bool:
        """Whether nothing but the copy reads the old value when, or after, the new one is written over it."""
        place = self.plan.place
        written = place[new.inputs[1] if new.primitive.name in JOINS else new]
        return all(place[reader] < written for reader, _ in self.readers[old] if reader is not copy)

    def _leave_out(self, copy: Node) -> None:
        step = self.plan.steps[self.plan.place[copy]]
        assert isinstance(step, Kernel)
        step.nodes.remove(copy)

    def _update_in_place(self) -> None:
        """Let new values take the place of the old ones, where these are not read any more when they are written."""
        graph, place = self.graph, self.plan.place
        checked = max((place[node] for node in self.checks), default=-1)
        found = {}
        for output, given in self.updates.items():
            new, old = graph.outputs[output], graph.inputs[given]
            step = self.plan.steps[place[new]]
            if isinstance(step, Step) or place[new] <= checked or new in self.views:
                continue
            copy = new.inputs[0]
            if new.primitive.name in UPDATES and copy in self.plan.parts:
                if _reshaped(copy) is not old or not self._is_changeable(old, new, copy):
                    continue
                self._leave_out(copy)
            elif (
                not isinstance(step, Kernel)
                or new not in step.nodes
                or not all(
                    self._reads_before(step, new, reader, source) for reader, source in self.readers.get(old, [])
                )
            ):
                continue
            found[output] = given
            self.views[new] = self.views[old]
        self.lowered.in_place = found

    def _reads_before(self, kernel: Kernel, new: Node, reader: Node, source: Node) -> bool:
        """Whether an old value is read by then, in the kernel that writes the new one, too."""
        place = self.plan.place
        if place[reader] != place[new]:
            return place[reader] < place[new]
        if reader is kernel.product:
            return False  # tiles that are done later read it yet
        if reader.primitive.name == "gather" and source is reader.inputs[0]:
            return False  # read wherever an index says
        if self.locate(source) != self.views[self.plan.base[source]]:
            return False  # read elsewhere than it is written
        inner = [kernel.stages[node] for node in kernel.nodes if node not in kernel.outer]
        if new not in kernel.outer and not any(inner) and (reader not in kernel.outer or is_reduction(reader)):
            return True  # one loop, which reads before it writes
        order = {node: (kernel.stages[node], i) for i, node in enumerate(kernel.nodes)}
        return {new, reader} <= kernel.outer and not is_reduction(reader) and order[reader] <= order[new]

    def _give(self, node: Node, kind: str, number: int) -> Buffer:
        aval = node.array_aval
        buffer = Buffer(kind, number, aval.shape, aval.dtype)
        self.views[node] = buffer.view()
        return buffer

    def _plan_memory(self) -> None:
        place, base = self.plan.place, self.plan.base
        last: dict[Node, int] = {}
        for node in self.graph.nodes:
            if is_move(node) and base[node] is not node:
                continue
            for source in node.inputs:
                last[base[source]] = max(last.get(base[source], -1), place[node])
        lives: dict[Buffer, list[int]] = {}
        for node, view in self.views.items():
            if view.buffer.kind == "arena":
                lives.setdefault(view.buffer, []).extend((place[node], max(last.get(node, -1), place[node])))
        scratches = {**self.blocked, **{node: scratch for node, (_, scratch) in self.products.items()}}
        lives.update((scratch, [place[node]]) for node, scratch in scratches.items())
        lives.update(
            (buffer, [place[node]])
            for node, found in self.convolutions.items()
            for one in found
            for buffer in one.buffers
        )
        lives.update((buffer, [place[node]]) for node, flow in self.flows.items() for buffer in flow.own_buffers())
        self.lowered.arena_size = place_buffers((buffer, min(steps), max(steps)) for buffer, steps in lives.items())

    def slot(self, buffer: Buffer) -> tuple[int, int]:
        """The slot that points at a buffer, and the offset in bytes."""
        if buffer.kind == "arena":
            return self.lowered.arena, buffer.number
        first = {"input": 0, "output": self.lowered.outputs, "host": self.lowered.hosts, "constant": 0}[buffer.kind]
        if buffer.kind == "constant":
            self.read.add(buffer.number)
        return first + buffer.number, 0

    def locate(self, operand: Node) -> View:
        """The view of an operand that lies in memory, through whatever moves it."""
        chain = []
        while operand not in self.views:
            chain.append(operand)
            operand = operand.inputs[0]
        view: View | None = self.views[operand]
        for node in reversed(chain):
            assert view is not None
            view = view.moved(node)
        assert view is not None, operand
        return view

    # Code -----------------------------------------------------------------------------------------------------------

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
        found = [(slot, value) for slot, value in self.lowered.constants if slot in self.read]
        self.lowered.constants = [(slot, np.asarray(value, order="C")) for slot, value in found]
        self.lowered.routines = [(self.slots[name], name) for name in _ROUTINES if name in self.called]

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
                [*shared, *[(slot, self.slots[name]) for slot, name in one.routines]], one.arena, memory,
            )
            for i, (one, shared) in enumerate(zip(flow.inner, flow.shared, strict=True))
        ]  # fmt: skip
        inputs = [self._place(self.locate(source)) for source in node.inputs]
        results = [self._place(flow.results[i]) for i in range(len(flow.avals))]
        spare = {i: self._place(buffer.view()) for i, buffer in flow.spare.items()}
        flag = self._place(flow.flag.view())
        interrupted = self.slots["interrupted"]
        writer = FlowWriter(self.module, flow.name, node, frames, inputs, results, spare, flag, interrupted)
        self.module.add(writer.text())
        calls.append(f"  call void @{flow.name}(ptr %slots)")
        self.lowered.parts += flow.parts()

    def _place(self, view: View) -> Place:
        slot, offset = self.slot(view.buffer)
        size = view.dtype.itemsize
        stride = view.strides[0] * size if view.shape else 0
        return Place(slot, offset + view.offset * size, Aval(view.shape, view.dtype), stride)

    def _stop_unless_checked(self) -> list[str]:
        """Return from the native function if a check failed: before any state is written."""
        lines = []
        for i, node in enumerate(self.checks):
            slot, _ = self.slot(self.views[node].buffer)
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
        views = {node: self.views[node] for node in kernel.nodes if node in self.views}
        read = [self.locate(source) for source in product.inputs]
        written: list[View] = []
        problems = self.convolutions[product]
        for problem in problems:
            given: dict[Buffer, int] = {}

            def place(buffer: Buffer, given: dict[Buffer, int] = given) -> int:
                return given.setdefault(buffer, len(given))

            writer: CorrelationWriter | GradientWriter | FoldingWriter
            if isinstance(problem, Correlation):
                writer = CorrelationWriter(self.module, kernel, problem, views, self.locate, self.plan.base, place)
            elif isinstance(problem, Gradient):
                writer = GradientWriter(self.module, problem, views[product], place)
            else:
                writer = FoldingWriter(self.module, problem, views[product], place)
            names = self.module.share(writer.text())
            first = len(self.operands)
            self.operands += map(self.slot, given)
            for name, trips, tile in writer.parts:
                self._call(names[name], calls, first, trips, tile)
            written = (
                [one.view for one in writer.accesses] if isinstance(writer, CorrelationWriter) else [views[product]]
            )
        moved = sum(view.buffer.nbytes for view in (*read, *written))
        flops = sum(problem.flops for problem in problems)
        self.lowered.parts.append(Part("convolution", tuple(map(_described, kernel.nodes)), moved, flops))

    def _kernel(self, kernel: Kernel, calls: list[str]) -> None:
        if kernel.product in self.convolutions:
            self._convolution(kernel, calls)
            return
        views = {node: self.views[node] for node in kernel.nodes if node in self.views}
        given: dict[Buffer, int] = {}  # the operands of the functions that are going to be called

        def place(buffer: Buffer) -> int:
            return given.setdefault(buffer, len(given))

        kind, flops = "kernel", 0
        writer: KernelWriter
        if kernel.nodes[0] in self.blocked:
            scratch = self.blocked[kernel.nodes[0]]
            writer = BlockedWriter(self.module, kernel, scratch, views, self.locate, self.plan.base, place)
        elif kernel.product is None:
            writer = KernelWriter(self.module, kernel, views, self.locate, self.plan.base, place)
        else:
            blocking, scratch = self.products[kernel.product]
            writer = ProductWriter(self.module, kernel, blocking, scratch, views, self.locate, self.plan.base, place)
            kind, flops = "product", blocking.problem.flops
        names = self.module.share(writer.text())
        first = len(self.operands)
        self.operands += map(self.slot, given)
        for name, trips, tile in writer.parts:
            self._call(names[name], calls, first, trips, tile)
        accesses = [access.view for access in writer.accesses]
        if kernel.product is not None:
            accesses += blocking.problem.views
        moved = sum(view.buffer.nbytes for view in accesses)
        self.lowered.parts.append(Part(kind, tuple(map(_described, kernel.nodes)), moved, flops))

    def _nest(self, node: Node, calls: list[str]) -> None:
        given: dict[Buffer, int] = {}
        writer = nest_writer(self.module, node, self.locate, lambda buffer: given.setdefault(buffer, len(given)))
        names = self.module.share(writer.text())
        first = len(self.operands)
        self.operands += map(self.slot, given)
        for name, trips, tile in writer.parts:
            self._call(names[name], calls, first, trips, tile)
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
            slot = f"getelementptr ptr, ptr %slots, i64 {self.slots[word]}"
            calls += [f"  %{word}{number}.at = {slot}", f"  %{word}{number} = load ptr, ptr %{word}{number}.at"]
        calls.append(
            f"  call void %parallel{number}(ptr %pool{number}, ptr @{name}, ptr {given}, i64 {trips}, i64 {tile})"
        )

    def _host_call(self, node: Node) -> HostCall:
        operands = tuple(
            self.results[source] if not isinstance(source.aval, Aval) else self.locate(source) for source in node.inputs
        )
        self.read |= {one.buffer.number for one in operands if isinstance(one, View) and one.buffer.kind == "constant"}
        return HostCall(node, operands, self.results[node])
