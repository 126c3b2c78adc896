"""NumPy's functions that update in place, on Arrays: the handle points at the updated value."""

import numpy as np
import pytest

import pullback as pb
from pullback.testing import check_grads

UPDATES = {
    "put_along_axis": lambda a: np.put_along_axis(a, np.array([[1], [0], [3]]), 9.0, axis=1),
    "put_along_axis of columns": lambda a: np.put_along_axis(a, np.array([[1, 0, 2, 1]]), np.ones((1, 4)), axis=0),
    "put_along_axis flat": lambda a: np.put_along_axis(a, np.array([1]), 9.0, axis=None),
    "put": lambda a: np.put(a, [0, -1], 9.0),
    "put again from the first": lambda a: np.put(a, [1, 2, 5], [7.0, 8.0]),
    "put clipped": lambda a: np.put(a, [1, 99], [7.0, 8.0], mode="clip"),
    "put wrapped": lambda a: np.put(a, [1, 99], [7.0, 8.0], mode="wrap"),
    "put nothing": lambda a: np.put(a, [], [7.0]),
    "place": lambda a: np.place(a, np.eye(3, 4, dtype=bool), [7.0, 8.0]),
    "putmask": lambda a: np.putmask(a, np.eye(3, 4, dtype=bool), [7.0, 8.0, 9.0, 10.0, 11.0]),
    "copyto": lambda a: np.copyto(a, np.arange(4.0)),
    "copyto where": lambda a: np.copyto(a, 5.0, where=np.eye(3, 4, dtype=bool)),
    "fill_diagonal": lambda a: np.fill_diagonal(a, [7.0, 8.0]),
    "fill_diagonal tall": lambda a: np.fill_diagonal(a, 5.0, wrap=True),
    "add.at": lambda a: np.add.at(a, [0, 0, 2], 1.0),
    "subtract.at": lambda a: np.subtract.at(a, ([0, 0], [1, 1]), [1.0, 2.0]),
    "multiply.at": lambda a: np.multiply.at(a, [0, 0, 2], 3.0),
    "maximum.at": lambda a: np.maximum.at(a, (slice(None), [1, 1]), [2.0, 3.0]),
}


@pytest.mark.parametrize("name", UPDATES)
def test_the_handle_holds_what_numpy_writes(name):
    x = np.arange(12.0).reshape(3, 4) + 1.5
    ours = pb.array(x)
    assert UPDATES[name](ours) is None
    UPDATES[name](x)
    np.testing.assert_array_equal(ours.numpy(), x)


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 5), (3, 3, 3)])
@pytest.mark.parametrize("wrap", [False, True])
def test_fill_diagonal_finds_the_diagonal_of_every_shape(shape, wrap):
    x = np.zeros(shape)
    ours = pb.array(x)
    np.fill_diagonal(ours, [1.0, 2.0, 3.0], wrap=wrap)
    np.fill_diagonal(x, [1.0, 2.0, 3.0], wrap=wrap)
    np.testing.assert_array_equal(ours.numpy(), x)


@pytest.mark.parametrize(
    "update",
    [
        lambda a, v: np.put_along_axis(a, np.array([[1], [0]]), v[:, None], axis=1),
        lambda a, v: np.put(a, [0, 3, 0], np.append(v, v[0] * v[1])),
        lambda a, v: np.place(a, np.array([[True, False], [True, True]]), v),
        lambda a, v: np.putmask(a, np.array([[True, False], [True, True]]), v),
        lambda a, v: np.copyto(a, v, where=np.array([True, False])),
        lambda a, v: np.fill_diagonal(a, v * v),
        lambda a, v: np.add.at(a, [1, 1], v),
        lambda a, v: np.multiply.at(a, [1, 1], v),
    ],
)
def test_the_gradient_flows_from_the_array_and_from_the_values(update):
    def f(x, v):
        a = x * x
        update(a, v)
        return a

    check_grads(f, (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, -0.7])), order=2)


@pytest.mark.parametrize(
    ("update", "error", "words"),
    [
        (lambda a: np.put(a, [9], 1.0), IndexError, "index 9 is out of range"),
        (lambda a: np.put(a, [0], 1.0, mode="x"), ValueError, "put: expected mode 'raise', 'wrap' or 'clip', got 'x'"),
        (lambda a: np.put_along_axis(a, np.array([0]), 1.0, 0), ValueError, "expected indices with 2 axes"),
        (lambda a: np.put_along_axis(a, np.array([[0]]), 1.0, 2), ValueError, "axis 2 is out of range"),
        (lambda a: np.place(a, [True], [1.0]), ValueError, "place: expected a mask of shape (2, 2), got (1,)"),
        (lambda a: np.place(a, np.ones((2, 2)), []), ValueError, "place: expected at least one value"),
        (lambda a: np.putmask(a, [True], 1.0), ValueError, "putmask: expected a mask of shape (2, 2), got (1,)"),
        (lambda a: np.copyto(a, np.ones(3)), ValueError, "copyto: expected a value that broadcasts"),
        (lambda a: np.copyto(a, 1j), TypeError, "copyto: cannot put complex128 into an array of float64"),
        (lambda a: np.fill_diagonal(a[0], 1.0), ValueError, "fill_diagonal: expected at least 2 axes"),
        (lambda a: np.fill_diagonal(a, []), ValueError, "fill_diagonal: expected at least one value"),
        (lambda a: np.fill_diagonal(pb.array(np.ones((2, 2, 3))), 1.0), ValueError, "expected axes of one length"),
        (lambda a: np.add.at(a, [9], 1.0), IndexError, "index 9 is out of range"),
    ],
)
def test_bad_input_is_refused_and_the_array_stays(update, error, words):
    a = pb.array([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(error) as caught:
        update(a)
    assert isinstance(caught.value, pb.errors.PullbackError)
    assert words in str(caught.value)
    assert a.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_watched_value_is_not_written_into_a_numpy_array():
    x, v = np.zeros((2, 2)), pb.array(1.0, requires_grad=True)
    for update in (lambda: np.copyto(x, v), lambda: np.put(x, [0], v), lambda: np.add.at(x, [0], v)):
        with pytest.raises(pb.errors.NotDifferentiableError, match="would lose the gradient"):
            update()
    np.add.at(x, [0], v.detach())
    assert x.tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_every_functional_update_leaves_the_array():
    x = pb.array([1.0, 2.0, 4.0])
    at = x.at[1:]
    assert at.get().tolist() == [2.0, 4.0]
    assert at.set(5.0).tolist() == [1.0, 5.0, 5.0]
    assert at.add(1.0).tolist() == [1.0, 3.0, 5.0]
    assert at.subtract(1.0).tolist() == [1.0, 1.0, 3.0]
    assert at.multiply(2.0).tolist() == [1.0, 4.0, 8.0]
    assert at.divide(2.0).tolist() == [1.0, 1.0, 2.0]
    assert at.power(2.0).tolist() == [1.0, 4.0, 16.0]
    assert at.min(3.0).tolist() == [1.0, 2.0, 3.0]
    assert at.max(3.0).tolist() == [1.0, 3.0, 4.0]
    assert x.tolist() == [1.0, 2.0, 4.0]


def test_full_like_of_a_numpy_array_takes_an_array_and_refuses_to_lose_a_gradient():
    np.testing.assert_array_equal(np.full_like(np.zeros(2, int), pb.array(3.7)), [3, 3])
    with pytest.raises(pb.errors.NotDifferentiableError, match="copyto: writing a watched value into a NumPy array"):
        np.full_like(np.zeros(2), pb.array(3.0, requires_grad=True))
    with pytest.raises(TypeError, match="copyto: cannot put float64 into an array of float32"):
        np.copyto(pb.array(np.zeros(2, np.float32)), np.ones(2), casting="safe")
