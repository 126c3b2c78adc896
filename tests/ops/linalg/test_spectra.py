"""Eigenvalues and eigenvectors of matrices that need not be Hermitian."""

import numpy as np
import pytest
from matrices import DTYPES, draw

import pullback as pb
from pullback.errors import LinAlgError, NotDifferentiableError
from pullback.testing import check_grads

REAL = np.array([[2.0, 1.0, 0.0], [0.5, -1.0, 0.3], [0.0, 0.2, 0.5]])


@pytest.mark.parametrize(
    "a",
    [draw(float, 3, 3), REAL, draw(complex, 3, 3), draw(float, 2, 3, 3)],
    ids=["turning", "real", "complex", "stack"],
)
def test_values_and_vectors_differentiate_to_second_order(a):
    def f(a):
        values, vectors = np.linalg.eig(a)
        # The signs of vectors jump between neighbouring matrices; their phases do not.
        return values, vectors**2, np.linalg.eigvals(a)

    check_grads(f, (pb.array(a),))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_matrix_from_its_factors_has_derivative_one(dtype):
    a, t = draw(dtype, 3, 3), draw(dtype, 3, 3, seed=1)

    def again(a):
        values, vectors = np.linalg.eig(a)
        return (vectors * values) @ np.linalg.inv(vectors)

    np.testing.assert_allclose(pb.jvp(again, (a,), (t,))[1], t, atol=1e-12)
    gradient = pb.grad(lambda a: np.sum(np.real(again(a) * t.conj())))(a)
    np.testing.assert_allclose(gradient, t, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sum_and_product_of_the_eigenvalues_are_trace_and_determinant(dtype):
    a = draw(dtype, 3, 3)
    by_values = pb.grad(lambda a: np.real(np.sum(np.linalg.eigvals(a)) + np.prod(np.linalg.eigvals(a))))(a)
    np.testing.assert_allclose(by_values, pb.grad(lambda a: np.real(np.trace(a) + np.linalg.det(a)))(a), atol=1e-12)


def test_the_result_is_real_where_numpys_is():
    watched = pb.array(REAL, requires_grad=True)
    values, vectors = np.linalg.eig(watched)
    assert values.dtype == vectors.dtype == np.linalg.eigvals(watched).dtype == np.float64
    np.testing.assert_allclose(values.detach(), np.linalg.eigvals(REAL))
    assert np.linalg.eigvals(pb.array([[0.0, -1.0], [1.0, 0.0]])).dtype == np.complex128
    assert np.linalg.eigvals(pb.array(REAL)).dtype == np.float64


def test_while_the_values_are_not_known_the_result_is_complex():
    graph = pb.trace(np.linalg.eigvals, REAL)
    assert graph.outputs[0].aval.dtype == np.complex128
    found = pb.vmap(np.linalg.eigvals)(np.stack([REAL, 2 * REAL]))
    np.testing.assert_allclose(found[1], 2 * np.linalg.eigvals(REAL))


def test_equal_eigenvalues_share_their_gradient_and_have_no_vectors_to_differentiate():
    a = np.eye(2)
    np.testing.assert_allclose(pb.grad(lambda a: np.sum(np.linalg.eigvals(a)))(a), np.eye(2))
    np.testing.assert_allclose(pb.grad(lambda a: np.linalg.eigvals(a)[0])(a), np.eye(2) / 2)
    for derivative in (
        lambda: pb.grad(lambda a: np.sum(np.linalg.eig(a).eigenvectors))(a),
        lambda: pb.jvp(lambda a: np.linalg.eig(a).eigenvectors, (a,), (a,)),
    ):
        with pytest.raises(NotDifferentiableError, match=r"eig: expected distinct values .* \(at 0 and 1\)"):
            derivative()


def test_without_a_basis_of_eigenvectors_there_is_no_derivative():
    a = np.array([[0.0, 1.0], [0.0, 0.0]])
    for derivative in (
        lambda: pb.grad(lambda a: np.linalg.eigvals(a)[0])(a),
        lambda: pb.jvp(np.linalg.eigvals, (a,), (a,)),
    ):
        with pytest.raises(LinAlgError, match="eig: expected a matrix with a basis of eigenvectors, got a defective"):
            derivative()


def test_nan_is_refused_by_name():
    for function in (np.linalg.eig, np.linalg.eigvals):
        with pytest.raises(LinAlgError, match="expected finite numbers, got NaN or inf"):
            function(pb.array(np.full((2, 2), np.nan)))


def test_of_nothing_there_are_no_eigenvalues():
    assert pb.grad(lambda a: np.sum(abs(np.linalg.eigvals(a))))(np.zeros((0, 0))).shape == (0, 0)
    assert np.linalg.eig(pb.array(np.zeros((0, 0)))).eigenvectors.shape == (0, 0)


def test_eigenvalues_do_not_depend_on_the_basis():
    a, basis = draw(float, 3, 3), draw(float, 3, 3, seed=2) + 3 * np.eye(3)

    def gradient(a):
        return pb.grad(lambda a: np.sum(abs(np.linalg.eigvals(a)) ** 3))(a)

    turned = gradient(basis @ a @ np.linalg.inv(basis))
    np.testing.assert_allclose(basis.T @ turned @ np.linalg.inv(basis).T, gradient(a), atol=1e-11)
