"""Powers and exponentials of matrices, products of many."""

import numpy as np
import pytest
import scipy.linalg
from matrices import DTYPES, adjoint, draw

import pullback as pb
from pullback.errors import LinAlgError
from pullback.testing import check_grads


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 6])
def test_powers(dtype, n):
    a = draw(dtype, 2, 2, 2)
    np.testing.assert_allclose(np.linalg.matrix_power(pb.array(a), n), np.linalg.matrix_power(a, n))
    check_grads(lambda a: np.linalg.matrix_power(a, n), (pb.array(a),), rtol=1e-5)


def test_powers_of_integers_are_integers():
    found = np.linalg.matrix_power(pb.array([[1, 1], [0, 1]]), 5)
    np.testing.assert_array_equal(found, [[1, 5], [0, 1]])
    assert found.dtype == np.int64
    with pytest.raises(LinAlgError, match="matrix_power: expected an invertible matrix"):
        np.linalg.matrix_power(pb.array([[1, 1], [1, 1]]), -1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_exponential_has_frechets_derivative(dtype):
    a, t = draw(dtype, 3, 3), draw(dtype, 3, 3, seed=1)
    value, tangent = pb.jvp(pb.linalg.expm, (a,), (t,))
    expected, moved = scipy.linalg.expm_frechet(a, t)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(tangent, moved)
    gradient = pb.grad(lambda a: np.sum(np.real(np.conj(t) * pb.linalg.expm(a))))(a)
    np.testing.assert_allclose(gradient, scipy.linalg.expm_frechet(adjoint(a), t, compute_expm=False))
    check_grads(pb.linalg.expm, (pb.array(a),), rtol=1e-5)


def test_the_trace_of_the_exponential_has_the_exponential_as_gradient():
    a = draw(float, 3, 3)
    np.testing.assert_allclose(pb.grad(lambda a: np.trace(pb.linalg.expm(a)))(a), scipy.linalg.expm(a).T)


def test_the_exponential_of_a_turning_is_cosine_and_sine_to_third_order():
    def turned(angle):
        return pb.linalg.expm(angle * np.array([[0.0, -1.0], [1.0, 0.0]]))[1, 0]

    third = pb.grad(pb.grad(pb.grad(turned)))
    np.testing.assert_allclose(third(0.7), -np.cos(0.7))


def test_a_product_of_many_is_multiplied_in_the_best_order():
    shapes = [(30, 2), (2, 40), (40, 3), (3, 50)]
    factors = [pb.array(draw(float, *shape, seed=i), requires_grad=True) for i, shape in enumerate(shapes)]
    product = np.linalg.multi_dot(factors)
    np.testing.assert_allclose(product.detach(), np.linalg.multi_dot([np.asarray(one.detach()) for one in factors]))
    # (A ((B C) D)): the product of the first with the rest comes last.
    assert product.node.inputs[0] is factors[0].node
    check_grads(
        lambda *factors: np.linalg.multi_dot(factors), tuple(draw(float, *shape) for shape in [(2, 3), (3, 1), (1, 4)])
    )
