"""Lowering: from a graph to machine code, through plan, memory and text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any

import numpy as np

from pullback.compiler import cache, convolution
from pullback.compiler.blocking import Blocking, blocking_of, problem_of
from pullback.compiler.blocks import BlockedWriter, is_blocked, scratch_bytes
from pullback.compiler.convolution import is_convolution
from pullback.compiler.convolution.correlation import Correlation, CorrelationWriter
from pullback.compiler.convolution.folding import FoldingWriter
from pullback.compiler.convolution.kernels import Gradient, GradientWriter
from pullback.compiler.emit import Module, assemble, entry_name
from pullback.compiler.flow import FlowWriter, Frame, Place
from pullback.compiler.fuse import JOINS, UPDATES, Kernel, Nest, Plan, Step, carried_by, is_reduction, planned_bodies
from pullback.compiler.loops import KernelWriter
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


@dataclass(frozen=True)
class HostCall:
    """A call of the host between two native parts: the node's NumPy meaning.

    Attributes:
        node: what is computed.
        operands: where its inputs are: views, or the numbers of results of other host calls.
        number: of its result among those of host calls.
    """

    node: Node
    operands: tuple[View | int, ...]
    number: int


@dataclass(frozen=True)
class Part:
    """One part of a native function: what a report names.

    ``depth`` counts the loops and branches that it is in; ``steps`` says how many steps it has, 0 for who knows.
    """

    kind: str
    nodes: tuple[str, ...]
    nbytes: int
    flops: int
    depth: int = 0
    steps: int = 1


@dataclass
class Lowered:
    """What a graph became.

    Attributes:
        avals: of the outputs.
        checks: how many of the last outputs say that indices were in range.
        in_place: outputs that are written where an input was: positions of both.
        steps: how many parts each of these native functions has; 0 for a call of the host.
        sequence: names of native functions, and calls of the host, in order.
        object_code: of the native functions.
        text: what it was made from; empty where it comes from the cache.
        slots: the number of pointers that native functions are given.
        inputs, outputs, hosts: the first slot of each kind.
        constants: arrays whose addresses go into slots, each with its slot.
        routines: what the code calls or reads elsewhere in the process, each with the slot of its address.
        arena_size: bytes.
        outputs_of_host: outputs that a host call gives, each with the number of its result.
        functions: the mathematical functions that the code calls: symbol, name, kind and lanes.
        parts: kernels and products.
    """

    avals: list[Aval]
    checks: int = 0
    in_place: dict[int, int] = field(default_factory=dict)
    sequence: list[str | HostCall] = field(default_factory=list)
    object_code: bytes = b""
    text: str = ""
    steps: list[int] = field(default_factory=list)
    slots: int = 0
    outputs: int = 0
    hosts: int = 0
    arena: int = 0
    constants: list[tuple[int, np.ndarray[Any, Any]]] = field(default_factory=list)
    routines: list[tuple[int, str]] = field(default_factory=list)
    arena_size: int = 0
    outputs_of_host: dict[int, int] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    functions: list[tuple[str, str, str, int]] = field(default_factory=list)

    @property
    def work(self) -> float:
        """How much there is to do: bytes moved and operations of products; infinite where nobody knows."""
        if not all(part.steps for part in self.parts):
            return math.inf
        return sum(part.nbytes + part.flops for part in self.parts if part.depth == 0)


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
        return _unpacked(stored)
    lowered = lower(graph, updates=updates)
    if all(isinstance(one, str) for one in lowered.sequence):
        cache.store(name, _packed(lowered))
    return lowered


_PLAIN = ("checks", "sequence", "steps", "slots", "outputs", "hosts", "arena", "arena_size", "routines", "functions")


def _packed(lowered: Lowered) -> bytes:
    description = {name: getattr(lowered, name) for name in _PLAIN}
    description["in_place"] = list(lowered.in_place.items())
    description["avals"] = [[aval.shape, aval.dtype.str] for aval in lowered.avals]
    description["parts"] = [astuple(one) for one in lowered.parts]
    description["constants"] = [[slot, array.shape, array.dtype.str] for slot, array in lowered.constants]
    return cache.pack(description, [lowered.object_code, *[array.tobytes() for _, array in lowered.constants]])


def _unpacked(data: bytes) -> Lowered:
    description, (object_code, *blobs) = cache.unpack(data)
    avals = [Aval(tuple(shape), np.dtype(dtype)) for shape, dtype in description["avals"]]
    lowered = Lowered(avals, object_code=object_code, **{name: description[name] for name in _PLAIN})
    lowered.in_place = dict(description["in_place"])
    lowered.parts = [Part(kind, tuple(nodes), *rest) for kind, nodes, *rest in description["parts"]]
    lowered.constants = [
        (slot, np.frombuffer(blob, dtype).reshape(shape))
        for (slot, shape, dtype), blob in zip(description["constants"], blobs, strict=True)
    ]
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


@dataclass
class _Flow:
    """A native loop or branch in the making.

    Attributes:
        name: of its function.
        inner: its bodies.
        results: where its results are.
        spare: second places of results that are carried on.
        memory: of the bodies, of which one runs at a time.
        flag: where a condition puts its answer.
        shared: for each body its slots that hold what a slot of the caller does.
        unused: buffers of results that nothing uses.
    """

    name: str
    inner: list[_Lowering]
    results: list[Buffer | None]
    spare: list[Buffer | None]
    memory: Buffer
    flag: Buffer
    shared: dict[_Lowering, list[tuple[int, int]]] = field(default_factory=dict)
    unused: dict[int, Buffer] = field(default_factory=dict)

    def own_buffers(self) -> list[Buffer]:
        """Memory that is needed while it runs, and not before or after."""
        spare = [one for one in self.spare if one is not None]
        return [self.memory, self.flag, *spare, *self.unused.values()]


_ROUTINES = ("parallel", "pool", "interrupted")
"""What native code calls or reads elsewhere: see threads.py and interrupts.py."""
_FLOWS = {"scan": "loop", "while_loop": "loop", "cond": "branch", "switch": "branch", "checkpoint": "call"}
"""What a report calls them."""


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
        self.operands: list[tuple[int, int]] = []  # of the steps of the native function that is being put together
        self.flows = {
            step.node: self._flow(f"{prefix}step{number}", step.node)
            for number, step in enumerate(plan.steps)
            if isinstance(step, Step) and planned_bodies(step.node)
        }
        self.readers = self._find_readers()
        self._give_buffers()
        self._plan_memory()

    def _flow(self, name: str, node: Node) -> _Flow:
        """A native loop or branch: its bodies are lowered and written before it."""
        bodies = planned_bodies(node)
        kept = carried_by(node)
        inner = []
        for i, body in enumerate(bodies):
            over = kept if i == len(bodies) - 1 else {}
            inner.append(_Lowering(body.plan, self.module, f"{name}.{i}.", 0, over))
            inner[-1].write_function(f"{name}.{i}")
        self.called.update(
            *(one.called for one in inner), ["interrupted"] if node.primitive.name == "while_loop" else []
        )
        avals: Any = node.aval
        places = inner[-1].lowered.in_place
        spare = [
            Buffer("arena", 0, aval.shape, aval.dtype) if i in kept and i not in places else None
            for i, aval in enumerate(avals)
        ]
        memory = Buffer("arena", 0, (max(one.lowered.arena_size for one in inner),), np.dtype(np.uint8))
        flag = Buffer("arena", 0, (1,), np.dtype(np.uint8))
        return _Flow(name, inner, [None] * len(avals), spare, memory, flag)

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
                lowered.constants.append((count, np.ascontiguousarray(node.value).reshape(node.aval.shape)))
                count += 1
        for flow in self.flows.values():
            for one in flow.inner:
                for slot, array in one.lowered.constants:
                    flow.shared.setdefault(one, []).append((slot, count))
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
                self.flows[node.inputs[0]].results[node.params["index"]] = self.views[node].buffer
        for node, flow in self.flows.items():
            avals: Any = node.aval
            for i, aval in enumerate(avals):
                if flow.results[i] is None:  # nothing uses it
                    flow.results[i] = flow.unused[i] = Buffer("arena", 0, aval.shape, aval.dtype)

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
        lowered.routines = [(self.slots[name], name) for name in _ROUTINES if name in self.called]
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
        frames = [
            Frame(
                f"{flow.name}.{i}", one.lowered.slots, one.lowered.outputs, one.lowered.in_place,
                [*flow.shared.get(one, []), *[(one.slots[word], self.slots[word]) for word in one.called]],
                one.lowered.arena, self._place(flow.memory.view()),
            )
            for i, one in enumerate(flow.inner)
        ]  # fmt: skip
        inputs = [self._place(self.locate(source)) for source in node.inputs]
        results = [self._place(buffer.view()) for buffer in flow.results if buffer is not None]
        spare = [None if buffer is None else self._place(buffer.view()) for buffer in flow.spare]
        flag = self._place(flow.flag.view())
        self.module.add(
            FlowWriter(
                self.module, flow.name, node, frames, inputs, results, spare, flag, self.slots["interrupted"]
            ).text()
        )
        calls.append(f"  call void @{flow.name}(ptr %slots)")
        kind = node.primitive.name
        steps = node.params.get("length", 0 if kind == "while_loop" else 1)
        inner = [part for one in flow.inner for part in one.lowered.parts]
        whole = [part for part in inner if part.depth == 0]
        moved, flops = (max(steps, 1) * sum(getattr(part, name) for part in whole) for name in ("nbytes", "flops"))
        described = f"{kind} {planned_bodies(node)[-1].name}"
        if "length" in node.params:
            described += f", {steps} steps"
        self.lowered.parts.append(Part(_FLOWS[kind], (described,), moved, flops, steps=steps))
        self.lowered.parts += [replace(part, depth=part.depth + 1) for part in inner]

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
        return HostCall(node, operands, self.results[node])
