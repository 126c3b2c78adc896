"""Nodes written out as expressions."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import GraphError


@pytest.mark.parametrize(
    "text",
    [
        "c*(a + 2*b)",
        "a - (b - c)",
        "a - b - c",
        "a + b + c",
        "a/(b*c)",
        "a*b/c",
        "(a**b)**c",
        "a**b**c",
        "-a**2",
        "(-a)**2",
        "a**(-b)",
        "-(a + b)",
        "a @ (b @ c)",
        "a @ b @ c",
        "sin(a + b)*exp(-c)",
        "a*(-2)",
        "maximum(a, b)",
    ],
)
def test_brackets_stand_where_they_are_needed(text):
    assert pb.expression(text).formula() == text


def test_a_formula_gives_the_same_value_when_read_again():
    text = "u = a*b - c/(a - b); v = -u**2 - (-u)**3; L = v/(u*v) - tanh(v)**a"
    graph = pb.expression(text)
    given = {"a": 1.5, "b": -0.5, "c": 2.0}
    value = graph.forward(**given).values["L"]
    assert pb.expression(graph.formula()).forward(**given).values["out"] == pytest.approx(value, nan_ok=True)


def test_inner_nodes_have_formulas_too():
    graph = pb.expression("d = 2*b; e = a + d; L = c*e")
    assert graph.formula("e") == "a + 2*b"
    with pytest.raises(GraphError, match="no node named 'q'"):
        graph.formula("q")


def test_broadcasts_are_not_written():
    x = np.ones((2, 3))
    assert pb.trace(lambda x, b: (x + b).sum(), x, np.ones(3)).formula() == "sum(x + b)"
    assert pb.trace(lambda x: x.sum(axis=0), x).formula() == "sum(x, axes=(0,))"


def test_a_formula_that_would_explode_becomes_statements():
    def double(x):
        for _ in range(100):
            x = x * x + 1
        return x

    graph = pb.trace(double, 1.0)
    text = graph.formula()
    assert len(text) < 10_000
    expected = graph.forward(0.1).values[graph.output_name()]
    assert pb.expression(text).forward(x=0.1).values["out"] == pytest.approx(expected)


def test_a_long_chain_has_a_formula():
    def chain(x):
        for _ in range(100_000):
            x = x + 1
        return x

    assert pb.trace(chain, 1.0).formula().count("+ 1") == 100_000
