"""Eigenvalues and eigenvectors of Hermitian matrices, repeated ones included."""

import numpy as np
import pytest
import scipy.linalg
from matrices import DTYPES, adjoint, draw, hermitian, inner, unitary, with_eigenvalues

import pullback as pb
from pullback.errors import ArgumentError, NotDifferentiableError
from pullback.testing import check_grads

REPEATED = ([1.0, 1.0, 2.0], [1.0, 1.0, 1.0], [0.0, 0.0, 3.0], [-1.0, 2.0, 2.0], [0.0, 0.0, 0.0])


def function_of(a, f):
    """``V f(w) V^H``."""
    w, v = np.linalg.eigh(a)
    return (v * f(w)[..., None, :]) @ adjoint(v)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("triangle", ["L", "U"])
def test_values_and_vectors_differentiate_to_second_order(dtype, triangle):
    # Complex vectors too: each keeps its first (or last) component real, as LAPACK leaves it.
    check_grads(lambda x: tuple(np.linalg.eigh(hermitian(x), triangle)), (pb.array(draw(dtype, 2, 3, 3)),))


@pytest.mark.parametrize("triangle", ["L", "U"])
def test_complex_vectors_are_numpys_with_one_component_real(triangle):
    a = hermitian(draw(complex, 4, 4))
    vectors = np.linalg.eigh(pb.array(a), triangle).eigenvectors.numpy()
    np.testing.assert_allclose(vectors, np.linalg.eigh(a, triangle)[1], atol=1e-15)
    assert not vectors[0 if triangle == "L" else -1].imag.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_of_an_eigenvalue_is_the_projection_on_its_vector(dtype):
    a = hermitian(draw(dtype, 3, 3))
    v = np.linalg.eigh(a)[1][:, 2:]
    np.testing.assert_allclose(pb.grad(lambda a: np.linalg.eigvalsh(a)[2])(a), v @ adjoint(v), atol=1e-14)


# Repeated eigenvalues -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", REPEATED)
def test_symmetric_functions_of_the_values(dtype, values):
    a, t = with_eigenvalues(dtype, values), hermitian(draw(dtype, 3, 3, seed=5))

    def cubes(a):
        return np.sum(np.linalg.eigvalsh(a) ** 3)

    np.testing.assert_allclose(pb.grad(cubes)(a), 3 * a @ a, atol=1e-13)
    np.testing.assert_allclose(pb.jvp(cubes, (a,), (t,))[1], inner(3 * a @ a, t), atol=1e-13)
    second = pb.grad(lambda a: inner(t, pb.grad(cubes)(a)))(a)
    np.testing.assert_allclose(second, 3 * (a @ t + t @ a), atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", REPEATED)
def test_functions_of_the_matrix(dtype, values):
    a, c = with_eigenvalues(dtype, values), draw(dtype, 3, 3, seed=5)
    found = pb.grad(lambda a: inner(c, function_of(a, np.exp)))(a)
    expected = scipy.linalg.expm_frechet(a, hermitian(c), compute_expm=False)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_projections_on_the_space_of_equal_values(dtype):
    a, c = with_eigenvalues(dtype, [1.0, 1.0, 3.0]), hermitian(draw(dtype, 3, 3, seed=5))

    def onto(a):
        v = np.linalg.eigh(a).eigenvectors[:, :2]
        return inner(c, v @ adjoint(v))

    def by_polynomial(a):  # 1 at 1, 0 at 3, flat at both: the same function to first order
        return inner(c, (3 * np.eye(3) - a) @ (3 * np.eye(3) - a) @ (a) / 4)

    np.testing.assert_allclose(pb.grad(onto)(a), pb.grad(by_polynomial)(a), atol=1e-12)
    t = hermitian(draw(dtype, 3, 3, seed=6))
    np.testing.assert_allclose(pb.jvp(onto, (a,), (t,))[1], inner(pb.grad(onto)(a), t))


def test_the_limit_depends_on_what_is_computed_not_on_its_cotangent():
    # At the identity both have the same value and the same cotangents; only one depends on the matrix.
    a = np.eye(2)
    np.testing.assert_allclose(pb.grad(lambda a: function_of(a, lambda w: w)[0, 1])(a), [[0, 0.5], [0.5, 0]])
    np.testing.assert_allclose(pb.grad(lambda a: function_of(a, lambda w: w**0)[0, 1])(a), np.zeros((2, 2)))


def test_values_and_vectors_of_two_calls_come_from_one_node():
    a = pb.array(np.eye(2), requires_grad=True)
    w, v = np.linalg.eigvalsh(a), np.linalg.eigh(a).eigenvectors
    assert w.node.inputs == v.node.inputs
    ((v * w) @ v.mT)[0, 1].backward()
    np.testing.assert_allclose(a.grad, [[0, 0.5], [0.5, 0]])


def test_the_whole_is_differentiated_in_a_graph_that_is_walked_with_values():
    run = pb.trace(lambda a: function_of(a, np.exp)[0, 1], np.eye(2)).forward(np.eye(2)).backward()
    np.testing.assert_allclose(run.gradients["a"], [[0, np.e / 2], [np.e / 2, 0]])


def test_stacks_of_which_one_has_equal_values():
    stack = np.stack([with_eigenvalues(float, values) for values in ([1.0, 1.0, 2.0], [1.0, 2.0, 4.0])])
    found = pb.grad(lambda a: np.sum(function_of(a, np.square)[..., 0, 1]))(stack)
    expected = pb.grad(lambda a: np.sum((hermitian(a) @ hermitian(a))[..., 0, 1]))(stack)
    np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_depends_on_the_choice_of_vectors_is_refused(dtype):
    a = with_eigenvalues(dtype, [1.0, 1.0, 2.0], seed=3)
    with pytest.raises(NotDifferentiableError, match=r"eigh: .*the equal values 1 and 1 \(at 0 and 1\).*test_eigen"):
        pb.grad(lambda a: np.sum(np.real(np.linalg.eigh(a).eigenvectors)))(a)


def test_also_where_the_choice_makes_no_difference_to_first_order():
    # At the identity LAPACK's vectors are the unit vectors: turning them moves the first component by a cosine.
    with pytest.raises(NotDifferentiableError, match="does not depend on which vectors"):
        pb.grad(lambda a: np.linalg.eigh(a).eigenvectors[0, 0])(np.eye(2))
    with pytest.raises(NotDifferentiableError, match="does not depend on which vectors"):
        pb.hvp(lambda a: np.sum(np.linalg.eigh(a).eigenvectors), np.eye(2), np.eye(2))


@pytest.mark.parametrize("values", REPEATED)
def test_hessians_of_symmetric_functions(values):
    a, t = with_eigenvalues(float, values), hermitian(draw(float, 3, 3, seed=5))

    def cubes(a):
        return np.sum(np.linalg.eigvalsh(a) ** 3)

    expected = 3 * (a @ t + t @ a)
    np.testing.assert_allclose(pb.hvp(cubes, a, t), expected, atol=1e-12)
    np.testing.assert_allclose(np.tensordot(pb.hessian(cubes)(a), t, 2), expected, atol=1e-12)


@pytest.mark.parametrize(
    "transform",
    [
        lambda f, a: pb.vmap(pb.grad(f))(a[None]),
        lambda f, a: pb.trace(f, a).backward().forward(a),
        lambda f, a: pb.grad(lambda a: np.sum(pb.grad(f)(a)))(a),
    ],
    ids=["batched", "traced", "second order"],
)
def test_what_is_not_known_of_values_and_vectors_together_is_refused(transform):
    with pytest.raises(NotDifferentiableError, match="eigh"):
        transform(lambda a: np.sum(function_of(a, np.exp) ** 2), np.eye(3))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", REPEATED)
def test_forward_mode_and_jacobians_see_the_limit_too(dtype, values):
    a, t = with_eigenvalues(dtype, values), hermitian(draw(dtype, 3, 3, seed=7))

    def f(a):
        return function_of(a, np.exp)

    expected = scipy.linalg.expm_frechet(a, t, compute_expm=False)
    np.testing.assert_allclose(pb.jvp(f, (a,), (t,))[1], expected, atol=1e-12)
    if dtype is float:
        rows = pb.jacobian(lambda a: f(a)[0, :2])(a)
        assert isinstance(rows, np.ndarray)
        np.testing.assert_allclose(np.tensordot(rows, t, 2), expected[0, :2], atol=1e-12)


def test_a_direction_that_keeps_equal_values_together_has_a_tangent():
    a = with_eigenvalues(float, [1.0, 1.0, 2.0])
    tangent = pb.jvp(lambda a: function_of(a, np.exp), (a,), (a,))[1]
    np.testing.assert_allclose(tangent, a @ scipy.linalg.expm(a), atol=1e-13)


def test_of_equal_values_the_gradient_is_shared():
    found = pb.grad(lambda a: np.linalg.eigvalsh(a)[2])(np.diag([1.0, 2.0, 2.0]))
    np.testing.assert_allclose(found, np.diag([0, 0.5, 0.5]), atol=1e-15)


# Invariances ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", [[0.5, 1.0, 3.0], [1.0, 1.0, 3.0]])
def test_a_turned_matrix_has_the_turned_gradient(dtype, values):
    a, c, q = with_eigenvalues(dtype, values), hermitian(draw(dtype, 3, 3, seed=7)), unitary(dtype, 3, seed=8)

    def gradient(a, c):
        return pb.grad(lambda a: inner(c, function_of(a, np.sin)))(a)

    turned = gradient(hermitian(q @ a @ adjoint(q)), q @ c @ adjoint(q))
    np.testing.assert_allclose(turned, q @ gradient(a, c) @ adjoint(q), atol=1e-12)


# Edges ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, 0), (2, 0, 0), (0, 2, 2)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_empty_matrices(shape, dtype):
    found = pb.grad(lambda a: sum(np.sum(abs(one)) for one in np.linalg.eigh(a)))(np.zeros(shape, dtype))
    assert found.shape == shape


def test_a_matrix_that_is_not_hermitian_has_values_and_no_derivative():
    a = draw(float, 3, 3)
    np.testing.assert_allclose(np.linalg.eigvalsh(pb.array(a)), np.linalg.eigvalsh(a))
    with pytest.raises(NotDifferentiableError, match="expected a Hermitian matrix, got one whose triangles differ"):
        pb.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(a)


def test_the_triangle_is_named_as_numpy_names_it():
    with pytest.raises(ArgumentError, match="expected UPLO 'L' or 'U', got 'lower'"):
        np.linalg.eigh(pb.array(np.eye(2)), UPLO="lower")
    np.testing.assert_allclose(np.linalg.eigvalsh(pb.array(np.eye(2)), "u"), [1, 1])


def test_single_precision_stays_and_knows_its_own_ties():
    a = with_eigenvalues(float, [1.0, 1.0, 2.0]).astype(np.float32)
    found = pb.grad(lambda a: function_of(a, np.square)[0, 1])(a)
    assert found.dtype == np.float32
    expected = pb.grad(lambda a: (hermitian(a) @ hermitian(a))[0, 1])(a)
    np.testing.assert_allclose(found, expected, atol=1e-4)


TWO_CALLS = {
    "triangles": lambda a: (np.linalg.eigvalsh(a, UPLO="L"), np.linalg.eigh(a, UPLO="U").eigenvectors),
    "copies": lambda a: (np.linalg.eigvalsh(+a), np.linalg.eigh(a).eigenvectors),
    "svd": lambda a: (np.linalg.svdvals(a), np.linalg.eigh(a).eigenvectors[:, ::-1]),
    "eig": lambda a: (np.linalg.eigvals(a), np.linalg.eigh(a).eigenvectors),
}


@pytest.mark.parametrize("calls", TWO_CALLS.values(), ids=TWO_CALLS)
def test_values_and_vectors_of_two_nodes_are_refused_where_values_repeat(calls):
    """Neither node sees that both are used: what they give together would lack its limit."""

    def f(a):
        values, vectors = calls((a + a.T) / 2)
        return np.sum((vectors * np.exp(values)) @ vectors.T * np.arange(9.0).reshape(3, 3))

    a, t = np.diag([3.0, 2.0, 2.0]), np.ones((3, 3))
    for derivative in (lambda: pb.grad(f)(a), lambda: pb.jvp(f, (a,), (t,))):
        with pytest.raises(NotDifferentiableError, match=r"for the equal values|beside another.s vectors"):
            derivative()
    distinct = np.diag([1.0, 2.0, 3.0])[::-1, ::-1]
    assert np.isfinite(pb.grad(f)(distinct)).all()


def test_two_decompositions_of_which_each_is_used_for_itself():
    def f(a, b):
        return np.sum(np.linalg.eigvalsh(a) ** 2) + np.sum(np.linalg.eigvalsh(b) ** 2)

    a = 2 * np.eye(3)
    for gradient in pb.grad(f, argnums=(0, 1))(a, a.copy()):
        np.testing.assert_allclose(gradient, 2 * a)
