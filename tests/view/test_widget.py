"""The page inside a notebook."""

import re
import sys

import pytest

import pullback as pb
from pullback.errors import ArgumentError
from pullback.view.frame import _widget_class, widget
from pullback.view.page import page


@pytest.fixture
def run():
    return pb.expression("L = a*b").forward(a=1, b=2).backward()


def test_the_widget_holds_the_page(run):
    shown = widget(run, height=300)
    assert shown.page == page(run)
    assert shown.height == 300
    assert "application/vnd.jupyter.widget-view+json" in shown._repr_mimebundle_()[0]


def test_the_page_is_in_a_frame_that_reaches_nothing_outside(run):
    script = widget(run)._esm
    assert re.search(r'sandbox = "allow-scripts";', script)
    assert "innerHTML" not in script


def test_a_missing_package_is_named(run, monkeypatch):
    _widget_class.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ArgumentError, match=r"expected the package anywidget, .* pip install 'pullback\[jupyter\]'"):
        widget(run)
