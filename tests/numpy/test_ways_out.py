"""No silent loss outside of NumPy's lists either: what Python and NumPy do with a watched array keeps it or raises."""

import array
import copy
import math
import operator
import pickle
import statistics

import numpy as np
import pytest

import pullback as pb

A = np.arange(1.0, 4.0)


def changed(how):
    """A NumPy array after something was done to it."""
    result = A.copy()
    how(result)
    return result


KEPT = {
    "np.mgrid": lambda x, v: np.mgrid[0:x:3j],
    "np.poly1d": lambda x, v: np.poly1d(v)(2.0),
    "an operator of a NumPy array": lambda x, v: A @ v,
    "a method of a NumPy array": lambda x, v: A.clip(v, v + 1.0),
    "a ufunc of a list": lambda x, v: np.stack([x, 1.0]),
    "where of a list": lambda x, v: np.where([True], v, [0.0]),
    "sum": lambda x, v: sum(v),
    "max": lambda x, v: max(v),
    "pow": lambda x, v: pow(2.0, x),
    "abs": lambda x, v: abs(x),
    "divmod": lambda x, v: divmod(x, 1.0)[1],
    "copy": lambda x, v: copy.copy(v),
    "deepcopy": lambda x, v: copy.deepcopy(v),
    "pickle": lambda x, v: pickle.loads(pickle.dumps(v)),
    "insert": lambda x, v: np.insert(A, 1, x),
    "a product of indices": lambda x, v: np.indices((2,)) * x,
}
RAISES = {
    "choose of a NumPy array": lambda x, v: np.array([0, 1, 2]).choose(v),
    "a list of arrays times a NumPy array": lambda x, v: A * [x, x, x],
    "a function of a list": lambda x, v: np.sum([x, x]),
    "pad": lambda x, v: np.pad(A, 1, constant_values=x),
    "writing an element of a NumPy array": lambda x, v: changed(lambda a: operator.setitem(a, 0, x)),
    "writing a slice of a NumPy array": lambda x, v: changed(lambda a: operator.setitem(a, slice(None), v)),
    "writing where a mask holds": lambda x, v: changed(lambda a: operator.setitem(a, a > 1, x)),
    "adding to a NumPy array": lambda x, v: changed(lambda a: operator.iadd(a, v)),
    "fill": lambda x, v: changed(lambda a: a.fill(x)),
    "put": lambda x, v: changed(lambda a: a.put([0], x)),
    "np.put": lambda x, v: changed(lambda a: np.put(a, [0], x)),
    "np.copyto": lambda x, v: changed(lambda a: np.copyto(a, v)),
    "np.place": lambda x, v: changed(lambda a: np.place(a, a > 1, v)),
    "np.add.at": lambda x, v: changed(lambda a: np.add.at(a, [0], x)),
    "out=": lambda x, v: np.divide(A, x, out=np.zeros(3)),
    "np.float64": lambda x, v: np.float64(x),
    "np.array": lambda x, v: np.array(v),
    "np.array of a list": lambda x, v: np.array([x, 1.0]),
    "np.full": lambda x, v: np.full(2, x),
    "np.arange": lambda x, v: np.arange(x),
    "np.r_": lambda x, v: np.r_[v, 0.0],
    "np.fromiter": lambda x, v: np.fromiter([x], float),
    "np.frompyfunc": lambda x, v: np.frompyfunc(lambda t: t, 1, 1)(v),
    "np.vectorize": lambda x, v: np.vectorize(lambda t: t)(v),
    "np.ma": lambda x, v: np.ma.array(v),
    "np.matrix": lambda x, v: np.matrix(v),
    "np.nditer": lambda x, v: [float(t) for t in np.nditer(v)],
    "a random generator": lambda x, v: np.random.default_rng(0).normal(v),
    "math.sin": lambda x, v: math.sin(x),
    "math.fsum": lambda x, v: math.fsum(v),
    "float": lambda x, v: float(x),
    "complex": lambda x, v: complex(x),
    "statistics": lambda x, v: statistics.mean(v),
    "an array of Python's": lambda x, v: array.array("d", v),
    "memoryview": lambda x, v: memoryview(v),
    "an index": lambda x, v: A[v],
}


@pytest.fixture
def watched():
    return pb.array(1.5, requires_grad=True), pb.array([1.5, 2.5, 3.5], requires_grad=True)


@pytest.mark.parametrize("way", KEPT)
def test_the_derivative_is_kept(way, watched):
    found = KEPT[way](*watched)
    assert isinstance(found, pb.Array)
    assert found.requires_grad


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of np.matrix
@pytest.mark.parametrize("way", RAISES)
def test_where_it_cannot_be_kept_there_is_an_error(way, watched):
    with pytest.raises((TypeError, ValueError, IndexError)):
        RAISES[way](*watched)


@pytest.mark.parametrize("way", [way for way in RAISES if way.startswith(("writing", "fill", "put", "np.put"))])
def test_writing_into_a_numpy_array_says_what_would_be_lost(way, watched):
    """NumPy puts its own words before ours where it writes one number: ours are then the cause that Python shows."""
    with pytest.raises((TypeError, ValueError)) as raised:
        RAISES[way](*watched)
    assert "would lose the gradient" in str(raised.value.__cause__ or raised.value)


def test_what_is_read_as_a_constant_by_name(watched):
    """These are the ways to ask for the value."""
    x, v = watched
    assert (int(x), bool(x), x.item(), v.tolist(), f"{x:.2f}") == (1, True, 1.5, [1.5, 2.5, 3.5], "1.50")
    assert not x.detach().requires_grad


@pytest.mark.parametrize(
    "read", [lambda x: x.item(), lambda x: x.tolist(), lambda x: x.tobytes()], ids=["item", "tolist", "tobytes"]
)
def test_a_differentiated_function_does_not_read_a_part_of_itself_as_a_constant(read):
    """Half of the gradient would be missing, in NumPy code that is right."""

    def f(x, read=read):
        read(x)
        return x * x

    message = r"(item|tolist|tobytes)\(\) would lose the gradient: .* Use the array itself, or .detach\(\)"
    for derivative in (pb.grad(f), pb.jacobian(f), lambda x: pb.jvp(f, (x,), (x,)), lambda x: pb.hvp(f, x, x)):
        with pytest.raises(pb.errors.NotDifferentiableError, match=message):
            derivative(1.5)
    assert pb.grad(lambda x: f(x, lambda x: read(x.detach())))(1.5) == 3.0
    assert pb.grad(lambda x: f(x, pb.no_grad()(read)))(1.5) == 3.0
    assert pb.grad(lambda x: f(x, lambda x: f"{x:.2f}"))(1.5) == 3.0
    assert read(pb.array(1.5, requires_grad=True)) == read(np.float64(1.5)), "a failed derivative leaves nothing behind"
