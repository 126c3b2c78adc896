"""Derivatives through compiled functions: recorded as one node, computed by programs."""

import numpy as np
import pytest

import pullback as pb
from pullback.compiler.calls import program_call
from pullback.core.graph import ancestors

X = np.linspace(0.1, 1.0, 5)


def plain(x):
    return np.sin(x) * x + np.sum(x**2)


WALKS = {
    "grad": lambda f: pb.grad(lambda x: f(x).sum())(X),
    "second": lambda f: pb.grad(lambda x: pb.grad(lambda x: f(x).sum())(x).sum())(X),
    "third": lambda f: pb.grad(pb.grad(pb.grad(f)))(0.5),
    "vjp": lambda f: pb.vjp(f, X)[1](np.arange(5.0))[0],
    "jvp": lambda f: pb.jvp(f, (X,), (np.arange(5.0),))[1],
    "linearize": lambda f: pb.linearize(f, X)[1](np.arange(5.0)),
    "forward over reverse": lambda f: pb.jvp(pb.grad(lambda x: f(x).sum()), (X,), (X,))[1],
    "vmap": lambda f: pb.vmap(f)(np.stack([X, 2 * X])),
    "gradients of a batch": lambda f: pb.vmap(pb.grad(lambda x: f(x).sum()))(np.stack([X, 2 * X])),
    "batch in a gradient": lambda f: pb.grad(lambda x: pb.vmap(f)(np.stack([x, 2 * x])).sum())(X),
    "jacobian": lambda f: pb.jacobian(f)(X),
    "hessian": lambda f: pb.hessian(lambda x: f(x).sum())(X),
    "loop": lambda f: pb.grad(lambda x: pb.scan(lambda c, _: (f(c) / 5, None), x, length=3)[0].sum())(X),
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
@pytest.mark.parametrize("around", [lambda f: f, pb.compile])
def test_every_walk_through_a_compiled_function(walk, around):
    expected = walk(plain)
    np.testing.assert_allclose(walk(pb.compile(plain)), expected, rtol=1e-12)
    np.testing.assert_allclose(around(lambda: walk(pb.compile(plain)))(), expected, rtol=1e-12)


def test_one_node_is_recorded():
    x = pb.array(X, requires_grad=True)
    f = pb.compile(plain)
    out = f(x)
    assert next(node.primitive for node in ancestors([out.node]) if node.inputs) is program_call
    out.sum().backward()
    np.testing.assert_allclose(x.grad, pb.grad(lambda x: plain(x).sum())(X))


def test_gradients_arrive_at_parameters_and_at_arrays_around():
    layer, scale = pb.nn.Linear(3, 2, rng=0), pb.array([1.0, 2.0], requires_grad=True)
    x = pb.array(np.arange(12.0, dtype=np.float32).reshape(4, 3))

    def forward(x):
        return layer(x) * scale

    found = []
    for f in (pb.compile(forward), forward):
        loss = (f(x) ** 2).sum()
        loss.backward()
        found.append((loss.item(), layer.weight.grad.numpy(), layer.bias.grad.numpy(), scale.grad.numpy()))
        layer.weight.grad = layer.bias.grad = scale.grad = None
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_handle_that_is_updated_is_read_at_each_call():
    w = pb.array([1.0, 2.0], requires_grad=True)
    f = pb.compile(lambda x: ((w - x) ** 2).sum())
    x = pb.array([3.0, 3.0])
    for _ in range(3):
        loss = f(x)
        assert loss.item() == pytest.approx(((w.detach() - x) ** 2).sum().item())
        w.grad = None
        loss.backward()
        with pb.no_grad():
            w -= 0.1 * w.grad
    assert sum(map(len, f._programs.values())) == 1


def test_what_is_written_to_later_does_not_change_a_recorded_call():
    table = np.ones(3)
    x = pb.array(np.full(3, 2.0), requires_grad=True)
    out = pb.compile(lambda x: x * x * table)(x).sum()
    table[:] = 100
    out.backward()
    assert x.grad.tolist() == [4.0, 4.0, 4.0]


def test_results_of_other_kinds_go_along():
    f = pb.compile(lambda d: {"double": d["x"] * 2, "next": d["i"] + 1, "kept": "text", "none": None})

    def g(x):
        found = f({"x": x, "i": np.arange(2)})
        assert (found["kept"], found["none"], found["next"].tolist()) == ("text", None, [1, 2])
        return found["double"].sum()

    assert pb.grad(g)(np.ones(2)).tolist() == [2.0, 2.0]


def test_functions_that_assign_are_recorded_as_they_are():
    rng, total = pb.random.default_rng(0), pb.Parameter(0.0, trainable=False)

    @pb.compile
    def f(x):
        total.assign(total + 1)
        return x * rng.normal()

    other = pb.random.default_rng(0)
    assert pb.grad(f)(2.0) == pytest.approx(other.normal().item())
    assert f(1.0) == pytest.approx(other.normal().item())
    assert total.item() == 2.0


def test_a_constant_result_has_no_derivative():
    assert pb.grad(lambda x: pb.compile(lambda x: np.zeros(2) + 0 * x)(x).sum())(1.0) == 0.0
    with pb.no_grad():
        assert not pb.compile(plain)(pb.array(X, requires_grad=True)).requires_grad
