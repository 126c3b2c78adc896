"""Random numbers: the cipher's known answers, distributions, derivatives, and repeatability."""

import inspect

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


CONTINUOUS = {
    "random": ((), scipy.stats.uniform()),
    "uniform": ((2.0, 5.0), scipy.stats.uniform(2, 3)),
    "standard_normal": ((), scipy.stats.norm()),
    "normal": ((1.0, 2.0), scipy.stats.norm(1, 2)),
    "lognormal": ((0.3, 0.5), scipy.stats.lognorm(0.5, scale=np.exp(0.3))),
    "standard_cauchy": ((), scipy.stats.cauchy()),
    "standard_exponential": ((), scipy.stats.expon()),
    "exponential": ((3.0,), scipy.stats.expon(scale=3)),
    "laplace": ((1.0, 0.5), scipy.stats.laplace(1, 0.5)),
    "logistic": ((1.0, 0.5), scipy.stats.logistic(1, 0.5)),
    "gumbel": ((1.0, 0.5), scipy.stats.gumbel_r(1, 0.5)),
    "weibull": ((1.7,), scipy.stats.weibull_min(1.7)),
    "rayleigh": ((1.7,), scipy.stats.rayleigh(scale=1.7)),
    "pareto": ((2.5,), scipy.stats.lomax(2.5)),
    "power": ((2.5,), scipy.stats.powerlaw(2.5)),
    "triangular": ((-1.0, 0.5, 2.0), scipy.stats.triang(0.5, -1, 3)),
    "standard_gamma": ((0.7,), scipy.stats.gamma(0.7)),
    "gamma": ((2.5, 1.5), scipy.stats.gamma(2.5, scale=1.5)),
    "chisquare": ((3.0,), scipy.stats.chi2(3)),
    "f": ((3.0, 4.0), scipy.stats.f(3, 4)),
    "standard_t": ((3.0,), scipy.stats.t(3)),
    "beta": ((0.7, 2.5), scipy.stats.beta(0.7, 2.5)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_numbers_follow_their_distribution(name, dtype):
    parameters, distribution = CONTINUOUS[name]
    numbers = np.asarray(getattr(rng(1), name)(*parameters, size=4001, dtype=dtype))
    assert numbers.dtype == dtype
    assert scipy.stats.kstest(numbers, distribution.cdf).pvalue > 0.01


@pytest.mark.parametrize("name", [name for name, (parameters, _) in CONTINUOUS.items() if parameters])
def test_numbers_are_differentiable_by_the_parameters_of_their_distribution(name):
    parameters, _ = CONTINUOUS[name]
    pb.testing.check_grads(lambda *given: getattr(rng(5), name)(*given, size=4), parameters, order=2)


@pytest.mark.parametrize("method", ["cholesky", "eigh", "svd"])
def test_vectors_of_a_multivariate_normal_distribution(method):
    mean, cov = np.array([1.0, -2.0]), np.array([[2.0, 0.6], [0.6, 0.5]])
    drawn = np.asarray(rng(2).multivariate_normal(mean, cov, size=(4000, 2), method=method)).reshape(-1, 2)
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), cov, atol=0.08)
    pb.testing.check_grads(
        lambda mean, root: rng(1).multivariate_normal(mean, root @ root.T, size=3, method=method),
        (mean, np.array([[1.2, 0.1], [0.3, 0.7]])),
    )


def test_a_semidefinite_covariance_has_an_eigendecomposition_and_others_are_said():
    flat = np.ones((2, 2))
    drawn = rng().multivariate_normal([0.0, 0.0], flat, size=5, method="eigh")
    np.testing.assert_allclose(drawn[:, 0], drawn[:, 1], atol=1e-7)
    with pytest.warns(RuntimeWarning, match="multivariate_normal: expected a covariance that is symmetric"):
        rng().multivariate_normal([0.0, 0.0], [[1.0, 0.0], [0.0, -1.0]], method="eigh")
    with pytest.raises(pb.errors.ArgumentError, match="multivariate_normal: expected a covariance that is symmetric"):
        rng().multivariate_normal([0.0, 0.0], [[1.0, 0.5], [0.0, 1.0]], check_valid="raise")


def test_shares_of_a_dirichlet_distribution():
    alpha = np.array([0.01, 2.0, 3.0])
    drawn = np.asarray(rng().dirichlet(alpha, size=4001))
    np.testing.assert_allclose(drawn.sum(1), 1.0)
    assert scipy.stats.kstest(drawn[:, 1], scipy.stats.beta(2, 3.01).cdf).pvalue > 0.01
    pb.testing.check_grads(lambda alpha: rng(2).dirichlet(alpha, size=2), (np.array([0.3, 2.0, 3.0]),), order=2)


DISCRETE = {
    "poisson": ((2.5,), scipy.stats.poisson(2.5)),
    "binomial": ((6, 0.3), scipy.stats.binom(6, 0.3)),
    "geometric": ((0.3,), scipy.stats.geom(0.3)),
    "negative_binomial": ((2.5, 0.4), scipy.stats.nbinom(2.5, 0.4)),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_integers_follow_their_distribution(name):
    parameters, distribution = DISCRETE[name]
    numbers = np.asarray(getattr(rng(1), name)(*parameters, size=4000))
    assert numbers.dtype == np.int64
    last = int(distribution.ppf(0.99))
    counts = np.bincount(np.minimum(numbers, last), minlength=last + 1)
    expected = 4000 * np.append(distribution.pmf(np.arange(last)), distribution.sf(last - 1))
    assert scipy.stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue > 0.01
    assert not counts[expected == 0].any()


def test_integers_of_large_means_and_certain_ones():
    drawn = np.asarray(rng().poisson([0.0, 1e6, 1e12], size=(2000, 3)))
    assert not drawn[:, 0].any()
    for column, mean in ((1, 1e6), (2, 1e12)):
        assert scipy.stats.kstest((drawn[:, column] - mean) / mean**0.5, "norm").pvalue > 0.01
    assert rng().binomial([5, 5, 0], [0.0, 1.0, 0.5]).tolist() == [0, 5, 0]
    assert rng().geometric([1.0, 1.0]).tolist() == [1, 1]


def test_counts_of_outcomes():
    drawn = np.asarray(rng().multinomial(20, [0.2, 0.0, 0.5, 0.3], size=2000))
    assert (drawn.sum(1) == 20).all()
    np.testing.assert_allclose(drawn.mean(0), [4.0, 0.0, 10.0, 6.0], atol=0.25)
    np.testing.assert_allclose(np.cov(drawn.T)[2], 20 * 0.5 * np.array([-0.2, 0.0, 0.5, -0.3]), atol=0.6)
    assert rng().multinomial([3, 5], [[1.0, 0.0], [0.0, 1.0]]).tolist() == [[3, 0], [0, 5]]


@pytest.mark.parametrize("name", ["bernoulli", "choice", *DISCRETE, "multinomial"])
def test_integers_refuse_watched_parameters(name):
    first = {"bernoulli": (), "binomial": (4,), "choice": (2,), "multinomial": (4,), "negative_binomial": (2,)}
    given = np.array([0.5, 0.5]) if name in ("choice", "multinomial") else 0.5
    keywords = {"p": given} if name == "choice" else {}

    def draw(p):
        positional = (*first.get(name, ()), p)
        return getattr(rng(), name)(2, p=p) if keywords else getattr(rng(), name)(*positional)

    draw(given)
    with pytest.raises(pb.errors.NotDifferentiableError, match=f"^{name}: expected parameters that are not watched"):
        draw(pb.array(given, requires_grad=True))


@pytest.mark.parametrize("name", ["gamma", "laplace", "poisson", "dirichlet", "multinomial"])
def test_a_compiled_draw_is_the_eager_one(name):
    parameters = {"dirichlet": ([1.0, 2.0],), "multinomial": (5, [0.3, 0.7]), "poisson": (3.0,)}.get(name, (0.7, 1.5))

    def draw():
        return getattr(rng(3), name)(*map(np.asarray, parameters), size=3)

    np.testing.assert_allclose(np.asarray(pb.compile(draw)()), np.asarray(draw()), rtol=1e-12)


def test_a_draw_may_be_put_where_out_says():
    target, other = pb.array(np.zeros(3)), np.zeros(3)
    for name in ("random", "standard_normal", "standard_exponential"):
        expected = np.asarray(getattr(rng(), name)(3))
        assert getattr(rng(), name)(3, out=target) is target
        getattr(rng(), name)(3, out=other)
        np.testing.assert_array_equal(np.asarray(target), expected)
        np.testing.assert_array_equal(other, expected)


def test_each_row_in_an_order_of_its_own():
    x = np.arange(40.0).reshape(2, 20)
    drawn = np.asarray(rng().permuted(x, axis=1))
    np.testing.assert_array_equal(np.sort(drawn, axis=1), x)
    assert (drawn[0] != drawn[1] - 20).any()
    assert sorted(rng().permuted(x).ravel().tolist()) == x.ravel().tolist()
    assert pb.grad(lambda x: (rng().permuted(x, axis=1)[:, 0]).sum())(x).sum() == 2.0


def test_shuffling_in_place():
    for x in (list(range(9)), np.arange(9), pb.array(np.arange(9))):
        rng().shuffle(x)
        found = list(map(int, x))
        assert sorted(found) == list(range(9))
        assert found != list(range(9))
    x = pb.array(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = x * 1.0
    rng().shuffle(y, axis=1)
    y[0, 0].backward()
    assert x.grad.sum() == 1.0


def test_choice_without_replacement_by_probabilities():
    p = np.array([0.1, 0.0, 0.6, 0.3])
    pairs = np.stack([np.asarray(rng(seed).choice(4, 2, replace=False, p=p)) for seed in range(600)])
    assert set(pairs.ravel().tolist()) == {0, 2, 3}
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert (pairs[:, 0] == 2).mean() == pytest.approx(0.6, abs=0.06)
    then_3 = pairs[pairs[:, 0] == 2, 1] == 3
    assert then_3.mean() == pytest.approx(0.75, abs=0.07)


def test_bytes():
    assert rng().bytes(13) == rng().bytes(16)[:13]
    assert len(rng().bytes(0)) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda r: r.random(-1), lambda r: r.bits(-1), lambda r: r.integers(3, size=-1), lambda r: r.choice(3, 0.5),
        lambda r: r.standard_normal(3, int), lambda r: r.standard_exponential(3, int), lambda r: r.normal(size="a"),
        lambda r: r.dirichlet([1.0], -1), lambda r: r.choice(3, -1), lambda r: r.poisson(1.0, -1),
    ],
)  # fmt: skip
def test_errors_name_the_method_that_was_called(call):
    name = call.__code__.co_names[0]
    with pytest.raises(pb.errors.PullbackError, match=f"^{name}: expected"):
        call(rng())


PROVIDED = [name for name in dir(np.random.Generator) if not name.startswith("_") and hasattr(rng(), name)]


@pytest.mark.parametrize("name", PROVIDED)
def test_arguments_are_numpys(name):
    """NumPy's methods have no signature: it is read from the first line of their documentation."""
    line = getattr(np.random.Generator, name).__doc__.strip().partition("\n\n")[0].replace("\n", " ")
    theirs = [word.partition("=")[0].strip() for word in line[line.index("(") + 1 : line.rindex(")")].split(",")]
    ours = list(inspect.signature(getattr(rng(), name)).parameters)
    assert [word for word in theirs if word != "*"] == [word for word in ours if word in theirs]


@pytest.mark.parametrize("name", sorted({*dir(np.random.Generator)} - {*PROVIDED}))
def test_a_distribution_that_is_not_there_is_refused_by_name(name):
    if name.startswith("_"):
        return
    with pytest.raises(pb.errors.UnsupportedError, match=rf"has no '{name}'. Draw constants with numpy.random"):
        getattr(rng(), name)


@pytest.mark.parametrize(
    ("name", "method"), [("normal", "normal"), ("rand", "random"), ("randint", "integers"), ("shuffle", "shuffle")]
)
def test_functions_of_the_module_of_numpys_say_which_method_to_use(name, method):
    with pytest.raises(pb.errors.UnsupportedError, match=rf"pullback.random has no '{name}'. Use .*\.{method}\("):
        getattr(pb.random, name)
    with pytest.raises(pb.errors.UnsupportedError, match=r"pullback.random has no 'RandomState'"):
        _ = pb.random.RandomState


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
        (lambda: rng().choice(3, 2, replace=False, p=[1, 0, 0]), pb.errors.ArgumentError, "at least 2 probabilities"),
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
        *[
            (lambda name=name, given=given: getattr(rng(), name)(*given), error, f"^{name}: expected {words}")
            for name, given, error, words in [
                ("laplace", (0.0, -1.0), pb.errors.ArgumentError, "a scale of 0 or more, got -1"),
                ("logistic", (0.0, -1.0), pb.errors.ArgumentError, "a scale of 0 or more, got -1"),
                ("lognormal", (0.0, -1.0), pb.errors.ArgumentError, "a scale of 0 or more, got -1"),
                ("rayleigh", (-1.0,), pb.errors.ArgumentError, "a scale of 0 or more, got -1"),
                ("weibull", (0.0,), pb.errors.ArgumentError, "a shape above 0, got 0"),
                ("pareto", (0.0,), pb.errors.ArgumentError, "a shape above 0, got 0"),
                ("power", (0.0,), pb.errors.ArgumentError, "an exponent above 0, got 0"),
                ("standard_gamma", (-1.0,), pb.errors.ArgumentError, "a shape of 0 or more, got -1"),
                ("gamma", (-1.0,), pb.errors.ArgumentError, "a shape of 0 or more, got -1"),
                ("chisquare", (0.0,), pb.errors.ArgumentError, "degrees of freedom above 0, got 0"),
                ("f", (0.0, 1.0), pb.errors.ArgumentError, "degrees of freedom above 0, got 0"),
                ("standard_t", (0.0,), pb.errors.ArgumentError, "degrees of freedom above 0, got 0"),
                ("beta", (1.0, [1.0, 0.0]), pb.errors.ArgumentError, "a shape above 0, got 0"),
                ("dirichlet", ([1.0, 0.0],), pb.errors.ArgumentError, "shapes above 0, got 0"),
                ("dirichlet", (1.0,), pb.errors.ShapeError, r"a vector of shapes, got \(\)"),
                ("triangular", (0.0, 2.0, 1.0), pb.errors.ArgumentError, "mode <= right, got -1"),
                ("triangular", (1.0, 1.0, 1.0), pb.errors.ArgumentError, "left < right, got 0"),
                (
                    "standard_exponential",
                    (3, float, "zag"),
                    pb.errors.ArgumentError,
                    "method 'inv' or 'zig', got 'zag'",
                ),
                ("multivariate_normal", ([0.0], [1.0]), pb.errors.ShapeError, "a mean "),
                ("poisson", (-1.0,), pb.errors.ArgumentError, "a mean of 0 or more, got -1"),
                ("binomial", (2.5, 0.5), pb.errors.ArgumentError, "a number of trials as n, got 2.5"),
                ("binomial", (2, 1.5), pb.errors.ArgumentError, "a probability between 0 and 1, got 1.5"),
                ("geometric", (0.0,), pb.errors.ArgumentError, "a probability above 0, up to 1, got 0"),
                ("negative_binomial", (0, 0.5), pb.errors.ArgumentError, "a number of successes above 0, got 0"),
                ("multinomial", (2, [0.5, 0.6]), pb.errors.ArgumentError, "pvals of 0 or more that adds up to 1, got"),
                ("multinomial", (2, 1.0), pb.errors.ShapeError, "probabilities along the last axis of pvals, got a"),
                ("gamma", ([1.0, 2.0], 1.0, 3), pb.errors.ShapeError, "shapes that broadcast"),
                ("shuffle", (3,), pb.errors.DTypeError, "an array with at least one axis or a list, got int"),
                ("bytes", (-1,), pb.errors.ArgumentError, "a number of 0 or more, got -1"),
            ]
        ],
        (lambda: rng().choice(0), pb.errors.ArgumentError, "expected something to draw from"),
        (lambda: rng().permutation(np.array(1.0)), pb.errors.ShapeError, "permutation: expected an integer or an"),
        (lambda: rng().permutation(-1), pb.errors.ArgumentError, "permutation: expected a number of 0 or more"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()
