"""scan beside Python's own loop: values, derivatives, what it closes over, what it saves."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.evaluate import evaluate
from pullback.core.verify import verify_avals
from pullback.testing import check_grads

RNG = np.random.default_rng(0)
W, U, H, XS = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 2)), RNG.normal(size=3), RNG.normal(size=(5, 2))


def network(w, u, h, xs):
    """A recurrent network: it closes over its weights."""
    return pb.scan(lambda h, x: (np.tanh(w @ h + u @ x), np.sin(h)), h, xs)


def looped(w, u, h, xs):
    rows = []
    for x in xs:
        h, row = np.tanh(w @ h + u @ x), np.sin(h)
        rows.append(row)
    return h, np.stack(rows)


def test_it_is_the_loop():
    for found, expected in zip(network(W, U, H, XS), looped(W, U, H, XS), strict=True):
        assert type(found) is np.ndarray
        np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("argnum", range(4))
def test_gradients_are_the_loops(argnum):
    def loss(run):
        return lambda *args: sum(np.sum(np.cos(one)) for one in run(*args))

    found = pb.grad(loss(network), argnum)(W, U, H, XS)
    np.testing.assert_allclose(found, pb.grad(loss(looped), argnum)(W, U, H, XS), rtol=1e-12)
    hessian = pb.hessian(lambda one: loss(network)(W, U, one, XS))(H)
    np.testing.assert_allclose(hessian, pb.hessian(lambda one: loss(looped)(W, U, one, XS))(H), rtol=1e-11)


def test_third_order():
    def f(x):
        return pb.scan(lambda c, _: (c * np.sin(x * c), None), x, None, length=3)[0]

    def g(x):
        c = x
        for _ in range(3):
            c = c * np.sin(x * c)
        return c

    found, expected = (pb.grad(pb.grad(pb.grad(one)))(0.8) for one in (f, g))
    assert found == pytest.approx(expected, rel=1e-11)


def test_in_reverse_rows_stand_where_their_inputs_do():
    carry, rows = pb.scan(lambda total, x: (total + x, total), 0.0, np.arange(4.0), reverse=True)
    assert carry == 6.0
    np.testing.assert_array_equal(rows, [6.0, 5.0, 3.0, 0.0])
    gradient = pb.grad(lambda xs: pb.scan(lambda c, x: (c * x, c), 1.0, xs, reverse=True)[1].sum())(np.arange(1.0, 4.0))
    np.testing.assert_allclose(gradient, [0.0, 3.0, 3.0])


def test_it_is_one_node_that_names_its_body():
    def step(h, x):
        return np.tanh(h + x), h

    graph = pb.trace(lambda h, xs: pb.scan(step, h, xs)[0], np.ones(2), np.ones((4, 2)))
    assert [node.primitive.name for node in graph.nodes if node.inputs] == ["scan", "item"]
    assert "scan(h, xs, body=step" in str(graph)
    assert "body=step" in graph.forward(np.ones(2), np.ones((4, 2))).svg()
    body = next(node for node in graph.nodes if node.primitive.name == "scan").params["body"]
    assert [body.names[node] for node in body.inputs] == ["h", "x"]


def test_the_backward_pass_of_a_traced_scan_is_a_graph_that_evaluates():
    graph = pb.trace(lambda w, h: network(w, U, h, XS)[0].sum(), W, H)
    gradients = graph.backward()
    verify_avals(gradients)
    values = evaluate(gradients, dict(zip(gradients.inputs, (W, H), strict=True)))
    expected = pb.grad(lambda w, h: looped(w, U, h, XS)[0].sum(), (0, 1))(W, H)
    for node, one in zip(gradients.outputs, expected, strict=True):
        np.testing.assert_allclose(values[node], one, rtol=1e-12)
    run = graph.forward(W, H).backward()
    np.testing.assert_allclose(run.gradients["w"], expected[0], rtol=1e-12)


def test_what_it_closes_over_gets_its_gradient():
    w = pb.array(W, requires_grad=True)
    network(w, U, H, XS)[0].sum().backward()
    np.testing.assert_allclose(w.grad, pb.grad(lambda w: looped(w, U, H, XS)[0].sum())(W), rtol=1e-12)
    parameter = pb.Parameter(W)
    network(parameter, U, H, XS)[0].sum().backward()
    np.testing.assert_array_equal(parameter.grad, w.grad)


def test_what_the_caller_writes_to_later_does_not_change_what_was_recorded():
    start, rows = H.copy(), XS.copy()
    w = pb.array(W, requires_grad=True)
    out = network(w, U, start, rows)[0].sum()
    start[:], rows[:] = 7.0, 7.0
    out.backward()
    np.testing.assert_allclose(w.grad, pb.grad(lambda w: looped(w, U, H, XS)[0].sum())(W), rtol=1e-12)


def test_batches():
    h, xs = np.stack([H, 2 * H]), np.stack([XS, -XS])
    for axes in [(None, None, 0, None), (None, None, None, 0), (None, None, 0, 0), (0, None, None, None)]:
        args = [np.stack([one, 2 * one]) if axis == 0 else one for one, axis in zip((W, U, H, XS), axes, strict=True)]
        found = pb.vmap(network, in_axes=axes)(*args)
        members = [[one[i] if axis == 0 else one for one, axis in zip(args, axes, strict=True)] for i in range(2)]
        for position in range(2):
            expected = np.stack([looped(*member)[position] for member in members])
            np.testing.assert_allclose(found[position], expected, rtol=1e-12)
    per_member = pb.vmap(pb.grad(lambda h, xs: network(W, U, h, xs)[0].sum()))(h, xs)
    expected = [pb.grad(lambda h, xs: looped(W, U, h, xs)[0].sum())(*one) for one in zip(h, xs, strict=True)]
    np.testing.assert_allclose(per_member, np.stack(expected), rtol=1e-12)
    through = pb.grad(lambda w: pb.vmap(lambda h: network(w, U, h, XS)[0])(h).sum())(W)
    expected = sum(pb.grad(lambda w, h=one: looped(w, U, h, XS)[0].sum())(W) for one in h)
    np.testing.assert_allclose(through, expected, rtol=1e-12)


def test_a_carried_counter_has_no_derivative_and_hinders_none():
    def step(carry, _):
        i, x = carry
        return (i + 1, x * np.sin(x + i)), i

    def f(x):
        (i, x), counts = pb.scan(step, (0, x), None, length=3)
        return x * i + counts.sum()

    def g(x):
        y = x
        for i in range(3):
            y = y * np.sin(y + i)
        return y * 3 + 3

    assert pb.grad(f)(0.7) == pytest.approx(pb.grad(g)(0.7), rel=1e-12)
    check_grads(f, (0.7,))
    np.testing.assert_allclose(pb.vmap(f)(np.array([0.7, 0.3])), [g(0.7), g(0.3)])


def test_a_part_without_a_derivative_hinders_only_who_asks_for_it():
    def step(carry, x):
        position, noise = carry
        return (position * x, noise), pb.special.zeta(noise)

    def f(x, noise):
        (position, _), zetas = pb.scan(step, (x, noise), np.ones(2))
        return position, zetas

    assert pb.grad(lambda x: f(x, pb.array(2.0))[0])(3.0) == 1.0
    assert pb.grad(lambda x, noise: f(x, noise)[0])(3.0, 2.0) == 1.0
    with pytest.raises(pb.errors.NotDifferentiableError, match="zeta"):
        pb.grad(lambda noise: f(3.0, noise)[1].sum())(2.0)


@pytest.mark.parametrize(
    ("init", "xs", "dtype"),
    [
        (0, np.ones(3, np.float32), np.float32),
        (0.0, np.ones(3, np.float32), np.float32),
        (0, np.ones(3, np.int64), np.int64),
        (0.5, np.ones(3, np.complex64), np.complex64),
        (np.float64(0.0), np.ones(3, np.float32), np.float64),
    ],
)
def test_a_python_number_takes_the_dtype_that_the_loop_makes_of_it(init, xs, dtype):
    carry, rows = pb.scan(lambda c, x: (c + x, c), init, xs)
    assert np.asarray(carry).dtype == rows.dtype == dtype
    expected = init
    for x in xs:
        expected = expected + x
    assert np.asarray(expected).dtype == dtype


def test_a_returned_python_number_takes_the_dtype_of_what_is_carried():
    carry, _ = pb.scan(lambda c, x: (1.0, c), np.float32(2.0), np.ones(2))
    assert carry.dtype == np.float32


def test_the_message_says_which_part_changed():
    with pytest.raises(pb.errors.DTypeError, match=r"carries as h to be float32\[2\], got float64\[2\]"):
        pb.scan(lambda c, x: ({"h": c["h"] + x}, None), {"h": np.ones(2, np.float32)}, np.ones((3, 2)))
    with pytest.raises(pb.errors.ShapeError, match=r"of the structure \(\*, \*\), got \*"):
        pb.scan(lambda c, x: (c[0], None), (1.0, 2.0), np.ones(3))


def test_a_body_that_needs_a_value_says_so():
    with pytest.raises(pb.errors.ConcretizationError, match="needs a value"):
        pb.scan(lambda c, x: (c if x > 0 else -c, None), 1.0, np.ones(3))


def test_without_recording_nothing_is_kept():
    w = pb.array(W, requires_grad=True)
    with pb.no_grad():
        h, _ = network(w, U, H, XS)
    assert not pb.asarray(h).requires_grad


def test_what_is_saved_of_a_step_is_what_the_pullback_uses():
    def step(c, x):
        return np.sin(np.exp(c) + x), None  # the pullback of sin uses a cosine, that of exp its result

    x = pb.array(0.3, requires_grad=True)
    out, _ = pb.scan(step, x, np.zeros(4))
    (several,) = out.node.inputs
    assert len(several.value) == 1 + 2
    linear, _ = pb.scan(lambda c, x: (2.0 * c + x, None), x, np.zeros(4))
    assert len(linear.node.inputs[0].value) == 1


def test_equal_bodies_are_one():
    def run(scale):
        graph = pb.trace(lambda x: pb.scan(lambda c, x: (c * scale, None), x, np.zeros(2))[0], 1.0)
        return next(node for node in graph.nodes if node.primitive.name == "scan").params["body"]

    assert run(2.0) is run(2.0)
    assert run(2.0) is not run(3.0)


def test_a_malformed_node_is_refused():
    graph = pb.trace(lambda w, h: network(w, U, h, XS)[0], W, H)
    node = next(node for node in graph.nodes if node.primitive.name == "scan")
    bad = type(node)(node.primitive, node.inputs, {**node.params, "consts": 0}, None, True, aval=node.aval)
    with pytest.raises(pb.errors.GraphError, match="runs <lambda> on"):
        pb.Graph(graph.inputs, [*graph.nodes, bad], [bad])


def test_a_body_that_assigns_a_parameter_is_refused():
    count = pb.Parameter(0.0)

    def counted(c, x):
        count.assign(count.detach() + 1.0)
        return c + x, None

    with pytest.raises(pb.errors.ArgumentError, match="scan: expected a function that assigns no Parameter"):
        pb.scan(counted, 0.0, np.ones(3))
    with pytest.raises(pb.errors.ArgumentError, match="assigns no Parameter"):
        pb.compile(lambda xs: pb.scan(counted, 0.0, xs))(np.ones(3))
    assert count.item() == 0.0

    def descended(c, x):
        (count * c).backward()
        return c + x, None

    with pytest.raises(pb.errors.ArgumentError, match="sets no gradient"):
        pb.scan(descended, 0.0, np.ones(3))


def test_compiled_it_is_what_it_is_eagerly():
    w = pb.Parameter(W)

    def step(h, xs):
        w.grad = None
        out = network(w, U, h, xs)[0].sum()
        out.backward()
        return out

    found = pb.compile(step)(H, XS)
    compiled = np.asarray(w.grad)
    assert found == pytest.approx(step(H, XS).item(), rel=1e-12)
    np.testing.assert_allclose(compiled, w.grad, rtol=1e-12)


def test_compiled_with_its_gradient_the_loop_runs_once_forward_and_once_back():
    step = pb.compile(pb.value_and_grad(lambda w: network(w, U, H, XS)[0].sum()))
    value, gradient = step(W)
    expected = pb.value_and_grad(lambda w: looped(w, U, H, XS)[0].sum())(W)
    assert value == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-12)
    assert [node.primitive.name for node in step.graph.nodes].count("scan") == 2


def test_nested_the_inner_loop_is_not_run_twice_in_a_step():
    def inner(c):
        return pb.scan(lambda c, _: (np.sin(c), None), c, None, length=3)[0]

    x = pb.array(0.3, requires_grad=True)
    out, _ = pb.scan(lambda c, _: (inner(c) * c, None), x, None, length=2)
    body = out.node.inputs[0].params["body"]
    assert [node.primitive.name for node in body.nodes].count("scan") == 1
    out.backward()
    assert x.grad.item() == pytest.approx(pb.grad(lambda x: inner(inner(x) * x) * (inner(x) * x))(0.3))
