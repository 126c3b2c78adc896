"""What training did, kept for a picture: how weights and gradients were distributed, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.core.array import Array
from pullback.core.graph import Graph
from pullback.files import PathLike
from pullback.nn.module import Module
from pullback.transforms.evaluation import Evaluation
from pullback.view.export import empty_picture, picture_data, value_data
from pullback.view.model import Value
from pullback.view.save import save_data
from pullback.view.summary import summarize, value_of


@dataclass
class Distribution:
    """One parameter over the epochs.

    Attributes:
        name: its path in the model.
        shape: its shape.
        values: what it was at the end of each epoch.
        gradients: what the gradient by it then was on the last batch.
    """

    name: str
    shape: tuple[int, ...]
    values: list[Value] = field(default_factory=list)
    gradients: list[Value] = field(default_factory=list)


class Log:
    """Looks at the parameters after each epoch, and at the gradients by them on the last batch.

    Attributes:
        parameters: those that are trained.
        run: the last loss as a graph with its values and gradients.
    """

    def __init__(self, model: Module, loss: Callable[[Any, Any], Array]) -> None:
        self._model, self._loss = model, loss
        self._watched = [(name, one) for name, one in model.named_parameters() if one.trainable]
        self.parameters = [Distribution(name, one.shape) for name, one in self._watched]
        self.run: Evaluation | None = None

    def look(self, inputs: Any, targets: Any) -> None:
        """Take down how the parameters, and the gradients by them on this batch, are distributed.

        The model is evaluated as in use: what is random in training would draw other numbers afterwards.
        """
        self._model.eval()
        cost = self._loss(self._model(inputs), targets)
        self._model.train()
        self.run = Graph.of([cost.node]).forward().backward()
        for found, (_, parameter) in zip(self.parameters, self._watched, strict=True):
            found.values.append(value_of(parameter.node.value, pictured=False))
            gradient = self.run.gradient(parameter.node) if parameter.node in self.run.graph.inputs else None
            zero = np.zeros(parameter.shape, parameter.dtype)
            found.gradients.append(value_of(zero if gradient is None else gradient, pictured=False))


def save_history(history: Any, path: PathLike) -> None:
    """Write what training did, and the graph of the last loss if it is known, into a file: ``History.save``."""
    log: Log | None = history.log
    run = log.run if log is not None else None
    data = picture_data(summarize(run)) if run is not None else empty_picture()
    training: dict[str, Any] = {
        "epochs": list(range(1, history.epochs + 1)),
        "loss": list(history.loss),
        "seconds": history.seconds,
    }
    if history.metric:
        training["metric"] = {"name": history.metric_name, "values": list(history.metric)}
    if log is not None:
        training["parameters"] = [
            {
                "name": one.name,
                "shape": list(one.shape),
                "values": [value_data(value) for value in one.values],
                "gradients": [value_data(value) for value in one.gradients],
            }
            for one in log.parameters
        ]
    save_data(data | {"training": training}, path)
