"""Quantiles: where the derivative goes, NaN and infinities, weights, and what is traced."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError
from pullback.testing import check_grads

METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
    "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 7, 10])
def test_every_method_is_numpys_at_every_quantile(method, n):
    x = np.random.default_rng(n).normal(size=(2, n))
    q = np.linspace(0, 1, 21)
    expected = np.quantile(x, q, axis=1, method=method)
    np.testing.assert_allclose(np.asarray(np.quantile(pb.array(x), q, axis=1, method=method)), expected, rtol=1e-14)
    some = np.where(np.random.default_rng(1).random(x.shape) < 0.3, np.nan, x)
    some[0, 0] = 0.5
    with np.errstate(all="ignore"):
        expected = [np.nanquantile(row, q, method=method) if np.isfinite(row).any() else q * np.nan for row in some]
    found = np.asarray(np.nanquantile(pb.array(some), q, axis=1, method=method))
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-13)


def test_the_gradient_goes_to_the_elements_in_the_middle():
    def gradient(*x):
        return pb.grad(lambda x: np.median(x))(np.array(x)).tolist()

    assert gradient(3.0, 1.0, 2.0) == [0.0, 0.0, 1.0]
    assert gradient(3.0, 1.0, 2.0, 5.0) == [0.5, 0.0, 0.5, 0.0]
    assert gradient(1.0, 1.0, 1.0) == [0.0, 1.0, 0.0], "of equal elements the one that stable sorting puts there"
    assert gradient(2.0, 1.0, 2.0, 2.0, 9.0) == [0.0, 0.0, 1.0, 0.0, 0.0]
    assert gradient(1.0, np.nan, 3.0) == [0.0, 1.0, 0.0]
    assert pb.grad(lambda x: np.nanmedian(x))(np.array([1.0, np.nan, 3.0])).tolist() == [0.5, 0.0, 0.5]
    assert pb.grad(lambda x: np.nanmedian(x))(np.array([np.nan, np.nan])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("count", [1, 3, 9])
def test_ties_and_nan_have_the_index_of_a_stable_sort_however_it_is_found(count):
    x = np.random.default_rng(0).integers(0, 3, (4, 12)).astype(float)
    x[x == 2] = np.nan
    places = np.random.default_rng(1).integers(0, 12, count)
    order = np.argsort(x, axis=1, kind="stable")
    found = pb.core.operations.named_primitive("order_statistic_index")(pb.array(x), pb.array(places))
    np.testing.assert_array_equal(np.asarray(found), order[:, places])


def test_interpolating_methods_have_a_derivative_by_q():
    x = np.array([1.0, 2.0, 4.0, 8.0])
    assert pb.grad(lambda q: np.quantile(x, q))(0.5) == 6.0
    assert pb.grad(lambda q: np.quantile(x, q, method="lower"))(0.5) == 0.0
    assert pb.grad(lambda q: np.percentile(x, q))(50.0) == pytest.approx(0.06)
    check_grads(lambda x, q: np.quantile(x, q, axis=0), (np.random.default_rng(0).normal(size=(5, 2)), np.array([0.3])))


def test_a_quantile_that_is_not_known_is_traced_and_mapped_over():
    x = np.random.default_rng(0).normal(size=(3, 6))
    q = np.array([0.1, 0.5, 0.9])
    found = pb.vmap(lambda x, q: np.quantile(x, q))(x, q)
    np.testing.assert_allclose(found, [np.quantile(row, one) for row, one in zip(x, q, strict=True)])
    found = pb.vmap(lambda q: np.quantile(x[0], q))(q)
    np.testing.assert_allclose(found, np.quantile(x[0], q))
    assert pb.compile(lambda x, q: np.quantile(x, q))(x[0], np.array(0.25)) == np.quantile(x[0], 0.25)


def test_weights_choose_and_have_derivative_zero():
    x, weights = np.array([3.0, 1.0, np.nan, 2.0]), np.array([0.1, 1.0, 9.0, 1.0])
    found = np.nanquantile(pb.array(x), 0.5, weights=weights, method="inverted_cdf")
    assert found.item() == np.nanquantile(x, 0.5, weights=weights, method="inverted_cdf")
    gradients = pb.grad(lambda x, w: np.quantile(x, 0.5, weights=w, method="inverted_cdf"), (0, 1))(
        np.array([3.0, 1.0, 2.0]), np.array([0.1, 1.0, 0.2])
    )
    assert [one.tolist() for one in gradients] == [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    with pytest.raises(ArgumentError, match="nanquantile: expected finite weights that are not all 0"):
        np.nanquantile(pb.array([np.nan, 1.0]), 0.5, weights=[1.0, 0.0], method="inverted_cdf")


def test_a_median_of_many_takes_little_more_than_its_value():
    x = np.random.default_rng(0).normal(size=300_001)
    gradient = pb.grad(lambda x: np.median(x))(x)
    assert np.flatnonzero(gradient).tolist() == [np.argsort(x)[150_000]]


def test_integers_as_quantiles_take_elements():
    x = pb.array([3, 1, 2])
    assert (np.quantile(x, 1).dtype, np.quantile(x, 1).item()) == (np.int64, 3)
    assert np.quantile(x, [0, 1]).tolist() == [1, 3]


@pytest.mark.parametrize("name", ["quantile", "percentile", "nanquantile", "nanpercentile"])
@pytest.mark.parametrize("method", ["linear", "lower", "inverted_cdf"])
def test_a_probability_out_of_range_that_is_traced_gives_nan(name, method):
    top = 100 if "percentile" in name else 1
    x, q = np.arange(5.0), np.array([-0.01, 0.0, 0.3, 1.0, 1.01, np.nan]) * top
    f = getattr(np, name)
    found = pb.compile(lambda x, q: f(x, q, method=method))(x, q)
    np.testing.assert_array_equal(np.isnan(found), [True, False, False, False, True, True])
    np.testing.assert_allclose(found[1:4], f(x, q[1:4], method=method))
