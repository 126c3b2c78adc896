"""Determinants, where matrices are singular as well."""

import numpy as np
import pytest
from matrices import DTYPES, adjoint, draw, with_singular_values

import pullback as pb
from pullback.errors import LinAlgError
from pullback.testing import check_grads


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_is_the_cofactors(dtype):
    a = draw(dtype, 2, 3, 3)
    found = pb.grad(lambda a: np.sum(np.real(np.linalg.det(a))))(a)
    np.testing.assert_allclose(found, np.linalg.det(a).conj()[:, None, None] * adjoint(np.linalg.inv(a)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", [[2.0, 1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
def test_singular_matrices_have_two_derivatives(dtype, values):
    a = with_singular_values(dtype, values, 3, 3)
    check_grads(np.linalg.det, (pb.array(a),), order=2)


def test_the_gradient_at_rank_n_minus_2_is_zero_and_the_hessian_is_not():
    a = np.diag([1.0, 0.0, 0.0])
    assert not pb.grad(np.linalg.det)(a).any()
    hessian = pb.hessian(np.linalg.det)(a)
    assert hessian[1, 1, 2, 2] == 1
    assert hessian[1, 2, 2, 1] == -1


def test_a_third_derivative_is_known_where_the_matrix_is_not_singular_and_refused_where_it_is():
    t = draw(float, 3, 3, seed=1)

    def third(a):
        return pb.grad(lambda a: np.sum(t * pb.grad(lambda a: np.sum(t * pb.grad(np.linalg.det)(a)))(a)))(a)

    # det(a + s t) is cubic in s: its third derivative is 6 det(t) everywhere.
    a = draw(float, 3, 3) + 3 * np.eye(3)
    np.testing.assert_allclose(np.sum(t * third(a)), 6 * np.linalg.det(t))
    with pytest.raises(LinAlgError, match="singular to working precision"):
        third(np.diag([1.0, 1.0, 0.0]))


def test_in_two_dimensions_everything_is_polynomial():
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(pb.grad(np.linalg.det)(a), [[4.0, -2.0], [-2.0, 1.0]], atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_of_the_logarithm_is_the_inverse(dtype):
    a = draw(dtype, 2, 3, 3)
    found = pb.grad(lambda a: np.sum(np.linalg.slogdet(a).logabsdet))(a)
    np.testing.assert_allclose(found, adjoint(np.linalg.inv(a)))


def test_the_sign_of_a_complex_determinant_has_a_derivative_and_a_real_one_is_constant():
    a = draw(complex, 3, 3)
    check_grads(lambda a: np.linalg.slogdet(a).sign ** 2, (pb.array(a),))
    assert not pb.grad(lambda a: np.linalg.slogdet(a).sign)(a.real).any()
    assert pb.jvp(lambda a: np.linalg.slogdet(a).sign, (a.real,), (a.real,))[1] == 0


def test_of_a_singular_matrix_the_logarithm_is_minus_infinity_and_has_no_derivative():
    a = np.diag([1.0, 0.0])
    sign, logarithm = np.linalg.slogdet(pb.array(a))
    assert (sign.item(), logarithm.item()) == (0.0, -np.inf)
    for derivative in (
        lambda: pb.grad(lambda a: np.linalg.slogdet(a)[1])(a),
        lambda: pb.jvp(lambda a: np.linalg.slogdet(a)[1], (a,), (a,)),
    ):
        with pytest.raises(LinAlgError, match=r"slogdet: expected an invertible matrix.* Use det"):
            derivative()


def test_det_and_slogdet_agree():
    a = draw(float, 4, 4)
    sign, logarithm = np.linalg.slogdet(pb.array(a))
    np.testing.assert_allclose(sign.item() * np.exp(logarithm.item()), np.linalg.det(a))
    by_logarithm = pb.grad(lambda a: np.prod(np.exp(np.linalg.slogdet(a)[1])))(a) * sign.item()
    np.testing.assert_allclose(by_logarithm, pb.grad(np.linalg.det)(a))


@pytest.mark.parametrize("function", [np.linalg.det, lambda a: np.linalg.slogdet(a)[1]])
def test_of_nothing_the_determinant_is_one(function):
    assert pb.grad(function)(np.zeros((0, 0))).shape == (0, 0)


def test_nan_stays_nan():
    with np.errstate(invalid="ignore"):  # NumPy warns
        gradient = pb.grad(np.linalg.det)(np.full((2, 2), np.nan))
    assert np.isnan(gradient).all()
