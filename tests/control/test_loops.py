"""while_loop and fori_loop beside Python's own loops, eager and traced, with and without a bound."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.verify import verify_avals
from pullback.testing import check_grads

X = np.array([0.7, 1.3])
BOUNDS = pytest.mark.parametrize("max_steps", [None, 16])


def newton(a, max_steps=None):
    """The cube root of a by Newton's method: the number of steps depends on a, the derivative does not."""
    return pb.while_loop(
        lambda x: np.abs(x**3 - a) > 1e-10, lambda x: x - (x**3 - a) / (3 * x**2), np.sqrt(a) + 0.1, max_steps
    )


def doubled(w, x, max_steps=None):
    def holds(state):
        return np.sum(state["x"] ** 2) < 30.0

    def step(state):
        return {"n": state["n"] + 1, "x": state["x"] * (1.4 + 0.3 * np.sin(w * state["x"]))}

    state = pb.while_loop(holds, step, {"n": 0, "x": x}, max_steps)
    return state["x"] * state["n"]


def looped(w, x):
    n = 0
    while np.sum(x**2) < 30.0:
        n, x = n + 1, x * (1.4 + 0.3 * np.sin(w * x))
    return x * n


def total(f):
    return lambda *args: np.sum(np.cos(f(*args)))


@BOUNDS
def test_it_is_the_loop_in_every_mode_and_order(max_steps):
    def f(w, x):
        return doubled(w, x, max_steps)

    np.testing.assert_allclose(f(0.3, X), looped(0.3, X), rtol=1e-13)
    for order, argnums in ((pb.grad, (0, 1)), (pb.hessian, (0, 1))):
        found, expected = (order(total(one), argnums)(0.3, X) for one in (f, looped))
        for one, other in zip(pb.core.tree.flatten(found)[0], pb.core.tree.flatten(expected)[0], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)
    check_grads(f, (0.3, X))


@BOUNDS
def test_traced_it_is_one_node_whose_derivatives_are_graphs(max_steps):
    graph = pb.trace(lambda w, x: total(lambda w, x: doubled(w, x, max_steps))(w, x), 0.3, X)
    assert sum(node.primitive.name == "while_loop" for node in graph.nodes) == 1
    assert "cond=holds, body=step" in str(graph)
    gradients = graph.backward("w")
    verify_avals(gradients)
    expected = pb.grad(total(looped))(0.3, X)
    assert gradients.forward(0.3, X).values["dout/dw"] == pytest.approx(expected, rel=1e-10)
    assert graph.forward(0.3, X).backward().gradients["w"] == pytest.approx(expected, rel=1e-10)
    second = gradients.backward("w").forward(0.3, X)
    found = second.values[second.graph.output_name()]
    assert found == pytest.approx(pb.grad(pb.grad(total(looped)))(0.3, X), rel=1e-9)


@BOUNDS
def test_members_of_a_batch_end_when_they_do(max_steps):
    def f(w, x):
        return doubled(w, x, max_steps)

    w, x = np.array([0.3, 0.9, -0.4]), np.array([[0.7, 1.3], [5.0, 5.0], [1.0, 0.2]])
    rows = list(zip(w, x, strict=True))
    np.testing.assert_allclose(pb.vmap(f)(w, x), [looped(*row) for row in rows], rtol=1e-12)
    np.testing.assert_allclose(pb.vmap(f, (0, None))(w, X), [looped(one, X) for one in w], rtol=1e-12)
    per_member = pb.vmap(pb.grad(total(f)))(w, x)
    np.testing.assert_allclose(per_member, [pb.grad(total(looped))(*row) for row in rows], rtol=1e-9)
    second = pb.vmap(pb.grad(pb.grad(total(f))))(w, x)
    np.testing.assert_allclose(second, [pb.grad(pb.grad(total(looped)))(*row) for row in rows], rtol=1e-8)
    pushed = pb.vmap(lambda w, x: pb.jvp(lambda w: f(w, x), (w,), (1.0,))[1])(w, x)
    expected = [pb.jvp(lambda w, x=x: looped(w, x), (w,), (1.0,))[1] for w, x in rows]
    np.testing.assert_allclose(pushed, expected, rtol=1e-10)
    through = pb.grad(lambda w: np.sum(pb.vmap(lambda x: total(f)(w, x))(x)))(0.3)
    assert through == pytest.approx(sum(pb.grad(total(looped))(0.3, one) for one in x), rel=1e-10)


def test_a_batch_of_batches():
    w = np.array([[0.3, 0.9], [-0.4, 0.1]])
    found = pb.vmap(pb.vmap(pb.grad(total(lambda w: doubled(w, X)))))(w)
    expected = [[pb.grad(total(lambda w: looped(w, X)))(one) for one in row] for row in w]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_members_that_have_ended_warn_of_nothing():
    # at the solution, the next step of a member that has ended divides zero by zero
    def f(x):
        return pb.while_loop(lambda x: x > 0.5, lambda x: x - 0.5 * x / x, x)

    np.testing.assert_array_equal(pb.vmap(f)(np.array([0.0, 2.0])), [0.0, 0.5])
    np.testing.assert_array_equal(pb.vmap(pb.grad(f))(np.array([0.0, 2.0])), [1.0, 1.0])


def test_the_derivative_of_what_is_iterated_to_convergence():
    assert newton(8.0) == pytest.approx(2.0)
    assert pb.grad(newton)(8.0) == pytest.approx(1 / 12)
    assert pb.grad(pb.grad(newton))(8.0) == pytest.approx(-1 / 144, rel=1e-6)


def test_no_step_at_all():
    assert pb.grad(lambda x: pb.while_loop(lambda x: x < 0, lambda x: x * x, x))(3.0) == 1.0
    assert pb.grad(lambda x: pb.while_loop(lambda x: x < 0, lambda x: x * x, x, max_steps=0))(3.0) == 1.0


def test_a_bound_that_is_reached_is_an_error():
    def grow(x):
        return pb.while_loop(lambda x: x < 1000.0, lambda x: x * 2.0, x, max_steps=5)

    words = "expected at most max_steps=5 steps, but the condition <lambda> still holds"
    with pytest.raises(pb.errors.ArgumentError, match=words):
        grow(1.0)
    with pytest.raises(pb.errors.ArgumentError, match=words):
        pb.grad(grow)(1.0)
    assert grow(100.0) == 1600.0


def test_what_it_closes_over_gets_its_gradient():
    rate, limit = pb.Parameter(1.5), pb.Parameter(10.0)
    pb.while_loop(lambda x: x < limit, lambda x: x * rate, 1.0).backward()
    assert rate.grad.item() == pytest.approx(6 * 1.5**5)
    assert limit.grad is None


def test_python_numbers_take_the_dtype_that_the_loop_makes_of_them():
    x = np.float32(2.0)
    i, total = pb.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] + x * s[0]), (0, 0.0))
    assert (i, total.dtype, total) == (3, np.float32, 6.0)
    assert pb.fori_loop(0, 3, lambda i, total: total + i * x, 0).dtype == np.float32


def test_fori_loop_with_bounds_that_have_no_value():
    def f(x, n):
        return pb.fori_loop(1, n, lambda i, y: np.sin(y) * i, x)

    graph = pb.trace(f, 0.5, np.asarray(4))
    assert any(node.primitive.name == "while_loop" for node in graph.nodes)
    assert graph.forward(0.5, 4).values["out"] == pytest.approx(f(0.5, 4))
    found = pb.vmap(pb.grad(f), in_axes=(None, 0))(0.5, np.array([1, 2, 4]))
    np.testing.assert_allclose(found, [pb.grad(f)(0.5, n) for n in (1, 2, 4)], rtol=1e-12)


def test_fori_loop_is_the_loop():
    def loop(x):
        for i in range(2, 6):
            x = np.sin(x) * i
        return x

    def f(x):
        return pb.fori_loop(2, 6, lambda i, x: np.sin(x) * i, x)

    np.testing.assert_allclose(f(X), loop(X), rtol=1e-14)
    np.testing.assert_allclose(pb.jacobian(f)(X), pb.jacobian(loop)(X), rtol=1e-12)
    assert "body=turned" in str(pb.trace(lambda x: pb.fori_loop(0, 2, turned, x), X))


def turned(i, x):
    return x * i


def test_compiled_it_is_what_it_is_eagerly():
    for f in (lambda w: doubled(w, X), lambda w: doubled(w, X, 16)):
        step = pb.compile(pb.value_and_grad(total(f)))
        found, expected = step(0.3), pb.value_and_grad(total(f))(0.3)
        np.testing.assert_allclose(found, expected, rtol=1e-10)
