"""Complete elliptic integrals by the parameter m = k², and Jacobi's elliptic functions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.families import pointwise
from pullback.core.operations import function
from pullback.core.primitive import Thunk, refused
from pullback.core.sample import call, normal, points, positive, reject, uniform, values
from pullback.core.scipy import special
from pullback.errors import DTypeError

_PARAMETERS = [uniform(-2.0, 0.95, 3, 4), points(0.0, 1e-6, -30.0), values(1.0, 1.5, np.nan)]


@pointwise(scipy="ellipk", samples=_PARAMETERS)
def ellipk(m: Any) -> Any:
    """Complete elliptic integral of the first kind, ∫ (1 - m sin²t)^(-1/2) dt from 0 to π/2. [DLMF 19.2]

    >>> ellipk(0.5)
    array(1.85407468)
    """
    return special.ellipk(m)


@ellipk.partials
def _(out: Array, m: Array) -> Iterator[Thunk]:
    yield lambda: first_elliptic_derivative(1 - m, n=1)


@pointwise(scipy="ellipkm1", samples=[positive(3, 4), points(0.05, 30.0), values(0.0, 1e-300, -1.0, np.nan)])
def ellipkm1(p: Any) -> Any:
    """``ellipk(1 - p)``, elementwise, exact for small p.

    >>> ellipkm1(1e-20)
    array(24.41214529)
    """
    return special.ellipkm1(p)


@ellipkm1.partials
def _(out: Array, p: Array) -> Iterator[Thunk]:
    yield lambda: -first_elliptic_derivative(p, n=1)


def _pochhammer(a: float, n: int) -> float:
    return math.prod(a + k for k in range(n))


@pointwise(types="fd", private=True, samples=[call(positive(3, 4), n=1), call(points(0.05, 1.0, 30.0), n=2)])
def first_elliptic_derivative(p: Any, *, n: int = 1) -> Any:
    """The n-th derivative of ellipk at m = 1 - p, for n > 0: no digits cancel at m = 0. [DLMF 19.5.1, 15.8.1]"""
    with np.errstate(all="ignore"):
        found = special.hyp2f1(0.5, 0.5, 1.0 + n, 1 - p) / p**n
    return (math.pi / 2 * _pochhammer(0.5, n) ** 2 / math.factorial(n) * found).astype(p.dtype)


@first_elliptic_derivative.partials
def _(out: Array, p: Array, *, n: int = 1) -> Iterator[Thunk]:
    yield lambda: -first_elliptic_derivative(p, n=n + 1)


@pointwise(scipy="ellipe", samples=_PARAMETERS)
def ellipe(m: Any) -> Any:
    """Complete elliptic integral of the second kind, ∫ (1 - m sin²t)^(1/2) dt from 0 to π/2. [DLMF 19.2]

    >>> ellipe(0.5)
    array(1.35064388)
    """
    return special.ellipe(m)


@ellipe.partials
def _(out: Array, m: Array) -> Iterator[Thunk]:
    yield lambda: second_elliptic_derivative(1 - m, n=1)


@pointwise(types="fd", private=True, samples=[call(positive(3, 4), n=1), call(points(0.05, 1.0, 30.0), n=2)])
def second_elliptic_derivative(p: Any, *, n: int = 1) -> Any:
    """The n-th derivative of ellipe at m = 1 - p, for n > 0: no digits cancel at m = 0. [DLMF 19.5.2, 15.8.1]"""
    factor = math.pi / 2 * _pochhammer(-0.5, n) * _pochhammer(0.5, n) / math.factorial(n)
    with np.errstate(all="ignore"):
        found = factor * special.hyp2f1(1.5, 0.5, 1.0 + n, 1 - p) * p ** (1.0 - n)
        if n == 1:  # that function's logarithm at p = 0 is not SciPy's best
            found = np.where(p < 0.5, (special.ellipe(1 - p) - special.ellipkm1(p)) / (2 * (1 - p)), found)
    return found.astype(p.dtype)


@second_elliptic_derivative.partials
def _(out: Array, p: Array, *, n: int = 1) -> Iterator[Thunk]:
    yield lambda: -second_elliptic_derivative(p, n=n + 1)


# Jacobi's elliptic functions ------------------------------------------------------------------------------------------

_ARGUMENTS = [call(normal(3, 4), [0.4]), call(normal(3), [0.0, 0.5, 0.9]), call(values(0.0, np.nan), [0.5])]


def _by_parameter(name: str) -> Thunk:
    return refused(name, "its second argument", "no formula for it is implemented")


@pointwise(types="fd", samples=_ARGUMENTS)
def jacobi_sn(u: Any, m: Any) -> Any:
    """Jacobi's elliptic function sn of u with the parameter m, elementwise. [DLMF 22.2]

    Raises NotDifferentiableError when a derivative by m is asked for.

    >>> jacobi_sn(0.5, 0.0)
    array(0.47942554)
    """
    return special.ellipj(u, m)[0]


@jacobi_sn.partials
def _(out: Array, u: Array, m: Array) -> Iterator[Thunk]:
    yield lambda: jacobi_cn(u, m) * jacobi_dn(u, m)
    yield _by_parameter("jacobi_sn")


@pointwise(types="fd", samples=_ARGUMENTS)
def jacobi_cn(u: Any, m: Any) -> Any:
    """Jacobi's elliptic function cn of u with the parameter m, elementwise. [DLMF 22.2]

    Raises NotDifferentiableError when a derivative by m is asked for.

    >>> jacobi_cn(0.5, 0.0)
    array(0.87758256)
    """
    return special.ellipj(u, m)[1]


@jacobi_cn.partials
def _(out: Array, u: Array, m: Array) -> Iterator[Thunk]:
    yield lambda: -jacobi_sn(u, m) * jacobi_dn(u, m)
    yield _by_parameter("jacobi_cn")


@pointwise(types="fd", samples=_ARGUMENTS)
def jacobi_dn(u: Any, m: Any) -> Any:
    """Jacobi's elliptic function dn of u with the parameter m, elementwise. [DLMF 22.2]

    Raises NotDifferentiableError when a derivative by m is asked for.

    >>> jacobi_dn(0.5, 0.0)
    array(1.)
    """
    return special.ellipj(u, m)[2]


@jacobi_dn.partials
def _(out: Array, u: Array, m: Array) -> Iterator[Thunk]:
    yield lambda: -m * jacobi_sn(u, m) * jacobi_cn(u, m)
    yield _by_parameter("jacobi_dn")


@pointwise(types="fd", samples=_ARGUMENTS)
def jacobi_amplitude(u: Any, m: Any) -> Any:
    """Jacobi's amplitude of u with the parameter m, elementwise: the angle whose sine is sn. [DLMF 22.16]

    Raises NotDifferentiableError when a derivative by m is asked for.

    >>> jacobi_amplitude(0.5, 0.0)
    array(0.5)
    """
    return special.ellipj(u, m)[3]


@jacobi_amplitude.partials
def _(out: Array, u: Array, m: Array) -> Iterator[Thunk]:
    yield lambda: jacobi_dn(u, m)
    yield _by_parameter("jacobi_amplitude")


@function(
    scipy="ellipj",
    samples=[call(normal(3, 4), [0.4]), call(values(0.0, np.nan), [0.5])],
    rejects=[reject(DTypeError, "expected floating dtypes, got complex128", 1j, 0.5)],
)
def ellipj(u: Any, m: Any) -> tuple[Array, Array, Array, Array]:
    """Return Jacobi's elliptic functions sn, cn, dn and the amplitude of u with the parameter m.

    >>> ellipj(0.5, 0.0)
    (array(0.47942554), array(0.87758256), array(1.), array(0.5))
    """
    return jacobi_sn(u, m), jacobi_cn(u, m), jacobi_dn(u, m), jacobi_amplitude(u, m)
