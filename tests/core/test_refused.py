"""What is refused says what to use instead."""

import numpy as np
from numpy.lib import recfunctions
from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs

from pullback.core.operations import operations, overrides
from pullback.core.protocols import reads_values
from pullback.core.refused import instead_of

READERS = {"frombuffer", "fromfile", "fromiter", "fromstring", "genfromtxt", "loadtxt"}
"""They take arrays as like= only, and give arrays of what they read."""


def test_every_function_of_numpy_is_covered_or_reads_values_or_is_refused_with_what_to_use():
    operations.load_all()
    left = set()
    for one in get_overridable_numpy_array_functions() | get_overridable_numpy_ufuncs():
        module = getattr(one, "__module__", None)  # ufuncs have none in older versions
        internal = module == "numpy" and getattr(np, one.__name__, one) is not one  # what like= is made of
        if not (internal or one in overrides or reads_values(one) or instead_of(one)):
            left.add(one.__name__)
    assert left <= READERS


def test_words_go_with_the_function_that_is_refused():
    assert instead_of(np.isnat).startswith("It works on dates")
    assert instead_of(np.strings.str_len).startswith("It works on text")
    assert instead_of(recfunctions.merge_arrays).startswith("It works on records")
    assert instead_of(np.packbits).startswith("It works on bits")
    assert instead_of(np.sin) is None
