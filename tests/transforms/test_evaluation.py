"""Forward and backward walks over a graph with numbers, and the graph of the gradients."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.verify import verify_avals
from pullback.errors import ArgumentError, DTypeError, GraphError, NotDifferentiableError, ShapeError


def lecture(a, b, c):
    d = 2 * b
    e = a + d
    L = c * e
    return L  # noqa: RET504  # the name is what is tested


GRAPHS = {
    "expression": lambda: pb.expression("d = 2*b; e = a + d; L = c*e"),
    "trace": lambda: pb.trace(lecture, 3.0, 1.0, -2.0),
}


@pytest.fixture(params=GRAPHS)
def run(request):
    return GRAPHS[request.param]().forward(a=3, b=1, c=-2).backward()


def test_the_lecture_forward(run):
    assert dict(run.values) == {"a": 3, "b": 1, "c": -2, "d": 2, "e": 5, "L": -10}


def test_the_lecture_backward(run):
    assert dict(run.gradients) == {"L": 1, "c": 5, "e": -2, "a": -2, "d": -2, "b": -4}


def test_the_lecture_local_partials(run):
    assert dict(run.partials) == {
        ("e", "L"): -2,
        ("c", "L"): 5,
        ("a", "e"): 1,
        ("d", "e"): 1,
        ("b", "d"): 2,
    }


def test_numbers_are_plain(run):
    assert type(run.values["e"]) is float
    assert type(run.gradients["b"]) is float
    assert type(run.partials["e", "L"]) is float


def test_the_gradient_graph_gives_the_same(run):
    gradients = run.graph.backward()
    verify_avals(gradients)
    given = {name: run.values[name] for name in ("a", "b", "c")}
    again = gradients.forward(**given)
    assert [again.values[f"dL/d{name}"] for name in "abc"] == [-2, -4, 5]
    assert set(gradients.output_names) == {"dL/da", "dL/db", "dL/dc"}


def network(x, W1, b1, W2, b2, y):
    z1 = W1 @ x + b1
    a1 = np.maximum(z1, 0)
    z2 = W2 @ a1 + b2
    a2 = 1 / (1 + np.exp(-z2))
    return -np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2))


def by_hand(x, W1, b1, W2, b2, y):
    z1 = W1 @ x + b1
    a1 = np.maximum(z1, 0)
    a2 = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
    dz2 = a2 - y
    dz1 = W2.T @ dz2 * (z1 > 0)
    return {"W2": np.outer(dz2, a1), "b2": dz2, "W1": np.outer(dz1, x), "b1": dz1}


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_two_layer_network_against_formulas_by_hand(y):
    rng = np.random.default_rng(int(y))
    shapes = [(2,), (2, 2), (2,), (1, 2), (1,)]
    given = [*(rng.normal(size=shape) for shape in shapes), np.array([y])]
    expected = by_hand(*given)
    run = pb.trace(network, *given).forward(*given).backward()
    for name, gradient in expected.items():
        np.testing.assert_allclose(run.gradients[name], gradient, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(run.gradients["z2"], expected["b2"], rtol=1e-12)
    names = dict(zip(("x", "W1", "b1", "W2", "b2", "y"), given, strict=True))
    text = "z1 = W1 @ x + b1; a1 = relu(z1); z2 = W2 @ a1 + b2; a2 = sigmoid(z2)"
    loss = "L = sum(-(y*log(a2) + (1 - y)*log(1 - a2)))"
    written = pb.expression(f"{text}; {loss}").forward(**names).backward()
    for name, gradient in expected.items():
        np.testing.assert_allclose(written.gradients[name], gradient, rtol=1e-12, atol=1e-15)


def test_gradients_from_an_inner_node():
    run = pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2)
    inner = run.backward("e")
    assert inner.gradients["b"] == 2
    assert inner.gradients["c"] == 0
    assert inner.gradients["L"] == 0
    assert inner.output is inner.graph["e"]


def test_an_evaluation_is_not_changed_by_backward():
    run = pb.expression("L = a*a").forward(a=3)
    run.backward()
    with pytest.raises(GraphError, match=r"Call backward\(\) first"):
        run.gradients["a"]
    assert run.output is None


def test_arrays_cannot_be_written_to():
    given = np.ones(3)
    run = pb.trace(lambda x: x.sum(), given).forward(given).backward()
    given[0] = 5
    np.testing.assert_array_equal(run.values["x"], np.ones(3))
    for array in (run.values["x"], run.gradients["x"], run.partials["x", "out"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 2


def test_several_edges_between_two_nodes_count_as_one():
    run = pb.expression("L = a*a").forward(a=3).backward()
    assert run.partials["a", "L"] == 6
    assert len(run.partials) == 1


def test_the_partial_of_an_elementwise_operation_has_the_shape_of_the_target():
    run = pb.trace(lambda x, y: (x * y).sum(), np.ones(3), np.ones(3)).forward([1, 2, 3], [4, 5, 6])
    np.testing.assert_array_equal(run.partials["x", "t1"], [4, 5, 6])


def test_the_partial_of_any_other_operation_is_the_jacobian():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    run = pb.trace(lambda A, B: A @ B, A, B).forward(A, B)
    np.testing.assert_allclose(run.partials["A", "out"], np.einsum("ik,lj->ijkl", np.eye(2), B), rtol=1e-12)
    np.testing.assert_allclose(run.partials["B", "out"], np.einsum("ik,jl->ijkl", A, np.eye(4)), rtol=1e-12)


def test_the_jacobian_of_a_complex_map():
    z = np.array([1 + 2j, 3 - 1j])
    M = np.array([[1j, 2.0], [0.5, 1 + 1j]])
    run = pb.trace(lambda z: M @ z, z).forward(z)
    np.testing.assert_allclose(run.partials["z", "out"], M)


def test_a_jacobian_that_is_too_large_is_refused():
    run = pb.trace(lambda x: np.cumsum(x), np.ones(2000)).forward(np.ones(2000))
    with pytest.raises(ShapeError, match="more than 1,000,000 elements"):
        run.partials["x", "out"]


def test_nodes_that_the_output_does_not_depend_on_have_zeros():
    run = pb.trace(lambda x, y: x.sum(), np.ones(2), np.ones(3)).forward([1, 2], [3, 4, 5]).backward()
    np.testing.assert_array_equal(run.gradients["y"], np.zeros(3))


def test_integers_carry_no_gradient():
    run = pb.trace(lambda x, n: (x * n).sum(), np.ones(2), np.arange(2)).forward([1, 2], [3, 4]).backward()
    assert "n" not in run.gradients
    assert "n" in run.values
    with pytest.raises(GraphError, match=r"'n' is int64\[2\]: it has no derivative"):
        run.gradients["n"]


def test_values_of_parameters_may_be_left_out_or_replaced():
    w = pb.Parameter([1.0, 2.0], name="w")
    graph = pb.trace(lambda x: (w * x).sum(), np.ones(2))
    assert graph.forward([1, 1]).values["out"] == 3
    assert graph.forward([1, 1], w=[5, 6]).values["out"] == 11
    gradients = graph.backward()
    np.testing.assert_array_equal(gradients.forward([1, 1], w=[5, 6]).values["dout/dx"], [5, 6])


def test_an_input_may_be_called_self():
    assert pb.expression("2*self").forward(self=3).values["out"] == 6


def test_nodes_with_several_results_pass_gradients_on():
    @pb.custom_vjp
    def product(x, y):
        return x * y

    @product.define_vjp
    def _(ct, out, x, y):
        return ct * y, ct * x

    run = pb.trace(lambda a, b: product(a, b) + a, 2.0, 3.0).forward(2, 3).backward()
    assert (run.gradients["a"], run.gradients["b"]) == (4, 2)
    assert all(isinstance(partial, float) for partial in run.partials.values())
    assert "dout/da" in run.explain("a")


@pytest.mark.parametrize(
    ("values", "named", "error", "words"),
    [
        ([], {}, GraphError, "no value for x, y"),
        ([[1, 2]], {}, GraphError, "no value for y. The inputs are x, y"),
        ([[1, 2], 3, 4], {}, GraphError, "at most 2 values"),
        ([[1, 2]], {"x": [1, 2]}, GraphError, "given twice"),
        ([], {"z": 1}, GraphError, "there is no input 'z'. The inputs are x, y"),
        ([[1, 2, 3], 1], {}, ShapeError, r"expected x to be of shape \(2,\), got \(3,\)"),
        ([1, 1], {}, ShapeError, r"expected x to be of shape \(2,\), got \(\)"),
        ([[1, 2], 1j], {}, DTypeError, "expected y to be float64, got complex128"),
        ([["a", "b"], 1], {}, DTypeError, "forward, x: expected numbers"),
        ([[1, [2]], 1], {}, ShapeError, "rows of equal length"),
        ([None, 1], {}, DTypeError, "got NoneType"),
    ],
)
def test_what_does_not_fit_is_refused(values, named, error, words):
    graph = pb.trace(lambda x, y: x * y, np.ones(2), 1.0)
    with pytest.raises(error, match=words):
        graph.forward(*values, **named)


def test_a_watched_array_is_refused_as_a_value():
    graph = pb.trace(lambda x: x * x, 1.0)
    with pytest.raises(NotDifferentiableError, match=r"Use x\.detach\(\)"):
        graph.forward(pb.array(3.0, requires_grad=True))
    assert graph.forward(pb.array(3.0)).values["out"] == 9


def test_an_operation_that_refuses_its_values_is_named():
    graph = pb.trace(lambda n: (n**n).sum(), np.arange(2))
    with pytest.raises(ArgumentError, match="power: integers to negative"):
        graph.forward([-1, -2])


def test_unknown_names_list_those_there_are():
    run = pb.expression("L = a*b").forward(a=1, b=2).backward()
    for mapping in (run.values, run.gradients):
        with pytest.raises(GraphError, match=r"no node named 'q'. Its names are a, b, L"):
            mapping["q"]
        assert mapping.get("q") is None
        assert mapping.get("q", 3) == 3
    with pytest.raises(GraphError, match=r"no edge b -> a"):
        run.partials["b", "a"]
    with pytest.raises(GraphError, match=r"no edge q -> L. The edges are a -> L, b -> L"):
        run.partials["q", "L"]
    with pytest.raises(GraphError, match=r"expected a pair of names"):
        run.partials["L"]
    assert run.partials.get(("q", "L")) is None
    with pytest.raises(GraphError, match="no node named 'q'"):
        run.backward("q")


def test_backward_needs_one_output_with_one_element():
    graph = pb.trace(lambda x: (x * 2, x.sum()), np.ones(2))
    run = graph.forward([1, 2])
    with pytest.raises(GraphError, match="expected the name of one of the 2 outputs: out1, out2"):
        run.backward()
    with pytest.raises(GraphError, match="expected the name of one of the 2 outputs"):
        graph.backward()
    with pytest.raises(ShapeError, match=r"backward: expected an output with one element, got shape \(2,\)"):
        run.backward("out1")
    np.testing.assert_array_equal(run.backward("out2").gradients["x"], [1, 1])


def test_the_gradient_graph_of_named_inputs():
    graph = pb.trace(lambda x, y, z: x * y**2, 1.0, 1.0, 1.0)
    assert graph.backward("y").output_names == ("dout/dy",)
    run = graph.backward(["z", "y"]).forward(2, 3, 4)
    assert run.values["dout/dz"] == 0
    assert run.values["dout/dy"] == 12
    second = graph.backward("y").backward("y")
    assert second.forward(2, 3, 4).values["d(dout/dy)/dy"] == 4


@pytest.mark.parametrize(
    ("wrt", "error", "words"),
    [
        ("q", GraphError, "no node named 'q'"),
        (["x", "x"], GraphError, "expected distinct names"),
        ([], GraphError, "expected distinct names"),
        (0, GraphError, "expected distinct names, got 0"),
        ("n", NotDifferentiableError, "'n' is int64"),
    ],
)
def test_names_that_the_gradient_graph_cannot_have(wrt, error, words):
    graph = pb.trace(lambda x, n: (x * n).sum(), np.ones(2), np.arange(2))
    with pytest.raises(error, match=words):
        graph.backward(wrt)


def test_infinities_and_nan_come_without_warnings():
    run = pb.expression("q = a/b; L = q*b").forward(a=1, b=0).backward()
    assert run.values["q"] == np.inf
    assert np.isnan(run.values["L"])
    assert run.partials["a", "q"] == np.inf


def test_a_long_chain():
    def chain(x):
        for _ in range(100_000):
            x = x + 0.001
        return x

    graph = pb.trace(chain, 0.0)
    run = graph.forward(1.0).backward()
    assert run.gradients["x"] == 1
    assert run.values[graph.output_name()] == pytest.approx(101.0)
    assert len(run.partials) == 100_000
