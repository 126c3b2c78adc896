"""Floor 7: checks of derivatives, for users' own functions and rules as for pullback's."""

from pullback.testing.gradients import GradientError, check_grads

__all__ = ["GradientError", "check_grads"]
