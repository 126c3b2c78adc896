"""Floor 7: checks of derivatives, for users' own functions and rules as for pullback's."""

from pullback.errors import GradientError
from pullback.testing.gradients import check_grads

__all__ = ["GradientError", "check_grads"]
