"""Activations: against their formulas, at their kinks and far out."""

import numpy as np
import pytest
import scipy.special

import pullback as pb
from pullback.core.operations import operations as ops

X = np.array([-30.0, -2.0, -0.5, 0.0, 0.3, 1.0, 4.0, 30.0])


def slope(f, x):
    _, pullback = pb.vjp(f, x)
    return pullback(np.ones_like(x))[0]


def normal_density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


SIGMOID = scipy.special.expit(X)
BY_HAND = {
    "leaky_relu": (lambda x: ops.leaky_relu(x, 0.1), np.where(X > 0, X, 0.1 * X), np.where(X > 0, 1, 0.1)),
    "elu": (lambda x: ops.elu(x, 2.0), np.where(X > 0, X, 2 * np.expm1(X)), np.where(X > 0, 1, 2 * np.exp(X))),
    "silu": (ops.silu, X * SIGMOID, SIGMOID * (1 + X * (1 - SIGMOID))),
    "gelu": (ops.gelu, X * scipy.special.ndtr(X), scipy.special.ndtr(X) + X * normal_density(X)),
    "hard_tanh": (ops.hard_tanh, np.clip(X, -1, 1), np.where(np.abs(X) <= 1, 1, 0)),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_values_and_derivatives_are_those_found_by_hand(name):
    f, value, derivative = BY_HAND[name]
    np.testing.assert_allclose(np.asarray(f(X)), value, rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(slope(f, X), derivative, rtol=1e-13, atol=1e-300)


def test_selu_is_a_multiple_of_elu_that_keeps_mean_and_variance():
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    np.testing.assert_allclose(np.asarray(ops.selu(X)), scale * np.where(X > 0, X, alpha * np.expm1(X)), rtol=1e-14)
    points, weights = np.polynomial.hermite_e.hermegauss(200)
    weights = weights / weights.sum()
    after = np.asarray(ops.selu(points))
    assert abs(weights @ after) < 1e-2
    assert abs(weights @ after**2 - 1) < 1e-2


def test_the_tanh_form_of_gelu_is_its_formula_and_keeps_its_digits_in_the_tail():
    near = X[np.abs(X) < 3]
    np.testing.assert_allclose(np.asarray(ops.gelu(near, "tanh")), tanh_gelu(near), rtol=1e-13)
    assert ops.gelu(-6.0, approximate="tanh").item() == pytest.approx(-6 * scipy.special.expit(-24.98567107), rel=1e-7)


@pytest.mark.parametrize("name", ["leaky_relu", "elu", "selu", "gelu", "silu", "hard_tanh", "softmax", "log_softmax"])
class TestEveryActivation:
    def test_keeps_single_precision(self, name):
        x = X.astype(np.float32)
        assert getattr(ops, name)(x).dtype == np.float32
        assert slope(getattr(ops, name), x).dtype == np.float32

    def test_takes_integers(self, name):
        x = np.array([-2, 0, 3])
        np.testing.assert_array_equal(getattr(ops, name)(x), getattr(ops, name)(x.astype(float)))

    def test_has_finite_values_and_derivatives_far_out(self, name):
        x = np.array([-1e4, -800.0, 800.0, 1e4])
        assert np.isfinite(np.asarray(getattr(ops, name)(x))).all()
        assert np.isfinite(slope(getattr(ops, name), x)).all()

    def test_refuses_what_is_no_array(self, name):
        with pytest.raises(pb.errors.DTypeError, match=f"{name}: expected an array or a number, got str"):
            getattr(ops, name)("a")


class TestSoftmax:
    @pytest.mark.parametrize("axis", [-1, 0, (0, 2), None])
    def test_is_scipys(self, axis):
        x = np.random.default_rng(0).normal(size=(2, 3, 4)) * 10
        np.testing.assert_allclose(np.asarray(ops.softmax(x, axis)), scipy.special.softmax(x, axis), rtol=1e-14)
        expected = scipy.special.log_softmax(x, axis)  # which loses digits near 0
        np.testing.assert_allclose(np.asarray(ops.log_softmax(x, axis)), expected, rtol=1e-14, atol=1e-15)

    def test_jacobian_is_diag_p_minus_p_p(self):
        x = np.array([0.3, -1.0, 2.0])
        p = scipy.special.softmax(x)
        np.testing.assert_allclose(pb.jacobian(ops.softmax)(x), np.diag(p) - np.outer(p, p), atol=1e-15)
        np.testing.assert_allclose(pb.jacobian(ops.log_softmax)(x), np.eye(3) - p, atol=1e-15)

    @pytest.mark.parametrize("name", ["softmax", "log_softmax"])
    def test_a_masked_element_takes_part_in_nothing(self, name):
        f = getattr(ops, name)
        x = np.array([0.5, -np.inf, 1.5])
        np.testing.assert_allclose(np.asarray(f(x))[[0, 2]], np.asarray(f(x[[0, 2]])))
        jacobian = pb.jacobian(lambda x: f(x)[np.array([0, 2])])(x)
        np.testing.assert_allclose(jacobian[:, [0, 2]], pb.jacobian(f)(x[[0, 2]]))
        np.testing.assert_array_equal(jacobian[:, 1], 0)

    @pytest.mark.parametrize("row", [[-np.inf, -np.inf], [np.inf, 0.0]])
    @pytest.mark.parametrize("name", ["softmax", "log_softmax"])
    def test_rows_that_are_masked_as_a_whole_or_hold_inf_are_nan_and_no_others(self, name, row):
        with np.errstate(all="ignore"):
            found = np.asarray(getattr(ops, name)([row, [0.0, 1.0]]))
        assert np.isnan(found[0]).all()
        assert np.isfinite(found[1]).all()

    def test_log_softmax_of_a_sure_class_keeps_its_digits(self):
        assert ops.log_softmax([1040.0, 1000.0])[0].item() == pytest.approx(-np.exp(-40.0), rel=1e-14)

    def test_of_nothing_is_nothing(self):
        assert ops.softmax(np.zeros((3, 0))).shape == (3, 0)
