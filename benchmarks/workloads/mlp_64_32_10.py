"""A training step of a 64-32-10 network, batch 32."""

from benchmarks.workloads.mlp import Network

TITLE = "Training step, 64-32-10, batch 32, SGD, float32"
_network = Network((64, 32, 10), 32)
pullback, numpy, torch, jax = _network.pullback, _network.numpy, _network.torch, _network.jax
WORK = _network.work
