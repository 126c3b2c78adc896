"""Steps of training that are compiled: optimizers inside."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn, optim

MAKERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
}


def job(make, wrap):
    model = nn.Sequential(nn.Linear(6, 16, rng=0), nn.ReLU(), nn.Linear(16, 3, rng=1))
    optimizer = make(model.parameters())

    @wrap
    def step(x, labels):
        loss = nn.cross_entropy_with_logits(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return model, optimizer, step


def data():
    generator = np.random.default_rng(0)
    return generator.normal(size=(20, 6)).astype(np.float32), generator.integers(0, 3, 20)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_compiled_step_is_the_eager_step(make):
    model, optimizer, step = job(make, pb.compile)
    other_model, other_optimizer, other_step = job(make, lambda f: f)
    for _ in range(5):
        found, expected = step(*data()), other_step(*data())
        np.testing.assert_allclose(found, expected.item(), rtol=1e-5)
    assert optimizer.state_dict().keys() == other_optimizer.state_dict().keys()
    for one, other in ((model, other_model), (optimizer, other_optimizer)):
        for name, value in one.state_dict().items():
            assert value.dtype == other.state_dict()[name].dtype
            np.testing.assert_allclose(value, other.state_dict()[name], rtol=2e-4, atol=1e-5)


def test_compiled_and_eager_steps_can_be_mixed():
    _, optimizer, step = job(MAKERS["adam"], pb.compile)
    step(*data())
    step.__wrapped__(*data())
    step(*data())
    assert optimizer.state_dict()["0.step"] == 3


def test_the_learning_rate_is_read_at_each_step():
    w = pb.Parameter([1.0])
    optimizer = optim.SGD([w], lr=0.5)

    @pb.compile
    def step():
        optimizer.zero_grad()
        w.sum().backward()
        optimizer.step()

    step()
    assert w.item() == 0.5
    optimizer.lr = 0.25
    step()
    assert w.item() == 0.25
    assert len(step._programs) == 1


def test_the_learning_rate_can_be_set_inside():
    w = pb.Parameter([1.0])
    optimizer = optim.SGD([w], lr=0.5)

    @pb.compile
    def step():
        optimizer.zero_grad()
        w.sum().backward()
        optimizer.step()
        optimizer.lr = optimizer.lr / 2

    step()
    step()
    assert w.item() == 0.25
    assert optimizer.lr == 0.125
