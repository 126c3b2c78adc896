"""Cholesky's and QR factorization."""

import numpy as np
import pytest
from matrices import DTYPES, adjoint, draw, hermitian

import pullback as pb
from pullback.errors import LinAlgError, NotDifferentiableError
from pullback.testing import check_grads


def definite(x):
    return x @ adjoint(x) + 3 * np.eye(x.shape[-1])


# Cholesky -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_differentiates_to_second_order(dtype, upper):
    check_grads(lambda x: np.linalg.cholesky(definite(x), upper=upper), (pb.array(draw(dtype, 2, 3, 3)),))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_is_hermitian_and_that_of_the_log_determinant_the_inverse(dtype):
    a = definite(draw(dtype, 3, 3))

    def log_determinant(a):
        return 2 * np.sum(np.log(np.real(np.diagonal(np.linalg.cholesky(a)))))

    np.testing.assert_allclose(pb.grad(log_determinant)(a), np.linalg.inv(a), atol=1e-14)


def test_of_one_triangle_that_is_given_the_derivative_is_refused_and_the_way_out_works():
    a = definite(draw(float, 3, 3))
    lower = np.tril(a)
    np.testing.assert_allclose(np.linalg.cholesky(pb.array(lower)), np.linalg.cholesky(a))
    with pytest.raises(NotDifferentiableError, match="expected a Hermitian matrix, got one whose triangles differ"):
        pb.grad(lambda a: np.sum(np.linalg.cholesky(a)))(lower)
    with pytest.raises(NotDifferentiableError, match="expected a Hermitian matrix"):
        pb.jvp(np.linalg.cholesky, (lower,), (lower,))

    def filled(a):
        return np.linalg.cholesky(np.tril(a) + np.tril(a, -1).mT)

    check_grads(filled, (pb.array(lower),))


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.diag([1.0, -1.0]), "expected a positive definite matrix, got one of shape"),
        (np.stack([np.eye(2), -np.eye(2)]), "expected a positive definite matrix, got one in a stack of shape"),
    ],
)
def test_what_is_not_positive_definite_is_named(matrix, words):
    with pytest.raises(LinAlgError, match=f"cholesky: {words}"):
        np.linalg.cholesky(pb.array(matrix))


def test_a_batch_of_gradients_is_a_loop():
    stack = definite(draw(float, 4, 3, 3))
    gradient = pb.grad(lambda a: np.sum(np.linalg.cholesky(a) ** 3))
    np.testing.assert_allclose(pb.vmap(gradient)(stack), np.stack([gradient(a) for a in stack]))


# QR -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 3), (3, 3), (2, 4), (2, 3, 2)])
def test_qr_differentiates_to_second_order(dtype, shape):
    check_grads(lambda x: tuple(np.linalg.qr(x)), (pb.array(draw(dtype, *shape)),))


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_does_not_depend_on_the_factorization_has_no_derivative_by_it(dtype):
    a = draw(dtype, 4, 3)
    product = pb.grad(lambda a: np.sum(np.real(np.linalg.qr(a).Q @ np.linalg.qr(a).R)))(a)
    np.testing.assert_allclose(product, np.ones((4, 3)), atol=1e-13)
    orthonormal = pb.grad(lambda a: np.sum(abs(adjoint(np.linalg.qr(a).Q) @ np.linalg.qr(a).Q) ** 2))(a)
    np.testing.assert_allclose(orthonormal, np.zeros((4, 3)), atol=1e-13)


def test_turning_the_rows_leaves_r():
    a, turn = draw(float, 4, 3), np.linalg.qr(draw(float, 4, 4, seed=1))[0]
    r = np.linalg.qr(pb.array(a)).R.numpy()
    turned = np.linalg.qr(pb.array(turn @ a)).R.numpy()
    np.testing.assert_allclose(abs(turned), abs(r))


def test_modes():
    a = pb.array(draw(float, 4, 2))
    np.testing.assert_allclose(np.linalg.qr(a, mode="r"), np.linalg.qr(a).R)
    assert np.linalg.qr(a, mode="complete").Q.shape == (4, 4)
    square = pb.array(draw(float, 2, 2), requires_grad=True)
    assert np.linalg.qr(square, mode="complete").Q.requires_grad
    with pytest.raises(NotDifferentiableError, match="mode 'complete' adds 2 arbitrary columns"):
        pb.grad(lambda a: np.sum(np.linalg.qr(a, mode="complete").Q))(a)


def test_dependent_columns_have_no_derivative():
    a = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]])
    for derivative in (
        lambda: pb.grad(lambda a: np.sum(np.linalg.qr(a).R))(a),
        lambda: pb.jvp(lambda a: np.linalg.qr(a).R, (a,), (a,)),
    ):
        with pytest.raises(LinAlgError, match="qr: expected linearly independent columns"):
            derivative()


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0), (0, 3, 2)])
def test_empty_matrices(shape):
    found = pb.grad(lambda a: np.sum(np.linalg.qr(a).Q) + np.sum(np.linalg.qr(a).R))(np.zeros(shape))
    assert found.shape == shape


def test_a_hermitian_part_is_its_own_transpose():
    a = hermitian(draw(complex, 3, 3))
    t = hermitian(draw(complex, 3, 3, seed=1))
    value, tangent = pb.jvp(np.linalg.eigvalsh, (a,), (t,))
    np.testing.assert_allclose(np.sum(tangent), np.trace(t).real)
    np.testing.assert_allclose(np.sum(value), np.trace(a).real)
