"""The memory that one run of a program at a time has."""

import ctypes

import numpy as np
import pytest

import pullback as pb
from pullback.compiler.arena import Arena
from pullback.compiler.program import Program


def word_of(arena):
    return ctypes.c_void_p.from_address(arena.word).value


def test_one_run_at_a_time_has_it_and_others_get_other_memory():
    arena = Arena(1000)
    before = word_of(arena)
    with arena.taken() as first, arena.taken() as second:
        assert first.ctypes.data == before
        assert not np.may_share_memory(first, second)
        assert (first.size, second.size) == (1000, 1000)
        assert first.ctypes.data % 64 == second.ctypes.data % 64 == 0
        assert word_of(arena) is None
    assert word_of(arena) == before


def test_it_is_given_back_by_a_run_that_fails():
    arena = Arena(0)
    with pytest.raises(ZeroDivisionError), arena.taken():
        raise ZeroDivisionError
    assert word_of(arena) is not None


def test_a_call_while_another_run_has_it_computes_the_same(monkeypatch):
    runs = []
    run = Program.run
    monkeypatch.setattr(Program, "run", lambda self, *args: runs.append(self) or run(self, *args))
    f = pb.compile(lambda x: np.exp(x - x.max(axis=1, keepdims=True)) @ x.T)
    x = np.random.default_rng(0).normal(size=(8, 8))
    expected = f(x)
    np.testing.assert_array_equal(f(x), expected)
    assert len(runs) == 1  # the second call is machine code from its beginning
    with runs[0]._arena.taken():
        np.testing.assert_array_equal(f(x), expected)
    assert len(runs) == 2
    np.testing.assert_array_equal(f(x), expected)
    assert len(runs) == 2
