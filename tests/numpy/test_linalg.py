"""The face of linear algebra: NumPy's names, signatures and results over Array, and what loads when."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp
from pullback.core import tree

NAMES = [name for name in np.linalg.__all__ if name != "LinAlgError"]
RESULTS = {
    "eig": ("EigResult", ("eigenvalues", "eigenvectors")),
    "eigh": ("EighResult", ("eigenvalues", "eigenvectors")),
    "qr": ("QRResult", ("Q", "R")),
    "slogdet": ("SlogdetResult", ("sign", "logabsdet")),
    "svd": ("SVDResult", ("U", "S", "Vh")),
}


def test_every_name_of_numpys_is_there():
    assert set(np.linalg.__all__) <= set(pb.linalg.__all__)
    assert pnp.linalg is pb.linalg
    assert issubclass(pb.linalg.LinAlgError, np.linalg.LinAlgError)


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_numpys(name):
    theirs = inspect.signature(getattr(np.linalg, name)).parameters
    ours = inspect.signature(getattr(pb.linalg, name)).parameters
    known = {key: one for key, one in theirs.items() if key != "out"}  # arrays are never written to
    for key, one in known.items():
        assert key in ours or one.kind is one.POSITIONAL_ONLY, f"{name} lacks {key}="
        if key in ours and one.default not in (one.empty, np._NoValue):
            assert ours[key].default == one.default
    positional = [one for one in known.values() if one.kind is not one.KEYWORD_ONLY]
    assert len(positional) <= len([one for one in ours.values() if one.kind is not one.KEYWORD_ONLY])


@pytest.mark.parametrize("name", RESULTS)
def test_results_are_named_as_numpys(name):
    found = getattr(pb.linalg, name)(np.diag([1.0, 2.0]))
    theirs = getattr(np.linalg, name)(np.diag([1.0, 2.0]))
    assert (type(found).__name__, found._fields) == RESULTS[name]
    assert (type(theirs).__name__, theirs._fields) == RESULTS[name]
    assert all(isinstance(one, pb.Array) for one in found)


@pytest.mark.parametrize("name", NAMES)
def test_numpys_function_finds_ours(name):
    original, ours = getattr(np.linalg, name), getattr(pb.linalg, name)
    x = pb.array(np.diag([2.0, 3.0]) + 0.5, requires_grad=True)
    args = {
        **dict.fromkeys(("solve", "lstsq", "matmul", "tensordot", "vecdot"), (x, x)), "multi_dot": ([x, x],),
        "cross": (pb.array([1.0, 2.0, 3.0]), pb.array([3.0, 2.0, 1.0])), "outer": (x[0], x[1]), "matrix_power": (x, 2),
        "tensorinv": (x, 1), "tensorsolve": (x, x[0]),
    }.get(name, (x,))  # fmt: skip
    for one, other in zip(tree.flatten(original(*args))[0], tree.flatten(ours(*args))[0], strict=True):
        np.testing.assert_array_equal(one.detach(), other.detach())


def test_scipys_two_are_there():
    assert {"expm", "solve_triangular"} <= set(pb.linalg.__all__)


def test_products_of_the_last_axes():
    x = pb.array(np.arange(12.0).reshape(2, 2, 3))
    np.testing.assert_array_equal(np.linalg.trace(x), [0 + 4, 6 + 10])
    np.testing.assert_array_equal(np.linalg.diagonal(x, offset=1), [[1, 5], [7, 11]])
    np.testing.assert_array_equal(np.linalg.matrix_transpose(x), np.asarray(x).swapaxes(1, 2))


def test_scipys_linear_algebra_is_loaded_when_it_is_used():
    code = (
        "import sys, numpy as np, pullback as pb; pb.grad(lambda a: np.linalg.det(a))(np.eye(2)); "
        "assert 'scipy.linalg' not in sys.modules; pb.linalg.expm(np.eye(2)); assert 'scipy.linalg' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
