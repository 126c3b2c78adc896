"""Sums, products, tests, extremes, means and variances: NumPy's values, and derivatives where they are delicate."""

import itertools
import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.core.operations import operations
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, PullbackError, ShapeError
from pullback.testing import check_grads

DTYPES = ["?", "i1", "u1", "i4", "u8", "f2", "f4", "f8", "g", "F", "D"]
TOTALS = [np.sum, np.prod, np.mean, np.var, np.std, np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd]
EXTREMES = [np.max, np.min, np.nanmax, np.nanmin]
TESTS = [np.any, np.all, np.count_nonzero]
AXES = [None, 0, -1, (0, 2), (), (2, 1, 0)]


def numbers(dtype, shape=(2, 3, 4), seed=0):
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 4, shape).astype(float)
    if np.dtype(dtype).kind == "c":
        return (x + 1j * generator.integers(0, 3, shape)).astype(dtype)
    return x.astype(dtype)


def assert_as_numpy(function, *args, **keywords):
    """Ours gives NumPy's value, dtype and shape, or refuses what NumPy refuses."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = function(*args, **keywords)
        except (TypeError, ValueError, IndexError):
            with pytest.raises(PullbackError):
                function(pb.array(args[0]), *args[1:], **keywords)
            return
        found = function(pb.array(args[0]), *args[1:], **keywords)
    assert isinstance(found, pb.Array)
    assert found.dtype == np.asarray(expected).dtype
    assert found.shape == np.shape(expected)
    kind = found.dtype.kind
    tolerance = 8 * np.finfo(found.dtype).eps if kind in "fc" else 0
    np.testing.assert_allclose(np.asarray(found), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [*TOTALS, *EXTREMES, *TESTS], ids=lambda f: f.__name__)
def test_value_dtype_and_shape_are_numpys_over_any_axes(function, dtype):
    x = numbers(dtype)
    for axis, keepdims in itertools.product(AXES, [False, True]):
        assert_as_numpy(function, x, axis=axis, keepdims=keepdims)
    assert_as_numpy(function, x[1, 2, 3])


@pytest.mark.parametrize("dtype", ["i1", "f4", "D"])
@pytest.mark.parametrize("function", TOTALS + EXTREMES + [np.any, np.all], ids=lambda f: f.__name__)
def test_where_leaves_elements_out_as_in_numpy(function, dtype):
    masks = [
        np.random.default_rng(1).random((2, 3, 4)) < 0.6,
        np.array([True, False, True, True]),
        np.zeros((3, 1), bool),
        True,
        False,
    ]
    keywords = {"initial": 2} if function in EXTREMES else {}
    for mask, axis in itertools.product(masks, [None, 0, (1, 2)]):
        assert_as_numpy(function, numbers(dtype), axis=axis, where=mask, **keywords)


@pytest.mark.parametrize("initial", [2, 0.5, np.nan, -np.inf])
@pytest.mark.parametrize("function", [np.sum, np.prod, np.max, np.min], ids=lambda f: f.__name__)
def test_initial_is_numpys(function, initial):
    # A product of complex infinities depends on the order of its factors: it has no value to compare.
    for dtype, axis in itertools.product(["f4", "D"] if np.isfinite(initial) else ["f4"], [None, 0, (1, 2)]):
        assert_as_numpy(function, numbers(dtype), axis=axis, initial=initial, keepdims=True)
    assert_as_numpy(function, numbers("f8", (0, 3)), axis=0, initial=initial)


@pytest.mark.parametrize(
    "function", TOTALS + EXTREMES + TESTS + [np.argmax, np.argmin, np.ptp], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (0, 0)])
def test_empty_arrays_are_numpys(function, shape):
    x = np.empty(shape)
    for axis in [None, *range(len(shape))]:
        assert_as_numpy(function, x, axis=axis)


@pytest.mark.parametrize(
    "function", [*TOTALS, *EXTREMES, np.argmax, np.argmin, np.any, np.all], ids=lambda f: f.__name__
)
def test_nan_and_infinities_are_numpys(function):
    x = np.array([[1.0, np.nan, 2.0], [np.inf, 0.0, 1.0], [-np.inf, np.inf, 3.0], [np.nan, np.nan, np.nan]])
    for axis in (None, 0, 1):
        assert_as_numpy(function, x, axis=axis)


@pytest.mark.parametrize("dtype", ["i1", "u2", "f4", "?"])
def test_dtype_keyword_is_numpys(dtype):
    x = np.array([200.5, 100.25, 3.0])
    for function in (np.sum, np.prod, np.cumsum):
        assert_as_numpy(function, x.astype(np.int64), dtype=dtype)
    assert_as_numpy(np.mean, x, dtype="f4")


def test_out_is_written_to_and_unknown_keywords_are_refused_by_name():
    x, out = pb.array([1.0, 2.0]), np.empty(())
    assert np.sum(x, out=out) is out
    assert out == 3.0
    assert np.max(x, 0, out) == 2.0
    with pytest.raises(ArgumentError, match="var: the keyword mean= is not supported"):
        np.var(x, mean=np.ones(1))


def test_reductions_of_ufuncs_are_the_reductions():
    x = pb.array([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert np.add.reduce(x).tolist() == [4.0, 6.0]
    assert np.multiply.reduce(x, axis=None).item() == 24.0
    assert np.maximum.reduce(x, axis=1, keepdims=True).tolist() == [[2.0], [4.0]]
    assert np.minimum.reduce(x, axis=1, initial=1.5).tolist() == [1.0, 1.5]


# Errors ---------------------------------------------------------------------------------------------------------------


def test_errors_name_the_operation_what_came_and_the_line():
    with pytest.raises(
        ShapeError, match=r"max: expected at least one element .* shape \(0, 3\) .*At test_reduction.py"
    ):
        np.max(pb.array(np.empty((0, 3))), axis=0)
    with pytest.raises(ShapeError, match="sum: axis 3 is out of range for an array with 2 axes"):
        np.sum(pb.array(np.ones((2, 2))), axis=3)
    with pytest.raises(DTypeError, match=r"sum: expected an integer as axis, got 1\.5"):
        np.sum(pb.array(np.ones((2, 2))), axis=1.5)
    with pytest.raises(DTypeError, match="min: initial=-1 does not fit uint8"):
        np.min(pb.array(np.ones(2, np.uint8)), initial=-1)
    with pytest.raises(DTypeError, match="expected a dtype of numbers"):
        np.sum(pb.array([1.0]), dtype=str)
    with pytest.raises(NotDifferentiableError):
        pb.grad(lambda x: np.argmax(x))(np.ones(3))


def test_errors_are_the_same_while_tracing():
    with pytest.raises(ShapeError, match="max: expected at least one element"):
        pb.trace(lambda x: np.max(x), np.empty(0))
    with pytest.raises(ShapeError, match="argmax: expected at least one element"):
        pb.trace(lambda x: np.argmax(x), np.empty(0))


# Derivatives ----------------------------------------------------------------------------------------------------------


def test_gradient_of_sum_repeats_and_of_mean_divides():
    x = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(pb.grad(lambda x: np.sum(x))(x), np.ones((2, 3)))
    assert np.array_equal(pb.grad(lambda x: np.mean(x))(x), np.full((2, 3), 1 / 6))
    assert np.array_equal(pb.grad(lambda x: np.sum(x, where=x > 2, initial=5))(x), x > 2)


@pytest.mark.parametrize("x", [[2.0, 3.0, 5.0], [2.0, 0.0, 5.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0], [7.0], []])
def test_derivatives_of_prod_are_exact_with_any_number_of_zeros(x):
    x = np.array(x)
    others = [np.prod(np.delete(x, i)) for i in range(x.size)]
    assert np.array_equal(pb.grad(lambda x: np.prod(x))(x), others)
    second = [[np.prod(np.delete(x, [i, j])) if i != j else 0.0 for j in range(x.size)] for i in range(x.size)]
    if x.size:
        assert np.array_equal(pb.hessian(lambda x: np.prod(x))(x), second)
        check_grads(lambda x: np.prod(x), (x,), order=3)


def test_derivatives_of_prod_over_axes_with_zeros():
    x = numbers("f8")  # with zeros
    for axis in AXES:
        check_grads(lambda x, axis=axis: np.prod(x, axis=axis), (x[:, :, :2],), order=2)
    check_grads(lambda z: np.prod(z, axis=0), (numbers("D", (4, 2)),), order=2)


@pytest.mark.parametrize("function", [np.max, np.min])
def test_ties_share_the_gradient_equally(function):
    sign = 1 if function is np.max else -1
    x = sign * np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    expected = np.array([[0.0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    rows = pb.grad(lambda x: np.sum(function(x, axis=1)))(x)
    np.testing.assert_allclose(rows, expected, rtol=1e-15)
    assert pb.grad(lambda x: function(x))(x).tolist() == [[0.0, 0.5, 0.5], [0.0, 0.0, 0.0]]
    _, tangent = pb.jvp(lambda x: function(x, axis=1), (x,), (np.array([[9.0, 1.0, 2.0], [3.0, 6.0, 9.0]]),))
    assert tangent.tolist() == [1.5, 6.0]


def test_gradient_of_max_goes_to_the_nan_that_it_gave():
    x = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])
    assert pb.grad(lambda x: np.sum(np.max(x, axis=1)))(x).tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def test_gradient_of_max_keeps_single_precision_and_reaches_initial():
    x = np.array([1.0, 2.0], np.float32)
    gradient = pb.grad(lambda x: np.max(x))(x)
    assert gradient.dtype == np.float32
    by_x, by_initial = pb.grad(lambda x, start: np.max(x, initial=start), argnums=(0, 1))(np.array([1.0, 2.0]), 5.0)
    assert by_x.tolist() == [0.0, 0.0]
    assert by_initial == 1.0


def test_variance_of_a_complex_array_is_real_and_so_is_its_cotangent():
    z = np.array([1 + 2j, -1j, 3.0])
    out, pullback = pb.vjp(lambda z: np.var(z), z)
    assert isinstance(out, float) or out.dtype == np.float64
    (gradient,) = pullback(1.0)
    np.testing.assert_allclose(gradient, 2 * (z - z.mean()) / 3)
    check_grads(lambda z: np.std(z, ddof=1), (z,), order=2)
    check_grads(lambda z: np.var(z, where=[True, False, True]), (z,), order=2)


@pytest.mark.parametrize("where", [None, [True, True, False]])
def test_standard_deviation_of_a_constant_has_gradient_zero_not_nan(where):
    keywords = {} if where is None else {"where": where}
    x = np.full(3, 2.0)
    assert pb.grad(lambda x: np.std(x, **keywords))(x).tolist() == [0.0, 0.0, 0.0]
    assert pb.jvp(lambda x: np.std(x, **keywords), (x,), (np.array([1.0, 2.0, 3.0]),))[1] == 0.0
    assert pb.grad(lambda x: np.std(x[:1], **{k: v[:1] for k, v in keywords.items()}))(x).tolist() == [0.0, 0.0, 0.0]


def test_no_nan_comes_through_a_branch_that_was_not_selected():
    x = np.array([[1.0, 2.0], [np.inf, np.nan]])
    for function in (np.var, np.std, np.prod, operations.logsumexp, np.mean, np.max):
        masked = pb.grad(lambda x, f=function: np.sum(np.where([True, False], f(x, axis=1), 0.0)))(x)
        assert np.all(np.isfinite(masked)), function.__name__


def test_masked_statistics_have_the_derivatives_of_what_is_left():
    x = numbers("f8", (3, 4)) + np.arange(12.0).reshape(3, 4) / 7
    mask = np.array([[True, True, False, True], [False, True, True, True], [True, True, True, False]])
    for function in (np.mean, np.var, np.std):
        check_grads(lambda x, f=function: f(x, axis=1, where=mask), (x,))
    x[0, 2] = np.nan
    for function in (np.nansum, np.nanmean, np.nanvar, np.nanstd, np.nanprod, np.nanmax):
        gradient = pb.grad(lambda x, f=function: np.sum(f(x, axis=1)))(x)
        assert np.all(np.isfinite(gradient))
        assert gradient[0, 2] == 0


def test_average_follows_weights():
    x, w = numbers("f8", (3, 4)), np.array([1.0, 2.0, 3.0, 4.0])
    check_grads(lambda x, w: np.average(x, axis=1, weights=w), (x, w))
    assert_as_numpy(np.average, numbers("i4"), axis=(2, 0), weights=np.arange(1.0, 9.0).reshape(4, 2))
    assert_as_numpy(np.average, numbers("f4"), axis=1, weights=np.array([1, 2, 3]))
    mean, total = np.average(pb.array(x), axis=1, weights=w, returned=True)
    np.testing.assert_allclose(mean.numpy(), np.average(x, axis=1, weights=w))
    assert total.tolist() == [10.0, 10.0, 10.0]


def test_the_place_of_the_extreme_carries_no_derivative():
    x = pb.array([3.0, 1.0, 2.0], requires_grad=True)
    assert not np.argmax(x).requires_grad
    assert x[np.argmin(x)].item() == 1.0
    assert pb.grad(lambda x: x[np.argmax(x)])(np.array([3.0, 1.0, 2.0])).tolist() == [1.0, 0.0, 0.0]


def test_one_reduction_is_one_node():
    graph = pb.trace(lambda x: np.mean(x, axis=0), np.ones((2, 3)))
    assert [node.primitive.name for node in graph.nodes] == ["input", "mean"]
    graph = pb.trace(lambda x: np.std(x), np.ones((2, 3)))
    assert [node.primitive.name for node in graph.nodes] == ["input", "std"]
