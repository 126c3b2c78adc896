"""Derivatives of the incomplete gamma and beta functions by their shapes: integrals over a tail of the distribution.

The derivative of a distribution function by a shape is the integral of the density times its score over either tail,
with opposite signs, for over both it is 0. On one side of where the score changes its sign no digits cancel. It is
computed by the trapezoidal rule after a double-exponential change of variables, which bunches its
points at both ends of the scales that the integrand has. [Takahasi, Mori 1974]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.scipy import special

_POINTS = 256
_FIRST, _LAST = -4.2, 4.6
"""The range of the trapezoidal rule where there is one scale: at its ends the integrand is below rounding."""

_BLOCK = 2048
"""How many integrals are computed at once: what bounds the memory."""


def moment(n: int, cumulants: Sequence[Any]) -> Any:
    """The n-th derivative of a density over itself, of the derivatives 1, 2, ... of its logarithm. Also for Arrays.

    >>> moment(2, [3.0, 0.5])
    9.5
    """
    found: list[Any] = [1.0]
    for m in range(n):
        found.append(sum(math.comb(m, k) * found[m - k] * cumulants[k] for k in range(m + 1)))
    return found[n]


def mixed_moment(i: int, j: int, cumulant: Callable[[int, int], Any]) -> Any:
    """The same for derivatives by two parameters: i by the first, j by the second. Also for Arrays.

    >>> mixed_moment(1, 1, lambda i, j: 10.0 * i + j)
    21.0
    """
    found: dict[tuple[int, int], Any] = {(0, 0): 1.0}
    for m in range(1, j + 1):
        found[0, m] = sum(math.comb(m - 1, q) * found[0, m - 1 - q] * cumulant(0, q + 1) for q in range(m))
    for k in range(1, i + 1):
        for m in range(j + 1):
            found[k, m] = sum(
                math.comb(k - 1, p) * math.comb(m, q) * found[k - 1 - p, m - q] * cumulant(p + 1, q)
                for p in range(k)
                for q in range(m + 1)
            )
    return found[i, j]


def _integral(log_weight: Any, factor: Any, shortest: Any, longest: Any) -> Any:
    """Integrate exp(log_weight(s)) factor(s) over s > 0, whose features are between the two scales."""
    width = _LAST - _FIRST + np.log(longest / shortest)
    u = _FIRST + width * np.linspace(0.0, 1.0, _POINTS)[:, None]
    s = shortest * np.exp(u - np.exp(-u))
    weights = s * (1 + np.exp(-u)) * width / (_POINTS - 1)
    return np.add.reduce(weights * np.exp(log_weight(s)) * factor(s), axis=0)


def _stirling_error(a: Any) -> Any:
    """The logarithm of gamma(a + 1), less Stirling's formula for it. [DLMF 5.11.1]"""
    far, near = np.maximum(a, 10.0), np.minimum(a, 10.0)
    r = far**-2.0
    series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * 691 / 360360))))) / far
    exact = special.gammaln(near + 1) - ((near + 0.5) * np.log(near) - near + 0.5 * math.log(2 * math.pi))
    return np.where(a < 10, exact, series)


def _log(ratio: Any, excess: Any) -> Any:
    """The logarithm of a ratio whose excess over 1 is known better than it."""
    close = np.abs(excess) < 0.5
    return np.where(close, np.log1p(np.where(close, excess, 0.0)), np.log(ratio))


def _of_gamma(a: Any, x: Any, n: int) -> Any:
    psi, log_x = special.psi(a), np.log(x)
    # x**a exp(-x) / gamma(a), whose large exponents cancel
    excess = (x - a) / a
    front = np.exp(a * (_log(x / a, excess) - excess) - _stirling_error(a)) * np.sqrt(a / (2 * math.pi))
    further = [-special.polygamma(k, a) for k in range(1, n)]
    found = np.empty_like(x)
    for lower in (True, False):
        at = (log_x < psi) == lower
        if not at.any():
            continue
        b, y, level, rest = a[at], x[at], log_x[at] - psi[at], [one[at] for one in further]
        if lower:  # t = y exp(-s)
            scale = 1 / np.maximum(b - y, np.sqrt(y))
            found[at] = front[at] * _integral(
                lambda s: -b * s - y * np.expm1(-s),  # noqa: B023  # called at once
                lambda s: moment(n, [level - s, *rest]),  # noqa: B023  # called at once
                scale,
                np.maximum(scale, 1 / b),
            )
        else:  # t = y + s
            scale = np.minimum(1 / np.maximum(np.abs(1 - (b - 1) / y), np.sqrt(np.abs(b - 1)) / y), 30 * y)
            found[at] = (-front[at] / y) * _integral(
                lambda s: (b - 1) * np.log1p(s / y) - s,  # noqa: B023  # called at once
                lambda s: moment(n, [level + np.log1p(s / y), *rest]),  # noqa: B023  # called at once
                scale,
                np.maximum(scale, 1.0),
            )
    return found


def _below(a: Any, b: Any, x: Any, y: Any, log_x: Any, log_y: Any, i: int, j: int) -> Any:
    """The lower tail of the beta distribution, up to x = 1 - y."""
    c = a + b
    excess, odds = x * b - y * a, x / y
    front = a * _log(x * c / a, excess / a) + b * _log(y * c / b, -excess / b)
    front = front + _stirling_error(c) - _stirling_error(a) - _stirling_error(b)
    front = np.exp(front) * np.sqrt(a * b / (2 * math.pi * c)) / y
    scale = 1 / np.maximum(np.abs(a - (b - 1) * odds), np.sqrt(np.abs(b - 1) * x) / y)
    scale = np.minimum(scale, 30 / odds)

    def log_rest(s: Any) -> Any:  # of t = x exp(-s): the logarithm of (1 - t) / (1 - x)
        return np.log1p(-odds * np.expm1(-s))

    order = i + j
    common = [special.psi(c), *(special.polygamma(k, c) for k in range(1, order))]
    own = {
        (1, 0): special.psi(a), (0, 1): special.psi(b),
        **{(k + 1, 0): special.polygamma(k, a) for k in range(1, i)},
        **{(0, k + 1): special.polygamma(k, b) for k in range(1, j)},
    }  # fmt: skip

    def factor(s: Any) -> Any:
        def cumulant(p: int, q: int) -> Any:
            level = common[p + q - 1] - own.get((p, q), 0.0)
            if p + q > 1:
                return level
            return level + (log_x - s if p else log_y + log_rest(s))

        return mixed_moment(i, j, cumulant)

    return front * _integral(lambda s: -a * s + (b - 1) * log_rest(s), factor, scale, np.maximum(scale, 1 / a))


def _of_beta(a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    y, log_x, log_y = 1 - x, np.log(x), np.log1p(-x)
    total = special.psi(a + b)
    lower = log_x < special.psi(a) - total if i else log_y < special.psi(b) - total
    if not i:  # the score by b alone rises to the left: the tail is the other one
        lower = ~lower
    found = np.empty_like(x)
    for at, sign, given in (
        (lower, 1, (a, b, x, y, log_x, log_y, i, j)),
        (~lower, -1, (b, a, y, x, log_y, log_x, j, i)),
    ):
        if at.any():
            found[at] = sign * _below(*(one[at] if isinstance(one, np.ndarray) else one for one in given))
    return found


def _in_blocks(rule: Callable[..., Any], inside: Any, operands: Sequence[Any], orders: Sequence[int]) -> Any:
    """Apply a rule where the operands are ``inside``; elsewhere the result is 0 at the ends, and NaN beyond."""
    found = np.where(inside[1], 0.0, np.nan)
    places = np.nonzero(inside[0].ravel())[0]
    flat = [one.ravel() for one in operands]
    with np.errstate(all="ignore"):
        for start in range(0, places.size, _BLOCK):
            block = places[start : start + _BLOCK]
            found.reshape(-1)[block] = rule(*(one[block] for one in flat), *orders)
    return found


def gamma_derivative(a: Any, x: Any, n: int) -> Any:
    """The n-th derivative of the regularised lower incomplete gamma function by its shape, for n > 0.

    >>> gamma_derivative(1.0, 1.0, 1).round(8)
    np.float64(-0.43172971)
    """
    a, x = (np.asarray(one, np.float64) for one in (a, x))
    shape = np.broadcast_shapes(a.shape, x.shape)
    a, x = np.broadcast_to(a, shape), np.broadcast_to(x, shape)
    valid = (a > 0) & (a < np.inf)
    return _in_blocks(_of_gamma, (valid & (x > 0) & (x < np.inf), valid & ((x == 0) | (x == np.inf))), (a, x), (n,))


def beta_derivative(a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    """The derivative of the regularised incomplete beta function, i times by a and j times by b, for i + j > 0."""
    a, b, x = (np.asarray(one, np.float64) for one in (a, b, x))
    shape = np.broadcast_shapes(a.shape, b.shape, x.shape)
    a, b, x = (np.broadcast_to(one, shape) for one in (a, b, x))
    valid = (a > 0) & (a < np.inf) & (b > 0) & (b < np.inf)
    return _in_blocks(_of_beta, (valid & (x > 0) & (x < 1), valid & ((x == 0) | (x == 1))), (a, b, x), (i, j))
