"""Load the operations before pytest collects: asked for one file of them alone, it would load that file twice."""

import pullback  # noqa: F401
