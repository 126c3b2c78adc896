"""Mini-batches and splits: complete, reproducible, fair."""

import numpy as np
import pytest

import pullback as pb
from pullback.data import Batches, split


def rows(batches):
    return [x.tolist() for (x,) in batches]


def test_an_epoch_has_every_row_once_and_keeps_arrays_together():
    x = np.arange(10.0)
    pairs = [pair for a, b in Batches((x, x**2), 3) for pair in zip(a, b, strict=True)]
    assert sorted(pairs) == [(v, v**2) for v in x]


def test_the_last_batch_is_smaller_or_dropped():
    x = np.arange(10)
    assert [len(b) for b in rows(Batches(x, 4))] == [4, 4, 2]
    assert [len(b) for b in rows(Batches(x, 4, drop_last=True))] == [4, 4]
    assert (len(Batches(x, 4)), len(Batches(x, 4, drop_last=True)), len(Batches(x, 5))) == (3, 2, 2)


def test_epochs_have_orders_of_their_own_that_the_seed_decides():
    x = np.arange(50)
    first, second = Batches(x, 50, seed=1), Batches(x, 50, seed=1)
    orders = [rows(first) for _ in range(3)]
    assert orders[0] != orders[1] != orders[2]
    np.random.default_rng(1).normal(size=100)  # what else draws random numbers does not matter
    assert [rows(second) for _ in range(3)] == orders
    assert rows(Batches(x, 50, seed=2)) != orders[0]


def test_one_may_go_on_where_one_left_off():
    x = np.arange(50)
    batches = Batches(x, 50)
    orders = [rows(batches) for _ in range(4)]
    resumed = Batches(x, 50)
    resumed.epoch = 2
    assert [rows(resumed), rows(resumed)] == orders[2:]


def test_without_shuffling_the_order_is_that_of_the_rows():
    assert rows(Batches(np.arange(5), 2, shuffle=False)) == [[0, 1], [2, 3], [4]]


def test_batches_do_not_change_the_data():
    x = np.arange(5)
    for (batch,) in Batches(x, 2):
        batch[:] = -1
    for (batch,) in Batches(x, 2, shuffle=False):
        with pytest.raises(ValueError, match="read-only"):
            batch[:] = -1
    np.testing.assert_array_equal(x, np.arange(5))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Batches(np.arange(5), 0), pb.errors.ArgumentError, "batch_size to be a positive integer, got 0"),
        (lambda: Batches(np.arange(5), 2.0), pb.errors.ArgumentError, "got 2.0"),
        (lambda: Batches(np.arange(5), 2, seed=-1), pb.errors.ArgumentError, "seed: .* got -1"),
        (lambda: Batches(np.arange(5), 2, seed=0.5), pb.errors.ArgumentError, "seed: .* got 0.5"),
        (lambda: Batches(np.arange(5), 9, drop_last=True), pb.errors.ArgumentError, "no batch of 9 is left of 5"),
        (lambda: Batches((np.arange(5), np.arange(4)), 2), pb.errors.ShapeError, "one length, got 5, 4"),
        (lambda: Batches((), 2), pb.errors.ArgumentError, "at least one array"),
        (lambda: Batches(np.empty(0), 2), pb.errors.ShapeError, "no rows"),
        (lambda: Batches(3.0, 2), pb.errors.ShapeError, "got a single number"),
        (lambda: Batches(np.array([None, {}]), 2), pb.errors.DTypeError, "arrays of numbers or words, got object"),
        (lambda: split(np.arange(5), test=0), pb.errors.ArgumentError, "between 0 and 1, got 0"),
        (lambda: split(np.arange(5), test=1.5), pb.errors.ArgumentError, "got 1.5"),
        (lambda: split(np.arange(5), test="a"), pb.errors.ArgumentError, "got 'a'"),
        (lambda: split(np.arange(5), test=None), pb.errors.ArgumentError, "got None"),
        (lambda: split(np.arange(2), test=0.1), pb.errors.ArgumentError, "2 rows are too few"),
        (lambda: split(np.arange(5), stratify=np.arange(4)), pb.errors.ShapeError, r"each of 5 rows, got shape \(4,\)"),
    ],
)
def test_wrong_arguments_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("epoch", [-1, 1.5, "a", None])
def test_an_epoch_that_is_no_number_of_one_is_refused(epoch):
    batches = Batches(np.arange(5), 2)
    batches.epoch = epoch
    with pytest.raises(pb.errors.ArgumentError, match="the number of the epoch: expected an integer of 0 or more"):
        iter(batches)


def test_a_split_has_every_row_once_and_depends_on_the_seed_only():
    x = np.arange(100)
    (train,), (test,) = split(x, test=0.3, seed=4)
    assert sorted([*train, *test]) == list(x)
    assert len(test) == 30
    np.testing.assert_array_equal(split(x, test=0.3, seed=4)[1][0], test)
    assert (split(x, test=0.3, seed=5)[1][0] != test).any()


def test_a_stratified_split_holds_out_the_same_share_of_each_class():
    labels = np.repeat([0, 1, 2], [100, 10, 50])
    (_, train), (_, test) = split((np.arange(160), labels), test=0.2, stratify=labels)
    assert np.bincount(test).tolist() == [20, 2, 10]
    assert np.bincount(train).tolist() == [80, 8, 40]


def test_a_class_with_one_row_is_not_held_out():
    labels = np.array([0] * 10 + [1])
    (train,), _ = split(labels, test=0.6, stratify=labels)
    assert 1 in train
