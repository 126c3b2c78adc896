"""The picture for Graphviz."""

import re

import numpy as np

import pullback as pb
from pullback import nn
from pullback.view.dot import dot


def test_nodes_and_edges():
    text = dot(pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2).backward())
    assert 'n3 [label="d = 2·b\\n2\\n∂L/∂d = \N{MINUS SIGN}2" fillcolor="#f5f6f8" color="#b9c1cd"]' in text
    assert re.findall(r"(n\d) -> (n\d) \[label=\"(.*)\"\]", text) == [
        ("n0", "n3", "2"), ("n1", "n4", "1"), ("n3", "n4", "1"), ("n2", "n5", "5"), ("n4", "n5", "\N{MINUS SIGN}2"),
    ]  # fmt: skip


def test_groups_are_clusters_inside_each_other():
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh())
    text = dot(pb.trace(lambda x: net(x).sum(), np.ones((4, 2), np.float32)))
    assert re.findall(r"cluster_\d+ \{ label=(\".*\")", text) == [
        '"Sequential"',
        '"0: Linear(2, 3)"',
        '"1: Tanh"',
    ]
    assert text.count("{") == text.count("}")


def test_what_is_repeated_says_how_often():
    net = nn.Sequential(*(nn.Linear(2, 2, rng=0) for _ in range(4)))
    text = dot(pb.trace(lambda x: net(x).sum(), np.ones((4, 2), np.float32)))
    assert 'label="Linear(2, 2) \N{MULTIPLICATION SIGN} 4"' in text


def test_quotes_and_backslashes_stay_inside():
    w = pb.Parameter([1.0, 2.0], name='a"b\\')
    text = dot(pb.trace(lambda x: (w * x).sum(), np.ones(2)))
    assert 'label="a\\"b\\\\' in text


def test_many_nodes_have_a_text_too():
    graph = pb.expression(" + ".join(f"sin({i}*a)" for i in range(2000)))
    assert dot(graph).count(" -> ") == 2000 + 2000 + 3998
