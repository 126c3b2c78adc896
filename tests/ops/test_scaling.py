"""Norms, means and variances of very large and very small numbers: finite and exact wherever the result is."""

import numpy as np
import pytest

import pullback as pb

LARGE, SMALL = 2.0**700, 2.0**-700
X = np.array([[3.0, -4.0, 0.5], [1.0, 2.0, -2.0]])
SINGLE = (2.0**100, 2.0**-100)

HOMOGENEOUS = {  # f(c*x) = c*f(x)
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "norm of all": np.linalg.norm,
    "norm over two axes": lambda x: np.linalg.norm(x, axis=(0, 1)),
    "norm of columns": lambda x: np.linalg.norm(x, axis=0, keepdims=True),
    "norm of order 3": lambda x: np.linalg.norm(x, 3, axis=1),
    "norm of order 1/2": lambda x: np.linalg.norm(x, 0.5, axis=1),
    "norm of order -2": lambda x: np.linalg.norm(x, -2, axis=1),
    "std": lambda x: np.std(x, axis=1, ddof=1),
    "std of all": np.std,
    "hypot": lambda x: np.hypot(x[0], x[1]),
}


def scaled(f, factor):
    return lambda x: f(x * np.asarray(factor, x.dtype)) / np.asarray(factor, x.dtype)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", HOMOGENEOUS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_scale_changes_neither_the_digits_nor_the_gradient(name, dtype, compiled):
    f = HOMOGENEOUS[name]
    x = X.astype(dtype)
    run = pb.compile if compiled else lambda f: f
    tolerance = 8 * np.finfo(dtype).eps
    for factor in SINGLE if dtype == np.float32 else (LARGE, SMALL):
        for walk in (
            lambda f: lambda x: pb.asarray(f(x)),
            lambda f: pb.grad(lambda x: np.sum(f(x))),
            lambda f: lambda x: pb.jvp(lambda x: np.sum(f(x)), (x,), (np.ones_like(x),))[1],
        ):
            expected = np.asarray(walk(f)(pb.array(x)))
            found = np.asarray(run(walk(scaled(f, factor)))(pb.array(x)))
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("compiled", [False, True])
def test_each_row_has_its_own_scale(compiled):
    rows = np.array([[1.0], [LARGE], [SMALL], [0.0], [np.inf], [np.nan]]) * np.array([3.0, 4.0])
    run = pb.compile if compiled else lambda f: f
    expected = [5.0, 5 * LARGE, 5 * SMALL, 0, np.inf, np.nan]
    np.testing.assert_array_equal(np.asarray(run(lambda x: np.linalg.norm(x, axis=1))(pb.array(rows))), expected)
    complexes = np.stack([rows[:, 0] + 0j, np.zeros(6) + 0j], axis=1)
    complexes.imag[:, 1] = rows[:, 1]
    found = np.asarray(run(lambda x: np.linalg.norm(x, axis=1))(pb.array(complexes)))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("compiled", [False, True])
def test_means_of_the_largest_numbers(compiled):
    run = pb.compile if compiled else lambda f: f
    x = np.array([[1.7e308, 1.5e308, 1.6e308], [1.0, 2.0, 3.0]])
    np.testing.assert_allclose(np.asarray(run(lambda x: np.mean(x, axis=1))(pb.array(x))), [1.6e308, 2.0], rtol=1e-15)
    np.testing.assert_array_equal(np.asarray(run(np.mean)(pb.array([np.inf, 1.0]))), np.inf)
    half = np.full(8, 6e4, np.float16)
    np.testing.assert_array_equal(np.asarray(run(np.mean)(pb.array(half))), half[0])
    both = np.array([1.7e308 + 1.6e308j, 1.5e308 + 1.6e308j])
    with np.errstate(invalid="ignore"):  # of complex infinities NumPy says so
        np.testing.assert_allclose(np.asarray(run(np.mean)(pb.array(both))), 1.6e308 * (1 + 1j), rtol=1e-15)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_variance_whose_sum_of_squares_overflows(compiled):
    run = pb.compile if compiled else lambda f: f
    x = np.array([1e154, -1e154, 1.3e154, -1.3e154])
    value, gradient = run(pb.value_and_grad(np.var))(x)
    np.testing.assert_allclose(value, 1.345e308, rtol=1e-14)
    np.testing.assert_allclose(gradient, x / 2, rtol=1e-14)


def test_ordinary_numbers_give_numpys_bits():
    x = np.random.default_rng(0).normal(size=(5, 7))
    for f in (np.mean, np.var, np.std):
        np.testing.assert_array_equal(np.asarray(f(pb.array(x), axis=1)), f(x, axis=1))


@pytest.mark.parametrize("transform", [lambda f: lambda x: f(pb.asarray(x)), pb.compile], ids=["eager", "compiled"])
def test_what_leaves_elements_out_does_not_overflow_either(transform):
    large = np.array([1.5e308, 1.7e308, np.nan])
    taken = np.array([True, True, False])
    assert transform(lambda x: np.nanmean(x))(large) == pytest.approx(1.6e308, rel=1e-15)
    assert transform(lambda x: np.mean(x, where=taken))(large) == pytest.approx(1.6e308, rel=1e-15)
    for f in (lambda x: np.nanstd(x), lambda x: np.std(x, where=taken)):
        assert transform(f)(np.array([1e200, 3e200, np.nan])) == pytest.approx(1e200, rel=1e-15)
        np.testing.assert_allclose(transform(pb.grad(f))(np.array([1e200, 3e200, np.nan])), [-0.5, 0.5, 0])
        np.testing.assert_array_equal(transform(pb.grad(f))(np.array([2.0, 2.0, np.nan])), [0, 0, 0])
