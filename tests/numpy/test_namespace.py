"""pullback.numpy in the place of NumPy: the same names, the same code, and derivatives."""

import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp
from pullback.errors import ArgumentError, DTypeError, NotDifferentiableError, UnsupportedError
from pullback.testing import check_grads

REFUSED = {
    "asmatrix": "asarray", "bmat": "block", "broadcast": "broadcast_shapes", "core": "private", "flatiter": "x.flat",
    "frompyfunc": "pullback.vmap", "ma": "where", "matrix": "array", "nditer": "pullback.vmap",
    "nested_iters": "pullback.vmap", "poly1d": "polyval",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({name for name in dir(np) if not name.startswith("_")} - REFUSED.keys()))
def test_every_name_of_numpys_is_there(name):
    assert hasattr(pnp, name)
    assert name in dir(pnp)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_name_says_what_to_use(name):
    with pytest.raises(UnsupportedError, match=rf"pullback.numpy has no '{name}'. .*{REFUSED[name]}"):
        getattr(pnp, name)
    assert not hasattr(pnp, name)
    assert name not in dir(pnp)


def test_what_numpy_has_not_either():
    with pytest.raises(AttributeError, match=r"pullback\.numpy has no 'nonsense'"):
        _ = pnp.nonsense


@pytest.mark.parametrize("other", [None, "a", b"a"], ids=str)
def test_what_is_no_number_equals_none_element_by_element(other):
    ours, theirs = pnp.array([[1, 2]]), np.array([[1, 2]])
    np.testing.assert_array_equal(np.asarray(ours == other), theirs == other)
    np.testing.assert_array_equal(np.asarray(ours != other), theirs != other)
    np.testing.assert_array_equal(np.asarray(other == ours), theirs == other)
    assert isinstance(ours == other, pnp.ndarray)
    with pytest.raises(TypeError):
        ours < other  # noqa: B015  # it raises
    assert pb.compile(lambda x: np.where(x != other, x, 0.0))(2.0) == 2.0


@pytest.mark.parametrize("other", [object(), ["a", "b"], {}, np.array(["a"])], ids=lambda other: type(other).__name__)
def test_what_only_an_array_of_objects_compares_is_refused(other):
    with pytest.raises(DTypeError, match=r"^equal: expected"):
        pnp.array([1, 2]) == other  # noqa: B015  # it raises


def test_what_asks_to_compare_by_itself_does():
    assert pnp.array([1.0, 2.0]) == pytest.approx([1.0, 2.0])
    assert pnp.array([1.0, 2.0]) != pytest.approx([1.0, 2.5])


def test_all_names_can_be_imported_at_once():
    code = "from pullback.numpy import *; print(sin(zeros(2)).sum().item(), type(array([1.0])).__name__)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "0.0 Array"


# NumPy code ---------------------------------------------------------------------------------------------------------


def logistic_regression(np, w, b):
    x = np.linspace(-1.0, 1.0, 12).reshape(6, 2)
    y = np.where(x[:, 0] > 0, 1.0, 0.0)
    z = x @ w + b
    return -np.mean(y * np.log(1 / (1 + np.exp(-z))) + (1 - y) * np.log(1 - 1 / (1 + np.exp(-z))))


def relaxation(np, a, b):
    u = np.zeros((5, 5))
    u[0] = a
    u[:, -1] = np.sum(b)
    for _ in range(3):
        u[1:-1, 1:-1] = (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]) / 4
    return np.sum(u**2)


def polynomial_features(np, a, b):
    x = np.concatenate([np.atleast_1d(b), a, np.ones(2)])
    features = np.stack([x**k for k in range(3)], axis=-1)
    grid = np.r_[0:3, x[0]]
    return np.sum(features.T @ features) + np.dot(grid, grid) + np.c_[x, x].sum()


def shapes_and_ranges(np, a, b):
    lines = np.linspace(a, b, 4)
    curve = np.geomspace(1.0 + a[0] ** 2, 3.0, 5)
    filled = np.full((2, 3), a[1])
    row = np.arange(b[0], b[0] + 3.0, 0.5)
    rows, columns = np.meshgrid(lines[:, 0], curve)
    out = np.empty_like(rows)
    np.multiply(rows, columns, out=out)
    return np.add.reduce(out, axis=None) + np.prod(filled) + np.maximum.reduce(row) + row.flatten()[1]


def indices_and_sorting(np, a, b):
    x = np.concatenate((a, b, a * b))
    order = np.argsort(x)
    y = x[order[::-1]]
    y[np.nonzero(y > 1)[0]] *= 2.0
    np.add.at(y, np.array([0, 0, 1]), a[0])
    i, j = np.triu_indices(3)
    table = np.zeros((3, 3))
    table[i, j] = y[:6] if y.size >= 6 else np.resize(y, 6)
    return (table @ table.T).trace() + y.sum()


POINTS = {
    logistic_regression: (np.array([0.5, -1.5]), np.array(0.2)),
    relaxation: (np.array(1.5), np.array([0.5, 0.25])),
    polynomial_features: (np.array([0.5, 2.0]), np.array(1.5)),
    shapes_and_ranges: (np.array([0.7, 1.2]), np.array([2.0, 3.0])),
    indices_and_sorting: (np.array([0.7, 1.2]), np.array([2.0, 3.1])),
}


@pytest.mark.parametrize("program", POINTS, ids=lambda program: program.__name__)
def test_numpy_code_runs_unchanged_and_is_differentiated(program):
    points = POINTS[program]
    expected = program(np, *points)
    np.testing.assert_allclose(program(pnp, *map(pb.array, points)).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(program(pnp, *points).numpy(), expected, rtol=1e-12)
    check_grads(lambda *values: program(pnp, *values), points)


# Ufuncs -------------------------------------------------------------------------------------------------------------


def test_ufuncs_have_numpys_attributes_and_methods():
    assert (pnp.add.nin, pnp.add.nout, pnp.add.identity, pnp.add.__name__) == (2, 1, 0, "add")
    assert "'add'" in repr(pnp.add)
    assert pnp.add.reduce([[1.0, 2.0], [3.0, 4.0]]).tolist() == [4.0, 6.0]
    assert pnp.multiply.accumulate([1.0, 2.0, 3.0]).tolist() == [1.0, 2.0, 6.0]
    assert pnp.subtract.outer([1.0, 2.0], [1.0, 0.0]).tolist() == [[0.0, 1.0], [1.0, 2.0]]
    assert pnp.add.reduceat([1.0, 2.0, 3.0, 4.0], [0, 2]).tolist() == [3.0, 7.0]
    x = pnp.zeros(3)
    pnp.add.at(x, [0, 0], 1.0)
    assert x.tolist() == [2.0, 0.0, 0.0]
    plain = np.zeros(3)
    pnp.add.at(plain, [1], 1.0)
    assert plain.tolist() == [0.0, 1.0, 0.0]


def test_ufuncs_write_where_out_says():
    x, target = pb.array([1.0, 2.0], requires_grad=True), pnp.zeros(2)
    assert pnp.add(x, 1.0, out=target) is target
    pnp.multiply(target, x, target)
    target.sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]
    assert pnp.add([1], [2], dtype="float32").dtype == np.float32


def test_keywords_of_ufuncs_mean_what_they_mean_on_arrays():
    target = pnp.zeros(2)
    pnp.add([1.0, 2.0], 1.0, where=[True, False], out=target)
    assert target.tolist() == [2.0, 0.0]
    assert pnp.add([1.5], 1, dtype=int, casting="unsafe").tolist() == [2]
    with pytest.raises(ArgumentError, match="add: the keyword where= is supported beside out= only"):
        pnp.add([1.0, 2.0], 1.0, where=[True, False])


def test_functions_write_where_out_says_and_refuse_keywords_by_name():
    target = pnp.zeros(())
    assert pnp.sum([1.0, 2.0], out=target) is target
    pb.array([4.0]).sum(out=target)
    assert target.item() == 4.0
    with pytest.raises(ArgumentError, match=r"concatenate.*casting="):
        pnp.concatenate([[1.0]], casting="unsafe")


# Functions that have no derivative ----------------------------------------------------------------------------------


def test_functions_without_a_derivative_compute_arrays_and_refuse_watched_ones():
    counts, edges = pnp.histogram([1.0, 2.0, 2.5], bins=2)
    assert isinstance(counts, pb.Array)
    assert isinstance(edges, pb.Array)
    assert pnp.packbits([1, 0, 1]).tolist() == [160]
    with pytest.raises(NotDifferentiableError, match=r"numpy.packbits: .*no derivative"):
        pnp.packbits(pb.array([1.0, 2.0], requires_grad=True))
    found = pnp.unique_counts(pb.array([2, 2, 1]))
    assert (found.values.tolist(), found.counts.tolist()) == ([1, 2], [1, 2])
    assert isinstance(pnp.hanning(4), pb.Array)
    assert [one.tolist() for one in pnp.tril_indices(2)] == [[0, 1, 1], [0, 0, 1]]


def test_files_are_written_and_read(tmp_path):
    x = pb.array([1.0, 2.0], requires_grad=True)
    pnp.save(tmp_path / "x.npy", x)
    assert pnp.load(tmp_path / "x.npy").tolist() == [1.0, 2.0]
    text = io.StringIO()
    pnp.savetxt(text, x)
    text.seek(0)
    assert pnp.loadtxt(text).tolist() == [1.0, 2.0]


# Creation -----------------------------------------------------------------------------------------------------------


def test_arrays_are_made_as_numpy_makes_them():
    assert pnp.array([1, 2], ndmin=2).shape == (1, 2)
    assert pnp.array([1, 2], dtype="complex64").dtype == np.complex64
    assert pnp.asarray([1.0], order="F").dtype == float
    assert pnp.arange(start=1, stop=7, step=2).tolist() == [1, 3, 5]
    assert pnp.eye(2, 3, k=1).tolist() == np.eye(2, 3, k=1).tolist()
    assert pnp.identity(2).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert pnp.empty(3).shape == (3,)
    assert isinstance(pnp.frombuffer(np.arange(2.0).tobytes()), pb.Array)
    assert pnp.fromiter(range(3), float).tolist() == [0.0, 1.0, 2.0]
    assert isinstance(pnp.ones(2), pnp.ndarray)
    assert np.zeros((2,), like=pnp.ones(2)).tolist() == [0.0, 0.0]
    assert isinstance(np.zeros(2, like=pnp.ones(2)), pb.Array)
    with pytest.raises(ArgumentError, match="array: expected order"):
        pnp.array([1.0], order="Z")


def test_a_range_is_differentiated_by_its_beginning_and_its_step():
    check_grads(lambda start, step: pnp.arange(start, 7.0, step), (np.array(0.3), np.array(1.1)))
    assert pnp.arange(pb.array(3, requires_grad=False)).dtype == np.int64


INDEXED = [
    lambda np: np.r_[1:4, 0, [5.0, 6.0]],
    lambda np: np.r_[0:1:5j, 2],
    lambda np: np.r_["0,2", [1, 2], [3, 4]],
    lambda np: np.r_["1", [[1, 2]], [[3, 4]]],
    lambda np: np.r_["0,2,0", [1, 2], [3, 4]],
    lambda np: np.r_["1,2,0", [1, 2], [3, 4]],
    lambda np: np.r_["0,3,1", [1, 2], [3, 4]],
    lambda np: np.r_[3],
    lambda np: np.c_[[1, 2], [3.0, 4.0]],
    lambda np: np.c_[[[1, 2, 3]], 0, 0, [[4, 5, 6]]],
    lambda np: np.mgrid[0:2, 0:3],
    lambda np: np.mgrid[0:1:3j],
    lambda np: np.ogrid[0:2, 0:3][1],
    lambda np: np.ix_([0, 1], [2])[1],
    lambda np: np.arange(4)[np.s_[1:3]],
    lambda np: np.arange(4)[np.index_exp[::-1]],
]


@pytest.mark.parametrize("position", range(len(INDEXED)))
def test_index_tricks(position):
    expected, found = INDEXED[position](np), INDEXED[position](pnp)
    assert isinstance(found, pb.Array)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_index_tricks_refuse_matrices_by_name():
    with pytest.raises(ArgumentError, match="r_: expected no matrix"):
        pnp.r_["r", [1, 2]]
    with pytest.raises(ArgumentError, match="r_: expected up to three integers"):
        pnp.r_["a,b", [1, 2]]


def test_elements_are_walked_over():
    x = pb.array([[1.0, 2.0]], requires_grad=True)
    sum(index[1] * one * one for index, one in pnp.ndenumerate(x)).backward()
    assert x.grad.tolist() == [[0.0, 4.0]]
    assert list(pnp.ndindex(1, 2)) == [(0, 0), (0, 1)]


# Methods of arrays --------------------------------------------------------------------------------------------------

X = np.array([[3.0, 1.0, 2.0], [0.5, 6.0, 4.0]])
METHODS = [
    lambda x: x.argsort(),
    lambda x: x.argsort(axis=0),
    lambda x: x.argpartition(1),
    lambda x: x.choose([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]) if x.dtype.kind == "i" else x,
    lambda x: x.compress([True, False, True], axis=1),
    lambda x: x.nonzero()[0],
    lambda x: x[0].cumsum().searchsorted(3.5),
    lambda x: x.flat[2:5],
    lambda x: x.flatten(),
    lambda x: x.take([0, 2]),
    lambda x: x.tobytes() and x,
]


@pytest.mark.parametrize("position", range(len(METHODS)))
def test_methods_are_numpys(position):
    for values in (X, (X > 2).astype(int)):
        expected, found = METHODS[position](values), METHODS[position](pb.array(values))
        assert isinstance(found, pb.Array)
        assert found.dtype == np.asarray(expected).dtype
        np.testing.assert_array_equal(found.numpy(), expected)


def change(x, how):
    result = x.copy()
    how(result)
    return result


IN_PLACE = [
    lambda x: x.sort(),
    lambda x: x.sort(axis=0),
    lambda x: x.partition(1),
    lambda x: x.put([0, 4], [9.0, 8.0]),
    lambda x: x.fill(7),
    lambda x: x.flat.__setitem__([0, 5], 9.0),
    lambda x: x.flat.__setitem__(slice(None), [1.0, 2.0]),
    lambda x: setattr(x, "flat", [1.0, 2.0, 3.0, 4.0]),
]


@pytest.mark.parametrize("position", range(len(IN_PLACE)))
def test_methods_in_place_are_numpys(position):
    found = change(pb.array(X), IN_PLACE[position])
    np.testing.assert_array_equal(found.numpy(), change(X, IN_PLACE[position]))


def test_methods_in_place_keep_the_gradient():
    def f(x, v):
        y = x * 2.0
        y.fill(v)
        y.flat[1] = x[0, 0]
        y.put([0], x[1, 1])
        return y

    check_grads(f, (X, np.array(0.5)))
    x = pb.array(X, requires_grad=True)
    assert sum(one for one in x.flat).requires_grad
    assert len(x.flat) == 6
    assert x.base is None


@pytest.mark.parametrize(
    "name", ["byteswap", "ctypes", "data", "flags", "getfield", "resize", "setfield", "setflags", "strides", "view"]
)
def test_what_shows_memory_is_refused_by_name(name):
    with pytest.raises(UnsupportedError, match=f"pullback arrays have no '{name}'"):
        getattr(pb.array(1.0), name)
    assert not hasattr(pb.array(1.0), name)


def test_every_attribute_of_numpys_arrays_is_there_or_refused():
    internal = {
        "__array_finalize__", "__array_interface__", "__array_struct__", "__array_wrap__", "__class_getitem__",
        "__delitem__", "__setstate__",
    }  # fmt: skip
    assert {*dir(np.ndarray)} - {*dir(pb.Array)} == internal


def test_values_are_written_out_as_constants(tmp_path):
    x = pb.array([1.0, 2.0], requires_grad=True)
    assert x.tobytes() == np.array([1.0, 2.0]).tobytes()
    x.tofile(tmp_path / "x.bin")
    assert pnp.fromfile(tmp_path / "x.bin").tolist() == [1.0, 2.0]


def test_errors_of_creation_name_the_function():
    with pytest.raises(DTypeError, match=r"full: expected numbers, got .* object"):
        pnp.full(2, np.array([None]))


def test_the_page_about_numpy_runs():
    page = (Path(__file__).parent.parent.parent / "docs" / "numpy.md").read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE):
        exec(compile(block, "numpy.md", "exec"), names)
    assert {"energy", "ratio"} <= names.keys()


def test_more_arguments_than_a_ufunc_has_are_refused():
    x = pb.array([1.0])
    with pytest.raises(ArgumentError, match="absolute: expected at most 2 positional arguments, got 3"):
        pnp.abs(x, x, None)


def test_more_differences_than_elements_leave_none_at_once():
    assert pnp.diff([1.0, 4.0, 9.0], n=10**18).shape == (0,)
    assert pnp.diff(pnp.ones((2, 3)), n=10**18, axis=0).shape == (0, 3)
    assert pnp.polyder([1.0, 4.0, 9.0], 10**18).shape == (0,)
