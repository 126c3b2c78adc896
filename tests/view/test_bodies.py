"""The graphs that loops, branches and checkpoints hold, in pictures and listings."""

import json

import numpy as np
import pytest

import pullback as pb
from pullback import nn
from pullback.core.graph import Graph
from pullback.view import bodies
from pullback.view.export import picture_data
from pullback.view.summary import summarize

XS = np.random.default_rng(0).normal(size=(5, 2))


def step(state, x):
    new = np.tanh(state * 0.5 + x)
    return new, new


def recurrent(xs):
    last, every = pb.scan(step, np.zeros(2), xs)
    return np.sum(last**2) + np.sum(every)


def inside(picture, label):
    """The items of the group of this label."""
    (group,) = [place for place, group in enumerate(picture.groups) if group.label == label]
    return [item for item in picture.items if item.group == group]


def bodies_of(picture):
    return [(group.label, group.detail) for group in picture.groups if group.kind == "body"]


def test_the_body_of_a_loop_is_a_group_whose_results_go_to_its_node():
    picture = summarize(pb.trace(recurrent, XS))
    assert bodies_of(picture) == [("step", "body of t1, 5 times")]
    written = [(item.name, item.written) for item in inside(picture, "step")]
    assert written == [
        ("step.state", ""),
        ("step.x", ""),
        ("step.t1", "step.state*0.5"),
        ("step.t2", "step.t1 + step.x"),
        ("step.new", "tanh(step.t2)"),
    ]
    names = [item.name for item in picture.items]
    last = [link for link in picture.links if names[link.source] == "step.new"]
    assert [(names[link.target], link.differentiable) for link in last] == [("t1", False)]


def test_everything_refers_to_what_it_did_before():
    picture = summarize(pb.trace(recurrent, XS).forward(XS).backward())
    names = [item.name for item in picture.items]
    assert len(set(names)) == len(names)
    assert all(link.source < link.target for link in picture.links)
    assert [link.target for link in picture.links] == sorted(link.target for link in picture.links)
    for item in picture.items:
        operands = [picture.items[one].node for kind, one in item.operands if kind == "node"]
        assert operands == [node for node in item.node.inputs if node in operands]
    assert names[picture.output] == "out"
    assert all(group.parent is None or group.parent < place for place, group in enumerate(picture.groups))


def test_gradients_step_through_a_loop_and_around_its_body():
    run = pb.trace(recurrent, XS).forward(XS).backward()
    data = picture_data(summarize(run))
    names = [node["name"] for node in data["nodes"]]
    stepped = {names[step["node"]] for step in data["steps"] if "node" in step}
    assert "t1" in stepped
    assert not any(name.startswith("step.") for name in stepped)
    backward = [data["edges"][step["edge"]] for step in data["steps"] if "edge" in step]
    (arriving,) = [edge for edge in backward if names[edge["source"]] == "xs"]
    assert names[arriving["target"]] == "t1"
    assert arriving["pulled"]["norm"] == pytest.approx(np.linalg.norm(run.gradients["xs"]), rel=1e-5)


@pytest.mark.parametrize(
    "function",
    [
        recurrent,
        lambda xs: np.sum(pb.checkpoint(lambda x: np.sin(x) * x)(xs)),
        lambda xs: pb.cond(xs[0, 0] > 0, np.sum, lambda x: np.sum(x**2), xs),
        lambda xs: np.sum(np.linalg.qr(xs)[0] ** 3) + np.sum(np.linalg.qr(xs)[1]),
    ],
    ids=["scan", "checkpoint", "cond", "qr"],
)
def test_what_arrives_along_the_edges_adds_up_through_several_results(function):
    run = pb.trace(function, XS).forward(XS).backward()
    (source,) = run.graph.inputs
    terms = [run.contributions(node).get(source) for node in run.graph.nodes]
    total = sum((np.asarray(term) for term in terms if term is not None), np.zeros(XS.shape))
    np.testing.assert_allclose(total, run.gradient(source), rtol=1e-12)


def test_branches_and_conditions_say_which_they_are():
    def function(x):
        y = pb.while_loop(lambda s: s < 100.0, lambda s: s * 2 + x, x)
        z = pb.cond(y > 5.0, lambda t: np.sin(t), lambda t: t**3, y)
        return pb.switch(1, [np.cos, np.sin], z)

    picture = summarize(pb.trace(function, 1.5))
    assert bodies_of(picture) == [
        ("cond", "condition of t1"),
        ("body", "body of t1"),
        ("false", "branch of t3 if false"),
        ("true", "branch of t3 if true"),
        ("cos", "case 0 of t4"),
        ("sin", "case 1 of t4"),
    ]


def test_a_body_in_a_body_is_inside_it():
    def outer(state, x):
        inner, _ = pb.scan(step, state, np.stack([x, x]))
        return inner, None

    graph = pb.trace(lambda xs: np.sum(pb.scan(outer, np.zeros(2), xs)[0]), XS)
    picture = summarize(graph)
    assert bodies_of(picture)[0] == ("outer", "body of t1, 5 times")
    assert bodies_of(picture)[1][0] == "step"
    assert picture.groups[1].parent == 0
    headers = [line for line in str(graph).splitlines() if not line.startswith(" ")]
    assert headers[1].startswith("outer, body of t1, 5 times: graph(state, x) -> ")
    assert headers[2].startswith("step, body of ")
    assert headers[2].endswith(", 2 times in outer: graph(state, x) -> new, new")


def test_a_body_used_twice_is_two_groups_and_one_listing():
    def function(xs):
        return np.sum(pb.scan(step, np.zeros(2), xs)[0]) + np.sum(pb.scan(step, np.ones(2), xs)[0])

    graph = pb.trace(function, XS)
    assert [label for label, _ in bodies_of(summarize(graph))] == ["step", "step_2"]
    assert str(graph).count("step, body of") == 1


def test_modules_and_parameters_in_a_body_are_known():
    class Recurrent(nn.Module):
        def __init__(self):
            self.gates = nn.Linear(4, 2, rng=0)
            self.scale = pb.Parameter(np.ones(2, np.float32))

        def forward(self, xs):
            def cell(h, x):
                h = np.tanh(self.gates(np.concatenate([h, x]))) * self.scale
                return h, None

            return pb.scan(cell, np.zeros(2, np.float32), xs)[0]

    model = Recurrent()
    picture = summarize(pb.trace(lambda xs: np.sum(model(xs)), XS.astype(np.float32)))
    labels = [(group.label, group.parent) for group in picture.groups]
    assert sorted(labels) == [("Recurrent", None), ("cell", 0), ("gates", 0), ("gates", 2)]
    kinds = {item.name: item.kind for item in picture.items}
    assert kinds["scale"] == kinds["cell.scale"] == "parameter"
    assert kinds["cell.h"] == "input"


def test_an_eager_loop_shows_the_body_that_was_written():
    xs = pb.array(XS, requires_grad=True)
    graph = Graph.of([recurrent(xs).node])
    assert len(graph["t1"].params["body"].outputs) > 2  # it keeps what its derivative will need
    assert inside(summarize(graph), "step")[-1].written == "tanh(step.t2)"


@pytest.mark.parametrize("name", ["x" * 10_000, "<script>alert(1)</script>", "a\nb\u202e", "{0.__class__}", ""])
def test_a_hostile_name_of_a_function_is_a_short_word(name, tmp_path):
    def function(state, x):
        return state * x, None

    function.__name__ = name
    graph = pb.trace(lambda xs: np.sum(pb.scan(function, np.ones(2), xs)[0]), XS)
    ((label, detail),) = bodies_of(summarize(graph))
    assert label == ("x" * 39 + "…" if name.startswith("x") else "body")
    assert detail == "body of t1, 5 times"
    names = [item.name for item in summarize(graph).items]
    assert len(set(names)) == len(names)
    graph.save(tmp_path / "graph.svg")
    assert "\u202e" not in str(graph)
    assert "<script>" not in (tmp_path / "graph.svg").read_text(encoding="utf-8")


def test_bodies_that_are_too_much_stay_in_their_node(monkeypatch):
    monkeypatch.setattr(bodies, "MOST_HELD", 3)
    assert bodies_of(summarize(pb.trace(recurrent, XS))) == []


@pytest.mark.parametrize("ending", ["svg", "tex", "dot", "json", "txt", "html"])
def test_every_form_shows_the_body(ending, tmp_path):
    path = tmp_path / f"picture.{ending}"
    pb.trace(recurrent, XS).forward(XS).backward().save(path)
    text = path.read_text(encoding="utf-8")
    assert "5 times" in text
    if ending == "json":
        assert [group["kind"] for group in json.loads(text)["groups"]] == ["body"]
