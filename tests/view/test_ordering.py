"""Layers: every edge leads to a later one, and few edges cross."""

from hypothesis import given
from hypothesis import strategies as st

from pullback.view.ordering import assign_layers, count_crossings, order_layers

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]), unique=True)


@given(EDGES, st.booleans())
def test_every_edge_leads_to_a_later_layer(edges, align_sources):
    layer = assign_layers(10, edges, align_sources)
    assert all(layer[source] < layer[target] for source, target in edges)
    assert min(layer) == 0
    targets = {target for _, target in edges}
    assert not align_sources or all(layer[node] == 0 for node in range(10) if node not in targets)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(5, 9)), unique=True))
def test_an_order_holds_the_same_nodes_and_crosses_no_more(links):
    layers = [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    right = {item: [target for source, target in links if source == item] for item in range(10)}
    found = order_layers(layers, links)
    assert [sorted(layer) for layer in found] == layers
    assert count_crossings(found, right) <= count_crossings(layers, right)


def test_a_node_stands_next_to_what_uses_it():
    edges = [(0, 3), (1, 4), (2, 5), (3, 4), (4, 5)]
    assert assign_layers(6, edges, align_sources=False) == [0, 1, 2, 1, 2, 3]
    assert assign_layers(6, edges, align_sources=True) == [0, 0, 0, 1, 2, 3]


def test_crossings_that_can_be_avoided_are():
    layers = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    links = [(0, 5), (1, 4), (2, 3), (3, 6), (4, 7), (5, 8)]
    right = {item: [t for s, t in links if s == item] for item in range(9)}
    assert count_crossings(layers, right) == 3
    assert count_crossings(order_layers(layers, links), right) == 0


def test_an_order_without_crossings_is_kept():
    layers = [[0, 1], [2, 3]]
    assert order_layers(layers, [(0, 2), (1, 3)]) == layers
