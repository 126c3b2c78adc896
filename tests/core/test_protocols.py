"""NumPy functions on arrays: their keywords are supported or refused by name, never ignored."""

import numpy as np
import pytest
from numpy.lib import recfunctions

import pullback as pb
from pullback.errors import ArgumentError, ConcretizationError, DTypeError, NotDifferentiableError, ShapeError


@pytest.fixture
def x():
    return pb.array([1.0, 2.0, 3.0], requires_grad=True)


def test_numpy_functions_and_operators_with_an_ndarray_on_either_side(x):
    values = np.array([4.0, 5.0, 6.0])
    for result in (values * x, x * values, np.multiply(values, x), np.multiply(x, values)):
        assert isinstance(result, pb.Array)
        np.testing.assert_array_equal(result.detach(), [4.0, 10.0, 18.0])
    assert isinstance(values @ x, pb.Array)
    assert isinstance(np.float64(2.0) * x, pb.Array)


def test_function_keywords_that_are_not_supported_are_refused_by_name(x):
    with pytest.raises(ArgumentError, match="casting="):
        np.concatenate([x, x], casting="unsafe")


def test_out_of_functions_rebinds_an_array(x):
    target = pb.array(np.zeros(()))
    assert np.sum(x * x, out=target) is target
    target.backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]
    rows = pb.array(np.zeros((2, 3)))
    np.stack([x, x], out=rows)
    assert rows.tolist() == [[1.0, 2.0, 3.0]] * 2
    np.clip(x, 0.0, 2.0, rows[0])  # a new value, no view: nothing is written to rows
    assert rows.tolist() == [[1.0, 2.0, 3.0]] * 2
    middle = np.zeros(())
    assert np.median(x.detach(), None, middle) is middle
    assert middle == 2.0
    with pytest.raises(NotDifferentiableError, match="median: writing a watched result into a NumPy array"):
        np.median(x, out=middle)
    with pytest.raises(ShapeError, match=r"sum\(out=\): expected a result of shape \(2,\), got \(\)"):
        np.sum(x, out=pb.array(np.zeros(2)))
    with pytest.raises(ShapeError, match=r"sum: expected out= of shape \(\), got \(2,\)"):
        np.sum(x.detach(), out=np.zeros(2))
    with pytest.raises(DTypeError, match="sum: cannot put float64 into out= of int64"):
        np.sum(x.detach(), out=np.zeros((), int))


def test_keywords_that_say_the_default_are_accepted(x):
    assert np.sum(x, keepdims=False).item() == 6.0
    assert np.mean(x, axis=None).item() == 2.0
    assert np.add(x, x, where=True).shape == (3,)


def test_uncovered_functions_name_themselves_and_say_what_to_use(x):
    with pytest.raises(
        NotDifferentiableError, match=r"unstructured_to_structured: It works on records with named fields"
    ):
        recfunctions.unstructured_to_structured(x)
    with pytest.raises(DTypeError, match=r"numpy\.lib\.recfunctions\.rename_fields: It works on records"):
        recfunctions.rename_fields(x.detach(), {"a": "b"})
    with pytest.raises(TypeError, match=r"numpy\.(\w+\.)*busday_count: It works on dates"):
        np.busday_count(x, x)


def test_what_gives_integers_booleans_or_text_reads_the_value(x):
    np.testing.assert_array_equal(x[np.argsort(-x)].detach(), [3.0, 2.0, 1.0])
    np.testing.assert_array_equal(np.searchsorted([1.5, 2.5], x), [0, 1, 2])
    assert not np.iscomplexobj(x)
    assert np.result_type(x, np.float32) == np.float64
    assert np.array_str(x) == "[1. 2. 3.]"
    with pytest.raises(ConcretizationError, match=r"numpy\.array_str needs a value"):
        pb.trace(lambda x: x * len(np.array_str(x)), np.ones(3))


def test_setting_an_element_of_an_ndarray_is_refused(x):
    values = np.zeros(3)
    with pytest.raises((NotDifferentiableError, ValueError, TypeError)):
        values[0] = x[0]
    assert values[0] == 0


def test_errors_are_also_pythons():
    with pytest.raises(ValueError, match="broadcast"):
        pb.array([1.0, 2.0]) + pb.array([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="expected"):
        pb.array([1.0]) + "a"
    assert issubclass(ShapeError, ValueError)
    assert issubclass(DTypeError, TypeError)


def test_scalars_stay_weak():
    x = pb.array(np.ones(2, np.float32))
    assert (x * 2).dtype == np.float32
    assert (2.5 * x).dtype == np.float32
    assert (x * np.float64(2)).dtype == np.float64
    assert (pb.array([1, 2], dtype=np.int8) + 1).dtype == np.int8
    assert (pb.array([1, 2]) * 0.5).dtype == np.float64


@pytest.mark.parametrize(
    "f",
    [
        lambda a, x: x * a,
        lambda a, x: (a * 2 + 1) ** 2 * x,
        lambda a, x: np.where(x > 0, x, a),
        lambda a, x: np.maximum(x, -a),
        lambda a, x: np.sin(a) * x,
        lambda a, x: a * x.astype(np.complex64),
    ],
)
def test_a_python_number_that_is_differentiated_or_traced_stays_weak(f):
    x = np.ones(2, np.float32)
    expected = f(2.0, x).dtype
    assert pb.vjp(f, 2.0, x)[0].dtype == expected
    assert pb.jvp(f, (2.0, x), (1.0, x))[1].dtype == expected
    assert pb.trace(f, 2.0, x).outputs[0].aval.dtype == expected
    dtypes = []
    pb.grad(lambda a: pb.grad(lambda b: dtypes.append(f(b, x).dtype) or b)(a))(2.0)
    assert dtypes == [expected]
    assert type(pb.grad(lambda a: np.sum(f(a, x).real))(2.0)) is float
