"""Exponentials, logarithms, powers and roots."""
