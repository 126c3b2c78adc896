"""cond and switch: eager, traced, in batches; what only one branch does; what does not agree."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.verify import verify_avals
from pullback.testing import check_grads

X = np.array([0.7, 1.3, 2.1])


def choose(p, w, x):
    return pb.cond(p, lambda x: np.sin(w * x), lambda x: {"a": x}["a"] ** 2, x)


def by_hand(p, w, x):
    return np.sin(w * x) if p else x**2


@pytest.mark.parametrize("p", [True, False])
def test_it_is_the_branch_in_every_mode_and_order(p):
    np.testing.assert_allclose(choose(p, 0.3, X), by_hand(p, 0.3, X))
    check_grads(lambda w, x: choose(p, w, x), (0.3, X))
    for argnum in (0, 1):
        found, expected = (pb.hessian(lambda *a, f=f: f(p, *a).sum(), argnum)(0.3, X) for f in (choose, by_hand))
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("p", [True, False])
def test_operands_that_one_branch_or_none_uses(p):
    def one(x, y, z, u):
        return np.sign(u) * y * 2.0 + z

    def other(x, y, z, u):
        return y * 3.0

    for f in (lambda *a: pb.cond(p, one, other, *a), lambda *a: pb.switch(int(p), [other, one], *a)):
        for grad in (pb.grad(f, (0, 1, 2, 3)), pb.compile(pb.grad(f, (0, 1, 2, 3)))):
            assert grad(1.0, 2.0, 3.0, 4.0) == ((0.0, 2.0, 1.0, 0.0) if p else (0.0, 3.0, 0.0, 0.0))


def test_only_the_chosen_branch_runs():
    def root(x):
        return np.sqrt(x), np.log(x)

    def safe(x):
        return pb.cond(x > 0, root, lambda x: (0.0 * x, x), x)

    assert safe(-1.0) == (-0.0, -1.0)
    assert pb.jvp(safe, (-1.0,), (1.0,))[1] == (0.0, 1.0)
    np.testing.assert_array_equal(pb.vmap(safe)(np.array([-1.0, 4.0]))[0], [0.0, 2.0])
    np.testing.assert_array_equal(pb.vmap(pb.grad(lambda x: safe(x)[0]))(np.array([0.0, 4.0])), [0.0, 0.25])


def test_traced_it_is_one_node_that_names_its_branches():
    def left(x):
        return x + 1.0

    def right(x):
        return x * 2.0

    def f(x):
        return pb.cond(x > 1.0, left, right, x) * x

    graph = pb.trace(f, 0.5)
    assert [node.primitive.name for node in graph.nodes if node.inputs] == ["greater", "cond", "item", "multiply"]
    assert "branches=(right, left)" in str(graph)
    gradients = graph.backward()
    verify_avals(gradients)
    for x in (0.5, 3.0):
        assert graph.forward(x).values["out"] == f(x)
        assert gradients.forward(x).values["dout/dx"] == pytest.approx(pb.grad(f)(x))
        assert pb.compile(pb.grad(f))(x) == pytest.approx(pb.grad(f)(x))
    graph.forward(0.5).backward().svg()


def test_batches():
    p, x = np.array([True, False, True]), np.stack([X, 2 * X, -X])
    rows = list(zip(p, x, strict=True))
    for f in (choose, by_hand):
        expected = [f(a, 0.3, b) for a, b in rows]
        np.testing.assert_allclose(pb.vmap(choose, (0, None, 0))(p, 0.3, x), expected)
    np.testing.assert_allclose(pb.vmap(choose, (0, None, None))(p, 0.3, X), [by_hand(a, 0.3, X) for a in p])
    np.testing.assert_allclose(pb.vmap(choose, (None, None, 0))(True, 0.3, x), [by_hand(True, 0.3, b) for b in x])
    gradient = pb.vmap(pb.grad(lambda p, w, x: choose(p, w, x).sum(), (1, 2)), (0, None, 0))(p, 0.3, x)
    expected = [pb.grad(lambda p, w, x: by_hand(p, w, x).sum(), (1, 2))(a, 0.3, b) for a, b in rows]
    for found, other in zip(gradient, zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(found, np.stack(other), rtol=1e-12)


def test_what_either_branch_closes_over_gets_its_gradient():
    u, w = pb.Parameter(2.0), pb.Parameter(3.0)
    for p, expected in ((True, (5.0, 0.0)), (False, (0.0, 10.0))):
        u.grad = w.grad = None
        pb.cond(p, lambda x: u * x, lambda x: w * 2.0 * x, 5.0).backward()
        assert (u.grad.item(), w.grad.item()) == expected


def test_python_numbers_take_the_dtype_of_the_other_branch():
    x = np.float32(2.0)
    assert pb.cond(False, lambda x: 1, lambda x: x, x).dtype == np.float32
    assert pb.cond(True, lambda x: 1, lambda x: x, x).dtype == np.float32
    assert isinstance(pb.cond(True, lambda: 1, lambda: 2.5), float)


def test_switch():
    branches = [lambda x: x, np.sin, lambda x: x**3]

    def f(i, x):
        return pb.switch(i, branches, x)

    indices = np.array([-3, 0, 1, 2, 7])
    expected = [branches[min(max(i, 0), 2)](0.5) for i in indices]
    np.testing.assert_allclose([f(i, 0.5) for i in indices], expected)
    np.testing.assert_allclose(pb.vmap(f, (0, None))(indices, 0.5), expected)
    slopes = [1.0, 1.0, np.cos(0.5), 0.75, 0.75]
    np.testing.assert_allclose(pb.vmap(pb.grad(f, 1), (0, None))(indices, 0.5), slopes)
    assert "switch(i, x, branches=" in str(pb.trace(f, np.asarray(1), 0.5))


def test_the_message_says_which_result_does_not_agree():
    with pytest.raises(pb.errors.DTypeError, match=r"cond: expected what <lambda> returns as b to be float64\[3\]"):
        pb.cond(True, lambda x: {"a": x, "b": x.astype(np.float32)}, lambda x: {"a": x, "b": x}, X)
    with pytest.raises(pb.errors.ShapeError, match=r"of the structure \{'a': \*\}, got \{'b': \*\}"):
        pb.trace(lambda x: pb.cond(x[0] > 0, lambda x: {"b": x}, lambda x: {"a": x}, x)["a"], X)


def test_a_predicate_that_is_a_number_holds_unless_it_is_zero():
    assert pb.cond(2, lambda: 1.0, lambda: 0.0) == 1.0
    assert pb.cond(0.0, lambda: 1.0, lambda: 0.0) == 0.0
