"""Distributions over the real numbers. What is drawn is differentiable by their parameters.

It is a smooth function of the parameters and of numbers that do not depend on them: of normal, exponential or uniform
numbers where there is a formula, otherwise the quantile of a uniform number, whose derivative by a shape is implicit in
the distribution function. [Figurnov, Mohamed, Mnih 2018, Implicit reparameterization gradients]
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.creation import asarray
from pullback.core.operations import operations
from pullback.errors import ArgumentError, ShapeError
from pullback.numpy.drawing import Source, check, check_positive, check_scale, given_out, parameters, shape_of

_DOUBLE = np.float64


class Continuous(Source):
    """The continuous distributions of ``numpy.random.Generator``, by its names and with its arguments."""

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the uniform distribution over [low, high).

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).uniform(2.0, 3.0, 100) >= 2).all())
        True
        """
        low, high, shape = parameters("uniform", size, dtype, low, high)
        return low + (high - low) * self.random(shape, dtype)

    # Normal, and what is made of it -----------------------------------------------------------------------------------

    def standard_normal(self, size: Any = None, dtype: Any = _DOUBLE, out: Any = None) -> Array:
        """Draw from the normal distribution with mean 0 and standard deviation 1. [Box, Muller 1958]

        >>> import pullback as pb
        >>> pb.random.default_rng(0).standard_normal((2, 3)).shape
        (2, 3)
        """
        shape = shape_of("standard_normal", size)
        count = int(np.prod(shape, dtype=int))
        pairs = (count + 1) // 2
        uniform = self.random(2 * pairs, dtype)
        radius = operations.sqrt(-2 * operations.log1p(-uniform[:pairs]))
        angle = (2 * np.pi) * uniform[pairs:]
        both: Array = operations.concatenate([radius * operations.cos(angle), radius * operations.sin(angle)])
        return given_out("standard_normal", out, both[:count].reshape(shape))

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the normal distribution with mean ``loc`` and standard deviation ``scale``.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).normal([0.0, 100.0], 1.0).shape
        (2,)
        """
        loc, scale, shape = parameters("normal", size, dtype, loc, scale)
        check_scale("normal", scale)
        return loc + scale * self.standard_normal(shape, dtype)

    def lognormal(self, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw numbers whose logarithm is normal with this mean and standard deviation.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).lognormal(size=100) > 0).all())
        True
        """
        mean, sigma, shape = parameters("lognormal", size, dtype, mean, sigma)
        check_scale("lognormal", sigma)
        drawn: Array = operations.exp(mean + sigma * self.standard_normal(shape, dtype))
        return drawn

    def multivariate_normal(
        self,
        mean: Any,
        cov: Any,
        size: Any = None,
        check_valid: str = "warn",
        tol: float = 1e-8,
        *,
        method: str = "cholesky",
    ) -> Array:
        """Draw vectors, along the last axis, from the normal distribution with this mean and covariance matrix.

        Args:
            mean: a vector, of n numbers.
            cov: its covariance, n by n, symmetric.
            size: how many are drawn, as a shape.
            check_valid: what to do about a matrix that is none: "warn", "raise" or "ignore".
            tol: what passes for zero in this.
            method: "cholesky" for positive definite matrices, "eigh" or "svd" also for semidefinite ones.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).multivariate_normal([0.0, 1.0], [[2.0, 0.5], [0.5, 1.0]], size=4).shape
        (4, 2)
        """
        mean, cov = (operations.astype(asarray(one), _DOUBLE) for one in (mean, cov))
        if mean.ndim != 1 or cov.shape != mean.shape * 2:
            raise ShapeError(
                f"multivariate_normal: expected a mean (n,) and a covariance (n, n), got {mean.shape} and {cov.shape}"
            )
        if method not in ("cholesky", "eigh", "svd"):
            raise ArgumentError(f"multivariate_normal: expected method 'cholesky', 'eigh' or 'svd', got {method!r}")
        _check_covariance(cov, check_valid, tol)
        numbers = self.standard_normal((*shape_of("multivariate_normal", size), mean.shape[0]))
        if method == "cholesky":
            root = operations.cholesky(cov)
        else:
            values, vectors = operations.eigh(cov)
            root = vectors * operations.sqrt(operations.maximum(values, 0.0))
        drawn: Array = mean + operations.matmul(numbers, operations.swapaxes(root, -1, -2))
        return drawn

    def standard_cauchy(self, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the Cauchy distribution with mode 0 and half width 1.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).standard_cauchy(4).shape
        (4,)
        """
        drawn: Array = operations.tan(math.pi * (self.random(shape_of("standard_cauchy", size), dtype) - 0.5))
        return drawn

    # Exponential, and what is made of it ------------------------------------------------------------------------------

    def standard_exponential(
        self, size: Any = None, dtype: Any = _DOUBLE, method: str = "inv", out: Any = None
    ) -> Array:
        """Draw from the exponential distribution with mean 1, by the quantile, whatever ``method`` says.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).standard_exponential(100) >= 0).all())
        True
        """
        if method not in ("inv", "zig"):
            raise ArgumentError(f"standard_exponential: expected method 'inv' or 'zig', got {method!r}")
        drawn = -operations.log1p(-self.random(shape_of("standard_exponential", size), dtype))
        return given_out("standard_exponential", out, drawn)

    def exponential(self, scale: Any = 1.0, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the exponential distribution with mean ``scale``.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).exponential(2.0, 100) >= 0).all())
        True
        """
        scale, shape = parameters("exponential", size, dtype, scale)
        check_scale("exponential", scale)
        return scale * self.standard_exponential(shape, dtype)

    def _positive_exponential(self, shape: tuple[int, ...], dtype: Any) -> Array:
        drawn: Array = -operations.log1p(-self._above_zero(shape, dtype))
        return drawn

    def laplace(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the Laplace distribution with this mean; ``scale`` is the mean distance from it.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).laplace([0.0, 100.0]).shape
        (2,)
        """
        loc, scale, shape = parameters("laplace", size, dtype, loc, scale)
        check_scale("laplace", scale)
        distance = scale * self.standard_exponential(shape, dtype)
        drawn: Array = loc + operations.where(self.random(shape, dtype) < 0.5, -distance, distance)
        return drawn

    def logistic(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the logistic distribution, whose distribution function is the sigmoid of (x - loc) / scale.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).logistic([0.0, 100.0]).shape
        (2,)
        """
        loc, scale, shape = parameters("logistic", size, dtype, loc, scale)
        check_scale("logistic", scale)
        uniform = self._above_zero(shape, dtype)
        drawn: Array = loc + scale * (operations.log(uniform) - operations.log1p(-uniform))
        return drawn

    def gumbel(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the Gumbel distribution with this mode.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).gumbel(size=4).shape
        (4,)
        """
        loc, scale, shape = parameters("gumbel", size, dtype, loc, scale)
        check_scale("gumbel", scale)
        drawn: Array = loc - scale * operations.log(self._positive_exponential(shape, dtype))
        return drawn

    def weibull(self, a: Any, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the Weibull distribution with shape a and scale 1.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).weibull(2.0, 100) > 0).all())
        True
        """
        a, shape = parameters("weibull", size, dtype, a)
        check_positive("weibull", "a shape", a)
        drawn: Array = operations.power(self._positive_exponential(shape, dtype), 1 / a)
        return drawn

    def rayleigh(self, scale: Any = 1.0, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the Rayleigh distribution, of the length of two normal numbers with deviation ``scale``.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).rayleigh(2.0, 100) > 0).all())
        True
        """
        scale, shape = parameters("rayleigh", size, dtype, scale)
        check_scale("rayleigh", scale)
        drawn: Array = scale * operations.sqrt(2 * self._positive_exponential(shape, dtype))
        return drawn

    def pareto(self, a: Any, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the Pareto II (Lomax) distribution with shape a, which begins at 0.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).pareto(2.0, 100) >= 0).all())
        True
        """
        a, shape = parameters("pareto", size, dtype, a)
        check_positive("pareto", "a shape", a)
        drawn: Array = operations.expm1(self.standard_exponential(shape, dtype) / a)
        return drawn

    def power(self, a: Any, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the distribution over [0, 1] with density a x**(a - 1).

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).power(2.0, 100) <= 1).all())
        True
        """
        a, shape = parameters("power", size, dtype, a)
        check_positive("power", "an exponent", a)
        drawn: Array = operations.power(self._above_zero(shape, dtype), 1 / a)
        return drawn

    def triangular(self, left: Any, mode: Any, right: Any, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the distribution whose density rises from ``left`` to ``mode`` and falls to ``right``.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).triangular(0.0, 1.0, 3.0, 100) <= 3).all())
        True
        """
        left, mode, right, shape = parameters("triangular", size, dtype, left, mode, right)
        check("triangular", lambda width: width >= 0, "left <= mode", mode - left)
        check("triangular", lambda width: width >= 0, "mode <= right", right - mode)
        check("triangular", lambda width: width > 0, "left < right", right - left)
        uniform, width = self.random(shape, dtype), right - left
        rising = uniform * width < mode - left
        from_left = left + operations.sqrt(operations.where(rising, uniform, 1) * width * (mode - left))
        from_right = right - operations.sqrt(operations.where(rising, 1, 1 - uniform) * width * (right - mode))
        drawn: Array = operations.where(rising, from_left, from_right)
        return drawn

    # Gamma, and what is made of it ------------------------------------------------------------------------------------

    def standard_gamma(self, shape: Any, size: Any = None, dtype: Any = _DOUBLE, out: Any = None) -> Array:
        """Draw from the gamma distribution with this shape and scale 1.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).standard_gamma(2.0, 100) > 0).all())
        True
        """
        a, wanted = parameters("standard_gamma", size, dtype, shape)
        check("standard_gamma", lambda value: value >= 0, "a shape of 0 or more", a)
        return given_out("standard_gamma", out, self._gamma(a, wanted, dtype))

    def _gamma(self, a: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        nothing = operations.equal(a, 0)
        drawn = operations.gammaincinv(operations.where(nothing, 1, a), self._above_zero(shape, dtype))
        found: Array = operations.where(nothing, 0, drawn)
        return found

    def _log_gamma(self, a: Array, shape: tuple[int, ...]) -> Array:
        """The logarithm of a number of the gamma distribution, which does not underflow for small shapes a.

        A number of shape a is one of shape a + 1 times a uniform number to the power 1 / a.
        """
        larger = operations.log(operations.gammaincinv(a + 1, self._above_zero(shape, _DOUBLE)))
        drawn: Array = larger + operations.log(self._above_zero(shape, _DOUBLE)) / a
        return drawn

    def gamma(self, shape: Any, scale: Any = 1.0, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the gamma distribution with this shape and scale.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).gamma([1.0, 2.0]).shape
        (2,)
        """
        a, scale, wanted = parameters("gamma", size, dtype, shape, scale)
        check("gamma", lambda value: value >= 0, "a shape of 0 or more", a)
        check_scale("gamma", scale)
        return scale * self._gamma(a, wanted, dtype)

    def chisquare(self, df: Any, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw sums of ``df`` squares of normal numbers; df need not be an integer.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).chisquare(2.0, 100) > 0).all())
        True
        """
        df, shape = parameters("chisquare", size, dtype, df)
        check_positive("chisquare", "degrees of freedom", df)
        return 2 * self._gamma(df / 2, shape, dtype)

    def f(self, dfnum: Any, dfden: Any, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the F distribution: the ratio of two chi-squared numbers, each over its degrees of freedom.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).f(2.0, 3.0, 100) > 0).all())
        True
        """
        dfnum, dfden, shape = parameters("f", size, dtype, dfnum, dfden)
        check_positive("f", "degrees of freedom", dfnum)
        check_positive("f", "degrees of freedom", dfden)
        above = self._gamma(dfnum / 2, shape, dtype) / dfnum
        return above / (self._gamma(dfden / 2, shape, dtype) / dfden)

    def standard_t(self, df: Any, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from Student's t distribution with ``df`` degrees of freedom.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).standard_t(3.0, 4).shape
        (4,)
        """
        df, shape = parameters("standard_t", size, dtype, df)
        check_positive("standard_t", "degrees of freedom", df)
        normal = self.standard_normal(shape, dtype)
        drawn: Array = normal * operations.sqrt(df / 2 / self._gamma(df / 2, shape, dtype))
        return drawn

    def beta(self, a: Any, b: Any, size: Any = None, dtype: Any = _DOUBLE) -> Array:
        """Draw from the beta distribution, over [0, 1], with the shapes a and b.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).beta(2.0, 3.0, 100) < 1).all())
        True
        """
        a, b, shape = parameters("beta", size, dtype, a, b)
        check_positive("beta", "a shape", a)
        check_positive("beta", "a shape", b)
        drawn: Array = operations.betaincinv(a, b, self._above_zero(shape, dtype))
        return drawn

    def dirichlet(self, alpha: Any, size: Any = None) -> Array:
        """Draw vectors of shares, along the last axis, from the Dirichlet distribution with the shapes ``alpha``.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).dirichlet([1.0, 2.0, 3.0], size=4).sum(axis=1)
        array([1., 1., 1., 1.])
        """
        alpha = operations.astype(asarray(alpha), _DOUBLE)
        if alpha.ndim != 1 or not alpha.size:
            raise ShapeError(f"dirichlet: expected a vector of shapes, got {alpha.shape}")
        check_positive("dirichlet", "shapes", alpha)
        shape = (*shape_of("dirichlet", size), alpha.shape[0])
        drawn: Array = operations.softmax(self._log_gamma(alpha, shape), axis=-1)
        return drawn


def _check_covariance(cov: Array, check_valid: str, tol: float) -> None:
    """Say what is wrong with a covariance as ``check_valid`` asks; unknown while a function is being traced."""
    if check_valid not in ("warn", "raise", "ignore"):
        raise ArgumentError(
            f"multivariate_normal: expected check_valid 'warn', 'raise' or 'ignore', got {check_valid!r}"
        )
    value = cov._node.value
    if value is None or check_valid == "ignore" or not value.size:
        return
    if np.allclose(value, value.T, rtol=tol, atol=tol) and np.linalg.eigvalsh(value)[0] >= -tol:
        return
    text = "multivariate_normal: expected a covariance that is symmetric and positive semidefinite, got another matrix"
    if check_valid == "raise":
        raise ArgumentError(text)
    warnings.warn(text, RuntimeWarning, stacklevel=3)
