"""A user's own rules, in every mode and order, and what is refused."""

import numpy as np
import pytest

import pullback as pb
from pullback.testing import check_grads


def softplus_with(decorate):
    @decorate
    def softplus(x):
        return np.log(1 + np.exp(x))

    return softplus


@pytest.fixture(params=["vjp", "jvp"])
def softplus(request):
    if request.param == "vjp":
        function = softplus_with(pb.custom_vjp)

        @function.define_vjp
        def _(ct, out, x):
            return (ct * (1 - np.exp(-out)),)

    else:
        function = softplus_with(pb.custom_jvp)

        @function.define_jvp
        def _(tangents, out, x):
            return tangents[0] * (1 - np.exp(-out))

    return function


def test_either_rule_serves_both_modes_and_second_order(softplus):
    check_grads(softplus, (np.array([0.3, -1.2, 2.0]),), order=2)


def test_the_rule_is_used_and_not_the_function():
    @pb.custom_vjp
    def same(x):
        return x * 1.0

    @same.define_vjp
    def _(ct, out, x):
        return (7.0 * ct,)

    assert pb.grad(same)(3.0) == 7.0
    assert pb.jvp(same, (3.0,), (1.0,)) == (3.0, 7.0)
    x = pb.array(3.0, requires_grad=True)
    same(x).backward()
    assert x.grad == 7.0


def test_several_arguments_and_results_containers_and_held_arguments():
    @pb.custom_vjp
    def f(params, x, n):
        return params["w"] * x**n, params["b"] + x

    @f.define_vjp
    def _(ct, out, params, x, n):
        first, second = ct
        w = params["w"]
        return ({"w": first * x**n, "b": second}, first * w * n * x ** (n - 1) + second, None)

    params = {"w": np.array([1.0, 2.0]), "b": np.array([0.5, 0.5])}

    def g(params, x):
        one, other = f(params, x, 3)
        return np.sum(one * other)

    check_grads(g, (params, np.array([0.7, 1.3])), order=2)


def test_a_traced_graph_holds_one_node_and_evaluates(softplus):
    graph = pb.trace(lambda x: softplus(x) * 2.0, np.ones(3))
    assert sum(node.primitive.name == "custom" for node in graph.nodes) == 1


def test_nothing_watched_runs_the_function_itself(softplus):
    assert isinstance(softplus(0.0), float)


def test_without_a_rule_it_says_which_to_give():
    with pytest.raises(pb.errors.NotDifferentiableError, match="define_vjp"):
        softplus_with(pb.custom_vjp)(1.0)


def test_a_watched_array_that_is_no_argument_is_refused():
    w = pb.array(2.0, requires_grad=True)

    @pb.custom_vjp
    def f(x):
        return w * x

    @f.define_vjp
    def _(ct, out, x):
        return (2.0 * ct,)

    with pytest.raises(pb.errors.NotDifferentiableError, match="Pass it as an argument"):
        pb.grad(f)(1.0)


@pytest.mark.parametrize(
    ("result", "error", "match"),
    [
        (lambda ct: ct, pb.errors.ShapeError, "a tuple of 1 cotangents"),
        (lambda ct: (ct, ct), pb.errors.ShapeError, "got 2 of them"),
        (lambda ct: (ct.sum(),), pb.errors.ShapeError, r"expected its vjp rule to give shape \(2,\), got \(\)"),
        (lambda ct: ({"a": ct},), pb.errors.ShapeError, "structure|array"),
        (lambda ct: (ct * 1j,), pb.errors.DTypeError, "float64, got complex128"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(result, error, match):
    @pb.custom_vjp
    def f(x):
        return x * 1.0

    @f.define_vjp
    def _(ct, out, x):
        return result(ct)

    with pytest.raises((error, pb.errors.PullbackError), match=match):
        pb.grad(lambda x: np.sum(f(x)))(np.ones(2))


def test_not_a_function_is_refused():
    with pytest.raises(pb.errors.DTypeError, match="expected a function"):
        pb.custom_vjp(3)


def test_memory_that_a_user_uses_again_is_not_held():
    buffer, slope = np.zeros(2), np.ones(2)

    @pb.custom_vjp
    def scaled(x, y):
        buffer[:] = (x * y).detach()
        return buffer

    @scaled.define_vjp
    def _(ct, out, x, y):
        return (ct * out * y, slope)

    x, y, factor = pb.array([1.0, 2.0], requires_grad=True), pb.array([1.0, 1.0], requires_grad=True), np.ones(2)
    first = scaled(x, factor)
    scaled(x, y).sum().backward()
    buffer[:] = factor[:] = slope[:] = 9.0
    np.testing.assert_array_equal(y.grad, [1.0, 1.0])
    np.testing.assert_array_equal(first.detach(), [1.0, 2.0])
    x.grad = None
    first.sum().backward()
    np.testing.assert_array_equal(x.grad, [1.0, 2.0])
    gradient = pb.grad(lambda y: scaled(np.ones(2), y).sum())(np.ones(2))
    gradient[:] = 0.0
    np.testing.assert_array_equal(slope, [9.0, 9.0])
