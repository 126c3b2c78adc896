"""Products of matrices and vectors: NumPy's values, cheap derivatives, errors in words."""

import itertools

import numpy as np
import pytest

import pullback as pb
from pullback.core.operations import operations
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.testing import check_grads

DTYPES = ["?", "i1", "u2", "i8", "f2", "f4", "f8", "g", "F", "D"]


def draw(shape, dtype="f8", seed=0):
    generator = np.random.default_rng(seed + sum(shape))
    if np.dtype(dtype).kind in "bui":
        return generator.integers(0, 3, shape).astype(dtype)
    x = generator.normal(size=shape)
    return (x + 1j * generator.normal(size=shape)).astype(dtype) if np.dtype(dtype).kind == "c" else x.astype(dtype)


def assert_as_numpy(function, *args, **keywords):
    expected = function(*args, **keywords)
    found = function(*[pb.array(x) for x in args], **keywords)
    assert isinstance(found, pb.Array)
    assert found.dtype == np.asarray(expected).dtype
    assert found.shape == np.shape(expected)
    tolerance = 16 * np.finfo(found.dtype).eps if found.dtype.kind in "fc" else 0
    np.testing.assert_allclose(np.asarray(found), expected, rtol=tolerance, atol=tolerance)


SHAPES = [
    ((3, 4), (4, 2)),
    ((3, 4), (4,)),
    ((4,), (4, 2)),
    ((4,), (4,)),
    ((2, 3, 4), (4, 5)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((1, 3, 4), (2, 4, 2)),
    ((3, 0), (0, 2)),
    ((0, 4), (4, 2)),
    ((2, 0, 4), (4, 3)),
    ((0, 3, 4), (0, 4, 2)),
]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_matmul_is_numpys_in_every_dtype(shapes):
    for dtype in DTYPES:
        assert_as_numpy(np.matmul, draw(shapes[0], dtype), draw(shapes[1], dtype, 1))


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_matmul_has_exact_derivatives_in_every_form(shapes):
    for dtype in ("f8", "D"):
        check_grads(lambda x, y: x @ y, (draw(shapes[0], dtype), draw(shapes[1], dtype, 1)), order=2)


def test_mixed_dtypes_are_promoted_as_numpy_does():
    for left, right in itertools.product(DTYPES, DTYPES):
        assert_as_numpy(np.matmul, draw((2, 3), left), draw((3, 2), right))
    x = pb.array(np.ones((2, 3), np.float32), requires_grad=True)
    (x @ np.ones((3, 2))).sum().backward()
    assert x.grad.dtype == np.float32


def test_gradients_of_a_dense_layer_are_the_textbook_products():
    x, w = draw((5, 3)), draw((3, 2), seed=1)
    ct = draw((5, 2), seed=2)
    _, pullback = pb.vjp(lambda x, w: x @ w, x, w)
    by_x, by_w = pullback(ct)
    assert np.array_equal(by_x, ct @ w.T)
    assert np.array_equal(by_w, x.T @ ct)


@pytest.mark.parametrize(
    ("x", "y"),
    [((3, 4), (4, 2)), ((3, 4), (4,)), ((4,), (4, 2)), ((4,), (4,)), ((6, 5, 4), (4, 3)), ((6, 5, 4), (6, 4, 3))],
)
def test_a_matrix_product_is_one_node(x, y):
    graph = pb.trace(lambda x, y: x @ y, draw(x), draw(y))
    assert [node.primitive.name for node in graph.nodes] == ["input", "input", "matmul"]


def test_strides_do_not_matter():
    x = draw((6, 8))
    for view in (x.T, x[::-1], x[:, ::-1], x[::2, ::3], np.broadcast_to(x[0], (3, 8))):
        assert_as_numpy(np.matmul, view, view.T.copy())
        assert_as_numpy(np.matmul, view.T, np.ones(view.shape[0]))


def test_infinities_and_nan_go_through_as_in_numpy():
    x = np.array([[np.inf, 1.0], [np.nan, 2.0], [0.0, 3.0]])
    with np.errstate(all="ignore"):
        assert_as_numpy(np.matmul, x, np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    "call", [lambda f, *args: f(*args), lambda f, *args: pb.trace(f, *args)], ids=["eager", "traced"]
)
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            (32, 784),
            (128, 10),
            r"matmul: expected \(..., k\) @ \(k, n\), got \(32, 784\) @ \(128, 10\): 784 != 128\. At",
        ),
        ((3, 4), (3,), r"matmul: expected \(..., k\) @ \(k,\), got \(3, 4\) @ \(3,\): 4 != 3\. At test_contraction"),
        ((2, 3, 4), (2, 3, 4), r"matmul: expected \(..., k\) @ \(..., k, n\), got \(2, 3, 4\) @ \(2, 3, 4\): 4 != 3"),
        ((2, 3, 4), (3, 4, 2), r"expected leading axes that broadcast together, got .*: \(2,\) and \(3,\)"),
        ((3,), (), r"expected arrays with at least one axis, got \(3,\) @ \(\)\. Use \* with a number"),
        ((), (3,), r"expected arrays with at least one axis, got \(\) @ \(3,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(call, x, y, message):
    with pytest.raises(ShapeError, match=message):
        call(lambda x, y: pb.asarray(x) @ y, np.ones(x), np.ones(y))


def test_what_is_not_an_array_is_refused():
    x = pb.array(np.ones((2, 3)))
    with pytest.raises(DTypeError, match="matmul: expected an array or a number, got str"):
        x @ "a"
    with pytest.raises(DTypeError, match="matmul: expected an array or a number, got NoneType"):
        np.matmul(None, x)
    with pytest.raises(ArgumentError, match="matmul: the keyword axes= is not supported"):
        np.matmul(x, x, axes=[(0, 1), (0, 1), (0, 1)])


def test_an_array_of_the_users_may_change_after_it_was_used():
    x, w = np.ones((2, 3)), pb.array(np.ones((3, 2)), requires_grad=True)
    out = np.sum(x @ w)
    x[...] = 7.0
    out.backward()
    assert w.grad.tolist() == [[2.0, 2.0]] * 3


# Functions that are such products -------------------------------------------------------------------------------------


CALLS = [
    (np.dot, [(3, 4), (4, 2)], {}),
    (np.dot, [(2, 3, 4), (5, 4, 2)], {}),
    (np.dot, [(4,), (5, 4, 2)], {}),
    (np.dot, [(2, 3), ()], {}),
    (np.dot, [(), ()], {}),
    (np.inner, [(4,), (4,)], {}),
    (np.inner, [(3, 4), (2, 4)], {}),
    (np.inner, [(3, 4), ()], {}),
    (np.outer, [(2, 2), (3,)], {}),
    (np.outer, [(0,), (3,)], {}),
    (np.vdot, [(2, 3), (3, 2)], {}),
    (np.vdot, [(), ()], {}),
    (np.tensordot, [(2, 3, 4), (3, 4, 5)], {}),
    (np.tensordot, [(2, 3), (3, 2)], {"axes": 1}),
    (np.tensordot, [(2, 3), (3, 2)], {"axes": 0}),
    (np.tensordot, [(2, 3, 4), (4, 3)], {"axes": ([1, -1], [1, 0])}),
    (np.tensordot, [(2, 3), (2, 4)], {"axes": (0, 0)}),
    (np.kron, [(2, 3), (4, 2)], {}),
    (np.kron, [(2,), (4, 2, 3)], {}),
    (np.kron, [(), (2,)], {}),
    (np.cross, [(3,), (3,)], {}),
    (np.cross, [(4, 3), (3,)], {}),
    (np.cross, [(3, 4), (4, 3)], {"axisa": 0}),
    (np.cross, [(3, 4), (3, 4)], {"axis": 0}),
    (np.cross, [(3, 4), (5, 4, 3)], {"axisa": 0, "axisc": 0}),
    (np.vecdot, [(2, 3), (3,)], {}),
    (np.vecdot, [(2, 3), (4, 1, 3)], {}),
    (np.vecdot, [(3, 2), (3, 2)], {"axis": 0}),
]
if hasattr(np, "matvec"):
    CALLS += [
        (np.matvec, [(2, 3), (3,)], {}),
        (np.matvec, [(2, 3), (4, 3)], {}),
        (np.matvec, [(5, 2, 3), (3,)], {}),
        (np.vecmat, [(2,), (2, 3)], {}),
        (np.vecmat, [(2,), (4, 2, 3)], {}),
        (np.vecmat, [(4, 2), (4, 2, 3)], {}),
    ]
IDS = [f"{function.__name__}-{shapes}-{keywords}" for function, shapes, keywords in CALLS]


@pytest.mark.parametrize(("function", "shapes", "keywords"), CALLS, ids=IDS)
def test_value_and_dtype_are_numpys(function, shapes, keywords):
    for left, right in [("f8", "f8"), ("f4", "f4"), ("D", "D"), ("i4", "i4"), ("f4", "i8"), ("D", "f4")]:
        assert_as_numpy(function, draw(shapes[0], left), draw(shapes[1], right, 1), **keywords)


@pytest.mark.parametrize(("function", "shapes", "keywords"), CALLS, ids=IDS)
def test_derivatives_are_right_for_real_and_complex_operands(function, shapes, keywords):
    for dtype in ("f8", "D"):
        operands = draw(shapes[0], dtype), draw(shapes[1], dtype, 1)
        check_grads(lambda x, y: function(x, y, **keywords), operands, order=2)


def test_the_linalg_namespace_has_them_too():
    x, y = draw((3, 3)), draw((3, 3), seed=1)
    for name in ("matmul", "tensordot", "vecdot", "cross"):
        assert_as_numpy(getattr(np.linalg, name), x, y)
    assert_as_numpy(np.linalg.outer, x[0], y[0])


def test_numbers_of_python_take_part_as_in_numpy():
    x = np.ones((2, 3), np.float32)
    for function in (np.dot, np.inner, np.outer, np.kron):
        assert function(pb.array(x), 2.0).dtype == function(x, 2.0).dtype
        assert function(2, pb.array(x)).dtype == function(2, x).dtype


@pytest.mark.parametrize(
    ("error", "message", "function", "shapes", "keywords"),
    [
        (ShapeError, r"dot: expected axes of one length .* 4 \(axis 1 of \(3, 4\)\)", "dot", [(3, 4), (2, 3, 4)], {}),
        (ShapeError, "inner: expected axes of one length", "inner", [(3, 4), (4, 3)], {}),
        (ShapeError, "vdot: expected equally many elements, got 6 and 9", "vdot", [(2, 3), (3, 3)], {}),
        (ShapeError, "tensordot: expected axes of one length", "tensordot", [(3, 4), (3, 4)], {"axes": 1}),
        (ArgumentError, "expected from 0 to 2 axes to sum over, got 3", "tensordot", [(3, 4), (3, 4)], {"axes": 3}),
        (ArgumentError, "expected from 0 to 2 axes .* got -1", "tensordot", [(3, 4), (3, 4)], {"axes": -1}),
        (ArgumentError, "as many axes of a as of b", "tensordot", [(3, 4), (3, 4)], {"axes": ([0], [0, 1])}),
        (DTypeError, "tensordot: expected an integer as axis, got 'a'", "tensordot", [(3, 4), (3, 4)], {"axes": "ab"}),
        (DTypeError, "tensordot: expected an integer as axes, got 1.5", "tensordot", [(3, 4), (3, 4)], {"axes": 1.5}),
        (ArgumentError, "axes as a number or as a pair", "tensordot", [(3, 4), (3, 4)], {"axes": [1]}),
        (ShapeError, "cross: expected vectors of length 3, got lengths 2 and 2", "cross", [(2,), (2,)], {}),
        (ShapeError, "vecdot: axis 1 is out of range", "vecdot", [(3,), (3,)], {"axis": 1}),
        (ShapeError, r"matvec: expected \(..., m, n\) and \(..., n\), got", "matvec", [(3, 4), (3,)], {}),
        (ShapeError, "vecmat: expected shapes that broadcast together", "vecmat", [(2, 3), (4, 3, 4)], {}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words(error, message, function, shapes, keywords):
    with pytest.raises(error, match=message):
        getattr(operations, function)(*[np.ones(shape) for shape in shapes], **keywords)
