"""Optimizers: what moves the parameters.

>>> import pullback as pb
>>> w = pb.Parameter([4.0])
>>> optimizer = pb.optim.SGD([w], lr=0.25)
>>> for _ in range(3):
...     optimizer.zero_grad()
...     (w * w).sum().backward()
...     optimizer.step()
>>> w
Parameter([0.5])
"""

from pullback.optim.adam import Adam, AdamW
from pullback.optim.optimizer import Optimizer
from pullback.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
