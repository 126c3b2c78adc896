"""Histograms: which of their results have derivatives, and by what."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError, ConcretizationError
from pullback.testing import check_grads

X = np.array([0.1, 0.4, 0.45, 0.9])


def test_counts_are_constants_and_edges_follow_the_extremes():
    x = pb.array(X, requires_grad=True)
    counts, edges = np.histogram(x, 2)
    assert (counts.tolist(), counts.requires_grad) == ([3, 1], False)
    edges[1].backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.0, 0.5]
    assert not np.histogram(x, 2, (0.0, 1.0))[1].requires_grad


def test_sums_of_weights_have_derivatives_by_these():
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    jacobian = pb.jacobian(lambda w: np.histogram(X, 2, (0.0, 1.0), weights=w)[0])(weights)
    assert jacobian.tolist() == [[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    jacobian = pb.jacobian(lambda w: np.bincount([0, 2, 2, 0], w))(weights)
    assert jacobian.tolist() == [[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0]]
    weights = weights + 1j * weights[::-1]
    expected = np.histogram(X, 3, weights=weights)[0]
    np.testing.assert_array_equal(np.asarray(np.histogram(pb.array(X), 3, weights=weights)[0]), expected)


def test_densities_have_derivatives_by_the_edges():
    check_grads(lambda edges: np.histogram(X, edges, density=True)[0], (np.array([0.0, 0.42, 1.0]),))
    check_grads(
        lambda a, b, w: np.histogram2d(X, X[::-1], [a, b], density=True, weights=w)[0],
        (np.array([0.0, 0.42, 1.0]), np.array([-1.0, 0.2, 2.0]), np.array([1.0, 2.0, 3.0, 4.0])),
    )


def test_histograms_are_traced_and_mapped_over():
    rows = np.random.default_rng(0).normal(size=(3, 20))
    counts, edges = pb.vmap(lambda x: np.histogram(x, 4))(rows)
    for row, count, edge in zip(rows, counts, edges, strict=True):
        expected = np.histogram(row, 4)
        np.testing.assert_array_equal(count, expected[0])
        np.testing.assert_allclose(edge, expected[1])
    with pytest.raises(ConcretizationError, match="bincount, whose result is as long as the largest value"):
        pb.trace(lambda x: np.bincount(x), np.array([1, 2]))


@pytest.mark.parametrize("rule", ["auto", "fd", "doane", "scott", "stone", "rice", "sturges", "sqrt"])
def test_rules_for_the_number_of_bins_are_numpys(rule):
    x = np.random.default_rng(0).normal(size=50)
    for found, expected in zip(np.histogram(pb.array(x), rule), np.histogram(x, rule), strict=True):
        np.testing.assert_allclose(np.asarray(found), expected)


def test_bins_without_width_are_refused():
    with pytest.raises(ArgumentError, match="histogram: expected fewer bins"):
        np.histogram(pb.array([1.0, np.nextafter(1.0, 2.0)]), 10)
