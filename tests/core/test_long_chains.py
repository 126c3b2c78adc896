"""Nothing recurses over a graph: a chain of 100,000 operations works everywhere."""

import weakref

import pytest

import pullback as pb
from pullback.core.graph import ancestors

LENGTH = 100_000


def chain(x):
    for _ in range(LENGTH):
        x = x * 1.00001
    return x


@pytest.fixture(scope="module")
def expected():
    return 1.00001**LENGTH


def test_records_differentiates_and_is_freed(expected):
    x = pb.array(1.0, requires_grad=True)
    y = chain(x)
    y.backward()
    assert x.grad.item() == pytest.approx(expected)
    node = weakref.ref(y.node)
    first = weakref.ref(ancestors([y.node])[2])
    del y
    assert node() is None
    assert first() is None


def test_forward_mode(expected):
    assert pb.jvp(chain, (1.0,), (1.0,))[1] == pytest.approx(expected)


def test_traces_prints_a_summary_and_evaluates(expected):
    graph = pb.trace(chain, 1.0)
    assert len(str(graph).splitlines()) < 200
    run = graph.forward(1.0)
    assert run.values[graph.output_name()] == pytest.approx(expected)
    run = run.backward()
    assert run.gradients["x"] == pytest.approx(expected)
    assert len(str(run).splitlines()) < 200
    assert repr(graph)
