"""The chain rule for one gradient: the paths from the output to a node, and the factors along them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from pullback.core.aval import Aval
from pullback.core.node import Node
from pullback.transforms.evaluation import Evaluation, carries_derivative

MOST_PATHS = 8
"""With more paths than these the gradient is given by those of the next nodes only."""
LONGEST_PATH = 16
"""The same for a path with more edges than these."""
MOST_FACTORS = 64
"""The same for paths with more edges than these in all."""

Path = list[Node]
"""Nodes from the output to the one whose gradient is asked."""


@dataclass(frozen=True)
class Factor:
    """One factor of a product of the chain rule.

    Attributes:
        target: what is differentiated.
        source: by what.
        value: the number, or the array.
        direct: whether it is the partial along one edge where other ways lead from source to target too, so that it
            must not be taken for the whole derivative.
    """

    target: Node
    source: Node
    value: Any
    direct: bool = False


@dataclass(frozen=True)
class Derivation:
    """How the gradient by one node comes about: a sum over paths of products of local partials.

    Attributes:
        run: an evaluation with gradients.
        node: the one whose gradient is asked.
        users: see ``_users``.
        paths: from the output to the node. Where they are too many or too long, each is [output, next node, node],
            and its first factor is the gradient by the next node.
        whole: whether the paths are whole ones.
    """

    run: Evaluation
    node: Node
    users: dict[Node, list[Node]]
    paths: list[Path]
    whole: bool

    @property
    def output(self) -> Node:
        """The node whose derivative it is."""
        output = self.run.output
        assert output is not None
        return output

    @cached_property
    def numeric(self) -> bool:
        """Whether all factors are real numbers; otherwise they are linear maps, and are not written out."""
        return all(is_real_number(node) for path in self.paths for node in path)

    def factors(self, path: Path) -> list[Factor]:
        """The factors along a path, from the left; their values only where all are numbers."""
        found = []
        for target, source in pairwise(path):
            edge = self.whole or target is not self.output or source not in path[1:-1]
            value = None
            if self.numeric:
                value = self.run.partial(source, target) if edge else self.run.gradient(source)
            found.append(Factor(target, source, value, edge and self._is_by_passed(source, target)))
        return found

    def _is_by_passed(self, source: Node, target: Node) -> bool:
        """Whether a way leads from source to target besides the edge between them."""
        waiting = [user for user in self.users[source] if user is not target]
        seen: set[Node] = set()
        while waiting:
            node = waiting.pop()
            if node is target:
                return True
            if node not in seen and node.index < target.index:
                seen.add(node)
                waiting.extend(self.users[node])
        return False


def is_real_number(node: Node) -> bool:
    """Whether the value of the node is one real number."""
    aval = node.aval
    return isinstance(aval, Aval) and aval.shape == () and aval.dtype.kind == "f"


def derive(run: Evaluation, name: str) -> Derivation:
    """Find the paths from the output to the node of this name.

    Raises:
        GraphError: there was no backward pass, or there is no such node, or it carries no derivative.
    """
    node = run.graph[name]
    _ = run.gradients[name]  # raises what there is to raise
    output = run.output
    assert output is not None
    users = _users(run, node)
    if output is node or output not in users:
        return Derivation(run, node, users, [], True)
    if _are_few(users, output, node):
        return Derivation(run, node, users, _paths(users, output, node), True)
    paths = [[output, *([] if one is output else [one]), node] for one in users[node]]
    return Derivation(run, node, users, paths, False)


def _users(run: Evaluation, node: Node) -> dict[Node, list[Node]]:
    """For ``node`` and each node between it and the output, the nodes there that use it; in topological order."""
    nodes = run.graph.nodes
    reached = {node}
    for target in nodes:
        if carries_derivative(target) and not reached.isdisjoint(target.inputs):
            reached.add(target)
    needed = {run.output}
    for target in reversed(nodes):
        if target in needed and carries_derivative(target):  # no derivative flows through a comparison
            needed.update(target.inputs)
    users: dict[Node, list[Node]] = {target: [] for target in nodes if target in reached and target in needed}
    for target in users:
        for source in dict.fromkeys(target.inputs):
            if source in users:
                users[source].append(target)
    return users


def _are_few(users: dict[Node, list[Node]], output: Node, node: Node) -> bool:
    """Whether the paths are few and short enough to be written out; they are not walked, there may be 2**100."""
    counts, edges, longest = {output: 1}, {output: 0}, {output: 0}
    for one in reversed(users):
        if one is not output:
            counts[one] = min(sum(counts[user] for user in users[one]), MOST_PATHS + 1)
            edges[one] = min(sum(edges[user] + counts[user] for user in users[one]), MOST_FACTORS + 1)
            longest[one] = max(longest[user] for user in users[one]) + 1
    return counts[node] <= MOST_PATHS and edges[node] <= MOST_FACTORS and longest[node] <= LONGEST_PATH


def _paths(users: dict[Node, list[Node]], output: Node, node: Node) -> list[Path]:
    """All paths, which are few and not long."""
    complete: list[Path] = []
    waiting: list[Path] = [[node]]
    while waiting:
        path = waiting.pop()
        if path[0] is output:
            complete.append(path)
        else:
            waiting.extend([user, *path] for user in reversed(users[path[0]]))
    return complete
