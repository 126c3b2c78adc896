"""Running sums and products, and the recurrence behind them."""

import itertools

import numpy as np
import pytest

import pullback as pb
from pullback.core.operations import primitives
from pullback.errors import ArgumentError, ShapeError
from pullback.testing import check_grads

recurrence = primitives["recurrence"]


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "f2", "f4", "f8", "g", "D"])
@pytest.mark.parametrize("function", [np.cumsum, np.cumprod, np.nancumsum, np.nancumprod], ids=lambda f: f.__name__)
def test_value_and_dtype_are_numpys(function, dtype):
    x = np.random.default_rng(0).integers(0, 4, (3, 4)).astype(dtype)
    for axis in (None, 0, -1):
        expected, found = function(x, axis=axis), function(pb.array(x), axis=axis)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(np.asarray(found), expected)


@pytest.mark.parametrize(
    "x", [[2.0, 3.0, 5.0, 7.0], [2.0, 0.0, 5.0, 7.0], [0.0, 3.0, 0.0, 7.0], [0.0, 0.0, 0.0, 1.0], [7.0], []]
)
def test_derivatives_of_cumprod_are_exact_with_any_number_of_zeros(x):
    x = np.array(x)
    expected = [[np.prod(np.delete(x[: i + 1], j)) if j <= i else 0.0 for j in range(x.size)] for i in range(x.size)]
    if x.size:
        assert np.array_equal(pb.jacobian(lambda x: np.cumprod(x))(x), expected)
        check_grads(lambda x: np.cumprod(x), (x,), order=3)
    else:
        assert pb.grad(lambda x: np.sum(np.cumprod(x)))(x).shape == (0,)


def test_running_operations_differentiate_along_any_axis_and_in_the_complex_plane():
    x = np.random.default_rng(0).normal(size=(3, 4))
    for function, axis in itertools.product((np.cumsum, np.cumprod), (None, 0, 1)):
        check_grads(lambda x, f=function, axis=axis: f(x, axis=axis), (x,))
        check_grads(lambda z, f=function, axis=axis: f(z, axis=axis), (x + 1j * x[::-1],))


@pytest.mark.parametrize("shape", [(5,), (5, 3), (4, 40), (40, 2), (1, 2), (3, 0), (0, 3)])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8", "g", "D"])
def test_recurrence_is_the_loop_that_it_says(shape, reverse, dtype):
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=shape).astype(dtype), generator.normal(size=shape).astype(dtype)
    for axis in range(len(shape)):
        rows_a, rows_b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
        expected, previous = np.array(rows_b), None
        for i in reversed(range(len(rows_b))) if reverse else range(len(rows_b)):
            if previous is not None:
                expected[i] = rows_a[i] * previous + rows_b[i]
            previous = expected[i]
        found = np.asarray(recurrence(a, b, axis=axis, reverse=reverse))
        assert found.dtype == b.dtype
        np.testing.assert_allclose(np.moveaxis(found, axis, 0), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["f4", "f8", "D"])
@pytest.mark.parametrize("count", [4096, 5000, 10_001])
def test_a_long_recurrence_is_cut_into_blocks(dtype, count):
    generator = np.random.default_rng(0)
    a, b = generator.uniform(-1, 1, count).astype(dtype), generator.normal(size=count).astype(dtype)
    a[[7, 3000]] = 0
    expected = list(itertools.accumulate(zip(a, b, strict=True), lambda s, ab: (0, ab[0] * s[1] + ab[1])))
    found = np.asarray(recurrence(a, b, axis=0, reverse=False))
    np.testing.assert_allclose(found, [s for _, s in expected], rtol=1e-4 if dtype == "f4" else 1e-9, atol=1e-6)
    backwards = np.asarray(recurrence(a[::-1], b[::-1], axis=0, reverse=True))
    np.testing.assert_array_equal(backwards[::-1], found)


def test_a_long_recurrence_whose_products_overflow_is_right_all_the_same():
    a, b = np.full(5000, 1e9), np.zeros(5000)
    b[0] = 1e-300
    with np.errstate(over="ignore"):
        found = np.asarray(recurrence(a, b, axis=0, reverse=False))
    np.testing.assert_allclose(found[:34], 1e-300 * 1e9 ** np.arange(34.0))


def test_a_long_running_product_differentiates_without_recursion():
    x = np.full(100_000, 1.0)
    assert pb.grad(lambda x: np.cumprod(x)[-1])(x).sum() == 100_000.0


def test_array_api_forms_ask_for_an_axis_and_start_with_the_neutral_element():
    if not hasattr(np, "cumulative_sum"):
        pytest.skip("NumPy before 2.1")
    x = pb.array([[1.0, 2.0], [3.0, 4.0]])
    assert np.cumulative_sum(x, axis=1, include_initial=True).tolist() == [[0.0, 1.0, 3.0], [0.0, 3.0, 7.0]]
    assert np.cumulative_prod(x, axis=0, include_initial=True).tolist() == [[1.0, 1.0], [1.0, 2.0], [3.0, 8.0]]
    assert np.cumulative_sum(pb.array(3.0)).shape == (1,)
    with pytest.raises(ArgumentError, match="cumulative_sum: expected axis="):
        np.cumulative_sum(x)


def test_differences_are_numpys():
    x = np.array([[1.0, 4.0, 9.0, 16.0], [0.0, 1.0, 0.0, 1.0]])
    for keywords in ({}, {"n": 2}, {"n": 0}, {"n": 7}, {"axis": 0}, {"prepend": 0.0}, {"append": x[:, :2], "n": 2}):
        np.testing.assert_array_equal(np.asarray(np.diff(pb.array(x), **keywords)), np.diff(x, **keywords))
    flags = np.array([True, False, False])
    assert np.diff(pb.array(flags)).tolist() == np.diff(flags).tolist()
    check_grads(lambda x, y: np.diff(x, n=2, prepend=y), (x, x[:, :1]))
    with pytest.raises(ArgumentError, match="diff: expected n of at least 0"):
        np.diff(pb.array(x), n=-1)
    with pytest.raises(ShapeError, match="diff: expected at least one axis"):
        np.diff(pb.array(1.0))
