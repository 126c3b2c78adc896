"""Einstein's summation convention: any subscripts, against NumPy's loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.testing import check_grads

DTYPES = ["?", "i1", "i8", "f2", "f4", "f8", "g", "F", "D"]


def draw(shape, dtype="f8", seed=0):
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "bui":
        return generator.integers(0, 3, shape).astype(dtype)
    x = generator.normal(size=shape)
    return (x + 1j * generator.normal(size=shape)).astype(dtype) if np.dtype(dtype).kind == "c" else x.astype(dtype)


@st.composite
def contractions(draw_from, most_operands=4):
    """Subscripts, with repeated letters and letters that come once, and shapes that fit; some axes are of length 1."""
    lengths = {letter: draw_from(st.sampled_from([1, 2, 2, 3, 3, 0])) for letter in "abcd"}
    terms = draw_from(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=most_operands))
    used = sorted(set("".join(terms)))
    result = "".join(
        draw_from(st.permutations(draw_from(st.lists(st.sampled_from(used), unique=True)) if used else []))
    )
    shapes = []
    for term in terms:
        broadcast = {letter for letter in term if draw_from(st.integers(0, 5)) == 0}
        shapes.append(tuple(1 if letter in broadcast else lengths[letter] for letter in term))
    implicit = draw_from(st.booleans())
    return ",".join(terms) + ("" if implicit else f"->{result}"), shapes


@settings(max_examples=300, deadline=None)
@given(contractions(), st.sampled_from(["f8", "f4", "D", "i8"]))
def test_any_subscripts_give_numpys_values(contraction, dtype):
    subscripts, shapes = contraction
    operands = [draw(shape, dtype, i) for i, shape in enumerate(shapes)]
    try:
        expected = np.einsum(subscripts, *operands)
    except ValueError:
        with pytest.raises((ShapeError, ArgumentError)):
            np.einsum(subscripts, *[pb.array(x) for x in operands])
        return
    found = np.einsum(subscripts, *[pb.array(x) for x in operands])
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    tolerance = 1e-4 if dtype == "f4" else 1e-11
    np.testing.assert_allclose(np.asarray(found), expected, rtol=tolerance, atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(contractions(most_operands=3), st.sampled_from(["f8", "D"]))
def test_any_subscripts_have_exact_derivatives(contraction, dtype):
    subscripts, shapes = contraction
    operands = [draw(shape, dtype, i) for i, shape in enumerate(shapes)]
    try:
        np.einsum(subscripts, *operands)
    except ValueError:
        return
    check_grads(lambda *operands: np.einsum(subscripts, *operands), operands, order=2, rtol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_summed_as_numpy_sums_it(dtype):
    x, y, z = draw((3, 4), dtype), draw((4, 5), dtype, 1), draw((5, 3), dtype, 2)
    for subscripts, operands in [
        ("ij,jk->ik", (x, y)),
        ("ij->j", (x,)),
        ("ij,jk,ki->", (x, y, z)),
        ("ij,ij->ji", (x, x)),
    ]:
        expected = np.einsum(subscripts, *operands)
        found = np.einsum(subscripts, *[pb.array(one) for one in operands])
        assert found.dtype == expected.dtype
        tolerance = 32 * np.finfo(dtype).eps if expected.dtype.kind in "fc" else 0
        np.testing.assert_allclose(np.asarray(found), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("...ij,...jk->...ik", [(5, 2, 3), (4, 1, 3, 3)]),
        ("...ij,...jk", [(5, 2, 3), (4, 1, 3, 3)]),
        ("i...->...", [(2, 3, 4)]),
        ("...i,i->...", [(2, 3), (3,)]),
        ("i...,...->i...", [(2, 3), (3,)]),
        ("...,...", [(2, 3), (3,)]),
        ("...ii->...i", [(2, 3, 3)]),
        ("...,...->", [(), ()]),
        ("...a,b...->ab", [(2,), (3,)]),
        (" i j , j k -> k i ", [(2, 3), (3, 4)]),
        ("Ab,bA", [(2, 3), (3, 2)]),
        ("aB", [(2, 3)]),
        ("", [()]),
        (",", [(), ()]),
        ("->", [()]),
        ("ij,ij->ij", [(1, 3), (2, 3)]),
        ("ij,kj->ik", [(2, 1), (3, 4)]),
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("bqhd,bkhd->bhqk", [(2, 4, 3, 5), (2, 6, 3, 5)]),
        ("abc,cd,dae->be", [(2, 3, 4), (4, 5), (5, 2, 6)]),
        ("i,i,i,i->i", [(3,), (3,), (3,), (3,)]),
        ("iij,jkk->ik", [(2, 2, 3), (3, 4, 4)]),
    ],
)
def test_ellipsis_spaces_and_broadcast_axes_are_numpys(subscripts, shapes):
    operands = [draw(shape, "f8", i) for i, shape in enumerate(shapes)]
    expected = np.einsum(subscripts, *operands)
    for optimize in (False, True, "optimal"):
        found = np.einsum(subscripts, *[pb.array(x) for x in operands], optimize=optimize)
        assert found.shape == np.shape(expected)
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-12, atol=1e-12)
    check_grads(lambda *operands: np.einsum(subscripts, *operands), operands, order=2)


def test_operands_with_lists_of_integers():
    x, y = draw((2, 3)), draw((3, 4), seed=1)
    px, py = pb.array(x), pb.array(y)
    for labels in [([0, 1], [1, 2], [0, 2]), ([0, 1], [1, 2], [2, 0]), ([5, 1], [1, 2])]:
        of_x, of_y, *result = labels
        expected = np.einsum(x, of_x, y, of_y, *result)
        np.testing.assert_allclose(np.asarray(np.einsum(px, of_x, py, of_y, *result)), expected)
    assert np.einsum(px, [0, ...], [...]).tolist() == np.einsum(x, [0, ...], [...]).tolist()
    with pytest.raises(ArgumentError, match="list of integers below 52"):
        np.einsum(px, [0, 77])


def test_one_einsum_is_one_node_and_so_is_its_gradient():
    graph = pb.trace(lambda x, y: np.einsum("ij,jk->ik", x, y), draw((2, 3)), draw((3, 4)))
    assert [node.primitive.name for node in graph.nodes] == ["input", "input", "einsum"]


def test_gradient_of_a_diagonal_stays_on_it_even_where_it_is_infinite():
    x = draw((3, 3))
    gradient = pb.vjp(lambda x: np.einsum("ii->i", x), x)[1](np.array([1.0, np.inf, np.nan]))[0]
    expected = np.zeros((3, 3))
    expected[[0, 1, 2], [0, 1, 2]] = [1.0, np.inf, np.nan]
    np.testing.assert_array_equal(gradient, expected)
    assert pb.grad(lambda x: np.einsum("ii", x))(x).tolist() == np.eye(3).tolist()


def test_operands_that_lie_badly_for_blas():
    x = draw((8, 9, 10))[::2, :, ::3]
    y = draw((4, 10, 9), seed=1)[:, ::2, :].transpose(0, 2, 1)
    np.testing.assert_allclose(
        np.asarray(np.einsum("aij,ajk->aik", pb.array(x.transpose(0, 2, 1)), pb.array(y))),
        np.einsum("aij,ajk->aik", x.transpose(0, 2, 1), y),
    )


@pytest.mark.parametrize(
    ("error", "message", "subscripts", "shapes"),
    [
        (ShapeError, r"for j in 'ij,jk->ik', got 4 and 3 in shapes \(2, 4\), \(3, 2\)", "ij,jk->ik", [(2, 4), (3, 2)]),
        (ShapeError, "expected one length for i in 'ii', got 2 and 3", "ii", [(2, 3)]),
        (ShapeError, "expected one length for i in 'ii', got 1 and 3", "ii", [(1, 3)]),
        (ShapeError, r"expected 2 axes for 'ij', got shape \(3,\)", "ij", [(3,)]),
        (ShapeError, r"expected 1 axes for 'i', got shape \(2, 3\)", "i", [(2, 3)]),
        (ShapeError, r"expected '...' in the result 'i'", "i...->i", [(2, 3)]),
        (ArgumentError, "expected 2 operands for 'i,i', got 1", "i,i", [(2,)]),
        (ArgumentError, "expected letters, commas", "i$", [(2, 3)]),
        (ArgumentError, "expected letters, commas", "i->j->k", [(2,)]),
        (ArgumentError, "expected letters, commas", "i->i,", [(2,)]),
        (ArgumentError, "expected letters, commas", "i..->i", [(2, 3)]),
        (ArgumentError, r"expected at most one '...' for an operand", "......->...", [(2, 3)]),
        (ArgumentError, "has j, which no operand has", "i->j", [(2,)]),
        (ArgumentError, "has i twice", "i->ii", [(2,)]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
def test_what_does_not_fit_is_refused_in_words(error, message, subscripts, shapes, traced):
    operands = [np.ones(shape) for shape in shapes]

    def f(*operands):
        return np.einsum(subscripts, *[pb.asarray(x) for x in operands])

    with pytest.raises(error, match=message) as caught:
        pb.trace(f, *operands) if traced else f(*operands)
    assert "test_einsum.py" in str(caught.value)


def test_what_is_not_an_array_is_refused():
    with pytest.raises(DTypeError, match="einsum: expected an array or a number, got str"):
        np.einsum("i,i", pb.array([1.0]), "a")
    with pytest.raises(ArgumentError, match="einsum: expected subscripts and operands"):
        pb.core.operations.operations.einsum("ij")
