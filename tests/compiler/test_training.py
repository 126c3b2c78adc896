"""Steps of training that are compiled: optimizers inside."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn, optim
from pullback.compiler.compile import _missed
from pullback.compiler.entry import MISS
from pullback.core import tree

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


def settings(optimizer):
    return {"weight_decay": 0.5} | ({"momentum": 0.5} if hasattr(optimizer, "momentum") else {"betas": (0.5, 0.9)})


@pytest.mark.parametrize("make", [MAKERS["momentum"], MAKERS["adam"], MAKERS["adamw"]])
def test_settings_that_change_between_steps_are_those_of_the_next_step(make):
    found = []
    for wrap in (pb.compile, lambda f: f):
        model, optimizer, step = job(make, wrap)
        step(*data())
        before = settings(optimizer)
        before = {name: getattr(optimizer, name) for name in before}
        for change in (settings(optimizer), before):  # back again: a program that there was
            for name, value in change.items():
                setattr(optimizer, name, value)
            step(*data())
            step(*data())
        found.append(model.state_dict())
        if wrap is pb.compile:
            assert sum(map(len, step._programs.values())) == 2
    for name, value in found[0].items():
        np.testing.assert_allclose(value, found[1][name], rtol=2e-4, atol=1e-5)


def test_a_state_that_is_loaded_is_the_one_that_goes_on():
    model, optimizer, step = job(MAKERS["adam"], pb.compile)
    step(*data())
    kept = model.state_dict(), optimizer.state_dict()
    step(*data())
    expected = model.state_dict()
    model.load_state_dict(kept[0])
    optimizer.load_state_dict(kept[1])
    step(*data())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, expected[name])
    assert optimizer.state_dict()["0.step"] == 2


def test_modules_that_are_set_to_use_or_changed_are_compiled_anew():
    model = nn.Sequential(nn.Linear(4, 8, rng=0), nn.Dropout(0.5, rng=1), nn.LeakyReLU(0.1))
    f = pb.compile(lambda x: model(x))
    x = np.ones((2, 4), np.float32)
    first, second = f(x), f(x)
    assert (first != second).any()
    model.eval()
    expected = model(x).detach()
    np.testing.assert_allclose(f(x), expected, rtol=1e-6)
    model[2].negative_slope = 0.5
    np.testing.assert_allclose(f(x), model(x).detach(), rtol=1e-6)
    model[2].negative_slope = 0.1
    count = sum(map(len, f._programs.values()))
    np.testing.assert_allclose(f(x), expected, rtol=1e-6)
    assert sum(map(len, f._programs.values())) == count


def test_a_module_that_counts_its_calls_is_compiled_once():
    class Counted(nn.Module):
        def __init__(self):
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x * 2

    module = Counted()
    f = pb.compile(module)
    assert [f(1.0), f(2.0), f(3.0)] == [2.0, 4.0, 6.0]
    assert module.calls == 1


@pytest.mark.parametrize(
    "give", [lambda loss, w: loss, lambda loss, w: None, lambda loss, w: (loss, w * 2), lambda loss, w: {"loss": loss}]
)
def test_a_step_that_leaves_gradients_has_an_entry_in_machine_code(give):
    def job(wrap):
        w, b = pb.Parameter([[1.0], [2.0]]), pb.Parameter(0.5)
        optimizer = optim.SGD([w, b], lr=0.125)

        @wrap
        def step(x):
            optimizer.zero_grad()
            loss = ((x @ w + b) ** 2).sum()
            loss.backward()
            optimizer.step()
            return give(loss, w)

        return step, w, b

    x = np.array([[0.5, -1.0]])
    step, *found = job(pb.compile)
    eager, *expected = job(lambda f: f)
    gradients = []
    for _ in range(4):
        result, plain = step(x), eager(x)
        (leaves, structure), (plain_leaves, plain_structure) = tree.flatten(result), tree.flatten(plain)
        assert structure == plain_structure
        for one, other in zip(leaves, plain_leaves, strict=True):
            np.testing.assert_allclose(one, other.detach().numpy(), rtol=1e-14)
        for one, other in zip(found, expected, strict=True):
            assert one.grad.shape == other.grad.shape
            np.testing.assert_allclose(one.grad.numpy(), other.grad.numpy(), rtol=1e-14)
            np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-14)
        gradients.append((found[0].grad, found[0].grad.numpy().copy()))
    assert step._fast is not _missed
    assert step._fast(x) is not MISS
    for grad, before in gradients:
        np.testing.assert_array_equal(grad.numpy(), before)  # later steps make new ones
