"""What is drawn as one shape."""

import numpy as np

import pullback as pb
from pullback import nn
from pullback.core.graph import Graph
from pullback.view.folding import folded
from pullback.view.labels import draw
from pullback.view.summary import summarize


def deep(blocks):
    layers = [
        nn.Sequential(nn.Linear(3, 3, rng=i), nn.Tanh(), nn.Linear(3, 3, rng=i), nn.ReLU()) for i in range(blocks)
    ]
    net = nn.Sequential(*layers, nn.Linear(3, 1, rng=0))
    return pb.trace(lambda x: net(x).sum(), np.ones((2, 3), np.float32))


def test_a_small_graph_is_drawn_node_by_node():
    picture = summarize(deep(1))
    assert [kind for kind, _ in folded(picture).shapes] == ["item"] * len(picture.items)


def test_a_large_graph_is_folded():
    graph = deep(12)
    drawing = draw(summarize(graph.forward(np.ones((2, 3), np.float32)).backward()))
    shapes = {shape.name: shape for shape in drawing.shapes}
    assert list(shapes) == ["x", "Sequential \N{MULTIPLICATION SIGN} 12", "12", "out"]
    pile = shapes["Sequential \N{MULTIPLICATION SIGN} 12"]
    assert (pile.kind, pile.copies, pile.value) == ("group", 12, "288 parameters")
    assert pile.gradient.startswith("‖∂out/∂Sequential‖ = ")
    assert shapes["12"].rest == ": Linear(3, 1)"
    assert [(line.source, line.target, line.label) for line in drawing.lines] == [
        (0, 1, "2\N{MULTIPLICATION SIGN}3"), (1, 2, "2\N{MULTIPLICATION SIGN}3"), (2, 3, "2\N{MULTIPLICATION SIGN}1"),
    ]  # fmt: skip


def test_a_group_that_does_not_stand_together_is_unfolded():
    # Two nodes of one call, with a node of no call between them: as one shape they would be before and after it.
    layer = nn.Sequential(*[nn.Tanh() for _ in range(40)], *[nn.ReLU() for _ in range(40)])
    graph = pb.trace(layer, np.ones(3))
    middle = graph.nodes[len(graph.nodes) // 2]
    middle.scope = None
    found = folded(summarize(Graph(graph.inputs, graph.nodes, graph.outputs)))
    pairs = set(found.lines)
    assert all(source < target for source, target in pairs)
