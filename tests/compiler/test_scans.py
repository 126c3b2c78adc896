"""Passes on loops: what is done for all steps at once, and that the values are the same."""

import numpy as np
import pytest

import pullback as pb
from pullback.compiler.recurrences import Loop
from pullback.compiler.scans import (
    PASSES,
    compute_results_after,
    hoist_products,
    settle_inputs,
    sum_products_after,
)
from pullback.control.scans import scan_primitive
from pullback.core.evaluate import evaluate
from pullback.core.graph import Graph

LENGTH, ROWS, SIZE = 3, 12, 16


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


START, XS, W, V = random(ROWS, SIZE), random(LENGTH, ROWS, SIZE), random(SIZE, SIZE) / 4, random(SIZE, SIZE, seed=1) / 4


def rewritten(f, args, *passes):
    """How many products a function with one loop has outside of it after some passes, and the body."""
    graph = pb.trace(f, *args)
    (node,) = [one for one in graph.nodes if one.primitive is scan_primitive]
    picked = {one.params["index"]: one for one in graph.nodes if one.primitive.name == "item"}
    loop = Loop(node, node.inputs, picked)
    for one in passes:
        one(loop)
    found = loop.close()
    before = Graph.of(list(picked.values()), graph.inputs)
    after = Graph.of([found[i] for i in picked], graph.inputs)
    expected, values = (evaluate(one, dict(zip(one.inputs, args, strict=True))) for one in (before, after))
    for one, other in zip(before.outputs, after.outputs, strict=True):
        np.testing.assert_allclose(values[other], expected[one], rtol=1e-10, atol=1e-12)
    bodies = [one.params["body"] for one in after.nodes if one.primitive is scan_primitive]
    return products(after), bodies[0] if bodies else None


def products(graph):
    return sum(node.primitive.name in ("matmul", "einsum") for node in graph.nodes)


@pytest.mark.parametrize("reverse", [False, True])
def test_products_of_what_is_given_come_before_the_loop(reverse):
    def f(start, xs, w, v):
        def step(h, x):
            return np.tanh(h @ v + np.sin(x) @ w), x @ w.T @ v

        return pb.scan(step, start, xs, reverse=reverse)

    outside, body = rewritten(f, (START, XS, W, V), hoist_products)
    assert (outside, products(body)) == (3, 1)


def test_products_of_what_is_the_same_at_every_step_are_computed_once():
    outside, body = rewritten(
        lambda h, x, w: pb.scan(lambda h, _: (np.tanh(h + x @ w), None), h, None, length=3)[0],
        (START, XS[0], W), hoist_products,
    )  # fmt: skip
    assert (outside, products(body)) == (1, 0)


@pytest.mark.parametrize("reverse", [False, True])
def test_products_that_are_added_up_come_after_the_loop(reverse):
    def f(h, xs, w, total):
        def step(carry, x):
            h, total, other = carry
            h = np.tanh(h * 0.5 + x)
            return (h, total + h.T @ x + (x.T @ h).T + 1.0, other + w.T @ h.T), None

        return pb.scan(step, (h, total, total[:, :ROWS]), xs, reverse=reverse)

    outside, body = rewritten(f, (START, XS, W, V), sum_products_after)
    assert (outside, products(body)) == (3, 0)
    assert len(body.outputs) == 3  # h, what is left of the total, and h of all steps


def test_products_that_are_used_otherwise_stay():
    def f(h, xs, total):
        def step(carry, x):
            h, total = carry
            return (np.tanh(h + x + total.sum()), total + h.T @ x), None

        return pb.scan(step, (h, total), xs)

    outside, body = rewritten(f, (START, XS, V), *PASSES)
    assert (outside, products(body)) == (0, 1)


@pytest.mark.parametrize("reverse", [False, True])
def test_products_that_only_results_need_come_after_the_loop(reverse):
    def f(h, xs, w):
        def step(h, x):
            h = np.tanh(h * 0.5 + x)
            return h, (np.exp(-abs(h.T[::-1].T @ w + x)), h @ w, np.ones((12, 16)) @ w)

        return pb.scan(step, h, xs, reverse=reverse)

    outside, body = rewritten(f, (START, XS, W), hoist_products, compute_results_after)
    assert (outside, products(body)) == (3, 0)


def test_what_is_one_number_or_handed_on_as_it_came_is_no_input():
    def f(h, xs, w):
        def step(carry, x):
            h, w, zero, count = carry
            row, one = x
            return (h * one + row + zero, w, zero * 1.0, count), (w, h + count)

        ones = np.ones(LENGTH)
        carry, ys = pb.scan(step, (h, w, 0.0, 2), (np.broadcast_to(pb.array(h), (LENGTH, ROWS, SIZE)), ones))
        return carry[:2], ys

    outside, body = rewritten(f, (START, XS, W), settle_inputs)
    assert outside == 0
    assert len(body.inputs) <= 5


def test_results_that_are_the_same_at_every_step_are_computed_once():
    def f(xs, w):
        return pb.scan(lambda _, x: (None, (np.tanh(w @ w), np.ones(3), x)), None, xs)[1][:2]

    outside, body = rewritten(f, (XS, W), *PASSES)
    assert (outside, body) == (1, None)  # of the loop, which would have no inputs, nothing is left


def test_what_nothing_uses_is_not_computed():
    def f(h, xs, w):
        def step(carry, x):
            return (carry[0] * 0.5 + x, np.tanh(carry[1] @ w)), (x @ w, carry[0])

        return pb.scan(step, (h, h), xs)[1][1]

    _, body = rewritten(f, (START, XS, W))
    assert products(body) == 0
    assert len(body.outputs) == 2


def test_an_elman_network_multiplies_once_in_a_step_forward_and_once_backward():
    def loss(w, v, out, xs):
        def step(h, x):
            h = np.tanh(x @ w + h @ v)
            return h, h @ out

        return (pb.scan(step, START, xs)[1] ** 2).sum()

    f = pb.compile(pb.grad(loss, argnums=(0, 1, 2, 3)))
    args = (W, V, W, XS)
    for one, other in zip(f(*args), pb.grad(loss, argnums=(0, 1, 2, 3))(*args), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)
    report = f.report()
    assert report.count("host call") == 0
    inside = [part for part in report.parts if part.kind == "product" and part.depth]
    assert len(inside) == 2, str(report)
    assert report.count("product") == 2 + 7
