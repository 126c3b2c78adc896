"""The short name of ``pullback.numpy.special``, which ``import pullback.special`` gives itself: special functions."""

import sys

from pullback.numpy import special

sys.modules[__name__] = special
