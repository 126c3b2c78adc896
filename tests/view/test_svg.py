"""The picture: what it says, that it is well formed, and that no name can break out of it."""

import random
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError
from pullback.view.labels import draw
from pullback.view.summary import summarize
from pullback.view.svg import svg

GOLDEN = Path(__file__).parent / "lecture.svg"
SVG = "{http://www.w3.org/2000/svg}"


def lecture():
    return pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2).backward()


def network():
    text = """
        z11 = w11*x1 + w12*x2 + b1; z12 = w21*x1 + w22*x2 + b2
        a11 = relu(z11); a12 = relu(z12)
        z2 = v1*a11 + v2*a12 + c
        a2 = sigmoid(z2)
        L = -(y*log(a2) + (1 - y)*log(1 - a2))
    """
    graph = pb.expression(text)
    return graph.forward(*np.linspace(-1, 1, len(graph.inputs))).backward()


def texts(svg):
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_lecture_is_drawn_as_it_was():
    """After a change that is meant: look at ``lecture().svg()``, in light and dark, and write it to lecture.svg."""
    assert lecture().svg() == GOLDEN.read_text(encoding="utf-8")


def test_values_partials_and_gradients_are_in_the_picture():
    found = texts(lecture().svg())
    for text in (
        "L = c·(a + 2·b)",
        *("b", "1", "d = 2·b", "2", "e = a + d", "5", "L = c·e", "\N{MINUS SIGN}10"),
        *("∂d/∂b = 2", "∂e/∂d = 1", "∂e/∂a = 1", "∂L/∂e = \N{MINUS SIGN}2", "∂L/∂c = 5"),
        *("∂L/∂b = \N{MINUS SIGN}4", "∂L/∂a = \N{MINUS SIGN}2", "∂L/∂L = 1"),
    ):
        assert text in found


def test_kinds_of_nodes_are_told_apart():
    w, k = pb.Parameter([1.0, 2.0], name="w"), np.array([1.0, 2.0])
    run = pb.trace(lambda x: (w * x + k).sum(), k).forward(k).backward()
    kinds = {shape.name: shape.kind for shape in draw(summarize(run)).shapes}
    assert kinds == {
        "x": "input",
        "w": "parameter",
        "k1": "constant",
        "t1": "operation",
        "t2": "operation",
        "out": "output",
    }
    svg = run.svg()
    assert all(f'class="pb-{kind}"' in svg for kind in kinds.values())


@pytest.mark.parametrize("make", [lecture, network])
def test_the_picture_needs_nothing_from_outside(make):
    svg = make().svg()
    ET.fromstring(svg)
    assert not re.search(r"(href|url\(|@import|<script|<image|<foreignObject)", svg)
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]


def test_the_picture_speaks_and_suits_the_dark():
    svg = lecture().svg()
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "L = -10" in description.text
    assert "∂L/∂b = -4" in description.text
    assert "@media (prefers-color-scheme:dark)" in svg
    tips = [element.text for element in root.iter(f"{SVG}title")]
    assert "d = 2·b\nvalue 2\n∂L/∂d = -2" in tips
    assert "∂L/∂e = c = \N{MINUS SIGN}2" in tips


def test_two_pictures_on_one_page_do_not_share_ids():
    ids = re.findall(r'id="([^"]*)"', lecture().svg() + network().svg())
    assert len(set(ids)) == len(ids) == 4


HOSTILE = ['"><script>alert(1)</script>', "]]>&amp;<!--", "\x00\x1b[31m\u202e", "\ud800", "x" * 1000, "{}%s\\", "", " "]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out_of_the_picture(name):
    w = pb.Parameter([1.0, 2.0], name=name)
    run = pb.trace(lambda x: (w * x).sum(), np.ones(2)).forward([1, 2]).backward()
    for text in (run.svg(), svg(run.graph), run._repr_mimebundle_()["text/html"]):
        root = ET.fromstring(text)
        text.encode()
        assert not list(root.iter(f"{SVG}script"))
        assert "\u202e" not in text
    assert float(ET.fromstring(run.svg()).get("width")) < 2500


def test_a_graph_without_values_has_a_picture():
    for graph in (
        pb.expression("L = c*(a + 2*b)"),
        pb.trace(lambda x: (x * x).sum(), np.ones(3)),
        pb.expression("a"),
        pb.expression("1 + 2").forward().graph,
        pb.expression("L = c*(a + 2*b)").backward(),
    ):
        ET.fromstring(svg(graph))


def test_infinite_values_have_a_picture():
    found = texts(pb.expression("L = a/b").forward(a=1, b=0).backward().svg())
    assert "inf" in found
    assert "∂L/∂b = \N{MINUS SIGN}inf" in found


def test_numbers_stay_behind_names_that_run_to_the_left():
    name = "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"
    found = texts(pb.expression(f"{name}*b").forward(**{name: 2, "b": 3}).backward().svg())
    assert f"∂out/∂{name}\N{LEFT-TO-RIGHT MARK} = 3" in found


def test_a_graph_that_is_too_large_to_see_is_refused():
    choice = random.Random(0).choice
    text = " + ".join(f"{choice(['sin', 'cos', 'exp', 'tanh'])}(a)" for i in range(800))
    run = pb.expression(text).forward(a=1)
    with pytest.raises(
        ArgumentError, match=r"picture: expected a graph of at most 1,000 nodes, got 1,352 when it is folded"
    ):
        run.svg()


def test_a_large_graph_is_drawn():
    run = pb.expression(" + ".join(f"sin(a*{i})" for i in range(200))).forward(a=1).backward()
    assert {"multiply, sin, add \N{MULTIPLICATION SIGN} 199", "597 nodes"} <= set(texts(run.svg()))


def test_where_numbers_stop_being_finite_is_marked():
    run = pb.expression("r = sqrt(x*x); L = 1/(r - r)*0").forward(x=0).backward()
    marks = {shape.name: shape.mark for shape in draw(summarize(run)).shapes if shape.mark}
    assert marks == {"t3": "first", "L": "strange"}
    assert "the first that is not finite" in texts(run.svg())
    run = pb.expression("r = sqrt(x); L = 2*r").forward(x=0).backward()
    marks = {shape.name: shape.mark for shape in draw(summarize(run)).shapes if shape.mark}
    assert marks == {"x": "first"}
