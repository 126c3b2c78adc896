"""Primitives with several results: recorded, traced, differentiated, batched, shown."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.aval import Aval
from pullback.core.evaluate import evaluate
from pullback.core.families import general
from pullback.core.operations import primitives
from pullback.core.sample import call, positive
from pullback.core.verify import verify_avals


@general(name="polar", samples=[call(positive(3), positive(3))], stacks=True)
def polar(r, angle):
    """Coordinates of the point at this distance and angle."""
    return r * np.cos(angle), r * np.sin(angle)


@polar.infer
def _(r, angle):
    return Aval(r.shape, r.dtype), Aval(r.shape, r.dtype)


@polar.define_vjp
def _(ct, out, r, angle):
    x, y = out
    by_x, by_y = (0 if one is None else one for one in ct)
    yield lambda: (by_x * x + by_y * y) / r
    yield lambda: by_y * x - by_x * y


asked = []


@polar.define_jvp
def _(tangents, out, r, angle):
    x, y = out
    of_r, of_angle = (0 if one is None else one for one in tangents)

    def of_y():
        asked.append("y")
        return of_r * y / r + of_angle * x

    return [of_r * x / r - of_angle * y, of_y]


del primitives["polar"]  # it is this file's: the contract goes through the library's

POINT = (np.array([1.0, 2.0]), np.array([0.3, -0.5]))


def squares(r, angle):
    x, y = polar(r, angle)
    return (x**2 + 3 * y).sum()


def test_a_call_gives_a_tuple_also_where_nothing_is_watched():
    x, y = polar(*POINT)
    np.testing.assert_allclose(np.asarray(x), POINT[0] * np.cos(POINT[1]))
    np.testing.assert_allclose(np.asarray(y), POINT[0] * np.sin(POINT[1]))
    assert not x.requires_grad


def test_derivatives_in_both_modes_to_second_order():
    pb.testing.check_grads(squares, POINT)
    pb.testing.check_grads(lambda r, angle: polar(r, angle)[1], POINT)
    pb.testing.check_grads(polar, POINT)


def test_a_tangent_that_is_left_as_a_thunk_is_computed_for_results_that_are_used():
    asked.clear()
    pb.jvp(lambda r: polar(r, POINT[1])[0], (POINT[0],), (np.ones(2),))
    assert asked == []
    pb.jvp(lambda r: polar(r, POINT[1])[1], (POINT[0],), (np.ones(2),))
    assert asked == ["y"]


def test_a_traced_call_evaluates_differentiates_and_prints():
    graph = pb.trace(squares, *POINT)
    verify_avals(graph)
    assert "polar(r, angle)" in str(graph)
    values = evaluate(graph, dict(zip(graph.inputs, POINT, strict=True)))
    np.testing.assert_allclose(values[graph.outputs[0]], np.asarray(squares(*POINT)))
    gradients = graph.backward().forward(*POINT)
    expected = pb.grad(squares, argnums=(0, 1))(*POINT)
    np.testing.assert_allclose(gradients.values["dout/dr"], expected[0])
    np.testing.assert_allclose(gradients.values["dout/dangle"], expected[1])


def test_an_evaluation_has_values_gradients_and_a_picture():
    run = pb.trace(squares, *POINT).forward(*POINT).backward()
    name = next(name for name, value in run.values.items() if isinstance(value, tuple))
    assert len(run.gradients[name]) == 2
    np.testing.assert_allclose(run.gradients["r"], pb.grad(squares)(*POINT))
    assert "polar" in run.svg()
    assert all(name not in edge for edge in run.partials)
    with pytest.raises(pb.errors.GraphError, match="no edge"):
        run.partials["r", name]


def test_a_batch_is_a_loop_and_composes_with_grad():
    r, angle = np.arange(1.0, 7.0).reshape(3, 2), np.linspace(-1, 1, 6).reshape(3, 2)
    expected = np.stack([pb.grad(squares)(*row) for row in zip(r, angle, strict=True)])
    np.testing.assert_allclose(pb.vmap(pb.grad(squares))(r, angle), expected)
    shared = np.stack([pb.grad(squares)(row, POINT[1]) for row in r])
    np.testing.assert_allclose(pb.vmap(pb.grad(squares), in_axes=(0, None))(r, POINT[1]), shared)


def test_inside_no_grad_nothing_is_recorded_and_a_trace_stops_the_gradient():
    with pb.no_grad():
        x, _ = polar(pb.array(POINT[0], requires_grad=True), POINT[1])
    assert not x.requires_grad

    def held(r):
        with pb.no_grad():
            x, y = polar(r, POINT[1])
        return (r * x * y).sum()

    x, y = (np.asarray(one) for one in polar(*POINT))
    graph = pb.trace(held, POINT[0])
    np.testing.assert_allclose(graph.backward().forward(POINT[0]).values["dout/dr"], x * y)
