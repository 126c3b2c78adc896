"""Pictures into files."""

import os
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError, FileError


@pytest.fixture
def run():
    return pb.expression("L = a*b").forward(a=1, b=2).backward()


def test_an_evaluation_and_a_graph_are_saved(run, tmp_path):
    run.save(tmp_path / "run.svg")
    assert (tmp_path / "run.svg").read_text(encoding="utf-8") == run.svg()
    run.graph.save(str(tmp_path / "graph.SVG"))
    assert (tmp_path / "graph.SVG").read_text(encoding="utf-8").startswith("<svg")


def test_every_format_is_written(run, tmp_path):
    starts = {
        "svg": b"<svg",
        "png": b"\x89PNG\r\n",
        "tex": b"% \\usepackage{tikz}",
        "dot": b"digraph",
        "json": b"{",
        "txt": b"graph(",
    }
    for ending, start in starts.items():
        run.save(tmp_path / f"run.{ending}")
        assert (tmp_path / f"run.{ending}").read_bytes().startswith(start)
        run.graph.save(tmp_path / f"graph.{ending}")
        assert (tmp_path / f"graph.{ending}").read_bytes().startswith(start)
    assert (tmp_path / "run.txt").read_text(encoding="utf-8") == str(run)


def test_drawings_hold_no_times(run, tmp_path):
    with pytest.raises(ArgumentError, match=r"ends in \.html or \.json, got .*\. Drawings hold neither times, "):
        run.save(tmp_path / "run.svg", timed=True)


def test_a_gradient_that_is_a_constant_array_is_drawn(tmp_path):
    gradient = pb.trace(lambda x: np.sum(x * 0.3), np.ones((3, 3))).backward()
    assert gradient.outputs[0].name is None
    gradient.save(tmp_path / "gradient.svg")
    assert ">k1</" in (tmp_path / "gradient.svg").read_text(encoding="utf-8")


def test_a_missing_package_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ArgumentError, match=r"png: expected the package resvg-py, .* pip install 'pullback\[png\]'"):
        run.save(tmp_path / "run.png")
    assert os.listdir(tmp_path) == []


def test_a_machine_without_fonts_is_told(run, tmp_path, monkeypatch):
    monkeypatch.setattr("pullback.view.png._has_fonts", lambda resvg: False)
    with pytest.raises(ArgumentError, match="png: there are no fonts"):
        run.save(tmp_path / "run.png")


def test_a_file_that_is_there_is_replaced(run, tmp_path):
    path = tmp_path / "run.svg"
    path.write_text("old", encoding="utf-8")
    run.save(path)
    assert path.read_text(encoding="utf-8") == run.svg()
    assert os.listdir(tmp_path) == ["run.svg"]


@pytest.mark.parametrize("name", ["run.pdf", "run", "run.svg.pdf", ".svg"])
def test_other_endings_are_refused(run, tmp_path, name):
    with pytest.raises(ArgumentError, match=r"expected the name of a file that ends in \.svg, .* or \.[a-z]+, got"):
        run.save(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_written_are_refused(run, tmp_path):
    with pytest.raises(FileError, match=r"cannot write .*No such file or directory"):
        run.save(tmp_path / "nowhere" / "run.svg")
    with pytest.raises(ArgumentError, match="expected a path, got int"):
        run.save(3)
