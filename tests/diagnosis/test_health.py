"""Dead and saturated units, vanishing and exploding gradients, and parameters that nothing connects."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn

X = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)


def run_of(model, x=X):
    graph = pb.trace(lambda x: nn.mse(model(x), np.zeros((len(x), 1), np.float32)), x)
    return graph.forward(x).backward()


def test_a_healthy_network():
    model = nn.Sequential(nn.Linear(8, 8, rng=0), nn.Tanh(), nn.Linear(8, 1, rng=1))
    found = pb.health(run_of(model), model.parameters())
    assert found.warnings == ()
    assert "nothing is wrong" in str(found)
    assert [one.name for one in found.weights] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    expected = np.sqrt(np.mean(np.square(model[0].weight.node.value)))
    assert found.weights[0].norm == pytest.approx(expected, rel=1e-6)


def test_dead_units_are_counted_and_their_zero_gradient_is_told_from_no_connection():
    model = nn.Sequential(nn.Linear(8, 4, rng=0), nn.ReLU(), nn.Linear(4, 1, rng=1))
    model[0].bias.assign([-100.0] * 4)
    unused = pb.Parameter([1.0], name="unused")
    found = pb.health(run_of(model), [*model.parameters(), unused])
    assert found.activations[0].dead == 1
    assert any("1: 100% of the units are 0 for every row" in warning for warning in found.warnings)
    assert "0.weight: connected, but its gradient is exactly zero" in "\n".join(found.warnings)
    assert "unused: not connected with the loss" in "\n".join(found.warnings)
    assert {one.name: one.gradient for one in found.weights}["unused"] is None
    assert {one.name: one.gradient for one in found.weights}["0.weight"] == 0


def test_what_a_stopped_gradient_cuts_off_is_not_connected():
    first, second = nn.Linear(8, 3, rng=0), nn.Linear(3, 1, rng=1)
    found = pb.health(run_of(lambda x: second(pb.stop_gradient(first(x)))), [*first.parameters()])
    assert found.weights[0].gradient is None


def test_saturated_units_and_vanishing_gradients():
    layers = [part for i in range(8) for part in (nn.Linear(8, 8, rng=i), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Linear(8, 1, rng=9))
    found = pb.health(run_of(model, 100 * X))
    assert found.activations[0].saturated > 0.9
    assert any("saturated" in warning for warning in found.warnings)
    assert any("vanish with depth: 0.weight" in warning for warning in found.warnings)


def test_exploding_gradients():
    model = nn.Sequential(nn.Linear(8, 2, rng=0), nn.Linear(2, 2, rng=1), nn.Linear(2, 1, rng=2))
    model[2].weight.assign([[1e6, 1e6]])
    found = pb.health(run_of(model))
    assert any("explode with depth: 0.weight" in warning for warning in found.warnings)


def test_gradients_that_are_not_finite_point_to_diagnose():
    model = nn.Linear(8, 1, rng=0)
    model.weight.assign(np.full((1, 8), 3e38))
    with np.errstate(all="ignore"):
        found = pb.health(run_of(model))
    assert any("pullback.diagnose" in warning for warning in found.warnings)


def test_bad_arguments_are_refused():
    with pytest.raises(pb.errors.DTypeError, match="health: expected an Evaluation"):
        pb.health(3)
    with pytest.raises(pb.errors.GraphError, match="health: expected an Evaluation with gradients"):
        pb.health(pb.expression("a*b").forward(a=1, b=2))
