"""Dtypes: NumPy's, for every ufunc and every pair of operands; gradients have the dtype of the input."""

import itertools
import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.core.families import Pointwise
from pullback.core.operations import overrides, primitives
from pullback.errors import PullbackError

NOT_POINTWISE = {"matmul", "vecdot", "matvec", "vecmat", "isnat"}
UFUNCS = {one.__name__: one for one in vars(np).values() if isinstance(one, np.ufunc)}
POINTWISE = {name: one for name, one in UFUNCS.items() if name not in NOT_POINTWISE}
DTYPES = [np.dtype(character) for character in "?bBhHiIlLefdFD"]
PYTHON = [True, 2, 2.5, 1 + 2j]
OPERANDS = [*[np.ones(2, dtype) for dtype in DTYPES], *PYTHON]


def outcome(function, operands):
    """The dtypes of the results, or "refused"."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            results = function(*operands)
        except (PullbackError, TypeError, ValueError):
            return "refused"
    return [one.dtype for one in (results if isinstance(results, tuple) else (results,))]


def test_every_ufunc_has_its_counterpart():
    assert [name for name, ufunc in POINTWISE.items() if ufunc not in overrides] == []


@pytest.mark.parametrize("name", POINTWISE)
def test_results_have_numpys_dtypes(name):
    ufunc = POINTWISE[name]
    ours = overrides[ufunc]
    for operands in itertools.product(OPERANDS, repeat=ufunc.nin):
        assert outcome(ours, operands) == outcome(ufunc, operands), operands


@pytest.mark.parametrize("name", POINTWISE)
def test_a_traced_function_has_the_same_dtypes(name):
    ufunc = POINTWISE[name]
    for dtypes in itertools.product([np.dtype(c) for c in "?BlefdF"], repeat=ufunc.nin):
        operands = [np.ones(2, dtype) for dtype in dtypes]
        expected = outcome(ufunc, operands)
        if expected == "refused":
            with pytest.raises(PullbackError):
                pb.trace(ufunc, *operands)
        else:
            assert [node.aval.dtype for node in pb.trace(ufunc, *operands).outputs] == expected


DIFFERENTIABLE = [
    one
    for one in primitives.values()
    if isinstance(one, Pointwise)
    and one.differentiable
    and one.evaluate.__module__.startswith("pullback.ops.pointwise")
]


@pytest.mark.parametrize("dtype", ["e", "f", "F"])
@pytest.mark.parametrize("primitive", DIFFERENTIABLE, ids=lambda one: one.name)
def test_gradients_have_the_dtype_and_shape_of_their_inputs(primitive, dtype):
    checked = 0
    double = "dD" if dtype == "F" else "d"
    complex_only = all(getattr(arg, "dtype", None) != "d" for sample in primitive.samples for arg in sample.make()[0])
    for sample in primitive.samples:
        args, keywords = sample.make()
        with np.errstate(all="ignore"):
            arrays = [arg.astype(dtype) if getattr(arg, "dtype", np.dtype("O")).char in double else arg for arg in args]
        watched = [i for i, arg in enumerate(arrays) if getattr(arg, "dtype", None) == dtype]

        def f(*values, arrays=arrays, watched=watched, keywords=keywords):
            filled = list(arrays)
            for i, value in zip(watched, values, strict=True):
                filled[i] = value
            return primitive(*filled, **keywords)

        with np.errstate(all="ignore"):
            try:
                out, pullback = pb.vjp(f, *[arrays[i] for i in watched])
            except PullbackError:
                assert dtype == "F"
                continue
            found = pullback(np.ones(out.shape, out.dtype))
        for gradient, i in zip(found, watched, strict=True):
            assert (gradient.dtype, gradient.shape) == (arrays[i].dtype, arrays[i].shape)
            checked += 1
    assert checked or (complex_only if dtype != "F" else not complex_only)
