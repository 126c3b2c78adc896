"""The picture for LaTeX."""

import re
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.view.tex import tex_formula, tex_text
from pullback.view.tikz import tikz

GOLDEN = Path(__file__).parent / "lecture.tex"


def lecture():
    return pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2).backward()


def test_the_lecture_is_drawn_as_it_was():
    """After a change that is meant: typeset it, look at it, and write it to lecture.tex."""
    assert tikz(lecture()) == GOLDEN.read_text(encoding="utf-8")


def test_names_partials_and_gradients_are_mathematics():
    text = tikz(lecture())
    for formula in (
        r"$e = a + d$",
        r"$\mathbf{-10}$",
        r"$\partial e/\partial d = 1$",
        r"$\partial L/\partial b = -4\ ",
    ):
        assert formula in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w.T @ ct", r"w^{\top} \mathbin{@} \mathrm{ct}"),
        ("w.T @ x1", r"w^{\top} \, x_{1}"),
        ("(a + b).T", r"(a + b)^{\top}"),
        ("1 \N{MINUS SIGN} t2²", "1 - t_{2}^{2}"),
        ("1.5e\N{MINUS SIGN}07·x", r"1.5 \times 10^{-7} \cdot x"),
        ("‖∂out/∂0.weight‖ = nan", r"\|\partial \mathrm{out}/\partial \mathrm{0.weight}\| = \mathrm{nan}"),
        ("50%{x}$", r"50\%\{x\}\$"),
    ],
)
def test_formulas(text, expected):
    assert tex_formula(text) == expected


def test_a_shape_that_stands_for_a_value_is_text():
    text = tikz(pb.trace(lambda xs: np.sum(np.sin(xs)), np.ones(2)))
    assert r" \\{}float64[2]};" in text
    assert "64}[" not in text


def test_text():
    assert tex_text("(5, 3): \N{MINUS SIGN}0.4 to 0.1") == "(5, 3): $-$0.4 to 0.1"
    assert tex_text("a_b & 50% {x} \\") == r"a\_b \& 50\% \{x\} $\backslash $"


@pytest.mark.parametrize(
    "name", [r"\input{/etc/passwd}", "a$b", "%", "{", "}", "^^5c", "漢\U0001f600", "x\\\\y", "#1&~_"]
)
def test_no_name_is_a_command(name):
    w = pb.Parameter([1.0, 2.0], name=name)
    text = tikz(pb.trace(lambda x: (w * x).sum(), np.ones(2)).forward([1, 2]).backward())
    text.encode("latin-1")
    body = text.split("line width=0.8pt", 1)[1]
    commands = "normalsize small footnotesize large path node mathrm mathbf mbox tiny end leftarrow"
    signs = "partial cdot backslash sim hat infty times ldots"
    assert set(re.findall(r"\\([a-zA-Z]+)", body)) <= {*commands.split(), *signs.split()}
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", body.replace(r"\\", "")):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    unescaped = body.replace(r"\\", "")
    assert len(re.findall(r"(?<!\\)\$", unescaped)) % 2 == 0
    assert not re.findall(r"(?<!\\)[%#&]", unescaped)
