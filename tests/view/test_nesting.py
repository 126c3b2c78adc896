"""Layouts with frames: in each frame stands what belongs there, and nothing else."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullback.view.layout import Box, Edge, lay_out
from pullback.view.nesting import Frame, lay_out_nested

BOX = Box(40.0, 12.0, 20.0, 30.0)
LABEL = Box(24.0, 9.0, 9.0)


@st.composite
def drawings(draw):
    count = draw(st.integers(1, 10))
    frames = [
        Frame(draw(st.sampled_from([None, *range(i)])), draw(st.floats(0, 300))) for i in range(draw(st.integers(0, 4)))
    ]
    homes = [draw(st.sampled_from([None, *range(len(frames))])) for _ in range(count)]
    pairs = [(i, j) for j in range(count) for i in range(j)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=16)) if pairs else []
    return homes, frames, [Edge(i, j, draw(st.sampled_from([None, LABEL]))) for i, j in chosen]


def around(home, frames):
    while home is not None:
        yield home
        home = frames[home].parent


def rectangle(centre, box=BOX):
    x, y = centre
    return x - box.width / 2, y - box.above, x + box.width / 2, y + box.below


def overlap(one, other):
    return all(one[i] < other[i + 2] - 1e-6 and other[i] < one[i + 2] - 1e-6 for i in (0, 1))


def within(inner, outer):
    return all(outer[i] <= inner[i] + 1e-6 and inner[i + 2] <= outer[i + 2] + 1e-6 for i in (0, 1))


@settings(deadline=None, max_examples=100)
@given(drawings(), st.booleans())
def test_frames_hold_what_is_theirs_and_nothing_else(drawing, align_sources):
    homes, frames, edges = drawing
    layout = lay_out_nested([BOX] * len(homes), edges, homes, frames, align_sources)
    outlines = {i: (x, y, x + w, y + h) for i, at in enumerate(layout.frames) if at for x, y, w, h in [at]}
    boxes = [rectangle(centre) for centre in layout.centres]
    for box, home, framed in zip(boxes, homes, layout.framed, strict=True):
        own = set(around(home, frames)) & outlines.keys()
        assert framed == bool(own)
        for i, outline in outlines.items():
            assert within(box, outline) if i in own else not overlap(box, outline)
    for one, other in combinations(outlines, 2):
        if one in around(other, frames):
            assert within(outlines[other], outlines[one])
        else:
            assert not overlap(outlines[one], outlines[other])
    labels = [rectangle(spot, LABEL) for spot in layout.labels if spot is not None]
    assert not any(overlap(one, other) for one, other in combinations([*boxes, *labels], 2))


@settings(deadline=None, max_examples=100)
@given(drawings())
def test_edges_run_forward_from_box_to_box_and_around_others(drawing):
    homes, frames, edges = drawing
    layout = lay_out_nested([BOX] * len(homes), edges, homes, frames)
    for edge, path in zip(edges, layout.paths, strict=True):
        (x, y), (left, _) = layout.centres[edge.source], layout.centres[edge.target]
        assert path[0] == pytest.approx((x + BOX.body / 2, y))
        assert path[-1][0] == pytest.approx(left - BOX.body / 2)
        assert all(before[0] <= after[0] + 1e-6 for before, after in pairwise(path))
        for one, centre in enumerate(layout.centres):
            if one not in (edge.source, edge.target):
                shape = rectangle(centre, Box(BOX.body, 12.0, 12.0))
                assert not any(overlap((a, min(b, d), c, max(b, d) + 1e-3), shape) for (a, b), (c, d) in level(path))


def level(path):
    return [(start, end) for start, end in pairwise(path) if abs(start[1] - end[1]) < 0.05]


def test_without_frames_it_is_the_layout():
    edges = [Edge(0, 2), Edge(1, 2, LABEL), Edge(0, 3), Edge(2, 3)]
    plain, nested = lay_out([BOX] * 4, edges), lay_out_nested([BOX] * 4, edges, [None] * 4, [])
    assert (nested.centres, nested.labels) == (plain.centres, plain.labels)
    assert nested.paths == plain.paths


def test_what_does_not_stand_together_has_no_frame():
    layout = lay_out_nested([BOX] * 3, [Edge(0, 1), Edge(1, 2)], [0, None, 0], [Frame(None, 0.0)])
    assert layout.frames == [None]
    assert layout.framed == [False] * 3
