"""A training step of a 784-1024-10 network, batch 256."""

from benchmarks.workloads.mlp import Network

TITLE = "Training step, 784-1024-10, batch 256, SGD, float32"
_network = Network((784, 1024, 10), 256)
pullback, numpy, torch, jax = _network.pullback, _network.numpy, _network.torch, _network.jax
WORK = _network.work
