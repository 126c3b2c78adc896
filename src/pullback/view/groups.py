"""The nodes of a graph folded into groups: calls of modules, Python functions, and what is repeated."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pullback.core.aval import Aval
from pullback.core.node import Node
from pullback.core.origin import Origin, is_internal
from pullback.core.state import Scope
from pullback.core.terminals import CONSTANT, INPUT
from pullback.view.notation import LONGEST_NAME, clean, shortened

FEWEST_COPIES = 3
"""So many equal neighbours are folded into one."""
LONGEST_PERIOD = 32
"""Up to so many neighbours together are looked for as what is repeated."""


@dataclass(frozen=True)
class Group:
    """Nodes that belong together.

    Attributes:
        kind: ``module``, ``function``, ``repeat`` (what is repeated, all of it), ``copy`` (once), or ``body`` (a graph
            that a node holds).
        label: what it is called inside its parent: ``attention``, ``layers.0``, ``step 3``.
        path: of a module, its attribute path from the outermost one.
        detail: the class and its sizes, ``Linear(2, 3)``; of a function, the file and line.
        parent: the number of the group that it is in, None at the outside.
        copies: how many children of a ``repeat`` are equal.
        walk: what the label ends in where a transform made the nodes for those of the module: ``, backward``.
    """

    kind: str
    label: str
    path: str
    detail: str
    parent: int | None
    copies: int = 1
    walk: str = ""

    @property
    def more(self) -> str:
        """The detail, where it says more than the label."""
        return self.detail if self.detail != self.label else ""

    def name(self, times: str = "\N{MULTIPLICATION SIGN}") -> str:
        """The label, and of what is repeated how often, after the sign for times."""
        return f"{self.label} {times} {self.copies}" if self.kind == "repeat" else self.label


@dataclass(frozen=True)
class Folding:
    """Groups, each after its parent, and the group of each node, None for nodes outside of any."""

    groups: list[Group]
    of: dict[Node, int | None]


def fold(nodes: Sequence[Node], within: int = 0) -> Folding:
    """Fold nodes, given in topological order; all of them were made in ``within`` calls of modules, not shown here."""
    steps = [node for node in nodes if node.inputs]
    if not steps:
        return _fold_names(nodes)
    folder = _Folder()
    homes: dict[Scope | None, Any] = {}
    for node in reversed(steps):
        scopes = calls(node)
        if len(scopes) <= within:
            homes.setdefault(node.scope, _code(node))
        folder.leave_out(scopes[:within])
    homes.setdefault(None, None)
    for node in steps:
        folder.place(node, homes)
    _fold_repeats(steps, folder)
    _place_leaves(nodes, folder)
    return _in_order(nodes, folder)


def _fold_names(leaves: Sequence[Node]) -> Folding:
    """Fold parameters without operations, as a file of weights holds them, by the paths that are their names."""
    folder = _Folder()
    known: dict[str, int] = {}
    for leaf in leaves:
        parent = None
        path = ""
        for label in (leaf.name or "").split(".")[:-1]:
            path = f"{path}.{label}" if path else label
            if path not in known:
                known[path] = folder.add(Group("module", label, path, "", parent))
            parent = known[path]
        folder.of[leaf] = parent
    _fold_repeats(leaves, folder)
    return _in_order(leaves, folder)


def calls(node: Node) -> list[Scope]:
    """The calls of modules that the node was made in, from the outside."""
    found = []
    scope = node.scope
    while scope is not None:
        found.append(scope)
        scope = scope.parent
    return found[::-1]


def _code(node: Node) -> Any:
    origin = node.origin
    return origin.code if isinstance(origin, Origin) else None


class _Folder:
    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.of: dict[Node, int | None] = {}
        self._scopes: dict[Scope | None, int | None] = {None: None}
        self._paths: dict[int, dict[int, str]] = {}
        self._call: tuple[Scope | None, Any, int, int] | None = None  # scope, code, last instruction, group

    def add(self, group: Group) -> int:
        label, path, detail = (shortened(clean(text), LONGEST_NAME) for text in (group.label, group.path, group.detail))
        self.groups.append(replace(group, label=label, path=path, detail=detail))
        return len(self.groups) - 1

    def leave_out(self, scopes: Iterable[Scope]) -> None:
        """Make no groups of these calls."""
        self._scopes.update(dict.fromkeys(scopes))

    def place(self, node: Node, homes: dict[Scope | None, Any]) -> None:
        """Put a node into the group of its module, and inside that of its function."""
        scope = node.scope
        group = self._module(scope)
        if scope not in homes:
            homes[scope] = getattr(getattr(type(scope.owner), "forward", None), "__code__", None)  # type: ignore[union-attr]
        home = homes[scope]
        code = _code(node)
        # Inside a module of this package the user's code is further out: it called the module.
        inside = code is not None and home is not None and not is_internal(home) and not (scope and scope.walk)
        if not inside or code is home or code.co_name.startswith("<"):
            self.of[node] = group
            self._call = None
            return
        origin = node.origin
        assert isinstance(origin, Origin)
        last = self._call
        if last is not None and last[0] is scope and last[1] is code and last[2] <= origin.instruction:
            call = last[3]
        else:
            place = f"{origin}" if not origin.filename.startswith("<") else ""
            call = self.add(Group("function", code.co_name, "", place, group))
        self._call = (scope, code, origin.instruction, call)
        self.of[node] = call

    def _module(self, scope: Scope | None) -> int | None:
        waiting = []
        above = scope
        while above is not None and above not in self._scopes:
            waiting.append(above)
            above = above.parent
        for one in reversed(waiting):
            self._scopes[one] = self.add(self._described(one, self._scopes[one.parent]))
        return self._scopes[scope]

    def _described(self, scope: Scope, parent: int | None) -> Group:
        owner = scope.owner
        name = type(owner).__name__
        sizes = owner.describe() if hasattr(owner, "describe") else ""
        detail = f"{name}({sizes})" if sizes else name
        label = self._path(scope.parent.owner, owner) if scope.parent is not None else _name_by_parameters(owner)
        outer = self.groups[parent].path if parent is not None else ""
        path = f"{outer}.{label}" if outer and label else label
        walk = f", {scope.walk}" if scope.walk else ""
        return Group("module", f"{label or name}{walk}", path, detail, parent, walk=walk)

    def _path(self, outer: Any, inner: Any) -> str:
        """By which attributes the inner module is reached from the outer one; empty if by none."""
        if id(outer) not in self._paths:
            self._paths[id(outer)] = _attribute_paths(outer)
        return self._paths[id(outer)].get(id(inner), "")


def _attribute_paths(outer: Any) -> dict[int, str]:
    """The shortest path of everything that has attributes, inside an object and its lists, tuples and dicts."""
    found: dict[int, str] = {id(outer): ""}
    level = [(outer, "")]
    while level:
        inner: list[tuple[Any, str]] = []
        for value, path in level:
            for key, item in _parts(value):
                if id(item) not in found and (hasattr(item, "__dict__") or type(item) in (list, tuple, dict)):
                    found[id(item)] = f"{path}.{key}" if path else key
                    if not isinstance(item, type) and (hasattr(item, "forward") or type(item) in (list, tuple, dict)):
                        inner.append((item, found[id(item)]))
        level = inner
    return found


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    if type(value) is dict:
        return [(str(key), item) for key, item in value.items()]
    if type(value) in (list, tuple):
        return [(str(position), item) for position, item in enumerate(value)]
    return list(vars(value).items())


def _name_by_parameters(owner: Any) -> str:
    """The path of a module that was called by itself: what the names of its parameters have before their own."""
    for own, parameter in owner.named_parameters() if hasattr(owner, "named_parameters") else ():
        name = parameter.name or ""
        if name.endswith(f".{own}"):
            return str(name.removesuffix(f".{own}"))
        break
    return ""


def _place_leaves(nodes: Sequence[Node], folder: _Folder) -> None:
    """Put parameters and constants into the innermost group that all their uses are in; inputs stay outside."""
    places: dict[Node, int | None] = {}
    for node in nodes:
        for source in node.inputs:
            if not source.inputs and (source.primitive is CONSTANT or source.value is not None):
                own = folder.of[node]
                places[source] = _common(folder.groups, places[source], own) if source in places else own
    for node in nodes:
        if not node.inputs:
            folder.of[node] = places.get(node) if node.primitive is not INPUT or node.value is not None else None


def chain(groups: Sequence[Group], group: int | None) -> list[int]:
    """The group and what it is in, from the outside."""
    found = []
    while group is not None:
        found.append(group)
        group = groups[group].parent
    return found[::-1]


def _common(groups: Sequence[Group], one: int | None, other: int | None) -> int | None:
    if one == other:
        return one
    common = None
    for left, right in zip(chain(groups, one), chain(groups, other), strict=False):
        if left != right:
            break
        common = left
    return common


# Repeats --------------------------------------------------------------------------------------------------------------

_Item = tuple[bool, Any]
"""What stands in a group: (True, number of a group) or (False, a node)."""


def _fold_repeats(steps: Sequence[Node], folder: _Folder) -> None:
    """Fold neighbours inside each group that are equal, three or more, into groups of kind ``repeat``."""
    contents: dict[int | None, list[_Item]] = {None: []}
    placed: set[int] = set()
    for node in steps:
        group = folder.of[node]
        item: _Item = (False, node)
        while True:
            contents.setdefault(group, []).append(item)
            if group is None or group in placed:
                break
            placed.add(group)
            item, group = (True, group), folder.groups[group].parent
    numbers: dict[Hashable, int] = {}

    def number(signature: Hashable) -> int:
        return numbers.setdefault(signature, len(numbers))

    signatures: dict[int, int] = {}
    groups = folder.groups
    known = len(groups)
    for group in [*reversed(range(known)), None]:  # each after what is inside it
        items = contents.get(group, [])
        signs = [signatures[one] if is_group else number(_signature(one)) for is_group, one in items]
        if group is not None:
            signatures[group] = number((groups[group].kind, groups[group].detail, groups[group].walk, tuple(signs)))
        for start, period, copies in repeats(signs):
            _fold_copies(folder, items, start, period, copies, group)


def _signature(node: Node) -> Hashable:
    aval = getattr(node, "aval", None)  # none yet in an expression without values
    shapes = str(aval) if isinstance(aval, Aval) or aval is None else " ".join(map(str, aval))
    return node.primitive.name, shapes, len(node.inputs)


def repeats(signs: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (start, period, copies) of what is repeated in a row, the first and shortest ones, without overlaps.

    >>> repeats([7, 1, 2, 1, 2, 1, 2, 3, 3])
    [(1, 2, 3)]
    """
    found = []
    count = len(signs)
    # equal[p] is how many places in a row from here on equal the one p further.
    runs = [[0] * (count + 1) for _ in range(min(LONGEST_PERIOD, count // FEWEST_COPIES) + 1)]
    for period in range(1, len(runs)):
        run = runs[period]
        for i in range(count - period - 1, -1, -1):
            run[i] = run[i + 1] + 1 if signs[i] == signs[i + period] else 0
    i = 0
    while i < count:
        best = None
        for period in range(1, len(runs)):
            copies = runs[period][i] // period + 1
            if copies >= FEWEST_COPIES and (best is None or copies * period > best[1] * best[2]):
                best = (i, period, copies)
        if best is None:
            i += 1
        else:
            found.append(best)
            i += best[1] * best[2]
    return found


def _fold_copies(
    folder: _Folder, items: Sequence[_Item], start: int, period: int, copies: int, parent: int | None
) -> None:
    groups = folder.groups
    single = period == 1 and items[start][0]
    if period == 1 and not single:
        return  # a row of equal operations is as short as a fold
    first = groups[items[start][1]] if single else None
    names = [groups[one].label if is_group else one.primitive.name for is_group, one in items[start : start + period]]
    label = first.label if first else _listed(names)
    if first is not None and first.kind == "module":
        label = f"{first.detail or 'block'}{first.walk}"
    whole = folder.add(Group("repeat", label, "", "", parent, copies))
    for copy in range(copies):
        own = items[start + copy * period : start + (copy + 1) * period]
        if single:
            groups[own[0][1]] = replace(groups[own[0][1]], parent=whole)
            continue
        made = folder.add(Group("copy", f"{copy + 1}", "", "", whole))
        for is_group, one in own:
            if is_group:
                groups[one] = replace(groups[one], parent=made)
            else:
                folder.of[one] = made


def _listed(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    return ", ".join(distinct[:3]) + (", …" if len(distinct) > 3 else "")


def _in_order(nodes: Sequence[Node], folder: _Folder) -> Folding:
    """Number the groups anew: each after its parent, and in the order of their first nodes."""
    new: dict[int, int] = {}
    steps = [node for node in nodes if node.inputs] or nodes
    for node in steps:
        for number in chain(folder.groups, folder.of.get(node)):
            new.setdefault(number, len(new))
    groups = []
    for number in new:
        up = folder.groups[number].parent
        groups.append(replace(folder.groups[number], parent=None if up is None else new[up]))
    return Folding(groups, {node: None if group is None else new[group] for node, group in folder.of.items()})
