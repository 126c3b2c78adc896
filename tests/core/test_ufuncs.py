"""Ufuncs and their methods on arrays: keywords are supported or refused by name, no gradient is lost."""

import functools
import itertools

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, ShapeError
from pullback.testing import check_grads

BINARY = [
    np.subtract, np.divide, np.power, np.hypot, np.arctan2, np.logaddexp, np.logaddexp2, np.maximum, np.fmin, np.add,
    np.multiply, np.float_power, np.copysign,
]  # fmt: skip
X = np.array([[1.3, 0.7, 2.1, 0.4], [0.9, 1.8, 0.6, 1.1]])


@pytest.fixture
def x():
    return pb.array([1.0, 2.0, 3.0], requires_grad=True)


def reduced(ufunc, x, axis):
    # NumPy's own power.reduce and arctan2.reduce are wrong along the last axis on some processors.
    return functools.reduce(ufunc, np.moveaxis(x, axis, 0))


def accumulated(ufunc, x, axis):
    return np.stack(list(itertools.accumulate(np.moveaxis(x, axis, 0), ufunc)), axis)


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda ufunc: ufunc.__name__)
def test_methods_have_numpys_meaning_and_their_derivatives(ufunc):
    watched = pb.array(X, requires_grad=True)
    segments = [reduced(ufunc, X[:, 0:2], 1), X[:, 2], reduced(ufunc, X[:, 1:], 1)]
    for call, expected in (
        (lambda x: ufunc.reduce(x), reduced(ufunc, X, 0)),
        (lambda x: ufunc.reduce(x, axis=1, keepdims=True), reduced(ufunc, X, 1)[:, None]),
        (lambda x: ufunc.accumulate(x, axis=1), accumulated(ufunc, X, 1)),
        (lambda x: ufunc.reduceat(x, [0, 2, 1], axis=1), np.stack(segments, 1)),
        (lambda x: ufunc.outer(x[0], x[1]), ufunc.outer(X[0], X[1])),
    ):
        found = call(watched)
        assert isinstance(found, pb.Array)
        assert found.requires_grad
        np.testing.assert_allclose(found.detach(), expected, rtol=1e-14)
        check_grads(lambda x, call=call: call(pb.asarray(x)), (X,), order=2)


def test_reductions_begin_with_initial_and_pass_over_what_the_mask_leaves_out(x):
    assert np.subtract.reduce(x, initial=10.0).item() == 4.0
    mask = np.array([True, False, True])
    assert np.subtract.reduce(x, where=mask, initial=10.0).item() == 6.0
    assert np.hypot.reduce(x[:0]).item() == 0.0
    assert np.subtract.reduce(x, dtype=np.float32).dtype == np.float32
    check_grads(lambda x: np.divide.reduce(x, axis=1, where=X > 1, initial=2.0), (X,))
    with pytest.raises(ArgumentError, match=r"subtract\.reduce: expected initial= together with where="):
        np.subtract.reduce(x, where=mask)
    with pytest.raises(ShapeError, match=r"subtract\.reduce: expected at least one element along axis 0"):
        np.subtract.reduce(x[:0])
    with pytest.raises(ArgumentError, match=r"subtract\.reduce: expected one axis, got \(0, 1\)"):
        np.subtract.reduce(x.reshape(3, 1), axis=None)
    assert np.subtract.reduce(x[0], axis=None).item() == 1.0


def test_a_number_is_its_own_reduction(x):
    for axis in (0, -1, None):
        assert np.add.reduce(x[0], axis=axis).item() == 1.0
        assert np.subtract.reduce(x[0], axis=axis).item() == 1.0
    with pytest.raises(ShapeError, match="sum: axis 1 is out of range"):
        np.add.reduce(x[0], axis=1)


def test_methods_without_a_gradient_are_numpys_own():
    numbers = pb.array([12, 10, 6])
    assert np.gcd.reduce(numbers).item() == 2
    assert np.bitwise_or.accumulate(numbers).tolist() == [12, 14, 14]
    with pytest.raises(ArgumentError, match=r"gcd\.reduce: axis 1 is out of bounds"):
        np.gcd.reduce(numbers, axis=1)
    with pytest.raises(DTypeError, match=r"subtract\.reduce: numpy boolean subtract"):
        np.subtract.reduce(pb.array([True, False]))
    with pytest.raises(IndexError, match=r"bitwise_or\.reduceat: index 5 out-of-bounds"):
        np.bitwise_or.reduceat(numbers, [5])


def test_methods_can_be_traced():
    graph = pb.trace(lambda x: (np.subtract.accumulate(x), np.bitwise_or.reduce(x > 1.0)), np.array([1.0, 2.0]))
    assert [str(node.aval) for node in graph.outputs] == ["float64[2]", "bool[]"]


def test_what_methods_do_not_take_is_refused(x):
    with pytest.raises(ShapeError, match=r"subtract\.accumulate: expected at least one axis"):
        np.subtract.accumulate(x[0])
    with pytest.raises(IndexError, match=r"add\.reduceat: index 3 is out of range for axis 0 of length 3"):
        np.add.reduceat(x, [0, 3])
    with pytest.raises(IndexError, match=r"add\.reduceat: expected integers as indices"):
        np.add.reduceat(x, [0.5])
    with pytest.raises(ShapeError, match=r"add\.reduceat: expected indices with one axis"):
        np.add.reduceat(x, [[0]])
    with pytest.raises(ShapeError, match=r"add\.reduceat: expected at least one axis"):
        np.add.reduceat(x[0], [0])
    assert np.add.reduceat(x, []).shape == (0,)
    with pytest.raises(ArgumentError, match="multiply: the keyword where= is supported beside out= only"):
        np.multiply.outer(x, x, where=[True, False, True])
    with pytest.raises(ArgumentError, match=r"modf\.at: expected a ufunc of one or two numbers that gives one"):
        pb.numpy.modf.at(x * 1.0, [0])


def test_updates_in_place_by_any_ufunc(x):
    y = x * 1.0
    np.negative.at(y, [0, 0, 1])
    np.hypot.at(y, [2], 4.0)
    assert y.tolist() == [1.0, -2.0, 5.0]
    y.sum().backward()
    np.testing.assert_allclose(x.grad, [1.0, -1.0, 0.6])


def test_where_keeps_what_out_held():
    def f(x, other):
        out = other * 2.0
        np.log(x, where=x > 0, out=out)
        return out

    x, other = np.array([1.5, -1.0, 0.0]), np.array([1.0, 2.0, 3.0])
    assert pb.vjp(f, x, other)[0].tolist() == [np.log(1.5), 4.0, 6.0]
    gradients = pb.vjp(f, x, other)[1](np.ones(3))
    assert [one.tolist() for one in gradients] == [[1 / 1.5, 0.0, 0.0], [0.0, 2.0, 2.0]]
    whole, part = pb.array(np.zeros(2)), pb.array(np.zeros(2))
    np.modf(pb.array([1.5, 2.5]), out=(part, whole), where=[True, False])
    assert (part.tolist(), whole.tolist()) == ([0.5, 0.0], [1.0, 0.0])


def test_out_rebinds_an_array_and_refuses_to_lose_a_gradient(x):
    target = pb.array(np.zeros(3))
    assert np.add(x, 1, out=target) is target
    np.testing.assert_array_equal(target.detach(), [2.0, 3.0, 4.0])
    values = np.zeros(3)
    with pytest.raises(NotDifferentiableError, match="writing a watched result into a NumPy array"):
        np.add(x, 1, out=values)
    with pytest.raises(NotDifferentiableError, match="x = x \\+ y"):
        values += x
    np.testing.assert_array_equal(values, np.zeros(3))
    values += x.detach()
    np.testing.assert_array_equal(values, [1.0, 2.0, 3.0])
    numbers = np.zeros(3, int)
    with pytest.raises(DTypeError, match="add: cannot put float64 into out= of int64"):
        numbers += x.detach()


def test_where_leaves_what_stands_in_out(x):
    below = pb.array([2.0, 0.0, 4.0], requires_grad=True)
    ratio = np.divide(x, below, out=np.zeros_like(x), where=below.detach() != 0)
    np.testing.assert_array_equal(ratio.detach(), [0.5, 0.0, 0.75])
    ratio.sum().backward()
    np.testing.assert_array_equal(x.grad, [0.5, 0.0, 0.25])
    np.testing.assert_array_equal(below.grad, [-0.25, 0.0, -3 / 16])
    plain = np.ones(3)
    np.add(x.detach(), 1.0, out=plain, where=np.array([True, False, True]))
    np.testing.assert_array_equal(plain, [2.0, 1.0, 4.0])


@pytest.mark.parametrize(
    ("ufunc", "operands", "dtype"),
    [
        (np.add, (np.array([1, 2]), 1), "float32"),
        (np.less, (np.array([0.5, 2.5]), 1.0), bool),
        (np.multiply, (np.array([1.5], np.float32), np.array([2])), "complex128"),
        (np.sqrt, (np.array([4], np.int8),), "float64"),
        (np.modf, (np.array([1.5], np.float32),), "float64"),
    ],
)
def test_dtype_says_what_a_ufunc_computes_in(ufunc, operands, dtype):
    expected = ufunc(*operands, dtype=dtype)
    found = ufunc(*[pb.array(x) if isinstance(x, np.ndarray) else x for x in operands], dtype=dtype)
    pairs = zip(*[one if isinstance(one, tuple) else (one,) for one in (found, expected)], strict=True)
    for one, other in pairs:
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    with pytest.raises(DTypeError, match="add: cannot give int8 for float64, float64"):
        np.add(pb.array([1.5]), pb.array([2.5]), dtype="int8")


def test_keywords_that_say_how_to_convert(x):
    assert np.add(x, 1, dtype=np.float32).dtype == np.float32
    assert np.add(x, x, casting="unsafe").dtype == np.float64
    assert np.less(x, 2, dtype=bool).tolist() == [True, False, False]
    assert np.add(x, 1, signature="ff->f").dtype == np.float32
    assert np.add(x, 1, sig=(None, None, np.float32)).dtype == np.float32
    assert np.add(x, x, order="A", subok=False).dtype == np.float64
    assert np.add(x.detach(), 1, dtype=int, casting="unsafe").dtype == np.int64
    with pytest.raises(DTypeError, match=r"add: cannot give int64 for float64, int\. Use astype"):
        np.add(x, 1, dtype=int)
    with pytest.raises(DTypeError, match="add: cannot give float32 for float64, float"):
        np.add(x, 1.0, dtype=np.float32, casting="safe")
    with pytest.raises(ArgumentError, match="add: casting must be one of"):
        np.add(x, 1.0, casting="rough")
    with pytest.raises(ArgumentError, match="add: expected dtype= or signature="):
        pb.numpy.add(x, 1.0, dtype=float, signature="dd->d")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: np.add(x, x, where=[True, False, True]), "add: the keyword where= is supported beside out= only"),
        (lambda x: np.matmul(x, x, axes=[0, 0, 0]), "matmul: the keyword axes= is not supported"),
        (lambda x: np.modf(x, out=(pb.array(np.zeros(3)), None), where=[True, False, True]), "where=: expected out="),
    ],
)
def test_keywords_that_are_refused(x, call, words):
    with pytest.raises((ArgumentError, TypeError), match=words):
        call(x)


@pytest.mark.parametrize(
    "name", ["str_len", "isalpha", "isupper", "startswith", "_ljust", "_strip_whitespace", "_replace"]
)
def test_ufuncs_of_text_are_refused_on_numbers(name):
    from numpy.testing.overrides import get_overridable_numpy_ufuncs

    (ufunc,) = [one for one in get_overridable_numpy_ufuncs() if one.__name__ == name]
    for x in (pb.array(1.5), pb.array(1.5, requires_grad=True)):
        with pytest.raises(TypeError, match=f"{name}: It works on text, arrays hold numbers"):
            ufunc(*[x] * ufunc.nin)


def test_ufuncs_of_dates_are_refused_on_numbers(x):
    for given in (x, x.detach()):
        with pytest.raises(TypeError, match="isnat: It works on dates, arrays hold numbers"):
            np.isnat(given)


def test_text_takes_its_numbers_from_an_array():
    assert np.strings.ljust(np.array(["a", "b"]), pb.array([2, 3])).tolist() == ["a ", "b  "]
