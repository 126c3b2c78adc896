"""What lasts: memory does not grow, and control flow is part of what compiles."""

import gc
import sys

import numpy as np
import pytest

import pullback as pb


def resident():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory of the process from /proc")
def test_memory_does_not_grow_with_calls_and_compilations():
    w = pb.Parameter(np.ones(5))
    f = pb.compile(lambda x: (x * 2 + 1, x.sum()))

    @pb.compile
    def step(a):
        w.assign(w * a)
        return w.sum()

    def call(times):
        for _ in range(times):
            f(x)
            step(1.0)

    def recompile(times):
        for i in range(times):
            pb.compile(lambda x, i=i: np.sqrt(x) * (i % 3) + x.sum())(x)
        gc.collect()

    x = np.ones(30)
    call(1000)
    recompile(30)
    before = resident()
    call(100_000)
    assert resident() - before < 1e6
    recompile(100)
    assert resident() - before < 4e6


def test_control_flow_compiles():
    def body(carry, x):
        carry = np.tanh(carry + x)
        return carry, carry

    def f(xs, threshold):
        last, steps = pb.scan(body, np.zeros(3), xs)
        chosen = pb.cond(last.sum() > threshold, np.sin, np.cos, last)
        count, total = pb.while_loop(lambda c: c[0] < 4, lambda c: (c[0] + 1, c[1] + chosen), (0, chosen * 0))
        return (total * steps).sum() * count

    xs = np.random.default_rng(0).normal(size=(5, 3))
    for threshold in (-100.0, 100.0):
        assert pb.compile(f)(xs, threshold) == pytest.approx(float(f(pb.array(xs), threshold)))


def test_training_is_the_same_compiled():
    def train(compiled):
        generator = np.random.default_rng(0)
        x = generator.normal(size=(50, 4)).astype(np.float32)
        y = generator.integers(0, 3, 50)
        model = pb.nn.Sequential(pb.nn.Linear(4, 8, rng=0), pb.nn.ReLU(), pb.nn.Linear(8, 3, rng=1))
        return pb.train.fit(
            model,
            pb.nn.cross_entropy_with_logits,
            pb.optim.AdamW(model.parameters(), lr=0.01),
            pb.data.Batches((x, y), 16, 0),
            epochs=3,
            metric=pb.train.accuracy,
            progress=False,
            compiled=compiled,
        )

    found, expected = train(True), train(False)
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-5)
    assert found.metric == expected.metric


def test_a_loss_that_is_not_finite_stops_compiled_training_before_the_parameters_change():
    model = pb.nn.Linear(2, 1, rng=0, dtype=float)
    before = model.state_dict()
    batches = [(np.full((4, 2), np.inf), np.ones((4, 1)))]
    with pytest.raises(pb.errors.NonFiniteError):
        pb.train.fit(model, pb.nn.mse, pb.optim.Adam(model.parameters()), batches, 1, progress=False, compiled=True)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
