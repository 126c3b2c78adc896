"""What notebooks show."""

import random
import xml.etree.ElementTree as ET

import numpy as np

import pullback as pb


def test_an_array_is_a_table():
    html = pb.array([[1.0, 2.0], [3.0, 4.0]])._repr_mimebundle_()["text/html"]
    root = ET.fromstring(html)
    assert [cell.text for cell in root.iter("td")] == ["1", "2", "3", "4"]
    assert "float64[2, 2]" in html


def test_a_large_array_is_abridged():
    root = ET.fromstring(pb.array(np.zeros((30, 40)))._repr_mimebundle_()["text/html"])
    assert len(list(root.iter("td"))) == 11 * 11


def test_arrays_that_are_no_tables_are_text():
    for array in (pb.array(np.zeros((2, 2, 2))), pb.array([]), pb.array(3.0, requires_grad=True)):
        ET.fromstring(array._repr_mimebundle_()["text/html"])
    shown = []

    def f(x):
        shown.append(x._repr_mimebundle_()["text/html"])
        return x * 2

    pb.trace(f, 1.0)
    assert "traced float64[]" in shown[0]


def test_a_graph_is_a_picture_and_text():
    run = pb.expression("L = a*b").forward(a=1, b=2).backward()
    for what in (run, run.graph):
        bundle = what._repr_mimebundle_()
        assert list(bundle) == ["text/plain", "text/html", "image/svg+xml"]
        assert bundle["text/plain"] == str(what)
        ET.fromstring(bundle["image/svg+xml"])
        assert bundle["image/svg+xml"] in bundle["text/html"]
    assert run._repr_mimebundle_()["image/svg+xml"] == run.svg()


def test_a_graph_too_large_to_be_drawn_is_text():
    choice = random.Random(0).choice
    graph = pb.expression(" + ".join(f"{choice(['sin', 'cos', 'exp', 'tanh'])}(a)" for _ in range(800)))
    assert graph._repr_mimebundle_() == {"text/plain": str(graph)}
