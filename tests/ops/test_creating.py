"""Arrays that are made: NumPy's values for any arguments, whether a derivative is watched or not."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pullback as pb
import pullback.numpy as pnp
from pullback.errors import ArgumentError, ConcretizationError, DTypeError
from pullback.testing import check_grads

NUMBERS = st.floats(-20, 20).map(lambda x: round(x, 3))


def same(found, expected):
    assert isinstance(found, pb.Array)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(NUMBERS, NUMBERS, NUMBERS, st.booleans())
def test_arange(start, stop, step, watched):
    assume(abs(step) > 0.01)
    ends = [pb.array(x, requires_grad=watched) for x in (start, stop, step)]
    same(pnp.arange(*ends), np.arange(start, stop, step))


@settings(max_examples=100, deadline=None)
@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(-4, 4).filter(bool), st.sampled_from([None, "f4", "i2"]))
def test_arange_of_integers(start, stop, step, dtype):
    same(pnp.arange(start, stop, step, dtype), np.arange(start, stop, step, dtype))


@settings(max_examples=100, deadline=None)
@given(NUMBERS, NUMBERS, st.integers(0, 7), st.booleans(), st.booleans(), st.sampled_from([None, "f4", "i8", "c16"]))
def test_linspace(start, stop, num, endpoint, watched, dtype):
    expected = np.linspace(start, stop, num, endpoint, dtype=dtype)
    ends = [pb.array(x, requires_grad=watched) for x in (start, stop)]
    found = pnp.linspace(*ends, num, endpoint, dtype=dtype)
    if dtype == "i8":  # rounding may fall on either side of a whole number
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert np.abs(found.numpy() - expected).max(initial=0) <= 1
    elif dtype == "f4":
        np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-6)
    else:
        same(found, expected)
    if num > 1 and dtype is None and endpoint:
        assert found[-1].item() == stop


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5), st.none() | st.integers(0, 5), st.integers(-6, 6), st.sampled_from(["f8", "i4", "c8", "?"]))
def test_eye(rows, columns, k, dtype):
    same(pnp.eye(rows, columns, k=k, dtype=dtype), np.eye(rows, columns, k=k, dtype=dtype))


def test_ranges_are_differentiated_to_the_second_order():
    check_grads(lambda a, b: pnp.geomspace(a, b, 4) * pnp.linspace(b, a, 4), (np.array(0.5), np.array(3.0)))
    check_grads(lambda a, b, base: pnp.logspace(a, b, 3, base=base), (np.array(0.5), np.array(1.5), np.array(2.5)))
    start, stop = np.array([0.5, -2.0]), np.array([[1.0], [3.0]])
    check_grads(lambda a, b: pnp.linspace(a, b, 3, axis=1), (start, stop))


def test_a_range_of_unknown_length_needs_values():
    with pytest.raises(ConcretizationError, match="arange needs a value"):
        pb.trace(lambda n: pnp.arange(n), 3.0)
    graph = pb.trace(lambda a, b: pnp.linspace(a, b, 3), 0.0, 1.0)
    assert graph.outputs[0].aval.shape == (3,)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: pnp.arange("a"), DTypeError, "arange: expected numbers"),
        (lambda: pnp.arange(1, 2, 0), ArgumentError, "arange: expected a step that is not zero"),
        (lambda: pnp.linspace(0, 1, 2.5), DTypeError, "linspace: expected an integer as num, got 2.5"),
        (lambda: pnp.geomspace(1.0, 2.0, -1), ArgumentError, "geomspace: expected num that is not negative"),
        (lambda: pnp.eye(2, k=0.5), DTypeError, "eye: expected an integer as k, got 0.5"),
        (lambda: pnp.identity(2, object), DTypeError, "expected a dtype of numbers, got object"),
        (lambda: pnp.full(2, 1.0, device="gpu"), ArgumentError, "full: expected the device 'cpu', got 'gpu'"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_a_filled_array_passes_the_gradient_to_its_value():
    x = pb.array(2.0, requires_grad=True)
    (pnp.full((2, 3), x) * np.full(5, x, like=x)[0]).sum().backward()
    assert x.grad.item() == 24.0
