"""Distributions over the integers. What is drawn has no derivative, so parameters that are watched are refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.creation import asarray
from pullback.core.operations import operations
from pullback.errors import ArgumentError, ShapeError
from pullback.numpy.drawing import Source, check, check_positive, check_probability, constants, parameters
from pullback.ops.pointwise.special.distributions import binomial_quantile, poisson_quantile


class Discrete(Source):
    """The discrete distributions of ``numpy.random.Generator``, by its names and with its arguments."""

    def bernoulli(self, p: Any = 0.5, size: Any = None) -> Array:
        """Draw True with probability ``p``.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).bernoulli(0.5, 3).dtype
        dtype('bool')
        """
        constants("bernoulli", p)
        p, shape = parameters("bernoulli", size, np.float64, p)
        drawn: Array = operations.less(self.random(shape), p)
        return drawn

    def poisson(self, lam: Any = 1.0, size: Any = None) -> Array:
        """Draw from the Poisson distribution with mean ``lam``.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).poisson([1.0, 100.0]).shape
        (2,)
        """
        constants("poisson", lam)
        lam, shape = parameters("poisson", size, np.float64, lam)
        check("poisson", lambda value: value >= 0, "a mean of 0 or more", lam)
        return _integers(poisson_quantile(self.random(shape), lam))

    def binomial(self, n: Any, p: Any, size: Any = None) -> Array:
        """Draw how many of ``n`` trials succeed, each with probability ``p``.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).binomial(5, 0.5, 100) <= 5).all())
        True
        """
        constants("binomial", n, p)
        n, p, shape = parameters("binomial", size, np.float64, n, p)
        check("binomial", lambda value: (value >= 0) & (value == np.floor(value)), "a number of trials as n", n)
        check_probability("binomial", p)
        return _integers(binomial_quantile(self.random(shape), n, p))

    def geometric(self, p: Any, size: Any = None) -> Array:
        """Draw the number of trials up to the first success, which has probability ``p`` in each.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).geometric(0.5, 100) >= 1).all())
        True
        """
        constants("geometric", p)
        p, shape = parameters("geometric", size, np.float64, p)
        check("geometric", lambda value: (value > 0) & (value <= 1), "a probability above 0, up to 1", p)
        certain = operations.equal(p, 1)
        waits = operations.log(1 - self.random(shape)) / operations.log1p(-operations.where(certain, 0.5, p))
        return _integers(operations.where(certain, 1, operations.maximum(operations.ceil(waits), 1)))

    def negative_binomial(self, n: Any, p: Any, size: Any = None) -> Array:
        """Draw the number of failures before ``n`` successes, which have probability ``p``; n need not be an integer.

        >>> import pullback as pb
        >>> bool((pb.random.default_rng(0).negative_binomial(3, 0.5, 100) >= 0).all())
        True
        """
        constants("negative_binomial", n, p)
        n, p, shape = parameters("negative_binomial", size, np.float64, n, p)
        check_positive("negative_binomial", "a number of successes", n)
        check("negative_binomial", lambda value: (value > 0) & (value <= 1), "a probability above 0, up to 1", p)
        mean = operations.gammaincinv(n, self._above_zero(shape, np.float64)) * (1 - p) / p
        return _integers(poisson_quantile(self.random(shape), mean))

    def multinomial(self, n: Any, pvals: Any, size: Any = None) -> Array:
        """Draw how often each outcome, along the last axis, comes in ``n`` trials with the probabilities ``pvals``.

        >>> import pullback as pb
        >>> pb.random.default_rng(0).multinomial(5, [0.2, 0.3, 0.5], size=2).sum(axis=1)
        array([5, 5])
        """
        constants("multinomial", n, pvals)
        shares = operations.astype(asarray(pvals), np.float64)
        if not shares.ndim:
            raise ShapeError("multinomial: expected probabilities along the last axis of pvals, got a number")
        check_shares("multinomial", "pvals", shares)
        trials, first, shape = parameters("multinomial", size, np.float64, n, shares[..., 0])
        check("multinomial", lambda value: (value >= 0) & (value == np.floor(value)), "a number of trials as n", trials)
        left: Any = operations.broadcast_to(trials, shape)
        counts, rest = [], operations.ones_like(first)
        for k in range(shares.shape[-1] - 1):  # of those that are left, each is this outcome with its share of the rest
            share = operations.where(rest > 0, shares[..., k] / operations.where(rest > 0, rest, 1), 0)
            drawn = binomial_quantile(self.random(shape), left, operations.clip(share, 0, 1))
            counts.append(drawn)
            left, rest = left - drawn, rest - shares[..., k]
        return _integers(operations.stack([*counts, left], axis=-1))


def _integers(drawn: Array) -> Array:
    counted: Array = operations.astype(drawn, np.int64)
    return counted


def check_shares(operation: str, name: str, p: Array) -> None:
    """Raise ArgumentError for what are no probabilities of all outcomes; unknown while a function is being traced."""
    value = p._node.value
    if value is None:
        return
    totals = value.sum(-1)
    if not (value >= 0).all() or not (abs(totals - 1) <= 1e-6).all():
        total = totals.flat[np.argmax(abs(totals - 1))]
        raise ArgumentError(f"{operation}: expected {name} of 0 or more that adds up to 1, got a sum of {total:g}")
