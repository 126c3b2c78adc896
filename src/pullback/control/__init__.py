"""Floor 4: nodes that hold graphs. Branches and loops, what recomputes, and a user's own derivative rules."""

from pullback import ops  # its files come first
from pullback.core.operations import operations

operations.declared_in(
    f"pullback.control.{name}"
    for name in ("custom", "checkpoint", "branches", "scans", "associative", "deferred", "loops", "mapping")
)
