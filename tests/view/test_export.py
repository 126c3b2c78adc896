"""The picture as JSON: what the page and other programs read."""

import base64
import json

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError
from pullback.view.export import picture_json


def data(what):
    return json.loads(picture_json(what))


def lecture():
    return pb.expression("d = 2*b; e = a + d; L = c*e").forward(a=3, b=1, c=-2).backward()


def test_the_lecture_in_data():
    found = data(lecture())
    assert (found["format"], found["version"], found["title"]) == ("pullback-picture", 1, "L = c·(a + 2·b)")
    names = [node["name"] for node in found["nodes"]]
    assert names == ["b", "a", "c", "d", "e", "L"]
    by_name = dict(zip(names, found["nodes"], strict=True))
    assert by_name["d"]["operands"] == [{"number": 2.0}, {"node": 0}]
    assert {name: node["value"]["number"] for name, node in by_name.items()} == {
        "b": 1, "a": 3, "c": -2, "d": 2, "e": 5, "L": -10,
    }  # fmt: skip
    assert [by_name[name]["gradient"]["number"] for name in "abcdeL"] == [-2, -4, 5, -2, -2, 1]
    partials = {(names[e["source"]], names[e["target"]]): e["partial"]["number"] for e in found["edges"]}
    assert partials == {("b", "d"): 2, ("a", "e"): 1, ("d", "e"): 1, ("c", "L"): 5, ("e", "L"): -2}


def test_the_steps_of_the_lecture():
    found = data(lecture())
    names = [node["name"] for node in found["nodes"]]

    def said(step):
        ((kind, place),) = step.items()
        if kind == "edge":
            edge = found["edges"][place]
            return f"d{names[edge['target']]}/d{names[edge['source']]}"
        return f"{kind} {names[place]}"

    steps = [said(step) for step in found["steps"]]
    assert steps == ["node d", "node e", "node L", "seed L", "dL/dc", "dL/de", "de/da", "de/dd", "dd/db"]


def value_of(tree, edge, nodes, gradients):
    """What a page does with a rule, for the operations of the two lecture graphs."""
    functions = {
        "add": lambda a, b: a + b,
        "astype": float,
        "divide": lambda a, b: a / b,
        "greater": lambda a, b: a > b,
        "multiply": lambda a, b: a * b,
        "negative": lambda a: -a,
        "reciprocal": lambda a: 1 / a,
        "strong_product": lambda a, b: 0 if a == 0 else a * b,
        "subtract": lambda a, b: a - b,
    }
    if not isinstance(tree, dict):
        return tree
    if "operand" in tree:
        operand = nodes[edge["target"]]["operands"][tree["operand"]]
        return nodes[operand["node"]]["value"]["number"] if "node" in operand else operand["number"]
    if "result" in tree:
        return nodes[edge["target"]]["value"]["number"]
    if "gradient" in tree:
        return gradients[edge["target"]]
    return functions[tree["operation"]](*[value_of(one, edge, nodes, gradients) for one in tree["operands"]])


def test_the_rules_give_the_gradients():
    text = """
        z11 = w11*x1 + w12*x2 + b1; z12 = w21*x1 + w22*x2 + b2
        a11 = relu(z11); a12 = relu(z12)
        a2 = sigmoid(v1*a11 + v2*a12 + c)
        L = -(y*log(a2) + (1 - y)*log(1 - a2))
    """
    graph = pb.expression(text)
    found = data(graph.forward(*np.linspace(-1, 1, len(graph.inputs))).backward())
    assert found["live"]
    nodes, gradients = found["nodes"], {found["output"]: 1.0}
    for step in found["steps"]:
        if "edge" in step:
            edge = found["edges"][step["edge"]]
            pulled = value_of(found["rules"][edge["rule"]]["pulled"], edge, nodes, gradients)
            assert pulled == pytest.approx(edge["pulled"]["number"], rel=1e-14)
            gradients[edge["source"]] = gradients.get(edge["source"], 0.0) + pulled
    for place, gradient in gradients.items():
        assert gradient == pytest.approx(nodes[place]["gradient"]["number"], rel=1e-13, abs=1e-15)
    assert len(gradients) == len(nodes)


def test_arrays_are_given_by_their_statistics():
    x = np.arange(6.0).reshape(2, 3)
    run = (
        pb.trace(lambda x, w: np.sum(np.tanh(x @ w)), x, x.T).forward(x, [[np.nan, 1], [0, 0], [2, np.inf]]).backward()
    )
    found = data(run)
    assert not found["live"]
    x, w, t1, _t2, out = found["nodes"]
    assert (x["shape"], x["dtype"], x["memory"]) == ([2, 3], "float64", 48)
    assert x["value"]["low"] == 0
    assert x["value"]["high"] == 5
    assert x["value"]["mean"] == 2.5
    assert sum(x["value"]["histogram"]) == 6
    thumbnail = x["value"]["thumbnail"]
    assert list(base64.b64decode(thumbnail["cells"])) == [0, 51, 102, 152, 203, 254]
    assert (w["value"]["nan"], w["value"]["inf"], w["value"]["zeros"]) == (1, 1, 2)
    assert t1["flops"] == 2 * 2 * 2 * 3
    assert out["gradient"]["number"] == 1
    formulas = {edge["target"]: edge["pulledFormula"] for edge in found["edges"]}
    assert formulas[3] == "ct·(1 \N{MINUS SIGN} t2²)"
    assert found["edges"][0]["pulledFormula"] == "ct @ w.T"
    assert found["edges"][1]["pulledFormula"] == "x.T @ ct"


def test_elements_and_times_are_there_when_asked(tmp_path):
    run = pb.trace(lambda x: np.tanh(x).sum(), np.ones((2, 2))).forward([[1, np.inf], [0, 2]]).backward()
    run.save(tmp_path / "a.json")
    plain = json.loads((tmp_path / "a.json").read_text())["nodes"]
    assert not any("elements" in node["value"] or "seconds" in node for node in plain)
    run.save(tmp_path / "b.json", contents=True, timed=True)
    x, t1, out = json.loads((tmp_path / "b.json").read_text())["nodes"]
    assert x["value"]["elements"] == [[1, "Infinity"], [0, 2]]
    assert np.array(t1["value"]["elements"]).tolist() == np.tanh([[1, np.inf], [0, 2]]).tolist()
    assert t1["gradient"]["elements"] == [[1, 1], [1, 1]]
    assert "elements" not in out["value"]
    assert t1["seconds"] > 0
    assert "seconds" not in x
    with pytest.raises(ArgumentError, match=r"ends in \.html or \.json"):
        run.save(tmp_path / "b.svg", contents=True)


def test_numbers_that_json_does_not_have_are_words():
    found = data(pb.expression("L = a/b").forward(a=1, b=0).backward())
    assert [node["value"]["number"] for node in found["nodes"]] == [1, 0, "Infinity"]
    assert found["nodes"][1]["gradient"]["number"] == "-Infinity"


def test_graphs_without_values_have_no_steps():
    for graph in (pb.expression("L = a*b"), pb.trace(lambda x: (x * x).sum(), np.ones(3))):
        found = data(graph)
        assert found["steps"] == []
        assert not found["live"]
        assert "output" not in found


def test_the_text_is_plain_ascii():
    w = pb.Parameter([1.0, 2.0], name="</script>\u202e漢" + "x" * 10_000)
    text = picture_json(pb.trace(lambda x: (w * x).sum(), np.ones(2)).forward([1, 2]).backward())
    assert text.isascii()
    assert max(len(node["name"]) for node in json.loads(text)["nodes"]) == 200
