"""checkpoint: the same results and derivatives, and less that is kept meanwhile."""

import gc
import tracemalloc

import numpy as np
import pytest

import pullback as pb
from pullback.testing import check_grads

SIZE, LAYERS = 1000, 12


def layer(w, x):
    return np.tanh(np.sin(w * x) + np.exp(-(x**2))) * np.cos(x)


def deep(one, w, x):
    for _ in range(LAYERS):
        x = one(w, x)
    return np.sum(x)


def held_bytes(one):
    """What is held between the forward and the backward pass."""
    w, x = pb.array(0.7, requires_grad=True), pb.array(np.linspace(0, 1, SIZE))
    deep(one, w, x)  # whatever is loaded or made once
    gc.collect()
    tracemalloc.start()
    out = deep(one, w, x)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    out.backward()
    return held, w.grad.item()


def test_it_keeps_the_inputs_of_each_layer_and_nothing_between():
    plain, gradient = held_bytes(layer)
    kept, same = held_bytes(pb.checkpoint(layer))
    array = 8 * SIZE
    assert plain > 9 * LAYERS * array
    assert kept < 1.5 * LAYERS * array
    assert same == pytest.approx(gradient, rel=1e-12)


def test_a_long_loop_in_segments_keeps_about_the_square_root():
    def run(max_steps):
        x = pb.array(np.linspace(0, 1, SIZE), requires_grad=True)
        gc.collect()
        tracemalloc.start()
        out, _ = pb.while_loop(
            lambda s: s[1] < 100, lambda s: (np.sin(s[0]) + np.cos(s[0]), s[1] + 1), (x, 0), max_steps
        )
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        out.sum().backward()
        return held, np.asarray(x.grad)

    run(None), run(100)  # whatever is loaded or made once
    (growing, gradient), (bounded, same) = run(None), run(100)
    np.testing.assert_allclose(gradient, same, rtol=1e-12)
    assert growing > 100 * 8 * SIZE
    assert bounded < 15 * 8 * SIZE


def test_every_mode_and_order():
    one = pb.checkpoint(lambda w, x: {"y": np.sin(w * x), "z": w})
    check_grads(lambda w, x: one(w, x)["y"] * one(w, x)["z"], (0.7, np.array([0.3, 1.2])))
    x = np.array([[0.3, 1.2], [0.5, -1.0]])
    found, expected = (pb.vmap(pb.hessian(lambda x, f=f: np.sum(f(0.7, x))))(x) for f in (pb.checkpoint(layer), layer))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_what_it_closes_over_and_what_is_no_array():
    w = pb.Parameter(np.array([1.0, 2.0]))

    @pb.checkpoint
    def power(x, n, *, mode):
        assert mode == "sum"
        return np.sum(w * x**n)

    power(2.0, 3, mode="sum").backward()
    np.testing.assert_array_equal(w.grad, [8.0, 8.0])
    assert power.__name__ == "power"
    assert power(2.0, 3, mode="sum").item() == 24.0


def test_inside_a_scan_and_compiled():
    def f(one):
        return lambda w, x: np.sum(pb.scan(lambda c, _: (one(w, c), None), x, None, length=3)[0])

    x = np.array([0.3, 1.2])
    expected = pb.grad(f(layer))(0.7, x)
    assert pb.grad(f(pb.checkpoint(layer)))(0.7, x) == pytest.approx(expected, rel=1e-12)
    assert pb.compile(pb.grad(f(pb.checkpoint(layer))))(0.7, x) == pytest.approx(expected, rel=1e-12)


def test_what_is_computed_again_is_inside_one_node():
    graph = pb.trace(lambda w, x: deep(pb.checkpoint(layer), w, x), 0.7, np.ones(2)).backward("w")
    kinds = [node.primitive.name for node in graph.nodes if node.inputs]
    assert kinds.count("checkpoint") == 2 * LAYERS - 1  # the last result itself is not needed
    assert "tanh" not in kinds
    assert "checkpoint(w, x, body=layer)" in str(graph)


def test_refusals():
    with pytest.raises(pb.errors.DTypeError, match="checkpoint: expected a function"):
        pb.checkpoint(3)
    with pytest.raises(pb.errors.DTypeError, match="expected <lambda> to return arrays or numbers, got str"):
        pb.checkpoint(lambda x: "text")(1.0)
    with pytest.raises(pb.errors.ConcretizationError, match="needs a value"):
        pb.checkpoint(lambda x: x if x > 0 else -x)(1.0)
