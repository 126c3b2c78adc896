"""Nodes written out as expressions."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import GraphError
from pullback.view.summary import summarize


@pytest.mark.parametrize(
    "text",
    [
        "c*(a + 2*b)",
        "a - (b - c)",
        "a - b - c",
        "a + b + c",
        "a/(b*c)",
        "a*b/c",
        "(a**b)**c",
        "a**b**c",
        "-a**2",
        "(-a)**2",
        "a**(-b)",
        "-(a + b)",
        "a @ (b @ c)",
        "a @ b @ c",
        "sin(a + b)*exp(-c)",
        "a*(-2)",
        "maximum(a, b)",
    ],
)
def test_brackets_stand_where_they_are_needed(text):
    assert pb.expression(text).formula() == text


def test_a_formula_gives_the_same_value_when_read_again():
    text = "u = a*b - c/(a - b); v = -u**2 - (-u)**3; L = v/(u*v) - tanh(v)**a"
    graph = pb.expression(text)
    given = {"a": 1.5, "b": -0.5, "c": 2.0}
    value = graph.forward(**given).values["L"]
    assert pb.expression(graph.formula()).forward(**given).values["out"] == pytest.approx(value, nan_ok=True)


def test_inner_nodes_have_formulas_too():
    graph = pb.expression("d = 2*b; e = a + d; L = c*e")
    assert graph.formula("e") == "a + 2*b"
    with pytest.raises(GraphError, match="no node named 'q'"):
        graph.formula("q")


def test_broadcasts_are_not_written():
    x = np.ones((2, 3))
    assert pb.trace(lambda x, b: (x + b).sum(), x, np.ones(3)).formula() == "sum(x + b)"
    assert pb.trace(lambda x: x.sum(axis=0), x).formula() == "sum(x, axes=(0,))"


def test_a_formula_that_would_explode_becomes_statements():
    def double(x):
        for _ in range(100):
            x = x * x + 1
        return x

    graph = pb.trace(double, 1.0)
    text = graph.formula()
    assert len(text) < 10_000
    expected = graph.forward(0.1).values[graph.output_name()]
    assert pb.expression(text).forward(x=0.1).values["out"] == pytest.approx(expected)


def test_a_long_chain_has_a_formula():
    def chain(x):
        for _ in range(100_000):
            x = x + 1
        return x

    assert pb.trace(chain, 1.0).formula().count("+ 1") == 100_000


# In LaTeX -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c*(a + 2*b)", r"c \cdot \left(a + 2\,b\right)"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a/(b*c)**2", r"\frac{a}{\left(b \cdot c\right)^{2}}"),
        ("(a/b)**2", r"\left(\frac{a}{b}\right)^{2}"),
        ("-(a + b)", r"-\left(a + b\right)"),
        ("(-a)**2", r"\left(-a\right)^{2}"),
        ("a*(-b)", r"a \cdot \left(-b\right)"),
        ("a + (-2)*b", r"a + \left(-2 \cdot b\right)"),
        ("(a**b)**c", r"\left(a^{b}\right)^{c}"),
        ("a @ (b + c)", r"a \, \left(b + c\right)"),
        ("sqrt(x*x + y*y)", r"\sqrt{x^{2} + y^{2}}"),
        ("3*sum(x + y)", r"3\,\sum \left(x + y\right)"),
        ("sum(x)*y", r"\left(\sum x\right) \cdot y"),
        ("exp(-e)*log(z1)", r"\exp\left(-e\right) \cdot \log\left(z_{1}\right)"),
        ("abs(x - y)", r"\left|x - y\right|"),
        ("softplus(theta_0)", r"\mathrm{softplus}\left(\theta_{0}\right)"),
        ("maximum(x_max, 1e-7)", r"\max\left(x_{\mathrm{max}}, 1 \times 10^{-7}\right)"),
        ("x*(2/3)", r"\frac{2}{3} \cdot x"),
    ],
)
def test_latex(text, expected):
    assert pb.expression(text).formula(form="latex") == expected


def test_arrays_in_latex():
    x = np.ones((2, 2))

    def written(f):
        return pb.trace(f, x, x).formula(form="latex")

    assert written(lambda x, y: x.T @ (y - x)) == r"x^{\top} \, \left(y - x\right)"
    assert written(lambda x, y: 2 * x * y) == r"2\,x \odot y"
    assert written(lambda x, y: np.sum(x, axis=0) + y) == r"\sum_{\mathrm{axis}\,0} x + y"
    assert written(lambda x, y: np.linalg.solve(x, y)) == r"x^{-1} \, y"
    assert written(lambda x, y: np.linalg.inv(x + y)) == r"\left(x + y\right)^{-1}"
    assert written(lambda x, y: np.linalg.norm(x, axis=(0, 1)) * y) == r"\left\|x\right\| \cdot y"
    assert written(lambda x, y: np.where(x > y, x, 0)) == (
        r"\begin{cases} x & \mathrm{if}\ x > y \\ 0 & \mathrm{otherwise} \end{cases}"
    )


def test_a_long_formula_in_latex_is_a_system_of_equations():
    def double(x):
        for _ in range(20):
            x = x * x + 1
        return x

    rows = pb.trace(double, 1.0).formula(form="latex").splitlines()
    assert rows[:2] == [r"\begin{aligned}", r"  x_{2} &= x^{2} + 1 \\"]
    assert rows[-2:] == [r"  &x_{20}^{2} + 1", r"\end{aligned}"]


def test_a_number_that_few_digits_do_not_give_is_a_fraction_where_it_is_one():
    assert pb.expression("x*(2/7) + 0.4").formula() == "x*2/7 + 0.4"
    assert pb.expression("x*3.14159265").formula() == "x*3.14159"


def test_names_are_no_commands_in_latex():
    w = pb.Parameter(2.0, name="50%_{x}\\")
    assert pb.trace(lambda x: w * x, 1.0).formula(form="latex") == r"\mathrm{50\%\_\{x\}\backslash } \cdot x"


def test_another_form_is_refused():
    with pytest.raises(pb.errors.ArgumentError, match="formula: expected form to be 'text' or 'latex', got 'html'"):
        pb.expression("a*b").formula(form="html")


def test_outer_products_are_written_as_such():
    def function(w, x, y):
        return np.sum(x[:, None] * np.sin(y)), np.sum(w @ x), np.sum(y @ w)

    w, x, y = np.ones((2, 3)), np.ones(3), np.ones(2)
    graph = pb.trace(function, w, x, y)
    first = graph.names[graph.outputs[0]]
    assert graph.formula(first) == "sum(outer(x, sin(y)))"
    assert graph.formula(first, form="latex") == r"\sum x \, \sin\left(y\right)^{\top}"
    links = {(link.source, link.target): link for link in summarize(graph).links}
    items = summarize(graph).items
    pulled = [link.pulled_formula for (source, target), link in links.items()
              if items[source].name == "w" and items[target].operation == "matmul"]  # fmt: skip
    assert pulled == ["outer(ct, x)", "outer(y, ct)"]


def test_products_with_axes_of_length_1_that_are_no_outer_products():
    def function(x, y, m):
        return np.sum(x[:, None] * m), np.sum(y * m.T), np.sum(x[:, None] @ np.ones((1, 1)))

    graph = pb.trace(function, np.ones(3), np.ones(1), np.ones((3, 3)))
    assert not any("outer" in graph.formula(graph.names[node]) for node in graph.outputs)
