"""Layouts: nothing lies on anything else, whatever the graph."""

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pullback.view.layout import Box, Edge, Spacing, lay_out


@st.composite
def drawings(draw):
    """Boxes in topological order, with edges between them, some with labels."""
    count = draw(st.integers(1, 14))
    sizes = st.floats(5, 60)
    boxes = []
    for _ in range(count):
        body = draw(sizes)
        boxes.append(Box(body + draw(st.floats(0, 20)), draw(st.floats(8, 30)), draw(st.floats(8, 40)), body))
    pairs = [(i, j) for j in range(count) for i in range(j)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=24)) if pairs else []
    labels = [draw(st.none() | st.builds(Box, st.floats(4, 50), st.just(9.0), st.just(9.0))) for _ in chosen]
    return boxes, [Edge(i, j, label) for (i, j), label in zip(chosen, labels, strict=True)]


def rectangle(centre, box):
    x, y = centre
    return x - box.width / 2, y - box.above, x + box.width / 2, y + box.below


def overlap(one, other):
    return (
        one[0] < other[2] - 1e-6 and other[0] < one[2] - 1e-6 and one[1] < other[3] - 1e-6 and other[1] < one[3] - 1e-6
    )


@settings(deadline=None, max_examples=150)
@given(drawings(), st.booleans())
def test_nothing_overlaps(drawing, align_sources):
    boxes, edges = drawing
    layout = lay_out(boxes, edges, align_sources)
    placed = [rectangle(centre, box) for centre, box in zip(layout.centres, boxes, strict=True)]
    placed += [
        rectangle(place, edge.label)
        for place, edge in zip(layout.labels, edges, strict=True)
        if place is not None and edge.label is not None
    ]
    assert not any(overlap(one, other) for one, other in combinations(placed, 2))
    for left, top, right, bottom in placed:
        assert left >= -1e-6
        assert top >= -1e-6
        assert right <= layout.width + 1e-6
        assert bottom <= layout.height + 1e-6


@settings(deadline=None, max_examples=150)
@given(drawings(), st.booleans())
def test_edges_run_forward_and_around_boxes(drawing, align_sources):
    boxes, edges = drawing
    layout = lay_out(boxes, edges, align_sources)
    for edge, path in zip(edges, layout.paths, strict=True):
        assert all(x0 <= x1 + 1e-6 for (x0, _), (x1, _) in pairwise(path))
        for (x0, y0), (x1, y1) in zip(path[::2], path[1::2], strict=True):
            assert y0 == y1  # straight inside a layer, curves only between two
            for i, box in enumerate(boxes):
                if i not in (edge.source, edge.target):
                    left, top, right, bottom = rectangle(layout.centres[i], box)
                    inside = x0 < right - 1e-6 and left < x1 - 1e-6 and top + 1e-6 < y0 < bottom - 1e-6
                    assert not inside


def test_a_chain_is_straight():
    boxes = [Box(50, 20, 40, 50)] * 5
    layout = lay_out(boxes, [Edge(i, i + 1, Box(20, 9, 9)) for i in range(4)])
    assert len({round(y, 3) for _, y in layout.centres}) == 1
    assert [x for x, _ in layout.centres] == sorted(x for x, _ in layout.centres)


def test_a_long_edge_is_straight_as_far_as_its_last_turn():
    boxes = [Box(50, 20, 20, 50)] * 5
    layout = lay_out(boxes, [Edge(0, 1), Edge(1, 2), Edge(2, 4), Edge(3, 4), Edge(0, 4)], align_sources=True)
    assert len({round(y, 3) for _, y in layout.paths[4][2:-2]}) == 1


def test_nothing_to_draw():
    assert lay_out([], []).centres == []


def test_spacing_is_kept():
    layout = lay_out([Box(10, 5, 5, 10)] * 3, [Edge(0, 2), Edge(1, 2)], spacing=Spacing(between=30))
    (_, first), (_, second), _ = layout.centres
    assert abs(first - second) >= 40 - 1e-6
