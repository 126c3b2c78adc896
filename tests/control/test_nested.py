"""Random programs of loops in branches in loops, which close over what is around them, against Python's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb

W, X = np.array([0.6, -0.9, 0.4]), np.array([0.5, 1.1, -0.7])

OPERATIONS = {
    "sin": lambda w, x: np.sin(w * x) + 0.3,
    "tanh": lambda w, x: np.tanh(x + w),
    "shrink": lambda w, x: 0.5 * x + w,
    "mix": lambda w, x: x[::-1] * w + np.mean(x),
}


class Control:
    """The constructs of pullback."""

    @staticmethod
    def scan(body, x, rows, reverse):
        def step(c, row):
            c = body(c) * row
            return c, np.sum(c)

        x, sums = pb.scan(step, x, rows, reverse=reverse)
        return x + 0.1 * np.sum(np.sin(sums))

    cond = staticmethod(lambda p, one, other, x: pb.cond(p, one, other, x))
    checkpoint = staticmethod(lambda body, x: pb.checkpoint(body)(x))
    fori = staticmethod(lambda n, body, x: pb.fori_loop(0, n, lambda i, x: body(x) / (i + 1.0), x))

    @staticmethod
    def repeat(limit, body, x, bound):
        return pb.while_loop(
            lambda s: np.logical_and(s["n"] < 4, np.sum(s["x"] ** 2) > limit),
            lambda s: {"n": s["n"] + 1, "x": body(s["x"])},
            {"n": 0, "x": x},
            max_steps=bound,
        )["x"]


class Python:
    """Python's own."""

    @staticmethod
    def scan(body, x, rows, reverse):
        sums = []
        for row in rows[::-1] if reverse else rows:
            x = body(x) * row
            sums.append(np.sum(x))
        return x + 0.1 * sum(np.sin(one) for one in sums)

    cond = staticmethod(lambda p, one, other, x: one(x) if p else other(x))
    checkpoint = staticmethod(lambda body, x: body(x))

    @staticmethod
    def fori(n, body, x):
        for i in range(n):
            x = body(x) / (i + 1.0)
        return x

    @staticmethod
    def repeat(limit, body, x, bound):
        n = 0
        while n < 4 and np.sum(x**2) > limit:
            n, x = n + 1, body(x)
        return x


def programs(depth):
    single = st.sampled_from(sorted(OPERATIONS))
    if not depth:
        return single
    inner = programs(depth - 1)
    return st.one_of(
        st.tuples(st.just("scan"), inner, st.integers(1, 3), st.booleans()),
        st.tuples(st.just("cond"), inner, inner, st.floats(-1, 1)),
        st.tuples(st.just("fori"), inner, st.integers(0, 3)),
        st.tuples(st.just("while"), inner, st.floats(0.05, 2), st.sampled_from([None, 5])),
        st.tuples(st.just("checkpoint"), inner),
        st.tuples(st.just("then"), inner, inner),
    )


def run(program, how, w, x):
    if isinstance(program, str):
        return OPERATIONS[program](w, x)
    kind, inner, *rest = program

    def body(x):
        return run(inner, how, w, x)

    if kind == "then":
        return run(rest[0], how, w, body(x))
    if kind == "scan":
        return how.scan(body, x, np.stack([w + 0.2 * i for i in range(rest[0])]), rest[1])
    if kind == "cond":
        return how.cond(np.sum(w * x) > rest[1], body, lambda x: run(rest[0], how, w * 0.7, x), x)
    if kind == "fori":
        return how.fori(rest[0], body, x)
    if kind == "while":
        return how.repeat(rest[0], body, x, rest[1])
    return how.checkpoint(body, x)


def loss(program, how):
    return lambda w, x: np.sum(np.sin(run(program, how, w, x)))


@settings(max_examples=25, deadline=None)
@given(programs(3))
def test_values_and_derivatives_are_those_of_python(program):
    ours, plain = loss(program, Control), loss(program, Python)
    assert ours(W, X) == pytest.approx(plain(W, X), rel=1e-10)
    gradients, expected = (pb.grad(f, (0, 1))(W, X) for f in (ours, plain))
    for found, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-8, atol=1e-11)
    pushed, expected = (pb.jvp(f, (W, X), (X, W))[1] for f in (ours, plain))
    assert pushed == pytest.approx(expected, rel=1e-8, abs=1e-11)
    seconds, expected = (pb.hvp(f, (W, X), (X, W)) for f in (ours, plain))
    for found, other in zip(seconds, expected, strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-7, atol=1e-10)


@settings(max_examples=15, deadline=None)
@given(programs(2))
def test_so_they_are_in_a_batch_and_as_graphs(program):
    ours, plain = loss(program, Control), loss(program, Python)
    w = np.stack([W, -W, 0.5 * W])
    expected = np.stack([pb.grad(plain)(one, X) for one in w])
    np.testing.assert_allclose(pb.vmap(pb.grad(ours), (0, None))(w, X), expected, rtol=1e-8, atol=1e-11)
    graph = pb.trace(ours, W, X)
    if "w" in graph:
        found = graph.backward("w").forward(W, X).values
        np.testing.assert_allclose(found["dout/dw"], expected[0], rtol=1e-8, atol=1e-11)
        second = pb.compile(lambda w, x: pb.hvp(lambda w: ours(w, x), w, x))(W, X)
        np.testing.assert_allclose(second, pb.hvp(lambda w: plain(w, X), W, X), rtol=1e-7, atol=1e-10)


def test_a_loop_of_no_steps_gives_a_value_of_its_own_also_compiled():
    program = ("then", ("fori", "mix", 2), ("fori", "shrink", 0))
    ours, plain = loss(program, Control), loss(program, Python)
    found = pb.compile(lambda w, x: pb.hvp(lambda w: ours(w, x), w, x))(W, X)
    np.testing.assert_allclose(found, pb.hvp(lambda w: plain(w, X), W, X), rtol=1e-10)
