"""Every keyword of every function that pullback covers is supported, or refused by the names of both."""

import inspect

import coverage_table
import numpy as np
import pytest

import pullback as pb
from pullback.core.operations import overrides
from pullback.errors import ArgumentError
from pullback.testing import check_grads

COVERED = [one for one in coverage_table.overridable() if one in overrides]
UFUNCS = [one for one in COVERED if isinstance(one, np.ufunc)]


def keywords_that_ours_lacks(function):
    """The optional parameters of NumPy's function that ours does not have, by name."""
    if isinstance(function, np.ufunc) or function is np.array:  # np.array hands on what it understands only
        return []
    ours = inspect.signature(overrides[function]).parameters
    if any(one.kind is one.VAR_KEYWORD for one in ours.values()):
        return []
    try:
        theirs = inspect.signature(function).parameters.values()
    except ValueError:  # written in C, without a signature
        return []
    ordered = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [
        one.name
        for one in theirs
        if one.kind in ordered and one.default is not one.empty and one.name not in (*ours, "like")
    ]


CASES = [
    pytest.param(function, keyword, id=f"{coverage_table.title(function)}-{keyword}")
    for function in COVERED
    for keyword in keywords_that_ours_lacks(function)
]


def first_call(function):
    args, keywords = coverage_table.calls(function)[0].make()

    def watched(x):
        if isinstance(x, (list, tuple)):
            return type(x)(map(watched, x))
        return pb.array(x, requires_grad=x.dtype.kind in "fc") if isinstance(x, np.ndarray) else x

    return [watched(one) for one in args], {name: watched(one) for name, one in keywords.items()}


@pytest.mark.parametrize(("function", "keyword"), [case for case in CASES if case.values[1] != "out"])
def test_a_keyword_that_ours_lacks_is_refused_by_name(function, keyword):
    args, keywords = first_call(function)
    with pytest.raises(ArgumentError) as caught:
        function(*args, **{**keywords, keyword: np.zeros(3)})
    assert f"{keyword}=" in str(caught.value)
    assert overrides[function].__name__ in str(caught.value)


@pytest.mark.parametrize("function", [case.values[0] for case in CASES if case.values[1] == "out"])
def test_out_makes_an_array_point_at_the_result(function):
    args, keywords = first_call(function)
    expected = function(*args, **keywords)
    target = pb.array(np.zeros(expected.shape, expected.dtype))
    assert function(*args, **keywords, out=target) is target
    assert target.requires_grad == expected.requires_grad
    np.testing.assert_array_equal(target.detach(), expected.detach())


@pytest.mark.parametrize("ufunc", [pytest.param(one, id=one.__name__) for one in UFUNCS])
def test_a_ufuncs_keywords_are_taken_or_refused_by_name(ufunc):
    args, _ = first_call(ufunc)
    for one in results(ufunc(*args, casting="unsafe")):
        assert isinstance(one, pb.Array)
    if ufunc.signature is None:  # matmul and its kin have no where= in NumPy either
        with pytest.raises(ArgumentError, match=rf"{ufunc.__name__}: .*where="):
            ufunc(*args, where=np.array(False))


def results(found):
    return found if isinstance(found, tuple) else (found,)


def test_keywords_that_say_the_default_or_what_an_array_does_not_show_are_accepted():
    x = pb.array([1.0, 2.0], requires_grad=True)
    assert np.copy(x, order="F", subok=False).tolist() == [1.0, 2.0]
    assert np.broadcast_to(x, (1, 2), subok=True).shape == (1, 2)
    assert np.add(x, x, where=True, casting="same_kind", order="K", subok=True).tolist() == [2.0, 4.0]
    with pytest.raises(ArgumentError, match="order="):
        np.copy(x, order="Z")


VALUES = (0.73, 2.03, np.array([0.73, 1.1, 1.3]))
FILES = {np.save, np.savetxt, np.savez, np.savez_compressed}


def optional_parameters(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C, without a signature
        return []
    names = [one.name for one in parameters if one.default is not one.empty]
    return [name for name in names if name not in ("like", "out")]


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(one, id=coverage_table.title(one))
        for one in coverage_table.overridable()
        if not isinstance(one, np.ufunc) and not coverage_table.is_text(one) and one not in FILES
    ],
)
def test_a_watched_keyword_is_differentiated_or_refused(function):
    """An ``initial``, a fill value, a spacing that is watched is no constant; most keywords take no array at all."""
    sample = coverage_table.calls(function)[0]
    for keyword in optional_parameters(function):
        if keyword not in sample.keywords:
            for value in VALUES:
                watched_keyword(function, sample, keyword, value)


def watched_keyword(function, sample, keyword, value):
    def run(given):
        args, keywords = sample.make(1)
        args = [pb.array(one) if isinstance(one, np.ndarray) else one for one in args]
        keywords = {name: pb.array(one) if isinstance(one, np.ndarray) else one for name, one in keywords.items()}
        return coverage_table.floating(function(*args, **{**keywords, keyword: given}))

    with coverage_table.quiet():
        try:
            found = run(pb.array(value, requires_grad=True))
            moved = run(pb.array(value + 1e-4)), run(pb.array(value - 1e-4))
        except (TypeError, ValueError, AttributeError):
            return  # refused, by pullback or by NumPy: the keyword takes no such array
        kept = [isinstance(one, pb.Array) and one.requires_grad for one in found]
        if any(kept):
            check_grads(lambda given: [one for one, known in zip(run(given), kept, strict=True) if known], (value,))
        for one, known, up, down in zip(found, kept, *moved, strict=True):
            if not known:
                same = np.array_equal(np.asarray(up), np.asarray(down), equal_nan=True)
                assert same, f"{keyword}={value} changes the result of {function.__name__}: {one}"
