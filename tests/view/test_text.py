"""Listings: what they look like, and that they stay short."""

import numpy as np

import pullback as pb


def lecture():
    return pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2)


def lines(text):
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def test_an_expression_before_it_has_values():
    assert str(pb.expression("L = c*(a + 2*b)")) == lines("""
graph(c, a, b) -> L
  c   input
  a   input
  b   input
  t1  multiply(2, b)
  t2  add(a, t1)
  L   multiply(c, t2)
""")


def test_a_graph():
    assert str(lecture().graph) == lines("""
graph(b, a, c) -> L
  b  input           float64[]
  a  input           float64[]
  c  input           float64[]
  d  multiply(2, b)  float64[]
  e  add(a, d)       float64[]
  L  multiply(c, e)  float64[]
""")


def test_the_forward_pass():
    assert str(lecture()) == lines("""
graph(b, a, c) -> L
  node  operation  value
  b     input          1
  a     input          3
  c     input         -2
  d     2*b            2
  e     a + d          5
  L     c*e          -10
""")


def test_the_backward_pass():
    assert str(lecture().backward()) == lines("""
graph(b, a, c) -> L
  node  operation  value  gradient  local partials
  b     input          1        -4
  a     input          3        -2
  c     input         -2         5
  d     2*b            2        -2  dd/db = 2
  e     a + d          5        -2  de/da = 1, de/dd = 1
  L     c*e          -10         1  dL/dc = 5, dL/de = -2
""")


def test_arrays_are_described():
    run = pb.expression("s = sum(x*w)").forward(x=np.arange(6.0), w=[1, np.nan, np.inf, 2, 3, -1]).backward()
    assert str(run) == lines("""
graph(x, w) -> s
  node  operation  value                                   gradient
  x     input      float64[6] from 0 to 5                  float64[6] from -1 to 3, 1 nan, 1 inf
  w     input      float64[6] from -1 to 3, 1 nan, 1 inf   float64[6] from 0 to 5
  t1    x*w        float64[6] from -5 to 12, 1 nan, 1 inf  float64[6] all 1
  s     sum(t1)    nan                                     1
""")


def test_the_line_of_the_user_stands_at_the_right():
    graph = pb.trace(lambda x: x * x + 1, 1.0)
    assert all("test_text.py:" in line for line in str(graph).splitlines()[2:])


def test_the_gradient_graph_says_what_it_was_made_from():
    text = str(pb.trace(lambda x, y: x * x * y, 1.0, 1.0).backward())
    assert "backward of test_text.py:" in text
    assert text.startswith("graph(x, y) -> dout/dx, dout/dy")


def test_constants_that_are_arrays_have_a_line():
    k = np.array([1.0, 2.0])
    assert "k1   constant [1, 2]" in str(pb.trace(lambda x: x * k, k))


def test_a_long_graph_is_abridged():
    def chain(x):
        for _ in range(100_000):
            x = np.sin(x) + 1
        return x

    graph = pb.trace(chain, 1.0)
    text = str(graph).splitlines()
    assert len(text) == 1 + 40 + 1 + 20
    assert "... 199,941 more nodes, among them 99,971 add, 99,970 sin" in text[41]
    assert len(str(graph.forward(1.0).backward()).splitlines()) == 1 + 1 + 40 + 1 + 20
    assert str(graph.forward(1.0)).count("\n") < 70


def test_many_inputs_are_abridged():
    graph = pb.expression(" + ".join(f"x{i}" for i in range(50)))
    assert "... (50 in all)" in str(graph).splitlines()[0]


def test_names_from_elsewhere_do_not_reach_the_terminal_raw():
    w = pb.Parameter([1.0], name="w\x1b[31m\u202e\n")
    run = pb.trace(lambda x: (w * x).sum(), np.ones(1)).forward([1]).backward()
    for text in (str(run), str(run.graph), run.explain("x"), run.explain("w\x1b[31m\u202e\n")):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_short_forms():
    run = lecture()
    assert repr(run) == "<Evaluation: 7 values>"
    assert repr(run.backward()) == "<Evaluation: 7 values, gradients of L>"
    assert repr(run.values).startswith("{'b': 1.0, 'a': 3.0")
    assert repr(run.partials) == "<partials of 5 edges: b -> d, a -> e, d -> e, c -> L, e -> L>"
