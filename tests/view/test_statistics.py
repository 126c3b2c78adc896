"""What is known of an array without its elements."""

import warnings

import numpy as np
import pytest

from pullback.view import statistics as module
from pullback.view.statistics import BINS, NOT_FINITE, THUMBNAIL, statistics

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int32, np.uint8, np.bool_])
def test_they_are_numpys(dtype):
    value = (RNG.normal(size=(7, 5)) * 10).astype(dtype)
    found, exact = statistics(value), value.astype(np.float64)
    assert (found.size, found.low, found.high) == (35, exact.min(), exact.max())
    assert found.mean == pytest.approx(exact.mean())
    assert found.std == pytest.approx(exact.std())
    assert found.norm == pytest.approx(np.linalg.norm(exact))
    assert found.zeros == np.count_nonzero(exact == 0)
    assert sum(found.histogram) == 35


def test_the_histogram_is_numpys():
    value = RNG.normal(size=1000)
    assert list(statistics(value).histogram) == np.histogram(value, BINS)[0].tolist()


def test_what_is_not_finite_is_counted_apart():
    found = statistics(np.array([1.0, np.nan, np.inf, -np.inf, 0.0, 3.0]))
    assert (found.size, found.nan, found.inf, found.zeros) == (6, 1, 2, 1)
    assert (found.low, found.high, found.mean) == (0.0, 3.0, pytest.approx(4 / 3))
    assert sum(found.histogram) == 3
    empty = statistics(np.full(3, np.nan))
    assert (empty.low, empty.mean, empty.nan, empty.histogram) == (None, None, 3, ())


def test_huge_and_tiny_numbers_do_not_overflow():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = statistics(np.array([[-1.5e308, 1.5e308], [0.0, 1e308]]))
        assert found.norm == np.inf or found.norm > 1e308
        assert sum(found.histogram) == 4
        assert statistics(np.full(4, 1e-300)).norm == pytest.approx(2e-300)
        assert statistics(np.full(4, 1e200)).norm == pytest.approx(2e200)


def test_complex_numbers_have_a_norm():
    found = statistics(np.array([3 + 4j, 0, np.nan]))
    assert (found.norm, found.zeros, found.nan, found.low) == (5.0, 1, 1, None)


def test_equal_elements_are_one_bar():
    assert statistics(np.full((3, 4), 2.0)).histogram == (12,)


def test_large_arrays_are_looked_at_in_blocks(monkeypatch):
    value = RNG.normal(size=1003)
    value[[3, 500]] = np.nan, np.inf
    whole = statistics(value)
    monkeypatch.setattr(module, "_BLOCK", 100)
    blocks = statistics(value)
    assert (blocks.histogram, blocks.low, blocks.high, blocks.nan, blocks.inf) == (
        whole.histogram, whole.low, whole.high, whole.nan, whole.inf,
    )  # fmt: skip
    assert blocks.mean == pytest.approx(whole.mean, abs=1e-12)
    assert blocks.std == pytest.approx(whole.std)
    assert blocks.norm == pytest.approx(whole.norm)


def test_a_broadcast_takes_no_memory():
    huge = np.broadcast_to(np.array([[1.0], [0.0], [3.0]]), (3, 10**12))
    found = statistics(huge, pictured=False)
    assert (found.size, found.zeros, found.mean) == (3 * 10**12, 10**12, pytest.approx(4 / 3))
    small = np.broadcast_to(np.array([[1.0], [0.0], [3.0]]), (3, 4))
    assert statistics(small) == statistics(small.copy())


def test_thumbnails_are_means_of_blocks():
    value = np.arange(48.0 * 48).reshape(48, 48)
    thumbnail = statistics(value).thumbnail
    assert (thumbnail.rows, thumbnail.columns) == (THUMBNAIL, THUMBNAIL)
    means = value.reshape(24, 2, 24, 2).mean((1, 3))
    assert (thumbnail.low, thumbnail.high) == (means.min(), means.max())
    cells = np.frombuffer(thumbnail.cells, np.uint8).reshape(24, 24)
    assert (cells[0, 0], cells[-1, -1]) == (0, NOT_FINITE - 1)
    assert (np.diff(cells.astype(int), axis=0) >= 0).all()


def test_thumbnails_mark_what_is_not_finite():
    thumbnail = statistics(np.array([[0.0, np.nan], [1.0, np.inf]])).thumbnail
    assert list(thumbnail.cells) == [0, NOT_FINITE, NOT_FINITE - 1, NOT_FINITE]


def test_only_matrices_have_thumbnails():
    for shape in ((3,), (2, 2, 2), (1, 1), ()):
        assert statistics(np.ones(shape)).thumbnail is None
