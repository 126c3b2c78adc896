"""Simplified graphs: the lecture's derivations fall out, and whatever is simplified means what it meant."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback import nn
from pullback.core.aval import Aval
from pullback.core.state import record
from pullback.transforms.polynomials import Reading, Writing, candidates, is_algebra, least_cost
from pullback.transforms.simplify import _cost

sigmoid, softmax = pb.special.expit, nn.softmax


SCALAR = Aval((), np.dtype(np.float64))


def operations_of(graph):
    return [node.primitive.name for node in graph.nodes if node.inputs]


# The lecture's derivations --------------------------------------------------------------------------------------------


def test_the_derivative_of_the_binary_cross_entropy_by_the_logit_is_sigmoid_minus_label():
    def loss(y, z):
        a = sigmoid(z)
        L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
        return L  # noqa: RET504  # its name is that of the derivative

    derivative = pb.trace(loss, 1.0, 0.5).backward(wrt="z").simplify()
    assert operations_of(derivative) == ["sigmoid", "subtract"]
    assert derivative.formula("dL/dz") == "sigmoid(z) - y"
    assert derivative.formula("dL/dz", form="latex") == r"\sigma\left(z\right) - y"
    assert derivative.forward(1.0, 0.5).values["dL/dz"] == pytest.approx(1 / (1 + np.exp(-0.5)) - 1)


@pytest.mark.parametrize("sign", ["outside of the mean", "inside"])
def test_the_same_of_a_batch(sign):
    def loss(y, X, w):
        a = sigmoid(X @ w)
        each = y * np.log(a) + (1 - y) * np.log(1 - a)
        if sign == "outside of the mean":
            return -np.mean(each)
        return np.mean(-each)

    derivative = pb.trace(loss, np.ones(4), np.ones((4, 3)), np.ones(3)).backward(wrt="w").simplify()
    assert derivative.formula() == "0.25*X.T @ (sigmoid(X @ w) - y)"


@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]])
def test_the_same_with_labels_that_are_known(labels):
    y = np.array(labels, float)

    def loss(z):
        a = sigmoid(z)
        return np.mean(-y * np.log(a) - (1 - y) * np.log(1 - a))

    derivative = pb.trace(loss, np.ones(4)).backward(wrt="z").simplify()
    z = np.array([-2.0, -0.5, 0.5, 3.0])
    np.testing.assert_allclose(derivative.forward(z).value(derivative.outputs[0]), (sigmoid(z) - y) / 4, rtol=1e-14)
    assert operations_of(derivative) == (
        ["sigmoid", "subtract", "multiply"] if 0 in labels else ["negative", "sigmoid", "negative", "multiply"]
    )


def test_the_same_from_a_text():
    derivative = pb.expression("a = sigmoid(z); L = -(y*log(a) + (1 - y)*log(1 - a))").backward("z").simplify()
    assert derivative.formula() == "sigmoid(z) - y"


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: -np.sum(np.eye(4)[2] * np.log(softmax(z))),
        lambda z: -np.log(softmax(z))[2],
        lambda z: -np.log(softmax(z)[2]),
    ],
    ids=["by a one-hot vector", "by a label", "picked before the logarithm"],
)
def test_the_derivative_of_the_categorical_cross_entropy_is_softmax_minus_onehot(loss):
    derivative = pb.trace(loss, np.ones(4)).backward(wrt="z").simplify()
    assert operations_of(derivative) == ["softmax", "subtract"]
    np.testing.assert_array_equal(derivative.outputs[0].inputs[1].value, np.eye(4)[2])
    assert derivative.formula() == "softmax(z) - onehot"
    assert derivative.formula(form="latex") == r"\mathrm{softmax}\left(z\right) - \mathrm{onehot}"


def test_of_labels_that_are_an_input_it_is_not_known_that_they_add_up_to_one():
    graph = pb.trace(lambda onehot, z: -np.sum(onehot * np.log(softmax(z))), np.eye(4)[2], np.ones(4))
    assert graph.backward(wrt="z").simplify().formula() == "softmax(z)*sum(onehot) - onehot"


def test_the_derivative_for_a_batch_of_labels_needs_no_scatter():
    def loss(z):
        return -np.mean(np.log(softmax(z)[np.arange(3), np.array([0, 1, 1])]))

    derivative = pb.trace(loss, np.ones((3, 4))).backward(wrt="z").simplify()
    assert operations_of(derivative) == ["softmax", "subtract", "multiply"]
    assert derivative.formula() == "1/3*(softmax(z, axes=(1,)) - onehot)"
    z = np.random.default_rng(0).normal(size=(3, 4))
    found = derivative.forward(z).values[derivative.output_name()]
    np.testing.assert_allclose(found, (np.asarray(softmax(z)) - np.eye(4)[[0, 1, 1]]) / 3)


def mean_square(X, w, y):
    L = np.mean((X @ w - y) ** 2)
    return L  # noqa: RET504  # its name is that of the derivative


def test_the_derivative_of_the_mean_square_is_the_residual_times_the_inputs():
    derivative = pb.trace(mean_square, np.ones((5, 3)), np.ones(3), np.ones(5)).backward(wrt="w").simplify()
    assert derivative.formula("dL/dw") == "0.4*X.T @ (X @ w - y)"  # 2/n X^T (X w - y)
    assert derivative.formula("dL/dw", form="latex") == r"0.4\,X^{\top} \, \left(X \, w - y\right)"
    assert operations_of(derivative) == ["matmul", "subtract", "permute", "matmul", "multiply"]


def test_a_factor_that_has_few_digits_as_a_fraction_is_written_so():
    derivative = pb.trace(mean_square, np.ones((7, 3)), np.ones((3, 1)), np.ones((7, 1))).backward(wrt="w").simplify()
    assert derivative.formula("dL/dw") == "2/7*X.T @ (X @ w - y)"
    latex = r"\frac{2}{7} \cdot X^{\top} \, \left(X \, w - y\right)"
    assert derivative.formula("dL/dw", form="latex") == latex


# Algebra --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x + x + x", "3*x"),
        ("x*y + x*2 - x", "(1 + y)*x"),
        ("x - x + y", "y"),
        ("x/y*y", "x"),
        ("(x + y)*(x - y)/(x + y)", "x - y"),
        ("(x + y)**2 - x**2", "(2*x + y)*y"),
        ("exp(x)*exp(y)/exp(2*x)", "exp(y - x)"),
        ("2*x + 2*y", "2*(x + y)"),
        ("x*2 - y*2", "2*(x - y)"),
        ("x + x", "2*x"),
        ("x*x", "x**2"),
        ("y*2", "2*y"),
        ("-(-x)", "x"),
        ("2*(3*x)", "6*x"),
        ("x*0 + y", "y"),
        ("log(exp(x))", "x"),
        ("log(1 - sigmoid(x))", "log_sigmoid(-x)"),
        ("sqrt(x*x)", "absolute(x)"),
    ],
)
def test_formulas_become_what_one_would_write(text, expected):
    assert pb.expression(text).simplify().formula() == expected


@pytest.mark.parametrize("text", ["square(x - y)", "x*(1 - x)", "x/y + 1", "sin(x) + y"])
def test_what_is_written_well_stays(text):
    graph = pb.expression(text).simplify()
    assert graph.rewrites == ()
    assert graph.formula() == pb.expression(text).formula()


def test_numbers_are_taken_out_of_sums():
    graph = pb.trace(lambda x: np.sum(3 * x) + np.sum(-x), np.ones(5)).simplify()
    assert operations_of(graph) == ["sum", "multiply"]


def test_the_strong_zero_survives():
    def f(x):
        return np.where(x > 0, np.sqrt(x), 0) * 3

    graph = pb.trace(f, 1.0).backward(wrt="x").simplify()
    assert graph.forward(0.0).values[graph.output_name()] == 0
    assert graph.forward(4.0).values[graph.output_name()] == 0.75


def test_a_zero_cotangent_stays_zero_when_a_factor_is_common():
    def f(x, y):
        return np.where(x > 0, np.log(x) * y + np.sqrt(x) * y, 0)

    graph = pb.trace(f, 1.0, 2.0).backward(wrt="x").simplify()
    assert graph.forward(0.0, 2.0).values[graph.output_name()] == 0


def test_a_zero_that_an_exponential_is_stays_zero_beside_one_that_overflows():
    def f(x):
        return pb.special.erfc(np.expm1(np.maximum(0.0, np.exp(x))))

    point = np.array(1e160)
    graph = pb.trace(f, point).backward(wrt="x").simplify()
    assert graph.forward(point).value(graph.outputs[0]) == 0
    assert pb.compile(pb.grad(f))(point) == 0


def test_the_log_says_what_was_done_and_where(capsys):
    def loss(x):
        return np.log(1 - sigmoid(x)) + x - x

    graph = pb.trace(loss, 1.0).simplify(log=True)
    printed = capsys.readouterr().out
    assert "algebra: log(1 - sigmoid(x)) + x - x -> log(1 - sigmoid(x))" in printed
    assert "log_of_one_minus_sigmoid: log(1 - sigmoid(x)) -> log_sigmoid(-x)" in printed
    assert "at test_simplify.py:" in printed
    assert [one.name for one in graph.rewrites] == ["algebra", "log_of_one_minus_sigmoid"]
    pb.expression("sin(x)").simplify(log=True)
    assert capsys.readouterr().out == "nothing to simplify\n"


def test_a_graph_that_is_simple_is_kept_as_it_was_with_what_was_done_to_it():
    graph = pb.trace(lambda x: np.sin(x) * 1, 0.5).simplify()
    again = graph.simplify()
    assert again.nodes == graph.nodes
    assert [one.name for one in graph.rewrites] == ["times_one"]
    assert not again.rewrites


def test_a_long_chain_is_simplified_without_recursion():
    def f(x):
        for _ in range(3000):
            x = np.sin(x) + 1 - 1
        return x

    graph = pb.trace(f, 0.5).simplify()
    assert set(operations_of(graph)) == {"sin"}


# Whatever it is -------------------------------------------------------------------------------------------------------

LEAVES = st.sampled_from(["x", "y", "z", "1", "2", "0.5"])


def _grown(inner):
    binary = st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner)
    unary = st.builds("{}({})".format, st.sampled_from(["exp", "sigmoid", "tanh", "sin", "square", "-"]), inner)
    return st.one_of(binary, binary, unary)


FORMULAS = st.recursive(LEAVES, _grown, max_leaves=9)


@settings(max_examples=300, deadline=None)
@given(FORMULAS, st.integers(0, 2**32 - 1))
def test_a_simplified_graph_means_what_the_graph_meant(text, seed):
    text = f"{text} + 0*x*y*z"  # all are inputs
    point = dict(zip("xyz", np.random.default_rng(seed).uniform(0.3, 1.7, 3), strict=True))
    graph = pb.expression(text)
    before = graph.forward(**point)
    after = graph.simplify().forward(**point)
    expected, found = (run.value(run.graph.outputs[0]) for run in (before, after))
    if np.isfinite(expected):
        assert np.isfinite(found)
        sizes = [abs(v) for v in before.values.values() if np.isfinite(v)]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12 * max(sizes))


@settings(max_examples=100, deadline=None)
@given(FORMULAS, st.booleans())
def test_no_form_costs_less_than_the_least(text, gradient):
    graph = pb.expression(f"{text} + x*y*z")
    graph = graph.with_shapes(dict.fromkeys(graph.inputs, SCALAR))
    graph = graph.backward("x") if gradient else graph
    reading = Reading()
    for node in graph.nodes:
        forms = list(candidates(reading.read(node))) if is_algebra(node) else []
        for form in forms:
            with record():
                written = Writing(node, reading.guarded).polynomial(form)._node
            assert least_cost(form) <= _cost(written, node)


@settings(max_examples=100, deadline=None)
@given(FORMULAS, st.integers(0, 2**32 - 1))
def test_a_simplified_gradient_is_the_gradient(text, seed):
    text = f"{text} + x*y*z"
    point = dict(zip("xyz", np.random.default_rng(seed).uniform(0.3, 1.7, 3), strict=True))
    graph = pb.expression(text).backward("x")
    before = graph.forward(**point)
    after = graph.simplify().forward(**point)
    expected, found = (run.value(run.graph.outputs[0]) for run in (before, after))
    if np.isfinite(expected):
        sizes = [abs(v) for v in before.values.values() if np.isfinite(v)]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-11 * max(sizes))


UNARY = ["exp", "log", "sqrt", "sigmoid", "tanh", "sin", "cosh", "sinh", "square", "log1p", "expm1", "softplus", "abs",
         "relu", "erf", "erfc", "reciprocal", "-"]  # fmt: skip
BINARY = ["({} + {})", "({} - {})", "({} * {})", "({} / {})", "maximum({}, {})", "hypot({}, {})", "logaddexp({}, {})"]
POWERS = [2, 3, -1, -2, 0.5]
EXTREME = [
    0.0,
    -0.0,
    1e-200,
    -1e-200,
    1e200,
    -1e200,
    1e-308,
    3e160,
    -3e-160,
    700.0,
    -700.0,
    40.0,
    1e-9,
    1e16,
    1.0,
    -1.0,
]


def _wild(draw, depth):
    """A formula in x and y of any of these operations."""
    if depth == 0 or draw.random() < 0.15:
        return draw.choice(["x", "y", "1", "2", "0.5"])
    kind = draw.random()
    if kind < 0.5:
        operation = draw.choice(UNARY)
        return f"(-{_wild(draw, depth - 1)})" if operation == "-" else f"{operation}({_wild(draw, depth - 1)})"
    if kind < 0.55:
        return f"({_wild(draw, depth - 1)})**{draw.choice(POWERS)}"
    left = _wild(draw, depth - 1)
    return draw.choice(BINARY).format(left, left if draw.random() < 0.15 else _wild(draw, depth - 1))


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_what_was_finite_is_no_nan_at_extreme_points(seed, gradient):
    draw = random.Random(seed)
    for _ in range(40):
        text = f"({_wild(draw, 3)}) + 0*x"
        graph = pb.expression(text)
        graph = graph.backward("x") if gradient else graph.with_shapes(dict.fromkeys(graph.inputs, SCALAR))
        simplified = graph.simplify()
        for _ in range(8):
            point = {node.name: draw.choice([*EXTREME, draw.uniform(-3, 3)]) for node in graph.inputs}
            before, after = graph.forward(**point), simplified.forward(**point)
            expected, found = (float(run.value(run.graph.outputs[0])) for run in (before, after))
            sizes = [abs(float(value)) for value in before.values.values()]
            if np.isfinite(expected):
                assert not np.isnan(found), (text, point, simplified.formula())
            if (
                np.isfinite(sizes).all()
                and min((size for size in sizes if size), default=1) > 1e-150
                and max(sizes) < 1e8
            ):
                assert found == pytest.approx(expected, rel=1e-7, abs=1e-9 * max(sizes)), (text, point)
