"""Reading and updating parts of arrays, against NumPy."""

import operator
import types
import warnings

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.core.aval import Aval
from pullback.core.evaluate import evaluate
from pullback.core.operations import operations
from pullback.core.temporary import ONLY
from pullback.core.verify import verify_avals
from pullback.testing import check_grads

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@st.composite
def arrays_and_indices(draw):
    """An array of distinct numbers, and an index of any form that NumPy has for it."""
    shape = draw(SHAPES)
    x = np.arange(1.0, 1.0 + np.prod(shape, dtype=int)).reshape(shape)
    kind = draw(st.sampled_from(["basic", "mask", "mixed"]))
    if kind == "basic":
        return x, draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    if kind == "mask":
        axes = draw(st.integers(0, len(shape)))
        return x, draw(hnp.arrays(bool, shape[:axes]))
    return x, draw(mixed_indices(shape))


@st.composite
def mixed_indices(draw, shape):
    """Integers, slices, arrays of integers and of booleans, None, Ellipsis and booleans, in any order."""
    parts = []
    common = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    axis = 0
    while axis < len(shape):
        length = shape[axis]
        part = draw(st.sampled_from(["slice", "integer", "array", "list", "one", "mask", "plane"]))
        axes = 2 if part == "plane" and axis + 1 < len(shape) else 1
        if part in ("mask", "plane"):
            parts.append(draw(hnp.arrays(bool, shape[axis : axis + axes])))
        elif part == "slice" or length == 0:
            parts.append(draw(st.slices(length)))
        elif part == "integer":
            number = draw(st.integers(-length, length - 1))
            parts.append(draw(st.sampled_from([int, np.int64, np.int8, np.array]))(number))
        else:
            its = common if part == "array" else (1,) * len(common) if part == "one" else common[-1:]
            dtype = draw(st.sampled_from([np.int64, np.int8, np.uint8]))
            indices = draw(
                hnp.arrays(dtype, its, elements=st.integers(0 if dtype == np.uint8 else -length, length - 1))
            )
            parts.append(indices.tolist() if part == "list" else indices)
        axis += axes
        if draw(st.integers(0, 5)) == 0:
            parts.append(draw(st.sampled_from([None, True, np.False_])))
    if draw(st.booleans()):
        dropped = draw(st.integers(0, len(parts)))
        place = draw(st.integers(0, len(parts) - dropped))
        if all(not isinstance(part, (bool, np.bool_)) and part is not None for part in parts[place : place + dropped]):
            parts[place : place + dropped] = [Ellipsis]
    return tuple(parts)


def has(test):
    return lambda index: isinstance(index, tuple) and any(test(part) for part in index)


def is_array(kind):
    return lambda part: isinstance(part, np.ndarray) and part.dtype.kind in kind and part.ndim > 0


def count(test, index):
    return sum(map(test, index)) if isinstance(index, tuple) else 0


FORMS = {
    "integer": has(lambda part: type(part) is int),
    "numpys integer": has(lambda part: isinstance(part, np.integer)),
    "0-d array": has(lambda part: isinstance(part, np.ndarray) and part.ndim == 0 and part.dtype.kind == "i"),
    "slice": has(lambda part: isinstance(part, slice) and part.step is None),
    "step": has(lambda part: isinstance(part, slice) and part.step is not None and part.step > 1),
    "negative step": has(lambda part: isinstance(part, slice) and part.step is not None and part.step < 0),
    "ellipsis": has(lambda part: part is Ellipsis),
    "new axis": has(lambda part: part is None),
    "nothing": lambda index: isinstance(index, tuple) and index == (),
    "boolean": has(lambda part: isinstance(part, (bool, np.bool_))),
    "integers": has(is_array("iu")),
    "negative integers": has(lambda part: is_array("i")(part) and bool((part < 0).any())),
    "unsigned integers": has(is_array("u")),
    "no integers": has(lambda part: is_array("i")(part) and part.size == 0),
    "list": has(lambda part: isinstance(part, list) and len(part) > 1),
    "empty list": has(lambda part: isinstance(part, list) and not part),
    "mask": lambda index: is_array("b")(index) and index.any(),
    "mask of all axes": lambda index: is_array("b")(index) and index.ndim > 1,
    "0-d mask": lambda index: isinstance(index, np.ndarray) and index.ndim == 0,
    "empty mask": lambda index: is_array("b")(index) and index.size and not index.any(),
    "mask among others": lambda index: has(is_array("b"))(index) and len(index) > 1,
    "mask of two axes among others": has(lambda part: is_array("b")(part) and part.ndim == 2),
    "arrays apart": lambda index: (
        count(is_array("iu"), index) == 2 and len(index) > 2 and is_array("iu")(index[0]) and is_array("iu")(index[-1])
    ),
    "arrays that broadcast": lambda index: (
        isinstance(index, tuple) and len({part.shape for part in index if is_array("iu")(part)}) > 1
    ),
    "twice the same": has(lambda part: is_array("i")(part) and part.size > np.unique(part).size),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_among_the_cases(form):
    quick = settings(max_examples=3000, database=None, derandomize=True, deadline=None, phases=[Phase.generate])
    find(arrays_and_indices(), lambda case: FORMS[form](case[1]), settings=quick)


def as_arrays(index):
    """The same index with Arrays in the place of NumPy's."""
    if isinstance(index, tuple):
        return tuple(map(as_arrays, index))
    return pb.array(index) if isinstance(index, (np.ndarray, np.integer)) else index


def laid_out(x, order):
    """The same array in another order of memory: with negative strides, column by column, or from a larger one."""
    if order == "reversed":
        return x[(slice(None, None, -1),) * x.ndim].copy()[(slice(None, None, -1),) * x.ndim]
    if order == "strided":
        large = np.zeros(tuple(2 * length for length in x.shape))
        large[(slice(None, None, 2),) * x.ndim] = x
        return large[(slice(None, None, 2),) * x.ndim]
    return np.asfortranarray(x) if x.ndim else x


@settings(max_examples=200, deadline=None)
@given(arrays_and_indices(), st.sampled_from(["reversed", "strided", "columns"]))
def test_arrays_as_indices_and_any_order_of_memory_change_nothing(case, order):
    x, index = case
    expected = numpys(lambda: x[index])
    assume(expected is not None)
    watched = pb.array(laid_out(x, order), requires_grad=True)
    found = watched[as_arrays(index)]
    np.testing.assert_array_equal(found.detach().numpy(), expected)
    weights = np.arange(float(expected.size)).reshape(expected.shape) - 1.5
    (found * weights).sum().backward() if found.requires_grad else None
    scattered = np.zeros_like(x)
    np.add.at(scattered, index, weights)
    np.testing.assert_array_equal(watched.grad.numpy() if watched.grad is not None else 0 * x, scattered)
    written, plain = pb.asarray(laid_out(x, order)) * 1.0, x.copy()
    written[as_arrays(index)] = 0.5
    plain[index] = 0.5
    np.testing.assert_array_equal(written.numpy(), plain)


def numpys(call):
    """What NumPy gives, or None where it refuses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return call()
    except (IndexError, ValueError, TypeError, DeprecationWarning):
        return None


@settings(max_examples=600, deadline=None)
@given(arrays_and_indices())
def test_reading_agrees_with_numpy_and_its_gradient_with_a_scatter(case):
    x, index = case
    expected = numpys(lambda: x[index])
    if expected is None:
        with pytest.raises((IndexError, ValueError)) as caught:
            pb.array(x)[index]
        assert isinstance(caught.value, pb.errors.PullbackError)
        return
    watched = pb.array(x, requires_grad=True)
    found = watched[index]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.detach().numpy(), expected)
    weights = np.arange(float(expected.size)).reshape(expected.shape) - 1.5
    scattered = np.zeros_like(x)
    np.add.at(scattered, index, weights)
    found.backward(weights)
    np.testing.assert_array_equal(watched.grad.numpy() if watched.grad is not None else 0 * x, scattered)


@settings(max_examples=600, deadline=None)
@given(arrays_and_indices(), st.data())
def test_writing_agrees_with_numpy_and_its_gradient_flows_to_what_stayed(case, data):
    x, index = case
    part = numpys(lambda: x[index])
    assume(part is not None)
    shape = data.draw(st.sampled_from([part.shape, (), part.shape[1:], (1, *part.shape)]))
    values = np.arange(-1.0, -1.0 - np.prod(shape, dtype=int), -1.0).reshape(shape)
    expected = x.copy()

    def write():
        expected[index] = values
        return expected

    if numpys(write) is None:
        assume(shape != (1, *part.shape))  # NumPy drops leading axes of length 1 in most cases, pullback in all
        with pytest.raises(pb.errors.ShapeError):
            pb.array(x)[index] = values
        return
    left, right = pb.array(x, requires_grad=True), pb.array(values, requires_grad=True)
    result = left.copy()
    result[index] = right
    np.testing.assert_array_equal(result.detach().numpy(), expected)
    np.testing.assert_array_equal(left.detach().numpy(), x)
    if not result.requires_grad:
        return
    # Every number is distinct, so the result says where each came from.
    weights = np.arange(float(x.size)).reshape(x.shape) + 0.5
    result.backward(weights)
    of_x = np.where(expected > 0, weights, 0.0)
    np.testing.assert_array_equal(left.grad.numpy() if left.grad is not None else 0 * x, of_x)
    of_values = np.zeros_like(values)
    for number in np.ndindex(values.shape):
        of_values[number] = weights[expected == values[number]].sum()
    np.testing.assert_allclose(right.grad.numpy() if right.grad is not None else 0 * values, of_values)


@settings(max_examples=200, deadline=None)
@given(arrays_and_indices())
def test_traced_indexing_has_the_shape_of_the_eager_one(case):
    x, index = case
    expected = numpys(lambda: x[index])
    assume(expected is not None)

    def f(x):
        y = x[index]
        x[index] = 2 * y
        return y, x

    graph = pb.trace(f, Aval(x.shape, x.dtype))
    verify_avals(graph)
    values = evaluate(graph, {graph.inputs[0]: x})
    np.testing.assert_array_equal(values[graph.outputs[0]], expected)
    updated = x.copy()
    updated[index] = 2 * updated[index]
    np.testing.assert_array_equal(values[graph.outputs[1]], updated)


@settings(max_examples=300, deadline=None)
@given(arrays_and_indices(), st.sampled_from(["add", "subtract", "multiply", "maximum", "minimum", "divide"]))
def test_functional_updates_are_those_of_ufunc_at(case, name):
    x, index = case
    part = numpys(lambda: x[index])
    assume(part is not None)
    values = np.linspace(-2.0, 2.5, part.size).reshape(part.shape)
    expected = x.copy()
    with np.errstate(all="ignore"):
        if numpys(lambda: (getattr(np, name).at(expected, index, values), expected)) is None:
            return
        method = {"maximum": "max", "minimum": "min"}.get(name, name)
        found = getattr(pb.array(x).at[index], method)(values)
    np.testing.assert_allclose(found.numpy(), expected)


def test_gradient_of_products_at_places_that_come_twice():
    index = [0, 2, 0, 0]
    check_grads(lambda x, v: x.at[index].multiply(v), (np.array([1.5, 2.0, 3.0]), np.array([2.0, 0.5, -1.0, 3.0])))
    check_grads(lambda x, v: x.at[index].divide(v), (np.array([1.5, 2.0, 3.0]), np.array([2.0, 0.5, -1.0, 3.0])))


def test_second_derivative_through_an_update():
    def f(x, v):
        y = x * x
        y[[1, 0, 1]] = v * v  # the second value for 1 stays
        y[::2] = y[::2] * x[0]
        return y

    check_grads(f, (np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.7, 0.9])), order=2)


def test_last_value_stays_whatever_the_memory_order_of_the_index():
    index = np.asfortranarray([[0, 1], [1, 0]])
    values = np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])
    x = pb.array([0.0, 0.0])
    x[index] = values
    assert x.tolist() == [4.0, 3.0]


def test_a_watched_value_makes_an_unwatched_array_watched():
    x, v = pb.array([1.0, 2.0, 3.0]), pb.array(5.0, requires_grad=True)
    x[1] = v * v
    assert x.requires_grad
    x.sum().backward()
    assert v.grad.item() == 10.0


def test_an_update_leaves_other_handles_alone():
    x = pb.array([1.0, 2.0, 3.0])
    y, row = x.copy(), x[:2]
    x[0] = 9.0
    assert (x.tolist(), y.tolist(), row.tolist()) == ([9.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0])


def test_an_index_changed_after_it_was_used_changes_nothing():
    index, mask = np.array([0, 1]), np.array([True, False, True])
    x = pb.array([1.0, 2.0, 3.0], requires_grad=True)
    y = x[index].sum()
    z = x * 1.0
    z[mask] = 0.0
    index[:], mask[:] = 2, False
    (y + z.sum()).backward()
    assert x.grad.tolist() == [1.0, 2.0, 0.0]


@pytest.mark.parametrize("index", [(), ..., slice(None), (slice(None), ...), (None, 0)])
def test_what_is_read_whole_does_not_change_with_the_array(index):
    x = pb.array([[1.0, 2.0]])
    y = x[index]
    x += 1.0
    assert y.ravel().tolist() == [1.0, 2.0]


def test_iteration_and_unpacking_keep_the_gradient():
    x = pb.array([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = x
    (first * second).sum().backward()
    assert x.grad.tolist() == [[3.0, 4.0], [1.0, 2.0]]


def test_traced_indices_gather_and_scatter():
    def f(x, i, v):
        y = x[i]
        x[i] = v
        return y, x, x.at[i].add(v)

    x, i, v = np.arange(6.0).reshape(3, 2), np.array([2, -1, 0]), np.ones((3, 2))
    graph = pb.trace(f, Aval(x.shape, x.dtype), Aval(i.shape, i.dtype), Aval(v.shape, v.dtype))
    values = evaluate(graph, dict(zip(graph.inputs, (x, i, v), strict=True)))
    expected = x.copy()
    expected[i] = v
    added = expected.copy()
    np.add.at(added, i, v)
    for node, one in zip(graph.outputs, (x[i], expected, added), strict=True):
        np.testing.assert_array_equal(values[node], one)


def test_traced_integer_without_axes_picks_as_an_integer_does():
    x, i = np.arange(24.0).reshape(2, 3, 4), np.array(1)
    graph = pb.trace(
        lambda x, i: (x[i], x[:, i], x[i, :, i], x[[0, 1], :, i]), *[Aval(a.shape, a.dtype) for a in (x, i)]
    )
    values = evaluate(graph, dict(zip(graph.inputs, (x, i), strict=True)))
    for node, one in zip(graph.outputs, (x[1], x[:, 1], x[1, :, 1], x[[0, 1], :, 1]), strict=True):
        np.testing.assert_array_equal(values[node], one)


def test_a_mask_of_unknown_value_reads_nothing_but_writes():
    def read(x):
        return x[x > 0]

    def write(x):
        x[x > 0] = 7.0
        return x.at[x < -1].multiply(2.0)

    with pytest.raises(pb.errors.ConcretizationError, match="a boolean index"):
        pb.trace(read, np.ones(3))
    graph = pb.trace(write, np.ones(3))
    values = evaluate(graph, {graph.inputs[0]: np.array([1.0, -1.0, -2.0])})
    assert values[graph.outputs[0]].tolist() == [7.0, -1.0, -4.0]
    with pytest.raises(pb.errors.ConcretizationError):
        pb.trace(lambda x, v: x.at[x > 0].set(v), np.ones(3), np.ones(3))


def test_products_at_indices_of_unknown_value_are_refused():
    with pytest.raises(pb.errors.ConcretizationError, match=r"multiply\.at"):
        pb.trace(lambda x, i: x.at[i].multiply(2.0), np.ones(3), np.array([0, 0]))


@pytest.mark.parametrize(
    ("index", "error", "words"),
    [
        (3, IndexError, "index 3 is out of range for axis 0 of length 3"),
        (-4, IndexError, "index -4 is out of range for axis 0 of length 3"),
        ((0, 2), IndexError, "index 2 is out of range for axis 1 of length 2"),
        ((0, 0, 0), IndexError, "expected at most 2 indices for shape (3, 2), got 3"),
        (1.0, IndexError, "expected integers, slices, ..., None, and arrays of integers or booleans, got float"),
        ("a", IndexError, "got str"),
        ([0.5], IndexError, "got an array of dtype float64"),
        ([0, 3], IndexError, "index 3 is out of range for axis 0 of length 3"),
        (([0, 1], [0, 1, 1]), IndexError, "arrays of indices that broadcast together, got shapes (2,), (3,)"),
        ([True, False], IndexError, "expected a boolean index of shape (3,), got (2,)"),
        ((..., ...), IndexError, "at most one ellipsis"),
        (slice(None, None, 0), IndexError, "slice step cannot be zero"),
        (slice("a"), IndexError, "slice indices must be integers"),
    ],
)
@pytest.mark.parametrize("traced", [False, True])
def test_a_bad_index_is_refused_in_our_words(index, error, words, traced):
    for call in (lambda x: x[index], lambda x: x.at[index].set(0.0), lambda x: x.at[index].add(0.0)):
        with pytest.raises(error) as caught:
            pb.trace(call, np.ones((3, 2))) if traced else call(pb.array(np.ones((3, 2))))
        assert isinstance(caught.value, pb.errors.IndexingError)
        assert words in str(caught.value)
        assert "test_indexing.py" in str(caught.value)


def test_indices_out_of_range_found_when_the_graph_runs():
    graph = pb.trace(lambda x, i: x[i], np.ones(3), np.array([0]))
    with pytest.raises(pb.errors.IndexingError, match="index 5 is out of range for axis 0 of length 3"):
        evaluate(graph, dict(zip(graph.inputs, (np.ones(3), np.array([5])), strict=True)))
    graph = pb.trace(lambda x, i: x.at[i].add(1.0), np.ones((3, 2)), np.array([0]))
    with pytest.raises(pb.errors.IndexingError, match="index -4 is out of range"):
        evaluate(graph, dict(zip(graph.inputs, (np.ones((3, 2)), np.array([-4])), strict=True)))


@pytest.mark.parametrize(
    ("x", "value", "error", "words"),
    [
        (np.ones(3), np.ones(2), pb.errors.ShapeError, "a value that broadcasts to the shape (3,), got (2,)"),
        (np.ones(3), 1j, pb.errors.DTypeError, "cannot put a complex number into an array of float64"),
        (np.ones(3), np.ones(3) * 1j, pb.errors.DTypeError, "cannot put complex128 into an array of float64"),
        (np.ones(3, np.int8), 300, pb.errors.DTypeError, "cannot put 300 into an array of int8"),
        (np.ones(3, int), np.nan, pb.errors.DTypeError, "cannot put nan into an array of int64"),
        (np.ones(3), "a", pb.errors.DTypeError, "expected an array or a number, got str"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_the_array_stays(x, value, error, words):
    array = pb.array(x)
    with pytest.raises(error) as caught:
        array[:] = value
    assert words in str(caught.value)
    np.testing.assert_array_equal(array.numpy(), x)


def test_a_watched_value_is_not_lost_in_an_array_of_integers():
    x = pb.array([1, 2, 3])
    with pytest.raises(pb.errors.NotDifferentiableError, match="would lose its gradient"):
        x[0] = pb.array(1.5, requires_grad=True)
    x[0] = 1.5
    assert x.tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", [np.float32, np.int16, bool, complex])
def test_values_are_cast_as_an_assignment_casts(dtype):
    x = np.zeros(3, dtype)
    ours = pb.array(x)
    for index, value in ((0, 2), (1, np.float64(1.5)), (slice(2, 3), np.array([3]))):
        x[index] = value
        ours[index] = value
    assert ours.dtype == x.dtype
    np.testing.assert_array_equal(ours.numpy(), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, complex, np.int64])
@pytest.mark.parametrize(("shape", "axes"), [((50,), (0,)), ((20, 30), (0,)), ((9, 8, 7), (1, 2)), ((9, 8, 7), (0, 2))])
def test_scatter_add_accumulates_as_numpy_does(dtype, shape, axes):
    generator = np.random.default_rng(3)
    indices = [generator.integers(-shape[axis], shape[axis], (40, 5)) for axis in axes]
    key = tuple(indices[axes.index(axis)] if axis in axes else slice(None) for axis in range(len(shape)))
    x = generator.normal(size=shape).astype(dtype)
    values = (3 * generator.normal(size=x[key].shape)).astype(dtype)
    expected = x.copy()
    np.add.at(expected, key, values)
    found = operations.update_at("add", x, key, values)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)
    assert found.dtype == expected.dtype


def test_a_loop_of_many_updates_differentiates_without_recursion():
    def f(x):
        y = np.zeros_like(x)
        for i in range(2000):
            y[i % 3] = y[i % 3] + x[i % 3]
        return y.sum()

    assert pb.grad(f)(np.ones(3)).tolist() == [667.0, 667.0, 666.0]


def test_an_update_of_what_something_refers_to_is_no_error():
    def update(x):
        x[0] = 5.0

    update(pb.array([1.0, 2.0]))
    holder = types.SimpleNamespace(x=pb.array([1.0, 2.0]))
    holder.x[0] = 5.0
    [holder.x][0][1] = 6.0
    operator.setitem(holder.x, 1, holder.x[1] + 1.0)
    x = holder.x
    del holder.x
    x.__setitem__(0, 4.0)  # has as few references as a temporary in a statement
    assert x.tolist() == [4.0, 7.0]


@pytest.mark.skipif(ONLY < 0, reason="this Python counts no references of variables")
def test_an_update_that_would_be_lost_is_refused():
    x = pb.array([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(pb.errors.ArgumentError, match=r"write x\[i, j\] = v for x\[i\]\[j\] = v"):
        x[0][1] = 5.0
    with pytest.raises(pb.errors.ArgumentError, match="the update would be lost"):
        x.T[0] = 5.0
    with pytest.raises(pb.errors.ArgumentError, match="the update would be lost"):
        x[0][1] += 5.0
    with pytest.raises(pb.errors.ArgumentError, match="the update would be lost"):
        x.ravel()[1] = 5.0
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("index", [np.s_[-3:0:-2], np.s_[-9::-1], (None, np.s_[-3::-1]), ([0, 1], np.s_[-4:-9:-1])])
def test_a_slice_backwards_from_before_the_first_is_empty(index):
    x = np.arange(4.0).reshape(2, 2)
    np.testing.assert_array_equal(pb.array(x)[index], x[index])
    np.testing.assert_array_equal(pb.compile(lambda x: x[index])(x), x[index])
    changed = pb.array(x)
    changed[index] = 7.0
    np.testing.assert_array_equal(changed, x)
