"""The short name of ``pullback.numpy.fft``, which ``import pullback.fft`` gives itself: Fourier transforms."""

import sys

from pullback.numpy import fft

sys.modules[__name__] = fft
