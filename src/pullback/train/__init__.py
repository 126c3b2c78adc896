"""Training: the loop, its progress, and what is measured."""

from pullback.train.fit import History, fit
from pullback.train.metrics import accuracy, predicted_classes

__all__ = ["History", "accuracy", "fit", "predicted_classes"]
