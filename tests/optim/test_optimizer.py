"""What all optimizers do: state, skipping, refusing."""

import numpy as np
import pytest

import pullback as pb
from pullback import nn, optim

MAKERS = [lambda p: optim.SGD(p, momentum=0.9), optim.Adam, optim.AdamW]


def parameters():
    return [pb.Parameter([1.0, 2.0]), pb.Parameter(np.ones((2, 2), np.float32))]


def move(ps, optimizer, times=1):
    for _ in range(times):
        for p in ps:
            p.grad = np.full(p.shape, 0.5, p.dtype)
        optimizer.step()


@pytest.mark.parametrize("make", MAKERS)
def test_parameters_without_a_gradient_stay_and_keep_no_state(make):
    first, second = parameters()
    optimizer = make([first, second])
    first.grad = [1.0, 1.0]
    optimizer.step()
    assert (first.detach().numpy() != [1.0, 2.0]).all()
    np.testing.assert_array_equal(second.detach().numpy(), np.ones((2, 2)))
    assert all(name.startswith("0.") for name in optimizer.state_dict())


def test_state_that_is_not_trainable_stays():
    state = pb.Parameter([1.0], trainable=False)
    state.grad = [1.0]
    optim.SGD([state], lr=1.0).step()
    assert state.item() == 1.0


@pytest.mark.parametrize("make", MAKERS)
def test_training_goes_on_from_a_saved_state_as_if_it_had_not_stopped(make):
    ps = parameters()
    optimizer = make(ps)
    move(ps, optimizer, 3)
    again = [pb.Parameter(p.detach()) for p in ps]
    resumed = make(again)
    resumed.load_state_dict(optimizer.state_dict())
    move(ps, optimizer, 2)
    move(again, resumed, 2)
    for one, other in zip(ps, again, strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda s: s.pop("0.momentum"), pb.errors.ArgumentError, r"missing 0\.momentum"),
        (lambda s: s.update({"9.step": 1}), pb.errors.ArgumentError, r"unknown 9\.step\. At"),
        (lambda s: s.update({"0.step": -1}), pb.errors.ArgumentError, r"0\.step of 1 or more, got -1"),
        (lambda s: s.update({"0.momentum": np.ones(3)}), pb.errors.ShapeError, r"0\.momentum of shape \(2,\)"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_is_loaded(change, error, words):
    ps = parameters()
    optimizer = optim.SGD(ps, momentum=0.9)
    move(ps, optimizer)
    state = optimizer.state_dict()
    change(state)
    state["1.momentum"] = np.full((2, 2), 7.0)
    with pytest.raises(error, match=words):
        optimizer.load_state_dict(state)
    assert (optimizer.state_dict()["1.momentum"] != 7.0).all()


def test_the_state_keeps_the_names_of_its_parameters():
    model = nn.Sequential(nn.Linear(2, 1, rng=0))
    optimizer = optim.Adam(model.parameters())
    move(list(model.parameters()), optimizer)
    assert optimizer._state[0]["mean"].name == "0.weight.mean"


def test_zero_grad_forgets_the_gradients():
    ps = parameters()
    optimizer = optim.SGD(ps)
    ps[0].grad = [1.0, 1.0]
    optimizer.zero_grad()
    assert all(p.grad is None for p in ps)


def test_a_step_is_not_recorded_and_leaves_leaves():
    w = pb.Parameter([3.0])
    optimizer = optim.SGD([w], lr=0.5)
    before = (w * w).sum()
    before.backward()
    optimizer.step()
    assert w.requires_grad
    assert not w.node.inputs
    assert before.item() == 9.0, "what was recorded keeps its values"
    optimizer.zero_grad()
    (w * w).sum().backward()
    assert w.grad.item() == 0.0


def test_an_error_in_one_parameter_leaves_all_of_them():
    class Half(optim.Optimizer):
        def update(self, value, gradient, state, step):
            if value.ndim == 2:
                raise RuntimeError("no")
            return value - gradient, {}

    ps = parameters()
    with pytest.raises(RuntimeError):
        move(ps, Half(ps, lr=0.1))
    np.testing.assert_array_equal(ps[0].detach().numpy(), [1.0, 2.0])


def test_the_learning_rate_may_be_changed_between_steps():
    w = pb.Parameter([1.0])
    optimizer = optim.SGD([w], lr=0.5)
    move([w], optimizer)
    optimizer.lr = 0.25
    move([w], optimizer)
    optimizer.lr = 0.0  # where a warm-up begins
    move([w], optimizer)
    assert w.item() == 1.0 - 0.25 - 0.125
    with pytest.raises(pb.errors.ArgumentError, match="SGD: lr"):
        optimizer.lr = -1


@pytest.mark.parametrize("wrap", [lambda f: f, pb.compile])
def test_momentum_may_be_set_between_steps(wrap):
    w = pb.Parameter([1.0])
    optimizer = optim.SGD([w], lr=0.5)
    step = wrap(lambda: move([w], optimizer))
    found = []
    for optimizer.momentum in (0.0, 0.5, 0.5, 0.0):
        step()
        found.append(w.item())
    assert found == [0.75, 0.5, 0.125, -0.125]
    assert set(optimizer.state_dict()) == {"0.step", "0.momentum"}


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: optim.SGD(p, lr=-1), pb.errors.ArgumentError, "SGD: lr: expected a number of 0 or more, got -1"),
        (lambda p: optim.SGD(p, lr=-0.1), pb.errors.ArgumentError, "got -0.1"),
        (lambda p: optim.SGD(p, lr=float("nan")), pb.errors.ArgumentError, "got nan"),
        (lambda p: optim.SGD(p, lr=float("inf")), pb.errors.ArgumentError, "got inf"),
        (lambda p: optim.SGD(p, lr="0.1"), pb.errors.ArgumentError, "got '0.1'"),
        (lambda p: optim.SGD(p, lr=10**400), pb.errors.ArgumentError, "SGD: lr: expected"),
        (lambda p: optim.SGD(p, lr=True), pb.errors.ArgumentError, "got True"),
        (lambda p: optim.SGD(None), pb.errors.DTypeError, "expected parameters, got NoneType"),
        (lambda p: optim.SGD(p, lr=None), pb.errors.DTypeError, "got NoneType"),
        (lambda p: optim.SGD(p, momentum=1.0), pb.errors.ArgumentError, "momentum: expected .* below 1, got 1.0"),
        (lambda p: optim.SGD(p, weight_decay=-1), pb.errors.ArgumentError, "weight_decay"),
        (lambda p: optim.SGD(p, nesterov=True), pb.errors.ArgumentError, "nesterov=True needs a momentum"),
        (lambda p: optim.Adam(p, betas=(0.9, 1.0)), pb.errors.ArgumentError, "Adam: beta 2"),
        (lambda p: optim.Adam(p, betas=0.9), pb.errors.DTypeError, "pair of numbers, got float"),
        (lambda p: optim.Adam(p, betas=(0.9,)), pb.errors.ArgumentError, "pair of numbers"),
        (lambda p: optim.AdamW(p, eps=-1e-8), pb.errors.ArgumentError, "AdamW: eps"),
        (lambda p: optim.SGD([]), pb.errors.ArgumentError, "at least one parameter, got none"),
        (lambda p: optim.SGD(p * 2), pb.errors.ArgumentError, "a parameter is given twice"),
        (lambda p: optim.SGD([pb.array([1.0])]), pb.errors.DTypeError, "expected parameters, got Array"),
        (lambda p: optim.SGD(nn.Linear(1, 1, rng=0)), pb.errors.DTypeError, r"model\.parameters\(\).*got Linear"),
        (lambda p: optim.SGD(p[0]), pb.errors.DTypeError, "got Parameter"),
        (lambda p: optim.SGD(p).load_state_dict([1]), pb.errors.DTypeError, "a mapping of names to arrays, got list"),
    ],
)
def test_settings_out_of_range_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        make(parameters())
