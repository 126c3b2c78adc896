"""Places of values among others, and sets of values: order, NaN, ties, and where the gradient goes."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ConcretizationError


def test_tables_that_differ_between_members_are_searched_each():
    tables = np.sort(np.random.default_rng(0).normal(size=(3, 5)), axis=1)
    x = np.random.default_rng(1).normal(size=(3, 4))
    for find in (
        lambda t, x: np.searchsorted(t, x, "right"),
        lambda t, x: np.digitize(x, t),
        lambda t, x: np.isin(x, t),
    ):
        expected = [find(table, row) for table, row in zip(tables, x, strict=True)]
        np.testing.assert_array_equal(pb.vmap(find)(tables, x), expected)
        np.testing.assert_array_equal(pb.vmap(find, in_axes=(None, 0))(tables[0], x), [find(tables[0], r) for r in x])
        np.testing.assert_array_equal(pb.vmap(find, in_axes=(0, None))(tables, x[0]), [find(t, x[0]) for t in tables])


def test_places_can_be_traced():
    graph = pb.trace(lambda x, bins: np.digitize(x, bins), np.ones(3), np.arange(4.0))
    assert graph.outputs[0].aval.dtype == np.intp


def test_the_gradient_of_unique_values_goes_to_the_first_of_them():
    x = np.array([3.0, 1.0, 3.0, 1.0, 2.0])
    jacobian = pb.jacobian(lambda x: np.unique(x))(x)
    assert np.argmax(jacobian, axis=1).tolist() == [1, 4, 0]
    assert pb.grad(lambda x: np.unique_all(x).values.sum())(x).tolist() == [1.0, 1.0, 0.0, 0.0, 1.0]
    assert pb.grad(lambda x: np.sum(np.unique_values(x) ** 2))(x).tolist() == [6.0, 2.0, 0.0, 0.0, 4.0]
    rows = np.array([[1.0, 2.0], [0.0, 5.0], [1.0, 2.0]])
    assert pb.grad(lambda x: np.unique(x, axis=0)[1].sum())(rows).tolist() == [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]


def test_the_gradients_of_sets_go_to_the_elements_that_are_in_them():
    one, other = np.array([3.0, 1.0, 4.0]), np.array([4.0, 3.0, 9.0])
    weights = np.array([1.0, 10.0, 100.0, 1000.0])

    def gradients(f):
        return [g.tolist() for g in pb.grad(lambda a, b: np.sum(f(a, b) * weights[: f(a, b).size]), (0, 1))(one, other)]

    assert gradients(np.intersect1d) == [[1.0, 0.0, 10.0], [0.0, 0.0, 0.0]]
    assert gradients(np.union1d) == [[10.0, 1.0, 100.0], [0.0, 0.0, 1000.0]]
    assert gradients(np.setdiff1d) == [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    assert gradients(np.setxor1d) == [[0.0, 1.0, 0.0], [0.0, 0.0, 10.0]]
    assert pb.grad(lambda x: np.trim_zeros(x)[0])(np.array([0.0, 2.0, 0.0])).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("name", ["unique", "union1d", "intersect1d", "setdiff1d", "setxor1d", "trim_zeros"])
def test_a_shape_that_depends_on_values_needs_them(name):
    call = getattr(np, name)
    count = 1 if name in ("unique", "trim_zeros") else 2
    with pytest.raises(
        ConcretizationError, match=f"{name}, whose result has a shape that depends on its values|unique"
    ):
        pb.trace(lambda x: call(*[x] * count), np.ones(3))


def test_named_results_have_numpys_names():
    found = np.unique_counts(pb.array([2.0, 2.0, 1.0]))
    assert (found.values.tolist(), found.counts.tolist()) == ([1.0, 2.0], [1, 2])
    assert np.unique_all(pb.array([2.0]))._fields == np.unique_all(np.array([2.0]))._fields
    assert np.unique_inverse(pb.array([2.0]))._fields == np.unique_inverse(np.array([2.0]))._fields
