"""Parts of one array, put side by side instead of added up."""

import numpy as np
import pytest

import pullback as pb
from pullback.compiler.pieces import join_pieces

X = np.random.default_rng(0).normal(size=(3, 6, 4))


def names(graph):
    return [node.primitive.name for node in graph.nodes if node.inputs]


def value(graph, x, output=0):
    return graph.forward(x).value(graph.outputs[output])


def apart(x):
    return [np.sin(part) for part in np.split(x, 3, axis=1)]


CASES = {
    "the whole axis": (lambda x: sum(np.sum(part) for part in apart(x)), 1),
    "with gaps": (lambda x: np.sum(np.sin(x[:, 1:2])) + np.sum(np.cos(x[:, 3:5])), 1),
    "in another order": (lambda x: np.sum(np.cos(x[..., 2:])) + np.sum(np.sin(x[..., :2])), 1),
    "by integers": (lambda x: np.sum(np.sin(x[1]) * np.cos(x[0])) + np.sum(np.exp(x[2])), 1),
    "beside other uses": (lambda x: np.sum(np.sin(x[:2]) * x[1:]) + np.sum(np.exp(x[2:])) + np.sum(x * x), 0),
    "two axes": (lambda x: sum(np.sum(np.exp(y)) for y in (x[:1], x[1:], x[:, :3], x[:, 3:])), 2),
    "that overlap": (lambda x: np.sum(np.sin(x[:2])) + np.sum(np.cos(x[1:])), 0),
    "with steps": (lambda x: np.sum(np.sin(x[:, ::2])) + np.sum(np.cos(x[:, 1::2])), 0),
    "with nothing": (lambda x: np.sum(np.sin(x[:, 2:2])) + np.sum(np.cos(x[:, 1:])), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_parts_are_joined(case):
    f, count = CASES[case]
    graph = pb.trace(f, X).backward()
    joined = join_pieces(graph)
    assert names(joined).count("concatenate") == count
    assert len(joined.nodes) < len(graph.nodes) or not count
    for found in (value(joined, X), pb.compile(pb.grad(f))(X)):
        np.testing.assert_allclose(found, pb.grad(f)(X), rtol=1e-13, atol=1e-15)


def test_a_sum_that_something_else_reads_stays_as_it_is():
    def f(x):
        first = np.pad(x[:2], (0, 2)) + np.pad(x[2:], (2, 0))
        return first + np.pad(x[:1], (3, 0)), first

    x = np.arange(4.0)
    joined = join_pieces(pb.trace(f, x))
    for output, expected in enumerate(f(x)):
        np.testing.assert_array_equal(value(joined, x, output), expected)
