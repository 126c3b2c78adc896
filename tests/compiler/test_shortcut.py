"""Calls that go straight to their program: which do, and that no other call does."""

import numpy as np
import pytest

import pullback as pb
from pullback.compiler.entry import MISS
from pullback.compiler.program import Program
from pullback.compiler.shortcut import available

pytestmark = pytest.mark.skipif(not available(), reason="objects lie as is not expected")


@pytest.fixture
def runs(monkeypatch):
    """The calls that went the long way."""
    found = []
    run = Program.run
    monkeypatch.setattr(Program, "run", lambda self, *args: found.append(self) or run(self, *args))
    return found


@pytest.mark.parametrize("kind", [np.bool_, np.int32, np.int64, np.float32, np.float64])
def test_numbers_of_numpy(runs, kind):
    f = pb.compile(lambda x, y: (x + y, x))
    for _ in range(3):
        total, first = f(kind(1), kind(0))
        assert (total, type(total)) == (kind(1), kind)
        assert (first, type(first)) == (kind(1), kind)
    assert len(runs) == 1
    other = np.float32 if kind is np.float64 else np.float64
    assert type(f(other(1), other(0))[0]) is other
    assert f(1.0, 0.0) == (1.0, 1.0)
    assert type(f(1.0, 0.0)[0]) is float


def test_keywords_in_any_order_and_nothing_else_by_them(runs):
    f = pb.compile(lambda x, a, b=2.0, note=None: x + 10 * a + 100 * b)
    x = np.ones(2)
    for _ in range(3):
        assert f(x, a=1.0, b=2.0).tolist() == [211, 211]
        assert f(x, b=3.0, a=4.0).tolist() == [341, 341]
        assert f(a=4.0, b=3.0, x=x).tolist() == [341, 341]
        assert f(x, 4.0, 3.0).tolist() == [341, 341]
        assert f(x, 4.0, b=3.0, note=None).tolist() == [341, 341]
    assert len(runs) == 4
    assert f(x, note=1.0, a=4.0).tolist() == [241, 241]
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        f(x, a=1.0, c=2.0)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'a'"):
        f(x, b=2.0)


def test_keywords_beside_containers(runs):
    f = pb.compile(lambda pair, scale: {"sum": pair[0] * scale + pair[1]})
    x = np.arange(2.0)
    for _ in range(3):
        assert f((x, x), scale=2.0)["sum"].tolist() == [0, 3]
        assert f(scale=3.0, pair=(x, x))["sum"].tolist() == [0, 4]
    assert len(runs) == 2
    assert f([x, x], scale=2.0)["sum"].tolist() == [0, 3]
    assert len(runs) == 3


def test_arrays_give_arrays(runs):
    f = pb.compile(lambda x, y: x * y)
    x, y = pb.array([1.0, 2.0]), np.array([3.0, 4.0])
    for _ in range(3):
        assert isinstance(f(x, y), pb.Array)
        assert f(x, y).tolist() == [3, 8]
        assert isinstance(f(y, x), pb.Array)
        assert isinstance(f(y, y), np.ndarray)
    assert len(runs) == 3
    x += 4
    assert f(x, y).tolist() == [15, 24]


def test_what_is_watched_is_recorded(runs):
    w = pb.Parameter([2.0])
    f, g = pb.compile(lambda x: x * x), pb.compile(lambda x: w * x)
    plain = pb.array([3.0])
    for _ in range(2):
        f(plain)
        with pb.no_grad():
            g(plain)
    x = pb.array([3.0], requires_grad=True)
    (f(x) + g(plain)).sum().backward()
    assert x.grad.tolist() == [6]
    assert w.grad.tolist() == [3]
    with pb.no_grad():
        assert f(x).tolist() == [9]


def test_state_is_still_written_where_it_is_after_calls_by_keyword(runs):
    w = pb.Parameter([0.0, 0.0])

    @pb.compile
    def step(*, x):
        w.assign(w + x)

    for _ in range(4):
        step(x=np.ones(2))
    assert w.tolist() == [4, 4]
    assert len(runs) == 1


@pytest.mark.parametrize(("first", "other"), [("plus", "minus"), (0.5, -0.5), (2, 3), (None, 1.0)])
def test_numbers_and_strings_that_are_static_by_name_are_taken(first, other):
    def f(x, mode=0):
        return x * (1.0 if mode == first else 2.0)

    compiled = pb.compile(f, static_argnames="mode")
    x = np.array([1.0, 2.0])
    for mode in (first, other, first, other):
        assert compiled(x, mode).tolist() == f(x, mode).tolist()
        assert compiled._fast(x, mode) is not MISS
        assert compiled(x, mode=mode).tolist() == f(x, mode).tolist()
