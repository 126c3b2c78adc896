"""Pseudo-inverse, least squares and rank."""

import numpy as np
import pytest
from matrices import DTYPES, adjoint, draw, with_singular_values

import pullback as pb
from pullback.errors import ArgumentError
from pullback.testing import check_grads


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3), (2, 3, 2)])
def test_at_full_rank_it_differentiates_as_by_the_normal_equations(dtype, shape):
    a, c = draw(dtype, *shape), draw(dtype, *shape, seed=1)

    def explicit(a):
        if shape[-2] >= shape[-1]:
            return np.linalg.solve(adjoint(a) @ a, adjoint(a))
        return adjoint(a) @ np.linalg.inv(a @ adjoint(a))

    def gradient(inverse):
        return pb.grad(lambda a: np.sum(np.real(np.conj(adjoint(c)) * inverse(a))))(a)

    np.testing.assert_allclose(gradient(np.linalg.pinv), gradient(explicit), rtol=1e-9)
    check_grads(np.linalg.pinv, (pb.array(a),))


@pytest.mark.parametrize("dtype", DTYPES)
def test_below_full_rank_the_derivative_is_by_matrices_of_that_rank(dtype):
    left, right = draw(dtype, 4, 2), draw(dtype, 2, 3, seed=1)
    check_grads(lambda left, right: np.linalg.pinv(left @ right, rcond=1e-10), (pb.array(left), pb.array(right)))


def test_cutoffs():
    a = pb.array(np.diag([1.0, 1e-3]))
    np.testing.assert_allclose(np.linalg.pinv(a, 1e-2), np.diag([1.0, 0.0]))
    np.testing.assert_allclose(np.linalg.pinv(a, rtol=1e-2), np.diag([1.0, 0.0]))
    np.testing.assert_allclose(np.linalg.pinv(a, rtol=None), np.diag([1.0, 1e3]))
    np.testing.assert_allclose(np.linalg.pinv(a, hermitian=True), np.diag([1.0, 1e3]))
    with pytest.raises(ArgumentError, match="pinv: expected rcond or rtol, got both"):
        np.linalg.pinv(a, 0.1, rtol=0.1)


def test_the_inverse_of_the_zero_matrix_is_zero_with_derivative_zero():
    assert not pb.grad(lambda a: np.sum(np.linalg.pinv(a)))(np.zeros((2, 3))).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3)])
@pytest.mark.parametrize("columns", [(), (2,)])
def test_least_squares_differentiate_to_second_order(dtype, shape, columns):
    a, b = draw(dtype, *shape), draw(dtype, shape[0], *columns, seed=1)
    check_grads(lambda a, b: np.linalg.lstsq(a, b)[0], (pb.array(a), pb.array(b)))
    check_grads(lambda a, b: np.linalg.lstsq(a, b)[3], (pb.array(a), pb.array(b)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_residuals_differentiate(dtype):
    a, b = draw(dtype, 4, 2), draw(dtype, 4, 3, seed=1)
    found = np.linalg.lstsq(pb.array(a), b)
    for one, other in zip(found, np.linalg.lstsq(a, b), strict=True):
        np.testing.assert_allclose(one, other)
    check_grads(lambda a, b: np.linalg.lstsq(a, b)[1], (pb.array(a), pb.array(b)))


def test_least_squares_below_full_rank():
    a, b = with_singular_values(float, [2.0, 1.0], 4, 3), draw(float, 4)
    found = np.linalg.lstsq(pb.array(a), b)
    for one, other in zip(found, np.linalg.lstsq(a, b), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-13)
    left, right = draw(float, 4, 2), draw(float, 2, 3, seed=1)
    check_grads(lambda x, y, b: np.linalg.lstsq(x @ y, b, 1e-10)[0], tuple(map(pb.array, (left, right, b))))


def test_least_squares_are_batched_and_traced():
    a, b = draw(float, 3, 4, 2), draw(float, 3, 4)
    expected = np.stack([np.linalg.lstsq(*one)[0] for one in zip(a, b, strict=True)])
    np.testing.assert_allclose(pb.vmap(lambda a, b: np.linalg.lstsq(a, b)[0])(a, b), expected)
    graph = pb.trace(lambda a, b: np.linalg.lstsq(a, b)[1], a[0], b[0])
    np.testing.assert_allclose(graph.forward(a[0], b[0]).values["out"], np.linalg.lstsq(a[0], b[0])[1])


def test_the_rank_is_an_integer_without_derivative():
    a = pb.array(np.diag([1.0, 1e-3, 0.0]), requires_grad=True)
    rank = np.linalg.matrix_rank(a)
    assert (rank.item(), rank.requires_grad) == (2, False)
    assert np.linalg.matrix_rank(a, tol=1e-2).item() == 1
    assert np.linalg.matrix_rank(a, rtol=1e-2).item() == 1
    assert np.linalg.matrix_rank(a, hermitian=True).item() == 2
    assert np.linalg.matrix_rank(pb.array([0.0, 2.0])).item() == 1
    np.testing.assert_array_equal(np.linalg.matrix_rank(pb.array(np.stack([np.eye(2), np.ones((2, 2))]))), [2, 1])
