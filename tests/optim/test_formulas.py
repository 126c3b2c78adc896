"""Each optimizer against its published formula, written out step by step on numbers."""

import numpy as np
import pytest

import pullback as pb
from pullback import optim

GRADIENTS = [np.array([0.5, -1.0]), np.array([-0.25, 2.0]), np.array([1.0, 0.1]), np.array([0.0, -0.3])]
START = np.array([1.0, -2.0])


def run(make, dtype=float):
    """The values after each step with the gradients above."""
    parameter = pb.Parameter(START.astype(dtype))
    optimizer = make([parameter])
    values = []
    for gradient in GRADIENTS:
        parameter.grad = gradient.astype(dtype)
        optimizer.step()
        values.append(parameter.detach().numpy())
    return np.array(values)


def sgd(lr, momentum=0.0, weight_decay=0.0, nesterov=False):
    """torch.optim.SGD as its documentation writes it, with dampening 0."""
    theta, b, values = START, None, []
    for g in GRADIENTS:
        g = g + weight_decay * theta
        if momentum:
            b = g if b is None else momentum * b + g
            g = g + momentum * b if nesterov else b
        theta = theta - lr * g
        values.append(theta)
    return np.array(values)


def adam(lr, betas, eps, weight_decay=0.0, decoupled=False):
    """Algorithm 1 of Kingma and Ba; with ``decoupled``, algorithm 2 of Loshchilov and Hutter."""
    theta, m, v, values = START, 0.0, 0.0, []
    for t, g in enumerate(GRADIENTS, 1):
        if decoupled:
            theta = theta - lr * weight_decay * theta
        else:
            g = g + weight_decay * theta
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        corrected_m, corrected_v = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        theta = theta - lr * corrected_m / (np.sqrt(corrected_v) + eps)
        values.append(theta)
    return np.array(values)


@pytest.mark.parametrize(
    "options",
    [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.2},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.2},
        {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.2, "nesterov": True},
    ],
)
def test_sgd_follows_its_formula(options):
    np.testing.assert_allclose(run(lambda p: optim.SGD(p, **options)), sgd(**options), rtol=1e-14)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize(("make", "decoupled"), [(optim.Adam, False), (optim.AdamW, True)])
def test_adam_and_adamw_follow_their_formulas(make, decoupled, weight_decay):
    options = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": weight_decay}
    np.testing.assert_allclose(
        run(lambda p: make(p, **options)), adam(**options, decoupled=decoupled), rtol=1e-13, atol=1e-15
    )


def test_sgd_by_hand():
    # θ = 1: g = 0.5, b = 0.5, θ = 0.95; then g = -0.25, b = 0.9 * 0.5 - 0.25 = 0.2, θ = 0.93
    values = run(lambda p: optim.SGD(p, lr=0.1, momentum=0.9))
    np.testing.assert_allclose(values[:2, 0], [0.95, 0.93], rtol=1e-14)


def test_the_first_step_of_adam_is_the_learning_rate_against_the_sign():
    values = run(lambda p: optim.Adam(p, lr=0.01, eps=0.0))
    np.testing.assert_allclose(values[0], START - 0.01 * np.sign(GRADIENTS[0]), rtol=1e-14)


@pytest.mark.parametrize("make", [optim.SGD, lambda p: optim.SGD(p, momentum=0.9), optim.Adam, optim.AdamW])
def test_float32_stays_float32(make):
    parameter = pb.Parameter(START.astype(np.float32))
    optimizer = make([parameter])
    for _ in range(2):
        parameter.grad = np.ones(2, np.float32)
        optimizer.step()
    assert parameter.dtype == np.float32
    assert {value.dtype for name, value in optimizer.state_dict().items() if "step" not in name} <= {
        np.dtype(np.float32)
    }


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1, momentum=0.5), lambda p: optim.Adam(p, lr=0.1)])
def test_complex_parameters_go_to_the_minimum(make):
    z = pb.Parameter(np.array([3.0 + 4.0j]))
    optimizer = make([z])
    for _ in range(200):
        optimizer.zero_grad()
        difference = z - (1 - 1j)
        (difference * difference.conj()).real.sum().backward()
        optimizer.step()
    assert abs(z.item() - (1 - 1j)) < 1e-2
