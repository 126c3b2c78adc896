"""What a picture says, before anything has a place."""

import numpy as np
import pytest

import pullback as pb
from pullback.view.labels import draw
from pullback.view.summary import brief, summarize, typeset


def lecture():
    return pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2).backward()


def network():
    text = """
        z11 = w11*x1 + w12*x2 + b1; z12 = w21*x1 + w22*x2 + b2
        a11 = relu(z11); a12 = relu(z12)
        z2 = v1*a11 + v2*a12 + c
        a2 = sigmoid(z2)
        L = -(y*log(a2) + (1 - y)*log(1 - a2))
    """
    graph = pb.expression(text)
    return graph.forward(*np.linspace(-1, 1, len(graph.inputs))).backward()


def test_constants_are_written_into_the_operations():
    assert [shape.name for shape in draw(summarize(lecture().graph)).shapes] == ["b", "a", "c", "d", "e", "L"]


def test_with_many_edges_the_labels_are_numbers_only():
    run = network()
    labels = [line.label for line in draw(summarize(run)).lines]
    assert len(labels) > 12
    assert all("∂" not in label for label in labels)


def test_labels_between_arrays():
    x = np.ones((5, 4))
    run = pb.expression("L = sum(tanh(x @ w)*y)").forward(x=x, w=np.ones((4, 3)), y=np.ones((5, 3))).backward()
    picture = draw(summarize(run))
    labels = {(picture.shapes[line.source].name, picture.shapes[line.target].name): line for line in picture.lines}
    assert labels["t1", "t2"].label == "1 \N{MINUS SIGN} t2²"
    assert labels["y", "t3"].label == "t2"
    assert labels["x", "t1"].label == "ct @ w.T"
    assert labels["x", "t1"].tip.startswith("∂t1/∂x: a Jacobian of shape (5, 3, 5, 4)\nback along it: ct @ w.T, norm ")
    assert next(shape for shape in picture.shapes if shape.name == "w").gradient.startswith("‖∂L/∂w‖ = ")


def test_small_arrays_are_written_out():
    run = pb.expression("L = sum(a*b)").forward(a=[1, 2], b=[[1, 2], [3, 4]]).backward()
    found = {shape.name: shape for shape in draw(summarize(run)).shapes}
    assert found["b"].value == "[[1, 2], [3, 4]]"
    assert found["a"].gradient == "∂L/∂a = [4, 6]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c*(a - 2*b)**2", "c·(a \N{MINUS SIGN} 2·b)²"),
        ("x**3", "x³"),
        ("x**2.5", "x^2.5"),
        ("x**23", "x^23"),
        ("1e-07*x", "1e\N{MINUS SIGN}07·x"),
    ],
)
def test_formulas_are_typeset(text, expected):
    assert typeset(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-2.0, "\N{MINUS SIGN}2"),
        (np.array([1.5, -2.0]), "[1.5, \N{MINUS SIGN}2]"),
        (np.zeros((4, 1)), "(4, 1): all 0"),
        ([0.123456, 0.234567, 0.345678], "(3,): 0.123 to 0.346"),
        (np.arange(6.0), "(6,): 0 to 5"),
        (np.full(9, np.nan), "(9,): 9 nan"),
        (np.zeros((0, 3)), "(0, 3)"),
        (np.ones((2, 1, 1)), "(2, 1, 1): all 1"),
        ((1.0, 2.0), "2 results"),
    ],
)
def test_values_take_little_room(value, expected):
    assert brief(value) == expected


def test_the_nodes_of_a_network_stay_compact():
    model = pb.nn.Sequential(pb.nn.Linear(2, 3, rng=0), pb.nn.Tanh(), pb.nn.Linear(3, 1, rng=1))
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
    run = pb.trace(lambda x, y: ((model(x) - y) ** 2).mean(), x, y).forward(x, y).backward()
    picture = draw(summarize(run))
    assert max(len(shape.value) for shape in picture.shapes) <= 24
    assert max(len(shape.rest) for shape in picture.shapes) <= 20
    assert " = 0.weight.T" in [shape.rest for shape in picture.shapes]
    gradients = {shape.name: shape.gradient for shape in picture.shapes}
    assert gradients["0.weight"].startswith("‖∂out/∂0.weight‖ = ")


def test_a_partial_of_one_element_is_a_number():
    run = pb.trace(lambda x: (x @ x).sum() * 2, np.ones(1)).forward([3.0]).backward()
    assert {line.label for line in draw(summarize(run)).lines} <= {
        "∂t1/∂x = 6",
        "∂t2/∂t1 = 1",
        "∂out/∂t1 = 2",
        "∂out/∂t2 = 2",
    }
