"""Special functions of scipy.special with known derivatives."""
