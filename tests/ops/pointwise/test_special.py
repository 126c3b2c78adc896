"""Special functions: values and first and second derivatives against mpmath with 50 digits."""

import subprocess
import sys
from typing import ClassVar

import mpmath
import numpy as np
import pytest
import scipy.special

import pullback as pb
from pullback.core.operations import operations as ops
from pullback.core.operations import scipy_overrides
from pullback.errors import DTypeError, NotDifferentiableError

mp = mpmath.mp.clone()
mp.dps = 50


def repeated_erfc(x, n):
    """exp(x^2) times the n-fold integral of erfc, by the recurrence; the digits that it loses are there."""
    before, result = 2 / mp.sqrt(mp.pi), mp.exp(x * x) * mp.erfc(x)
    for k in range(1, n + 1):
        before, result = result, (before - 2 * x * result) / (2 * k)
    return result


def log_sigmoid(x):
    return -mp.log1p(mp.exp(-x))


def logistic_loss(z, y):
    return -y * log_sigmoid(z) - (1 - y) * log_sigmoid(-z)


SMALL = [-3.0, -0.7, 1e-9, 0.3, 2.5]
POSITIVE = [1e-3, 0.3, 1.0, 2.5, 20.0]
UNIT = [1e-6, 0.2, 0.5, 0.9, 1 - 1e-4]
CASES = {
    "erf": (ops.erf, mp.erf, [*SMALL, 5.0]),
    "erfc": (ops.erfc, mp.erfc, [*SMALL, 10.0, 26.0]),
    "erfcx": (ops.erfcx, lambda x: repeated_erfc(x, 0), [*SMALL, 1.99, 2.01, 30.0, 1e4, 1e7]),
    "scaled_erfc_integral 1": (lambda x: ops.scaled_erfc_integral(x, n=1), lambda x: repeated_erfc(x, 1), [-2.0, 1e4]),
    "scaled_erfc_integral 2": (lambda x: ops.scaled_erfc_integral(x, n=2), lambda x: repeated_erfc(x, 2), [-2.0, 2.1]),
    "erfinv": (ops.erfinv, mp.erfinv, [-0.9, 1e-9, 0.3, 0.999]),
    "erfcinv": (ops.erfcinv, lambda x: mp.erfinv(1 - x), [1e-12, 0.3, 1.0, 1.9]),
    "ndtr": (ops.ndtr, mp.ncdf, [*SMALL, -30.0]),
    "ndtri": (ops.ndtri, lambda x: mp.sqrt(2) * mp.erfinv(2 * x - 1), [1e-12, 0.3, 0.975]),
    "log_ndtr": (ops.log_ndtr, lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2), [*SMALL, -40.0, -1e4, 10.0]),
    "gammaln": (ops.gammaln, lambda x: mp.log(abs(mp.gamma(x))), [-2.5, 0.1, 1.5, 30.0, 1e6]),
    "gamma": (ops.gamma, mp.gamma, [-2.5, 0.1, 1.5, 30.0, 150.0]),
    "rgamma": (ops.rgamma, mp.rgamma, [-20.5, -3.0, -1.0, 0.0, 0.1, 0.49, 0.51, 1.5, 30.0]),
    "digamma": (ops.digamma, mp.digamma, [-2.5, 0.1, 2.5, 30.0, 1e6]),
    "polygamma 1": (lambda x: ops.polygamma(1, x), lambda x: mp.polygamma(1, x), [-2.5, 0.1, 2.5, 1e6]),
    "polygamma 4": (lambda x: ops.polygamma(4, x), lambda x: mp.polygamma(4, x), [-2.5, 0.1, 2.5]),
    "zeta": (lambda q: ops.zeta(2.5, q), lambda q: mp.zeta(2.5, q), [0.3, 1.0, 10.0]),
    "beta a": (lambda x: ops.beta(x, 1.5), lambda x: mp.beta(x, 1.5), [0.3, 1.0, 10.0]),
    "beta b": (lambda x: ops.beta(2.5, x), lambda x: mp.beta(2.5, x), [0.3, 1.0, 10.0]),
    "betaln a": (lambda x: ops.betaln(x, 1.5), lambda x: mp.log(mp.beta(x, 1.5)), [0.3, 3.0, 50.0]),
    "betaln b": (lambda x: ops.betaln(2.5, x), lambda x: mp.log(mp.beta(2.5, x)), [0.3, 3.0, 50.0]),
    "gammainc": (
        lambda x: ops.gammainc(2.5, x), lambda x: mp.gammainc(2.5, 0, x, regularized=True), [1e-3, 0.5, 2.0, 10.0]),
    "gammaincc": (
        lambda x: ops.gammaincc(2.5, x), lambda x: mp.gammainc(2.5, x, mp.inf, regularized=True), [0.5, 2.0, 40.0]),
    "betainc": (
        lambda x: ops.betainc(2.5, 1.5, x), lambda x: mp.betainc(2.5, 1.5, 0, x, regularized=True), UNIT),
    "betaincc": (
        lambda x: ops.betaincc(2.5, 1.5, x), lambda x: mp.betainc(2.5, 1.5, x, 1, regularized=True), UNIT[1:4]),
    "i0": (ops.i0, lambda x: mp.besseli(0, x), SMALL),
    "i1": (ops.i1, lambda x: mp.besseli(1, x), [*SMALL, 0.0, 30.0]),
    "i0e": (ops.i0e, lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), [-3.0, 0.3, 2.5, 50.0]),
    "i1e": (ops.i1e, lambda x: mp.exp(-abs(x)) * mp.besseli(1, x), [-3.0, 0.3, 2.5, 50.0]),
    "j0": (ops.j0, lambda x: mp.besselj(0, x), [*SMALL, 30.0]),
    "j1": (ops.j1, lambda x: mp.besselj(1, x), [*SMALL, 30.0]),
    "y0": (ops.y0, lambda x: mp.bessely(0, x), POSITIVE),
    "y1": (ops.y1, lambda x: mp.bessely(1, x), POSITIVE),
    "k0": (ops.k0, lambda x: mp.besselk(0, x), POSITIVE),
    "k1": (ops.k1, lambda x: mp.besselk(1, x), POSITIVE),
    "k0e": (ops.k0e, lambda x: mp.exp(x) * mp.besselk(0, x), POSITIVE),
    "k1e": (ops.k1e, lambda x: mp.exp(x) * mp.besselk(1, x), POSITIVE),
    "jv": (lambda x: ops.jv(1.5, x), lambda x: mp.besselj(1.5, x), POSITIVE),
    "yv": (lambda x: ops.yv(1.5, x), lambda x: mp.bessely(1.5, x), POSITIVE),
    "iv": (lambda x: ops.iv(1.5, x), lambda x: mp.besseli(1.5, x), POSITIVE),
    "kv": (lambda x: ops.kv(1.5, x), lambda x: mp.besselk(1.5, x), POSITIVE),
    "ive": (lambda x: ops.ive(1.5, x), lambda x: mp.exp(-x) * mp.besseli(1.5, x), POSITIVE),
    "kve": (lambda x: ops.kve(1.5, x), lambda x: mp.exp(x) * mp.besselk(1.5, x), POSITIVE),
    "expi": (ops.expi, mp.ei, [-2.0, 0.1, 2.5, 30.0]),
    "exp1": (ops.exp1, mp.e1, POSITIVE),
    "expn 0": (lambda x: ops.expn(0, x), lambda x: mp.expint(0, x), POSITIVE),
    "expn 2": (lambda x: ops.expn(2, x), lambda x: mp.expint(2, x), POSITIVE),
    "sine_integral": (ops.sine_integral, mp.si, [*SMALL, 20.0]),
    "cosine_integral": (ops.cosine_integral, mp.ci, POSITIVE),
    "xlogy x": (lambda x: ops.xlogy(x, 3.0), lambda x: x * mp.log(3), [-2.0, 0.0, 1.5]),
    "xlogy y": (lambda y: ops.xlogy(1.5, y), lambda y: 1.5 * mp.log(y), POSITIVE),
    "xlog1py x": (lambda x: ops.xlog1py(x, 1e-9), lambda x: x * mp.log1p(1e-9), [-2.0, 0.0, 1.5]),
    "xlog1py y": (lambda y: ops.xlog1py(1.5, y), lambda y: 1.5 * mp.log1p(y), [-0.9, 1e-12, 3.0]),
    "entr": (ops.entr, lambda x: -x * mp.log(x), POSITIVE),
    "rel_entr x": (lambda x: ops.rel_entr(x, 0.4), lambda x: x * mp.log(x / 0.4), POSITIVE),
    "rel_entr y": (lambda y: ops.rel_entr(0.4, y), lambda y: 0.4 * mp.log(0.4 / y), POSITIVE),
    "kl_div x": (lambda x: ops.kl_div(x, 0.4), lambda x: x * mp.log(x / 0.4) - x + 0.4, POSITIVE),
    "kl_div y": (lambda y: ops.kl_div(0.4, y), lambda y: 0.4 * mp.log(0.4 / y) - 0.4 + y, POSITIVE),
    "sigmoid": (ops.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), [-700.0, -30.0, -0.7, 0.3, 2.5]),
    "logit": (ops.logit, lambda x: mp.log(x / (1 - x)), [1e-12, 0.2, 0.7]),
    "softplus": (ops.softplus, lambda x: mp.log1p(mp.exp(x)), [-700.0, -30.0, *SMALL]),
    "log_sigmoid": (ops.log_sigmoid, log_sigmoid, [-700.0, 300.0, *SMALL]),
    "logistic_loss 1": (lambda z: ops.logistic_loss(z, 1.0), lambda z: logistic_loss(z, 1), [-100.0, -3.0, 0.3, 3.0]),
    "logistic_loss 0": (lambda z: ops.logistic_loss(z, 0.0), lambda z: logistic_loss(z, 0), [-700.0, -3.0, 0.3, 3.0]),
    "logistic_loss 0.3": (lambda z: ops.logistic_loss(z, 0.3), lambda z: logistic_loss(z, mp.mpf("0.3")), SMALL),
}  # fmt: skip


def derivative(f, x):
    """The elementwise derivative in forward mode, which must be the one in reverse mode."""
    _, pushed = pb.jvp(f, (x,), (np.ones_like(x),))
    _, pullback = pb.vjp(f, x)
    (pulled,) = pullback(np.ones_like(x))
    np.testing.assert_allclose(np.asarray(pb.asarray(pulled).detach()), np.asarray(pb.asarray(pushed).detach()))
    return pushed


@pytest.mark.parametrize("name", CASES)
def test_value_and_derivatives_have_the_digits_of_mpmath(name):
    ours, exact, points = CASES[name]
    x = np.array(points)

    def slope(x):
        return pb.jvp(ours, (x,), (pb.asarray(np.ones(x.shape)),))[1]

    found = [np.asarray(ours(pb.asarray(x))), derivative(ours, x), derivative(slope, x)]
    for order, values in enumerate(found):
        expected = np.array([float(mp.diff(exact, mp.mpf(p), order, relative=p != 0)) for p in points])
        np.testing.assert_allclose(values, expected, rtol=1e-10, atol=1e-300, err_msg=f"derivative {order} at {points}")


COMPLEX = {
    "erf": (ops.erf, mp.erf),
    "erfc": (ops.erfc, mp.erfc),
    "erfcx": (ops.erfcx, lambda z: repeated_erfc(z, 0)),
    "ndtr": (ops.ndtr, lambda z: mp.erfc(-z / mp.sqrt(2)) / 2),
    "log_ndtr": (ops.log_ndtr, lambda z: mp.log(mp.erfc(-z / mp.sqrt(2)) / 2)),
    "jv": (lambda z: ops.jv(1.5, z), lambda z: mp.besselj(1.5, z)),
    "yv": (lambda z: ops.yv(1.5, z), lambda z: mp.bessely(1.5, z)),
    "iv": (lambda z: ops.iv(1.5, z), lambda z: mp.besseli(1.5, z)),
    "kv": (lambda z: ops.kv(1.5, z), lambda z: mp.besselk(1.5, z)),
    "kve": (lambda z: ops.kve(1.5, z), lambda z: mp.exp(z) * mp.besselk(1.5, z)),
    "expi": (ops.expi, mp.ei),
    "exp1": (ops.exp1, mp.e1),
    "sine_integral": (ops.sine_integral, mp.si),
    "cosine_integral": (ops.cosine_integral, mp.ci),
    "lambertw": (ops.lambertw, mp.lambertw),
    "lambertw -1": (lambda z: ops.lambertw(z, -1), lambda z: mp.lambertw(z, -1)),
    "xlogy": (lambda z: ops.xlogy(1 + 2j, z), lambda z: (1 + 2j) * mp.log(z)),
    "xlog1py": (lambda z: ops.xlog1py(1 + 2j, z), lambda z: (1 + 2j) * mp.log(1 + z)),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_values_and_derivatives_are_mpmaths(name):
    ours, exact = COMPLEX[name]
    z = np.array([0.5 + 0.3j, 1.2 - 0.8j, 2.0 + 1.5j])
    _, slope = pb.jvp(ours, (z,), (np.ones_like(z),))
    _, pullback = pb.vjp(ours, z)
    expected = np.array([complex(mp.diff(exact, mp.mpc(point))) for point in z])
    np.testing.assert_allclose(np.asarray(ours(z)), [complex(exact(mp.mpc(point))) for point in z], rtol=1e-12)
    np.testing.assert_allclose(slope, expected, rtol=1e-11)
    np.testing.assert_allclose(pullback(np.ones_like(z))[0], np.conj(expected), rtol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_single_precision_stays_single_in_values_and_derivatives(name):
    ours, exact, _ = CASES[name]
    if name.startswith("expn"):
        pytest.skip("an integer order makes SciPy's result double")
    x = np.array([0.3, 0.7], np.float32)
    slope = derivative(ours, x)
    assert ours(x).dtype == slope.dtype == np.float32
    np.testing.assert_allclose(slope, [float(mp.diff(exact, mp.mpf(float(p)))) for p in x], rtol=2e-5, atol=1e-6)


class TestRefusals:
    CALLS: ClassVar = {
        "jv": lambda v: ops.jv(v, 1.0),
        "yv": lambda v: ops.yv(v, 1.0),
        "iv": lambda v: ops.iv(v, 1.0),
        "kv": lambda v: ops.kv(v, 1.0),
        "ive": lambda v: ops.ive(v, 1.0),
        "kve": lambda v: ops.kve(v, 1.0),
        "polygamma": lambda n: ops.polygamma(n, 1.0),
        "zeta": lambda x: ops.zeta(x, 1.0),
        "expn": lambda n: ops.expn(n, 1.0),
        "gammainc": lambda a: ops.gammainc(a, 1.0),
        "gammaincc": lambda a: ops.gammaincc(a, 1.0),
        "betainc": lambda a: ops.betainc(a, 1.0, 0.5),
        "betaincc": lambda a: ops.betaincc(a, 1.0, 0.5),
    }

    @pytest.mark.parametrize("name", CALLS)
    def test_a_derivative_that_is_not_known_is_an_error_that_names_function_and_argument(self, name):
        call = self.CALLS[name]
        match = rf"^{name}: pullback has no derivative by its first argument.*At test_special.py:\d+\.$"
        with pytest.raises(NotDifferentiableError, match=match):
            pb.grad(call)(2.0)
        with pytest.raises(NotDifferentiableError, match=match):
            pb.jvp(call, (2.0,), (1.0,))

    @pytest.mark.parametrize("name", ["betainc", "betaincc"])
    def test_the_second_argument_of_the_incomplete_beta_function_is_refused_too(self, name):
        with pytest.raises(NotDifferentiableError, match=f"{name}: .*its second argument"):
            pb.grad(lambda b: getattr(ops, name)(1.0, b, 0.5))(2.0)

    def test_the_other_argument_is_differentiated_all_the_same(self):
        v, x = pb.array(2.0, requires_grad=True), pb.array(1.5, requires_grad=True)
        ops.jv(pb.stop_gradient(v), x).backward()
        assert float(x.grad) == pytest.approx(scipy.special.jvp(2.0, 1.5))
        assert v.grad is None

    @pytest.mark.parametrize("name", ["gamma", "rgamma", "digamma"])
    def test_complex_numbers_are_refused_where_the_derivative_has_no_complex_form(self, name):
        with pytest.raises(DTypeError, match=f"{name}: expected floating dtypes, got complex128"):
            getattr(ops, name)(1j)


class TestScipy:
    @pytest.mark.parametrize(
        "name", [name for name in scipy_overrides if isinstance(getattr(scipy.special, name, None), np.ufunc)]
    )
    def test_scipys_ufunc_on_a_watched_array_is_differentiated(self, name):
        ufunc = getattr(scipy.special, name)
        x = pb.array([0.3, 0.6], requires_grad=True)
        out = ufunc(*[2.0] * (ufunc.nin - 1), x)
        first = out[0] if isinstance(out, tuple) else out
        first.sum().backward()
        step = 1e-5
        around = [ufunc(*[2.0] * (ufunc.nin - 1), np.array([0.3, 0.6]) + h) for h in (-step, step)]
        before, after = [one[0] if isinstance(one, tuple) else one for one in around]
        np.testing.assert_allclose(np.asarray(x.grad), (after - before) / (2 * step), rtol=1e-7, atol=1e-9)

    def test_functions_of_scipy_that_call_ufuncs_come_along(self):
        assert float(pb.grad(lambda q: scipy.special.zeta(2.0, q))(1.5)) == pytest.approx(
            -2 * scipy.special.zeta(3.0, 1.5)
        )

    def test_a_ufunc_without_a_derivative_computes_but_refuses_what_is_watched(self):
        np.testing.assert_array_equal(scipy.special.ellipk(pb.array(0.5)), scipy.special.ellipk(0.5))
        with pytest.raises(NotDifferentiableError, match="ellipk: pullback has no derivative"):
            scipy.special.ellipk(pb.array(0.5, requires_grad=True))

    def test_outer_and_dtype(self):
        outer = scipy.special.xlogy.outer(pb.array([1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
        assert outer.shape == (2, 3)
        assert scipy.special.erf(pb.array([1.0]), dtype=np.float32).dtype == np.float32

    def test_scipy_is_loaded_by_the_first_function_that_needs_it(self):
        program = (
            "import sys, pullback as pb\n"
            "from pullback.core.operations import operations as ops\n"
            "x = pb.array(1.0, requires_grad=True)\n"
            "ops.sigmoid(x).backward(); ops.relu(x); ops.softplus(x); ops.logistic_loss(x, 1.0)\n"
            "assert 'scipy.special' not in sys.modules\n"
            "ops.erf(x)\n"
            "assert 'scipy.special' in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True)


class TestEdges:
    def test_derivative_of_a_scaled_bessel_function_far_out(self):
        x = np.array([2e6, -2e6, 1e300, np.inf])
        expected = -0.5 * x**-1.0 * np.abs(x) ** -0.5 / np.sqrt(2 * np.pi) * np.sign(x)
        np.testing.assert_allclose(pb.vmap(pb.grad(ops.i1e))(x), expected, rtol=1e-6)

    def test_relu_has_derivative_zero_at_zero(self):
        x = np.array([-1.0, -0.0, 0.0, 2.0])
        np.testing.assert_array_equal(derivative(ops.relu, x), [0.0, 0.0, 0.0, 1.0])

    def test_relu_keeps_integers_and_shows_nan(self):
        assert ops.relu(np.array([-1, 2], np.int8)).dtype == np.int8
        assert np.isnan(ops.relu(np.nan).item())

    def test_nothing_comes_through_relu_where_it_is_zero(self):
        x = np.array([-1.0, 4.0])
        np.testing.assert_array_equal(derivative(lambda x: ops.sqrt(ops.relu(x)), x), [0.0, 0.25])

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    @pytest.mark.parametrize("name", ["sigmoid", "softplus", "log_sigmoid"])
    def test_logistic_functions_are_stable_in_both_tails_of_every_precision(self, name, dtype):
        x = np.array([-np.inf, -60000, -800, -12, 0, 12, 800, 60000, np.inf], dtype)
        wide = np.asarray(x, np.longdouble)
        exact = {
            "sigmoid": 1 / (1 + np.exp(np.minimum(-wide, 11000))),
            "softplus": np.logaddexp(0, wide),
            "log_sigmoid": -np.logaddexp(0, -wide),
        }[name].astype(dtype)
        found = np.asarray(getattr(ops, name)(x))
        assert found.dtype == dtype
        tiny = np.finfo(dtype).smallest_subnormal
        np.testing.assert_allclose(found, exact, rtol=4 * np.finfo(dtype).eps, atol=2 * tiny)

    def test_products_with_logarithms_at_zero(self):
        def slopes(f, *args):
            return pb.grad(f, argnums=(0, 1))(*args)

        assert slopes(ops.xlogy, 0.0, 0.0) == (-np.inf, 0.0)
        assert slopes(ops.xlogy, 0.0, 2.0) == (np.log(2.0), 0.0)
        assert slopes(ops.xlog1py, 0.0, -1.0) == (-np.inf, 0.0)
        assert slopes(ops.kl_div, 0.0, 0.0)[1] == 1.0
        assert slopes(ops.rel_entr, 0.0, 1.0) == (-np.inf, 0.0)

    def test_a_mixed_second_derivative_of_xlogy_at_zero(self):
        slope = pb.grad(ops.xlogy, argnums=1)
        assert pb.grad(slope, argnums=0)(0.0, 4.0) == 0.25

    def test_logistic_loss_of_infinite_logits(self):
        z, y = np.array([np.inf, -np.inf, np.inf, -np.inf]), np.array([1.0, 0.0, 0.0, 1.0])
        np.testing.assert_array_equal(np.asarray(ops.logistic_loss(z, y)), [0.0, 0.0, np.inf, np.inf])
        _, pullback = pb.vjp(lambda z: ops.logistic_loss(z, y), z)
        np.testing.assert_array_equal(pullback(np.ones(4))[0], [0.0, 0.0, 1.0, -1.0])

    def test_logistic_loss_has_the_derivative_that_is_found_by_hand(self):
        z, y = np.array([-2.0, 0.5, 3.0]), np.array([1.0, 0.3, 0.0])
        _, pullback = pb.vjp(ops.logistic_loss, z, y)
        by_z, by_y = pullback(np.ones(3))
        np.testing.assert_allclose(by_z, scipy.special.expit(z) - y, rtol=1e-14)
        np.testing.assert_array_equal(by_y, -z)

    def test_selected_branches_stay_free_of_the_others_infinities(self):
        x = np.array([-1.0, 0.0, 0.5])
        slope = derivative(lambda x: ops.where(x > 0, ops.logit(ops.where(x > 0, x, 0.0)), 0.0), x)
        np.testing.assert_allclose(slope, [0.0, 0.0, 4.0])

    def test_derivative_of_the_incomplete_gamma_function_at_zero(self):
        slopes = [pb.grad(lambda x, a=a: ops.gammainc(a, x))(0.0) for a in (0.5, 1.0, 2.0)]
        assert slopes == [np.inf, 1.0, 0.0]
