"""Loops and branches as native code: results as without compiling, and no call of the host where none is needed."""

import _thread
import threading

import contract
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.core import tree
from pullback.core.operations import functions
from pullback.errors import ArgumentError, IndexingError


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def compared(f, *args, hosts=0, rtol=1e-9):
    """Run a function compiled, twice, and as it stands; return the report."""
    compiled = pb.compile(f)
    expected, structure = tree.flatten(f(*args))
    for _ in range(2):
        found, other = tree.flatten(compiled(*args))
        assert structure == other
        for one, two in zip(found, expected, strict=True):
            assert np.asarray(one).dtype == np.asarray(two).dtype
            np.testing.assert_allclose(one, two, rtol=rtol, atol=1e-12)
    report = compiled.report()
    assert hosts is None or report.count("host call") == hosts, str(report)
    return report


def cell(state, x):
    """Some steps of everything: a product, a pair that changes places, a counter, a row that is only passed on."""
    (a, b), w, count = state
    a, b = b, np.tanh(a @ w + x) * 0.5
    return ((a, b), w, count + 1), (a, x.sum(0), count)


def looped(a, b, w, xs, reverse=False):
    return pb.scan(cell, ((a, b), w, 0), xs, reverse=reverse)


STATE = random(3, 4), random(3, 4, seed=1), random(4, 4, seed=2)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_a_scan_is_one_loop(length, reverse):
    args = (*STATE, random(length, 3, 4, seed=3))
    report = compared(lambda *args: looped(*args, reverse=reverse), *args, hosts=0 if length else 3)  # empty results
    assert report.count("loop") == (length > 0)


def loss(a, b, w, xs):
    ((a, b), _, _), (ys, sums, _) = looped(a, b, w, xs)
    return (a * b).sum() + (ys * ys).sum() + sums.mean()


def test_derivatives_of_a_scan_are_loops():
    args = (*STATE, random(5, 3, 4, seed=3))
    report = compared(pb.grad(loss, argnums=(0, 1, 2, 3)), *args)
    assert report.count("loop") == 2
    tangents = tuple(random(*x.shape, seed=9) for x in args)
    compared(lambda *args: pb.jvp(loss, args, tangents), *args)
    compared(lambda *args: pb.jvp(pb.grad(loss, argnums=2), args, tangents), *args)
    compared(pb.hessian(lambda w: loss(*STATE[:2], w, args[3])), STATE[2])


def test_over_a_batch():
    args = tuple(random(2, *x.shape, seed=4) for x in (*STATE, random(5, 3, 4)))
    compared(pb.vmap(loss), *args)
    compared(pb.vmap(pb.grad(loss, argnums=(2, 3)), in_axes=(0, 0, None, 0)), *args[:2], STATE[2], args[3])
    compared(pb.vmap(lambda x, n: pb.while_loop(lambda v: v[1] > 0, lambda v: (v[0] * 1.5, v[1] - 1), (x, n))),
             random(3), np.array([0, 3, 2]))  # fmt: skip


def test_stacks_and_constants_that_lie_otherwise():
    def f(xs, w, start):
        return pb.scan(lambda c, x: (c @ w.T + x, c), start.T, np.flip(xs, 0)[:, ::2].transpose(0, 2, 1))

    compared(f, random(4, 6, 2), random(3, 3), random(3, 2))


def test_results_that_are_constants_or_given():
    def f(x, xs):
        return pb.scan(lambda c, row: ((c[0], np.ones(2), c[1]), (3.0, row, c[0])), (x, x, x), xs)

    compared(f, random(2), random(3, 2))


@pytest.mark.parametrize("which", [True, False])
def test_only_the_chosen_branch_runs(which):
    def f(flag, x):
        return pb.cond(flag, lambda x: np.sin(x) * 2, lambda x: pb.while_loop(lambda y: y < 9, lambda y: y * 2, x), x)

    report = compared(f, which, 1.3)
    assert report.count("branch") == 1
    endless = pb.compile(lambda flag, x: pb.cond(flag, abs, lambda x: pb.while_loop(lambda y: y > 0, abs, x), x))
    assert endless(np.array(True), 1.0) == 1.0


@pytest.mark.parametrize("index", [-7, 0, 1, 2, 9])
def test_an_index_out_of_range_means_the_nearest_branch(index):
    branches = [np.sin, np.cos, lambda x: x * 3]
    compared(lambda i, x: pb.switch(i, branches, x), np.array(index), random(3))
    compared(lambda i, x: pb.grad(lambda x: pb.switch(i, branches, x).sum())(x), np.array(index, np.int32), random(3))


def test_a_loop_that_ends_by_itself():
    report = compared(lambda x: pb.while_loop(lambda v: v[0].sum() < 40, lambda v: (v[0] * 1.5, v[1] + 1), (x, 0)),
                      np.abs(random(3)))  # fmt: skip
    assert report.count("loop") == 1
    compared(lambda n, x: pb.fori_loop(0, n, lambda i, x: x * 1.1 + i, x), np.array(7), random(3))
    compared(lambda x: pb.while_loop(lambda x: x < 0, lambda x: x + 1, x), 3.0)


def test_a_bound_on_the_number_of_steps():
    def f(x):
        return pb.while_loop(lambda x: x < 100, lambda x: x * 2, x, max_steps=5)

    compiled = pb.compile(f)
    assert compiled(4.0) == 128.0
    assert compiled.report().count("host call") == 0
    with pytest.raises(ArgumentError, match="at most max_steps=5 steps"):
        compiled(0.5)
    assert compiled(60.0) == 120.0
    compared(pb.grad(f), 30.0)
    compared(pb.grad(pb.grad(lambda x: f(x) * x)), 30.0)


def test_an_endless_loop_ends_when_the_user_stops_it():
    f = pb.compile(lambda x: pb.while_loop(lambda x: x > 0, lambda x: abs(x), x))
    assert f(-1.0) == -1.0
    for _ in range(2):
        timer = threading.Timer(0.05, _thread.interrupt_main)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            f(1.0)
        timer.join()
    assert f(-1.0) == -1.0


def test_an_unbounded_loop_backwards_runs_on_the_host():
    compared(pb.grad(lambda x: pb.while_loop(lambda x: x < 100, lambda x: x * x, x)), 3.0, hosts=2)


def test_indices_are_checked_in_every_step():
    table = np.arange(6.0).reshape(3, 2)

    def f(indices):
        return pb.scan(lambda c, i: (c + np.take_along_axis(pb.array(table), i[:, None], 1).sum(), c), 0.0, indices)

    compiled = pb.compile(f)
    good = np.array([[0, 1, 1], [1, 1, 0]])
    np.testing.assert_allclose(compiled(good)[0], f(good)[0])
    assert compiled.report().count("host call") == 0
    with pytest.raises(IndexingError):
        compiled(np.array([[0, 1, 1], [1, 2, 0]]))

    def g(flag, i):
        return pb.cond(flag, lambda: np.take_along_axis(pb.array(table), i[:, None], 1).sum(), lambda: 0.0)

    compiled = pb.compile(g)
    assert compiled(np.array(False), np.array([7, 7, 7])) == 0.0
    with pytest.raises(IndexingError):
        compiled(np.array(True), np.array([7, 7, 7]))


@pytest.mark.parametrize("bad", [4, -5, 10**12, -(10**12)])
def test_an_index_far_out_of_range_in_a_body_harms_nothing(bad):
    def f(x, i):
        def step(state):
            x, n = state
            return x.at[n * i].set(x[i - n] + 1.0), n + 1

        return pb.while_loop(lambda state: state[1] < 3, step, (pb.asarray(x), 0))[0]

    x = random(4)
    compared(f, x, np.array(1))
    compiled = pb.compile(f)
    with pytest.raises(IndexingError, match="out of range"):
        compiled(x, np.array(bad))
    np.testing.assert_array_equal(compiled(x, np.array(1)), f(x, np.array(1)))


def test_a_body_with_a_call_of_the_host_is_a_program_in_a_loop_of_the_host():
    def step(c, x):
        for _ in range(6):
            c = np.tanh(c + x) * 0.5 + np.sin(c)
        return np.sort(c), c

    args = random(4), random(3, 4)
    report = compared(lambda c, xs: pb.scan(step, c, xs), *args, hosts=3)
    assert report.count("loop") == 0
    compared(lambda flag, c: pb.cond(flag, lambda c: step(c, 1.0)[0], lambda c: c, c), True, args[0], hosts=2)


def test_loops_inside_loops():
    def f(x, xs):
        def step(c, row):
            c = pb.fori_loop(0, 3, lambda i, c: np.sin(c) + i * row, c)
            c = pb.cond(c.sum() > 0, lambda c: c * 0.5, lambda c: c - 1, c)
            return pb.checkpoint(lambda c: np.cos(c) * c)(c), pb.map(lambda r: r * c.sum(), row)

        return pb.scan(step, x, xs)

    args = random(3), random(4, 3)
    report = compared(f, *args)
    assert {part.depth for part in report.parts} == {0, 1, 2}
    compared(pb.grad(lambda *a: sum(one.sum() for one in f(*a)), argnums=(0, 1)), *args)


def test_a_rule_of_ones_own_inside_a_body():
    @pb.custom_vjp
    def twice(x):
        return 2 * np.sin(x)

    @twice.define_vjp
    def _(ct, out, x):
        return (3 * ct * np.cos(x),)

    compared(pb.grad(lambda xs: pb.scan(lambda c, x: (twice(c) + x, c), 0.3, xs)[0]), random(4))


def test_training_inside_a_loop():
    x, y = random(8, 3), random(8, 1, seed=1)

    def train(w):
        def step(w, _):
            value, g = pb.value_and_grad(lambda w: ((x @ w - y) ** 2).mean())(w)
            return w - 0.1 * g, value

        return pb.scan(step, w, None, length=20)

    compared(train, random(3, 1))


def test_large_arrays_use_the_threads_and_several_callers_one_program():
    w = random(128, 128).astype(np.float32) * 0.1
    f = pb.compile(lambda x: pb.scan(lambda c, _: (np.tanh(c @ w), c.sum()), x, None, length=20))
    given = [random(128, 128, seed=i).astype(np.float32) for i in range(4)]
    expected = [f(x) for x in given]
    found = [None] * 4

    def run(i):
        for _ in range(5):
            found[i] = f(given[i])

    callers = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_what_is_carried_is_written_over_where_that_can_be():
    report = compared(lambda x: pb.fori_loop(0, 5, lambda i, x: np.sin(x) + 1, x), random(1000))
    assert report.memory < 2000


def test_parts_of_what_is_carried_are_changed():
    def f(x, xs):
        x = pb.fori_loop(0, 4, lambda i, x: pb.asarray(x).at[i].add(i * 1.5), x)

        def step(x, row):
            x = pb.asarray(x)
            return x.at[1:3].set(row * x[0]), (x.at[0].set(1.0), np.concatenate([x, row]), np.stack([row, row + 1]))

        last, rows = pb.scan(step, x, xs)
        last = pb.asarray(last).reshape(2, 3).at[1].set(0.5)
        return last, rows[0], pb.asarray(rows[1]).at[:, 1].multiply(2.0), rows[2]

    compared(f, random(6), random(3, 2), hosts=None)
    compared(pb.grad(lambda *a: total(f)(*a), argnums=(0, 1)), random(6), random(3, 2), hosts=None)


def test_programs_with_loops_are_kept_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(tmp_path))
    args = (*STATE, random(5, 3, 4, seed=3))
    first = pb.compile(pb.grad(loss, argnums=(2, 3)))
    expected = first(*args)
    entries = set(tmp_path.iterdir())
    second = pb.compile(pb.grad(loss, argnums=(2, 3)))
    for one, other in zip(second(*args), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert set(tmp_path.iterdir()) == entries
    assert str(second.report()) == str(first.report())
    compiled = pb.compile(pb.grad(lambda *a: loss(*a) * 2, argnums=(2, 3)))
    compiled(*args)
    assert set(tmp_path.iterdir()) > entries


# Every control function at every sample, through every walk -----------------------------------------------------------

CONTROL = ("scan", "while_loop", "fori_loop", "cond", "switch", "associative_scan", "map")


def total(f):
    """The function with one floating result, which all floating results have part in."""

    def summed(*args):
        found = [one for one in map(pb.asarray, tree.flatten(f(*args))[0]) if one.dtype.kind == "f"]
        return sum((one * np.cos(one)).sum() for one in found)

    return summed


def walks(f, points):
    every = tuple(range(len(points)))
    tangents = tuple(random(*x.shape, seed=5) for x in points)
    gradient = pb.grad(total(f), argnums=every)
    yield "grad", gradient, points
    yield "jvp", lambda *args: pb.jvp(total(f), args, tangents), points
    yield "reverse over reverse", pb.grad(total(gradient), argnums=every), points
    yield "forward over reverse", lambda *args: pb.jvp(gradient, args, tangents), points
    stacked = [np.stack([x, x * 1.1 + 0.01, x * 0.9]) for x in points]
    yield "vmap", pb.vmap(f), stacked
    yield "vmap of grad", pb.vmap(gradient), stacked


@pytest.mark.parametrize(
    ("name", "place"), [(name, i) for name in CONTROL for i in range(len(functions[name].samples))]
)
def test_compiled_walks_are_the_eager_ones(name, place):
    f, points = contract.differentiable_call(functions[name], functions[name].samples[place])
    for walk, g, args in walks(f, points):
        expected = tree.flatten(contract.quietly(g, *args))[0]
        found = tree.flatten(pb.compile(g)(*args))[0]
        for one, two in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-11, err_msg=walk)


# Bodies of any kind ---------------------------------------------------------------------------------------------------

UNARY = [np.sin, np.tanh, lambda x: x * 0.5 - 1, lambda x: abs(x) ** 0.5, lambda x: np.where(x > 0, x, 0.1 * x)]
BINARY = [lambda x, y: x + y, lambda x, y: x * np.tanh(y), np.maximum, lambda x, y: np.tanh(x @ y) + x]
REDUCED = [lambda x: x - x.mean(0), lambda x: x / (1 + abs(x).sum(1, keepdims=True)), lambda x: x.T, lambda x: x[::-1]]


def grown(choose, arrays):
    arrays = list(arrays)
    for _ in range(1 + choose(4)):
        x, y = (arrays[choose(len(arrays))] for _ in range(2))
        kind = choose(5)
        if kind == 0:
            x = UNARY[choose(len(UNARY))](x)
        elif kind == 1:
            x = BINARY[choose(len(BINARY))](x, y)
        elif kind == 2:
            x = REDUCED[choose(len(REDUCED))](x)
        elif kind == 3:
            f = BINARY[choose(len(BINARY))]
            x = pb.fori_loop(0, 2, lambda i, c, f=f, y=y: f(c, y) * 0.5, x)
        else:
            one, two = UNARY[choose(len(UNARY))], UNARY[choose(len(UNARY))]
            x = pb.cond(x.sum() > 0, one, two, y)
        arrays.append(np.tanh(x))
    return arrays


class Choices:
    """Numbers below some other that are drawn when a function runs first, and given again ever after."""

    def __init__(self, draw):
        self.draw, self.made, self.place = draw, [], 0

    def __call__(self, below):
        if self.place == len(self.made):
            self.made.append(self.draw(below))
        self.place += 1
        return self.made[self.place - 1]


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_bodies(data):
    choices = Choices(lambda below: data.draw(st.integers(0, below - 1)))
    length, reverse = data.draw(st.integers(1, 4)), data.draw(st.booleans())
    size = data.draw(st.sampled_from([2, 3, 16]))
    mode = data.draw(st.sampled_from(["values", "grad", "jvp", "second"]))

    def f(a, b, w, xs):
        def step(state, x):
            choices.place = 0
            arrays = grown(choices, [*state, w, x])
            picked = [arrays[choices(len(arrays))] for _ in range(4)]
            return (picked[0], picked[1] * 0.5 + state[1]), (picked[2], picked[3].sum(0))

        return pb.scan(step, (a, b), xs, reverse=reverse)

    def total(*args):
        return sum((one * np.cos(one)).sum() for one in tree.flatten(f(*args))[0])

    args = [random(size, size, seed=i) for i in range(3)] + [random(length, size, size, seed=3)]
    f(*args)
    choices.draw = None  # what compiled functions reach is looked through
    tangents = tuple(random(*x.shape, seed=7) for x in args)
    every = pb.grad(total, argnums=(0, 1, 2, 3))
    g = {
        "values": f,
        "grad": every,
        "jvp": lambda *args: pb.jvp(total, args, tangents),
        "second": lambda *args: pb.jvp(every, args, tangents),
    }[mode]
    compared(g, *args, hosts=None, rtol=1e-6)
