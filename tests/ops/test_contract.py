"""The contract: every primitive and every composed function, at every sample, through every walk."""

import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.core.aval import Aval, aval_of
from pullback.core.evaluate import evaluate
from pullback.core.families import Pointwise
from pullback.core.operations import Function, functions, primitives
from pullback.core.sample import Spec
from pullback.core.tree import flatten
from pullback.core.verify import verify_avals
from pullback.testing import check_grads

DECLARED = {
    **{f"primitive {one.name}": one for one in primitives.values() if one.samples},
    **{f"function {one.name}": one for one in functions.values()},
}
CASES = [
    pytest.param(one, sample, id=f"{name}-{i}")
    for name, one in DECLARED.items()
    for i, sample in enumerate(one.samples)
]
REJECTS = [
    pytest.param(one, case, traced, id=f"{name}-{i}-{'traced' if traced else 'eager'}")
    for name, one in DECLARED.items()
    for i, case in enumerate(one.rejects)
    for traced in (False, True)
    if not traced or any(isinstance(arg, Spec) for arg in case.args)
]


def floats_in(sample):
    return [leaf for leaf in flatten(sample.make())[0] if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"]


# A function without a counterpart in NumPy has tests of its own for its values.
COMPARABLE = [case for case in CASES if not (isinstance(case.values[0], Function) and case.values[0].numpy is None)]
CONVERTIBLE = [case for case in COMPARABLE if floats_in(case.values[1])]
TRACEABLE = [case for case in CASES if floats_in(case.values[1])]
SMOOTH = [case for case in TRACEABLE if case.values[0].differentiable and case.values[1].smooth]
DTYPES = [np.float32, np.complex128, np.int64, np.bool_]


def ours(declared):
    return declared.call if isinstance(declared, Function) else declared


def reference(declared, args):
    """NumPy's own function of the same meaning."""
    if isinstance(declared, Function):
        return declared.numpy
    if isinstance(declared, Pointwise):
        return own_meaning(declared) if declared.numpy is None or refuses(declared, args) else declared.numpy
    return declared.evaluate


def types_of(args):
    return tuple(type(arg) if type(arg) in (bool, int, float, complex) else np.asarray(arg).dtype for arg in args)


def refuses(declared, args):
    """Whether a primitive that names the dtypes that it computes in takes no such operands."""
    if not isinstance(declared.types, str):
        return False
    try:
        declared.resolve(types_of(args))
    except pb.errors.DTypeError:
        return True
    return False


def own_meaning(declared):
    """The body of a pointwise primitive, which is made for operands that its dtype rule has converted."""

    def meaning(*args, **keywords):
        dtypes, _ = declared.resolve(types_of(args))
        return declared.evaluate(*map(np.asarray, args, dtypes), **keywords)

    return meaning


def is_float_array(leaf):
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def map_arrays(function, tree):
    """Apply to the arrays in (nested) arguments, in order."""
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_arrays(function, item) for item in tree)
    if isinstance(tree, dict):
        return {key: map_arrays(function, item) for key, item in tree.items()}
    return function(tree) if isinstance(tree, np.ndarray) else tree


def results(output):
    return list(flatten(output)[0])


def quietly(function, *args, **keywords):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*args, **keywords)


def assert_same(found, expected, dtype):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    real = np.empty(0, dtype).real.dtype if np.dtype(dtype).kind in "fc" else np.dtype(float)
    tolerance = 64 * np.finfo(real).eps
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("declared", "sample"), COMPARABLE)
def test_value_and_dtype_are_numpys(declared, sample):
    args, keywords = sample.make()
    expected = quietly(reference(declared, args), *args, **keywords)
    found = quietly(ours(declared), *map_arrays(pb.array, args), **map_arrays(pb.array, keywords))
    for one, other in zip(results(found), results(expected), strict=True):
        assert_same(one, other, np.float64)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(("declared", "sample"), CONVERTIBLE)
def test_other_dtypes_are_numpys(declared, sample, dtype):
    args, keywords = sample.make()

    def convert(x):
        return quietly(x.astype, dtype) if is_float_array(x) else x

    args, keywords = map_arrays(convert, args), map_arrays(convert, keywords)
    expect = reference(declared, args)
    try:
        expected = quietly(expect, *args, **keywords)
    except (TypeError, ValueError):
        with pytest.raises(pb.errors.PullbackError):
            quietly(ours(declared), *map_arrays(pb.array, args), **map_arrays(pb.array, keywords))
        return
    found = quietly(ours(declared), *map_arrays(pb.array, args), **map_arrays(pb.array, keywords))
    for one, other in zip(results(found), results(expected), strict=True):
        assert_same(one, other, dtype)


@pytest.mark.parametrize(("declared", "sample"), CASES)
def test_recorded_value_is_the_plain_value(declared, sample):
    args, keywords = sample.make()

    def watch(x):
        return pb.array(x, requires_grad=x.dtype.kind in "fc")

    plain = quietly(ours(declared), *map_arrays(pb.array, args), **map_arrays(pb.array, keywords))
    recorded = quietly(ours(declared), *map_arrays(watch, args), **map_arrays(watch, keywords))
    for one, other in zip(results(recorded), results(plain), strict=True):
        assert_same(pb.asarray(one).detach(), other, np.float64)


@pytest.mark.parametrize(("declared", "sample"), TRACEABLE)
def test_traced_graph_has_the_avals_and_values_of_the_eager_run(declared, sample):
    args, keywords = sample.make()
    given = [leaf for leaf in flatten((args, keywords))[0] if isinstance(leaf, np.ndarray)]
    if not all(is_float_array(leaf) or leaf.dtype.kind == "c" for leaf in given):
        given = [leaf for leaf in given if is_float_array(leaf) or leaf.dtype.kind == "c"]

    def f(*values):
        values = iter(values)

        def fill(x):
            return next(values) if x.dtype.kind in "fc" else pb.array(x)

        return quietly(ours(declared), *map_arrays(fill, args), **map_arrays(fill, keywords))

    eager = results(f(*[pb.array(x) for x in given]))
    try:
        graph = pb.trace(f, *[Aval(x.shape, x.dtype) for x in given])
    except pb.errors.ConcretizationError:
        pytest.skip("needs a value by its nature")
    verify_avals(graph)
    values = evaluate(graph, dict(zip(graph.inputs, given, strict=True)))
    for node, other in zip(graph.outputs, eager, strict=True):
        assert node.aval == aval_of(np.asarray(other))
        assert aval_of(values[node]) == node.aval
        assert_same(values[node], other, np.float64)


def differentiable_call(declared, sample, dtype=np.float64):
    """The call as a function of its floating arguments, and these."""
    args, keywords = sample.make(1)

    def convert(x):
        if not is_float_array(x) or dtype is np.float64:
            return x
        return np.asarray(x + 0.3j * np.roll(x, 1), dtype)

    args, keywords = map_arrays(convert, args), map_arrays(convert, keywords)
    points = [leaf for leaf in flatten((args, keywords))[0] if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fc"]

    def f(*values):
        values = iter(values)

        def fill(x):
            return next(values) if x.dtype.kind in "fc" else pb.array(x)

        # flatten sorts dictionaries, and so must this
        return ours(declared)(*map_arrays(fill, args), **map_arrays(fill, dict(sorted(keywords.items()))))

    return f, points


@pytest.mark.parametrize(("declared", "sample"), SMOOTH)
def test_derivatives_agree_with_finite_differences(declared, sample):
    f, points = differentiable_call(declared, sample)
    outputs = [pb.asarray(one) for one in flatten(quietly(f, *points))[0]]
    if not any(out.dtype.kind in "fc" for out in outputs):
        pytest.skip("no floating result")
    if any(out.dtype == np.float32 for out in outputs):
        quietly(check_grads, f, points, order=1, rtol=1e-2, step=2e-2)
    else:
        quietly(check_grads, f, points, order=2, step=1e-3)


@pytest.mark.parametrize(("declared", "sample"), SMOOTH)
def test_complex_derivatives_agree_with_finite_differences(declared, sample):
    f, points = differentiable_call(declared, sample, np.complex128)
    try:
        outputs = [pb.asarray(one) for one in flatten(quietly(f, *points))[0]]
    except (pb.errors.DTypeError, TypeError):
        pytest.skip("not defined for complex numbers, here as in NumPy")
    if not any(out.dtype.kind in "fc" for out in outputs):
        pytest.skip("no floating result")
    if any(out.dtype in (np.float32, np.complex64) for out in outputs):
        quietly(check_grads, f, points, order=1, rtol=1e-2, step=2e-2)
    else:
        quietly(check_grads, f, points, order=2, step=1e-3)


@pytest.mark.parametrize(("declared", "case", "traced"), REJECTS)
def test_bad_input_is_refused_in_our_words(declared, case, traced):
    generator = np.random.default_rng(0)
    args = [arg.draw(generator) if isinstance(arg, Spec) else arg for arg in case.args]
    arrays = [i for i, arg in enumerate(args) if isinstance(arg, np.ndarray)]

    def f(*values):
        filled = list(args)
        for i, value in zip(arrays, values, strict=True):
            filled[i] = value
        return ours(declared)(*filled, **case.keywords)

    with pytest.raises(case.error) as caught:
        pb.trace(f, *[args[i] for i in arrays]) if traced else f(*[args[i] for i in arrays])
    assert case.match in str(caught.value)
    assert "test_contract.py" in str(caught.value), "the message names the user's line"


@pytest.mark.parametrize("declared", [pytest.param(one, id=name) for name, one in DECLARED.items()])
def test_is_documented(declared):
    doc = ours(declared).__doc__
    assert doc
    assert doc.strip()[0].isupper() or doc.strip().startswith(("``", "x", "e", "f"))
    if isinstance(declared, Function):
        assert ">>>" in doc, "a public function has a doctest"
