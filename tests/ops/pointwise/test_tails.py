"""Derivatives of the incomplete gamma and beta functions by their shapes, over wide ranges, against mpmath."""

import mpmath
import numpy as np
import pytest

import pullback as pb
from pullback.ops.pointwise.special import tails

mp = mpmath.mp.clone()
mp.dps = 60


def shapes(generator, low, high, count):
    return 10 ** generator.uniform(low, high, count)


def near(expected, found):
    expected = np.array([float(one) for one in expected])
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-290)


@pytest.mark.parametrize("order", [1, 2])
def test_of_the_gamma_function(order):
    generator = np.random.default_rng(order)
    a = np.concatenate([shapes(generator, -3, 3, 24), [1.0, 2.0, 1e4]])
    anywhere, beside = (
        shapes(generator, -6, 2.5, 27),
        a * np.exp(generator.normal(size=27) * np.minimum(3, 3 * a**-0.5)),
    )
    x = np.where(generator.random(27) < 0.5, anywhere, beside)

    def exact(a, x):
        ends = (0, x) if x < a else (x, mp.inf)  # the smaller part, of which no digits are lost
        sign = 1 if x < a else -1
        return mp.diff(lambda t: sign * mp.gammainc(t, *ends, regularized=True), a, order, h=a * mp.mpf(10) ** -15)

    near([exact(mp.mpf(p), mp.mpf(q)) for p, q in zip(a, x, strict=True)], tails.gamma_derivative(a, x, order))


@pytest.mark.parametrize("orders", [(1, 0), (0, 1), (1, 1)])
def test_of_the_beta_function(orders):
    generator = np.random.default_rng(sum(orders))
    a, b = shapes(generator, -2, 2, 16), shapes(generator, -2, 2, 16)
    mean = a / (a + b)
    beside = np.clip(mean + generator.normal(size=16) * np.sqrt(mean * (1 - mean) / (a + b + 1)), 1e-6, 1 - 1e-6)
    x = np.where(generator.random(16) < 0.3, shapes(generator, -8, -0.1, 16), beside)

    def exact(a, b, x):
        ends, sign = ((0, x), 1) if x < a / (a + b) else ((x, 1), -1)
        step = min(a, b) * mp.mpf(10) ** -15
        return mp.diff(lambda s, t: sign * mp.betainc(s, t, *ends, regularized=True), (a, b), orders, h=step)

    expected = [exact(*map(mp.mpf, one)) for one in zip(a, b, x, strict=True)]
    near(expected, tails.beta_derivative(a, b, x, *orders))


def test_at_and_beyond_the_ends():
    x = np.array([0.0, np.inf, -1.0, np.nan])
    np.testing.assert_array_equal(tails.gamma_derivative(2.0, x, 1), [0, 0, np.nan, np.nan])
    np.testing.assert_array_equal(tails.gamma_derivative([0.0, -1.0, np.nan, np.inf], 1.0, 1), [np.nan] * 4)
    np.testing.assert_array_equal(
        tails.beta_derivative(2.0, 3.0, [0.0, 1.0, 1.5, np.nan], 1, 0), [0, 0, np.nan, np.nan]
    )
    assert tails.gamma_derivative(np.empty((0, 2)), 1.0, 1).shape == (0, 2)


def test_of_more_numbers_than_are_computed_at_once():
    x = np.linspace(0.1, 3.0, 3 * tails._BLOCK // 2).reshape(2, -1)
    found = tails.gamma_derivative(1.5, x, 1)
    np.testing.assert_array_equal(found[1, -5:], tails.gamma_derivative(1.5, x[1, -5:], 1))


def test_a_quantile_is_differentiated_by_its_shapes():
    """What the quantile of a fixed probability does is what differences say, to second order."""
    pb.testing.check_grads(lambda a: pb.special.gammaincinv(a, 0.3), (np.array([0.5, 3.0, 40.0]),), order=2)
    pb.testing.check_grads(lambda a, b: pb.special.betaincinv(a, b, 0.3), (np.array([0.5, 3.0]), np.array([2.0, 0.7])))
