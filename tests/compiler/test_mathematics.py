"""Every mathematical function against mpmath and NumPy, over the whole range of its arguments.

With PULLBACK_SWEEP=1000 in the environment a thousand times as many points are tried.
"""

import os
import re
import zlib
from functools import cache

import llvmlite.binding as llvm
import numpy as np
import pytest
import scipy.special
from mpmath import mp, mpf

import pullback as pb
from pullback.compiler.mathematics import arity, bounds, definitions, names, text
from pullback.compiler.mathematics.evaluate import Evaluator

DTYPES = {"float": np.float32, "double": np.float64}
MORE = int(os.environ.get("PULLBACK_SWEEP", "1"))
EXTENDED = np.finfo(np.longdouble).nmant >= 63

HALVES = ("arccosh", "log", "log2", "log10")
"""What is NaN for negative numbers: half of the points would show nothing."""


EXACT = {
    "arccos": mp.acos,
    "arccosh": mp.acosh,
    "arcsin": mp.asin,
    "arcsinh": mp.asinh,
    "arctan": mp.atan,
    "arctan2": mp.atan2,
    "arctanh": mp.atanh,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "ceil": mp.ceil,
    "cos": mp.cos,
    "cosh": mp.cosh,
    "digamma": mp.digamma,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "exp": mp.exp,
    "exp2": lambda x: mpf(2) ** x,
    "expm1": mp.expm1,
    "floor": mp.floor,
    "gammaln": lambda x: mp.log(abs(mp.gamma(x))) if abs(x) < 1e3 else mp.loggamma(x).real,
    "hypot": mp.hypot,
    "log": mp.log,
    "log10": mp.log10,
    "log1p": mp.log1p,
    "log2": lambda x: mp.log(x, 2),
    "log_ndtr": lambda x: mp.log(mp.ncdf(x)) if x < 0 else mp.log1p(-mp.ncdf(-x)),
    "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "logaddexp": lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))),
    "logaddexp2": lambda x, y: max(x, y) + mp.log1p(mpf(2) ** -abs(x - y)) / mp.log(2),
    "power": mp.power,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "sin": mp.sin,
    "sinh": mp.sinh,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "sqrt": mp.sqrt,
    "tan": mp.tan,
    "tanh": mp.tanh,
    "trunc": lambda x: mp.sign(x) * mp.floor(abs(x)),
}
"""The functions by mpmath, for finite arguments inside the domain."""


def logistic(x):
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


NUMPY = {name: getattr(np, name) for name in names() if hasattr(np, name)} | {
    "digamma": scipy.special.psi,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "erfcx": scipy.special.erfcx,
    "gammaln": lambda x: np.where(np.abs(x) < 1e-300, -np.log(np.abs(x)), scipy.special.gammaln(x)),  # inf at 5e-324
    "log_ndtr": scipy.special.log_ndtr,
    "log_sigmoid": lambda x: -softplus(-x),
    "sigmoid": logistic,
    "softplus": softplus,
}
EQUAL = ("ceil", "floor", "floor_divide", "fmod", "remainder", "rint", "sqrt", "trunc")
"""What NumPy computes exactly as well, in the same dtype."""

DIFFERENCES = {
    "digamma": lambda x: np.where(x < 0, np.maximum(np.abs(scipy.special.psi(1 - x)), 1), 0),
    "gammaln": lambda x: np.where(x < -0.5, np.maximum(np.abs(scipy.special.gammaln(-x)), 1), 0),
    "logaddexp": lambda x, y: np.maximum(np.abs(x), np.abs(y)),
    "logaddexp2": lambda x, y: np.maximum(np.abs(x), np.abs(y)),
}
"""Where the result is a difference of larger numbers, and the error counts in units of these."""
SCIPY = ("digamma", "erf", "erfc", "erfcx", "gammaln", "log_ndtr")
"""What there is with no more digits than a double has."""


@cache
def compiled(name, element, lanes=0):
    return Evaluator(name, element, lanes)


def rng(*seed):
    return np.random.default_rng(zlib.crc32(repr(seed).encode()))


def argument(name, dtype, size, place):
    """Numbers of every size, those of human size, those near special points, and the edges of the dtype."""
    random = rng(name, dtype, place)
    bits = np.uint32 if dtype is np.float32 else np.uint64
    info = np.finfo(dtype)
    part = size // 6
    points = np.array([0.25, 0.5, 1.0, 2.0, 3.0, 10.0, 40.0, info.maxexp * np.log(2), info.minexp * np.log(2)])
    near = random.choice(points, part) * (1 + random.normal(size=part) * 2.0 ** random.integers(-info.nmant, 0, part))
    turns = np.round(random.exponential(size=part) * 2.0 ** random.integers(0, 20, part)) * np.longdouble(np.pi / 2)
    with np.errstate(over="ignore", under="ignore"):
        found = [
            random.integers(0, np.iinfo(bits).max, size - 5 * part, dtype=bits, endpoint=True).view(dtype),
            random.normal(size=part),
            np.exp(random.normal(size=part) * 5) * random.choice([-1, 1], part),
            random.uniform(-1, 1, part) * info.maxexp * 0.75,
            near * random.choice([-1, 1], part),
            turns,
            [0.0, -0.0, 1.0, -1.0, info.max, info.min, info.tiny, info.smallest_subnormal, -info.smallest_subnormal],
        ]
        joined = np.concatenate([np.asarray(one).astype(dtype) for one in found])
    if name in HALVES or (name == "power" and place == 0):
        joined[::2] = np.abs(joined[::2])
    return joined


def arguments(name, element, size):
    dtype = DTYPES[element]
    columns = [argument(name, dtype, size, place) for place in range(arity(name))]
    return [rng(name, place).permutation(column) if place else column for place, column in enumerate(columns)]


def units(result, exact, digits, least, scale=0.0):
    """The error in units of the last place of the exact number, or of what is larger, numbers of mpmath."""
    if exact == 0 and scale == 0:
        return mpf(0) if result == 0 else mpf("inf")
    exponent = max(mp.floor(mp.log(max(abs(exact), scale), 2)), least)
    return abs(result - exact) / mpf(2) ** (exponent - digits)


def in_units(result, exact, scale=None):
    """The errors in units of the last place, for arrays of which the exact one has more digits."""
    info = np.finfo(result.dtype)
    with np.errstate(all="ignore"):
        _, exponent = np.frexp(np.abs(exact) if scale is None else np.maximum(np.abs(exact), scale))
        unit = np.ldexp(exact.dtype.type(1), np.maximum(exponent - 1, info.minexp) - info.nmant)
        infinite = np.isinf(result) & np.isfinite(exact)  # stands for the next power of two
        reached = np.where(infinite, np.copysign(np.ldexp(exact.dtype.type(1), info.maxexp), result), result)
        error = np.abs(reached - exact) / unit
    beyond = infinite & (np.abs(exact) > info.max) & (np.sign(result) == np.sign(exact))
    return np.where((result == exact) | (np.isnan(result) & np.isnan(exact)) | beyond, 0, error)


def check(name, element, given, result, errors):
    worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
    at = [float(one[worst]) for one in given]
    assert errors[worst] <= bounds(name)[element], f"{name}{at} is {result[worst]!r}: {errors[worst]} ulp"


@pytest.mark.parametrize("name", sorted(names() - set(EQUAL)))
@pytest.mark.parametrize("element", DTYPES)
def test_error_against_numpy_with_more_digits(name, element):
    if element == "double" and (name in SCIPY or not EXTENDED):
        pytest.skip("NumPy and SciPy have no more digits for it")
    given = arguments(name, element, 60_000 * MORE)
    result = compiled(name, element)(*given)
    with np.errstate(all="ignore"):
        extended = [one.astype(np.longdouble if element == "double" else np.float64) for one in given]
        exact = NUMPY[name](*extended)
        scale = DIFFERENCES[name](*extended) if name in DIFFERENCES else None
    check(name, element, given, result, in_units(result, exact, scale))


@pytest.mark.parametrize("name", sorted(EXACT))
@pytest.mark.parametrize("element", DTYPES)
def test_error_against_mpmath(name, element):
    given = arguments(name, element, 240 * MORE)
    result = compiled(name, element)(*given)
    info = np.finfo(DTYPES[element])
    errors = np.zeros(len(result))
    with mp.workprec(200):
        for i, numbers in enumerate(zip(*map(np.ndarray.tolist, given), strict=True)):
            if not (np.isfinite(numbers).all() and np.isfinite(result[i])) or max(map(abs, numbers)) > 1e15:
                continue  # the special values have a test of their own; mpmath takes long for huge numbers
            if name == "arctan2" and 0 in numbers:
                continue  # mpmath has no signed zeros
            exact = EXACT[name](*map(mpf, numbers))
            if not isinstance(exact, mpf):
                continue
            scale = float(DIFFERENCES[name](*numbers)) if name in DIFFERENCES else 0.0
            errors[i] = units(mpf(float(result[i])), exact, info.nmant, info.minexp, scale)
    check(name, element, given, result, errors)


@pytest.mark.parametrize("name", EQUAL)
@pytest.mark.parametrize("element", DTYPES)
def test_exact_functions_equal_numpys(name, element):
    given = arguments(name, element, 60_000 * MORE)
    with np.errstate(all="ignore"):
        expected = NUMPY[name](*given)
    result = compiled(name, element)(*given)
    same = (result == expected) & (np.signbit(result) == np.signbit(expected)) | (np.isnan(result) & np.isnan(expected))
    worst = int(np.argmin(same))
    assert same.all(), (name, [float(one[worst]) for one in given], result[worst], expected[worst])


def special_values(dtype):
    info = np.finfo(dtype)
    positive = [0.0, info.smallest_subnormal, info.tiny, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 1e30, info.max, np.inf]
    return np.array([sign * one for one in positive for sign in (1, -1)] + [np.nan], dtype)


@pytest.mark.parametrize("name", sorted(names()))
@pytest.mark.parametrize("element", DTYPES)
def test_special_values_are_numpys(name, element):
    values = special_values(DTYPES[element])
    given = [one.ravel() for one in np.meshgrid(*[values] * arity(name))]
    with np.errstate(all="ignore"):
        expected = NUMPY[name](*given)
    result = compiled(name, element)(*given)
    for what in (np.isnan, np.isinf, lambda a: a == 0, lambda a: np.signbit(a) & ~np.isnan(a)):
        differs = np.flatnonzero(what(result) != what(expected))
        assert not differs.size, [(*(float(one[i]) for one in given), result[i], expected[i]) for i in differs[:5]]


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@pytest.mark.parametrize("element", DTYPES)
def test_angles_of_any_size(name, element):
    random = rng(name, "huge")
    exponents = random.uniform(10, 126 if element == "float" else 1022, 150 * MORE)
    angles = (random.choice([-1, 1], exponents.size) * 2.0**exponents).astype(DTYPES[element])
    result = compiled(name, element)(angles)
    info = np.finfo(DTYPES[element])
    with mp.workprec(1400):
        errors = [
            float(units(mpf(float(y)), EXACT[name](mpf(float(x))), info.nmant, info.minexp))
            for x, y in zip(angles, result, strict=True)
        ]
    check(name, element, [angles], result, np.array(errors))


def test_the_angle_nearest_to_a_multiple_of_half_pi():
    # Of all doubles; what is left is 4.7e-19. [Muller, Elementary Functions, 9.3]
    worst = np.array([6381956970095103.0 * 2.0**797])
    assert compiled("cos", "double")(worst)[0] == pytest.approx(4.687165924254624e-19, rel=1e-15)


@pytest.mark.parametrize("name", sorted(names()))
@pytest.mark.parametrize("element", DTYPES)
def test_any_number_of_lanes_gives_the_same(name, element):
    given = arguments(name, element, 60)
    expected = compiled(name, element)(*given)
    for lanes in (1, 4, 32 // expected.itemsize):
        np.testing.assert_array_equal(compiled(name, element, lanes)(*given), expected)


def test_what_two_functions_call_is_written_once():
    together = definitions([("sin", "float", 8), ("cos", "float", 8), ("sin", "float", 8)])
    assert together.count("define") == 4  # the two, the loop over far lanes, and what it calls
    llvm.parse_assembly(together).verify()


def test_nothing_is_called_but_intrinsics_and_what_the_module_defines():
    written = definitions([(name, element, 8) for name in sorted(names()) for element in DTYPES])
    called = set(re.findall(r" call .*?@([^(]+)\(", written))
    defined = set(re.findall(r"define .*?@([^(]+)\(", written))
    assert {one for one in called - defined if not one.startswith("llvm.")} == set()


def test_no_vector_is_taken_apart_outside_the_rare_cases():
    for name in names():
        for element in DTYPES:
            usual = text("usual", name, element, 8).partition('@"usual"')[2]
            assert "extractelement" not in usual


def test_powers_of_ten_have_whole_logarithms():
    powers = 10.0 ** np.arange(23)
    np.testing.assert_array_equal(compiled("log10", "double")(powers), np.arange(23.0))
    np.testing.assert_array_equal(compiled("log2", "double")(2.0 ** np.arange(-1074, 1024)), np.arange(-1074.0, 1024))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_normal_distribution_is_exact_far_out_too(dtype):
    x = np.linspace(-12 if dtype == np.float32 else -36, 8, 301).astype(dtype)
    found = pb.compile(lambda x: pb.special.ndtr(x))(x)
    exact = np.array([float(mp.ncdf(mpf(float(one)))) for one in x])
    np.testing.assert_allclose(found, exact, rtol=2 * np.finfo(dtype).eps, atol=0)
    edges = np.array([-np.inf, -50, -0.0, 0.0, 50, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(pb.compile(lambda x: pb.special.ndtr(x))(edges), [0, 0, 0.5, 0.5, 1, 1, np.nan])


@pytest.mark.parametrize("exponent", [3, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_powers_are_products(exponent, dtype):
    rng = np.random.default_rng(0)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, -1e-30, 1e30]
    x = np.concatenate([rng.normal(size=5000) * 10.0 ** rng.integers(-8, 8, 5000), special]).astype(dtype)
    f = pb.compile(lambda x: x**exponent)
    with np.errstate(all="ignore"):
        found, exact = f(x), x.astype(np.longdouble) ** exponent
        rounded = exact.astype(dtype)
    assert "power" not in f.ir()
    finite = np.isfinite(rounded)
    assert np.array_equal(found[~finite], rounded[~finite], equal_nan=True)
    assert np.array_equal(np.signbit(found), np.signbit(rounded))
    assert np.max(np.abs(found[finite] - exact[finite]) / np.spacing(np.abs(rounded[finite]))) < 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_power_of_a_half_is_the_square_root(dtype):
    x = np.array([-np.inf, -0.0, 0.0, 2.0, np.inf, np.nan, -1.0], dtype)
    with np.errstate(invalid="ignore"):
        expected = x**0.5
    found = pb.compile(lambda x: x**0.5)(x)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[:-1]), np.signbit(expected[:-1]))
