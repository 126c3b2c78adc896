"""Shapes and places: what the contract test of every operation does not say."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.testing import check_grads

X = np.arange(24.0).reshape(2, 3, 4)

CALLS = {
    "transpose": lambda x: np.transpose(x, (1, 0, 2)),
    "permute_dims": lambda x: np.permute_dims(x, (1, 0, 2)),
    "matrix_transpose": np.matrix_transpose,
    "swapaxes": lambda x: np.swapaxes(x, 0, -1),
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "rollaxis": lambda x: np.rollaxis(x, 2),
    "flip": lambda x: np.flip(x, (0, 2)),
    "flipud": np.flipud,
    "fliplr": np.fliplr,
    "rot90": lambda x: np.rot90(x, 3, (0, 2)),
    "pad": lambda x: np.pad(x, 1, mode="reflect"),
    "concatenate": lambda x: np.concatenate([x, X[:1]]),
    "concat": lambda x: np.concat([x, X[:1]]),
    "stack": lambda x: np.stack((X, x), -1),
    "hstack": lambda x: np.hstack([x, X]),
    "vstack": lambda x: np.vstack([x, X]),
    "dstack": lambda x: np.dstack([x, X]),
    "column_stack": lambda x: np.column_stack([x, X]),
    "append": lambda x: np.append(x, 1.0),
    "block": lambda x: np.block([[x, X], [X, x]]),
    "split": lambda x: np.split(x, 3, axis=1)[1],
    "array_split": lambda x: np.array_split(x, 3, axis=2)[1],
    "hsplit": lambda x: np.hsplit(x, [1])[1],
    "vsplit": lambda x: np.vsplit(x, 2)[1],
    "dsplit": lambda x: np.dsplit(x, 2)[1],
    "unstack": lambda x: np.unstack(x, axis=1)[2],
    "tile": lambda x: np.tile(x, (2, 1, 1, 1)),
    "repeat": lambda x: np.repeat(x, [1, 0, 2], axis=1),
    "roll": lambda x: np.roll(x, (1, -1), (0, 2)),
    "resize": lambda x: np.resize(x, (5, 6)),
    "squeeze": lambda x: np.squeeze(x[:1]),
    "expand_dims": lambda x: np.expand_dims(x, (0, -1)),
    "atleast_3d": lambda x: np.atleast_3d(x[0]),
    "ravel": np.ravel,
    "reshape": lambda x: np.reshape(x, (4, -1)),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3, 4)),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, X[0])[1],
    "meshgrid": lambda x: np.meshgrid(x[0, 0], X[0, 1])[0],
    "full_like": lambda x: np.full_like(x, 7),
    "zeros_like": lambda x: np.zeros_like(x, dtype=np.float32),
    "ones_like": lambda x: np.ones_like(x, shape=(2,)),
    "empty_like": lambda x: 0 * np.empty_like(x),
    "copy": np.copy,
    "tril": np.tril,
    "triu": lambda x: np.triu(x, 1),
    "diag": lambda x: np.diag(x[0], 1),
    "diagonal": lambda x: np.diagonal(x, 1, 0, 2),
    "diagflat": lambda x: np.diagflat(x[0, 0], -1),
    "trace": lambda x: np.trace(x, axis1=0, axis2=2),
    "where": lambda x: np.where(x > 3, x, -1),
    "select": lambda x: np.select([x > 9, x > 5], [x, -x], 1.0),
    "nonzero": lambda x: np.nonzero(x)[2],
    "argwhere": np.argwhere,
    "flatnonzero": np.flatnonzero,
    "take": lambda x: np.take(x, [1, -1], axis=1),
    "take_along_axis": lambda x: np.take_along_axis(x, X.astype(int) % 3, axis=1),
    "compress": lambda x: np.compress([True, False, True], x, axis=1),
    "extract": lambda x: np.extract(X % 2 == 0, x),
    "choose": lambda x: np.choose([0, 1, 0, 1], [x[0, 0], x[0, 1]]),
    "delete": lambda x: np.delete(x, [0, 2], axis=1),
    "insert": lambda x: np.insert(x, 1, 9.0, axis=2),
    "method transpose": lambda x: x.transpose(1, 0, 2),
    "method transpose of a tuple": lambda x: x.transpose((1, 0, 2)),
    "method T": lambda x: x.T,
    "method mT": lambda x: x.mT,
    "method reshape": lambda x: x.reshape(4, -1),
    "method reshape in column order": lambda x: x.reshape((4, 6), order="F"),
    "method flatten": lambda x: x.flatten(),
    "method squeeze": lambda x: x[:1].squeeze(0),
    "method swapaxes": lambda x: x.swapaxes(0, 1),
    "method repeat": lambda x: x.repeat(2, axis=0),
    "method take": lambda x: x.take([0, 1]),
    "method diagonal": lambda x: x.diagonal(axis1=1, axis2=2),
    "method trace": lambda x: x.trace(),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpys_name_works_on_an_array(name):
    expected = CALLS[name](X)
    found = CALLS[name](pb.array(X))
    assert isinstance(found, pb.Array)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_shape_ndim_and_size_are_plain_numbers():
    x = pb.array(X, requires_grad=True)
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1), np.size(x, (0, 2))) == ((2, 3, 4), 3, 24, 3, 8)
    assert np.shape(pb.array(1.0)) == ()


@pytest.mark.parametrize(
    "unchanged",
    [
        lambda x: x.reshape(2, 3, 4),
        lambda x: np.transpose(x, (0, 1, 2)),
        np.squeeze,
        lambda x: np.broadcast_to(x, x.shape),
        lambda x: x.astype(float),
        lambda x: np.pad(x, 0),
        lambda x: np.roll(x, 0, 0),
        lambda x: np.rot90(x, 4),
        lambda x: np.split(x, 1)[0],
        np.atleast_3d,
        np.copy,
        pb.stop_gradient,
    ],
)
def test_what_comes_back_unchanged_does_not_change_with_its_source(unchanged):
    x = pb.array(X)
    y = unchanged(x)
    x += 1.0
    x[0] = 0.0
    np.testing.assert_array_equal(y.numpy(), X)


@pytest.mark.parametrize(
    ("parts", "dtype"),
    [
        ([np.float32(1), 2], np.float64),
        ([np.ones(2, np.float32), np.ones(2, np.float64)], np.float64),
        ([np.ones(2, np.float32), np.ones(2, np.int16)], np.float32),
        ([np.ones(2, bool), np.ones(2, np.int8)], np.int8),
    ],
)
def test_joined_arrays_are_promoted_as_numpys(parts, dtype):
    assert np.stack([pb.array(part) for part in parts]).dtype == np.stack(parts).dtype == dtype


@pytest.mark.parametrize("number", [True, 2, 2.5, 1j])
@pytest.mark.parametrize("dtype", [bool, np.int8, np.float32, np.complex64])
def test_pythons_numbers_are_weak_in_where(dtype, number):
    x = np.ones(3, dtype)
    expected = np.where(x == 0, x, number)
    found = np.where(x == 0, pb.array(x), number)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.numpy(), expected)


def test_a_number_that_the_dtype_does_not_hold_is_refused():
    with pytest.raises(pb.errors.ArgumentError, match=r"where: .*300"):
        np.where([True], pb.array(np.ones(1, np.int8)), 300)


def test_no_nan_comes_through_the_branch_that_where_did_not_choose():
    def f(x):
        return np.where(x > 0, np.sqrt(x), 0.0).sum()

    x = np.array([0.0, 4.0, -1.0])
    with np.errstate(invalid="ignore"):
        assert pb.grad(f)(x).tolist() == [0.0, 0.25, 0.0]
        assert pb.jvp(f, (x,), (np.array([0.0, 1.0, 0.0]),))[1] == 0.25
        assert pb.jvp(f, (x,), (np.ones(3),))[1] == 0.25


def test_a_condition_changed_after_where_changes_nothing():
    condition = np.array([True, False])
    x = pb.array([1.0, 2.0], requires_grad=True)
    y = np.where(condition, x, 0.0)
    condition[:] = False
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]


@settings(max_examples=150, deadline=None)
@given(
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4),
    st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp"]),
    st.data(),
)
def test_padding_agrees_with_numpy_for_any_widths(shape, mode, data):
    x = np.random.default_rng(len(shape)).normal(size=shape)
    widths = data.draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=x.ndim, max_size=x.ndim))
    keywords = {}
    if mode in ("constant", "linear_ramp"):
        name = "constant_values" if mode == "constant" else "end_values"
        keywords = data.draw(st.sampled_from([{}, {name: 2.0}, {name: (1.0, -3.0)}, {name: [(0.5, 1.5)] * x.ndim}]))
    found = np.pad(pb.array(x), widths, mode=mode, **keywords)
    np.testing.assert_allclose(found.numpy(), np.pad(x, widths, mode=mode, **keywords), atol=1e-14)


def test_padding_with_a_watched_value_has_its_gradient():
    check_grads(lambda x, c: np.pad(x, (1, 2), constant_values=c), (np.ones((2, 3)), np.array(0.5)))
    check_grads(lambda x, c: np.pad(x, 2, mode="linear_ramp", end_values=c), (np.ones(3), np.array(0.5)))


@pytest.mark.parametrize("mode", ["mean", "median", "maximum", "empty", lambda *_: None])
def test_a_mode_of_padding_that_is_not_covered_is_refused_by_name(mode):
    with pytest.raises(pb.errors.ArgumentError, match="pad: expected mode"):
        np.pad(pb.array([1.0]), 1, mode=mode)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: np.pad(x, 1, mode="reflect", reflect_type="odd"), "reflect_type="),
        (lambda x: np.concatenate([x, x], dtype=np.float32, casting="no"), "casting="),
    ],
)
def test_keywords_that_are_not_covered_are_refused_by_name(call, words):
    with pytest.raises(pb.errors.ArgumentError, match=words):
        call(pb.array([1.0, 2.0, 3.0]))


def test_what_needs_a_value_says_so_in_a_traced_function():
    for call in (np.nonzero, np.argwhere, lambda x: np.repeat(x, np.floor(x)), lambda x: np.compress(x > 0, x)):
        with pytest.raises(pb.errors.ConcretizationError):
            pb.trace(call, np.ones(3))


def test_a_long_list_of_arrays_is_joined_and_differentiated():
    def f(x):
        return (np.stack([x * i for i in range(500)]).sum(0) + np.concatenate([x[:, None]] * 500, axis=1).sum(1)).sum()

    assert pb.grad(f)(np.ones(2)).tolist() == [500 * 499 / 2 + 500] * 2


def test_the_gradient_of_a_broadcast_of_negative_strides():
    check_grads(
        lambda x: np.flip(x)[::2] * np.broadcast_to(x[::-1, None], (5, 3)).T[:, ::2], (np.arange(5.0),), order=2
    )
