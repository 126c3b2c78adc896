"""Bad calls of what runs functions of the user's: each is refused by the name of what was called, none hangs."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import PullbackError

X = np.arange(3.0)


def same(*args):
    return args[0]


def nothing(*args):
    return None


def word(*args):
    return "a"


def ever(x):
    return x < 9.0


def one(x):
    return x


def two(x, y):
    return x


CALLS = {
    "while_loop": [
        *[lambda pred=pred: pb.while_loop(pred, one, 1.0) for pred in (one, nothing, word, two, None, 3)],
        lambda: pb.while_loop(one, lambda s: s - 1, 3),
        lambda: pb.while_loop(one, one, 1j),
        lambda: pb.grad(lambda a: pb.while_loop(one, lambda s: s * 0.5, a))(1.0),
        lambda: pb.while_loop(lambda s: (s < 1,), one, 1.0),
        lambda: pb.while_loop(lambda s: s < 1, one, X),
        *[lambda body=body: pb.while_loop(ever, body, 1.0) for body in (nothing, word, two, None, 3)],
        lambda: pb.while_loop(lambda s: (s < 1).any(), lambda s: s.astype(int), X),
        lambda: pb.while_loop(lambda s: s.sum() < 1, lambda s: s[:2], X),
        *[lambda init=init: pb.while_loop(lambda s: True, one, init) for init in (None, (), "a", object())],
        *[lambda steps=steps: pb.while_loop(ever, lambda s: s + 1, 1.0, steps) for steps in (2.5, "a", -1, 3)],
    ],
    "fori_loop": [
        *[lambda bound=bound: pb.fori_loop(bound, 3, two, 1.0) for bound in (0.5, None, "a", X, float("nan"))],
        *[lambda bound=bound: pb.fori_loop(0, bound, two, 1.0) for bound in (0.5, None, "a", X, float("inf"))],
        *[lambda body=body: pb.fori_loop(0, 3, body, 1.0) for body in (one, nothing, word, None, 3)],
        lambda: pb.fori_loop(0, 3, lambda i, x: [1.0], {"a": 1.0}),
        lambda: pb.fori_loop(0, 3, lambda i, x: x[:2], X),
        lambda: pb.grad(lambda n: pb.fori_loop(0, n, two, 1.0))(3.0),
    ],
    "switch": [
        *[lambda i=i: pb.switch(i, [one, one], 1.0) for i in (0.5, True, None, "a", np.array([0, 1]))],
        *[lambda branches=branches: pb.switch(0, branches, 1.0) for branches in ([], None, one, [1, 2], [one, two])],
        lambda: pb.switch(0, [one, lambda x: x[:1]], X),
        lambda: pb.switch(0, [one, lambda x: (x, x)], X),
        lambda: pb.switch(0, [one, lambda x: x.astype(int)], X),
    ],
    "cond": [
        *[lambda pred=pred: pb.cond(pred, one, one, 1.0) for pred in (None, "", X > 1, np.empty(0), object())],
        *[lambda f=f: pb.cond(True, one, f, 1.0) for f in (None, 3, nothing, word, two)],
        lambda: pb.cond(True, one, lambda x: x[:1], X),
        lambda: pb.cond(True, one, one, object()),
    ],
    "scan": [
        *[lambda f=f: pb.scan(f, 0.0, X) for f in (None, 3, one, two, nothing, word)],
        lambda: pb.scan(lambda c, x: (c, c, c), 0.0, X),
        lambda: pb.scan(lambda c, x: [c, x], 0.0, X),
        lambda: pb.scan(lambda c, x: ((c, x), c), 0.0, X),
        lambda: pb.scan(lambda c, x: (None, x), 0.0, X),
        lambda: pb.scan(lambda c, x: (c + 0.5, c), np.array(0), X),
        lambda: pb.scan(lambda c, x: (c[None], c), np.zeros(2), X),
        lambda: pb.scan(lambda c, x: (c, "a"), 0.0, X),
        *[lambda xs=xs: pb.scan(lambda c, x: (c, c), 0.0, xs) for xs in (None, "abc", 3.0, [X, X[:2]], object())],
        *[lambda n=n: pb.scan(lambda c, x: (c, c), 0.0, None, length=n) for n in (2.5, "a", -1)],
        lambda: pb.scan(lambda c, x: (c, c), 0.0, X, length=2),
        lambda: pb.scan(lambda c, x: (c, c), 0.0, X, reverse="yes"),
    ],
    "associative_scan": [
        *[lambda f=f: pb.associative_scan(f, X) for f in (None, 3, one, nothing, word)],
        lambda: pb.associative_scan(lambda a, b: (a, b), X),
        lambda: pb.associative_scan(lambda a, b: (a + b).astype(int), X),
        *[lambda e=e: pb.associative_scan(two, e) for e in (None, "abc", 3.0, (X, X[:2]), ())],
        *[lambda axis=axis: pb.associative_scan(two, X, axis=axis) for axis in (1, 0.5, "a", None)],
        lambda: pb.associative_scan(two, X, reverse=2),
    ],
    "map": [
        *[lambda f=f: pb.map(f, X) for f in (None, 3, two, word)],
        *[lambda xs=xs: pb.map(same, xs) for xs in (None, 3.0, (), (X, X[:2]), "abc")],
        *[lambda n=n: pb.map(one, X, batch_size=n) for n in (0, -1, 2.5, "a")],
    ],
    "checkpoint": [
        *[lambda f=f: pb.checkpoint(f) for f in (None, 3)],
        lambda: pb.checkpoint(word)(1.0),
        lambda: pb.grad(pb.checkpoint(word))(1.0),
    ],
    "custom_vjp": [lambda f=f: pb.custom_vjp(f) for f in (None, 3)],
    "custom_jvp": [lambda f=f: pb.custom_jvp(f) for f in (None, 3)],
}


@pytest.mark.parametrize(
    ("name", "call"), [pytest.param(name, one, id=f"{name}-{i}") for name in CALLS for i, one in enumerate(CALLS[name])]
)
def test_a_bad_call_is_refused_by_name(name, call):
    with pytest.raises(PullbackError, match=rf"^{name}: .*At test_bad_calls\.py:\d+\.$"):
        call()


@pytest.mark.parametrize("f", [lambda a: pb.checkpoint(one)(a, a), lambda a: pb.checkpoint(two)(a)])
def test_a_function_that_is_called_with_other_arguments_says_so_itself(f):
    with pytest.raises(TypeError, match="positional argument"):
        f(1.0)
