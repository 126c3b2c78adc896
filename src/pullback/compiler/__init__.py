"""Floor 4: graph to machine code."""
