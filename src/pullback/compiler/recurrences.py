"""A loop of known length taken apart, to be changed and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pullback.control.bodies import Body
from pullback.control.scans import scan_primitive
from pullback.core.array import Array
from pullback.core.aval import Aval
from pullback.core.graph import Graph, ancestors
from pullback.core.node import Node
from pullback.core.several import item
from pullback.core.state import record
from pullback.core.terminals import CONSTANT, input_node
from pullback.transforms.passes import optimize, with_inputs
from pullback.transforms.vectorize import batch_nodes


@dataclass(eq=False)
class Carry:
    """A value that is carried on.

    Attributes:
        inside: what the body reads.
        start: its first value.
        next: what the body hands on.
        result: stands for the last value, outside.
    """

    inside: Node
    start: Node
    next: Node
    result: Node


class Loop:
    """A loop taken apart, to be put together again by ``close``.

    Attributes:
        consts: inputs of the body that are the same at every step, with what they are outside.
        rows: inputs of the body that are a row of a stack, with the stack.
        carries: what is carried on.
        stacks: outputs of the body that are stacked, with what stands for the stack outside.
        results: those results of the loop that are used, in terms of nodes outside and what stands for results.
    """

    def __init__(self, node: Node, inputs: Sequence[Node], used: Iterable[int]) -> None:
        params = node.params
        self.node, self.body, self.length = node, params["body"], params["length"]
        body: Graph = optimize(Graph.of(self.body.outputs, self.body.inputs))
        first, whole = params["consts"], params["consts"] + params["carries"]
        self.consts = dict(zip(body.inputs[:first], inputs[:first], strict=True))
        self.rows = dict(zip(body.inputs[whole:], inputs[whole:], strict=True))
        self.carries = [
            Carry(inside, start, after, input_node(start.array_aval))
            for inside, start, after in zip(body.inputs[first:whole], inputs[first:whole], body.outputs, strict=False)
        ]
        self.stacks: dict[Node, Node] = {}
        standing = [carry.result for carry in self.carries]
        standing += [self.stacked(output) for output in body.outputs[len(self.carries) :]]
        self.results = {i: standing[i] for i in used}
        self.drop_unused()

    # Looking at it --------------------------------------------------------------------------------------------------

    @property
    def outputs(self) -> list[Node]:
        """What the body computes."""
        return [*(carry.next for carry in self.carries), *self.stacks]

    def nodes(self) -> list[Node]:
        """The nodes of the body in order."""
        return ancestors(self.outputs)

    def uses(self) -> dict[Node, int]:
        """How often each node of the body is used."""
        found: dict[Node, int] = {}
        for one in self.outputs:
            found[one] = found.get(one, 0) + 1
        for node in self.nodes():
            for source in node.inputs:
                found[source] = found.get(source, 0) + 1
        return found

    def given(self) -> set[Node]:
        """The nodes of the body that do not depend on what is carried."""
        return self._depending_on([*self.consts, *self.rows])

    def fixed(self) -> set[Node]:
        """The nodes of the body that are the same at every step."""
        return self._depending_on(self.consts)

    def _depending_on(self, known: Iterable[Node]) -> set[Node]:
        """Those nodes, and the nodes of the body that depend on nothing else."""
        found = set(known)
        for node in self.nodes():
            if node.primitive is CONSTANT or (node.inputs and all(source in found for source in node.inputs)):
                found.add(node)
        return found

    # Changing it ----------------------------------------------------------------------------------------------------

    def replace(self, known: Mapping[Node, Node]) -> None:
        """Put nodes of the body in the place of others."""
        replaced = dict(known)
        for node in self.nodes():
            if node not in replaced:
                inputs = tuple([replaced[source] for source in node.inputs])
                replaced[node] = with_inputs(node, inputs)
        for carry in self.carries:
            carry.next = replaced[carry.next]
        standing: dict[Node, Node] = {}
        same: dict[Node, Node] = {}
        for inside, outside in self.stacks.items():
            kept = standing.setdefault(replaced[inside], outside)
            same[outside] = kept
        self.stacks = standing
        self.rename({one: other for one, other in same.items() if one is not other})

    def rename(self, known: Mapping[Node, Node]) -> None:
        """Put nodes outside in the place of what stood for results."""
        if known:
            self.results = dict(zip(self.results, substituted(list(self.results.values()), known), strict=True))

    def stacked(self, node: Node) -> Node:
        """What stands for the stack of a node of the body, which becomes an output."""
        if node in self.rows:
            return self.rows[node]
        if node not in self.stacks:
            aval = node.array_aval
            self.stacks[node] = input_node(Aval((self.length, *aval.shape), aval.dtype))
        return self.stacks[node]

    def outside(self, targets: Sequence[Node], known: Mapping[Node, Node]) -> list[Node]:
        """Nodes of the body outside of the loop, for all steps at once, from the stacks of ``known`` ones.

        One that is the same at every step comes without an axis of steps.
        """
        with record():
            found = batch_nodes(targets, {node: Array(stack) for node, stack in known.items()})
        return substituted([found[one]._node if one in found else one for one in targets], self.consts)

    def drop_unused(self) -> None:
        """Leave out what no result that is used depends on."""
        wanted = set(ancestors(list(self.results.values())))
        self.stacks = {inside: outside for inside, outside in self.stacks.items() if outside in wanted}
        kept = {carry for carry in self.carries if carry.result in wanted}
        while True:
            reached = set(ancestors([*self.stacks, *(carry.next for carry in kept)]))
            more = {carry for carry in self.carries if carry not in kept and carry.inside in reached}
            if not more:
                break
            kept |= more
        self.carries = [carry for carry in self.carries if carry in kept]
        self.consts = {inside: outside for inside, outside in self.consts.items() if inside in reached}
        self.rows = {inside: outside for inside, outside in self.rows.items() if inside in reached}

    def close(self) -> dict[int, Node]:
        """Put the loop together; return the results that are used."""
        self.drop_unused()
        if not self.stacks and not self.carries:
            return self.results
        inside = [*self.consts, *(carry.inside for carry in self.carries), *self.rows]
        inputs = [*self.consts.values(), *(carry.start for carry in self.carries), *self.rows.values()]
        body = Body(self.body.name, inside, self.outputs)
        body.quiet = self.body.quiet
        params = {
            "body": body, "consts": len(self.consts), "carries": len(self.carries),
            "length": self.length, "reverse": self.node.params["reverse"],
        }  # fmt: skip
        avals = scan_primitive.infer_aval([one.aval for one in inputs], params)
        loop = Node(scan_primitive, tuple(inputs), params, None, True, self.node._origin, avals, self.node.name)
        loop.scope = self.node.scope
        standing = [*(carry.result for carry in self.carries), *self.stacks.values()]
        self.rename(
            {
                one: Node(item, (loop,), {"index": i}, None, True, self.node._origin, one.array_aval)
                for i, one in enumerate(standing)
            }
        )
        return self.results


def substituted(outputs: Sequence[Node], known: Mapping[Node, Node]) -> list[Node]:
    """The outputs with nodes in the place of others."""
    replaced = dict(known)
    for node in ancestors(outputs, stop=replaced.__contains__):
        if node not in replaced:
            inputs = tuple([replaced[source] for source in node.inputs])
            replaced[node] = with_inputs(node, inputs)
    return [replaced[node] for node in outputs]
