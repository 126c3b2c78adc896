"""The network of two layers against derivatives written out by hand."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn

W1 = np.array([[0.5, -1.0], [-0.3, 0.8]])
B1 = np.array([0.1, 0.4])
W2 = np.array([[1.2, -0.7]])
B2 = np.array([0.05])


def by_hand(x, y):
    """Gradients of L = -(y log a2 + (1-y) log(1-a2)), by the chain rule on paper: dL/dz2 = a2 - y."""
    z1 = W1 @ x + B1
    a1 = np.maximum(z1, 0)
    a2 = 1 / (1 + np.exp(-(W2 @ a1 + B2)))
    dz2 = a2 - y
    dz1 = (W2.T @ dz2) * (z1 > 0)
    return {"W1": np.outer(dz1, x), "b1": dz1, "W2": np.outer(dz2, a1), "b2": dz2}


def textbook(parameters, x, y):
    z1 = parameters["W1"] @ x + parameters["b1"]
    a1 = nn.relu(z1)
    z2 = parameters["W2"] @ a1 + parameters["b2"]
    a2 = nn.sigmoid(z2)
    return -(y * np.log(a2) + (1 - y) * np.log(1 - a2)).sum()


POINTS = [([1.0, 2.0], 1.0), ([1.0, 2.0], 0.0), ([-0.5, 0.25], 1.0), ([3.0, -1.0], 0.0)]


@pytest.mark.parametrize(("x", "y"), POINTS)
def test_gradients_of_the_textbook_loss_are_those_derived_by_hand(x, y):
    x = np.array(x)
    found = pb.grad(textbook)({"W1": W1, "b1": B1, "W2": W2, "b2": B2}, x, y)
    for name, expected in by_hand(x, y).items():
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(("x", "y"), POINTS)
def test_gradients_of_the_module_are_those_derived_by_hand(x, y):
    x = np.array(x)
    model = nn.Sequential(nn.Linear(2, 2, rng=0, dtype=float), nn.ReLU(), nn.Linear(2, 1, rng=0, dtype=float))
    model.load_state_dict({"0.weight": W1, "0.bias": B1, "2.weight": W2, "2.bias": B2})
    nn.binary_cross_entropy_with_logits(model(x), np.array([y])).backward()
    names = {"W1": "0.weight", "b1": "0.bias", "W2": "2.weight", "b2": "2.bias"}
    found = dict(model.named_parameters())
    for name, expected in by_hand(x, y).items():
        np.testing.assert_allclose(found[names[name]].grad.numpy(), expected, rtol=0, atol=1e-12, err_msg=name)


def test_the_derivative_by_the_logit_is_a2_minus_y():
    for z in (-3.0, 0.0, 2.5):
        for y in (0.0, 1.0):
            found = pb.grad(lambda z, y=y: -(y * np.log(nn.sigmoid(z)) + (1 - y) * np.log(1 - nn.sigmoid(z))))(z)
            assert abs(found - (1 / (1 + np.exp(-z)) - y)) < 1e-12


def test_the_gradient_at_a_hidden_unit_at_zero_is_zero():
    assert pb.grad(lambda z: nn.relu(z))(0.0) == 0.0
