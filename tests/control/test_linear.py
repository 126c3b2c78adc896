"""linearize and linear_transpose."""

import numpy as np
import pytest

import pullback as pb

A, X, T = np.random.default_rng(0).normal(size=(3, 4)), np.linspace(0.1, 1.0, 4), np.arange(4.0)


def f(x, p):
    return {"y": np.tanh(A @ x) * p["scale"], "z": np.sum(x**2)}


def test_linearize_is_jvp_without_doing_the_rest_again():
    primals, tangents = (X, {"scale": 2.0}), (T, {"scale": 0.5})
    out, f_jvp = pb.linearize(f, *primals)
    expected = pb.jvp(f, primals, tangents)
    for found, other in ((out, expected[0]), (f_jvp(*tangents), expected[1])):
        for name in ("y", "z"):
            np.testing.assert_allclose(found[name], other[name], rtol=1e-13)
            assert type(found[name]) is type(other[name])
    np.testing.assert_allclose(f_jvp(2 * T, {"scale": 1.0})["y"], 2 * expected[1]["y"], rtol=1e-13)


def test_what_the_derivative_uses_is_computed_once(monkeypatch):
    from pullback.core.operations import primitives

    pb.grad(np.sin)(1.0)  # loads the cosine
    cosines = []
    plain = primitives["cos"].evaluate
    monkeypatch.setattr(primitives["cos"], "evaluate", lambda x: cosines.append(1) or plain(x))
    _, f_jvp = pb.linearize(np.sin, X)
    for _ in range(3):
        np.testing.assert_allclose(f_jvp(T), np.cos(X) * T, rtol=1e-15)
    assert len(cosines) == 1


def test_linearize_is_differentiable_by_tangent_and_by_what_is_outside():
    np.testing.assert_allclose(pb.grad(lambda t: np.sum(pb.linearize(np.sin, X)[1](t)))(T), np.cos(X))
    np.testing.assert_allclose(pb.grad(lambda x: np.sum(pb.linearize(np.sin, x)[1](T)))(X), -np.sin(X) * T)
    np.testing.assert_allclose(pb.vmap(pb.linearize(lambda x: A @ x, X)[1])(np.eye(4)), A.T)
    np.testing.assert_allclose(pb.vmap(lambda x: pb.linearize(np.sin, x)[1](1.0))(X), np.cos(X))


def test_linearize_refuses_tangents_that_do_not_fit():
    _, f_jvp = pb.linearize(np.sin, X)
    with pytest.raises(pb.errors.ShapeError, match=r"expected a tangent of the input's shape \(4,\), got \(3,\)"):
        f_jvp(np.ones(3))
    with pytest.raises(pb.errors.ShapeError, match="expected 1 tangents"):
        f_jvp(T, T)


def test_the_transpose_of_a_matrix():
    transpose = pb.linear_transpose(lambda x: A @ x, np.zeros(4))
    ct = np.array([1.0, -2.0, 0.5])
    (found,) = transpose(ct)
    np.testing.assert_allclose(found, A.T @ ct)
    np.testing.assert_allclose(pb.vmap(lambda ct: transpose(ct)[0])(np.eye(3)), A)
    np.testing.assert_allclose(pb.grad(lambda ct: np.sum(transpose(ct)[0]))(ct), A.sum(axis=1))
    by_matrix = pb.grad(lambda a: np.sum(pb.linear_transpose(lambda x: a @ x, np.zeros(4))(ct)[0]))(A)
    np.testing.assert_allclose(by_matrix, np.broadcast_to(ct[:, None], (3, 4)))


def test_the_transpose_of_several_arguments_and_results():
    def linear(x, p):
        total, rows = pb.scan(lambda c, x: (0.5 * c + x, 2.0 * c), p["start"], x)
        return {"last": total, "rows": rows[::-1] / 3}

    primals = (np.zeros(3), {"start": 0.0})
    ct = {"last": 1.5, "rows": np.array([1.0, 2.0, 3.0])}
    found = pb.linear_transpose(linear, *primals)(ct)
    expected = pb.vjp(linear, *primals)[1](ct)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-14)
    assert found[1]["start"] == pytest.approx(expected[1]["start"])


def test_the_transpose_of_a_complex_map_is_conjugate():
    (found,) = pb.linear_transpose(lambda x: 1j * x, 1 + 1j)(1.0 + 0j)
    assert found == -1j


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda x: x * x, "its multiply is not linear"),
        (lambda x: np.sin(x), "its sin is not linear"),
        (lambda x: np.abs(x), "is not linear"),
        (lambda x: x + 1.0, "it adds a constant"),
        (lambda x: pb.scan(lambda c, x: (c * x, None), 1.0, x)[0], "its scan is not linear|its item is not linear"),
        (lambda x: np.ones(2) + 0 * x[0], "it adds a constant"),
    ],
)
def test_what_is_not_linear_is_refused(f, match):
    with pytest.raises(pb.errors.ArgumentError, match=match):
        pb.linear_transpose(f, np.zeros(2))


def test_integers_and_cotangents_that_do_not_fit_are_refused():
    with pytest.raises(pb.errors.NotDifferentiableError, match="argument 0 to be floating"):
        pb.linear_transpose(lambda x: 2 * x, np.zeros(2, int))
    with pytest.raises(pb.errors.ShapeError, match=r"expected a cotangent of the result's shape \(2,\), got \(3,\)"):
        pb.linear_transpose(lambda x: 2 * x, np.zeros(2))(np.ones(3))


def test_whether_it_is_linear_is_seen_while_something_else_is_traced():
    compiled = pb.compile(lambda a, ct: pb.linear_transpose(lambda x: a @ x - 2.0 * x[:3], np.zeros(4))(ct)[0])
    ct = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(compiled(A, ct), (A - 2 * np.eye(3, 4)).T @ ct)
    with pytest.raises(pb.errors.ConcretizationError, match="adds a constant needs a value"):
        pb.trace(lambda a: pb.linear_transpose(lambda x: a + x, np.zeros(4))(a)[0], X)
