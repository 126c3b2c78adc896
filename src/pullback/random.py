"""The short name of ``pullback.numpy.random``, which ``import pullback.random`` gives itself: random numbers."""

import sys

from pullback.numpy import random

sys.modules[__name__] = random
