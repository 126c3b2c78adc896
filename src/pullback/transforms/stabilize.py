"""Rewrites that keep the digits: formulas as a textbook writes them, in the form that computes what they mean."""

from __future__ import annotations

from pullback.transforms import stable_functions, stable_reductions  # noqa: F401  # they fill the table
from pullback.transforms.rewrites import FINITE, ROUNDING, Found, Rewrite, find, table

__all__ = ["FINITE", "ROUNDING", "Found", "Rewrite", "find", "table"]
