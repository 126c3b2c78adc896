"""Inverses and systems of equations."""

import numpy as np
import pytest
import scipy.linalg
from matrices import DTYPES, adjoint, draw

import pullback as pb
from pullback.errors import ArgumentError, LinAlgError, PullbackError

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_of_an_inverse_is_the_closed_form(dtype):
    a, c = draw(dtype, 3, 3), draw(dtype, 3, 3, seed=1)
    found = pb.grad(lambda a: np.sum(np.real(c.conj() * np.linalg.inv(a))))(a)
    b = adjoint(np.linalg.inv(a))
    np.testing.assert_allclose(found, -b @ c @ b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_solving_agrees_with_multiplying_by_the_inverse_to_second_order(dtype):
    a, b, c = draw(dtype, 2, 3, 3), draw(dtype, 3, 2), draw(dtype, 2, 3, 2, seed=1)

    def curvature(solver):
        def f(a, b):
            return np.sum(np.real(c.conj() * solver(a, b)) ** 2)

        return pb.grad(lambda a, b: sum(np.sum(abs(one) ** 4) for one in pb.grad(f, (0, 1))(a, b)), (0, 1))

    found = curvature(np.linalg.solve)(a, b)
    expected = curvature(lambda a, b: np.linalg.inv(a) @ b)(a, b)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7)


def test_b_is_a_vector_only_with_one_axis_as_in_numpy_2():
    a, b = draw(float, 3, 3, 3), draw(float, 3, 3, seed=1)
    x = pb.array(b, requires_grad=True)
    np.testing.assert_allclose(np.linalg.solve(a, x).detach(), np.linalg.solve(a, b))
    np.testing.assert_allclose(np.linalg.solve(a, x[0]).detach(), np.linalg.solve(a, b[0]))


@pytest.mark.parametrize("call", [pb.linalg.inv, lambda a: pb.linalg.solve(a, np.ones(2)), pb.linalg.tensorinv])
@pytest.mark.parametrize("stack", [SINGULAR, np.stack([np.eye(2), SINGULAR])], ids=["one", "stack"])
def test_a_singular_matrix_is_named(call, stack):
    if call is pb.linalg.tensorinv:
        stack, call = SINGULAR, lambda a: pb.linalg.tensorinv(a, ind=1)
    with pytest.raises(LinAlgError, match=r"expected an invertible matrix, got one (of|in a stack of) shape") as caught:
        call(stack)
    assert isinstance(caught.value, np.linalg.LinAlgError)
    assert "test_solving.py" in str(caught.value)


def test_a_graph_raises_for_a_singular_matrix_when_it_runs():
    graph = pb.trace(np.linalg.inv, np.eye(2))
    with pytest.raises(LinAlgError, match="inv: expected an invertible matrix"):
        graph.forward(SINGULAR)


@pytest.mark.parametrize("trans", [0, "T", 2])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangular_systems_read_one_triangle_and_differentiate_by_no_more(trans, lower, unit):
    a, b = draw(complex, 3, 3) + 3 * np.eye(3), draw(complex, 3, seed=1)
    keywords = {"trans": trans, "lower": lower, "unit_diagonal": unit}

    def f(a, b):
        return pb.linalg.solve_triangular(a, b, **keywords)

    np.testing.assert_allclose(f(a, b), scipy.linalg.solve_triangular(a, b, **keywords))
    pb.testing.check_grads(f, (a, b))
    gradient = pb.grad(lambda a: np.sum(abs(f(a, b))))(a)
    unread = np.triu(gradient, 0 if unit else 1) if lower else np.tril(gradient, 0 if unit else -1)
    assert not unread.any()


def test_a_zero_on_the_diagonal_of_a_triangle_is_named():
    with pytest.raises(LinAlgError, match=r"got a zero at \(1, 1\) of the diagonal"):
        pb.linalg.solve_triangular(np.array([[1.0, 2.0], [0.0, 0.0]]), np.ones(2))


def test_nan_is_refused_or_computed_with_as_check_finite_says():
    a = np.array([[1.0, np.nan], [0.0, 1.0]])
    with pytest.raises(ArgumentError, match="expected finite numbers"):
        pb.linalg.solve_triangular(a, np.ones(2))
    assert np.isnan(np.asarray(pb.linalg.solve_triangular(a, np.ones(2), check_finite=False)[0]))


@pytest.mark.parametrize("shape", [(0, 0), (2, 0, 0), (0, 3, 3)])
def test_empty_matrices_have_empty_inverses_and_gradients(shape):
    found = pb.grad(lambda a: np.sum(np.linalg.inv(a)))(np.zeros(shape))
    assert found.shape == shape


def test_half_precision_is_refused_by_name():
    with pytest.raises(PullbackError, match="solve: expected float32, float64 or their complex counterparts"):
        np.linalg.solve(pb.array(np.eye(2, dtype=np.float16)), np.ones(2))


def test_integers_become_float64():
    assert np.linalg.solve(pb.array([[2, 0], [0, 4]]), np.ones(2, np.float32)).dtype == np.float64
