"""A training step of the textbook's network: two inputs, two hidden ReLU units, one sigmoid; batch 1, SGD."""

from benchmarks.workloads.textbook import Textbook

TITLE = "Training step, 2-2-1, batch 1, SGD, float32"
_network = Textbook()
pullback, torch, jax = _network.pullback, _network.torch, _network.jax
