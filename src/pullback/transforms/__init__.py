"""Floor 3: graph to graph."""
