"""vmap: axes in and out, nesting, derivatives of it and it of derivatives, what comes back, and bad arguments."""

from typing import NamedTuple

import numpy as np
import pytest

import pullback as pb
from pullback import nn
from pullback.core.graph import Graph

RANDOM = np.random.default_rng(4)


def normal(*shape):
    return RANDOM.normal(size=shape)


class Pair(NamedTuple):
    first: object
    second: object


# Axes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("out_axis", [0, 1, -1])
def test_members_lie_along_the_axes_that_are_named(axis, out_axis):
    x = normal(3, 4, 5)
    found = pb.vmap(lambda a: a * 2, in_axes=axis, out_axes=out_axis)(x)
    np.testing.assert_array_equal(found, np.moveaxis(2 * x, axis, out_axis))


def test_axes_may_be_given_for_parts_of_containers_and_none_for_what_is_shared():
    def f(parameters, x, scale):
        return {"y": parameters["w"] @ x + parameters["b"].first, "scale": scale}

    w, b, x = normal(4, 3), Pair(normal(6, 4), 1.0), normal(3, 6)
    axes = ({"w": None, "b": Pair(0, None)}, 1, None)
    found = pb.vmap(f, in_axes=axes, out_axes={"y": 1, "scale": None})({"w": w, "b": b}, x, 2.5)
    np.testing.assert_allclose(found["y"], w @ x + b.first.T)
    assert found["scale"] == 2.5


def test_keywords_are_mapped_along_axis_0():
    x = normal(5)
    np.testing.assert_allclose(pb.vmap(lambda a, *, b: a * b, in_axes=None)(2.0, b=x), 2 * x)


def test_what_does_not_depend_on_the_members_is_repeated():
    found = pb.vmap(lambda x: (x, np.ones(2), 3.0))(normal(4))
    assert found[1].shape == (4, 2)
    np.testing.assert_array_equal(found[2], [3.0] * 4)


def test_nested_batches():
    a, b = normal(3, 4), normal(5, 4)
    found = pb.vmap(lambda x: pb.vmap(lambda y: np.dot(x, y))(b))(a)
    np.testing.assert_allclose(found, a @ b.T)


# With derivatives -----------------------------------------------------------------------------------------------------


def test_gradients_of_each_member():
    w, x = normal(3), normal(5, 3)
    found = pb.vmap(pb.grad(lambda w, x: np.tanh(w @ x)), in_axes=(None, 0))(w, x)
    np.testing.assert_allclose(found, x * (1 - np.tanh(x @ w) ** 2)[:, None])


def test_the_gradient_of_a_batch_and_its_second_derivative():
    x = normal(5, 3)

    def total(x):
        return pb.vmap(lambda row: np.sin(row).sum())(x).sum()

    np.testing.assert_allclose(pb.grad(total)(x), np.cos(x))
    pb.testing.check_grads(total, (x,))


def test_jacobians_hessians_and_tangents_of_each_member():
    x = normal(4, 3)
    np.testing.assert_allclose(pb.vmap(pb.hessian(lambda v: np.sum(v**3)))(x), [np.diag(6 * row) for row in x])
    np.testing.assert_allclose(pb.vmap(pb.jacobian(np.exp))(x), [np.diag(np.exp(row)) for row in x])
    _, tangents = pb.vmap(lambda v: pb.jvp(np.sin, (v,), (np.ones(3),)))(x)
    np.testing.assert_allclose(tangents, np.cos(x))


def test_what_is_watched_outside_stays_watched_and_nothing_else_does():
    w = pb.array(normal(3), requires_grad=True)
    x = normal(5, 3)
    pb.vmap(lambda row: row @ w)(x).sum().backward()
    np.testing.assert_allclose(np.asarray(w.grad), x.sum(0))
    plain = pb.vmap(pb.grad(lambda w, x: (w @ x) ** 2), in_axes=(None, 0))(np.ones(3), x)
    assert type(plain) is np.ndarray


def test_an_inner_derivative_at_a_point_that_has_a_value_leaves_no_input_in_a_trace():
    graph = pb.trace(lambda x: pb.grad(lambda w: w * w * x)(3.0), 1.0)
    assert len(graph.inputs) == 1
    assert graph.forward(2.0).value(graph.outputs[0]) == 12.0


# What goes in and what comes out --------------------------------------------------------------------------------------


def test_numpy_in_numpy_out_and_arrays_for_arrays():
    assert type(pb.vmap(lambda x: x + 1)(np.ones(3))) is np.ndarray
    assert isinstance(pb.vmap(lambda x: x + 1)(pb.array([1.0, 2.0])), pb.Array)


def test_a_network_is_shared_and_its_parameters_are_captured():
    net = nn.Linear(3, 2, rng=0)
    x = normal(4, 3).astype(np.float32)
    found = pb.vmap(net)(x)
    np.testing.assert_allclose(np.asarray(found.detach()), np.asarray(net(x).detach()), rtol=1e-6)
    found.sum().backward()
    assert net.weight.grad is not None


def test_an_ensemble_of_networks():
    weights = normal(4, 2, 3)
    x = normal(7, 3)
    found = pb.vmap(lambda w: np.tanh(x @ w.T))(weights)
    np.testing.assert_allclose(found, [np.tanh(x @ w.T) for w in weights])


@pytest.mark.parametrize("of_x", [True, False])
@pytest.mark.parametrize("of_index", [True, False])
@pytest.mark.parametrize("form", ["first", "middle", "two", "apart", "mixed"])
def test_indexing_by_arrays_that_differ_between_members(of_x, of_index, form):
    x = normal(2, 4, 5, 6) if of_x else normal(4, 5, 6)
    i = RANDOM.integers(0, 4, (2, 3) if of_index else 3)

    def pick(x, i):
        return {
            "first": lambda: x[i],
            "middle": lambda: x[:, i],
            "two": lambda: x[i, i + 1],
            "apart": lambda: x[i, :, i],
            "mixed": lambda: x[1:3, i, ::2],
        }[form]()

    if not (of_x or of_index):
        return
    axes = (0 if of_x else None, 0 if of_index else None)
    expected = [pick(x[k] if of_x else x, i[k] if of_index else i) for k in range(2)]
    np.testing.assert_array_equal(pb.vmap(pick, in_axes=axes)(x, i), expected)

    def update(x, i):
        y = pb.asarray(x) * 1
        y[i] = 7.0
        return y.at[i].add(1.0)

    updated = pb.vmap(update, in_axes=axes)(x, i)
    one_by_one = [np.asarray(update(x[k] if of_x else x, i[k] if of_index else i)) for k in range(2)]
    np.testing.assert_array_equal(updated, one_by_one)


def test_the_batched_graph_has_no_loop():
    def f(x):
        return pb.vmap(lambda row: np.sin(row) @ row)(x)

    small, large = (len(pb.trace(f, np.ones((n, 3))).nodes) for n in (2, 200))
    assert small == large
    assert isinstance(pb.trace(f, np.ones((2, 3))), Graph)


# Refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: pb.vmap(3), pb.errors.DTypeError, "vmap: expected a function, got int"),
        (lambda: pb.vmap(np.sin)(3.0), pb.errors.ShapeError, "expected argument 0 to have an axis 0, got shape ()"),
        (lambda: pb.vmap(np.sin, in_axes=2)(np.ones(3)), pb.errors.ShapeError, "an axis 2, got shape (3,)"),
        (
            lambda: pb.vmap(np.add)(np.ones(3), np.ones(4)),
            pb.errors.ShapeError,
            "3 (argument 0) and 4 (argument 1)",
        ),
        (lambda: pb.vmap(np.add, in_axes=(0,))(np.ones(3), 1.0), pb.errors.ArgumentError, "for 2 arguments, got 1"),
        (lambda: pb.vmap(np.sin, in_axes=None)(np.ones(3)), pb.errors.ArgumentError, "at least one argument to map"),
        (lambda: pb.vmap(np.sin, in_axes="a")(np.ones(3)), pb.errors.DTypeError, "expected an integer as in_axes"),
        (lambda: pb.vmap(np.sin, in_axes=({"a": 0},))(np.ones(3)), pb.errors.ArgumentError, "in_axes {'a': 0}"),
        (lambda: pb.vmap(np.sin, out_axes=2)(np.ones(3)), pb.errors.ShapeError, "out_axes 2 is out of range"),
        (lambda: pb.vmap(np.sin, out_axes=None)(np.ones(3)), pb.errors.ArgumentError, "out_axes is None for a result"),
        (lambda: pb.vmap(lambda x: "a")(np.ones(3)), pb.errors.DTypeError, "to return arrays or numbers, got str"),
        (lambda: pb.vmap(len)("abc"), pb.errors.DTypeError, "made of arrays, got str"),
        (lambda: pb.vmap(lambda x: 1.0 if x > 0 else 2.0)(np.ones(3)), pb.errors.ConcretizationError, "needs a value"),
    ],
)
def test_bad_arguments_are_refused_in_words(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
    assert "test_vectorize.py" in str(caught.value)
