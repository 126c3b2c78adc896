"""The short name of ``pullback.numpy.linalg``, which ``import pullback.linalg`` gives itself: linear algebra."""

import sys

from pullback.numpy import linalg

sys.modules[__name__] = linalg
