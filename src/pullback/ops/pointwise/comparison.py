"""Comparisons, logic and bits: results that carry no derivative."""
