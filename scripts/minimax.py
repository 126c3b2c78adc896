#!/usr/bin/env python
"""Compute the polynomials of pullback.compiler.mathematics anew, and write them to its coefficients.py.

Each is the best of its degree in the sense of Chebyshev: the largest weighted error is as small as it can be, found by
the exchange algorithm of Remez [Muller, Elementary Functions, 3.5]. The coefficients are rounded to the format they
are used in one after another, the later ones refitted to what the earlier ones lost [Muller, 4.3].

    python scripts/minimax.py            # all, into the file
    python scripts/minimax.py NAME ...   # print the error of some
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp, mpf

TARGET = Path(__file__).parents[1] / "src/pullback/compiler/mathematics/coefficients.py"

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Approximation:
    """A polynomial to be found for `function` on [low, high].

    Attributes:
        weight: the error in the result for an error of the polynomial at x, relative to the result.
        degrees: by use: "float" and "double" are computed in that type; "wide" in double, as exactly as floats need.
        fixed: leading coefficients that are given.
    """

    meaning: str
    function: Function
    weight: Function
    low: Any
    high: Any
    degrees: dict[str, int]
    fixed: Sequence[Any] = ()


def fit(wanted: Approximation, degree: int, fixed: Sequence[Any]) -> tuple[list[Any], Any]:
    """Return the coefficients, those fixed in front, and the largest weighted error."""
    low, high = mpf(wanted.low), mpf(wanted.high)
    first, unknown = len(fixed), degree + 1 - len(fixed)
    count = 24 * (unknown + 3)
    points = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / count) for i in range(count + 1)]
    points = [x if abs(x) > (high - low) / 10**6 else (high - low) / 10**6 for x in points]  # 0/0 there
    weights = [wanted.weight(x) for x in points]
    rest = [wanted.function(x) - mp.polyval(list(reversed(fixed)), x) if fixed else wanted.function(x) for x in points]
    if unknown == 0:
        return list(fixed), max(abs(w * f) for w, f in zip(weights, rest, strict=True))
    reference = [round(count * (i + 0.5) / (unknown + 1)) for i in range(unknown + 1)]
    found, worst = [mpf(0)] * unknown, mpf("inf")
    for _ in range(30):
        matrix, right = mp.matrix(unknown + 1, unknown + 1), mp.matrix(unknown + 1, 1)
        for row, place in enumerate(reference):
            power = points[place] ** first
            for column in range(unknown):
                matrix[row, column] = power * weights[place]
                power *= points[place]
            matrix[row, unknown] = (-1) ** row
            right[row] = rest[place] * weights[place]
        try:
            solved = mp.lu_solve(matrix, right)
        except ZeroDivisionError:  # an odd power on both sides of 0 cannot alternate
            break
        found = list(solved[:unknown])
        backward = [*reversed(found), *[mpf(0)] * first]
        errors = [w * (f - mp.polyval(backward, x)) for w, f, x in zip(weights, rest, points, strict=True)]
        worst = max(abs(error) for error in errors)
        if worst <= abs(solved[unknown]) * (1 + mpf("1e-3")):
            break
        reference = _exchange(errors, unknown + 1)
    return [*fixed, *found], worst


def _exchange(errors: Sequence[Any], wanted: int) -> list[int]:
    """The places of alternating extremes, as many as wanted."""
    extremes: list[int] = []
    for place, error in enumerate(errors):
        if not extremes or (error > 0) != (errors[extremes[-1]] > 0):
            extremes.append(place)
        elif abs(error) > abs(errors[extremes[-1]]):
            extremes[-1] = place
    while len(extremes) > wanted:
        if len(extremes) == wanted + 1:
            extremes.pop(0 if abs(errors[extremes[0]]) < abs(errors[extremes[-1]]) else -1)
            continue
        smallest = min(
            range(len(extremes) - 1), key=lambda i: max(abs(errors[extremes[i]]), abs(errors[extremes[i + 1]]))
        )
        del extremes[smallest : smallest + 2]
    if len(extremes) < wanted:
        raise ArithmeticError(f"found {len(extremes)} alternations of {wanted}: raise the precision or the grid")
    return extremes


def rounded(wanted: Approximation, use: str) -> tuple[list[float], float]:
    """Coefficients in the format of their use, and the binary logarithm of their largest weighted error."""
    degree = wanted.degrees[use]
    fixed = [_round(c, use) for c in wanted.fixed]
    coefficients, _ = fit(wanted, degree, fixed)
    for place in range(len(fixed), degree + 1):
        kept = [*coefficients[:place], _round(coefficients[place], use)]
        plain = [*kept, *coefficients[place + 1 :]]
        refitted = fit(wanted, degree, kept)[0]
        coefficients = min(plain, refitted, key=lambda one: fit(wanted, degree, one)[1])
    return [float(c) for c in coefficients], float(mp.log(fit(wanted, degree, coefficients)[1], 2))


def _round(number: Any, use: str) -> Any:
    return mpf(float(np.float32(float(number)))) if use == "float" else mpf(float(number))


# What is approximated -----------------------------------------------------------------------------------------------


def odd(function: Function) -> Function:
    """(f(x) - x) / x**3 as a function of x**2, for an odd f with slope 1."""
    return lambda z: (function(mp.sqrt(z)) / mp.sqrt(z) - 1) / z


def odd_weight(function: Function) -> Function:
    """The relative error of f(x) for an error in (f(x) - x) / x**3 at x**2."""
    return lambda z: mp.sqrt(z) ** 3 / function(mp.sqrt(z))


def _scaled_erfc(t: Any) -> Any:
    x = 4 * (1 + t) / (1 - t)
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


mp.dps = 70
HALF_LN2 = mp.log(2) / 2 * mpf("1.0001")
QUARTER_PI = mp.pi / 4 * mpf("1.01")
ROOT = mp.sqrt(mpf("0.5")) * mpf("0.9999")
APPROXIMATIONS = {
    "EXP": Approximation(
        "exp(r), |r| <= log(2)/2; relative error of expm1(r)",
        mp.exp,
        lambda r: 1 / abs(mp.expm1(r)),
        -HALF_LN2,
        HALF_LN2,
        {"float": 6, "double": 11, "wide": 7},
        (1, 1),
    ),
    "EXP2": Approximation(
        "2**r, |r| <= 1/2",
        lambda r: mpf(2) ** r,
        lambda r: 1,
        mpf("-0.5001"),
        mpf("0.5001"),
        {"float": 6, "double": 11, "wide": 6},
        (1, mp.log(2)),
    ),
    "LOG": Approximation(
        "(log(1 + f) - f + f**2/2) / f**3, sqrt(1/2) <= 1 + f <= sqrt(2)",
        lambda f: (mp.log1p(f) - f + f * f / 2) / f**3,
        lambda f: f**3 / mp.log1p(f),
        ROOT - 1,
        1 / ROOT - 1,
        {"float": 7},
    ),
    "LOG2": Approximation(
        "log2(1 + f) / f less its value at 0 as a float has it, sqrt(1/2) <= 1 + f <= sqrt(2)",
        lambda f: mp.log1p(f) / mp.log(2) / f - _round(1 / mp.log(2), "float"),
        lambda f: f / (mp.log1p(f) / mp.log(2)),
        ROOT - 1,
        1 / ROOT - 1,
        {"float": 9},
    ),
    "LOG10": Approximation(
        "log10(1 + f) / f less its value at 0 as a float has it, sqrt(1/2) <= 1 + f <= sqrt(2)",
        lambda f: mp.log1p(f) / mp.log(10) / f - _round(1 / mp.log(10), "float"),
        lambda f: f / (mp.log1p(f) / mp.log(10)),
        ROOT - 1,
        1 / ROOT - 1,
        {"float": 9},
    ),
    "ATANH": Approximation(
        "(atanh(s) - s) / s**3 by s**2, |s| <= 0.1716",
        odd(mp.atanh),
        odd_weight(mp.atanh),
        0,
        ((1 - ROOT) / (1 + ROOT)) ** 2,
        {"double": 6, "wide": 4},
    ),
    "ATANH_FAR": Approximation(
        "(atanh(s) - s) / s**3 by s**2, |s| <= 0.3",
        odd(mp.atanh),
        odd_weight(mp.atanh),
        0,
        mpf("0.09"),
        {"float": 3, "double": 8},
    ),
    "SIN": Approximation(
        "(sin(r) - r) / r**3 by r**2, |r| <= pi/4",
        odd(mp.sin),
        odd_weight(mp.sin),
        0,
        QUARTER_PI**2,
        {"float": 2, "double": 5},
    ),
    "COS": Approximation(
        "(cos(r) - 1 + r**2/2) / r**4 by r**2, |r| <= pi/4",
        lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2,
        lambda z: z**2 / mp.cos(mp.sqrt(z)),
        0,
        QUARTER_PI**2,
        {"float": 2, "double": 5},
    ),
    "SINH": Approximation(
        "(sinh(r) - r) / r**3 by r**2, |r| <= log(2)/2",
        odd(mp.sinh),
        odd_weight(mp.sinh),
        0,
        HALF_LN2**2,
        {"float": 2, "double": 4},
    ),
    "COSH": Approximation(
        "(cosh(r) - 1) / r**2 by r**2, |r| <= log(2)/2",
        lambda z: (mp.cosh(mp.sqrt(z)) - 1) / z,
        lambda z: z,
        0,
        HALF_LN2**2,
        {"float": 2, "double": 4},
    ),
    "ARCTAN": Approximation(
        "(arctan(x) - x) / x**3 by x**2, |x| <= 1",
        odd(mp.atan),
        odd_weight(mp.atan),
        0,
        1,
        {"float": 8, "double": 19},
    ),
    "ARCSIN": Approximation(
        "(arcsin(x) - x) / x**3 by x**2, |x| <= 1/2",
        odd(mp.asin),
        odd_weight(mp.asin),
        0,
        mpf("0.25"),
        {"float": 4, "double": 12},
    ),
    "ARCSINH": Approximation(
        "(arcsinh(x) - x) / x**3 by x**2, |x| <= 0.53",
        odd(mp.asinh),
        odd_weight(mp.asinh),
        0,
        mpf("0.53") ** 2,
        {"double": 11, "wide": 5},
    ),
}


APPROXIMATIONS |= {
    "ERF": Approximation(
        "erf(x) / x - 1 by x**2, |x| <= 1",
        lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1,
        lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)),
        0,
        1,
        {"float": 7, "double": 14},
    ),
    "ERFCX": Approximation(
        "exp(x**2) erfc(x) by x - 2.5, 1 <= x <= 4; relative error of erf(x)",
        lambda t: mp.exp((t + 2.5) ** 2) * mp.erfc(t + 2.5),
        lambda t: mp.exp(-((t + 2.5) ** 2)) / mp.erf(t + 2.5),
        mpf("-1.501"),
        mpf("1.501"),
        {"float": 8},
    ),
    "ERFCX_FAR": Approximation(
        "exp(x**2) erfc(x) by x - 2.5, 1 <= x <= 6; relative error of erf(x)",
        lambda t: mp.exp((t + 2.5) ** 2) * mp.erfc(t + 2.5),
        lambda t: mp.exp(-((t + 2.5) ** 2)) / mp.erf(t + 2.5),
        mpf("-1.501"),
        mpf("3.5"),
        {"double": 20},
    ),
    "ERFC": Approximation(
        "(1 + 2x) exp(x**2) erfc(x) - 5/4 by (x - 4) / (x + 4), 0 <= x <= 28 [Shepherd and Laframboise, 1981]",
        lambda t: _scaled_erfc(t) - mpf("1.25"),
        lambda t: 1 / _scaled_erfc(t),
        -1,
        mpf(24) / 32,
        {"double": 22, "wide": 12},
    ),
    "ERFCX_WHOLE": Approximation(
        "(1 + 2x) exp(x**2) erfc(x) - 5/4 by (x - 4) / (x + 4), x >= 0",
        lambda t: _scaled_erfc(t) - mpf("1.25"),
        lambda t: 1 / _scaled_erfc(t),
        -1,
        1 - mpf("1e-5"),
        {"double": 24, "wide": 12},
    ),
    "CBRT": Approximation(
        "x**(-1/3), 1 <= x <= 2",
        lambda x: 1 / mp.cbrt(x),
        mp.cbrt,
        1,
        2,
        {"float": 5, "double": 5},
    ),
    "ATANH_REST": Approximation(
        "((atanh(s) - s) / s**3 - 1/3) / s**2 by s**2, |s| <= 0.1716",
        lambda z: ((mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z - mpf(1) / 3) / z,
        lambda z: mp.sqrt(z) ** 5 / mp.atanh(mp.sqrt(z)),
        0,
        ((1 - ROOT) / (1 + ROOT)) ** 2,
        {"double": 7},
    ),
}

DIGAMMA_ROOT = mp.findroot(mp.digamma, mpf("1.4616"))


def _far(x: Any) -> Any:
    """What Stirling's formula leaves of the logarithm of the gamma function, times x."""
    return (mp.loggamma(x) - (x - mpf("0.5")) * mp.log(x) + x - mp.log(2 * mp.pi) / 2) * x


APPROXIMATIONS |= {
    "GAMMALN": Approximation(
        "gammaln(2 + t) / t, -3/4 <= t <= 1/2",
        lambda t: mp.loggamma(2 + t) / t,
        lambda t: t / mp.loggamma(2 + t),
        mpf("-0.7501"),
        mpf("0.5001"),
        {"double": 21, "wide": 12},
    ),
    "GAMMALN_FAR": Approximation(
        "x times what Stirling's formula leaves of gammaln(x), by 1/x**2, x >= 7.5",
        lambda z: _far(1 / mp.sqrt(z)),
        lambda z: mp.sqrt(z) / mp.loggamma(1 / mp.sqrt(z)),
        mpf("1e-8"),
        1 / mpf("7.5") ** 2,
        {"double": 5, "wide": 2},
    ),
    "DIGAMMA": Approximation(
        "digamma(2 + t) / (t - r), |t| <= 1, r the zero",
        lambda t: mp.digamma(2 + t) / (2 + t - DIGAMMA_ROOT),
        lambda t: (2 + t - DIGAMMA_ROOT) / mp.digamma(2 + t),
        mpf("-1.0001"),
        mpf("1.0001"),
        {"double": 29, "wide": 15},
    ),
    "DIGAMMA_FAR": Approximation(
        "x**2 (log(x) - 1/(2x) - digamma(x)) by 1/x**2, x >= 8",
        lambda z: (-mp.log(z) / 2 - mp.sqrt(z) / 2 - mp.digamma(1 / mp.sqrt(z))) / z,
        lambda z: z / mp.digamma(1 / mp.sqrt(z)),
        mpf("1e-8"),
        mpf(1) / 64,
        {"double": 5, "wide": 2},
    ),
    "SIN_OF_PI": Approximation(
        "(sin(pi r) - pi r) / r**3 by r**2, |r| <= 1/2",
        lambda z: (mp.sin(mp.pi * mp.sqrt(z)) / mp.sqrt(z) - mp.pi) / z,
        lambda z: mp.sqrt(z) ** 3 / mp.sin(mp.pi * mp.sqrt(z)),
        0,
        mpf("0.2501"),
        {"double": 7, "wide": 4},
    ),
}

CONSTANTS = {
    "THIRD": mpf(1) / 3,
    "LOG_OF_2": mp.log(2),
    "LOG10_OF_2": mp.log10(2),
    "LOG2_OF_E": 1 / mp.log(2),
    "LOG10_OF_E": 1 / mp.log(10),
    "HALF_PI": mp.pi / 2,
    "DIGAMMA_ZERO": DIGAMMA_ROOT - 2,
}
"""Numbers that are used with more digits than one floating-point number has: as sums of three, the largest first."""


def in_parts(number: Any, use: str) -> list[float]:
    """The three numbers of a format whose sum is nearest."""
    parts = []
    for _ in range(3):
        parts.append(float(_round(number, use)))
        number -= mpf(parts[-1])
    return parts


def main() -> None:
    """Compute all into the file, or print the errors of those named."""
    chosen = sys.argv[1:] or list(APPROXIMATIONS)
    blocks = []
    for name in chosen:
        wanted = APPROXIMATIONS[name]
        lines = [f"{name} = {{"]
        for use in wanted.degrees:
            coefficients, error = rounded(wanted, use)
            print(f"{name:12} {use:7} degree {wanted.degrees[use]:2}  error 2**{error:.1f}", flush=True)
            lines.append(f'    "{use}": (  # 2**{error:.1f}')
            lines += [f"        {c!r}," for c in coefficients]
            lines.append("    ),")
        blocks.append("\n".join([*lines, "}", f'"""{wanted.meaning}"""']))
    if not sys.argv[1:]:
        for name, number in CONSTANTS.items():
            lines = [f'    "{use}": ({", ".join(map(repr, in_parts(number, use)))}),' for use in ("float", "double")]
            blocks.append("\n".join([f"{name} = {{", *lines, "}"]))
        with mp.workprec(64 * 20):
            digits = int(mp.floor(2 / mp.pi * mpf(2) ** (64 * 19)))
        words = [0, *((digits >> (64 * place)) & (2**64 - 1) for place in range(18, -1, -1))]
        lines = [f"    0x{word:016X}," for word in words]
        blocks.append("\n".join(["TWO_OVER_PI = (", *lines, ")", '"""Its binary digits by 64, after 64 zeros."""']))
        head = '"""Best polynomials, lowest power first, with their largest errors. Written by scripts/minimax.py."""'
        TARGET.write_text("\n\n".join([head, *blocks]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
