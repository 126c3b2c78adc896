"""Rounding, signs and the like: piecewise constant or linear."""
