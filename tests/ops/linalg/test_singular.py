"""Singular values and vectors, where values repeat and where they are 0."""

import numpy as np
import pytest
from matrices import DTYPES, adjoint, draw, inner, unitary, with_singular_values

import pullback as pb
from pullback.errors import LinAlgError, NotDifferentiableError
from pullback.testing import check_grads

SHAPES = [(3, 3), (4, 3), (3, 5)]
SPECIAL = [[2.0, 2.0, 0.5], [2.0, 1.0, 0.0], [2.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]


def odd_function_of(a, f, full=False):
    """``U f(s) V^H``."""
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    n = s.shape[-1]
    return (u[..., :n] * f(s)[..., None, :]) @ vh[..., :n, :]


def cubic(s):
    return s + s**3


def cubic_of(a):
    return a + a @ adjoint(a) @ a


# Distinct values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SHAPES, (2, 3, 2)])
def test_values_and_vectors_differentiate_to_second_order(dtype, shape):
    # Complex vectors too: each pair keeps one component real, as LAPACK leaves it.
    check_grads(lambda a: tuple(np.linalg.svd(a, full_matrices=False)), (pb.array(draw(dtype, *shape)),))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
def test_what_fills_the_vectors_up_is_differentiated_as_a_space(dtype, shape):
    def f(a):
        u, s, vh = np.linalg.svd(a)
        return u[:, 2:] @ adjoint(u[:, 2:]), adjoint(vh[2:]) @ vh[2:], u[:, :2], s, vh[:2]

    check_grads(f, (pb.array(draw(dtype, *shape)),))
    with pytest.raises(NotDifferentiableError, match="svd: expected a function that does not depend on which vectors"):
        pb.grad(lambda a: np.sum(np.real(sum(np.sum(part) for part in np.linalg.svd(a)))))(draw(dtype, 5, 2))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("full", [False, True])
def test_complex_vectors_are_numpys(shape, full):
    a = draw(complex, *shape)
    for one, other in zip(np.linalg.svd(pb.array(a), full), np.linalg.svd(a, full), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-14)


# Repeated values and zeros --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("values", SPECIAL)
def test_functions_of_the_matrix(dtype, shape, values):
    a, c = with_singular_values(dtype, values, *shape), draw(dtype, *shape, seed=5)
    expected = pb.grad(lambda a: inner(c, cubic_of(a)))(a)
    for full in (False, True):
        found = pb.grad(lambda a, full=full: inner(c, odd_function_of(a, cubic, full)))(a)
        np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("values", SPECIAL)
def test_even_functions_of_the_values_to_second_order(dtype, shape, values):
    a, t = with_singular_values(dtype, values, *shape), draw(dtype, *shape, seed=6)

    def squares(a):
        return np.sum(np.linalg.svdvals(a) ** 2)

    np.testing.assert_allclose(pb.grad(squares)(a), 2 * a, atol=1e-13)
    second = pb.grad(lambda a: inner(t, pb.grad(squares)(a)))(a)
    np.testing.assert_allclose(second, 2 * t, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", [[3.0, 1.0, 1.0], [3.0, 1.0, 0.0], [3.0, 0.0, 0.0]])
def test_the_nearest_matrix_of_rank_1_whatever_is_cut_off(dtype, values):
    a, c = with_singular_values(dtype, values, 4, 3), draw(dtype, 4, 3, seed=5)

    def nearest(a):
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return (u[:, :1] * s[:1]) @ vh[:1]

    u = np.linalg.svd(a)[0][:, :1]
    # With B = a a^H the projection P on the first vector moves by R dB P + its adjoint, R the reduced resolvent.
    gaps = 9.0 - np.asarray([*values[1:], 0.0]) ** 2
    rest = np.linalg.svd(a)[0][:, 1:]
    resolvent = (rest / gaps) @ adjoint(rest)

    def moved(t):
        square = t @ adjoint(a) + a @ adjoint(t)
        turn = resolvent @ square @ (u @ adjoint(u))
        return (turn + adjoint(turn)) @ a + u @ adjoint(u) @ t

    gradient = pb.grad(lambda a: inner(c, nearest(a)))(a)
    t = draw(dtype, 4, 3, seed=6)
    np.testing.assert_allclose(inner(gradient, t), inner(c, moved(t)), rtol=1e-9)


def test_the_sub_gradient_at_zero_is_zero_and_equal_values_share():
    np.testing.assert_allclose(pb.grad(lambda a: np.sum(np.linalg.svdvals(a)))(np.diag([2.0, 0.0])), np.diag([1.0, 0]))
    np.testing.assert_allclose(pb.grad(lambda a: np.linalg.svdvals(a)[0])(np.eye(2)), np.eye(2) / 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", [[2.0, 2.0, 0.5], [2.0, 0.0, 0.0]])
def test_what_depends_on_the_choice_of_vectors_is_refused(dtype, values):
    a = with_singular_values(dtype, values, 4, 3, seed=3)
    with pytest.raises(NotDifferentiableError, match=r"svd: expected a function that does not depend on .*\(at"):
        pb.grad(lambda a: np.sum(np.real(np.linalg.svd(a, full_matrices=False).U)))(a)


@pytest.mark.parametrize("a", [np.eye(3), np.zeros((3, 3)), np.zeros((3, 2))], ids=["one", "zero", "tall"])
def test_also_where_the_choice_makes_no_difference_to_first_order(a):
    with pytest.raises(NotDifferentiableError, match="svd: expected a function that does not depend on which"):
        pb.grad(lambda a: np.linalg.svd(a, full_matrices=False).U[0, 0])(a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", SPECIAL)
def test_forward_mode_where_the_direction_makes_values_part(dtype, values):
    """Reverse mode finds the limit, and forward mode asks it."""
    a, t = with_singular_values(dtype, values, 4, 3), draw(dtype, 4, 3, seed=6)
    for direction in (t, a):
        tangent = pb.jvp(lambda a: odd_function_of(a, cubic), (a,), (direction,))[1]
        np.testing.assert_allclose(tangent, pb.jvp(cubic_of, (a,), (direction,))[1], atol=1e-11)


def test_a_traced_graph_raises_when_it_meets_equal_values():
    graph = pb.trace(lambda a: np.sum(odd_function_of(a, cubic) ** 2), np.eye(3)).backward()
    with pytest.raises(NotDifferentiableError, match="svd: expected distinct values"):
        graph.forward(np.eye(3))
    a = draw(float, 3, 3)
    expected = pb.grad(lambda a: np.sum(cubic_of(a) ** 2))(a)
    np.testing.assert_allclose(graph.forward(a).values["dout/da"], expected, rtol=1e-9)


W = np.arange(8.0).reshape(4, 2)
TWICE = {
    "values of svdvals first": (lambda a: (np.linalg.svdvals(a), np.linalg.svd(a)), False),
    "values of svdvals last": (lambda a: (np.linalg.svd(a), np.linalg.svdvals(a))[::-1], True),
    "values of a thin one first": (lambda a: (np.linalg.svd(a, full_matrices=False).S, np.linalg.svd(a)), False),
    "values of a thin one last": (lambda a: (np.linalg.svd(a), np.linalg.svd(a, full_matrices=False).S)[::-1], True),
}


@pytest.mark.parametrize("way", TWICE)
def test_values_of_one_call_and_vectors_of_another(way):
    calls, seen = TWICE[way]

    def rebuilt(a):
        s, (u, _, vh) = calls(a)
        return np.sum(W * ((u[:, :2] * s) @ vh))

    basis = unitary(float, 4, seed=1)[:, :2]
    np.testing.assert_allclose(pb.grad(rebuilt)(basis * [2.0, 1.0]), W, atol=1e-13)
    if seen:
        np.testing.assert_allclose(pb.grad(rebuilt)(basis * 2.0), W, atol=1e-13)
    else:
        for derive in (pb.grad(rebuilt), lambda a: pb.jvp(rebuilt, (a,), (W,))):
            with pytest.raises(NotDifferentiableError, match=r"svd: expected distinct values where .* beside another"):
                derive(basis * 2.0)


# Invariances and edges ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", [[2.0, 1.0, 0.5], [2.0, 2.0, 0.0]])
def test_a_turned_matrix_has_the_turned_gradient(dtype, values):
    a, left, right = (
        with_singular_values(dtype, values, 4, 3), unitary(dtype, 4, seed=8), unitary(dtype, 3, seed=9)
    )  # fmt: skip
    gradient = pb.grad(lambda a: np.sum(np.log(1 + np.linalg.svdvals(a) ** 2)))
    np.testing.assert_allclose(gradient(left @ a @ right), left @ gradient(a) @ right, atol=1e-12)


def test_flags():
    a = pb.array(draw(float, 3, 3))
    np.testing.assert_allclose(np.linalg.svd(a, compute_uv=False), np.linalg.svdvals(a))
    symmetric = pb.array(np.asarray(a + a.mT))
    u, s, vh = np.linalg.svd(symmetric, hermitian=True)
    np.testing.assert_allclose((u * s) @ vh, symmetric, atol=1e-13)
    stacks = np.linalg.svd(pb.array(draw(float, 2, 4, 3)))
    assert [one.shape for one in stacks] == [(2, 4, 4), (2, 3), (2, 3, 3)]
    assert stacks.S is stacks[1]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (0, 2, 3)])
def test_empty_matrices(shape):
    found = pb.grad(lambda a: np.sum(np.linalg.svdvals(a)))(np.zeros(shape))
    assert found.shape == shape


def test_nan_is_refused_by_name():
    for function in (np.linalg.svd, np.linalg.svdvals):
        with pytest.raises(LinAlgError, match="expected finite numbers, got NaN or inf"):
            function(pb.array(np.full((2, 2), np.nan)))
