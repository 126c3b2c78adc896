"""Expressions: what is understood, what is refused and in which words."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.operations import operations
from pullback.core.verify import verify_avals
from pullback.errors import DTypeError, GraphError, PullbackError, ShapeError
from pullback.view.expression import FUNCTIONS


def value(text, **given):
    graph = pb.expression(text)
    return graph.forward(**given).values[graph.output_name()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2*3", 7),
        ("(1 + 2)*3", 9),
        ("2**3**2", 512),
        ("-2**2", -4),
        ("2 - 3 - 4", -5),
        ("1/2/2", 0.25),
        ("+3", 3),
        ("--3", 3),
        ("1e3 + .5", 1000.5),
        ("x = 1/2; 3*x", 1.5),
        ("2**9**9", np.inf),
        ("1/0", np.inf),
        ("sqrt(4)*max(1, 2)", 4),
    ],
)
def test_arithmetic_between_numbers(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a*b - b/a", 2 * 3 - 3 / 2),
        ("a**-b", 2**-3),
        ("-a*b", -6),
        ("ln(a) + abs(-b)", np.log(2) + 3),
        ("max(a, b)*min(a, b)", 6),
        ("sin(a)**2 + cos(a)**2", 1),
        ("atan(a) - arctan(a)", 0),
        ("t = a; u = t; u*u", 4),
        ("x = +a; x*b", 6),
    ],
)
def test_arithmetic_between_inputs(text, expected):
    given = {name: number for name, number in {"a": 2, "b": 3}.items() if name in pb.expression(text)}
    assert value(text, **given) == pytest.approx(expected, abs=1e-15)


OF_WHOLE_ORDERS = ("expn", "yn", "kn")


@pytest.mark.parametrize(("name", "count"), FUNCTIONS)
def test_every_function_that_may_be_called_exists(name, count):
    assert callable(getattr(operations, FUNCTIONS[name, count]))
    arguments = ["2", "b"] if name in OF_WHOLE_ORDERS else ["a", "b"][:count]
    x = np.full((2, 2), 0.5)
    graph = pb.expression(f"sum({name}({', '.join(arguments)}))")
    run = graph.forward(**{node.name: x for node in graph.inputs})
    if name in ("acosh", "arccosh", "ndtri_exp"):  # outside of what they are defined for
        assert np.isnan(run.values["out"])
    else:
        assert np.isfinite(run.values["out"])


def test_functions_come_from_the_registry_and_nothing_else_may_be_called():
    assert {"sin", "digamma", "softplus", "asin", "ln", "sum"} <= {name for name, _ in FUNCTIONS}
    names = {name for name, _ in FUNCTIONS}
    assert not names & {"reshape", "item", "strong_product", "logistic_loss", "equal", "eval", "verify", "graph_save"}
    with pytest.raises(GraphError, match=r"a product is written with \*\. Did you mean softmax"):
        pb.expression("sofmax(a)")


def test_intermediates_are_numbered_in_the_order_of_evaluation():
    graph = pb.expression("L = c*(a + 2*b)")
    assert list(graph.forward(a=3, b=1, c=-2).values) == ["c", "a", "b", "t1", "t2", "L"]


def test_numbering_leaves_out_names_that_are_taken():
    graph = pb.expression("t1*a + t3*a*a")
    assert {"t2", "t4", "t5"} <= set(graph.forward(a=1, t1=2, t3=3).values)


def test_a_result_without_a_name_is_called_out():
    assert pb.expression("a + 1").output_name() == "out"


def test_inputs_come_in_the_order_in_which_they_are_named():
    assert pb.expression("L = c*(a + 2*b)").forward(-2, 3, 1).values["L"] == -10


def test_lines_indentation_and_comments():
    graph = pb.expression("""
        d = 2*b   # twice
        e = a + d

        L = c*(
            e
        )
    """)
    assert graph.forward(a=3, b=1, c=-2).values["L"] == -10


def test_names_that_python_holds_for_equal_are_equal():
    assert pb.expression("ﬁ + fi").forward(fi=2).values["out"] == 4


def test_a_named_number_keeps_its_name():
    run = pb.expression("x = 1/2; L = x*a").forward(a=3).backward()
    assert run.values["x"] == 0.5
    with pytest.raises(GraphError, match="'x' is a constant: it has no derivative"):
        run.gradients["x"]
    single = pb.expression("x = 1/2; L = x*a").forward(a=np.float32(3))
    assert single.values["L"].dtype == np.float32
    assert single.values["x"] == 0.5


def test_whole_numbers_count_as_real_ones():
    assert type(pb.expression("a*2").forward(a=3).values["a"]) is float
    assert pb.expression("a*2").forward(a=np.arange(3)).values["a"].dtype == np.float64


def test_shapes_are_known_once_there_are_values():
    graph = pb.expression("s = mean(square(x @ w + b))")
    run = graph.forward(x=np.ones((4, 3)), w=np.ones((3, 2)), b=np.ones(2)).backward()
    verify_avals(run.graph)
    assert run.gradients["b"].shape == (2,)
    assert "broadcast_to" in {node.primitive.name for node in run.graph.nodes}
    assert graph.forward(x=np.ones((1, 1)), w=np.ones((1, 1)), b=1).values["s"] == 4


def test_shapes_that_do_not_fit_name_the_statement():
    with pytest.raises(ShapeError, match=r"in e = a \+ d: add: expected shapes that broadcast"):
        pb.expression("d = 2*b; e = a + d; L = sum(e)").forward(a=[1, 2], b=[1, 2, 3])


def test_the_gradient_graph_of_an_expression_is_for_numbers():
    gradients = pb.expression("L = c*(a + 2*b)").backward(["b", "c"])
    assert gradients.output_names == ("dL/db", "dL/dc")
    assert gradients.forward(c=-2, a=3, b=1).values["dL/db"] == -4


def test_statements_that_are_not_needed_have_values_too():
    run = pb.expression("d = 2*b; e = 3*b; L = d*d").forward(b=1).backward()
    assert run.values["e"] == 3
    assert run.gradients["e"] == 0


def test_many_statements():
    text = "\n".join(["x0 = a", *(f"x{i + 1} = x{i} + a" for i in range(5000))])
    run = pb.expression(text).forward(a=1).backward()
    assert run.gradients["a"] == 5001


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the text is empty"),
        ("  \n # nothing\n", "the text is empty"),
        ("1 +", r"invalid syntax in '1 \+'"),
        ("a b", "invalid syntax in 'a b' at column"),
        ("foo(a)", "there is no function 'foo', in 'foo\\(a\\)'; a product is written with"),
        ("a(b + 1)", "there is no function 'a'"),
        ("a ^ 2", r"'a \^ 2' is not supported.*Powers are written \*\*"),
        ("a // 2", "is not supported"),
        ("a < b", "is not supported"),
        ("a if b else c", "is not supported"),
        ("a[0]", "is not supported"),
        ("a.T", "is not supported"),
        ("[a, b]", "is not supported"),
        ("lambda: a", "is not supported"),
        ("__import__('os')", "there is no function '__import__'"),
        ("f'{a}'", "is not supported"),
        ("'a'", "expected a real number"),
        ("True", "expected a real number"),
        ("1j", "expected a real number"),
        ("None", "expected a real number"),
        ("x = 1; x = 2", "'x' is assigned twice, in 'x = 2'"),
        ("a = b; b = 2", "'b' is used before it is assigned, in 'b = 2'"),
        ("x = x + 1", "'x' is used before it is assigned"),
        ("x += 1", "expected an expression or an assignment"),
        ("x: float = 1", "expected an expression or an assignment"),
        ("import os", "expected an expression or an assignment"),
        ("def f(): pass", "expected an expression or an assignment"),
        ("a, b = 1, 2", "expected one name to the left"),
        ("a = b = 2", "expected one name to the left"),
        ("a[0] = 2", "expected one name to the left"),
        ("a + b; c", r"the value of 'a \+ b' is not used"),
        ("sum(a, axis=0)", "sum takes no keywords"),
        ("sum(a, b)", r"sum takes 1 argument, got 'sum\(a, b\)'"),
        ("hypot(a)", "hypot takes 2 arguments"),
        ("max(a, b, c)", "max takes 1 or 2 arguments"),
        ("sin()", "sin takes 1 argument"),
        ("sin(*a)", "sin takes 1 argument"),
        ("a.sin(b)", "expected the name of a function"),
        ("9" * 500, "too large for double precision"),
        ("9" * 5000, "Exceeds the limit"),
        ("a\x00", "null"),
        ("\ud800", "surrogates not allowed"),
        ("(" * 10_000 + "a" + ")" * 10_000, "too many nested parentheses"),
        ("-" * 10_000 + "a", "nested too deeply"),
        ("+".join(["a"] * 20_000), "too many terms in one statement. Split it"),
    ],
)
def test_what_is_not_understood_is_refused(text, words):
    with pytest.raises(GraphError, match=words):
        pb.expression(text)


@pytest.mark.parametrize("text", [3, None, b"a + b", ["a"]])
def test_what_is_not_text_is_refused(text):
    with pytest.raises(DTypeError, match="expression: expected a text"):
        pb.expression(text)


def test_control_characters_do_not_reach_the_message():
    with pytest.raises(GraphError) as caught:
        pb.expression("a*\x1b[31m")
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": 1}, "no value for b. The inputs are a, b"),
        ({"a": 1, "b": 2, "c": 3}, "there is no input 'c'"),
        ({"a": 1, "b": "x"}, "forward, b: expected"),
        ({"a": 1, "b": object()}, "forward, b: expected"),
    ],
)
def test_values_that_do_not_fit_are_refused(given, words):
    with pytest.raises(PullbackError, match=words):
        pb.expression("a*b").forward(**given)


def test_an_expression_is_compiled_for_what_it_is_given():
    f = pb.expression("L = mean(c*(a + 2*b))").compile()
    assert f(a=3, b=1, c=-2) == -10.0
    assert f(np.ones(3), np.float64(2), [1, 2, 3]) == 6.0  # c, a, b by their first use
    assert f(np.ones(3, np.float32), np.ones(3, np.float32), np.ones(3, np.float32)).dtype == np.float32
    with pytest.raises(ShapeError, match=r"in t2 = .*broadcast"):
        f(1.0, np.ones(2), np.ones(3))
    with pytest.raises(GraphError, match="compiled expression: no value for b"):
        f(1.0, 2.0)
