"""Threads: the same results with any number, and nothing left behind."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.compiler import threads


@pytest.fixture(autouse=True)
def _number_of_threads():
    before = threads.pool.wanted
    yield
    threads.pool.wanted = before
    threads.pool.ensure()


def large(x, w):
    z = np.tanh(x @ w)
    rows = np.exp(z - z.max(axis=1, keepdims=True))
    return (rows / rows.sum(axis=1, keepdims=True)) @ w.T, z.sum(axis=0), np.sin(x) * 2 + 1


def arguments():
    generator = np.random.default_rng(0)
    return generator.normal(size=(300, 200)).astype(np.float32), generator.normal(size=(200, 170)).astype(np.float32)


def test_results_are_the_same_bit_for_bit_with_any_number_of_threads():
    f = pb.compile(large)
    pb.set_num_threads(1)
    expected = f(*arguments())
    for count in (2, 3, 7, 1):
        pb.set_num_threads(count)
        for _ in range(3):
            for one, other in zip(f(*arguments()), expected, strict=True):
                np.testing.assert_array_equal(one, other)
    for one, other in zip(expected, large(*map(pb.array, arguments())), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_the_work_is_shared():
    f = pb.compile(large)
    f(*arguments())
    assert f.ir().count("call void %parallel") >= 3
    g = pb.compile(lambda x: np.sin(x) + 1)
    g(np.ones(50))
    assert "parallel" not in g.ir()


REDUCTIONS = {
    "sum": lambda x: x.sum(),
    "several": lambda x: (x.mean(), (x * x).sum() / 2, x.max(), x.min(), (x > 3).any(), np.exp(x)),
    "log of a sum": lambda x: np.log(np.exp(x - x.max()).sum()) + x.max(),
    "softmax": lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
    "variance": lambda x: ((x - x.mean()) ** 2).mean(),
    "every other": lambda x: (x[::2] * 2).sum(),
    "gradient": pb.grad(lambda x: np.log(np.exp(x - x.max()).sum())),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("size", [160_000, 400_007])
def test_one_number_of_many_is_computed_in_blocks(name, size):
    f = pb.compile(REDUCTIONS[name])
    x = np.random.default_rng(1).normal(size=size)
    expected = REDUCTIONS[name](x)
    pb.set_num_threads(1)
    alone = f(x)
    assert "call void %parallel" in f.ir()
    pb.set_num_threads(3)
    shared = f(x)
    for one, other, reference in zip(*map(as_tuple, (alone, shared, expected)), strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, reference, rtol=1e-11, atol=1e-11)


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def test_what_is_not_a_number_stays_so_in_blocks():
    f = pb.compile(lambda x: (x.sum(), x.max()))
    x = np.ones(300_001)
    for place in (0, 150_000, 300_000):
        spoilt = x.copy()
        spoilt[place] = np.nan
        assert np.isnan(f(spoilt)).all()
    assert f(x) == (300_001, 1)


def test_several_python_threads_share_the_pool():
    pb.set_num_threads(3)
    f = pb.compile(large)
    expected = f(*arguments())
    wrong = []

    def run():
        for _ in range(10):
            for one, other in zip(f(*arguments()), expected, strict=True):
                if not np.array_equal(one, other):
                    wrong.append(one)

    running = [threading.Thread(target=run) for _ in range(4)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert not wrong


def test_several_python_threads_may_change_one_parameter():
    w = pb.Parameter(np.eye(150))
    x = np.eye(150)

    @pb.compile
    def step(x):
        w.assign(x @ w @ x)
        return w.sum()

    sums = []

    def run():
        sums.extend([step(x) for _ in range(300)])

    running = [threading.Thread(target=run) for _ in range(4)]
    for one in running:
        one.start()
    while any(one.is_alive() for one in running):
        w.assign(np.eye(150))  # what a program works on in place is let go of
    for one in running:
        one.join()
    assert sums == [150] * 1200


@pytest.mark.parametrize("count", [0, 64, 1.5, "2", True])
def test_numbers_that_make_no_sense_are_refused(count):
    with pytest.raises(pb.errors.ArgumentError, match="set_num_threads: expected an integer from 1 to 63"):
        pb.set_num_threads(count)


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


SUM = """
import numpy as np, pullback as pb
f = pb.compile(lambda x: (np.sin(x) * x + 1, x.sum(axis=1)))
x = np.ones((2000, 500), np.float32)
first = f(x)[0]
"""


def test_the_number_comes_from_the_environment():
    code = f"{SUM}\nfrom pullback.compiler import threads; print(threads.pool.started)"
    assert run(code, PULLBACK_NUM_THREADS="3").stdout == "3\n"
    found = run(code, PULLBACK_NUM_THREADS="many")
    assert "PULLBACK_NUM_THREADS: expected a number from 1 to 63, got 'many'" in found.stderr


def test_a_process_that_used_threads_ends():
    found = run(f"{SUM}\nprint('done')", PULLBACK_NUM_THREADS="4")
    assert (found.returncode, found.stdout, found.stderr) == (0, "done\n", "")


def test_a_child_that_was_forked_works():
    code = f"""{SUM}
import os
child = os.fork()
if child == 0:
    good = np.array_equal(f(x)[0], first) and np.array_equal(f(x)[0], first)
    os._exit(0 if good else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), np.array_equal(f(x)[0], first))
"""
    found = run(code, PULLBACK_NUM_THREADS="3")
    assert found.stdout == "0 True\n", found.stderr


def test_a_child_that_was_forked_while_another_thread_compiled_works():
    code = """
import os, signal, threading
import numpy as np, pullback as pb
x, going = np.ones(20), True
pb.compile(lambda x: np.sin(x) + x.sum())(x)  # modules are loaded: Python's own locks are not ours
def compile_on():
    i = 0
    while going:
        i += 1
        pb.compile(lambda x: np.sin(x) * i + x.sum())(x)
other = threading.Thread(target=compile_on)
other.start()
found = []
for i in range(8):
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        os._exit(int(pb.compile(lambda x: x.sum() + i)(x)))
    found.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
going = False
other.join()
print(found)
"""
    found = run(code, PYTHONWARNINGS="ignore")  # Python's own, of forks and threads
    assert found.stdout == f"{list(range(20, 28))}\n", found.stderr
