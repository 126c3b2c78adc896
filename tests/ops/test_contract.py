"""Every primitive and every composed function, at every sample, through every walk. The parts are in contract.py."""

import contract
import numpy as np
import pytest

from pullback.core.families import Pointwise
from pullback.core.operations import functions, primitives
from pullback.core.sample import Spec

DECLARED = {
    **{f"primitive {one.name}": one for one in primitives.values() if one.samples},
    **{f"function {one.name}": one for one in functions.values()},
}
CASES = [(f"{name}-{i}", one, sample) for name, one in DECLARED.items() for i, sample in enumerate(one.samples)]


def cases(applies):
    """The samples that a part of the contract applies to; decided before the run, so that none is skipped."""
    return [pytest.param(one, sample, id=name) for name, one, sample in CASES if applies(one, sample)]


SMOOTH, COMPLEX = cases(contract.is_smooth), cases(contract.is_smooth_for_complex)
REJECTS = [
    pytest.param(one, case, traced, id=f"{name}-{i}-{'traced' if traced else 'eager'}")
    for name, one in DECLARED.items()
    for i, case in enumerate(one.rejects)
    for traced in (False, True)
    if not traced or any(isinstance(arg, Spec) for arg in case.args)
]
MODES = pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])


@pytest.mark.parametrize(("declared", "sample"), cases(contract.has_reference))
def test_value_and_dtype_are_numpys(declared, sample):
    contract.value_and_dtype_are_the_references(declared, sample)


@pytest.mark.parametrize("dtype", contract.DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(("declared", "sample"), cases(contract.is_convertible))
def test_other_dtypes_are_numpys(declared, sample, dtype):
    contract.other_dtypes_are_the_references(declared, sample, dtype)


@pytest.mark.parametrize(("declared", "sample"), cases(lambda declared, sample: True))
def test_recorded_value_is_the_plain_value(declared, sample):
    contract.recorded_value_is_the_plain_value(declared, sample)


@pytest.mark.parametrize(("declared", "sample"), cases(contract.is_traceable))
def test_traced_graph_has_the_avals_and_values_of_the_eager_run(declared, sample):
    contract.traced_graph_has_the_avals_and_values_of_the_eager_run(declared, sample)


@pytest.mark.parametrize(("declared", "sample"), cases(contract.is_traceable))
def test_a_simplified_graph_means_what_the_graph_meant(declared, sample):
    contract.a_simplified_graph_means_what_the_graph_meant(declared, sample)


@pytest.mark.parametrize(("declared", "sample"), cases(contract.is_traceable))
def test_a_batch_is_a_loop(declared, sample):
    contract.a_batch_is_a_loop(declared, sample)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(("declared", "sample"), cases(contract.is_traceable))
def test_compiled_results_are_the_eager_ones(declared, sample, dtype):
    contract.compiled_results_are_the_eager_ones(declared, sample, dtype)


@pytest.mark.parametrize(("declared", "sample"), cases(contract.needs_values))
def test_tracing_what_needs_a_value_says_so(declared, sample):
    contract.tracing_says_that_it_needs_a_value(declared, sample)


@pytest.mark.parametrize(("declared", "sample"), SMOOTH)
def test_derivatives_agree_with_finite_differences(declared, sample):
    contract.derivatives_agree_with_finite_differences(declared, sample)


@pytest.mark.parametrize(("declared", "sample"), COMPLEX)
def test_complex_derivatives_agree_with_finite_differences(declared, sample):
    contract.complex_derivatives_agree_with_finite_differences(declared, sample)


@pytest.mark.parametrize(("declared", "sample"), SMOOTH)
def test_derivatives_in_single_precision_have_the_dtype_and_shape_of_what_they_belong_to(declared, sample):
    contract.derivatives_have_the_dtype_and_shape_of_what_they_belong_to(declared, sample)


@pytest.mark.parametrize(("declared", "sample"), COMPLEX)
def test_complex_derivatives_in_single_precision_have_the_dtype_and_shape_of_what_they_belong_to(declared, sample):
    contract.complex_derivatives_have_the_dtype_and_shape_of_what_they_belong_to(declared, sample)


@pytest.mark.parametrize(("declared", "case", "traced"), REJECTS)
def test_bad_input_is_refused_in_our_words(declared, case, traced):
    contract.bad_input_is_refused_in_our_words(declared, case, traced)


@MODES
@pytest.mark.parametrize(
    ("declared", "sample", "position", "kind"),
    [
        pytest.param(one, sample, position, kind, id=f"{name}-{position}-{kind}")
        for name, one in DECLARED.items()
        if contract.is_public(one)
        for sample, position in contract.array_arguments(one)
        for kind in contract.kinds_of_no_numbers(one, position)
    ],
)
def test_what_is_no_array_of_numbers_is_refused_by_name(declared, sample, position, kind, traced):
    contract.what_is_no_array_of_numbers_is_refused_by_name(declared, sample, position, kind, traced)


@MODES
@pytest.mark.parametrize(
    "declared",
    [
        pytest.param(one, id=name)
        for name, one in DECLARED.items()
        if isinstance(one, Pointwise) and one.public and one.arity > 1
    ],
)
def test_shapes_that_do_not_broadcast_are_refused_by_name(declared, traced):
    contract.shapes_that_do_not_broadcast_are_refused(declared, traced)


@pytest.mark.parametrize("declared", [pytest.param(one, id=name) for name, one in DECLARED.items()])
def test_is_documented(declared):
    contract.is_documented(declared)
