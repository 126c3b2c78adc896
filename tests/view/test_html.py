"""What notebooks show."""

import xml.etree.ElementTree as ET

import numpy as np

import pullback as pb


def test_an_array_is_a_table():
    html = pb.array([[1.0, 2.0], [3.0, 4.0]])._repr_html_()
    root = ET.fromstring(html)
    assert [cell.text for cell in root.iter("td")] == ["1", "2", "3", "4"]
    assert "float64[2, 2]" in html


def test_a_large_array_is_abridged():
    root = ET.fromstring(pb.array(np.zeros((30, 40)))._repr_html_())
    assert len(list(root.iter("td"))) == 11 * 11


def test_arrays_that_are_no_tables_are_text():
    for array in (pb.array(np.zeros((2, 2, 2))), pb.array([]), pb.array(3.0, requires_grad=True)):
        ET.fromstring(array._repr_html_())
    shown = []

    def f(x):
        shown.append(x._repr_html_())
        return x * 2

    pb.trace(f, 1.0)
    assert "traced float64[]" in shown[0]


def test_small_graphs_are_pictures_and_large_ones_text():
    run = pb.expression("L = a*b").forward(a=1, b=2).backward()
    assert "<svg" in run._repr_html_()
    assert "<svg" in run.graph._repr_html_()
    large = pb.expression(" + ".join(f"sin({i}*a)" for i in range(50))).forward(a=1)
    assert large._repr_html_().startswith("<pre>graph(a)")
    assert large.graph._repr_html_().startswith("<pre>graph(a)")
    ET.fromstring(large._repr_html_())
