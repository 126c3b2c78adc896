"""Sorting and partitions: conventions at ties and NaN, keywords, and what the derivative costs."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.operations import named_primitive
from pullback.errors import ArgumentError, ConcretizationError
from pullback.testing import check_grads


def test_of_equal_elements_the_first_stays_first():
    x = np.array([2.0, 1.0, 2.0, 1.0])
    jacobian = pb.jacobian(lambda x: np.sort(x))(x)
    assert np.argmax(jacobian, axis=1).tolist() == [1, 3, 0, 2]
    assert jacobian.sum() == 4.0
    assert pb.grad(lambda x: np.partition(x, 0)[0])(np.array([3.0, 1.0, 2.0])).tolist() == [0.0, 1.0, 0.0]


def test_nan_is_sorted_to_the_end_and_keeps_its_gradient():
    x = np.array([np.nan, 1.0, 0.5])
    assert pb.vjp(lambda x: np.sort(x), x)[1](np.array([1.0, 2.0, 3.0]))[0].tolist() == [3.0, 2.0, 1.0]


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f4", "f8", "g", "F", "D"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_values_and_dtypes_are_numpys(dtype, axis):
    x = np.random.default_rng(0).integers(0, 5, (4, 5)).astype(dtype)
    for function in (np.sort, np.argsort, np.sort_complex):
        keywords = {} if function is np.sort_complex else {"axis": axis}
        expected, found = function(x, **keywords), function(pb.array(x), **keywords)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(np.asarray(found), expected)


def test_a_partition_is_one_of_the_array_and_of_its_derivative():
    x = np.random.default_rng(0).normal(size=(3, 40))
    found, pullback = pb.vjp(lambda x: np.partition(x, (5, 20), axis=1), x)
    order = np.argpartition(pb.array(x), (5, 20), axis=1).numpy()
    np.testing.assert_array_equal(found, np.take_along_axis(x, order, 1))
    np.testing.assert_array_equal(found[:, [5, 20]], np.sort(x, axis=1)[:, [5, 20]])
    assert (found[:, :5] <= found[:, 5:6]).all()
    weights = np.arange(120.0).reshape(3, 40)
    (gradient,) = pullback(weights)
    np.testing.assert_array_equal(np.take_along_axis(gradient, order, 1), weights)


def test_of_nothing_there_is_nothing_to_sort():
    assert np.partition(pb.array(np.zeros(0)), 3).shape == (0,)
    assert np.argpartition(pb.array(np.zeros((0, 2))), 1, axis=0).shape == (0, 2)
    assert np.argsort(pb.array(3.0)).tolist() == [0]


def test_methods_sort_in_place():
    x = pb.array([3.0, 1.0, 2.0], requires_grad=True)
    y = x * 1.0
    y.sort()
    assert y.tolist() == [1.0, 2.0, 3.0]
    (y * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_sorting_differentiates_on_any_axis_and_to_third_order():
    x = np.random.default_rng(0).normal(size=(3, 4))
    for axis in (None, 0, 1):
        check_grads(lambda x, axis=axis: np.sort(x, axis=axis) ** 3, (x,), order=3)


def test_keys_are_sorted_by_the_last_first():
    names = (pb.array([2, 1, 1, 2]), pb.array([0.5, 0.5, 0.1, 0.1]))
    np.testing.assert_array_equal(np.lexsort(names).numpy(), np.lexsort([[2, 1, 1, 2], [0.5, 0.5, 0.1, 0.1]]))


def test_a_derivative_of_a_sort_is_a_gather_not_a_matrix():
    n = 200_000
    x = np.random.default_rng(0).normal(size=n)
    gradient = pb.grad(lambda x: np.sum(np.sort(x) * np.arange(n)))(x)  # a matrix would not fit in memory
    assert gradient[np.argsort(x)[n // 2]] == n // 2


def test_a_traced_place_is_asked_for():
    with pytest.raises(ConcretizationError):
        pb.trace(lambda x, k: np.partition(x, k), np.ones(3), np.array(1))


def test_primitives_have_a_name_in_listings():
    graph = pb.trace(lambda x: np.sort(x), np.ones(3))
    assert graph.outputs[0].primitive is named_primitive("sort")


@pytest.mark.parametrize("function", [np.sort, np.argsort])
def test_keywords_that_numpy_refuses_are_refused(function):
    with pytest.raises(ArgumentError, match=f"{function.__name__}: expected kind= or stable="):
        function(pb.array([1.0]), kind="stable", stable=True)


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8"])
@pytest.mark.parametrize("ties", [False, True])
def test_the_order_of_many_elements_is_stable(dtype, ties):
    x = np.random.default_rng(0).permutation(6000).reshape(2, 3000).astype(dtype)
    if ties:
        x[:, 7] = x[:, 2000]
    if ties and dtype != "i8":
        x[0, [3, 900]] = np.nan
    for axis in (0, 1):
        expected = np.argsort(x, axis=axis, kind="stable")
        np.testing.assert_array_equal(np.asarray(np.argsort(pb.array(x), axis=axis, kind="stable")), expected)
        ranks = named_primitive("ranks")(pb.array(x), axis=axis)
        np.testing.assert_array_equal(np.take_along_axis(np.asarray(ranks), expected, axis), np.indices(x.shape)[axis])
