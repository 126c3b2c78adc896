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
from pullback.core.operations import primitives, scipy_overrides
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


def student(df, t):
    tail = mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2
    return tail if t < 0 else 1 - tail


def owens_t(a):
    return mp.quad(lambda t: mp.exp(-(mp.mpf("0.49") * (1 + t * t)) / 2) / (1 + t * t), [0, a]) / (2 * mp.pi)


SMALL = [-3.0, -0.7, 1e-9, 0.3, 2.5]
POSITIVE = [1e-3, 0.3, 1.0, 2.5, 20.0]
SHAPES = [1e-2, 0.5, 1.0, 3.0, 40.0]
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
    "gammainc a": (lambda a: ops.gammainc(a, 3.0), lambda a: mp.gammainc(a, 0, 3, regularized=True), SHAPES),
    "gammaincc a": (
        lambda a: ops.gammaincc(a, 0.3), lambda a: mp.gammainc(a, 0.3, mp.inf, regularized=True), SHAPES[:4]),
    "betainc a": (lambda a: ops.betainc(a, 1.5, 0.7), lambda a: mp.betainc(a, 1.5, 0, 0.7, regularized=True), SHAPES),
    "betainc b": (lambda b: ops.betainc(2.5, b, 0.1), lambda b: mp.betainc(2.5, b, 0, 0.1, regularized=True), SHAPES),
    "betaincc b": (
        lambda b: ops.betaincc(2.5, b, 0.4), lambda b: mp.betainc(2.5, b, 0.4, 1, regularized=True), SHAPES),
    "loggamma": (ops.loggamma, lambda x: mp.log(mp.gamma(x)), [0.1, 1.5, 30.0, 1e6]),
    "poch z": (lambda z: ops.poch(z, 2.5), lambda z: mp.rf(z, 2.5), [0.3, 2.0, 20.0]),
    "poch m": (lambda m: ops.poch(2.5, m), lambda m: mp.rf(2.5, m), [-1.5, 0.3, 2.0, 20.0]),
    "binom x": (lambda x: ops.binom(x, 2.5), lambda x: mp.binomial(x, 2.5), [0.3, 2.0, 20.5]),
    "binom y": (lambda y: ops.binom(6.0, y), lambda y: mp.binomial(6, y), [0.3, 2.0, 8.0, -1.0]),
    "multigammaln": (
        lambda x: ops.multigammaln(x, 3), lambda x: sum(mp.loggamma(x - mp.mpf(k) / 2) for k in range(3))
        + 3 * mp.log(mp.pi) / 2, [1.5, 30.0]),
    "chdtr": (lambda v: ops.chdtr(v, 3.0), lambda v: mp.gammainc(v / 2, 0, 1.5, regularized=True), SHAPES),
    "fdtr": (
        lambda v: ops.fdtr(v, 3.0, 0.5), lambda v: mp.betainc(v / 2, 1.5, 0, v / (v + 6), regularized=True), SHAPES),
    "stdtr": (lambda t: ops.stdtr(2.5, t), lambda t: student(2.5, t), [-30.0, -0.7, 0.3, 2.5]),
    "exprel": (ops.exprel, lambda x: mp.expm1(x) / x if x else mp.mpf(1), [-300.0, -3.0, 0.3, 20.0]),
    "cosm1": (ops.cosm1, lambda x: -2 * mp.sin(x / 2) ** 2, SMALL),
    "exp10": (ops.exp10, lambda x: mp.mpf(10) ** x, SMALL),
    "powm1 x": (lambda x: ops.powm1(x, 0.3), lambda x: mp.powm1(x, 0.3), POSITIVE),
    "powm1 y": (lambda y: ops.powm1(1.5, y), lambda y: mp.powm1(1.5, y), SMALL),
    "sindg": (ops.sindg, lambda x: mp.sin(mp.radians(x)), [-30.0, 1e-9, 45.0, 1000.0]),
    "tandg": (ops.tandg, lambda x: mp.tan(mp.radians(x)), [-30.0, 1e-9, 45.0]),
    "cotdg": (ops.cotdg, lambda x: mp.cot(mp.radians(x)), [-30.0, 1e-3, 45.0]),
    "boxcox x": (lambda x: ops.boxcox(x, 0.3), lambda x: (x**0.3 - 1) / 0.3, POSITIVE),
    "boxcox lmbda": (lambda p: ops.boxcox(2.5, p), lambda p: mp.powm1(2.5, p) / p, [-3.0, 1e-9, 0.3, 20.0]),
    "boxcox1p lmbda": (lambda p: ops.boxcox1p(2.5, p), lambda p: mp.powm1(3.5, p) / p, [-3.0, 1e-9, 0.3, 20.0]),
    "inv_boxcox lmbda": (
        lambda p: ops.inv_boxcox(2.5, p), lambda p: mp.exp(mp.log1p(p * 2.5) / p), [-0.3, 1e-9, 0.3, 20.0]),
    "inv_boxcox1p y": (lambda y: ops.inv_boxcox1p(y, 0.3), lambda y: mp.expm1(mp.log1p(0.3 * y) / 0.3), SMALL),
    "pseudo_huber delta": (
        lambda d: ops.pseudo_huber(d, 1.5), lambda d: d * d * (mp.sqrt(1 + (1.5 / d) ** 2) - 1), [0.3, 2.5, 1e3]),
    "pseudo_huber r": (
        lambda r: ops.pseudo_huber(1.5, r), lambda r: 2.25 * (mp.sqrt(1 + (r / 1.5) ** 2) - 1), [-0.7, 0.3, 1e3]),
    "dawsn": (ops.dawsn, lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x), [-6.9, -0.7, 0.3, 2.5, 7.1, 1e3]),
    "erfi": (ops.erfi, mp.erfi, SMALL),
    "fresnel_sine": (ops.fresnel_sine, mp.fresnels, [-3.1, 0.3, 5.1]),
    "fresnel_cosine": (ops.fresnel_cosine, mp.fresnelc, [-3.1, 0.3, 5.1]),
    "ndtri_exp": (ops.ndtri_exp, lambda y: mp.sqrt(2) * mp.erfinv(2 * mp.exp(y) - 1), [-50.0, -3.0, -0.3]),
    "owens_t a": (lambda a: ops.owens_t(0.7, a), owens_t, [-3.0, 0.3, 2.5]),
    "ellipk": (ops.ellipk, mp.ellipk, [-1e3, -0.7, 1e-9, 0.3, 0.999]),
    "ellipe": (ops.ellipe, mp.ellipe, [-1e3, -0.7, 1e-9, 0.3, 0.999]),
    "ellipkm1": (ops.ellipkm1, lambda p: mp.ellipk(1 - p), [1e-9, 1e-3, 0.3, 2.5, 20.0]),
    "jacobi_sn": (lambda u: ops.jacobi_sn(u, 0.4), lambda u: mp.ellipfun("sn", u, 0.4), SMALL),
    "jacobi_cn": (lambda u: ops.jacobi_cn(u, 0.4), lambda u: mp.ellipfun("cn", u, 0.4), SMALL),
    "jacobi_dn": (lambda u: ops.jacobi_dn(u, 0.4), lambda u: mp.ellipfun("dn", u, 0.4), SMALL[1:]),
    "hyperbolic_sine_integral": (ops.hyperbolic_sine_integral, mp.shi, [-3.0, 1e-3, 0.3, 20.0]),
    "hyperbolic_cosine_integral": (ops.hyperbolic_cosine_integral, mp.chi, POSITIVE),
    "spence": (ops.spence, lambda z: mp.polylog(2, 1 - z), [1e-9, 0.3, 0.999, 1.001, 2.5, 1e3]),
    "wrightomega": (ops.wrightomega, lambda z: mp.lambertw(mp.exp(z)).real, [-30.0, *SMALL, 50.0]),
    "hyp0f1": (lambda x: ops.hyp0f1(1.5, x), lambda x: mp.hyp0f1(1.5, x), SMALL),
    "hyp1f1": (lambda x: ops.hyp1f1(0.5, 1.5, x), lambda x: mp.hyp1f1(0.5, 1.5, x), SMALL),
    "hyp2f1": (lambda x: ops.hyp2f1(0.5, 1.0, 1.7, x), lambda x: mp.hyp2f1(0.5, 1, 1.7, x), [-3.0, 0.3, 0.8]),
    "eval_legendre": (lambda x: ops.eval_legendre(5, x), lambda x: mp.legendre(5, x), SMALL),
    "eval_chebyt": (lambda x: ops.eval_chebyt(5, x), lambda x: mp.chebyt(5, x), SMALL),
    "eval_chebyu": (lambda x: ops.eval_chebyu(5, x), lambda x: mp.chebyu(5, x), SMALL),
    "eval_gegenbauer": (lambda x: ops.eval_gegenbauer(5, 0.7, x), lambda x: mp.gegenbauer(5, 0.7, x), SMALL),
    "eval_jacobi": (lambda x: ops.eval_jacobi(4, 0.7, 1.2, x), lambda x: mp.jacobi(4, 0.7, 1.2, x), SMALL),
    "eval_laguerre": (lambda x: ops.eval_laguerre(5, x), lambda x: mp.laguerre(5, 0, x), SMALL),
    "eval_genlaguerre": (lambda x: ops.eval_genlaguerre(5, 0.7, x), lambda x: mp.laguerre(5, 0.7, x), SMALL),
    "eval_hermite": (lambda x: ops.eval_hermite(5, x), lambda x: mp.hermite(5, x), SMALL),
    "eval_hermitenorm": (
        lambda x: ops.eval_hermitenorm(5, x), lambda x: x**5 - 10 * x**3 + 15 * x, SMALL),
    "airy_ai": (ops.airy_ai, mp.airyai, SMALL),
    "airy_bi": (ops.airy_bi, mp.airybi, SMALL),
    "struve": (lambda x: ops.struve(0.5, x), lambda x: mp.struveh(0.5, x), POSITIVE),
    "modstruve": (lambda x: ops.modstruve(0.5, x), lambda x: mp.struvel(0.5, x), POSITIVE),
    "yn": (lambda x: ops.yn(2, x), lambda x: mp.bessely(2, x), POSITIVE),
    "kn": (lambda x: ops.kn(1, x), lambda x: mp.besselk(1, x), POSITIVE),
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
    found, other = (np.asarray(pb.asarray(one).detach()) for one in (pulled, pushed))
    np.testing.assert_allclose(found, other, rtol=max(1e-7, 10 * np.finfo(x.dtype).eps))
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
    "wofz": (ops.wofz, lambda z: mp.exp(-z * z) * mp.erfc(-1j * z)),
    "wofz far": (lambda z: ops.wofz(9 * z), lambda z: mp.exp(-81 * z * z) * mp.erfc(-9j * z)),
    "erfi": (ops.erfi, mp.erfi),
    "fresnel_sine": (ops.fresnel_sine, mp.fresnels),
    "fresnel_cosine": (ops.fresnel_cosine, mp.fresnelc),
    "hyperbolic_sine_integral": (ops.hyperbolic_sine_integral, mp.shi),
    "hyperbolic_cosine_integral": (ops.hyperbolic_cosine_integral, mp.chi),
    "wrightomega": (ops.wrightomega, lambda z: mp.lambertw(mp.exp(z))),
    "airy_ai": (ops.airy_ai, mp.airyai),
    "airy_bi": (ops.airy_bi, mp.airybi),
    "hankel1": (lambda z: ops.hankel1(1.5, z), lambda z: mp.hankel1(1.5, z)),
    "hankel2": (lambda z: ops.hankel2(1.5, z), lambda z: mp.hankel2(1.5, z)),
    "hyp1f1": (lambda z: ops.hyp1f1(0.5, 1.5, z), lambda z: mp.hyp1f1(0.5, 1.5, z)),
    "eval_legendre": (lambda z: ops.eval_legendre(2.5, z), lambda z: mp.legendre(2.5, z)),
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


DOUBLE = {"expn", "yn", "kn", "hyp2f1", *(name for name in CASES if name.startswith("eval_"))}


@pytest.mark.parametrize("name", CASES)
def test_single_precision_stays_single_in_values_and_derivatives(name):
    ours, exact, _ = CASES[name]
    if name.split()[0] in DOUBLE:
        pytest.skip("an integer order, or a number among the parameters, makes SciPy's result double")
    shift = {"multigammaln": 2, "ndtri_exp": -1}.get(name, 0)
    x = np.array([0.3, 0.7], np.float32) + np.float32(shift)
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
        "hankel1": lambda v: ops.hankel1(v, 1.0).real,
        "hankel2": lambda v: ops.hankel2(v, 1.0).real,
        "struve": lambda v: ops.struve(v, 1.0),
        "modstruve": lambda v: ops.modstruve(v, 1.0),
        "hyp0f1": lambda v: ops.hyp0f1(v, 1.0),
        "hyp1f1": lambda a: ops.hyp1f1(a, 1.0, 0.5),
        "hyp2f1": lambda a: ops.hyp2f1(a, 1.0, 2.0, 0.5),
        **{
            name: lambda n, name=name: getattr(ops, name)(n, *[1.5] * (getattr(scipy.special, name).nin - 2), 0.5)
            for name in (
                "eval_legendre",
                "eval_chebyt",
                "eval_chebyu",
                "eval_laguerre",
                "eval_gegenbauer",
                "eval_genlaguerre",
                "eval_jacobi",
            )
        },
    }

    @pytest.mark.parametrize("name", CALLS)
    def test_a_derivative_that_is_not_known_is_an_error_that_names_function_and_argument(self, name):
        call = self.CALLS[name]
        match = rf"^{name}: pullback has no derivative by its first argument.*At test_special.py:\d+\.$"
        with pytest.raises(NotDifferentiableError, match=match):
            pb.grad(call)(2.0)
        with pytest.raises(NotDifferentiableError, match=match):
            pb.jvp(call, (2.0,), (1.0,))

    @pytest.mark.parametrize("name", ["jacobi_sn", "jacobi_cn", "jacobi_dn", "jacobi_amplitude"])
    def test_the_parameter_of_jacobis_functions_is_refused_too(self, name):
        with pytest.raises(NotDifferentiableError, match=f"{name}: .*its second argument"):
            pb.grad(lambda m: getattr(ops, name)(1.0, m))(0.5)

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
        order = 2 if name.startswith("eval_hermite") else 2.0

        def first(x):
            out = ufunc(x, 0.4) if name == "ellipj" else ufunc(*[order] * (ufunc.nin - 1), x)
            return (out[0] if isinstance(out, tuple) else out).real

        x = pb.array([0.3, 0.6], requires_grad=True)
        first(x).sum().backward()
        step = 1e-5
        before, after = (first(np.array([0.3, 0.6]) + h) for h in (-step, step))
        np.testing.assert_allclose(np.asarray(x.grad), (after - before) / (2 * step), rtol=1e-7, atol=1e-9)

    def test_functions_of_scipy_that_call_ufuncs_come_along(self):
        assert float(pb.grad(lambda q: scipy.special.zeta(2.0, q))(1.5)) == pytest.approx(
            -2 * scipy.special.zeta(3.0, 1.5)
        )

    def test_a_ufunc_without_a_derivative_computes_but_refuses_what_is_watched(self):
        np.testing.assert_array_equal(scipy.special.kolmogorov(pb.array(0.5)), scipy.special.kolmogorov(0.5))
        with pytest.raises(NotDifferentiableError, match="kolmogorov: pullback has no derivative"):
            scipy.special.kolmogorov(pb.array(0.5, requires_grad=True))

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

    def test_a_program_needs_neither_scipy_nor_masked_arrays_nor_random_numbers(self):
        program = (
            "import sys, numpy as np, pullback as pb\n"
            "from pullback.core.operations import operations as ops\n"
            "pb.compile(pb.grad(lambda x: (ops.gelu(x) + ops.logit(x) + ops.erf(x) * ops.entr(x)).sum()))(np.ones(9))\n"
            "assert not {'scipy', 'numpy.ma', 'numpy.random'} & sys.modules.keys()\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True)

    @pytest.mark.parametrize("kind", ["e", "f", "d", "F", "D", "?", "i", "l"])
    def test_dtypes_that_are_stated_are_those_of_the_function(self, kind):
        ops.load_all()
        for one in primitives.values():
            if getattr(one, "scipy", None) is not None and isinstance(one.types, str):
                try:
                    inputs, out = one.resolve((np.dtype(kind),) * one.arity)
                except DTypeError:
                    continue
                results = one.evaluate(*[np.full(1, 0.5).astype(dtype) for dtype in inputs])
                assert results.dtype == out, one


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

    def test_derivatives_of_dawsons_integral_far_out_underflow(self):
        x = np.array([1e160, 1e300, np.inf, -np.inf])
        first = pb.grad(lambda x: np.sum(ops.dawsn(x)))
        with np.errstate(invalid="raise", over="raise"):
            np.testing.assert_allclose(first(x), np.zeros(4), atol=1e-300)
            np.testing.assert_allclose(pb.grad(lambda x: np.sum(first(x)))(x), np.zeros(4), atol=1e-300)
