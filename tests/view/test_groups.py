"""Folding: modules, functions, and what is repeated."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn
from pullback.view.groups import repeats
from pullback.view.summary import summarize


def tree(picture):
    """Each group with what it is in, as a nested dictionary of labels."""
    made = [{} for _ in picture.groups]
    top = {}
    for group, own in zip(picture.groups, made, strict=True):
        parent = top if group.parent is None else made[group.parent]
        parent[f"{group.label} x {group.copies}" if group.kind == "repeat" else group.label] = own
    return top


def path(picture, name):
    """The labels of the groups that a node is in, from the outside."""
    (item,) = [item for item in picture.items if item.name == name]
    labels, group = [], item.group
    while group is not None:
        labels.insert(0, picture.groups[group].label)
        group = picture.groups[group].parent
    return labels


def test_modules_are_groups_named_by_their_attributes():
    class Net(nn.Module):
        def __init__(self):
            self.parts = {"first": [nn.Linear(2, 3, rng=0)]}
            self.last = nn.Sequential(nn.ReLU(), nn.Linear(3, 1, rng=1))

        def forward(self, x):
            return self.last(self.parts["first"][0](x)) * 2

    net = Net()
    picture = summarize(pb.trace(lambda x: net(x).sum(), np.ones((4, 2), np.float32)))
    assert tree(picture) == {"Net": {"parts.first.0": {}, "last": {"0": {}, "1": {}}}}
    assert [group.path for group in picture.groups] == ["", "parts.first.0", "last", "last.0", "last.1"]
    assert picture.groups[1].detail == "Linear(2, 3)"
    assert path(picture, "parts.first.0.weight") == ["Net", "parts.first.0"]
    assert path(picture, "x") == []
    assert path(picture, "out") == []


def test_a_part_that_is_called_by_itself_has_its_name_too():
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=1))
    assert tree(summarize(pb.trace(lambda x: net[1](np.tanh(net[0](x))), np.ones(2, np.float32)))) == {"0": {}, "1": {}}


def helper(x):
    y = np.sin(x)
    return y * y


def test_functions_are_groups():
    def f(x):
        return helper(np.exp(x)) + helper(x)

    picture = summarize(pb.trace(f, 1.0))
    assert [group.label for group in picture.groups] == ["helper", "helper"]
    assert picture.groups[0].detail.startswith("test_groups.py:")
    assert [item.group for item in picture.items] == [None, None, 0, 0, 1, 1, None]


def test_a_function_that_only_calls_a_module_is_no_group_inside_it():
    layer = nn.Linear(2, 3, rng=0)

    def call(x):
        return layer(x)

    def f(x):
        return call(x * 2).sum()

    assert tree(summarize(pb.trace(f, np.ones(2, np.float32)))) == {"Linear": {}}


def test_equal_blocks_are_folded_into_one():
    net = nn.Sequential(*[nn.Sequential(nn.Linear(3, 3, rng=i), nn.Tanh()) for i in range(12)])
    picture = summarize(pb.trace(net, np.ones(3, np.float32)))
    (top,) = tree(picture).values()
    assert list(top) == ["Sequential x 12"]
    assert list(top["Sequential x 12"]) == [str(i) for i in range(12)]
    assert path(picture, "7.0.weight") == ["Sequential", "Sequential", "7", "0"]


def test_the_turns_of_a_loop_are_folded():
    def f(h, w):
        for _ in range(5):
            h = np.tanh(h @ w)
        return h.sum()

    picture = summarize(pb.trace(f, np.ones(3), np.ones((3, 3))))
    assert tree(picture) == {"matmul, tanh x 5": {str(i + 1): {} for i in range(5)}}
    assert path(picture, "w") == []


def test_what_is_repeated_is_found():
    assert repeats([1, 2, 3, 1, 2, 3]) == []
    assert repeats([1, 2, 1, 2, 1, 2, 1]) == [(0, 2, 3)]
    assert repeats([5, 5, 5, 5]) == [(0, 1, 4)]
    assert repeats([]) == []


def test_the_gradient_graph_is_folded_by_what_it_differentiates():
    net = nn.Sequential(*[nn.Sequential(nn.Linear(3, 3, rng=0), nn.Tanh()) for _ in range(3)], nn.Linear(3, 1, rng=1))
    graph = pb.trace(lambda x: net(x).sum(), np.ones(3, np.float32))
    for gradients in (graph.backward(), pb.trace(pb.grad(lambda x: net(x).sum()), np.ones(3, np.float32))):
        found = tree(summarize(gradients))
        assert list(found["Sequential"]) == ["Sequential x 3", "3"]
        assert list(found["Sequential, backward"]) == ["3, backward", "Sequential, backward x 3"]
        copies = found["Sequential, backward"]["Sequential, backward x 3"]
        assert list(copies) == ["2, backward", "1, backward", "0, backward"]
        assert list(copies["1, backward"]) == ["1, backward", "0, backward"]


def test_a_simplified_graph_keeps_its_modules():
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
    graph = pb.trace(lambda x: net(x * 1).sum(), np.ones((4, 2), np.float32)).simplify()
    assert set(tree(summarize(graph))["Sequential"]) == {"0", "1", "2"}


def test_a_module_leaves_no_trace_after_an_error():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            Broken()(1.0)
    assert pb.trace(lambda x: x * 2, 1.0).outputs[0].scope is None
