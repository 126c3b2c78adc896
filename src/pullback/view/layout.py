"""Places for the nodes and edges of a drawing: in layers from left to right, nothing on top of anything else.

Labels of edges get layers of their own between those of the nodes, and an edge that passes a layer gets a slot in it.
So nothing can overlap, whatever the graph.

Libraries were tried on the graphs of ``docs/gallery`` and looked at: grandalf gives labels no room, so that they lie on
boxes, and pulls every leaf into the first layer; fast-sugiyama knows neither sizes nor labels and gives edges no ways
around boxes, so that this file would still be needed for all but the order. Neither keeps the order of operands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pullback.view.ordering import Link, assign_layers, order_layers

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """The extent of something to be placed: its width, and how far it reaches above and below its centre line.

    Edges begin and end at the sides of ``body``, the width of the part at the height of the centre line.
    """

    width: float
    above: float
    below: float
    body: float = 0.0


@dataclass(frozen=True)
class Edge:
    """A line from one box to another, with the extent of its label if it has one.

    It leaves its source ``leave`` below the centre line, and comes to its target ``enter`` below the centre line, or
    beside the others that come there if that is None.
    """

    source: int
    target: int
    label: Box | None = None
    leave: float = 0.0
    enter: float | None = None


@dataclass(frozen=True)
class Spacing:
    """Distances: between neighbours in a layer, between layers, and between the ends of edges at one box."""

    between: float = 16.0
    layers: float = 20.0
    ports: float = 11.0
    slot: float = 5.0


@dataclass
class Layout:
    """Where everything is.

    Attributes:
        centres: of each box, on its centre line.
        paths: of each edge, pairs of points between which it runs straight; curves join the pairs.
        labels: the centre of each edge's label, None for an edge without.
        width: of the whole.
        height: of the whole.
    """

    centres: list[Point] = field(default_factory=list)
    paths: list[list[Point]] = field(default_factory=list)
    labels: list[Point | None] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def lay_out(
    boxes: Sequence[Box],
    edges: Sequence[Edge],
    align_sources: bool = False,
    spacing: Spacing | None = None,
    first: Collection[int] = (),
    last: Collection[int] = (),
) -> Layout:
    """Place boxes, given in topological order, and the edges between them.

    The boxes of ``first`` stand in the first layer, those of ``last`` in the last one.
    """
    if not boxes:
        return Layout()
    ends = [(edge.source, edge.target) for edge in edges]
    layers = assign_layers(len(boxes), ends, align_sources, first, last)
    return _Placing(boxes, edges, layers, spacing or Spacing()).place()


class _Placing:
    """Items are the boxes, then one slot for every layer that an edge passes, labels among them."""

    def __init__(self, boxes: Sequence[Box], edges: Sequence[Edge], layers: Sequence[int], spacing: Spacing) -> None:
        self.spacing = spacing
        self.edges = edges
        self.count = len(boxes)
        self.items = list(boxes)
        self.layer = [2 * one for one in layers]
        self.chains = [self._chain(edge) for edge in edges]
        self.links: list[Link] = [pair for chain in self.chains for pair in pairwise(chain)]
        unordered: list[list[int]] = [[] for _ in range(max(self.layer) + 1)]
        for item in self._first_order():
            unordered[self.layer[item]].append(item)
        self.layers = order_layers(unordered, self.links)
        self.leaves = {(chain[0], chain[1]): edge.leave for edge, chain in zip(edges, self.chains, strict=True)}
        self.ports = self._ports()

    def _chain(self, edge: Edge) -> list[int]:
        """The items that an edge goes through, its ends included."""
        chain = [edge.source]
        for layer in range(self.layer[edge.source] + 1, self.layer[edge.target]):
            last = layer == self.layer[edge.target] - 1
            slot = Box(0.0, self.spacing.slot, self.spacing.slot)
            chain.append(len(self.items))
            self.items.append(edge.label if last and edge.label is not None else slot)
            self.layer.append(layer)
        return [*chain, edge.target]

    def _first_order(self) -> list[int]:
        """All items, so that what an operation uses stands in the order of its operands where that can be."""
        before: list[list[int]] = [[] for _ in self.items]
        for source, target in self.links:
            before[target].append(source)
        used = {source for source, _ in self.links}
        order: list[int] = []
        seen: set[int] = set()
        last = [item for item in range(self.count) if item not in used]
        waiting = sorted(last, key=lambda item: (bool(before[item]), -item))  # what stands alone goes below
        while waiting:
            item = waiting.pop()
            if item not in seen:
                seen.add(item)
                order.append(item)
                waiting.extend(reversed(before[item]))
        return order

    def _ports(self) -> dict[Link, float]:
        """How far from the centre line of its target each link ends: where the edge says so, or side by side.

        Those that are side by side are in the order in which they come.
        """
        place = {item: i for layer in self.layers for i, item in enumerate(layer)}
        arriving: dict[int, list[int]] = {}
        ports: dict[Link, float] = {}
        for edge, (*_, source, target) in zip(self.edges, self.chains, strict=True):
            if edge.enter is not None:
                ports[source, target] = edge.enter
            else:
                arriving.setdefault(target, []).append(source)
        for target, sources in arriving.items():
            box = self.items[target]
            room = 2 * min(box.above, box.below) - self.spacing.ports
            step = min(self.spacing.ports, room / max(len(sources) - 1, 1))
            for i, source in enumerate(sorted(sources, key=place.__getitem__)):
                ports[source, target] = (i - (len(sources) - 1) / 2) * step
        return ports

    def place(self) -> Layout:
        """Give everything its coordinates."""
        ys = self._heights()
        lefts, rights = self._columns(ys)
        layout = Layout()
        layout.width = max(rights)
        layout.height = max(ys[item] + box.below for item, box in enumerate(self.items))
        centre = [(lefts[layer] + rights[layer]) / 2 for layer in range(len(self.layers))]
        layout.centres = [(centre[self.layer[item]], ys[item]) for item in range(self.count)]
        for edge, chain in zip(self.edges, self.chains, strict=True):
            start, *middle, end = chain
            x = centre[self.layer[start]]
            y = ys[start] + edge.leave
            points = [(x + self._half(start), y), (rights[self.layer[start]], y)]
            for item in middle:
                points += [(lefts[self.layer[item]], ys[item]), (rights[self.layer[item]], ys[item])]
            y = ys[end] + self.ports[chain[-2], end]
            points += [(lefts[self.layer[end]], y), (centre[self.layer[end]] - self._half(end), y)]
            layout.paths.append(points)
            label = middle[-1] if edge.label is not None else None
            layout.labels.append(None if label is None else (centre[self.layer[label]], ys[label]))
        return layout

    def _climb(self, link: Link) -> float:
        """How much further down a link ends than it begins, where the centre lines of its ends are level."""
        return self.ports.get(link, 0.0) - self.leaves.get(link, 0.0)

    def _half(self, item: int) -> float:
        return self.items[item].body / 2

    def _columns(self, ys: Sequence[float]) -> tuple[list[float], list[float]]:
        """The left and right side of each layer; where links climb steeply there is more room between two."""
        steepest = [0.0] * len(self.layers)
        for source, target in self.links:
            rise = abs(ys[source] - ys[target] - self._climb((source, target)))
            steepest[self.layer[source]] = max(steepest[self.layer[source]], rise)
        lefts, rights = [], []
        x = 0.0
        for index, layer in enumerate(self.layers):
            lefts.append(x)
            rights.append(x + max((self.items[item].width for item in layer), default=0.0))
            x = rights[-1] + self.spacing.layers + min(steepest[index] * 0.25, 50.0)
        return lefts, rights

    def _heights(self) -> list[float]:
        """The centre lines: each item near the mean of what it is linked to, in order and apart."""
        ys = [0.0] * len(self.items)
        for layer in self.layers:
            y = 0.0
            for item in layer:
                y += self.items[item].above
                ys[item] = y
                y += self.items[item].below + self.spacing.between
        left: list[list[tuple[int, float, float]]] = [[] for _ in self.items]
        right: list[list[tuple[int, float, float]]] = [[] for _ in self.items]
        for source, target in self.links:
            # Slots pull harder than boxes: long edges are to be straight.
            weight = (1.0, 2.0, 8.0)[(source >= self.count) + (target >= self.count)]
            offset = self._climb((source, target))
            left[target].append((source, -offset, weight))
            right[source].append((target, offset, weight))
        for sweep in range(24):
            forward = sweep % 2 == 0
            for layer in self.layers if forward else reversed(self.layers):
                wanted, weights = [], []
                for item in layer:
                    sides = (left[item] if forward else right[item]) if sweep < 4 else left[item] + right[item]
                    total = sum(weight for _, _, weight in sides)
                    mean = sum((ys[other] + offset) * weight for other, offset, weight in sides)
                    wanted.append(mean / total if total else ys[item])
                    weights.append(total or 0.1)
                self._separate(layer, wanted, weights, ys)
        self._straighten(ys)
        top = min(ys[item] - box.above for item, box in enumerate(self.items))
        return [y - top for y in ys]

    def _straighten(self, ys: list[float]) -> None:
        """Put the slots of each edge on one line with its source, or with its target, as far as there is room.

        Where there is not, on as few lines as can be.
        """
        place = {item: (layer, i) for layer in self.layers for i, item in enumerate(layer)}
        for chain in sorted(self.chains, key=len, reverse=True):
            slots = chain[1:-1]
            wanted = (ys[chain[0]] + self.leaves[chain[0], chain[1]], ys[chain[-1]] + self.ports[chain[-2], chain[-1]])
            start = 0
            while start < len(slots):
                low, high = self._room(slots[start], ys, *place[slots[start]])
                end = start + 1
                while end < len(slots):
                    lower, upper = self._room(slots[end], ys, *place[slots[end]])
                    if max(low, lower) > min(high, upper):
                        break
                    low, high = max(low, lower), min(high, upper)
                    end += 1
                before = ys[slots[start - 1]] if start else wanted[0]
                near = (wanted[0], wanted[1], before) if end == len(slots) else (before,)
                levels = (min(max(one, low), high) for one in near)
                y = min(levels, key=lambda y: abs(y - before) + (abs(y - wanted[1]) if end == len(slots) else 0.0))
                for item in slots[start:end]:
                    ys[item] = y
                start = end

    def _room(self, item: int, ys: Sequence[float], layer: Sequence[int], i: int) -> tuple[float, float]:
        """How high and how low an item of a layer can be put between its neighbours; where it is, at least."""
        low = ys[layer[i - 1]] + self._apart(layer[i - 1], item) if i else -float("inf")
        high = ys[layer[i + 1]] - self._apart(item, layer[i + 1]) if i + 1 < len(layer) else float("inf")
        return min(low, ys[item]), max(high, ys[item])

    def _apart(self, upper: int, lower: int) -> float:
        """How far the centre lines of two neighbours in a layer must be apart."""
        above, below = self.items[upper], self.items[lower]
        slots = (upper >= self.count) + (lower >= self.count)
        if slots == 2:
            between = 4.0 if above.width == 0 or below.width == 0 else 6.0
        else:
            between = self.spacing.between * (0.6 if slots else 1.0)
        return above.below + between + below.above

    def _separate(self, layer: Sequence[int], wanted: list[float], weights: list[float], ys: list[float]) -> None:
        """Put the items of a layer as near as can be to where they want to be, by least squares: pooled neighbours."""
        offset = 0.0
        offsets = []
        pools: list[tuple[float, float, int]] = []  # mean, weight, how many
        for i, item in enumerate(layer):
            if i:
                offset += self._apart(layer[i - 1], item)
            offsets.append(offset)
            mean, weight, size = wanted[i] - offset, weights[i], 1
            while pools and pools[-1][0] > mean:
                other, other_weight, other_size = pools.pop()
                mean = (mean * weight + other * other_weight) / (weight + other_weight)
                weight += other_weight
                size += other_size
            pools.append((mean, weight, size))
        position = 0
        for mean, _, size in pools:
            for _ in range(size):
                ys[layer[position]] = mean + offsets[position]
                position += 1
