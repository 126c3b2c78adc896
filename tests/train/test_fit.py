"""The training loop: it learns, it repeats itself, it stops when told to and when it must."""

import os
import signal
import threading

import numpy as np
import pytest

import pullback as pb
from pullback import nn, optim
from pullback.data import Batches
from pullback.train import accuracy, fit, predicted_classes


def blobs():
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    centers = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 3.0]])
    return (centers[labels] + rng.normal(size=(90, 2))).astype(np.float32), labels


def network(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(2, 8, rng=rng), nn.ReLU(), nn.Linear(8, 3, rng=rng))


def train(model, epochs=5, **options):
    options = {"metric": accuracy, "progress": False, **options}
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    return fit(model, nn.cross_entropy_with_logits, optimizer, Batches(blobs(), 16), epochs, **options)


def weights(model):
    return np.concatenate([value.ravel() for value in model.state_dict().values()])


def test_a_network_learns_and_the_history_says_how():
    model = network()
    history = train(model, 20)
    assert history.epochs == len(history.loss) == len(history.metric) == 20
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert history.metric[-1] > 0.9
    assert not history.interrupted
    assert history.seconds > 0


def test_the_same_seeds_give_the_same_weights_to_the_last_bit():
    first, second = network(), network()
    histories = train(first), train(second)
    np.testing.assert_array_equal(weights(first), weights(second))
    assert histories[0].loss == histories[1].loss
    other = network(seed=1)
    train(other)
    assert (weights(first) != weights(other)).any()


def test_the_loss_of_an_epoch_is_the_mean_over_rows_not_over_batches():
    x = np.array([[0.0], [0.0], [3.0]])
    w = nn.Linear(1, 1, bias=False, rng=0, dtype=float)
    w.weight.assign([[1.0]])
    batches = Batches((x, np.zeros((3, 1))), 2, shuffle=False)
    history = fit(w, nn.mse, optim.SGD(w.parameters(), lr=1e-12), batches, 1, progress=False)
    np.testing.assert_allclose(history.loss, [(0 + 0 + 9) / 3])


def test_modules_are_in_training_during_it_and_in_use_after_it():
    modes = []

    class Watching(nn.Module):
        def forward(self, x):
            modes.append(self.training)
            return x

    model = nn.Sequential(network(), Watching())
    train(model, 1)
    assert set(modes) == {True}
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def interrupting(after, kind):
    """A metric that presses Ctrl-C when it has been asked so often."""
    count = 0

    def metric(outputs, targets):
        nonlocal count
        count += 1
        if count == after:
            if kind == "signal":
                os.kill(os.getpid(), signal.SIGINT)
            else:
                raise KeyboardInterrupt
        return accuracy(outputs, targets)

    return metric


@pytest.mark.parametrize("kind", ["signal", "exception"])
def test_an_interrupt_keeps_the_work(kind):
    before = signal.getsignal(signal.SIGINT)
    model = network()
    start = weights(model)
    history = train(model, 50, metric=interrupting(15, kind))  # in the third of six batches of the third epoch
    assert history.interrupted
    assert history.epochs == 2
    assert (weights(model) != start).any()
    assert np.isfinite(weights(model)).all()
    assert not model.training
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_lets_the_batch_finish():
    interrupted, stopped = network(), network()
    train(interrupted, 1, metric=interrupting(3, "signal"))
    batches = list(Batches(blobs(), 16))[:3]
    optimizer = optim.Adam(stopped.parameters(), lr=0.02)
    fit(stopped, nn.cross_entropy_with_logits, optimizer, batches, 1, progress=False)
    np.testing.assert_array_equal(weights(interrupted), weights(stopped))


def test_a_network_may_be_trained_in_another_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(train(network(), 1)))
    thread.start()
    thread.join()
    assert found[0].epochs == 1


def test_a_loss_that_is_not_finite_stops_it_before_the_parameters_are_spoiled():
    model = nn.Linear(1, 1, rng=0, dtype=float)
    batches = Batches((np.full((4, 1), 1e200), np.zeros((4, 1))), 4)
    before = weights(model)
    with pytest.raises(pb.errors.NonFiniteError, match=r"the loss became inf in epoch 1\. A smaller learning rate"):
        fit(model, nn.mse, optim.SGD(model.parameters(), lr=0.1), batches, 3, progress=False)
    np.testing.assert_array_equal(weights(model), before)
    with pytest.raises(FloatingPointError):
        fit(model, nn.mse, optim.SGD(model.parameters(), lr=0.1), batches, 3, progress=False)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"epochs": 0}, pb.errors.ArgumentError, "epochs to be a positive integer, got 0"),
        ({"epochs": 1.5}, pb.errors.ArgumentError, "got 1.5"),
        ({"batches": []}, pb.errors.ArgumentError, "no batches"),
        ({"batches": [np.ones((2, 2))]}, pb.errors.DTypeError, "pairs .* got ndarray"),
        ({"loss": lambda outputs, targets: 1.0}, pb.errors.DTypeError, "Array with one element, got float"),
        ({"loss": lambda outputs, targets: outputs}, pb.errors.ShapeError, "one element"),
        ({"loss": None}, pb.errors.DTypeError, "loss to be a function, got NoneType"),
        ({"metric": 3}, pb.errors.DTypeError, "metric to be a function or None, got int"),
        ({"batches": 3}, pb.errors.DTypeError, r"batches to be pairs \(inputs, targets\).* got int"),
        ({"batches": iter([blobs()]), "epochs": 2}, pb.errors.ArgumentError, "in epoch 2. Give Batches or a list"),
        ({"optimizer": None}, pb.errors.DTypeError, "optimizer to be an Optimizer, got NoneType"),
        ({"optimizer": optim.SGD([pb.Parameter(1.0)])}, pb.errors.ArgumentError, "holds no parameter of the model"),
        ({"model": np.tanh}, pb.errors.DTypeError, "model to be a Module, got ufunc"),
        ({"progress": "yes"}, pb.errors.DTypeError, "progress to be True, False or None, got str"),
    ],
)
def test_wrong_arguments_are_refused(options, error, words):
    model = network()
    given = {
        "model": model, "loss": nn.cross_entropy_with_logits, "optimizer": optim.SGD(model.parameters()),
        "batches": Batches(blobs(), 16), "epochs": 1, "progress": False, **options,
    }  # fmt: skip
    with pytest.raises(error, match=words):
        fit(**given)


def test_classes_are_read_from_logits():
    assert predicted_classes(np.array([[0.1, 3.0, 1.0], [2.0, 0.0, 1.0]])).tolist() == [1, 0]
    assert predicted_classes(np.array([[0.1], [-0.1]])).tolist() == [1, 0]
    assert predicted_classes(pb.Parameter([0.1, -0.1])).tolist() == [1, 0]
    assert accuracy(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1])) == 0.5
    assert accuracy(np.array([[1.0], [-1.0]]), np.array([[1.0], [0.0]])) == 1.0
    with pytest.raises(pb.errors.ShapeError, match=r"got \(2, 2, 2\)"):
        predicted_classes(np.ones((2, 2, 2)))
    with pytest.raises(pb.errors.ShapeError, match="each of 2 rows"):
        accuracy(np.ones((2, 2)), np.ones(3))
    with pytest.raises(pb.errors.ShapeError, match="at least one row"):
        accuracy(np.ones((0, 2)), np.ones(0))
    with pytest.raises(pb.errors.NonFiniteError, match="NaN, which stands for no class"):
        accuracy([[np.nan, np.nan]], [0])
    with pytest.raises(pb.errors.DTypeError, match="expected real numbers, got complex128"):
        accuracy([[1j, 0]], [0])


def test_an_ignored_ctrl_c_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        history = train(network(), 1, metric=interrupting(2, "signal"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not history.interrupted


def test_a_parameter_that_the_last_step_spoils_is_named():
    model = nn.Linear(1, 1, rng=0, dtype=float)
    batches = Batches((np.full((4, 1), 1e150), np.zeros((4, 1))), 4)
    with pytest.raises(pb.errors.NonFiniteError, match=r"the parameter weight became infinite or NaN in epoch 1"):
        fit(model, nn.mae, optim.SGD(model.parameters(), lr=1e200), batches, 1, progress=False)
