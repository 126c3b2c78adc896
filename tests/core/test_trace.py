"""Tracing: names from the source, what becomes an input, what is captured, what is refused."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn
from pullback.core.aval import Aval
from pullback.core.graph import Graph
from pullback.core.node import NO_PARAMS, Node
from pullback.core.terminals import CONSTANT, INPUT, constant_node, input_node
from pullback.core.verify import verify_avals
from pullback.errors import DTypeError, GraphError, NotDifferentiableError, ShapeError

FLOAT = Aval((), np.dtype(float))


def names_of(graph):
    return [graph.names[node] for node in graph.nodes if node.inputs]


class TestNames:
    def test_variables_of_the_source(self):
        def f(a, b, c):
            d = 2 * b
            e = a + d
            return c * e

        graph = pb.trace(f, 3.0, 1.0, -2.0)
        assert [node.name for node in graph.inputs] == ["a", "b", "c"]
        assert [node.name for node in graph.nodes if node.inputs] == ["d", "e", None]
        assert names_of(graph) == ["d", "e", "out"]

    def test_a_variable_that_is_assigned_again_is_numbered(self):
        def f(x):
            for _ in range(3):
                x = x * 2.0
            y = x
            return y + x

        assert names_of(pb.trace(f, 1.0)) == ["x_2", "x_3", "x_4", "out"]

    def test_a_call_that_makes_several_nodes_names_its_result_only(self):
        def f(x):
            z = np.mean(x, axis=0)
            w = np.std(x)
            return z, w

        graph = pb.trace(f, np.ones((3, 2)))
        assert names_of(graph).count("z") == 1
        assert names_of(graph).count("w") == 1
        assert [graph.names[node] for node in graph.outputs] == ["z", "w"]

    def test_the_result_of_a_call_is_named_however_often_it_was_made(self):
        mean_square_error = nn.mse

        def f(x, y):
            loss = mean_square_error(x, y)
            return loss * 3.0

        for _ in range(100):  # the interpreter specialises calls that it has made some times
            assert names_of(pb.trace(f, np.ones(2), np.ones(2)))[-2:] == ["loss", "out"]

    def test_inner_expressions_are_t1_t2(self):
        def f(a, b):
            y = np.sin(a * b) + a
            return y  # noqa: RET504  # the name is what is tested

        assert names_of(pb.trace(f, 1.0, 2.0)) == ["t1", "t2", "y"]

    def test_containers_name_inputs_by_path(self):
        graph = pb.trace(lambda p, x: p["w"][0] * x + p["b"], {"w": [1.0, 2.0], "b": 3.0}, 1.0)
        assert [graph.names[node] for node in graph.inputs] == ["p.b", "p.w.0", "p.w.1", "x"]

    def test_variadic_arguments(self):
        graph = pb.trace(lambda *values: values[0] * values[1], 1.0, 2.0)
        assert [graph.names[node] for node in graph.inputs] == ["values0", "values1"]

    def test_every_name_finds_its_node_and_others_are_refused(self):
        graph = pb.trace(lambda a, b: a * b, 1.0, 2.0)
        assert graph["a"] is graph.inputs[0]
        assert "out" in graph
        with pytest.raises(GraphError, match=r"no node named 'q'\. Its names are a, b, out"):
            graph["q"]

    def test_origin_is_the_line_of_the_user(self):
        def f(x):
            return np.tanh(x)

        node = pb.trace(f, 1.0).outputs[0]
        assert str(node.origin) == f"test_trace.py:{f.__code__.co_firstlineno + 1}"


class TestArguments:
    def test_arrays_and_floats_are_traced_and_the_rest_is_static(self):
        def f(x, n, flag, text, scale):
            assert (n, flag, text) == (3, True, "a")
            return x**n * scale

        graph = pb.trace(f, np.ones(2, np.float32), 3, True, "a", 2.0)
        assert [graph.names[node] for node in graph.inputs] == ["x", "scale"]
        assert graph.inputs[0].aval == Aval((2,), np.dtype(np.float32))

    def test_avals_serve_as_examples(self):
        graph = pb.trace(lambda x, y: x @ y, Aval((2, 3), np.dtype(float)), Aval((3,), np.dtype(float)))
        assert graph.outputs[0].aval.shape == (2,)

    def test_parameters_are_captured_with_their_values(self):
        w = pb.Parameter([2.0, 3.0], name="w")
        graph = pb.trace(lambda x: (w * x).sum(), np.ones(2))
        assert [graph.names[node] for node in graph.inputs] == ["x", "w"]
        run = graph.forward(np.array([1.0, 10.0])).backward()
        np.testing.assert_array_equal(run.gradients["w"], [1.0, 10.0])
        assert graph.forward(np.ones(2), w=np.ones(2)).values["out"] == 2.0

    def test_unused_inputs_stay_inputs(self):
        assert len(pb.trace(lambda a, b: a, 1.0, 2.0).inputs) == 2

    def test_shape_errors_come_while_tracing(self):
        with pytest.raises(ShapeError, match=r"test_trace\.py"):
            pb.trace(lambda x, y: x + y, np.ones(2), np.ones(3))

    @pytest.mark.parametrize(
        ("f", "args", "error", "match"),
        [
            (3, (), DTypeError, "expected a function"),
            (lambda x: "text", (1.0,), DTypeError, "expected the function to return"),
            (lambda x: None, (1.0,), GraphError, "returned no array"),
            (lambda x: x, (np.array(["a"]),), DTypeError, "arrays of numbers"),
            (lambda x: np.packbits(x), (np.ones(3),), NotDifferentiableError, "numpy.packbits"),
        ],
    )
    def test_what_cannot_be_traced_is_refused(self, f, args, error, match):
        with pytest.raises(error, match=match):
            pb.trace(f, *args)


class TestVerification:
    """What is no graph is refused when it is made."""

    def test_a_node_before_what_it_uses(self):
        x = input_node(FLOAT, "x")
        y = pb.trace(lambda x: x * x, 1.0).outputs[0]
        with pytest.raises(GraphError, match="which it uses"):
            Graph([x], [x, y], [y])

    def test_an_output_that_is_not_there(self):
        x = input_node(FLOAT, "x")
        with pytest.raises(GraphError, match=r"output .* not among the nodes"):
            Graph([x], [x], [constant_node(np.float64(1))])

    def test_an_input_that_is_no_input(self):
        c = constant_node(np.float64(1))
        with pytest.raises(GraphError, match="is not an input node"):
            Graph([c], [c], [c])

    def test_an_input_that_is_not_listed_or_listed_twice(self):
        x = input_node(FLOAT, "x")
        with pytest.raises(GraphError, match="not among the inputs"):
            Graph([], [x], [x])
        with pytest.raises(GraphError, match="listed twice"):
            Graph([x, x], [x], [x])
        with pytest.raises(GraphError, match="listed twice"):
            Graph([x], [x, x], [x])
        with pytest.raises(GraphError, match="not among the nodes"):
            Graph([x], [], [])

    def test_a_constant_without_value_or_with_inputs(self):
        with pytest.raises(GraphError, match="has no value"):
            Graph([], [constant_node(None)], [])
        x = input_node(FLOAT, "x")
        bad = Node(INPUT, (x,), NO_PARAMS, None, True, aval=FLOAT)
        with pytest.raises(GraphError, match="cannot use other nodes"):
            Graph([x, bad], [x, bad], [bad])

    def test_a_value_that_is_not_what_its_aval_says(self):
        bad = Node(CONSTANT, (), NO_PARAMS, np.float64(1), False, aval=Aval((2,), np.dtype(float)))
        with pytest.raises(GraphError, match="says float64"):
            Graph([], [bad], [bad])

    def test_output_names(self):
        x = input_node(FLOAT, "x")
        with pytest.raises(GraphError, match="distinct output names"):
            Graph([x], [x], [x, x], ["a", "a"])

    def test_a_wrong_aval_is_found(self):
        x = input_node(FLOAT, "x")
        y = pb.trace(lambda x: x * x, 1.0).outputs[0].primitive
        bad = Node(y, (x, x), NO_PARAMS, None, True, aval=Aval((5,), np.dtype(float)))
        with pytest.raises(GraphError, match="should be float64"):
            verify_avals(Graph([x], [x, bad], [bad]))
