"""Indices from shapes, and words about dtypes."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ConcretizationError, DTypeError


def test_places_are_computed_where_no_value_is_known():
    x = np.arange(12.0).reshape(3, 4) * [[1], [-1], [1]]
    found = pb.vmap(lambda x: np.unravel_index(np.argmax(x), x.shape))(np.stack([x, -x]))
    assert [one.tolist() for one in found] == [[2, 1], [3, 3]]
    graph = pb.trace(lambda x: np.ravel_multi_index((np.argmax(x, 0), np.argmin(x, 0)), (3, 3)), x)
    assert graph.outputs[0].aval.shape == (4,)


@pytest.mark.parametrize("order", ["C", "F"])
def test_places_and_indices_are_inverse_to_each_other(order):
    indices = np.unravel_index(pb.array(np.arange(24)), (2, 3, 4), order)
    assert np.ravel_multi_index(indices, (2, 3, 4), order=order).tolist() == list(range(24))


def test_dtypes_are_known_while_traced():
    def f(x):
        assert not np.iscomplexobj(x)
        assert np.isrealobj(x)
        assert np.result_type(x, np.complex64) == np.complex128
        assert np.can_cast(x, np.float32, "same_kind")
        assert np.common_type(x, x) is np.float64
        return x

    pb.trace(f, np.ones(3))
    assert np.result_type(pb.array(np.ones(2, np.float32)), 1.0) == np.float32
    with pytest.raises(DTypeError, match="result_type: "):
        np.result_type(pb.array([1.0]), "no dtype")
    with pytest.raises(DTypeError, match="can_cast: casting must be one of"):
        np.can_cast(pb.array([1.0]), float, "rough")


def test_shapes_that_do_not_broadcast_are_not_equivalent():
    assert not np.array_equiv(pb.array([1.0, 2.0]), pb.array([1.0, 2.0, 3.0]))


def test_a_dtype_that_depends_on_values_needs_them():
    for call, name in ((np.lib.scimath.sqrt, "scimath_sqrt"), (np.lib.scimath.arccos, "scimath_arccos")):
        with pytest.raises(ConcretizationError, match=f"{name}, whose dtype depends on the values"):
            pb.trace(call, np.ones(2))
    with pytest.raises(ConcretizationError, match="real_if_close of complex numbers"):
        pb.trace(np.real_if_close, np.ones(2, complex))
    assert pb.grad(lambda x: np.lib.scimath.sqrt(x).imag.sum())(np.array([-4.0, -1.0])).tolist() == [-0.25, -0.5]
    assert pb.grad(lambda z: np.real_if_close(z).sum().real)(np.array([1.0 + 0j])).tolist() == [1.0 + 0j]


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f2", "f4", "f8", "g", "F"])
def test_scimath_has_numpys_dtypes(dtype):
    x = np.array([1, 0, 1]).astype(dtype) if dtype in "?" or dtype[0] == "u" else np.array([-2, 0, 3]).astype(dtype)
    for name in ("sqrt", "log", "arcsin", "arctanh"):
        with np.errstate(all="ignore"):
            call = getattr(np.lib.scimath, name)
            expected, found = call(x), call(pb.array(x))
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-3)
