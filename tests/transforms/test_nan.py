"""Gradients that are reported again and again as NaN against libraries like this: each is the right (sub)gradient."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn

inf = np.inf


def cdist(x):
    difference = x[:, None] - x[None]
    return np.linalg.norm(difference, axis=-1)


def through_eigenvectors(a):
    values, vectors = np.linalg.eigh(a)
    return np.trace((vectors * np.exp(values)) @ vectors.T)  # the trace of the exponential


CASES = {
    # name: the function, where, its gradient
    "where and sqrt": (lambda x: np.where(x > 0, np.sqrt(x), 0.0).sum(), [-1.0, 0.0, 4.0], [0, 0, 0.25]),
    "where and log": (lambda x: np.where(x > 0, np.log(x), 0.0).sum(), [-1.0, 0.0, 2.0], [0, 0, 0.5]),
    "where and division": (lambda x: np.where(x == 0, 1.0, np.sin(x) / x).sum(), [0.0, np.pi], [0, -1 / np.pi]),
    "where and power": (lambda x: np.where(x > 0, x**0.5, 0.0).sum(), [0.0, 4.0], [0, 0.25]),
    "where and exp": (lambda x: np.where(x < 10, np.exp(x), 0.0).sum(), [0.0, 1000.0], [1, 0]),
    "norm at 0": (np.linalg.norm, [0.0, 0.0], [0, 0]),
    "norm of rows, one of them 0": (lambda x: np.linalg.norm(x, axis=1).sum(), [[0.0, 0.0], [3.0, 4.0]],
                                    [[0, 0], [0.6, 0.8]]),
    "root of a sum of squares at 0": (lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2), [0.0, 0.0], [0, 0]),
    "root of a square at 0": (lambda x: np.sqrt(x * x).sum(), [0.0, -2.0], [0, -1]),
    "std of a constant": (np.std, [3.0, 3.0, 3.0], [0, 0, 0]),
    "std of rows, one of them constant": (lambda x: np.std(x, axis=1).sum(), [[3.0, 3.0], [0.0, 2.0]],
                                          [[0, 0], [-0.5, 0.5]]),
    "var of a constant": (np.var, [3.0, 3.0], [0, 0]),
    "x**2 at 0": (lambda x: (x**2.0).sum(), [0.0], [0]),
    "x**3 at 0": (lambda x: np.power(x, 3).sum(), [0.0], [0]),
    "x**0 at 0": (lambda x: (x**0.0).sum(), [0.0], [0]),
    "0**y by y": (lambda y: (0.0**y).sum(), [2.0], [0]),
    "x**1 at 0": (lambda x: (x**1.0).sum(), [0.0], [1]),
    "sqrt(abs) at 0, not selected": (lambda x: np.where(x == 0, 0.0, np.sqrt(np.abs(x))).sum(), [0.0, 4.0], [0, 0.25]),
    "sqrt(abs) at 0": (lambda x: np.sqrt(np.abs(x)).sum(), [0.0, -4.0], [0, -0.25]),
    "abs at 0": (lambda x: np.abs(x).sum(), [0.0], [0]),
    "arctan2 at (0, 0), not selected": (lambda x: np.where(x == 0, 0.0, np.arctan2(x, x)).sum(), [0.0], [0]),
    "sinc at 0": (lambda x: np.sinc(x).sum(), [0.0], [0]),
    "x log x at 0, by xlogy": (lambda x: pb.special.xlogy(2.0, x).sum(), [0.5], [4.0]),
    "entropy of a certain outcome": (lambda p: -np.sum(pb.special.xlogy(np.array([0.0, 1.0]), p)), [0.0, 1.0], [0, -1]),
    "logsumexp of a row of -inf": (
        lambda x: np.where(np.array([True, False]), 0.0, pb.special.logsumexp(x, axis=1)).sum(),
        [[-inf, -inf], [0.0, 0.0]], [[0, 0], [0.5, 0.5]]),
    "logaddexp of -inf and -inf": (lambda x: np.logaddexp(x, -inf).sum(), [0.0], [1]),
    "softmax with masked elements": (lambda x: nn.softmax(np.where(np.array([True, False, True]), x, -inf))[0],
                                     [0.0, 5.0, 0.0], [0.25, 0, -0.25]),
    "a row that is masked altogether, replaced before": (
        lambda x: nn.softmax(np.where(np.array([[True], [False]]), x, 0.0))[:, 0].sum(),
        [[0.0, 0.0], [-inf, -inf]], [[0.25, -0.25], [0, 0]]),
    "distances of equal points": (lambda x: cdist(x).sum(), [[1.0, 1.0], [1.0, 1.0]], [[0, 0], [0, 0]]),
    "eigenvalues of the identity": (lambda a: np.linalg.eigvalsh(a).sum(), np.eye(2), np.eye(2)),
    "eigenvectors of the identity": (through_eigenvectors, np.eye(2), np.e * np.eye(2)),
    "singular values of the identity": (lambda a: np.linalg.svd(a, compute_uv=False).sum(), np.eye(2), np.eye(2)),
    "determinant of a singular matrix": (np.linalg.det, [[1.0, 0.0], [0.0, 0.0]], [[0, 0], [0, 1]]),
    "product with zeros": (np.prod, [0.0, 2.0, 3.0], [6, 0, 0]),
    "cumulative product with zeros": (lambda x: np.cumprod(x).sum(), [1.0, 0.0, 3.0], [1, 4, 0]),
    "maximum of equal elements": (np.max, [1.0, 1.0], [0.5, 0.5]),
    "clip of infinity": (lambda x: np.clip(x, -1.0, 1.0).sum(), [inf, 0.0], [0, 1]),
    "relu at 0 and at infinity": (lambda x: nn.relu(x).sum(), [0.0, -inf], [0, 0]),
    "binary cross-entropy of a sure logit": (
        lambda z: -(np.log(pb.special.expit(z)) * 0.0 + np.log(1 - pb.special.expit(z))).sum(), [800.0], [1]),
    "softplus by hand": (lambda x: np.log(1 + np.exp(x)).sum(), [1000.0, -1000.0], [1, 0]),
    "logsumexp by hand": (lambda x: np.log(np.sum(np.exp(x))), [1000.0, 1000.0], [0.5, 0.5]),
    "complex absolute value at 0": (lambda x: np.abs(x * (1 + 1j)).sum(), [0.0], [0]),
    "root of a sum of squares of rows, one of them 0": (
        lambda x: np.sqrt(np.sum(x**2, axis=1)).sum(), [[0.0, 0.0], [3.0, 4.0]], [[0, 0], [0.6, 0.8]]),
    "root of a mean square at 0": (lambda x: np.sqrt(np.mean(x * x)), [0.0, 0.0], [0, 0]),
    "log of a determinant, not selected": (
        lambda x: np.where(x[0] > 0, np.log(np.linalg.det(x[0] * np.eye(2))), 0.0), [0.0], [0]),
    "softmax of a row that is masked altogether, not selected": (
        lambda x: np.where(np.array([[False], [True]]), nn.softmax(np.where(np.array([[False], [True]]), x, -inf)),
                           0.0)[:, 0].sum(), [[0.0, 0.0], [0.0, 0.0]], [[0, 0], [0.25, -0.25]]),
    "norm of a row with an infinity, not selected": (
        lambda x: np.where(np.array([False, True]), np.linalg.norm(x, axis=1), 0.0).sum(), [[inf, 1.0], [3.0, 4.0]],
        [[0, 0], [0.6, 0.8]]),
    "hypot at (0, 0)": (lambda x: np.hypot(x, x).sum(), [0.0], [0]),
}  # fmt: skip


DEGENERATE = "eigenvectors of the identity"
"""Where a trace would have to know that the parts that are not determined cancel. It refuses."""


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_reverse_mode(name):
    f, point, expected = CASES[name]
    np.testing.assert_allclose(pb.grad(f)(np.array(point)), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_forward_mode(name):
    f, point, expected = CASES[name]
    point = np.array(point)
    for place in np.ndindex(point.shape):
        unit = np.zeros_like(point)
        unit[place] = 1
        tangent = pb.jvp(f, (point,), (unit,))[1]
        np.testing.assert_allclose(tangent, np.array(expected)[place], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in CASES if name != DEGENERATE])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_compiled(name):
    f, point, expected = CASES[name]
    np.testing.assert_allclose(pb.compile(pb.grad(f))(np.array(point)), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in CASES if name != DEGENERATE])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_graph_that_is_simplified_and_then_differentiated(name):
    f, point, expected = CASES[name]
    point = np.array(point)
    gradient = pb.trace(lambda x: f(x), point).simplify().backward().simplify()
    found = gradient.forward(point).value(gradient.outputs[0])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in CASES if name != DEGENERATE])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_second_derivatives_are_no_nan_and_the_same_compiled(name):
    f, point, _ = CASES[name]
    point = np.array(point)
    weights = np.arange(1.0, point.size + 1).reshape(point.shape)
    second = pb.grad(lambda x: np.sum(pb.grad(f)(x) * weights))
    found = second(point)
    assert not np.isnan(found).any()
    np.testing.assert_allclose(pb.compile(second)(point), found, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in CASES if name != DEGENERATE])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_batches(name):
    f, point, expected = CASES[name]
    found = pb.vmap(pb.grad(f))(np.stack([point, point]))
    np.testing.assert_allclose(found, np.stack([expected, expected]), rtol=1e-12, atol=1e-15)


def test_what_is_not_determined_is_refused_where_it_cannot_be_seen_to_cancel():
    f, point, _ = CASES[DEGENERATE]
    with pytest.raises(pb.errors.NotDifferentiableError, match="eigh: expected distinct values"):
        pb.compile(pb.grad(f))(point)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_has_no_derivative_is_infinite_not_nan():
    # A one-sided or vertical tangent: there is no sub-gradient, and it is said so by inf.
    assert pb.grad(np.sqrt)(0.0) == inf
    assert pb.grad(np.arccos)(1.0) == -inf
    assert pb.grad(lambda x: x * np.log(x))(0.0) == -inf


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_primals_own_nan_is_never_hidden():
    assert np.isnan(pb.value_and_grad(lambda x: np.sqrt(x))(-1.0)[0])
    assert np.isnan(pb.grad(lambda x: np.sqrt(x) * x)(-1.0))
