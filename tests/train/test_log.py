"""What training did, as a page and as data."""

import json

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError


def train(log, epochs=3):
    x = np.linspace(-1, 1, 32)[:, None]
    model = pb.nn.Sequential(
        pb.nn.Linear(1, 4, rng=0, dtype=float), pb.nn.Tanh(), pb.nn.Linear(4, 1, rng=1, dtype=float)
    )
    optimizer = pb.optim.SGD(model.parameters(), lr=0.1)
    batches = pb.data.Batches((x, x**2), batch_size=8)
    return model, pb.train.fit(model, pb.nn.mse, optimizer, batches, epochs, progress=False, log=log)


def test_the_log_holds_each_parameter_after_each_epoch(tmp_path):
    model, history = train(log=True)
    history.save(tmp_path / "run.json")
    found = json.loads((tmp_path / "run.json").read_text())
    training = found["training"]
    assert training["epochs"] == [1, 2, 3]
    assert training["loss"] == history.loss
    by_name = {one["name"]: one for one in training["parameters"]}
    assert list(by_name) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    weight = by_name["0.weight"]
    assert weight["shape"] == [4, 1]
    assert len(weight["values"]) == len(weight["gradients"]) == 3
    assert all(sum(value["histogram"]) == 4 for value in weight["values"])
    last = np.asarray(model.state_dict()["0.weight"])
    assert weight["values"][-1]["mean"] == pytest.approx(last.mean(), rel=1e-5)
    assert weight["values"][0] != weight["values"][-1]


def test_the_graph_of_the_last_loss_goes_along(tmp_path):
    _, history = train(log=True)
    history.save(tmp_path / "run.json")
    found = json.loads((tmp_path / "run.json").read_text())
    assert [group["label"] for group in found["groups"]] == ["Sequential", "0", "1", "2"]
    assert found["nodes"][found["output"]]["kind"] == "output"
    assert all("gradient" in node for node in found["nodes"] if node["kind"] == "parameter")


def test_without_a_log_there_are_the_losses(tmp_path):
    _, history = train(log=False)
    history.save(tmp_path / "run.json")
    found = json.loads((tmp_path / "run.json").read_text())
    assert found["nodes"] == []
    assert found["training"]["loss"] == history.loss
    assert "parameters" not in found["training"]


def test_it_is_a_page_or_data(tmp_path):
    _, history = train(log=True, epochs=1)
    history.save(tmp_path / "run.html")
    assert '"training":' in (tmp_path / "run.html").read_text(encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"ends in \.html or \.json, got '.*run.svg'"):
        history.save(tmp_path / "run.svg")


def test_a_log_does_not_change_the_training():
    assert train(log=True)[1].loss == train(log=False)[1].loss
