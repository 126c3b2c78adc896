"""Places for what stands in frames: each frame is laid out by itself, and is a box in what is around it.

So nothing that does not belong into a frame can be in it. Edges go through the sides of frames at ports: one on the
left for each value that comes from outside, one on the right for each that is used outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pullback.view.layout import Box, Edge, Layout, Point, Spacing, lay_out
from pullback.view.ordering import topological

LEFT, RIGHT, TOP, BOTTOM = 10.0, 10.0, 25.0, 10.0
"""Between a frame and what is in it; its name stands at the top."""

_PORT = Box(0.0, 5.0, 5.0)

_Place = tuple[str, int]
"""What stands in a level: ``box``, ``frame``, or a port for the value of a box: ``enter``, ``leave``."""

_Wire = tuple[_Place, _Place, int]
"""From where to where in a level, and the box whose value goes along it."""


@dataclass(frozen=True)
class Frame:
    """Something that other things stand in: the frame that it is in itself, and the width that its name needs."""

    parent: int | None
    width: float


@dataclass
class Nested(Layout):
    """A layout with frames: of each its left and upper side, width and height; None where it could not be drawn.

    ``framed`` says for each box whether it stands in one.
    """

    frames: list[tuple[float, float, float, float] | None] = field(default_factory=list)
    framed: list[bool] = field(default_factory=list)


@dataclass
class _Level:
    """What stands in one frame, or outside of all, and how it is linked there."""

    places: list[_Place] = field(default_factory=list)
    wires: dict[_Wire, Box | None] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)
    width: float = 0.0
    height: float = 0.0

    def ports(self, side: str) -> dict[int, float]:
        """How far below the top of the frame each of its ports on one side is, by the box whose value goes through."""
        return {
            place[1]: TOP + y
            for place, (_, y) in zip(self.places, self.layout.centres, strict=True)
            if place[0] == side
        }


def lay_out_nested(
    boxes: Sequence[Box],
    edges: Sequence[Edge],
    homes: Sequence[int | None],
    frames: Sequence[Frame],
    align_sources: bool = False,
    spacing: Spacing | None = None,
) -> Nested:
    """Place boxes, given in topological order, each in the frame of ``homes``; frames come after those they are in.

    A frame whose boxes do not stand together would be before and after another box, and is not drawn.
    """
    return _Nesting(boxes, edges, homes, frames, align_sources, spacing or Spacing()).place()


class _Nesting:
    def __init__(
        self,
        boxes: Sequence[Box],
        edges: Sequence[Edge],
        homes: Sequence[int | None],
        frames: Sequence[Frame],
        align_sources: bool,
        spacing: Spacing,
    ) -> None:
        self.boxes, self.edges, self.frames = boxes, edges, frames
        self.align_sources, self.spacing = align_sources, spacing
        self.drawn = [False] * len(frames)
        for home in homes:
            while home is not None and not self.drawn[home]:
                self.drawn[home] = True
                home = frames[home].parent
        while True:
            self.chains = [[*self._around(home), ("box", box)] for box, home in enumerate(homes)]
            self.ways = [self._way(edge) for edge in edges]
            self.levels = self._levels()
            torn = {place[1] for level in self.levels.values() for place in _sort(level) if place[0] == "frame"}
            if not torn:
                break
            self.drawn = [drawn and frame not in torn for frame, drawn in enumerate(self.drawn)]

    def _around(self, home: int | None) -> list[_Place]:
        """The drawn frames around a box, from the outside."""
        found: list[_Place] = []
        while home is not None:
            if self.drawn[home]:
                found.append(("frame", home))
            home = self.frames[home].parent
        return found[::-1]

    def _way(self, edge: Edge) -> list[tuple[int | None, _Wire]]:
        """The levels that an edge goes through, from its source to its target, and its wire in each."""
        source, left, right = edge.source, self.chains[edge.source], self.chains[edge.target]
        common = 0
        while left[common] == right[common]:
            common += 1
        leave, enter = ("leave", source), ("enter", source)
        way: list[tuple[int | None, _Wire]] = [
            (left[depth][1], (left[depth + 1], leave, source)) for depth in reversed(range(common, len(left) - 1))
        ]
        way.append((left[common - 1][1] if common else None, (left[common], right[common], source)))
        way += [(right[depth][1], (enter, right[depth + 1], source)) for depth in range(common, len(right) - 1)]
        return way

    def _levels(self) -> dict[int | None, _Level]:
        """All levels by their frames; the outside, and each frame after the one that it is in."""
        levels: dict[int | None, _Level] = {None: _Level()}
        known: dict[int | None, dict[_Place, None]] = {None: {}}
        for chain in self.chains:
            container = None
            for place in chain:
                known[container].setdefault(place)
                if place[0] == "frame":
                    container = place[1]
                    levels.setdefault(container, _Level())
                    known.setdefault(container, {})
        entering: dict[int | None, dict[_Place, None]] = {container: {} for container in levels}
        for edge, way in zip(self.edges, self.ways, strict=True):
            for container, wire in way:
                for end in wire[:2]:
                    if end[0] in ("enter", "leave"):
                        (entering if end[0] == "enter" else known)[container].setdefault(end)
                label = edge.label if wire[1] == ("box", edge.target) else None
                levels[container].wires[wire] = label
        for container, level in levels.items():
            level.places = [*entering[container], *known[container]]
        return levels

    def place(self) -> Nested:
        """Lay out the levels from the inside, and put them together from the outside."""
        for container, level in reversed(self.levels.items()):
            self._lay_out(level, outside=container is None)
            if container is not None:
                inner = level.layout
                level.width = max(LEFT + inner.width + RIGHT, self.frames[container].width)
                level.height = TOP + inner.height + BOTTOM
        return self._together()

    def _lay_out(self, level: _Level, outside: bool) -> None:
        number = {place: i for i, place in enumerate(level.places)}
        edges = [
            Edge(number[start], number[end], label, self._port(start, "leave", source) or 0.0,
                 self._port(end, "enter", source))
            for (start, end, source), label in level.wires.items()
        ]  # fmt: skip
        boxes = [self._box(place) for place in level.places]
        first, last = ({i for place, i in number.items() if place[0] == side} for side in ("enter", "leave"))
        level.layout = lay_out(boxes, edges, self.align_sources and outside, self.spacing, first, last)

    def _box(self, place: _Place) -> Box:
        kind, which = place
        if kind == "box":
            return self.boxes[which]
        if kind != "frame":
            return _PORT
        level = self.levels[which]
        return Box(level.width, level.height / 2, level.height / 2, level.width)

    def _port(self, place: _Place, side: str, source: int) -> float | None:
        """How far below the centre line of a frame the port of a value is; None if this is no frame."""
        if place[0] != "frame":
            return None
        level = self.levels[place[1]]
        return level.ports(side)[source] - level.height / 2

    def _together(self) -> Nested:
        """Everything in the coordinates of the whole."""
        whole = self.levels[None].layout
        found = Nested([(0.0, 0.0)] * len(self.boxes), width=whole.width, height=whole.height)
        found.frames = [None] * len(self.frames)
        found.framed = [len(chain) > 1 for chain in self.chains]
        paths: dict[tuple[int | None, _Wire], list[Point]] = {}
        labels: dict[tuple[int | None, _Wire], Point | None] = {}
        for container, level in self.levels.items():
            left = top = x0 = 0.0
            if container is not None:
                frame = found.frames[container]
                assert frame is not None  # a level comes after the one that it is in, where its frame has its place
                left, top = frame[:2]
                x0, top = left + (level.width - level.layout.width) / 2, top + TOP
            for (kind, which), (x, y) in zip(level.places, level.layout.centres, strict=True):
                if kind == "box":
                    found.centres[which] = (x0 + x, top + y)
                elif kind == "frame":
                    width, height = self.levels[which].width, self.levels[which].height
                    found.frames[which] = (x0 + x - width / 2, top + y - height / 2, width, height)
            for wire, path, label in zip(level.wires, level.layout.paths, level.layout.labels, strict=True):
                points = [(x0 + x, top + y) for x, y in path]
                if wire[0][0] == "enter":
                    points[0] = (left, points[0][1])
                if wire[1][0] == "leave":
                    points[-1] = (left + level.width, points[-1][1])
                paths[container, wire] = points
                labels[container, wire] = label and (x0 + label[0], top + label[1])
        for way in self.ways:
            points = paths[way[0]][:]
            for part in way[1:]:
                points = points[:-1] + paths[part][1:]
            found.paths.append(points)
            found.labels.append(labels[way[-1]])
        return found


def _sort(level: _Level) -> list[_Place]:
    """Bring what stands in a level into topological order; return what is on a cycle, or between two."""
    number = {place: i for i, place in enumerate(level.places)}
    pairs = [(number[start], number[end]) for start, end, _ in level.wires]
    order = topological(len(number), pairs)
    apart = set(range(len(number))).difference(order)
    if apart:
        apart.difference_update(topological(len(number), [(end, start) for start, end in pairs]))
    found = [level.places[i] for i in apart]
    level.places = [level.places[i] for i in order]
    return found
