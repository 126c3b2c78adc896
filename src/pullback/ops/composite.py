"""Functions of networks composed of primitives: activations and losses."""
