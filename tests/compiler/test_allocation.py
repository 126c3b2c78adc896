"""Memory of large results: owned by their arrays, reused, bounded, and given back."""

import gc
import os
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

import pullback as pb
from pullback.compiler import allocation
from pullback.core.aval import Aval

pytestmark = pytest.mark.skipif(not allocation.available(), reason="objects lie as is not expected")
AVAL = Aval((1500, 1013), np.dtype(np.float64))  # as large as nothing else here


def test_arrays_own_their_memory_and_give_it_to_the_next_one():
    one = allocation.empty(AVAL)
    assert one.flags.owndata
    assert one.flags.c_contiguous
    assert one.flags.writeable
    assert (one.shape, one.dtype) == (AVAL.shape, AVAL.dtype)
    address = one.ctypes.data
    assert address % allocation.ALIGNMENT == 0
    before = allocation.kept()
    del one
    assert allocation.kept() == before + 8 * AVAL.size
    other = allocation.empty(AVAL)
    assert other.ctypes.data == address
    assert allocation.kept() == before


def test_small_arrays_are_those_of_numpy():
    one = allocation.empty(Aval((10,), np.dtype(np.float32)))
    assert one.nbytes < allocation.LARGE
    assert one.shape == (10,)


def test_an_array_that_somebody_has_is_not_used_again():
    f = pb.compile(lambda x: x * 2)
    x = np.ones(AVAL.shape)
    first = f(x)
    view = first[3:5]
    second = f(x * 2)
    del first
    third = f(x * 3)
    np.testing.assert_array_equal(second, 4 * x)
    np.testing.assert_array_equal(third, 6 * x)
    np.testing.assert_array_equal(view, 2 * x[3:5])


def test_what_is_kept_is_bounded():
    many = [allocation.empty(Aval((2_000_000 + 100_000 * i,), np.dtype(np.float64))) for i in range(20)]
    del many
    assert 0 < allocation.kept() <= 256 << 20
    huge = allocation.empty(Aval((40_000_000,), np.dtype(np.float64)))
    del huge
    assert allocation.kept() <= 256 << 20


def test_arrays_can_change_their_size():
    one = allocation.empty(AVAL)
    one[...] = np.arange(one.size).reshape(one.shape)
    one.resize(3000, 1013, refcheck=False)
    np.testing.assert_array_equal(one[:1500].ravel(), np.arange(AVAL.size))
    assert not one[1500:].any()
    one.resize(10, refcheck=False)
    np.testing.assert_array_equal(one, np.arange(10))


def test_memory_is_traced():
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        one = allocation.empty(AVAL)
        assert 0 <= tracemalloc.get_traced_memory()[0] - before - one.nbytes < 100_000
        del one
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()


def test_threads_never_get_the_same_memory():
    wrong = []

    def run(number):
        for i in range(200):
            one = allocation.empty(AVAL)
            one[:3] = number * 1000 + i
            other = allocation.empty(AVAL)
            other[:3] = -1
            if (one[:3] != number * 1000 + i).any():
                wrong.append(number)

    running = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert not wrong


def test_results_past_the_caches():
    x = np.arange(5_000_003, dtype=np.float64)
    f = pb.compile(lambda x: (x * 2 + 1, x > 7))
    for _ in range(2):
        out, mask = f(x)
        np.testing.assert_array_equal(out, x * 2 + 1)
        np.testing.assert_array_equal(mask, x > 7)
    rows = np.arange(40_000 * 128, dtype=np.float64).reshape(40_000, 128)
    g = pb.compile(lambda x, b: x + b)
    np.testing.assert_array_equal(g(rows, rows[1]), rows + rows[1])
    odd = rows.ravel()[: 39_000 * 131].reshape(39_000, 131)
    np.testing.assert_array_equal(g(odd, odd[1]), odd + odd[1])


def test_arrays_that_outlive_everything_else_and_children_that_were_forked():
    code = """
import os, sys
import numpy as np, pullback as pb
f = pb.compile(lambda x: x * 2 + 1)
x = np.ones(1_000_000)
sys.last_result = [f(x), f(x)]
child = os.fork()
if child == 0:
    os._exit(0 if (f(x) == 3).all() and (sys.last_result[0] == 3).all() else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "0\n", "")
