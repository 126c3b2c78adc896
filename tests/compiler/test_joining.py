"""Arrays put together of parts: each part is written where it belongs, by the kernel that computes it."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.operations import operations


def counts(compiled):
    report = compiled.report()
    return [report.count(kind) for kind in ("kernel", "product", "host call")]


def updated(x, changes):
    for index, value in changes:
        x = operations.setitem(x, index, value)
    return x


def check(f, *arrays):
    expected = np.asarray(f(*map(pb.array, arrays)))
    compiled = pb.compile(f)
    found = compiled(*arrays)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    return compiled


X, Y = np.linspace(-1, 1, 12).reshape(3, 4), np.linspace(0, 2, 8).reshape(2, 4)


def test_what_is_joined_is_computed_in_its_place():
    compiled = check(lambda x: np.stack([np.sin(x), x * 2, x], 1), X)
    assert counts(compiled) == [1, 0, 0]
    assert compiled.report().memory == 0


def test_joins_of_joins_are_written_once():
    compiled = check(lambda x, y: np.block([[x, x * 2], [y, y + 1]]), X, Y)
    assert counts(compiled) == [2, 0, 0]
    assert compiled.report().memory == 0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_products_are_written_to_their_places(axis):
    f = lambda x, y: np.stack([x @ y.T, np.tanh(x @ y.T + 1)], axis)  # noqa: E731  # it has no other name
    check(f, np.sin(np.arange(40.0)).reshape(8, 5), np.cos(np.arange(45.0)).reshape(9, 5))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_parts_of_a_stack_of_products(axis):
    f = lambda x, y: np.concatenate([x @ y, np.tanh(x @ y), x @ y], axis)  # noqa: E731  # it has no other name
    check(f, np.sin(np.arange(60.0)).reshape(2, 6, 5), np.cos(np.arange(70.0)).reshape(2, 5, 7))


def test_what_lies_in_a_join_is_read_from_there():
    check(lambda x, y: np.concatenate([x, y])[::2].reshape(4, 3) @ x, X, Y)
    check(lambda x, y: np.concatenate([x, y], 0).T.reshape(-1, 2).sum(0), X, Y)


def test_updates_follow_what_they_change():
    changes = [(0, 5.0), ((slice(1, 3), slice(None, None, -2)), X[:2, :2]), ((slice(None), 1), 7.0)]
    compiled = check(lambda x: updated(x * 2, changes), X)
    assert counts(compiled)[2] == 0
    assert compiled.report().memory == 0


def test_what_is_read_after_an_update_is_what_was_there_before_it():
    def f(x):
        before = np.sin(x)
        after = operations.setitem(before, 1, 2 * before[0])
        return np.stack([after, before, operations.setitem(after, 2, after[1])])

    check(f, X)


def test_an_update_of_a_parameter_writes_nothing_else():
    w = pb.Parameter(np.zeros((50, 4)))

    @pb.compile
    def step(i):
        w.assign(operations.setitem(w, 3, i))

    for i in range(3):
        step(np.full(4, float(i)))
    assert step.report().in_place == 1
    assert counts(step) == [1, 0, 0]
    assert w.detach()[3].tolist() == [2.0] * 4
    assert np.count_nonzero(w.detach()) == 4


def test_an_update_of_a_parameter_that_is_read_later_keeps_what_is_read():
    w = pb.Parameter(np.arange(3.0))

    @pb.compile
    def step(x):
        before = w * 1
        w.assign(operations.setitem(w, slice(1, None), w[:-1] + x))
        return before

    assert step(np.ones(2)).tolist() == [0, 1, 2]
    assert w.detach().tolist() == [0, 1, 2]
    assert step(np.ones(2)).tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int32, np.bool_])
def test_every_native_dtype(dtype):
    x = (X > 0).astype(dtype)
    compiled = check(lambda x: np.pad(np.concatenate([x, x[:1]]), ((0, 1), (2, 0))), x)
    assert counts(compiled)[2] == 0


def test_parts_without_elements():
    compiled = check(lambda x: np.concatenate([x[:0], x, x[3:], np.pad(x, 0)]), X)
    assert counts(compiled)[2] == 0
