"""Random numbers: the cipher's known answers, distributions, derivatives, and repeatability."""

import numpy as np
import pytest
import scipy.stats

import pullback as pb
from pullback.ops.random import random_bits


def rng(seed=0):
    return pb.random.default_rng(seed)


def test_bits_are_numpys_philox():
    state = np.array([11, 12, 5], np.uint64)
    found = np.asarray(random_bits(state, shape=(2, 3), dtype=np.dtype(np.uint64)))
    numpys = np.random.Philox(key=[11, 12], counter=[5, 0, 0, 0]).random_raw(6)
    np.testing.assert_array_equal(found.ravel(), numpys)


def test_what_is_drawn_in_parts_never_repeats_and_a_seed_repeats_all():
    one, other = rng(3), rng(3)
    parts = np.concatenate([np.asarray(one.bits(n)) for n in (1, 5, 4, 8, 1)])
    assert len(set(parts.tolist())) == len(parts)
    np.testing.assert_array_equal(parts, np.concatenate([np.asarray(other.bits(n)) for n in (1, 5, 4, 8, 1)]))
    assert (np.asarray(rng(4).bits(4)) != np.asarray(rng(3).bits(4))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("draw", "distribution"),
    [
        (lambda r, n, dtype: r.random(n, dtype), scipy.stats.uniform()),
        (lambda r, n, dtype: r.uniform(2.0, 5.0, n, dtype), scipy.stats.uniform(2, 3)),
        (lambda r, n, dtype: r.normal(1.0, 2.0, n, dtype), scipy.stats.norm(1, 2)),
        (lambda r, n, dtype: r.exponential(3.0, n, dtype), scipy.stats.expon(scale=3)),
        (lambda r, n, dtype: r.gumbel(1.0, 0.5, n, dtype), scipy.stats.gumbel_r(1, 0.5)),
    ],
    ids=["random", "uniform", "normal", "exponential", "gumbel"],
)
def test_numbers_follow_their_distribution(draw, distribution, dtype):
    numbers = np.asarray(draw(rng(1), 20001, dtype))
    assert numbers.dtype == dtype
    assert scipy.stats.kstest(numbers, distribution.cdf).pvalue > 0.01


def test_integers_come_equally_often_within_their_bounds():
    numbers = np.asarray(rng().integers(-2, 3, size=10_000, endpoint=True))
    values, counts = np.unique(numbers, return_counts=True)
    np.testing.assert_array_equal(values, [-2, -1, 0, 1, 2, 3])
    assert scipy.stats.chisquare(counts).pvalue > 0.01
    assert rng().integers(5, size=3, dtype=np.int8).dtype == np.int8


def test_permutation_and_choice():
    assert sorted(rng().permutation(10).tolist()) == list(range(10))
    assert sorted(rng().permutation(np.arange(6.0).reshape(3, 2))[:, 0].tolist()) == [0, 2, 4]
    assert len(set(rng().choice(10, 10, replace=False).tolist())) == 10
    drawn = np.asarray(rng().choice(np.array([1.0, 2.0, 3.0]), 5000, p=[0.5, 0.0, 0.5]))
    assert set(drawn.tolist()) == {1.0, 3.0}
    assert abs((drawn == 1).mean() - 0.5) < 0.03


def test_draws_are_differentiable_by_the_parameters_of_their_distribution():
    def mean(loc, scale):
        return rng(5).normal(loc, scale, size=1000).mean()

    by_loc, by_scale = pb.grad(mean, argnums=(0, 1))(0.5, 2.0)
    assert by_loc == pytest.approx(1.0)
    assert by_scale == pytest.approx(rng(5).standard_normal(1000).mean().item())


def test_bernoulli():
    assert rng().bernoulli(0.25, 8000).mean().item() == pytest.approx(0.25, abs=0.02)
    assert rng().bernoulli([0.0, 1.0]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: pb.random.default_rng(-1), pb.errors.ArgumentError, "default_rng: expected a seed of 0 or more"),
        (lambda: pb.random.default_rng("a"), pb.errors.DTypeError, "default_rng: expected a seed that is an integer"),
        (lambda: rng().random(-1), pb.errors.ShapeError, "expected lengths of 0 or more"),
        (lambda: rng().random(dtype=int), pb.errors.DTypeError, "random: expected float64 or float32"),
        (lambda: rng().normal([0.0, 1.0], size=3), pb.errors.ShapeError, "normal: expected shapes that broadcast"),
        (lambda: rng().integers(3, 3), pb.errors.ArgumentError, "integers: expected low < high, got 3 and 3"),
        (lambda: rng().choice(3, 4, replace=False), pb.errors.ArgumentError, "at most 3 draws"),
        (lambda: rng().choice(3, 2, replace=False, p=[1, 0, 0]), pb.errors.ArgumentError, "p= with replace=False"),
        (lambda: rng().choice(3, 2, p=[1.0]), pb.errors.ShapeError, r"choice: expected p of shape \(3,\), got \(1,\)"),
        (
            lambda: rng().choice(2, p=[0.5, 0.6]),
            pb.errors.ArgumentError,
            "choice: expected p of 0 or more that adds up",
        ),
        (lambda: rng().choice(2, p=[1.5, -0.5]), pb.errors.ArgumentError, "choice: expected p of 0 or more"),
        (lambda: rng().normal(0.0, -1.0), pb.errors.ArgumentError, "normal: expected a scale of 0 or more, got -1"),
        (lambda: rng().exponential(-1.0), pb.errors.ArgumentError, "exponential: expected a scale of 0 or more"),
        (lambda: rng().gumbel(0.0, -2.0), pb.errors.ArgumentError, "gumbel: expected a scale of 0 or more"),
        (lambda: rng().choice(0), pb.errors.ArgumentError, "expected something to draw from"),
        (lambda: rng().permutation(np.array(1.0)), pb.errors.ShapeError, "permutation: expected an integer or an"),
        (lambda: rng().permutation(-1), pb.errors.ArgumentError, "permutation: expected a number of 0 or more"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()
