"""Special functions with known derivatives: those of ``scipy.special``, under its names, and those of networks.

SciPy's ufuncs on Arrays come here too: ``scipy.special.erf(x)`` is ``erf(x)``. SciPy is loaded at the first use.
"""
