"""``pullback view``: files of every kind, good and bad."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import pullback as pb
from pullback.cli import main

LECTURE = "d = 2*b\ne = a + d\nL = c*e\n"


def view(*args):
    return CliRunner().invoke(main, ["view", *map(str, args)])


@pytest.fixture
def lecture(tmp_path):
    path = tmp_path / "lecture.txt"
    path.write_text(LECTURE, encoding="utf-8")
    return path


def test_an_expression(lecture):
    assert view(lecture).stdout == str(pb.expression(LECTURE)) + "\n"
    run = pb.expression(LECTURE).forward(a=3, b=1, c=-2).backward()
    assert view(lecture, "a=3", "b=1", "c=-2").stdout == str(run) + "\n"


def test_an_expression_is_drawn_into_a_file(lecture, tmp_path):
    out = tmp_path / "lecture.svg"
    result = view(lecture, "a=3", "b=1", "c=-2", "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "∂L/∂b = \N{MINUS SIGN}4" in out.read_text(encoding="utf-8")


def test_a_saved_graph(tmp_path):
    path = tmp_path / "lecture.json"
    pb.expression(LECTURE).forward(a=3, b=1, c=-2).backward().save(path)
    lines = view(path).stdout.splitlines()
    assert lines[0] == "L = c·(a + 2·b)"
    assert [line.split() for line in lines[-3:]] == [
        ["d", "2·b", "2", "\N{MINUS SIGN}2"],
        ["e", "a", "+", "d", "5", "\N{MINUS SIGN}2"],
        ["L", "c·e", "\N{MINUS SIGN}10", "1"],
    ]


def test_a_saved_graph_becomes_a_page(tmp_path):
    path = tmp_path / "lecture.json"
    run = pb.expression(LECTURE).forward(a=3, b=1, c=-2).backward()
    run.save(path)
    assert view(path, "--out", tmp_path / "x.html").exit_code == 0
    run.save(tmp_path / "y.html")
    assert (tmp_path / "x.html").read_bytes() == (tmp_path / "y.html").read_bytes()
    result = view(path, "--out", tmp_path / "x.svg")
    assert "ends in .html or .json" in result.stderr


def test_the_page_is_opened(lecture, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    result = view(lecture, "a=3", "b=1", "c=-2", "--open", "--out", tmp_path / "x.html")
    assert opened == [(tmp_path / "x.html").as_uri()]
    assert result.stdout.splitlines() == [str(tmp_path / "x.html")]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    view(lecture, "--open")
    assert opened[1].startswith(tmp_path.as_uri() + "/pullback-")
    assert opened[1].endswith("/picture.html")


def test_without_a_browser_the_page_is_where_it_says(lecture, tmp_path, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    result = view(lecture, "--open", "--out", tmp_path / "x.html")
    assert result.exit_code == 2
    assert f"there is no browser to open the page with. It is in {tmp_path / 'x.html'}" in result.stderr
    assert (tmp_path / "x.html").exists()


def test_saved_weights_are_folded_by_their_names(tmp_path):
    path = tmp_path / "net.safetensors"
    net = pb.nn.Sequential(*[pb.nn.Linear(2, 2, rng=i) for i in range(12)])
    pb.io.save_weights(path, net.state_dict())
    result = view(path)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:3] == ["24 arrays", "└── block x 12", "    └── 0"]
    assert "0.weight  parameter  [[" in result.stdout


def test_a_large_graph_is_a_tree(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("\n".join(["x0 = a", *(f"x{i + 1} = sin(x{i})*b" for i in range(50))]), encoding="utf-8")
    assert "sin, multiply x 50" in view(path).stdout


def picture(**changes):
    data = {"format": "pullback-picture", "version": 1, "nodes": [{"name": "a"}], "edges": [], "groups": []}
    return json.dumps(data | changes)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.txt", "a +", "expression: invalid syntax"),
        ("x.txt", "", "the text is empty"),
        ("x.json", "{", "expected JSON text"),
        ("x.json", "{" * 100_000, "expected JSON text"),
        ("x.json", "{}", 'with "format": "pullback-picture"'),
        ("x.json", picture(version=2), "expected version 1, got 2"),
        ("x.json", picture(nodes={}), "expected nodes to be a list"),
        ("x.json", picture(nodes=[{"name": 3}]), "node 0 is not what it should be"),
        ("x.json", picture(nodes=[{"name": "a", "group": 0}]), "node 0 is not"),
        ("x.json", picture(edges=[{"source": 0, "target": 1}]), "edge 0 is not"),
        ("x.json", picture(edges=[{"source": 0, "target": "0"}]), "edge 0 is not"),
        ("x.json", picture(groups=[{"parent": 0}]), "group 0 is not"),
        ("x.json", picture(nodes=[{"name": "a", "value": 3}]), "node 0 is not"),
        ("x.safetensors", "nothing", "expected a safetensors file"),
        ("x.onnx", b"\x08\x07\x12", "got ONNX, which is not read"),
        ("x.png", b"\x89PNG\r\n", "expected text, .json or .safetensors, got what is drawn already"),
        ("x.html", "<p>", "expected text, .json or .safetensors, got what is drawn already"),
        ("x.txt", b"a" * 10 + b"\x00b", "expression: "),
        ("x.json", "[" * 100_000, "expression: "),
        ("x.txt", "(" * 100_000 + "a" + ")" * 100_000, "expression: "),
        ("x.bin", b"\xff\xfe", "expected text, .json or .safetensors"),
    ],
)
def test_bad_files_are_one_line_and_exit_code_2(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = view(path)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_operations_are_timed(lecture, tmp_path):
    path = tmp_path / "x.json"
    assert view(lecture, "a=3", "b=1", "c=-2", "--timed", "--out", path).exit_code == 0
    nodes = json.loads(path.read_text())["nodes"]
    assert {node["name"] for node in nodes if "seconds" in node} == {"d", "e", "L"}


def test_bad_options(lecture, tmp_path):
    weights = tmp_path / "w.safetensors"
    pb.io.save_weights(weights, {"w": np.ones(3)})
    for args, message in (
        ([tmp_path / "none.txt"], "cannot read"),
        ([weights, "a=3"], "expected no values"),
        ([lecture, "a=3"], "no value for"),
        ([lecture, "--out", tmp_path / "x.pdf"], "expected the name of a file that ends in"),
        ([lecture, "--fly"], "no option '--fly'"),
    ):
        result = view(*args)
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_names_from_elsewhere_do_not_reach_the_terminal_raw(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(picture(nodes=[{"name": "a\x1b[31m\u202e", "kind": "[bold]x[/]"}]), encoding="utf-8")
    out = view(path).stdout
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[bold]x[/]" in out
