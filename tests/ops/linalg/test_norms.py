"""Norms and condition numbers, at kinks and ties too."""

import numpy as np
import pytest
from matrices import DTYPES, draw, unitary, with_singular_values

import pullback as pb
from pullback.errors import LinAlgError
from pullback.testing import check_grads

VECTOR_ORDERS = [None, 2, 1, np.inf, -np.inf, 3, 1.5, 0.5, 0, -1, -2]
MATRIX_ORDERS = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ord", VECTOR_ORDERS)
def test_norms_of_vectors(dtype, ord):
    x = draw(dtype, 3, 4)
    np.testing.assert_allclose(np.linalg.norm(pb.array(x), ord, axis=0), np.linalg.norm(x, ord, axis=0))
    check_grads(lambda x: np.linalg.norm(x, ord, axis=0), (pb.array(x),))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ord", MATRIX_ORDERS)
def test_norms_of_matrices(dtype, ord):
    x = draw(dtype, 2, 3, 4)
    np.testing.assert_allclose(np.linalg.norm(pb.array(x), ord, (2, 0), True), np.linalg.norm(x, ord, (2, 0), True))
    check_grads(lambda x: np.linalg.norm(x, ord, axis=(2, 0)), (pb.array(x),))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ord", [one for one in VECTOR_ORDERS if one is None or one >= 0] + [-np.inf])
def test_at_zero_the_derivatives_of_a_vector_norm_are_zero_to_second_order(dtype, ord):
    _all_derivatives_vanish(lambda x: np.linalg.norm(x, ord), np.zeros(3, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ord", MATRIX_ORDERS)
def test_at_zero_the_derivatives_of_a_matrix_norm_are_zero_to_second_order(dtype, ord):
    _all_derivatives_vanish(lambda x: np.linalg.norm(x, ord), np.zeros((3, 2), dtype))


def _all_derivatives_vanish(f, zero):
    t = draw(complex if zero.dtype.kind == "c" else float, *zero.shape)
    assert not pb.grad(f)(zero).any()
    assert pb.jvp(f, (zero,), (t,))[1] == 0
    assert not pb.grad(lambda x: np.sum(np.real(np.conj(t) * pb.grad(f)(x))))(zero).any()
    assert not pb.hvp(f, zero, t).any()
    assert pb.jvp(lambda x: pb.jvp(f, (x,), (t,))[1], (zero,), (t,))[1] == 0


@pytest.mark.parametrize("p", [0.5, 1.5, 3])
def test_an_element_that_is_zero_is_a_kink_with_derivative_zero(p):
    x = np.array([0.0, 3.0, 4.0])
    gradient = pb.grad(lambda x: np.linalg.norm(x, p))(x)
    assert gradient[0] == 0
    np.testing.assert_allclose(gradient[1:], pb.grad(lambda x: np.linalg.norm(x, p))(x[1:]))
    assert np.isfinite(pb.hessian(lambda x: np.linalg.norm(x, p))(x)).all()


def test_ties_share():
    np.testing.assert_allclose(pb.grad(lambda x: np.linalg.norm(x, np.inf))(np.array([2.0, -2.0, 1.0])), [0.5, -0.5, 0])
    np.testing.assert_allclose(pb.grad(lambda x: np.linalg.norm(x, 2))(np.eye(3)), np.eye(3) / 3, atol=1e-15)
    np.testing.assert_allclose(pb.grad(lambda x: np.linalg.norm(x, -2))(np.eye(3)), np.eye(3) / 3, atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", [[3.0, 2.0], [2.0, 2.0], [2.0, 0.0]])
def test_the_gradient_of_the_nuclear_norm_is_the_polar_factor(dtype, values):
    a = with_singular_values(dtype, values, 3, 3)
    u, s, vh = np.linalg.svd(a)
    kept = s > 1e-12
    expected = u[:, kept] @ vh[kept]
    np.testing.assert_allclose(pb.grad(lambda a: np.linalg.norm(a, "nuc"))(a), expected, atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ord", ["fro", "nuc", 2])
def test_turning_leaves_the_norm_and_turns_its_gradient(dtype, ord):
    a, left, right = draw(dtype, 3, 4), unitary(dtype, 3, seed=3), unitary(dtype, 4, seed=4)
    gradient = pb.grad(lambda a: np.linalg.norm(a, ord))
    np.testing.assert_allclose(gradient(left @ a @ right), left @ gradient(a) @ right, atol=1e-13)


@pytest.mark.parametrize("ord", VECTOR_ORDERS)
def test_vector_norm_takes_several_axes_as_one(ord):
    x = draw(float, 2, 3, 4)
    order = 2 if ord is None else ord
    found = pb.linalg.vector_norm(x, axis=(2, 0), ord=order, keepdims=True)
    np.testing.assert_allclose(found, np.linalg.vector_norm(x, axis=(2, 0), ord=order, keepdims=True))
    whole = pb.linalg.vector_norm(x, ord=order)
    np.testing.assert_allclose(whole, np.linalg.vector_norm(x, ord=order))


def test_half_precision_has_norms_of_vectors():
    x = np.array([3.0, 4.0], np.float16)
    found = np.linalg.norm(pb.array(x))
    assert (found.dtype, found.item()) == (np.float16, 5.0)


@pytest.mark.parametrize("p", [None, *(one for one in MATRIX_ORDERS if one is not None)])
def test_condition_numbers_differentiate(p):
    a = draw(float, 2, 3, 3)
    np.testing.assert_allclose(np.linalg.cond(pb.array(a), p), np.linalg.cond(a, p))
    check_grads(lambda a: np.linalg.cond(a, p), (pb.array(a + 2 * np.eye(3)),))


@pytest.mark.parametrize("p", [None, 1, "fro"])
def test_of_a_singular_matrix_the_condition_is_infinite(p):
    stack = np.stack([np.diag([2.0, 0.0]), np.eye(2)])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(np.linalg.cond(pb.array(stack), p), np.linalg.cond(stack, p))


def test_nothing_has_no_condition():
    with pytest.raises(LinAlgError, match=r"linalg\.cond: expected matrices with elements"):
        np.linalg.cond(pb.array(np.zeros((0, 0))))


@pytest.mark.parametrize("ord", [None, 1, 2, np.inf, 3])
def test_of_nothing_the_norm_is_zero(ord):
    found = np.linalg.norm(pb.array(np.zeros((0, 2))), ord, axis=0)
    np.testing.assert_array_equal(found, [0, 0])
    assert pb.grad(lambda x: np.linalg.norm(x, ord))(np.zeros(0)).shape == (0,)
