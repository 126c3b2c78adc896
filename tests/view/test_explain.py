"""The chain rule written out."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import GraphError


def explain(text, name, **given):
    return pb.expression(text).forward(**given).backward().explain(name)


LECTURE = {"a": 3, "b": 1, "c": -2}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("b", "dL/db = dL/de * de/dd * dd/db = -2 * 1 * 2 = -4"),
        ("a", "dL/da = dL/de * de/da = -2 * 1 = -2"),
        ("d", "dL/dd = dL/de * de/dd = -2 * 1 = -2"),
        ("c", "dL/dc = e = 5"),
        ("e", "dL/de = c = -2"),
        ("L", "dL/dL = 1"),
    ],
)
def test_the_lecture(name, expected):
    assert explain("d = 2*b; e = a + d; L = c*e", name, **LECTURE) == expected


def test_the_lecture_traced():
    def f(a, b, c):
        d = 2 * b
        e = a + d
        L = c * e
        return L  # noqa: RET504  # the name is what is tested

    run = pb.trace(f, 3.0, 1.0, -2.0).forward(3, 1, -2).backward()
    assert run.explain("b") == "dL/db = dL/de * de/dd * dd/db = -2 * 1 * 2 = -4"


def test_several_paths_are_summed():
    text = explain("u = 2*x; v = 3*x; L = u*v", "x", x=5)
    assert text == "dL/dx = dL/du * du/dx + dL/dv * dv/dx = 15 * 2 + 10 * 3 = 60"


def test_signs_are_put_in_brackets():
    text = explain("u = -x; v = -2*x; L = u*v", "x", x=1)
    assert text == "dL/dx = dL/du * du/dx + dL/dv * dv/dx = -2 * (-1) + (-1) * (-2) = 4"


def test_a_partial_along_one_edge_differs_in_writing_from_the_whole_derivative():
    assert explain("u = a*a; L = u*a", "a", a=2) == "dL/da = dL/du * du/da + ∂L/∂a = 2 * 4 + 4 = 12"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L = a/b", "dL/da = 1/b = 0.5"),
        ("L = a**2", "dL/da = 2*a = 2"),
        ("L = a*a", "dL/da = 2*a = 2"),
        ("L = 3*a", "dL/da = 3"),
        ("L = sin(a)", "dL/da = cos(a) = 0.540302"),
        ("L = tanh(a)", "dL/da = 1 - L**2 = 0.419974"),
    ],
)
def test_one_edge_is_written_as_a_formula(text, expected):
    given = {name: number for name, number in {"a": 1, "b": 2}.items() if name in pb.expression(text)}
    assert explain(text, "a", **given) == expected


def test_division_by_zero():
    assert explain("q = a/b; L = 2*q", "b", a=1, b=0) == "dL/db = dL/dq * dq/db = 2 * (-inf) = -inf"
    assert explain("L = 0*log(a)", "a", a=0).endswith("= 0")


def test_not_a_number():
    assert explain("u = log(a); L = 2*u", "a", a=float("nan")).endswith("= 2 * nan = nan")


def test_what_is_not_connected():
    assert explain("d = 2*b; L = a*a", "b", a=1, b=2) == "dL/db = 0 (L does not depend on b)"


def test_a_long_sum_takes_several_lines():
    text = explain("L = " + " + ".join(f"sin({i}*a)" for i in range(1, 6)), "a", a=1)
    first, *rest = text.splitlines()
    assert first.startswith("dL/da = ")
    assert all(line.startswith(("      + ", "      = ")) for line in rest)
    assert rest[-1].startswith("      = ")


def test_many_paths_go_by_the_next_nodes():
    def diamonds(x):
        for _ in range(100):
            x = np.sin(x) * np.cos(x)
        return x

    run = pb.trace(diamonds, 1.0).forward(1.0).backward()
    text = run.explain("x")
    assert text.count("*") == 4  # two terms, in names and in numbers
    assert len(text) < 300
    assert len(run.latex("x")) < 600


NETWORK = """
    z1 = w11*x1 + w12*x2 + b1; z2 = w21*x1 + w22*x2 + b2; h1 = relu(z1); h2 = relu(z2)
    z3 = v1*h1 + v2*h2 + c; p = sigmoid(z3); L = -(y*log(p) + (1 - y)*log(1 - p))
"""


@pytest.mark.parametrize(("name", "paths"), [("w11", 2), ("x1", 4), ("v2", 2), ("p", 2)])
def test_a_network_of_two_layers_is_written_out(name, paths):
    graph = pb.expression(NETWORK)
    run = graph.forward(*np.linspace(-1, 1, len(graph.inputs))).backward()
    text = run.explain(name)
    assert max(map(len, text.splitlines())) <= 100
    symbols, numbers, total = " ".join(text.split()).removeprefix(f"dL/d{name} = ").split(" = ")
    terms = symbols.split(" + ")
    assert len(terms) == paths
    assert all(term.startswith("dL/d") and term.endswith(f"/d{name}") for term in terms)
    assert eval(numbers) == pytest.approx(float(total), rel=1e-4)


def sines(count):
    return pb.expression("; ".join(f"x{i + 1} = sin(x{i})" for i in range(count))).forward(x0=0.5).backward()


def test_a_chain_of_sixteen_is_written_on_several_lines():
    first, second, third, *_ = sines(16).explain("x0").splitlines()
    assert first.startswith("dx16/dx0 = dx16/dx15 * dx15/dx14 * ")
    assert second.startswith("             * dx9/dx8 * ")
    assert third == "             * dx1/dx0"
    assert sines(17).explain("x0").count("*") == 2  # the longer one goes by the next node


def test_latex_of_a_long_chain_takes_several_rows():
    rows = sines(16).latex("x0").split("\\\\\n")
    assert [row.count(r"\frac") for row in rows] == [9, 8, 0, 0, 0]
    assert rows[1].startswith(r"  &\qquad \cdot \frac{\partial x_{8}}")


def test_many_terms_are_abridged():
    run = pb.trace(lambda x: sum(np.tanh(x * i) for i in range(1, 41)), 1.0).forward(0.1).backward()
    assert "... (32 more)" in run.explain("x")


def test_a_long_path_goes_by_the_next_node():
    def chain(x):
        for _ in range(100_000):
            x = 1.00001 * x
        return x

    graph = pb.trace(chain, 1.0)
    run = graph.forward(1.0).backward()
    out = graph.output_name()
    assert run.explain("x") == f"d{out}/dx = d{out}/dx_2 * dx_2/dx = 2.71824 * 1.00001 = 2.71827"


def test_terms_add_up_to_the_gradient():
    rng = np.random.default_rng(0)
    text = "u = a*b + a; v = sin(u)*a; w = v*u; L = w/b + v"
    for _ in range(5):
        a, b = rng.uniform(0.5, 2, size=2)
        run = pb.expression(text).forward(a=a, b=b).backward()
        *_, numbers, total = run.explain("b").replace("\n", " ").split(" = ")
        assert eval(" ".join(numbers.split())) == pytest.approx(float(total), rel=1e-3)


def test_arrays_have_shapes_and_norms():
    x = np.arange(6.0).reshape(2, 3)
    run = pb.expression("p = x @ w; L = sum(p*p)").forward(x=x, w=np.ones((3, 4))).backward()
    text = run.explain("w").splitlines()
    assert text[0] == "dL/dw = dL/dt1 * dt1/dp * dp/dw"
    assert text[1].split() == ["dL/dL", "=", "1"]
    assert text[-1].split()[:3] == ["dL/dw", "=", "float64[3,"]
    assert "norm" in text[-1]


def test_complex_numbers_are_not_multiplied_out():
    run = pb.expression("L = abs(z*z)").forward(z=1 + 2j).backward()
    assert run.explain("z").startswith("dL/dz = dL/dt1 * dt1/dz\n")


def test_explaining_needs_a_backward_pass_and_a_name():
    run = pb.expression("L = a*2").forward(a=1)
    with pytest.raises(GraphError, match="before the backward pass"):
        run.explain("a")
    with pytest.raises(GraphError, match="no node named 'q'"):
        run.backward().explain("q")
    with pytest.raises(GraphError, match="no node named 'q'"):
        run.backward().latex("q")


def test_latex():
    run = pb.expression("d = 2*b; e = a + d; L = c*e").forward(**LECTURE).backward()
    assert run.latex("b") == (
        r"\frac{\partial L}{\partial b} = \frac{\partial L}{\partial e} \cdot \frac{\partial e}{\partial d} "
        r"\cdot \frac{\partial d}{\partial b} = -2 \cdot 1 \cdot 2 = -4"
    )
    assert run.latex("c") == r"\frac{\partial L}{\partial c} = e = 5"
    assert run.latex("L") == r"\frac{\partial L}{\partial L} = 1"


def test_latex_of_several_paths():
    run = pb.expression("u = a*a; L = u*a").forward(a=2).backward()
    assert run.latex("a") == (
        "\\begin{aligned}\n"
        r"  \frac{\partial L}{\partial a} &= \frac{\partial L}{\partial u} \cdot \frac{\partial u}{\partial a} + "
        r"\left.\frac{\partial L}{\partial a}\right|_{u} \\" + "\n"
        r"  &= 2 \cdot 4 + 4 \\" + "\n"
        r"  &= 12" + "\n"
        r"\end{aligned}"
    )


def test_latex_escapes_names():
    w = pb.Parameter(2.0, name="50%_{x}\\")
    run = pb.trace(lambda x: w * x * x, 1.0).forward(3).backward()
    text = run.latex("50%_{x}\\")
    assert r"\mathrm{50\%\_\{x\}\backslash }" in text


def test_latex_of_infinity():
    run = pb.expression("L = 1e-9*log(a)").forward(a=0).backward()
    assert r"1 \times 10^{-9} \cdot \infty = \infty" in run.latex("a")


def test_a_comparison_on_the_way_is_no_path():
    def f(x):
        total = np.sum(x)
        return np.sum(np.where(total > 1.0, 2.0 * x, x))

    run = pb.trace(f, np.ones(2)).forward(np.ones(2)).backward()
    assert "dout/dx" in run.explain("x")
