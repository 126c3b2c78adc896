"""Reading and writing at indices, and going along axes, inside native code."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.operations import operations

X = np.linspace(-1, 1, 35).reshape(7, 5)
ROWS = np.array([[3, -1, 0, 3], [6, 3, -7, 2]])
COLUMNS = np.array([[0, 4, -5, 1], [2, 2, 2, -1]])


def check(f, *arrays):
    expected = np.asarray(f(*map(pb.array, arrays)))
    compiled = pb.compile(f)
    found = compiled(*arrays)
    assert compiled.report().count("host call") == 0
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
    return compiled


def added(x, index, v):
    x = pb.array(x)
    np.add.at(x, index, v)
    return x


READS = {
    "rows": lambda x, i, j: x[i],
    "columns": lambda x, i, j: x[:, j],
    "elements": lambda x, i, j: np.sin(x[i, j]) * 2,
    "with a slice": lambda x, i, j: x[i, 1:4],
    "of a transpose": lambda x, i, j: x.T[j, i],
    "of a row": lambda x, i, j: x[2][j],
    "one": lambda x, i, j: x[i[0, 0], j[0, 1]],
    "of what is computed": lambda x, i, j: np.exp(x)[i] - x[i],
    "along an axis": lambda x, i, j: np.take_along_axis(x, i[:, :1], 0),
    "reduced": lambda x, i, j: x[i].max(-1) + x[i].sum(-1),
    "of what was read": lambda x, i, j: x[i][:, j[0] % 4].sum(1),
    "of a constant": lambda x, i, j: pb.array(np.arange(35.0).reshape(7, 5))[i, j] * x[i, j],
    "integers": lambda x, i, j: i.reshape(-1)[np.array([0, -2])] + i[0][j[0] % 4].sum(),
    "booleans": lambda x, i, j: (x > 0)[i],
}


@pytest.mark.parametrize("name", READS)
def test_reading_at_indices(name):
    check(READS[name], X, ROWS, COLUMNS)


@pytest.mark.parametrize("name", [name for name in READS if name not in ("integers", "booleans")])
def test_the_gradient_adds_where_it_was_read(name):
    check(lambda x, i, j: pb.grad(lambda x: (READS[name](x, i, j) ** 2).sum())(x), X, ROWS, COLUMNS)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32])
def test_writing_at_indices(dtype):
    x, v = (10 * X).astype(dtype), np.arange(40).reshape(2, 4, 5).astype(dtype)
    check(lambda x, v, i: added(x, i, v), x, v, ROWS)
    check(lambda x, v, i: operations.setitem(x, i, v), x, v, ROWS)
    check(lambda x, v, i, j: added(x, (i, j), v[..., 0]), x, v, ROWS, COLUMNS)
    check(lambda x, v, i, j: operations.setitem(x * 2, (i, j), v[..., 1]), x, v, ROWS, COLUMNS)
    check(lambda x, v, j: operations.setitem(x, (slice(1, 3), j), 7), x, v, COLUMNS)


def test_booleans_are_set():
    check(lambda x, i: operations.setitem(x, i, False), X > 0, ROWS)


def test_of_what_goes_to_one_place_the_last_stays():
    i = np.array([1, 0, 1, 1])
    compiled = check(lambda x, v, i: operations.setitem(x, i, v), np.zeros(3), np.arange(1.0, 5), i)
    assert compiled(np.zeros(3), np.arange(1.0, 5), i).tolist() == [2, 4, 0]


@pytest.mark.parametrize("wrong", [7, -8])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, i: x[i],
        lambda x, i: x[i * 1].sum() + x[:, 0].sum(),
        lambda x, i: np.take(x, i, 0),
        lambda x, i: added(x, i, 1.0),
        lambda x, i: operations.setitem(x, i, 1.0),
        lambda x, i: np.cumsum(x[:, 0])[(x[i % 7] * 0).astype(int)[:, 0] + i],
    ],
)
def test_an_index_out_of_range_is_numpys_error(f, wrong):
    compiled = pb.compile(f)
    good = compiled(X, np.array([1, 2]))
    with pytest.raises(IndexError, match=f"index {wrong} is out of range for axis 0"):
        compiled(X, np.array([1, wrong]))
    np.testing.assert_array_equal(compiled(X, np.array([1, 2])), good)


def test_a_failed_update_of_a_parameter_changes_nothing():
    w = pb.Parameter(np.zeros((4, 3)))

    @pb.compile
    def step(i):
        w.assign(added(w, i, np.ones((2, 3))))

    step(np.array([1, 1]))
    assert step.report().in_place == 1
    assert step.report().count("host call") == 0
    with pytest.raises(IndexError):
        step(np.array([0, 4]))
    assert w.detach().tolist() == [[0] * 3, [2] * 3, [0] * 3, [0] * 3]


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_quotients_and_rests_of_integers(dtype):
    most = np.iinfo(dtype)
    some = np.array([most.min, most.min + 1, -7, -6, -1, 0, 1, 5, 6, 7, most.max], dtype)
    x, y = (one.ravel() for one in np.meshgrid(some, some))
    with np.errstate(all="ignore"):
        check(lambda x, y: np.stack([x // y, x % y]), x, y)


def test_what_is_read_after_a_write_is_what_was_there_before_it():
    def f(x, i):
        before = np.sin(x)
        after = added(before, i, np.cos(before[i]))
        return np.stack([after, before, added(after, i, 1.0)])

    check(f, X, ROWS)


RUNNING = {
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "cummax": np.maximum.accumulate,
    "cummin": np.minimum.accumulate,
    "logcumsumexp": np.logaddexp.accumulate,
}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", RUNNING)
def test_running_along_an_axis(name, axis):
    x = np.sin(np.arange(3 * 19 * 5.0)).reshape(3, 19, 5)
    check(lambda x: RUNNING[name](x, axis=axis), x)
    check(lambda x: RUNNING[name](x.T[::-1], axis=axis) * 2, x)
    check(lambda x: pb.grad(lambda x: (RUNNING[name](x, axis=axis) ** 2).sum())(x), x)


def test_running_sums_of_integers_and_booleans():
    check(lambda x: np.cumsum(x > 0, axis=0), X)
    check(lambda x: np.cumsum((x > 0).astype(np.int32), axis=1), X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_do_not_depend_on_the_number_of_threads(dtype):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 1200)).astype(dtype)
    i = generator.integers(-300, 300, size=500)

    @pb.compile
    def f(x, i):
        picked = np.sin(x[i])
        total = added(np.zeros_like(x), i, picked * 2)
        return total, np.cumsum(picked, axis=0), np.cumsum(picked, axis=1), np.concatenate([total, x], 1)

    found = []
    for count in (1, 2, 3):
        pb.set_num_threads(count)
        found.append(f(x, i))
    pb.set_num_threads(1)
    expected = np.zeros_like(x)
    np.add.at(expected, i, np.sin(x[i]) * 2)
    np.testing.assert_allclose(found[0][0], expected, rtol=1e-3 if dtype is np.float32 else 1e-12, atol=1e-5)
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            assert one.tobytes() == same.tobytes()


def test_large_parts_that_begin_anywhere():
    x = np.arange(8_400_001, dtype=np.float32)
    found = pb.compile(lambda x: np.concatenate([x[:3] + 1, x + 1]))(x)
    np.testing.assert_array_equal(found[3:], x + 1)


MIXED = {
    "constants": lambda x, order: x * 0.5 + x[order.tolist()],
    "arguments": lambda x, order: x * 0.5 + x[pb.asarray(order)],
    "along an axis": lambda x, order: x * 0.5 + np.take_along_axis(x, pb.asarray(order), 0),
}


@pytest.mark.parametrize("name", MIXED)
def test_a_value_is_not_written_over_while_elements_are_picked_from_it(name):
    order, x = np.random.default_rng(0).permutation(40), np.random.default_rng(1).normal(size=40)
    state = pb.Parameter(x)

    def f(x, order):
        def step(x):
            return MIXED[name](x, order)

        state.assign(step(state))
        scanned, _ = pb.scan(lambda carry, _: (step(carry), None), x, None, length=1)
        _, looped = pb.while_loop(lambda carry: carry[0] < 1, lambda carry: (carry[0] + 1, step(carry[1])), (0, x))
        return scanned, looped

    compiled = pb.compile((lambda x, _: f(x, order)) if name == "constants" else f)
    expected = MIXED[name](x, order)
    for one in (*compiled(x, order), state.detach()):
        np.testing.assert_allclose(one, expected, rtol=1e-15)
