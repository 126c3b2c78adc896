"""A user's own rules, in every mode and order, and what is refused."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError, DTypeError
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
        (lambda ct: (ct.sum(),), pb.errors.ShapeError, r"expected the rule of f to give shape \(2,\), got \(\)"),
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


# Together with all else ---------------------------------------------------------------------------------------------


def weighted_with(mode):
    """The product of a weight and tanh, with a container, a held argument, and a rule of its own."""
    function = (pb.custom_vjp if mode == "vjp" else pb.custom_jvp)(
        lambda state, w, times: {"out": np.tanh(w * state["x"]) * times}
    )
    if mode == "vjp":

        @function.define_vjp
        def _(ct, out, state, w, times):
            slope = ct["out"] * times * (1 - (out["out"] / times) ** 2)
            return {"x": slope * w}, np.sum(slope * state["x"]), None

    else:

        @function.define_jvp
        def _(tangents, out, state, w, times):
            inner = tangents[0]["x"] * w + tangents[1] * state["x"]
            return {"out": times * inner * (1 - (out["out"] / times) ** 2)}

    return lambda w, x: function({"x": x}, w, 2)["out"]


def plain(w, x):
    return np.tanh(w * x) * 2


@pytest.fixture(params=["vjp", "jvp"])
def weighted(request):
    return weighted_with(request.param)


W, X = np.array([0.3, -0.8, 1.1]), np.array([[0.5, 1.0], [2.0, -0.3], [0.1, 0.7]])


def total(f):
    return lambda w, x: np.sum(np.sin(f(w, x)))


@pytest.mark.parametrize("axes", [(0, 0), (None, 0), (0, None)])
def test_under_vmap_in_every_mode_and_order(weighted, axes):
    args = (W if axes[0] == 0 else W[0], X if axes[1] == 0 else X[0])
    np.testing.assert_allclose(pb.vmap(weighted, axes)(*args), pb.vmap(plain, axes)(*args), rtol=1e-13)
    for order in (pb.grad, pb.hessian):
        found, expected = (pb.vmap(order(total(f), (0, 1)), axes)(*args) for f in (weighted, plain))
        for one, other in zip(pb.core.tree.flatten(found)[0], pb.core.tree.flatten(expected)[0], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)
    # of the batch: what arrives at an argument that all members share is summed
    for argnum in (0, 1):
        found, expected = (
            pb.grad(lambda *args, f=f: np.sum(pb.vmap(total(f), axes)(*args)), argnum)(*args) for f in (weighted, plain)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-11)
    check_grads(pb.vmap(weighted, axes), args)


def test_under_vmap_twice(weighted):
    w = np.array([0.4, 1.2])
    found, expected = (pb.vmap(pb.vmap(pb.grad(total(f)), (None, 0)), (0, None))(w, X) for f in (weighted, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_inside_loops_branches_and_checkpoints(weighted):
    def through(f):
        def run(w, x):
            step = pb.checkpoint(lambda c: pb.cond(np.sum(c) > 0.2, lambda c: f(w, c), lambda c: f(w, -c), c))
            carry, rows = pb.scan(lambda c, _: (step(c), c), x, None, length=3)
            last = pb.while_loop(lambda c: np.sum(c**2) > 0.5, lambda c: 0.3 * f(w, c), carry)
            return last, rows

        return run

    for order in (pb.grad, pb.hessian):
        found, expected = (
            order(lambda w, f=f: sum(np.sum(np.sin(one)) for one in through(f)(w, X[1])))(0.9)
            for f in (weighted, plain)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    found, expected = (pb.vmap(through(f))(W, X)[0] for f in (weighted, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_traced_it_holds_its_graph_and_evaluates(weighted):
    graph = pb.trace(total(weighted), 0.3, X[0])
    (node,) = [node for node in graph.nodes if node.primitive.name == "custom"]
    assert [one.primitive.name for one in node.params["body"].nodes if one.inputs][-1] == "multiply"
    gradients = graph.backward()
    expected = pb.grad(total(plain), (0, 1))(0.3, X[0])
    for name, one in zip(("dout/dw", "dout/dx"), expected, strict=True):
        np.testing.assert_allclose(gradients.forward(0.3, X[0]).values[name], one, rtol=1e-12)
    found = pb.compile(pb.value_and_grad(total(weighted)))(0.3, X[0])
    np.testing.assert_allclose(found[1], expected[0], rtol=1e-12)


def test_traced_it_refuses_what_it_closes_over():
    w = pb.array(2.0, requires_grad=True)
    f = pb.custom_vjp(lambda x: w * x)
    f.define_vjp(lambda ct, out, x: (2.0 * ct,))
    with pytest.raises(pb.errors.NotDifferentiableError, match="Pass it as an argument"):
        pb.trace(f, 1.0)
    with pytest.raises(pb.errors.NotDifferentiableError, match="Pass it as an argument"):
        pb.vmap(f)(np.ones(2))


# A rule is to be linear: the other mode is its transpose ------------------------------------------------------------


def product_with(rule, mode="jvp"):
    @(pb.custom_jvp if mode == "jvp" else pb.custom_vjp)
    def product(a, b):
        return a * b

    (product.define_jvp if mode == "jvp" else product.define_vjp)(rule)
    return product


BENT = {
    "a product of tangents": lambda t, out, a, b: t[0] * t[1],
    "a function of a tangent": lambda t, out, a, b: np.sin(t[0]),
    "a constant": lambda t, out, a, b: np.ones(()),
    "a constant beside": lambda t, out, a, b: t[0] * b + 1.0,
}
PLACES = {
    "alone": lambda f: pb.grad(f)(1.5, 2.0),
    "vmap": lambda f: pb.vmap(pb.grad(f))(np.ones(2), np.ones(2)),
    "checkpoint": lambda f: pb.grad(pb.checkpoint(f))(1.5, 2.0),
    "while_loop": lambda f: pb.grad(lambda a: pb.while_loop(lambda x: x < 9.0, lambda x: f(x, 2.0), a))(1.5),
    "scan": lambda f: pb.grad(lambda a: pb.scan(lambda c, x: (f(c, x), c), a, np.ones(2))[0])(1.5),
    "compiled": lambda f: pb.compile(pb.grad(f))(1.5, 2.0),
}


@pytest.mark.parametrize(
    ("rule", "place"),
    # What is added is seen where there are values only; it does not reach the transpose.
    [(rule, place) for rule in BENT for place in PLACES if rule != "a constant beside" or place == "alone"],
)
def test_a_pushforward_that_is_not_linear_has_no_transpose(rule, place):
    with pytest.raises(ArgumentError, match="expected the rule of product to be linear in the tangents"):
        PLACES[place](product_with(BENT[rule]))


@pytest.mark.parametrize("place", PLACES)
def test_a_pushforward_that_is_linear_is_transposed_everywhere(place):
    own = product_with(lambda t, out, a, b: (t[0] * b + a * t[1]) / 1.0)
    np.testing.assert_allclose(PLACES[place](own), PLACES[place](lambda a, b: a * b), rtol=1e-12)


def test_a_pullback_that_is_not_linear_has_no_transpose():
    bent = product_with(lambda ct, out, a, b: (ct * ct * b, ct * a), "vjp")
    with pytest.raises(ArgumentError, match="custom_vjp: expected the rule of product to be linear in the cotangents"):
        pb.jvp(bent, (1.5, 2.0), (1.0, 1.0))


@pytest.mark.parametrize(
    ("mode", "rule", "match"),
    [
        ("jvp", 3, "define_jvp: expected a function as the rule of product, got int"),
        ("vjp", None, "define_vjp: expected a function as the rule of product, got NoneType"),
        (
            "jvp",
            lambda t, out, a, b: None,
            "custom_jvp: expected the rule of product to return the tangent of the result, got None",
        ),
        (
            "jvp",
            lambda t, out: t,
            r"custom_jvp: expected as the rule of product a function of 4 arguments, got <lambda>\(t, out\)",
        ),
        (
            "vjp",
            lambda ct, out: ct,
            r"custom_vjp: expected as the rule of product a function of 4 arguments, got <lambda>\(ct, out\)",
        ),
    ],
)
def test_what_is_no_rule_is_refused(mode, rule, match):
    with pytest.raises(DTypeError, match=f"^{match}"):
        pb.grad(product_with(rule, mode))(1.5, 2.0)
