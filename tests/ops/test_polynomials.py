"""Polynomials: against closed forms, where values must be known, and warnings."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ConcretizationError
from pullback.testing import check_grads


def test_the_derivative_of_a_value_is_the_value_of_the_derivative():
    p = np.array([2.0, -1.0, 0.0, 3.0])
    assert pb.grad(lambda x: np.polyval(p, x))(1.5) == np.polyval(np.polyder(p), 1.5)
    assert pb.grad(lambda p: np.polyval(p, 2.0))(p).tolist() == [8.0, 4.0, 2.0, 1.0]


def test_powers_have_exact_derivatives_at_zero():
    jacobian = pb.jacobian(lambda x: np.vander(x, 4, increasing=True))(np.array([0.0]))
    assert jacobian.ravel().tolist() == [0.0, 1.0, 0.0, 0.0]


def test_roots_move_as_the_implicit_function_theorem_says():
    p = np.array([1.0, -6.0, 11.0, -6.0])
    roots = np.roots(p)
    jacobian = pb.jacobian(lambda p: np.roots(p))(p)
    expected = -np.vander(roots, 4) / np.polyval(np.polyder(p), roots)[:, None]
    np.testing.assert_allclose(jacobian, expected, rtol=1e-8)
    check_grads(lambda x: np.poly(np.roots(np.poly(x))), (np.array([1.0, 2.5, -3.0]),))
    assert np.roots(pb.array([0.0, 1.0, -1.0, 0.0])).tolist() == [1.0, 0.0]


def test_a_characteristic_polynomial_is_differentiated():
    matrix = np.array([[2.0, 1.0], [0.5, -1.0]])
    np.testing.assert_allclose(np.asarray(np.poly(pb.array(matrix))), np.poly(matrix))
    np.testing.assert_allclose(pb.grad(lambda a: np.poly(a)[1])(matrix), -np.eye(2), atol=1e-12)
    np.testing.assert_allclose(pb.grad(lambda a: np.poly(a)[2])(matrix), [[-1.0, -0.5], [-1.0, 2.0]], atol=1e-12)


def test_a_fit_is_linear_in_the_values_and_takes_no_matrix_of_derivatives():
    x = np.linspace(-1.0, 1.0, 9)
    jacobian = pb.jacobian(lambda y: np.polyfit(x, y, 2))(np.zeros(9))
    np.testing.assert_allclose(jacobian, np.linalg.pinv(np.vander(x, 3)), atol=1e-12)
    n = 20_000
    x = np.linspace(-1.0, 1.0, n)
    gradient = pb.grad(lambda x, y: np.polyfit(x, y, 3).sum(), (0, 1))(x, np.sin(3 * x))  # n by n would not fit
    assert [one.shape for one in gradient] == [(n,), (n,)]


def test_a_fit_that_the_points_do_not_determine_is_warned_of():
    with pytest.warns(np.exceptions.RankWarning, match="the points do not determine all coefficients well"):
        np.polyfit(pb.array([1.0, 1.0, 1.0]), [1.0, 2.0, 3.0], 2)


def test_what_drops_zeros_needs_values():
    for call, words in (
        (lambda p: np.polymul(p, p), "polymul, which drops zeros in front"),
        (lambda p: np.roots(p), "roots, which drops zeros at the ends"),
        (lambda p: np.polydiv(p, [1.0, 2.0]), "polydiv, whose remainder"),
        (lambda p: np.poly(p * 1j), "poly of complex roots"),
    ):
        with pytest.raises(ConcretizationError, match=words):
            pb.trace(call, np.ones(3))
    assert pb.trace(lambda p: np.polyadd(p, np.polyint(p)), np.ones(3)).outputs[0].aval.shape == (4,)


def test_division_undoes_multiplication():
    u, v = np.array([1.0, -3.0, 2.0, 5.0]), np.array([2.0, 1.0])
    quotient, rest = np.polydiv(pb.array(u), v)
    np.testing.assert_allclose(np.asarray(np.polyadd(np.polymul(quotient, v), rest)), u)
