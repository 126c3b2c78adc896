"""A training step of a 784-128-10 network, batch 64."""

from benchmarks.workloads.mlp import Network

TITLE = "Training step, 784-128-10, batch 64, SGD, float32"
_network = Network((784, 128, 10), 64)
pullback, numpy, torch, jax = _network.pullback, _network.numpy, _network.torch, _network.jax
WORK = _network.work
