"""Where the arrays of a plan lie: inputs, outputs, constants, results of the host, and an arena that is reused."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from pullback.compiler import convolution
from pullback.compiler.blocking import Blocking, blocking_of, problem_of
from pullback.compiler.blocks import is_blocked, scratch_bytes
from pullback.compiler.convolution import is_convolution
from pullback.compiler.flow import Flow
from pullback.compiler.fuse import JOINS, UPDATES, Kernel, Plan, Step, is_reduction
from pullback.compiler.lowered import Lowered
from pullback.compiler.memory import place_buffers
from pullback.compiler.views import Buffer, View, contiguous, is_move
from pullback.core.aval import Aval
from pullback.core.node import Node
from pullback.core.several import item
from pullback.core.terminals import CONSTANT

ROUTINES = ("parallel", "pool", "interrupted")
"""What native code calls or reads elsewhere: see threads.py and interrupts.py."""


def _reshaped(copy: Node) -> Node:
    """What is copied, whatever shape it had."""
    source = copy.inputs[0]
    while source.primitive.name == "reshape":
        source = source.inputs[0]
    return source


class Placement:
    """Gives the arrays of a plan their memory, and chooses how products are cut, which need some, too.

    Args:
        plan: of a graph, or of a body.
        lowered: where it is written down which slots there are, and how large the arena is.
        flows: the native loops and branches of the plan.
        checks: outputs that stop the program where they are false.
        updates: outputs that are new values of inputs, which may be overwritten: positions of both.

    Attributes:
        views: of each node that lies in memory.
        products, convolutions: how each product is cut, with the memory that it needs.
        blocked: memory for the partial sums of kernels, by the first node of each.
        results: numbers of the results of host calls.
        routines: the slot of each routine.
        read: the slots of constants that lie in memory; most numbers stand in the code.
    """

    def __init__(
        self,
        plan: Plan,
        lowered: Lowered,
        flows: Mapping[Node, Flow],
        checks: Collection[Node],
        updates: Mapping[int, int],
    ) -> None:
        self.plan = plan
        self.graph = plan.graph
        self.lowered = lowered
        self.flows = flows
        self.checks = checks
        self.updates = updates
        self.views: dict[Node, View] = {}
        self.products: dict[Node, tuple[Blocking, Buffer]] = {}
        self.convolutions: dict[Node, convolution.Problems] = {}
        self.blocked: dict[Node, Buffer] = {}
        self.results: dict[Node, int] = {}
        self.routines: dict[str, int] = {}
        self.read: set[int] = set()
        self.readers = self._find_readers()
        self._give_buffers()
        self._plan_memory()

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
                self._give(node, "constant", count)
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
        for routine in ROUTINES:
            self.routines[routine] = count
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

    def _give(self, node: Node, kind: str, number: int) -> None:
        aval = node.array_aval
        self.views[node] = Buffer(kind, number, aval.shape, aval.dtype).view()

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
