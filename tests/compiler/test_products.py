"""Products of matrices: every layout and odd size, what is done to tiles, and that state is updated in place."""

import itertools

import numpy as np
import pytest

import pullback as pb
from pullback import nn

SIZES = [
    (64, 128, 784), (5, 7, 40), (33, 10, 20), (17, 31, 100), (2, 600, 2), (600, 2, 9), (14, 32, 2100), (50, 33, 5000),
    (40, 24, 1024),
]  # fmt: skip


def matrix(rows, columns, dtype, transposed=False, seed=0):
    generator = np.random.default_rng(seed)
    shape = (columns, rows) if transposed else (rows, columns)
    return generator.normal(size=shape).astype(dtype)


def tolerance(dtype, k):
    return np.finfo(dtype).eps * (2 * k + 50)


def products(f):
    return sum(part.kind == "product" for part in f.report().parts), len(f.report().parts)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("m", "n", "k"), SIZES)
def test_products_of_operands_however_they_lie(m, n, k, dtype):
    for a_turned, b_turned in itertools.product((False, True), repeat=2):

        def f(a, b, turned=(a_turned, b_turned)):
            out = (a.T if turned[0] else a) @ (b.T if turned[1] else b)
            return out, out.T + 1

        a, b = matrix(m, k, dtype, a_turned, 1), matrix(k, n, dtype, b_turned, 2)
        compiled = pb.compile(f)
        out, other = compiled(a, b)
        expected = f(a.astype(np.float64), b.astype(np.float64))[0]
        np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance(dtype, k))
        np.testing.assert_array_equal(other, out.T + 1)
        assert products(compiled)[0] == 1


@pytest.mark.parametrize("shape", [(64, 33, 70), (3, 50, 7), (200, 16, 24)])
def test_what_is_done_to_a_product_is_done_to_its_tiles(shape):
    m, n, k = shape
    a, b, c = matrix(m, k, np.float32, seed=1), matrix(k, n, np.float32, seed=2), matrix(m, n, np.float32, seed=3)
    bias, scale = matrix(1, n, np.float32, seed=4)[0], matrix(m, 1, np.float32, seed=5)

    def f(a, b, c, bias, scale):
        z = a @ b + bias
        return np.maximum(z, 0) * scale - c, z > 0, np.tanh(z) + c

    compiled = pb.compile(f)
    found = compiled(a, b, c, bias, scale)
    for one, expected in zip(found, f(*[one.astype(np.float64) for one in (a, b, c, bias, scale)]), strict=True):
        np.testing.assert_allclose(one, expected, atol=1e-4)
    assert products(compiled) == (1, 1)


def test_what_cannot_be_done_to_tiles_is_done_afterwards():
    a, b = matrix(20, 30, np.float64, seed=1), matrix(30, 20, np.float64, seed=2)
    c = matrix(20, 20, np.float64, seed=3)

    def f(a, b, c):
        z = a @ b
        return z + c.T, z + z.T, z - z.max(axis=1, keepdims=True), np.exp(z).sum(axis=0)

    for one, expected in zip(pb.compile(f)(a, b, c), f(a, b, c), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("bmk,bkn->bmn", [(3, 10, 17), (3, 17, 20)]),
        ("bhqd,bhkd->bhqk", [(2, 3, 20, 8), (2, 3, 24, 8)]),
        ("bqhd,bkhd->bhqk", [(2, 20, 3, 8), (2, 24, 3, 8)]),
        ("bhqk,bkhd->bqhd", [(2, 3, 20, 24), (2, 24, 3, 8)]),
        ("bsk,kn->bsn", [(4, 9, 17), (17, 20)]),
        ("mk,kn->nm", [(30, 17), (17, 20)]),
        ("bmk,bkn->mnb", [(3, 10, 17), (3, 17, 20)]),
        ("axk,kb->abx", [(5, 6, 17), (17, 20)]),
        ("bmk,bkn->nbm", [(3, 10, 17), (3, 17, 20)]),
        ("abk,kcd->abcd", [(4, 5, 16), (16, 3, 7)]),
    ],
)
def test_stacks_of_products_and_results_laid_out_in_any_way(subscripts, shapes):
    x, y = (np.random.default_rng(i).normal(size=shape) for i, shape in enumerate(shapes))
    expected = np.einsum(subscripts, x, y)
    found = pb.compile(lambda x, y: np.einsum(subscripts, x, y) * 2)(x, y)
    np.testing.assert_allclose(found, 2 * expected, rtol=1e-10, atol=1e-12)


def test_state_is_updated_by_the_product_that_changes_it():
    w = pb.Parameter(matrix(40, 30, np.float32, seed=1))
    x, g = matrix(20, 40, np.float32, seed=2), matrix(20, 30, np.float32, seed=3)

    @pb.compile
    def step(x, g):
        w.assign(w - 0.5 * (x.T @ g))

    before = w.detach().numpy().copy()
    step(x, g)
    np.testing.assert_allclose(w.detach(), before - 0.5 * (x.T @ g), rtol=1e-5, atol=1e-5)
    assert products(step) == (1, 1)
    assert step.report().in_place == 1
    address = w._held.value.ctypes.data
    step(x, g)
    step(x, g)
    np.testing.assert_allclose(w.detach(), before - 1.5 * (x.T @ g), rtol=1e-5, atol=1e-5)
    assert w._held.value.ctypes.data == address


def test_a_momentum_and_what_it_changes_are_updated_by_the_product():
    w = pb.Parameter(matrix(40, 30, np.float32, seed=1))
    momentum = pb.Parameter(np.zeros((40, 30), np.float32))
    x, g = matrix(20, 40, np.float32, seed=2), matrix(20, 30, np.float32, seed=3)

    @pb.compile
    def step(x, g):
        momentum.assign(momentum * 0.9 + x.T @ g)
        w.assign(w - 0.1 * momentum)

    expected, speed = w.detach().numpy().copy(), 0
    for _ in range(3):
        step(x, g)
        speed = speed * 0.9 + x.T @ g
        expected -= 0.1 * speed
    np.testing.assert_allclose(w.detach(), expected, rtol=1e-4, atol=1e-4)
    assert products(step) == (1, 1)
    assert step.report().in_place == 2


def test_layers_of_one_shape_are_each_updated_by_the_product_that_gives_the_gradient():
    weights = [pb.Parameter(matrix(40, 30, np.float32, seed=i)) for i in range(3)]
    momenta = [pb.Parameter(np.zeros((40, 30), np.float32)) for _ in weights]
    count = pb.Parameter(np.float32(1))
    xs, gs = (np.stack([matrix(20, n, np.float32, seed=i + n) for i in range(3)]) for n in (40, 30))

    @pb.compile
    def step(xs, gs):
        count.assign(count + 1)
        decay = 1 - np.float32(0.01) / count
        gradients = [xs[i].T @ gs[i] for i in range(3)]  # all products come first
        for momentum, gradient in zip(momenta, gradients, strict=True):
            momentum.assign(momentum * 0.9 + gradient)
        for w, momentum in zip(weights, momenta, strict=True):
            w.assign(w * decay - 0.1 * momentum)

    expected = [w.detach().numpy() * (1 - 0.01 / 2) - 0.1 * (x.T @ g) for w, x, g in zip(weights, xs, gs, strict=True)]
    step(xs, gs)
    for w, one in zip(weights, expected, strict=True):
        np.testing.assert_allclose(w.detach(), one, rtol=1e-4, atol=1e-4)
    assert products(step) == (3, 4)  # and a kernel for the decay
    assert len({part.operations for part in step.report().parts if part.kind == "product"}) == 1
    assert step.report().in_place == 7


def test_state_that_a_product_reads_is_not_overwritten_by_it():
    w = pb.Parameter(matrix(100, 100, np.float32, seed=1) / 10)
    before = w.detach().numpy().copy()

    @pb.compile
    def step():
        w.assign(w - w @ w)

    step()
    np.testing.assert_allclose(w.detach(), before - before @ before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_goes_where_it_belongs(special):
    a, b = matrix(30, 20, np.float32, seed=1), matrix(20, 37, np.float32, seed=2)
    a[3, 5] = special
    b[7, 36] = special
    found = pb.compile(lambda a, b: a @ b)(a, b)
    with np.errstate(invalid="ignore"):
        expected = a @ b
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))
    rest = np.isfinite(expected)
    np.testing.assert_allclose(found[rest], expected[rest], rtol=1e-4, atol=1e-4)
    assert np.isfinite(found).sum() == 29 * 36


def test_results_do_not_depend_on_what_was_in_memory():
    a, b = matrix(30, 20, np.float32, seed=1), matrix(20, 37, np.float32, seed=2)
    f = pb.compile(lambda a, b: np.tanh(a @ b) @ b.T)
    expected = f(a, b)
    assert np.isnan(f(np.full_like(a, np.nan), b)).all()  # what is in the arena now
    np.testing.assert_array_equal(f(a, b), expected)


def test_empty_products():
    f = pb.compile(lambda a, b: a @ b + 1)
    assert f(np.ones((0, 3)), np.ones((3, 4))).shape == (0, 4)
    np.testing.assert_array_equal(f(np.ones((2, 0)), np.ones((0, 4))), np.ones((2, 4)))


def test_arguments_at_any_address():
    memory = np.zeros(64 * 30 * 4 + 4, np.uint8)
    a = memory[4:].view(np.float32).reshape(64, 30)  # aligned to no more than an element
    a[...] = matrix(64, 30, np.float32, seed=1)
    b = matrix(30, 50, np.float32, seed=2)
    f = pb.compile(lambda a, b: a @ b)
    np.testing.assert_array_equal(f(a, b), f(a.copy(), b))


def test_a_layer_with_its_activation_is_one_part():
    layer = nn.Sequential(nn.Linear(40, 30), nn.SiLU())
    x = matrix(20, 40, np.float32)
    f = pb.compile(lambda x: layer(x))
    np.testing.assert_allclose(f(x), layer(pb.array(x)).detach(), rtol=1e-4, atol=1e-5)
    assert products(f) == (1, 1)


def test_state_is_updated_in_place_on_the_long_way_too_unless_somebody_sees_it():
    w = pb.Parameter(np.zeros((40, 30), np.float32))
    x, g = matrix(20, 40, np.float32, seed=2), matrix(20, 30, np.float32, seed=3)

    @pb.compile
    def step(*, x, g):
        w.assign(w + x.T @ g)

    step(x=x, g=g)
    address = w._held.value.ctypes.data
    step(x=x, g=g)
    assert w._held.value.ctypes.data == address
    seen = w.detach()
    before = seen.numpy()
    step(x=x, g=g)
    np.testing.assert_array_equal(seen, before)
    np.testing.assert_allclose(w.detach(), 3 * (x.T @ g), rtol=1e-4, atol=1e-4)
