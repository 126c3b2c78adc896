"""Convolution and correlation of sequences: all modes and lengths, complex numbers, batches, cost."""

import numpy as np
import pytest

import pullback as pb
from pullback.testing import check_grads


@pytest.mark.parametrize("function", [np.convolve, np.correlate], ids=lambda f: f.__name__)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_every_mode_and_length_is_numpys(function, mode):
    generator = np.random.default_rng(0)
    for n in range(1, 6):
        for m in range(1, 6):
            a, v = generator.normal(size=n) + 1j * generator.normal(size=n), generator.normal(size=m) * (1 - 2j)
            expected = function(a, v, mode)
            np.testing.assert_allclose(np.asarray(function(pb.array(a), pb.array(v), mode)), expected, rtol=1e-13)
    for number, word in enumerate(("valid", "same", "full")):
        assert function(pb.array([1.0, 2.0]), [1.0], number).tolist() == function([1.0, 2.0], [1.0], word).tolist()


@pytest.mark.parametrize("function", [np.convolve, np.correlate], ids=lambda f: f.__name__)
def test_derivatives_of_complex_sequences(function):
    generator = np.random.default_rng(0)
    a, v = generator.normal(size=5) + 1j, generator.normal(size=3) - 2j
    for mode in ("full", "same", "valid"):
        check_grads(lambda a, v, mode=mode: function(a, v, mode), (a, v))


def test_a_kernel_that_all_members_share_goes_over_them_at_once():
    x, kernel = np.random.default_rng(0).normal(size=(4, 9)), np.array([1.0, -2.0, 0.5])
    for mode in ("full", "same", "valid"):
        expected = [np.convolve(row, kernel, mode) for row in x]
        found = pb.vmap(lambda row, mode=mode: np.convolve(row, kernel, mode))(x)
        np.testing.assert_allclose(found, expected, atol=1e-14)
    check_grads(lambda x, k: pb.vmap(lambda row: np.convolve(row, k))(x), (x, kernel))


def test_a_derivative_is_a_convolution_not_a_matrix():
    n = 100_000
    x, kernel = np.ones(n), np.array([1.0, 2.0, 3.0])
    gradient = pb.grad(lambda x: np.convolve(x, kernel, "valid").sum())(x)  # a matrix would not fit in memory
    assert gradient.sum() == 6.0 * (n - 2)
    assert pb.grad(lambda k: np.convolve(x, k, "same").sum())(kernel).tolist() == [n - 1.0, n, n - 1.0]
