"""A compiled step that gives NaN explains itself when it is asked to, and costs nothing otherwise."""

import warnings

import numpy as np
import pytest

import pullback as pb
from pullback import optim
from pullback.diagnosis.debug import NonFiniteWarning


@pytest.fixture(autouse=True)
def switched_off_again():
    yield
    pb.set_debug()


def test_a_step_explains_where_its_nan_began():
    @pb.compile
    def loss(x):
        return np.sum(np.log(x))  # here

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(np.zeros(2))  # as long as nobody asks
    pb.set_debug(nan="explain")
    loss(np.ones(2))
    with pytest.warns(NonFiniteWarning, match=r"log\(x\) is 2 inf of 2 elements") as caught:
        loss(np.zeros(2))
    assert "test_debug.py:22" in str(caught[0].message)
    assert caught[0].filename == __file__  # where it was called


def test_a_step_explains_what_happened_inside_a_loop():
    def loss(x):
        return pb.scan(lambda h, row: (np.exp(h) * row, None), x, np.ones((9, 2)))[0].sum()

    step = pb.compile(pb.value_and_grad(loss))
    pb.set_debug(nan="explain")
    with pytest.warns(NonFiniteWarning, match=r"exp\(h\) is 2 inf of 2 elements, in run 5"):
        step(np.zeros(2))


def test_a_fault_of_the_backward_pass_is_found_too():
    step = pb.compile(pb.value_and_grad(lambda x: np.sum(np.sqrt(x))))
    pb.set_debug(nan="explain")
    with pytest.warns(NonFiniteWarning, match="reciprocal|divide|sqrt"):
        step(np.zeros(2))


def test_raise_leaves_parameters_as_they_were():
    weight = pb.Parameter([1.0, -1.0], name="w")
    optimizer = optim.SGD([weight], lr=0.1)

    @pb.compile
    def step():
        loss = np.sum(np.log(weight))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    pb.set_debug(nan="raise")
    with pytest.raises(pb.errors.NonFiniteError, match=r"log\(w\) is 1 NaN of 2 elements"):
        step()
    np.testing.assert_array_equal(weight.detach(), [1.0, -1.0])


def test_bad_settings_are_refused():
    with pytest.raises(pb.errors.ArgumentError, match="set_debug: expected nan to be 'explain', 'raise' or None"):
        pb.set_debug(nan=True)
