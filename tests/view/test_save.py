"""Files: written whole or not at all."""

import os

import pytest

import pullback as pb
from pullback.errors import ArgumentError
from pullback.view import save


@pytest.fixture
def run():
    return pb.expression("L = a*b").forward(a=1, b=2).backward()


def test_an_evaluation_and_a_graph_are_saved(run, tmp_path):
    run.save(tmp_path / "run.svg")
    assert (tmp_path / "run.svg").read_text(encoding="utf-8") == run.svg()
    run.graph.save(str(tmp_path / "graph.SVG"))
    assert (tmp_path / "graph.SVG").read_text(encoding="utf-8").startswith("<svg")


def test_a_file_that_is_there_is_replaced(run, tmp_path):
    path = tmp_path / "run.svg"
    path.write_text("old", encoding="utf-8")
    run.save(path)
    assert path.read_text(encoding="utf-8") == run.svg()
    assert os.listdir(tmp_path) == ["run.svg"]
    assert path.stat().st_mode & 0o777 == 0o666 & ~save._umask()


@pytest.mark.parametrize("name", ["run.png", "run", "run.svg.txt", ".svg"])
def test_other_endings_are_refused(run, tmp_path, name):
    with pytest.raises(ArgumentError, match=r"expected a file name that ends in \.svg"):
        run.save(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_written_are_refused(run, tmp_path):
    with pytest.raises(ArgumentError, match=r"cannot write .*No such file or directory"):
        run.save(tmp_path / "nowhere" / "run.svg")
    (tmp_path / "taken.svg").mkdir()
    with pytest.raises(ArgumentError, match=r"cannot write .*directory"):
        run.save(tmp_path / "taken.svg")
    assert os.listdir(tmp_path) == ["taken.svg"]
    with pytest.raises(ArgumentError, match="cannot write"):
        run.save("a\x00b.svg")
    with pytest.raises(ArgumentError, match="expected a path, got int"):
        run.save(3)


def test_an_interrupted_save_leaves_what_was_there(run, tmp_path, monkeypatch):
    path = tmp_path / "run.svg"
    path.write_text("old", encoding="utf-8")

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.save(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["run.svg"]
