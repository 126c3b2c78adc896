"""The training loop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.compiler.compile import compile
from pullback.core.array import Array
from pullback.core.operations import operations
from pullback.errors import ArgumentError, DTypeError, NonFiniteError
from pullback.files import PathLike
from pullback.nn.module import Module
from pullback.ops.structural import stop_gradient
from pullback.optim.optimizer import Optimizer
from pullback.train.log import Log, save_history
from pullback.train.progress import Progress, choose

Metric = Callable[[Any, Any], float]


@dataclass
class History:
    """What training did, epoch by epoch.

    Attributes:
        loss: the mean loss of each epoch.
        metric: the mean of the metric in each epoch; empty if none was measured.
        metric_name: what the metric is called.
        seconds: how long it took.
        interrupted: whether it was stopped early, by Ctrl-C.
        log: how weights and gradients were distributed, if ``fit`` was to keep it.
    """

    loss: list[float] = field(default_factory=list)
    metric: list[float] = field(default_factory=list)
    metric_name: str = ""
    seconds: float = 0.0
    interrupted: bool = False
    log: Log | None = None

    def save(self, path: PathLike) -> None:
        """Write the loss of each epoch, and what ``log=True`` kept, as a page to look at (.html) or as .json.

        Raises:
            ArgumentError: another ending.
            FileError: the file cannot be written.
        """
        save_history(self, path)

    @property
    def epochs(self) -> int:
        """The number of epochs that were completed."""
        return len(self.loss)


def fit(
    model: Module,
    loss: Callable[[Any, Any], Array],
    optimizer: Optimizer,
    batches: Iterable[Any],
    epochs: int,
    metric: Metric | None = None,
    progress: bool | Progress | None = None,
    compiled: bool = False,
    log: bool = False,
) -> History:
    """Train ``model``: for each batch, a forward pass, a backward pass, and a step of the optimizer.

    Ctrl-C (SIGINT) stops it after the batch that is being worked on; what was learned until then is kept, and the
    history says so. A second Ctrl-C stops it at once.

    Args:
        model: a function of the inputs; it is set to training, and to use again at the end.
        loss: ``loss(outputs, targets)``, an array with one element: the mean over the batch.
        optimizer: what updates the parameters.
        batches: pairs (inputs, targets); each loop over them is an epoch, see ``pullback.data.Batches``.
        epochs: how many epochs.
        metric: ``metric(outputs, targets)``, the mean over the batch of what else is to be measured, see ``accuracy``.
        progress: whether to show loss and metric; by default a bar in a terminal and lines elsewhere.
        compiled: whether to compile the whole step, see ``pullback.compile``: many times faster for small networks,
            with the same losses to rounding. What the model does besides computing then happens once, not at each step.
        log: whether to keep, for ``History.save``, how each parameter and the gradient by it were distributed after
            each epoch, and the graph of the last loss; of the model in use, on the last batch.

    Raises:
        NonFiniteError: the loss, or a parameter, became inf or NaN. No step follows a loss that is not finite.

    >>> import numpy as np
    >>> import pullback as pb
    >>> x = np.linspace(-1, 1, 32)[:, None]
    >>> model = pb.nn.Linear(1, 1, rng=0, dtype=float)
    >>> optimizer = pb.optim.SGD(model.parameters(), lr=0.5)
    >>> batches = pb.data.Batches((x, 3 * x + 1), batch_size=8)
    >>> history = pb.train.fit(model, pb.nn.mse, optimizer, batches, epochs=20, progress=False)
    >>> bool(history.loss[-1] < 1e-6)
    True
    """
    if isinstance(epochs, bool) or not hasattr(epochs, "__index__") or epochs < 1:
        raise ArgumentError(f"fit: expected epochs to be a positive integer, got {epochs!r}")
    _check(model, loss, optimizer, batches, metric)
    shown = choose(progress, int(epochs), metric)
    step = _Step(model, loss, optimizer, compiled)
    history = History(metric_name=getattr(metric, "__name__", "metric"), log=Log(model, loss) if log else None)
    start = time.perf_counter()
    model.train()
    try:
        # What overflows shows in the loss, which is checked; NumPy's warnings would only come before the error.
        with shown, interruptible() as interrupt, np.errstate(all="ignore"):
            for epoch in range(int(epochs)):
                means = _epoch(step, batches, metric, epoch, interrupt)
                if means is None:
                    history.interrupted = True
                    break
                history.loss.append(means[0])
                if history.log is not None:
                    history.log.look(*step.last)
                if metric is not None:
                    history.metric.append(means[1])
                shown.epoch_done(epoch + 1, *means)
    except KeyboardInterrupt:
        history.interrupted = True
    finally:
        model.eval()
        optimizer.zero_grad()
        history.seconds = time.perf_counter() - start
    return history


def _check(model: Any, loss: Any, optimizer: Any, batches: Any, metric: Any) -> None:
    kinds: tuple[tuple[str, Any, Any, str], ...] = (
        ("model", model, Module, "a Module"),
        ("optimizer", optimizer, Optimizer, "an Optimizer"),
        ("loss", loss, Callable, "a function"),
        ("batches", batches, Iterable, "pairs (inputs, targets), as Batches gives them"),
        ("metric", loss if metric is None else metric, Callable, "a function or None"),
    )
    for name, value, kind, expected in kinds:
        if not isinstance(value, kind):
            raise DTypeError(f"fit: expected {name} to be {expected}, got {type(value).__name__}")
    if not {id(one) for one in model.parameters()} & {id(one) for one in optimizer.parameters}:
        raise ArgumentError("fit: the optimizer holds no parameter of the model. Give it model.parameters()")


class Interrupt:
    """Whether Ctrl-C was pressed."""

    requested = False


class _Step:
    """One step of training: forward, backward, and the update, which an infinite or NaN loss prevents."""

    def __init__(self, model: Module, loss: Callable[[Any, Any], Array], optimizer: Optimizer, compiled: bool) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.last: tuple[Any, Any] = (None, None)  # the batch
        self._run = compile(self._step) if compiled else self._step

    def __call__(self, inputs: Any, targets: Any) -> tuple[Any, Any]:
        """Return the loss and the outputs of the model."""
        self.last = inputs, targets
        cost, outputs = self._run(inputs, targets)
        return cost, outputs

    def _step(self, inputs: Any, targets: Any) -> tuple[Any, Any]:
        outputs = self.model(inputs)
        cost = self.loss(outputs, targets)
        if not isinstance(cost, Array):
            raise DTypeError(f"fit: expected the loss to be an Array with one element, got {type(cost).__name__}")
        self.optimizer.zero_grad()
        cost.backward()
        self.optimizer.step(when=operations.isfinite(stop_gradient(cost)))
        self.optimizer.zero_grad()
        return cost, outputs


def _epoch(
    step: _Step, batches: Iterable[Any], metric: Metric | None, epoch: int, interrupt: Interrupt
) -> tuple[float, float] | None:
    """Run one epoch; return the means of loss and metric over its rows, or None if it was interrupted."""
    rows = 0
    total = measured = 0.0
    for batch in batches:
        if interrupt.requested:
            return None
        inputs, targets = _pair(batch)
        cost, outputs = step(inputs, targets)
        value = _finite(cost, epoch)
        count = len(targets)
        rows += count
        total += value * count
        if metric is not None:
            measured += metric(outputs, targets) * count
    if not rows:
        hint = ". Give Batches or a list: an iterator has one epoch" if epoch else ""
        raise ArgumentError(f"fit: there are no batches to train on in epoch {epoch + 1}{hint}")
    for parameter in step.optimizer.parameters:  # the last step of the epoch, which no loss has seen yet
        if not np.isfinite(parameter.node.value).all():
            raise _diverged(f"parameter {parameter.name or ''}".strip(), "infinite or NaN", epoch)
    return total / rows, measured / rows


def _pair(batch: Any) -> tuple[Any, Any]:
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise DTypeError(f"fit: expected batches to be pairs (inputs, targets), got {type(batch).__name__}")
    return batch[0], batch[1]


def _finite(cost: Any, epoch: int) -> float:
    value = float(cost.item())
    if not np.isfinite(value):
        raise _diverged("loss", str(value), epoch)
    return value


def _diverged(what: str, became: str, epoch: int) -> NonFiniteError:
    return NonFiniteError(
        f"fit: the {what} became {became} in epoch {epoch + 1}. A smaller learning rate, inputs of the order of 1, or "
        "a loss computed from logits keep it finite"
    )


@contextmanager
def interruptible() -> Any:
    """Turn the first Ctrl-C inside into a request, so that no update is torn in two; the second one interrupts."""
    interrupt = Interrupt()
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as nohup and the shell's & set it
    if ignored or threading.current_thread() is not threading.main_thread():
        yield interrupt  # signals reach the main thread only
        return

    def request(number: int, frame: Any) -> None:
        if interrupt.requested:
            raise KeyboardInterrupt
        interrupt.requested = True

    before = signal.signal(signal.SIGINT, request)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
