"""The contract: what every primitive and every composed function must satisfy, one function for each part of it.

A part takes what is declared and one of its samples, and fails with an AssertionError.
"""

import contextlib
import inspect
import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.core.aval import Aval, aval_of
from pullback.core.evaluate import evaluate
from pullback.core.families import Pointwise
from pullback.core.operations import Function
from pullback.core.sample import Sample, Spec
from pullback.core.tree import flatten
from pullback.core.verify import verify_avals
from pullback.testing import check_grads

DTYPES = [np.float32, np.complex128, np.int64, np.bool_]

NEEDS_VALUES = {
    "allclose", "argwhere", "flatnonzero", "nonzero",
    "intersect1d", "setdiff1d", "setxor1d", "trim_zeros", "union1d", "unique", "unique_all", "unique_counts",
    "unique_inverse", "unique_values", "polydiv", "polymul", "roots",
    *(f"scimath_{name}" for name in ("arccos", "arcsin", "arctanh", "log", "log10", "log2", "logn", "power", "sqrt")),
    "array_equiv",
}  # fmt: skip
"""What gives a Python value, or a shape that depends on values."""

OTHER_DTYPES = {
    ("polygamma", np.float32): "SciPy multiplies by a float64 number",
    ("multigammaln", np.float32): "SciPy adds a float64 number",
    ("solve_triangular", np.bool_): "SciPy computes with booleans in float32",
}
"""Where the dtype is not the reference's, and why."""

REFUSED_DTYPES = {
    **{
        (name, np.complex128): "NumPy's order of complex numbers is by their real parts first"
        for name in ("histogram", "histogram2d", "histogram_bin_edges", "histogramdd")
    },
    ("interp", np.complex128): "NumPy drops imaginary parts of coordinates, where there is a period",
    ("zeta", np.complex128): "SciPy has complex numbers for q = 1 only, and no derivative",
}
"""What is refused though the reference takes it, and why."""

WARNS = {
    "std": "as many degrees of freedom as elements are divided by, as in NumPy",
    "var": "as many degrees of freedom as elements are divided by, as in NumPy",
}
"""Whose values or derivatives warn at samples that are smooth all the same, and why."""


# Calling ------------------------------------------------------------------------------------------------------------


def ours(declared):
    return declared.call if isinstance(declared, Function) else declared


def is_float_array(leaf):
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def is_inexact_array(leaf):
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fc"


def map_arrays(function, tree):
    """Apply to the arrays in (nested) arguments, in order."""
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_arrays(function, item) for item in tree)
    if isinstance(tree, dict):
        return {key: map_arrays(function, tree[key]) for key in sorted(tree)}  # as flatten does
    return function(tree) if isinstance(tree, np.ndarray) else tree


def results(output):
    return list(flatten(output)[0])


def quietly(function, *args, **keywords):
    """Call without NumPy's warnings: at infinities and NaN the values are what is compared."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*args, **keywords)


def as_function(declared, args, keywords):
    """The call as a function of its floating and complex arrays, and these."""
    points = [leaf for leaf in flatten((args, keywords))[0] if is_inexact_array(leaf)]

    def f(*values):
        values = iter(values)

        def fill(x):
            return next(values) if is_inexact_array(x) else pb.array(x)

        # flatten sorts dictionaries, and so must this
        return ours(declared)(*map_arrays(fill, args), **map_arrays(fill, dict(sorted(keywords.items()))))

    return f, points


def differentiable_call(declared, sample, dtype=np.float64):
    """The call as a function of its floating arguments, converted to ``dtype``, and these."""
    args, keywords = sample.make(1)

    def convert(x):
        if not is_float_array(x):
            return x
        return np.asarray(x + 0.3j * np.roll(x, 1) if np.dtype(dtype).kind == "c" else x, dtype)

    return as_function(declared, map_arrays(convert, args), map_arrays(convert, keywords))


def aloud(declared):
    """How derivatives are called: with NumPy's warnings as errors, but for the few that are expected."""
    return quietly if declared.name in WARNS else lambda function, *args, **keywords: function(*args, **keywords)


def assert_same(found, expected, dtype):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    real = np.empty(0, dtype).real.dtype if np.dtype(dtype).kind in "fc" else np.dtype(float)
    tolerance = 64 * np.finfo(real).eps
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


# Which parts apply --------------------------------------------------------------------------------------------------


def has_floats(declared, sample):
    return any(map(is_float_array, flatten(sample.make())[0]))


def has_reference(declared, sample):
    """Whether NumPy or SciPy has a function of the same meaning. Without one a value is tested elsewhere."""
    return declared.numpy is not None


def is_convertible(declared, sample):
    return has_reference(declared, sample) and has_floats(declared, sample)


def is_traceable(declared, sample):
    # array_equal needs values for some samples; for others shapes are enough
    return has_floats(declared, sample) and declared.name not in NEEDS_VALUES | {"array_equal"}


def needs_values(declared, sample):
    return has_floats(declared, sample) and declared.name in NEEDS_VALUES


def is_smooth(declared, sample):
    return declared.differentiable and sample.smooth and _gives_floats(declared, sample, np.float64)


def is_smooth_for_complex(declared, sample):
    return declared.differentiable and sample.smooth and _gives_floats(declared, sample, np.complex128)


def _gives_floats(declared, sample, dtype):
    if not has_floats(declared, sample):
        return False
    f, points = differentiable_call(declared, sample, dtype)
    try:
        outputs = results(quietly(f, *points))
    except (pb.errors.DTypeError, pb.errors.ShapeError):  # not defined for complex numbers
        assert np.dtype(dtype).kind == "c"
        return False
    return any(pb.asarray(one).dtype.kind in "fc" for one in outputs)


def refuses(declared, args):
    """Whether a primitive that names the dtypes that it computes in takes no such operands."""
    if not isinstance(declared, Pointwise) or not isinstance(declared.types, str):
        return False
    try:
        declared.resolve(
            tuple(type(arg) if type(arg) in (bool, int, float, complex) else np.asarray(arg).dtype for arg in args)
        )
    except pb.errors.DTypeError:
        return True
    return False


# The parts ----------------------------------------------------------------------------------------------------------


def value_and_dtype_are_the_references(declared, sample):
    args, keywords = sample.make()
    expected = quietly(declared.numpy, *args, **keywords)
    found = quietly(ours(declared), *map_arrays(pb.array, args), **map_arrays(pb.array, keywords))
    for one, other in zip(results(found), results(expected), strict=True):
        assert_same(one, other, np.float64)


def other_dtypes_are_the_references(declared, sample, dtype):
    args, keywords = sample.make()

    def convert(x):
        return quietly(x.astype, dtype) if is_float_array(x) else x

    args, keywords = map_arrays(convert, args), map_arrays(convert, keywords)
    try:
        expected = quietly(declared.numpy, *args, **keywords)
        refused = refuses(declared, args)
    except (TypeError, ValueError):
        refused = True
    if refused or (declared.name, dtype) in REFUSED_DTYPES:
        with pytest.raises(pb.errors.PullbackError):
            quietly(ours(declared), *map_arrays(pb.array, args), **map_arrays(pb.array, keywords))
        return
    found = quietly(ours(declared), *map_arrays(pb.array, args), **map_arrays(pb.array, keywords))
    for one, other in zip(results(found), results(expected), strict=True):
        if (declared.name, dtype) in OTHER_DTYPES:
            other = other.astype(one.dtype)
        assert_same(one, other, dtype)


def recorded_value_is_the_plain_value(declared, sample):
    args, keywords = sample.make()

    def watch(x):
        return pb.array(x, requires_grad=x.dtype.kind in "fc")

    plain = quietly(ours(declared), *map_arrays(pb.array, args), **map_arrays(pb.array, keywords))
    recorded = quietly(ours(declared), *map_arrays(watch, args), **map_arrays(watch, keywords))
    for one, other in zip(results(recorded), results(plain), strict=True):
        assert_same(pb.asarray(one).detach(), other, np.float64)


def traced_graph_has_the_avals_and_values_of_the_eager_run(declared, sample):
    f, given = as_function(declared, *sample.make())
    eager = quietly(lambda: results(f(*map(pb.array, given))))
    graph = quietly(pb.trace, f, *[Aval(x.shape, x.dtype) for x in given])
    verify_avals(graph)
    values = evaluate(graph, dict(zip(graph.inputs, given, strict=True)))
    for node, other in zip(graph.outputs, eager, strict=True):
        assert node.aval == aval_of(np.asarray(other))
        assert aval_of(values[node]) == node.aval
        assert_same(values[node], other, np.float64)


def a_simplified_graph_means_what_the_graph_meant(declared, sample):
    f, given = as_function(declared, *sample.make())
    graph = quietly(pb.trace, f, *[Aval(x.shape, x.dtype) for x in given])
    simplified = quietly(graph.simplify)
    before = evaluate(graph, dict(zip(graph.inputs, given, strict=True)))
    after = evaluate(simplified, dict(zip(simplified.inputs, given, strict=True)))
    for node, other in zip(graph.outputs, simplified.outputs, strict=True):
        assert node.aval == other.aval
        expected, found = np.asarray(before[node]), np.asarray(after[other])
        kept = np.isfinite(expected) if expected.dtype.kind in "fc" else np.ones(expected.shape, bool)
        assert_same(found[kept], expected[kept], np.float64)  # what was not finite may have become so


def a_batch_is_a_loop(declared, sample):
    draws = [sample.make(seed) for seed in range(3)]
    arrays = [[leaf for leaf in flatten(draw)[0] if isinstance(leaf, np.ndarray)] for draw in draws]
    floats = tuple(i for i, leaf in enumerate(arrays[0]) if is_inexact_array(leaf))
    for chosen in {floats, *((i,) for i in floats)}:
        _compare_batch(declared, draws[0], arrays, chosen)
    if len(floats) < len(arrays[0]):  # indices and masks that differ between members, where values are not needed
        with contextlib.suppress(pb.errors.ConcretizationError):
            _compare_batch(declared, draws[0], arrays, tuple(range(len(arrays[0]))))


def _compare_batch(declared, draw, arrays, chosen):
    args, keywords = draw

    def f(*members):
        given = list(arrays[0])
        for i, member in zip(chosen, members, strict=True):
            given[i] = member
        given = iter(given)

        def fill(x):
            return pb.asarray(next(given))

        return results(ours(declared)(*map_arrays(fill, args), **map_arrays(fill, dict(sorted(keywords.items())))))

    members = [[pb.array(draw[i]) for i in chosen] for draw in arrays]
    expected = [quietly(f, *one) for one in members]
    stacked = [pb.asarray(np.stack([draw[i] for draw in arrays])) for i in chosen]
    found = quietly(pb.vmap(f), *stacked)
    for position, one in enumerate(found):
        assert_same(one, np.stack([np.asarray(other[position]) for other in expected]), np.float64)


def compiled_results_are_the_eager_ones(declared, sample, dtype=np.float64):
    args, keywords = map_arrays(lambda x: quietly(x.astype, dtype) if is_float_array(x) else x, sample.make())
    keywords = dict(sorted(keywords.items()))
    arrays = [leaf for leaf in flatten((args, keywords))[0] if isinstance(leaf, np.ndarray)]
    try:
        _compare_compiled(declared, args, keywords, arrays, lambda x: True, dtype)
    except pb.errors.ConcretizationError:  # indices and masks whose values are needed
        _compare_compiled(declared, args, keywords, [x for x in arrays if is_inexact_array(x)], is_inexact_array, dtype)


def _compare_compiled(declared, args, keywords, arrays, is_traced, dtype):
    def f(*values):
        values = iter(values)

        def fill(x):
            return next(values) if is_traced(x) else pb.array(x)

        return ours(declared)(*map_arrays(fill, args), **map_arrays(fill, keywords))

    try:
        expected = quietly(f, *[pb.array(x) for x in arrays])
    except pb.errors.DTypeError:  # a dtype that it is not defined for
        with pytest.raises(pb.errors.DTypeError):
            quietly(pb.compile(f), *arrays)
        return
    found = quietly(pb.compile(f), *arrays)
    for one, other in zip(results(found), results(expected), strict=True):
        assert_same(one, other, dtype)


def tracing_says_that_it_needs_a_value(declared, sample):
    f, given = as_function(declared, *sample.make())
    with pytest.raises(pb.errors.ConcretizationError, match="needs a value"):
        pb.trace(f, *[Aval(x.shape, x.dtype) for x in given])


def derivatives_agree_with_finite_differences(declared, sample, dtype=np.float64):
    f, points = differentiable_call(declared, sample, dtype)
    run = aloud(declared)
    single = any(pb.asarray(one).dtype in (np.float32, np.complex64) for one in results(run(f, *points)))
    if single:
        run(check_grads, f, points, order=1, rtol=1e-2, step=2e-2)
    else:
        run(check_grads, f, points, order=2, step=1e-3)


def complex_derivatives_agree_with_finite_differences(declared, sample):
    derivatives_agree_with_finite_differences(declared, sample, np.complex128)


def derivatives_have_the_dtype_and_shape_of_what_they_belong_to(declared, sample, dtype=np.float32):
    f, points = differentiable_call(declared, sample, dtype)
    run = aloud(declared)
    outputs = results(run(f, *points))
    kept = [i for i, one in enumerate(outputs) if pb.asarray(one).dtype.kind in "fc"]

    def floating(*values):
        found = results(f(*values))
        return [found[i] for i in kept]

    out, pullback = run(pb.vjp, floating, *points)
    for gradient, point in zip(run(pullback, out), points, strict=True):
        assert (gradient.dtype, gradient.shape) == (point.dtype, point.shape)
    out, tangents = run(pb.jvp, floating, tuple(points), tuple(points))
    for tangent, one in zip(tangents, out, strict=True):
        assert (tangent.dtype, tangent.shape) == (one.dtype, one.shape)


def complex_derivatives_have_the_dtype_and_shape_of_what_they_belong_to(declared, sample):
    derivatives_have_the_dtype_and_shape_of_what_they_belong_to(declared, sample, np.complex64)


def bad_input_is_refused_in_our_words(declared, case, traced):
    args, _ = Sample(case.args).make()
    with pytest.raises(case.error) as caught:
        call(declared, args, case.keywords, traced)
    assert case.match in str(caught.value)
    assert "contract.py" in str(caught.value), "the message names the user's line"


def call(declared, args, keywords, traced):
    arrays = [i for i, arg in enumerate(args) if isinstance(arg, np.ndarray) and arg.dtype.kind in "biufc"]

    def f(*values):
        filled = list(args)
        for i, value in zip(arrays, values, strict=True):
            filled[i] = value
        return ours(declared)(*filled, **keywords)

    return pb.trace(f, *[args[i] for i in arrays]) if traced else f(*[args[i] for i in arrays])


def is_public(declared):
    return isinstance(declared, Function) or (isinstance(declared, Pointwise) and declared.public)


NO_NUMBERS = {
    "text": "text",
    "None": None,
    "objects": np.array([None, "text"], object),
    "dates": np.array(["2024-01-01"], "M8[D]"),
    "texts in a list": ["text"],
    "ragged": [[1.0], [1.0, 2.0]],
}


def may_be_none(declared, position):
    """Whether None at this position says that there is nothing: the signature's default says so too."""
    parameters = list(inspect.signature(ours(declared)).parameters.values())
    return position < len(parameters) and parameters[position].default in (None, np._NoValue)


TAKE_CONTAINERS = {"associative_scan": 1, "cond": 3, "fori_loop": 3, "map": 1, "scan": 1, "switch": 2, "while_loop": 2}
"""From which position on None is an empty container, and a ragged list one of numbers."""


def array_arguments(declared):
    """The first sample that is called with arrays, and the position of each of these in turn."""
    for sample in declared.samples:
        found = [(sample, i) for i, arg in enumerate(sample.args) if isinstance(arg, Spec)]
        if found:
            return found
    return []


def kinds_of_no_numbers(declared, position):
    """What is no array of numbers at this position."""
    containers = position >= TAKE_CONTAINERS.get(declared.name, position + 1)
    return [kind for kind in NO_NUMBERS if not (containers and kind in ("None", "ragged"))]


def what_is_no_array_of_numbers_is_refused_by_name(declared, sample, position, kind, traced):
    args, keywords = sample.make()
    args = list(args)
    args[position] = NO_NUMBERS[kind]
    if NO_NUMBERS[kind] is None and may_be_none(declared, position):
        with contextlib.suppress(pb.errors.ArgumentError):  # where(c, None, y): both, or neither
            call(declared, args, keywords, traced)
        return
    with pytest.raises(pb.errors.PullbackError) as caught:
        call(declared, args, keywords, traced)
    assert str(caught.value).startswith(f"{declared.name}: ")
    assert "contract.py" in str(caught.value), "the message names the user's line"


def shapes_that_do_not_broadcast_are_refused(declared, traced):
    shapes = [(2, 3), (4,), *[()] * (declared.arity - 2)]
    dtype = next(one for one in (np.float64, np.int64) if _takes(declared, one))
    with pytest.raises(pb.errors.ShapeError) as caught:
        call(declared, [np.ones(shape, dtype) for shape in shapes], {}, traced)
    words = "expected shapes that broadcast together, got (2, 3) and (4,)"
    assert str(caught.value).startswith(f"{declared.name}: {words}")
    assert "contract.py" in str(caught.value), "the message names the user's line"


def _takes(declared, dtype):
    try:
        declared.resolve((np.dtype(dtype),) * declared.arity)
    except pb.errors.DTypeError:
        return False
    return True


def is_documented(declared):
    doc = ours(declared).__doc__
    assert doc
    assert doc.strip()[0].isupper() or doc.strip().startswith(("``", "x", "e", "f"))
    if is_public(declared):
        assert ">>>" in doc, "a public operation has a doctest"


# All of it ----------------------------------------------------------------------------------------------------------

PARTS = [
    (has_reference, value_and_dtype_are_the_references),
    (lambda declared, sample: True, recorded_value_is_the_plain_value),
    (is_traceable, traced_graph_has_the_avals_and_values_of_the_eager_run),
    (is_traceable, a_simplified_graph_means_what_the_graph_meant),
    (is_traceable, a_batch_is_a_loop),
    (is_traceable, compiled_results_are_the_eager_ones),
    (is_smooth, derivatives_agree_with_finite_differences),
    (is_smooth, derivatives_have_the_dtype_and_shape_of_what_they_belong_to),
    (is_smooth_for_complex, complex_derivatives_agree_with_finite_differences),
    (is_smooth_for_complex, complex_derivatives_have_the_dtype_and_shape_of_what_they_belong_to),
]


def all_of_it(declared):
    """Run every part of the contract on one operation."""
    is_documented(declared)
    for sample in declared.samples:
        for applies, part in PARTS:
            if applies(declared, sample):
                part(declared, sample)
    for traced in (False, True):
        for case in declared.rejects:
            bad_input_is_refused_in_our_words(declared, case, traced)
        for sample, position in array_arguments(declared):
            for kind in kinds_of_no_numbers(declared, position):
                what_is_no_array_of_numbers_is_refused_by_name(declared, sample, position, kind, traced)
        if isinstance(declared, Pointwise) and declared.arity > 1:
            shapes_that_do_not_broadcast_are_refused(declared, traced)
