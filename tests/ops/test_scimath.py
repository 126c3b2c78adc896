"""Functions that turn complex where a real number has no real result."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import ConcretizationError


def test_a_dtype_that_depends_on_values_needs_them():
    for call, name in ((np.lib.scimath.sqrt, "scimath_sqrt"), (np.lib.scimath.arccos, "scimath_arccos")):
        with pytest.raises(ConcretizationError, match=f"{name}, whose dtype depends on the values"):
            pb.trace(call, np.ones(2))
    assert pb.grad(lambda x: np.lib.scimath.sqrt(x).imag.sum())(np.array([-4.0, -1.0])).tolist() == [-0.25, -0.5]


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f2", "f4", "f8", "g", "F"])
def test_scimath_has_numpys_dtypes(dtype):
    x = np.array([1, 0, 1]).astype(dtype) if dtype in "?" or dtype[0] == "u" else np.array([-2, 0, 3]).astype(dtype)
    for name in ("sqrt", "log", "arcsin", "arctanh"):
        with np.errstate(all="ignore"):
            call = getattr(np.lib.scimath, name)
            expected, found = call(x), call(pb.array(x))
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-3)
