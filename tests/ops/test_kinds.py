"""Questions about dtypes and equality."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ConcretizationError, DTypeError


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
    with pytest.raises(ConcretizationError, match="real_if_close of complex numbers"):
        pb.trace(np.real_if_close, np.ones(2, complex))
    assert pb.grad(lambda z: np.real_if_close(z).sum().real)(np.array([1.0 + 0j])).tolist() == [1.0 + 0j]
