"""Functions of functions: at once where that can be, one by one where values are needed."""

import math

import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp
from pullback.errors import ArgumentError, ConcretizationError, DTypeError, NotDifferentiableError, ShapeError
from pullback.testing import check_grads

X = np.random.default_rng(0).normal(size=(3, 4))


def test_rows_are_taken_at_once_unless_their_values_are_needed():
    calls = []

    def at_once(row):
        calls.append(row)
        return row.sum()

    def one_by_one(row):
        return row.sum() if row[0] > 0 else -row.prod()

    np.apply_along_axis(at_once, 1, pb.array(X))
    assert len(calls) == 1
    expected = np.apply_along_axis(one_by_one, 1, X)
    np.testing.assert_allclose(np.asarray(np.apply_along_axis(one_by_one, 1, pb.array(X))), expected)
    for f in (at_once, one_by_one):
        check_grads(lambda x, f=f: np.apply_along_axis(f, 1, x), (X,))
    with pytest.raises(ConcretizationError):
        pb.trace(lambda x: np.apply_along_axis(one_by_one, 1, x), X)


def test_what_a_function_of_rows_closes_over_is_differentiated():
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    gradient = pb.grad(lambda w: np.sum(np.apply_along_axis(lambda row: row * w, 1, pb.array(X))))(weights)
    np.testing.assert_allclose(gradient, X.sum(0))


def test_further_arguments_are_handed_on_through_numpys_names():
    x = pb.array(X)
    found = np.apply_along_axis(lambda row, power, scale: (row**power).sum() * scale, 1, x, 2, scale=0.5)
    np.testing.assert_allclose(found.numpy(), (X**2).sum(1) / 2)
    found = np.piecewise(x, [x > 0], [lambda x, n, k: n * x + k, 0.0], 3.0, k=1.0)
    np.testing.assert_allclose(found.numpy(), np.where(X > 0, 3 * X + 1, 0))


def test_pieces_see_their_elements_only_and_all_of_them_when_traced():
    seen = []

    def inverse(x):
        seen.append(x.shape)
        return 1.0 / x

    def f(x):
        return np.piecewise(x, [x > 0, x < 0], [inverse, lambda x: x**2, 5.0])

    x = np.array([2.0, 0.0, -3.0, 4.0])
    found, pullback = pb.vjp(f, x)
    assert found.tolist() == [0.5, 5.0, 9.0, 0.25]
    assert seen == [(2,)]
    assert pullback(np.ones(4))[0].tolist() == [-0.25, 0.0, -6.0, -1 / 16]
    with np.errstate(all="ignore"):
        compiled = pb.compile(pb.grad(lambda x: f(x).sum()))(x)
    assert compiled.tolist() == [-0.25, 0.0, -6.0, -1 / 16]


def test_vectorize_broadcasts_and_excludes():
    @pnp.vectorize
    def f(x, y):
        return x * y, x - y

    product, difference = f(X, [1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(np.asarray(product), X * [1.0, 2.0, 3.0, 4.0])
    assert difference.shape == (3, 4)
    power = pnp.vectorize(lambda x, n, scale=1.0: scale * x**n, excluded={1, "scale"}, doc="A power.")
    assert power(pb.array([1.0, 2.0]), 3, scale=2.0).tolist() == [2.0, 16.0]
    assert power.__doc__ == "A power."
    assert pnp.vectorize(lambda x, y: x + y)(1.0, y=[2.0, 3.0]).tolist() == [3.0, 4.0]
    assert pnp.vectorize(lambda x: x + 0.5, otypes="f")([1, 2]).dtype == np.float32
    assert pnp.vectorize(lambda x: math.floor(x))([1.5, 2.5]).tolist() == [1, 2]
    check_grads(lambda x: pnp.vectorize(lambda x: np.sin(x) if x > 0 else x)(x), (X,))


def test_vectorize_by_a_signature():
    matvec = pnp.vectorize(lambda a, x: a @ x, signature="(m,n),(n)->(m)")
    a, x = np.random.default_rng(1).normal(size=(2, 3, 4)), np.random.default_rng(2).normal(size=(5, 1, 4))
    np.testing.assert_allclose(
        np.asarray(matvec(a, x)), np.matvec(a, x) if hasattr(np, "matvec") else (a @ x[..., None])[..., 0]
    )
    check_grads(matvec, (a, x))
    norm, unit = pnp.vectorize(lambda v: (np.sqrt(v @ v), v / np.sqrt(v @ v)), signature="(n)->(),(n)")(X)
    assert (norm.shape, unit.shape) == ((3,), (3, 4))
    for call, error, words in (
        (lambda: matvec(a), ArgumentError, "vectorize: expected 2 arguments, as the signature says, got 1"),
        (lambda: matvec(a, x[..., :3]), ShapeError, "vectorize: expected one length for axis n, got 4 and 3"),
        (lambda: matvec(a, 1.0), ShapeError, r"vectorize: expected an array with axes \(n\), got shape \(\)"),
        (lambda: pnp.vectorize(len, signature="(n"), ArgumentError, "vectorize: expected a signature as"),
        (lambda: pnp.vectorize(lambda v: v, signature="(n)->()")(X), ShapeError, r"expected axes \(\) as result 0"),
        (lambda: pnp.vectorize(lambda x: x * X)(X), ShapeError, "vectorize: expected a number as result 0"),
        (lambda: pnp.vectorize(lambda v: v, signature="(n)->(n),()")(X), ArgumentError, "expected 2 results"),
        (
            lambda: pnp.vectorize(lambda x: x, otypes="ff")(X),
            ArgumentError,
            "expected 2 results, as otypes says, got 1",
        ),
        (lambda: pnp.vectorize(abs, cache=True), ArgumentError, "vectorize: cache= is not supported"),
        (lambda: pnp.vectorize(1.0), DTypeError, "vectorize: expected a function, got float"),
    ):
        with pytest.raises(error, match=words):
            call()


def test_numpys_own_vectorize_is_refused_by_name():
    with pytest.raises(
        NotDifferentiableError, match=r"numpy\.vectorize makes a NumPy array .* pullback\.numpy\.vectorize"
    ):
        np.vectorize(lambda x: x * 2)(pb.array([1.0], requires_grad=True))


def test_nothing_is_vectorized_if_all_is_excluded():
    assert pnp.vectorize(lambda x: x + 1, excluded={0})(1) == 2
