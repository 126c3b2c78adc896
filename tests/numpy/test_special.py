"""pullback.special: SciPy's names and signatures, over the operations that are declared once elsewhere."""

import inspect

import numpy as np
import pytest
import scipy.special

import pullback as pb
from pullback.core.operations import scipy_overrides
from pullback.errors import ArgumentError, ConcretizationError, DTypeError, NotDifferentiableError, UnsupportedError

SCIPYS = [name for name in dir(pb.special) if hasattr(scipy.special, name)]
OWN = [
    "airy_ai", "airy_ai_prime", "airy_bi", "airy_bi_prime", "cosine_integral", "fresnel_cosine", "fresnel_sine",
    "hyperbolic_cosine_integral", "hyperbolic_sine_integral", "jacobi_amplitude", "jacobi_cn", "jacobi_dn", "jacobi_sn",
    "log1mexp", "log_sigmoid", "logistic_loss", "relu", "sigmoid", "sine_integral",
]  # fmt: skip


def test_what_scipy_has_not_is_what_has_no_counterpart_in_numpy():
    assert sorted(set(dir(pb.special)) - set(SCIPYS) - {"softplus"}) == OWN


@pytest.mark.parametrize("name", dir(pb.special))
def test_every_name_is_there_documented_and_no_second_declaration(name):
    found = getattr(pb.special, name)
    assert found.__doc__
    if name not in ("softmax", "log_softmax"):
        assert found is getattr(pb.core.operations.operations, scipy_overrides.get(name, name))


@pytest.mark.parametrize("name", sorted(set(scipy.special.__all__) - set(SCIPYS)))
def test_what_scipy_has_and_this_has_not_is_refused_by_name(name):
    with pytest.raises(
        UnsupportedError, match=rf"pullback\.special has no '{name}': .* scipy\.special\.{name} on values"
    ):
        getattr(pb.special, name)
    assert not hasattr(pb.special, name)


@pytest.mark.parametrize("name", ["lambertw", "log_softmax", "logsumexp", "polygamma", "softmax", "zeta"])
def test_scipys_functions_have_scipys_signature(name):
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (pb.special, scipy.special))
    ours, theirs = ([(one.name, one.default) for one in found.values()] for found in (ours, theirs))
    assert ours == [one for one in theirs if one[0] != "out"]  # nothing is written to


@pytest.mark.parametrize("name", [name for name in SCIPYS if isinstance(getattr(scipy.special, name), np.ufunc)])
def test_scipys_ufuncs_have_as_many_arguments(name):
    assert len(inspect.signature(getattr(pb.special, name)).parameters) == getattr(scipy.special, name).nin


def test_the_softmax_is_over_all_elements_by_default_as_scipys():
    x = np.array([[0.0, 1.0], [2.0, 3.0]])
    for name in ("softmax", "log_softmax"):
        ours, theirs = getattr(pb.special, name), getattr(scipy.special, name)
        np.testing.assert_allclose(np.asarray(ours(x)), theirs(x))
        np.testing.assert_allclose(np.asarray(ours(x, axis=0)), theirs(x, axis=0))


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_scipys_functions_written_in_python_refuse_a_watched_array_by_name(name):
    with pytest.raises(NotDifferentiableError, match=rf"scipy\.special\.{name} .* lose the gradient.*test_special.py"):
        getattr(scipy.special, name)(pb.array([1.0, 2.0], requires_grad=True))
    with pytest.raises(ConcretizationError, match=rf"scipy\.special\.{name} .* needs a value"):
        pb.trace(getattr(scipy.special, name), np.ones(2))


def test_scipys_functions_that_call_one_ufunc_are_differentiated():
    assert pb.grad(lambda z: scipy.special.lambertw(z).real)(1.0) == pytest.approx(0.36189625)


def test_names_and_keywords_that_are_not_there_are_refused():
    with pytest.raises(UnsupportedError, match=r"pullback\.special has no '_zeta'\. At"):
        _ = pb.special._zeta
    with pytest.raises(UnsupportedError, match=r"pullback\.special has no 'nonsense'\. At"):
        _ = pb.special.nonsense
    with pytest.raises(ArgumentError, match="erf: the keyword out= is not supported"):
        pb.special.erf(1.0, out=np.zeros(()))
    with pytest.raises(DTypeError, match="erf: expected 1 argument, got 2"):
        pb.special.erf(1.0, 2.0)
