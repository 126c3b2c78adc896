"""The stable logarithm of a sum of exponentials."""

import numpy as np
import pytest
import scipy.special

import pullback as pb
from pullback.core.operations import operations
from pullback.testing import check_grads

logsumexp = operations.logsumexp
INF, NAN = np.inf, np.nan
ROWS = [
    [1.0, 2.0, 3.0],
    [1000.0, 1000.0, -1000.0],
    [-1000.0, -1001.0, -1002.0],
    [-INF, -INF, -INF],
    [-INF, 0.0, -INF],
    [INF, 0.0, -INF],
    [INF, INF, 0.0],
    [NAN, 0.0, 1.0],
    [NAN, INF, 1.0],
    [0.0, -50.0, -60.0],
]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "D"])
def test_value_and_dtype_are_scipys(dtype):
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(dtype)
    tolerance = 8 * np.finfo(dtype).eps
    for axis in (None, 0, -1, (0, 2)):
        for keepdims in (False, True):
            expected = scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)
            found = logsumexp(x, axis=axis, keepdims=keepdims)
            assert found.dtype == expected.dtype
            assert found.shape == np.shape(expected)
            np.testing.assert_allclose(found, expected, rtol=tolerance)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_large_small_and_infinite_rows_are_scipys(row):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(logsumexp(row), scipy.special.logsumexp(row), rtol=1e-14)


def test_what_is_far_below_the_largest_is_not_lost():
    np.testing.assert_allclose(logsumexp([0.0, -50.0]).item(), np.log1p(np.exp(-50.0)), rtol=1e-14)


def test_nothing_and_integers():
    assert logsumexp(np.empty(0)).item() == -INF
    assert logsumexp(np.empty((0, 2)), axis=0).tolist() == [-INF, -INF]
    assert logsumexp(np.array([1, 1])).dtype == np.float64


def test_weights_are_scipys():
    a = np.array([[1.0, 2.0, 3.0], [1.0, 2e3, 3.0], [-INF, 0.0, 1.0]])
    for b in ([1.0, 2.0, 3.0], [1.0, 0.0, 2.0], [[1.0], [2.0], [0.5]], 2, [2.0, -1.0, 1.0]):
        with np.errstate(all="ignore"):
            expected = scipy.special.logsumexp(a, axis=1, b=b)
            np.testing.assert_allclose(logsumexp(a, axis=1, b=b), expected, rtol=1e-13)
    check_grads(lambda a, b: logsumexp(a, axis=0, b=b), (np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[1.0], [2.0]])))


@pytest.mark.parametrize(
    ("row", "gradient"),
    [
        ([0.0, np.log(3.0)], [0.25, 0.75]),
        ([1000.0, 1000.0], [0.5, 0.5]),
        ([-1000.0, -1000.0], [0.5, 0.5]),
        ([-INF, -INF], [0.0, 0.0]),
        ([-INF, 5.0], [0.0, 1.0]),
        ([INF, 5.0], [1.0, 0.0]),
        ([INF, INF], [0.5, 0.5]),
        ([INF, -INF], [1.0, 0.0]),
    ],
)
def test_gradient_is_the_softmax_also_at_infinities(row, gradient):
    row = np.array(row)
    np.testing.assert_allclose(pb.grad(lambda x: logsumexp(x))(row), gradient, rtol=1e-12)
    tangent = pb.jvp(lambda x: logsumexp(x), (row,), (np.array([1.0, 2.0]),))[1]
    np.testing.assert_allclose(tangent, np.dot(gradient, [1.0, 2.0]), rtol=1e-12)
    p = np.array(gradient)
    np.testing.assert_allclose(pb.hessian(lambda x: logsumexp(x))(row), np.diag(p) - np.outer(p, p), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_the_sign_of_the_sum_is_scipys(dtype):
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(3, 4)) * 300, generator.normal(size=(3, 4))
    a = (a + 1j * b if dtype is np.complex128 else a).astype(dtype)
    for axis, weights in ((None, None), (0, b.astype(dtype)), ((0, 1), b[:, :1].astype(dtype))):
        ours = logsumexp(a, axis, weights, return_sign=True)
        theirs = scipy.special.logsumexp(a, axis, weights, return_sign=True)
        for one, other in zip(ours, theirs, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-5 if dtype is np.float32 else 1e-13)


def test_a_sum_that_is_negative_or_nothing_has_a_logarithm_beside_its_sign():
    for b, expected in (([1.0, -3.0], (np.log(2.0), -1.0)), ([1.0, -1.0], (-INF, 0.0)), ([INF, -1.0], (INF, 1.0))):
        np.testing.assert_allclose(logsumexp([0.0, 0.0], b=b, return_sign=True), expected)
    assert np.isnan(logsumexp([0.0, 0.0], b=[1.0, -3.0]))
    x = np.array([0.0, 0.5])
    check_grads(lambda x: logsumexp(x, b=[1.0, -3.0], return_sign=True)[0], (x,), order=2)
    assert pb.grad(lambda x: logsumexp(x, b=[1.0, -3.0], return_sign=True)[1])(x).tolist() == [0.0, 0.0]


def test_derivatives_over_axes_and_of_complex_numbers():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for axis in (None, 1, (0, 2)):
        check_grads(lambda x, axis=axis: logsumexp(x, axis=axis), (x,), order=2)
    check_grads(lambda z: logsumexp(z, axis=0), (x[:, :, 0] + 0.3j * x[:, :, 1],), order=2)


def test_rows_of_minus_infinity_among_others_do_not_disturb_them():
    x = np.array([[-INF, -INF], [0.0, 0.0]])
    assert pb.grad(lambda x: np.sum(logsumexp(x, axis=1)))(x).tolist() == [[0.0, 0.0], [0.5, 0.5]]


def test_it_is_the_reduction_of_logaddexp():
    x = np.array([[0.0, 1.0], [2.0, 3.0]])
    found = np.logaddexp.reduce(pb.array(x, requires_grad=True), axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(found.detach()), np.logaddexp.reduce(x, axis=1, keepdims=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transform", [lambda f: f, pb.compile], ids=["eager", "compiled"])
def test_the_derivative_does_not_lose_digits_to_a_large_total(dtype, transform):
    x = np.array([0.0, 1.0, 3.0], dtype)
    exact = np.exp(x.astype(float)) / np.exp(x.astype(float)).sum()
    for offset in (0.0, 1e4, -1e6):
        found = transform(pb.grad(pb.special.logsumexp))(x + dtype(offset))
        np.testing.assert_allclose(found, exact, rtol=4 * np.finfo(dtype).eps)
