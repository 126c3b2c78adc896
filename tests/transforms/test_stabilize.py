"""Each rewrite: it finds its patterns, keeps the value, and its result is right where the pattern's is not."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn
from pullback.core.graph import Graph
from pullback.core.operations import operations
from pullback.transforms.patterns import match, pattern
from pullback.transforms.stabilize import find, table

sigmoid, softmax = pb.special.expit, nn.softmax
X = np.array([-1.3, -0.4, 0.7])
P = np.array([0.3, 0.6, 1.7])
MATRIX = np.array([[3.0, 1.0, 0.5], [-0.5, 2.0, 1.0], [0.3, -1.0, 2.5]])

FORMS = {
    "log_of_sigmoid": [(lambda x: np.log(sigmoid(x)), X)],
    "log_of_one_minus_sigmoid": [
        (lambda x: np.log(1 - sigmoid(x)), X),
        (lambda x: np.log1p(-sigmoid(x)), X),
        (lambda x: np.log(1 - 1 / (1 + np.exp(-x))), X),
    ],
    "log_of_written_sigmoid": [
        (lambda x: np.log(1 / (1 + np.exp(-x))), X),
        (lambda x: np.log(np.exp(x) / (np.exp(x) + 1)), X),
    ],
    "one_minus_sigmoid": [(lambda x: 1 - sigmoid(x), X)],
    "sigmoid_minus_one": [(lambda x: sigmoid(x) - 1, X), (lambda x: -1 + sigmoid(x), X)],
    "product_of_exps": [(lambda x: np.exp(x) * np.exp(2 * x), X)],
    "strong_product_of_exps": [(lambda x: operations.strong_product(np.exp(x), np.exp(2 * x)), X)],
    "quotient_of_exps": [(lambda x: np.exp(x) / np.exp(2 * x), X)],
    "written_sigmoid": [(lambda x: 1 / (1 + np.exp(-x)), X), (lambda x: np.exp(x) / (1 + np.exp(x)), X)],
    "log_of_softmax": [(lambda x: np.log(softmax(x)), X), (lambda x: np.log(softmax(x)[1]), X)],
    "log_of_written_softmax": [(lambda x: np.log(np.exp(x) / np.sum(np.exp(x))), X)],
    "written_softmax": [
        (lambda x: np.exp(x) / np.sum(np.exp(x)), X),
        (lambda x: np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True), np.stack([X, P])),
        (lambda x: np.exp(x) / np.sum(np.exp(x), axis=0), np.stack([X, P])),
        (lambda x: np.exp(x) * np.reciprocal(np.sum(np.exp(x))), X),
    ],
    "one_minus_softmax": [
        (lambda x: 1 - softmax(x), X),
        (lambda x: 1 - softmax(x, axis=0)[:, 1], np.stack([X, P, 9 * P])),
    ],
    "log_of_one_minus_softmax": [
        (lambda x: np.log(1 - softmax(x)), 3 * X),
        (lambda x: np.log1p(-softmax(x)[1]), X),
    ],
    "mean_by_exps": [(lambda x: np.sum(x**2 * np.exp(x), axis=0) / np.sum(np.exp(x), axis=0), np.stack([X, P]))],
    "share_of_two_exps": [(lambda x: np.exp(x) / (np.exp(x) + np.exp(x * x)), X)],
    "log_of_share_of_two_exps": [(lambda x: np.log(np.exp(x) / (np.exp(x * x) + np.exp(x))), X)],
    "log_of_weighted_sum_of_exps": [(lambda x: np.log(np.sum(np.exp(x) * x**2, axis=1)), np.stack([X, P]))],
    "log_of_weighted_sum_of_two_exps": [
        (lambda x: np.log(0.3 * np.exp(x) + x * x * np.exp(2 * x)), X),
        (lambda x: np.log(np.exp(x) * 2 + np.exp(-x)), X),
    ],
    "log_of_twice_cosh": [(lambda x: np.log(2 * np.cosh(x)), X)],
    "log_of_sinh": [(lambda x: np.log(np.sinh(x)), P)],
    "root_of_exp": [(lambda x: np.sqrt(np.exp(x)), X)],
    "log_of_one_minus_tanh_squared": [(lambda x: np.log(1 - np.tanh(x) ** 2), X)],
    "one_plus_tanh": [(lambda x: 1 + np.tanh(x), X)],
    "log_of_one_minus_tanh": [(lambda x: np.log(1 - np.tanh(x)), X), (lambda x: np.log1p(-np.tanh(x)), 1e-9 * X)],
    "log_of_one_plus_tanh": [(lambda x: np.log(1 + np.tanh(x)), X), (lambda x: np.log1p(np.tanh(x)), X)],
    "log_of_half_erfc": [
        (lambda x: np.log(0.5 * pb.special.erfc(x)), X),
        (lambda x: np.log(0.5 * (1 - pb.special.erf(x))), X),
    ],
    "log_of_half_of_one_plus_erf": [(lambda x: np.log(0.5 * (1 + pb.special.erf(x))), X)],
    "log_of_square": [(lambda x: np.log(x * x), X), (lambda x: np.log(np.square(x)), X)],
    "log_of_power": [
        (lambda x: np.log(x**3), P),
        (lambda x: np.log(x * x * x), P),
        (lambda x: np.log(x**-4), X),
        (lambda x: np.log(x**0.5), P),
    ],
    "log_of_half_of_one_plus_tanh": [
        (lambda x: np.log(0.5 * (1 + np.tanh(x))), X),
        (lambda x: np.log((np.tanh(x) + 1) / 2), X),
    ],
    "log_of_half_of_one_minus_tanh": [
        (lambda x: np.log(0.5 * (1 - np.tanh(x))), X),
        (lambda x: np.log((1 - np.tanh(x)) / 2), X),
    ],
    "log_of_product_of_two": [(lambda x: np.log(np.sin(x) * x), P)],
    "log_of_sum_of_squares": [(lambda x: np.log(np.sum(x**2, axis=0)), np.stack([X, P]))],
    "root_of_variance": [
        (lambda x: np.sqrt(np.var(x, axis=1)), np.stack([X, P])),
        (lambda x: np.sqrt(np.var(x, ddof=1)), X),
    ],
    "written_log_softmax": [(lambda x: x - pb.special.logsumexp(x, axis=-1, keepdims=True), np.stack([X, P]))],
    "log_of_one_plus_exp": [(lambda x: np.log(1 + np.exp(x)), X), (lambda x: np.log1p(np.exp(x)), X)],
    "log_of_sum_of_two_exps": [(lambda x: np.log(np.exp(x) + np.exp(2 * x)), X)],
    "log_of_sum_of_exps": [
        (lambda x: np.log(np.sum(np.exp(x))), X),
        (lambda x: np.log(np.sum(np.exp(x), axis=0, keepdims=True)), np.stack([X, P])),
    ],
    "log_of_mean_of_exps": [(lambda x: np.log(np.mean(np.exp(x), axis=1)), np.stack([X, P]))],
    "log_of_one_minus_exp": [(lambda x: np.log(1 - np.exp(x)), -P), (lambda x: np.log1p(-np.exp(x)), -P)],
    "log_of_difference_of_exps": [(lambda x: np.log(np.exp(2 * x) - np.exp(x)), P)],
    "log_of_cosh": [(lambda x: np.log(np.cosh(x)), X)],
    "difference_of_exps": [(lambda x: np.exp(x) - np.exp(2 * x), X)],
    "softplus_minus_x": [(lambda x: np.log(1 + np.exp(x)) - x, X), (lambda x: nn.softplus(x) - x, X)],
    "written_tanh": [
        (lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), X),
        (lambda x: np.sinh(x) / np.cosh(x), X),
    ],
    "written_sinh": [(lambda x: (np.exp(x) - np.exp(-x)) / 2, X), (lambda x: 0.5 * (np.exp(x) - np.exp(-x)), X)],
    "written_arcsinh": [(lambda x: np.log(x + np.sqrt(x**2 + 1)), X)],
    "written_arctanh": [(lambda x: np.log((1 + x) / (1 - x)), X / 2)],
    "arccos_of_one_minus": [(lambda x: np.arccos(1 - x), P)],
    "one_minus_root": [(lambda x: 1 - np.sqrt(1 - x), P / 2)],
    "difference_of_roots": [(lambda x: np.sqrt(x + 1) - np.sqrt(x), P)],
    "log_of_quotient": [(lambda x: np.log(np.sin(x) / x), P)],
    "log_of_exp": [(lambda x: np.log(np.exp(x)), X)],
    "log_of_exp_over": [(lambda x: np.log(np.exp(x) / (1 + x * x)), X)],
    "log_of_exp_times": [(lambda x: np.log(np.exp(x) * (1 + x * x)), X)],
    "log_of_one_plus": [(lambda x: np.log(1 + x), P), (lambda x: np.log(x + 1), P)],
    "log_of_one_minus": [(lambda x: np.log(1 - x), -P)],
    "exp_minus_one": [(lambda x: np.exp(x) - 1, X), (lambda x: np.exp(x) + -1, X)],
    "one_minus_exp": [(lambda x: 1 - np.exp(x), X)],
    "one_minus_cos": [(lambda x: 1 - np.cos(x), X)],
    "one_minus_tanh_squared": [(lambda x: 1 - np.tanh(x) ** 2, X), (lambda x: 1 - np.square(np.tanh(x)), X)],
    "one_minus_tanh": [(lambda x: 1 - np.tanh(x), X)],
    "root_minus_one": [(lambda x: np.sqrt(1 + x) - 1, P)],
    "one_minus_erf": [(lambda x: 1 - pb.special.erf(x), X)],
    "one_plus_erf": [(lambda x: 1 + pb.special.erf(x), X)],
    "one_minus_erfc": [(lambda x: 1 - pb.special.erfc(x), X)],
    "one_minus_ndtr": [(lambda x: 1 - pb.special.ndtr(x), X)],
    "log_of_ndtr": [(lambda x: np.log(pb.special.ndtr(x)), X)],
    "log_of_one_minus_ndtr": [(lambda x: np.log(1 - pb.special.ndtr(x)), X)],
    "log_of_erfc": [(lambda x: np.log(pb.special.erfc(x)), X), (lambda x: np.log(1 - pb.special.erf(x)), X)],
    "root_of_square": [(lambda x: np.sqrt(x * x), X), (lambda x: np.sqrt(x**2), X)],
    "root_of_two_squares": [(lambda x: np.sqrt(x**2 + np.square(x + 1)), X)],
    "difference_of_squares": [(lambda x: x**2 - np.square(x + 1), X), (lambda x: np.exp(x) ** 2 - x * x, X)],
    "mean_of_squares_less_square_of_mean": [
        (lambda x: np.mean(x**2, axis=0) - np.mean(x, axis=0) ** 2, np.stack([X, P])),
        (lambda x: np.mean(x * x) - np.square(np.mean(x)), X),
    ],
    "written_mean": [(lambda x: np.sum(x) / 3, X), (lambda x: np.sum(x, axis=1) / 3, np.stack([X, P]))],
    "mean_by_multiplication": [(lambda x: np.sum(x) * (1 / 3), X), (lambda x: 0.5 * np.sum(x[:2]), X)],
    "root_of_sum_of_squares": [
        (lambda x: np.sqrt(np.sum(x * x)), X),
        (lambda x: np.sqrt(np.sum((x - 1) ** 2, axis=0, keepdims=True)), np.stack([X, P])),
    ],
    "root_of_inner_product": [(lambda x: np.sqrt(x @ x), X), (lambda x: np.sqrt(np.dot(x, x)), X)],
    "root_of_mean_square": [(lambda x: np.sqrt(np.mean(np.square(x), axis=1)), np.stack([X, P]))],
    "log_of_determinant": [
        (lambda x: np.log(np.linalg.det(x)), MATRIX),
        (lambda x: np.log(np.linalg.det(x)), np.stack([MATRIX, 2 * MATRIX])),
    ],
    "log_of_size_of_determinant": [(lambda x: np.log(np.abs(np.linalg.det(x))), -MATRIX)],
    "inverse_times": [
        (lambda x: np.linalg.inv(x) @ X, MATRIX),
        (lambda x: np.linalg.inv(x) @ x[:, :2], MATRIX),
        (lambda x: np.linalg.inv(x).T @ X, MATRIX),
        (lambda x: np.linalg.inv(x) @ x**2, np.stack([MATRIX, 2 * MATRIX])),
    ],
    "times_inverse": [
        (lambda x: X @ np.linalg.inv(x), MATRIX),
        (lambda x: x[:2] @ np.linalg.inv(x), MATRIX),
        (lambda x: x**2 @ np.linalg.inv(x).T, MATRIX),
    ],
    "times_log": [(lambda x: x * np.log(x + 2), X)],
    "log_of_product": [(lambda x: np.log(np.prod(x)), P), (lambda x: np.log(np.prod(x, axis=1)), np.stack([P, X]))],
}


def rewritten(f, x, name):
    """The graph of f with the rewrite of this name at its last place."""
    graph = pb.trace(f, x)
    for node in reversed(graph.nodes):
        if node.primitive.name not in ("input", "constant"):
            for found in find(node):
                if found.rewrite.name == name:
                    return graph, node, found.build()
    raise AssertionError(f"{name} was not found in\n{graph}")


def test_every_rewrite_has_a_form_and_says_what_it_is():
    assert set(FORMS) == set(table)
    for one in table.values():
        assert "=" in one.statement
        assert one.changes


@pytest.mark.parametrize(("name", "f", "x"), [(name, *form) for name, forms in FORMS.items() for form in forms])
def test_a_rewrite_keeps_the_value(name, f, x):
    graph, node, result = rewritten(f, x, name)
    before = Graph.of([node], graph.inputs).forward(x)
    after = Graph.of([result._node], graph.inputs).forward(x)
    np.testing.assert_allclose(
        after.value(after.graph.outputs[0]), before.value(before.graph.outputs[0]), rtol=1e-12, atol=1e-15
    )


BACKWARD = [(name, *FORMS[name][0]) for name, one in table.items() if one.backward]


@pytest.mark.parametrize(("name", "f", "x"), BACKWARD)
def test_derivatives_go_through_the_stable_form_and_agree_with_finite_differences(name, f, x):
    with np.errstate(all="ignore"):
        pb.testing.check_grads(f, (x,))


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_gradient_of_the_textbook_loss_is_sigmoid_minus_label_however_large_the_logit(y):
    z = np.array([-800.0, -40.0, 0.0, 40.0, 800.0])

    def loss(z):
        a = sigmoid(z)
        return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum()

    expected = [0.0, np.exp(-40) / (1 + np.exp(-40)), 0.5, 1.0, 1.0]
    if y:
        expected = [-one for one in reversed(expected)]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(pb.grad(loss)(z), expected, rtol=1e-14)
        leaf = pb.array(z, requires_grad=True)
        loss(leaf).backward()
        np.testing.assert_allclose(np.asarray(leaf.grad), expected, rtol=1e-14)
        tangents = [pb.jvp(loss, (z,), (unit,))[1] for unit in np.eye(5)]
        np.testing.assert_allclose(tangents, expected, rtol=1e-14)


def test_the_gradient_of_the_textbook_softmax_loss_is_softmax_minus_onehot():
    z = np.array([[1000.0, 0.0, -1000.0], [1.0, 2.0, 3.0]])
    labels = np.array([2, 0])

    def loss(z):
        e = np.exp(z)
        p = e / e.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(2), labels]).sum()

    expected = softmax(z) - np.eye(3)[labels]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(pb.grad(loss)(z), expected, atol=1e-15)


def test_asked_for_by_an_inner_node_the_derivative_is_that_of_what_is_written():
    def loss(z):
        return np.log(1 - sigmoid(z))

    run = pb.trace(loss, 2.0).forward(2.0).backward()
    a = sigmoid(2.0).item()
    gradients = [run.gradients[name] for name in run.gradients]
    assert any(gradient == pytest.approx(-1 / (1 - a)) for gradient in gradients)
    assert pb.grad(lambda a: np.log(1 - a))(a) == pytest.approx(-1 / (1 - a))


# The gradient of what is written, where its value breaks -------------------------------------------------------------

EXTREMES = {
    "log of a sigmoid": (lambda x: np.log(sigmoid(x)).sum(), [-800.0, 800.0], [1, 0]),
    "log of 1 - sigmoid": (lambda x: np.log(1 - sigmoid(x)).sum(), [-800.0, 800.0], [0, -1]),
    "log of a sigmoid in exponentials": (lambda x: np.log(1 / (1 + np.exp(-x))).sum(), [-800.0, 800.0], [1, 0]),
    "a sigmoid in exponentials": (lambda x: (1 / (1 + np.exp(-x))).sum(), [-800.0, 0.0, 800.0], [0, 0.25, 0]),
    "log of a softmax": (lambda x: np.log(softmax(x))[1], [800.0, 0.0], [-1, 1]),
    "log of a softmax in exponentials": (lambda x: np.log(np.exp(x) / np.sum(np.exp(x)))[1], [1000.0, 0.0], [-1, 1]),
    "a softmax in exponentials": (lambda x: (np.exp(x) / np.sum(np.exp(x)))[0], [1000.0, 1000.0], [0.25, -0.25]),
    "log of a sum of exponentials": (lambda x: np.log(np.sum(np.exp(x))), [-1000.0, -1000.0], [0.5, 0.5]),
    "log of 1 + exp": (lambda x: np.log(1 + np.exp(x)).sum(), [800.0, -800.0], [1, 0]),
    "log1p of exp": (lambda x: np.log1p(np.exp(x)).sum(), [800.0, -800.0], [1, 0]),
    "log of 1 + exp, less x": (lambda x: (np.log(1 + np.exp(x)) - x).sum(), [800.0, -800.0], [0, -1]),
    "log of 1 - exp": (lambda x: np.log(1 - np.exp(x)).sum(), [-800.0], [0]),
    "log of two exponentials": (lambda x: np.log(np.exp(x) + np.exp(2 * x)).sum(), [800.0, -800.0], [2, 1]),
    "log of their difference": (lambda x: np.log(np.exp(x) - np.exp(x - 1)).sum(), [800.0, -800.0], [1, 1]),
    "a product of exponentials": (lambda x: (np.exp(2 * x) * np.exp(1 - 2 * x)).sum(), [800.0], [0]),
    "a quotient of exponentials": (lambda x: (np.exp(x) / np.exp(x - 1)).sum(), [800.0], [0]),
    "log of cosh": (lambda x: np.log(np.cosh(x)).sum(), [800.0, -800.0], [1, -1]),
    "a root of a square": (lambda x: np.sqrt(x * x).sum(), [0.0, -1e200, 1e-200], [0, -1, 1]),
    "a root of two squares": (lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2), [3e200, 4e200], [0.6, 0.8]),
    "a root of a sum of squares": (lambda x: np.sqrt(np.sum(x**2)), [3e-200, 4e-200], [0.6, 0.8]),
    "log of a product": (lambda x: np.log(np.prod(x)), [1e-200, 1e-200], [1e200, 1e200]),
    "log of a quotient": (lambda x: np.log(x[0] / x[1]), [1e-300, 1e300], [1e300, -1e-300]),
    "log of a power": (lambda x: np.log(x**3).sum(), [1e-200, 1e200], [3e200, 3e-200]),
    "log of a sum of squares": (lambda x: np.log(np.sum(x**2)), [3e200, 4e200], [0.24e-200, 0.32e-200]),
    "a root of a variance": (lambda x: np.sqrt(np.var(x)), [1e200, 3e200], [-0.5, 0.5]),
    "log of 1 - softmax": (lambda x: np.log(1 - softmax(x)[0]), [800.0, 0.0], [-1, 1]),
    "a mean weighted by exponentials": (
        lambda x: np.sum(np.arange(2) * np.exp(x)) / np.sum(np.exp(x)), [1000.0, 1000.0], [-0.25, 0.25]),
    "log of a mixture": (lambda x: np.log(0.5 * np.exp(x[0]) + 0.5 * np.exp(x[1])), [-900.0, -900.0], [0.5, 0.5]),
    "log of a weighted sum of exponentials": (
        lambda x: np.log(np.sum(np.array([0.5, 2.0]) * np.exp(x))), [1000.0, 990.0],
        [1 / (1 + 4 * np.exp(-10)), 1 / (1 + np.exp(10) / 4)]),
    "a share of two exponentials": (lambda x: np.exp(x[0]) / (np.exp(x[0]) + np.exp(x[1])), [1e3, 1e3], [0.25, -0.25]),
    "log of 1 - tanh squared": (lambda x: np.log(1 - np.tanh(x) ** 2).sum(), [400.0, -400.0], [-2, 2]),
    "log of 1 + tanh": (lambda x: np.log(1 + np.tanh(x)).sum(), [-400.0, 400.0], [2, 0]),
    "log of half of 1 - tanh": (lambda x: np.log((1 - np.tanh(x)) / 2).sum(), [-400.0, 400.0], [0, -2]),
    "log of half of 1 + erf": (lambda x: np.log((1 + pb.special.erf(x)) / 2).sum(), [40.0], [0]),
    "log of sinh": (lambda x: np.log(np.sinh(x)).sum(), [800.0], [1]),
    "log of 2 cosh": (lambda x: np.log(2 * np.cosh(x)).sum(), [800.0, -800.0], [1, -1]),
    "a root of an exponential": (lambda x: np.sqrt(np.exp(x)).sum(), [-1500.0, 0.0], [0, 0.5]),
    "log2 of a sigmoid": (lambda x: np.log2(sigmoid(x)).sum(), [-800.0, 800.0], [1 / np.log(2), 0]),
    "log10 of 1 + exp": (lambda x: np.log10(1 + np.exp(x)).sum(), [800.0, -800.0], [1 / np.log(10), 0]),
    "log of a determinant": (lambda x: np.log(np.linalg.det(np.diag(x))), [1e-200, 1e-200], [1e200, 1e200]),
    "cross-entropy of a sure wrong logit": (
        lambda z: -(0.25 * np.log(sigmoid(z)) + 0.75 * np.log(1 - sigmoid(z))).sum(), [-800.0, 800.0], [-0.25, 0.75]),
}  # fmt: skip


@pytest.mark.parametrize("name", EXTREMES)
def test_the_gradient_is_right_where_the_value_breaks(name):
    f, x, expected = EXTREMES[name]
    x = np.array(x)
    leaf = pb.array(x, requires_grad=True)
    with np.errstate(all="ignore"):
        f(leaf).backward()
        found = {
            "grad": pb.grad(f)(x),
            "backward": np.asarray(leaf.grad),
            "forward": [pb.jvp(f, (x,), (unit,))[1] for unit in np.eye(len(x))],
            "compiled": pb.compile(pb.grad(f))(x),
        }
    for walk, one in found.items():
        np.testing.assert_allclose(one, expected, rtol=1e-13, atol=1e-15, err_msg=walk)


# Patterns -------------------------------------------------------------------------------------------------------------


def traced(f, *args):
    graph = pb.trace(f, *args)
    return graph, graph.outputs[0]


def test_a_name_that_comes_twice_stands_for_one_node():
    _, same = traced(lambda x: np.exp(x) / np.sum(np.exp(x)), X)
    _, other = traced(lambda x: np.exp(x) / np.sum(np.exp(2 * x)), X)
    assert match(pattern("exp(x) / sum(exp(x))"), same) is not None
    assert match(pattern("exp(x) / sum(exp(x))"), other) is None


def test_a_name_may_stand_for_what_was_computed_twice():
    _, node = traced(lambda x: np.exp(x - 1) / np.sum(np.exp(x - 1)), X)
    assert match(pattern("exp(x) / sum(exp(x))"), node) is not None
    _, node = traced(lambda x: np.exp(x - 1) / np.sum(np.exp(x - 2)), X)
    assert match(pattern("exp(x) / sum(exp(x))"), node) is None


def test_numbers_stand_for_constants_that_are_that_all_over():
    for f, found in ((lambda x: 1 - x, True), (lambda x: 2 - x, False), (lambda x: np.float64(1) - x, True)):
        _, node = traced(f, X)
        assert (match(pattern("1 - x"), node) is not None) == found


def test_movements_between_operations_are_carried_to_the_names():
    graph, node = traced(lambda x: np.log(np.reshape(1 - sigmoid(x), (3, 1))[::-1]), X)
    (found,) = [one for one in find(node) if one.rewrite.name == "log_of_one_minus_sigmoid"]
    run = Graph.of([found.build()._node], graph.inputs).forward(X)
    np.testing.assert_allclose(run.value(run.graph.outputs[0]), np.log(1 - sigmoid(X))[::-1].reshape(3, 1), rtol=1e-14)


def test_a_sum_that_is_not_spread_over_what_was_summed_is_no_softmax():
    square = np.stack([X, X + 1, X - 2])
    _, node = traced(lambda x: np.exp(x) / np.sum(np.exp(x), axis=1), square)  # divides columns by sums of rows
    assert all(found.build() is None for found in find(node) if found.rewrite.name == "written_softmax")


def test_complex_and_integer_arrays_are_left_alone():
    _, node = traced(lambda x: np.sqrt(x * x), X.astype(complex))
    assert not list(find(node))


def test_what_is_no_formula_is_no_pattern():
    with pytest.raises(pb.errors.GraphError, match="a pattern is made of names, numbers"):
        pattern("x[0]")
