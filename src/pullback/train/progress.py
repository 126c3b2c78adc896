"""What is shown while a network is trained: a bar in a terminal, lines elsewhere, or nothing."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from pullback.errors import DTypeError


class Progress:
    """Shows nothing; the base of what shows something.

    Args:
        epochs: how many there will be.
        metric: what the second number is called, or None if there is none.
    """

    def __init__(self, epochs: int, metric: str | None = None) -> None:
        self.epochs = epochs
        self.metric = metric

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def epoch_done(self, number: int, loss: float, metric: float) -> None:
        """Show the means of an epoch, ``number`` of which are done now."""

    def _numbers(self, loss: float, metric: float) -> str:
        # Shares are read as per cent; other metrics come as they are.
        text = f"loss {loss:.4f}"
        if self.metric == "accuracy":
            return f"{text}  accuracy {metric:6.1%}"
        return text if self.metric is None else f"{text}  {self.metric} {metric:.4g}"


class Lines(Progress):
    """A line for about every tenth part of the epochs, for files and pipes: the same on every run."""

    def epoch_done(self, number: int, loss: float, metric: float) -> None:
        """Print a line, if this epoch is one of those that are shown."""
        every = max(1, -(-self.epochs // 10))
        if number % every == 0 or number in (1, self.epochs):
            width = len(str(self.epochs))
            print(f"epoch {number:>{width}}/{self.epochs}  {self._numbers(loss, metric)}", flush=True)


class Bar(Progress):
    """A bar that fills from epoch to epoch, with the latest numbers beside it, for a terminal."""

    def __enter__(self) -> Self:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[numbers]}", style="bold"),
            TimeElapsedColumn(),
        )
        self._task: Any = self._bar.add_task("", total=self.epochs, numbers="")
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def epoch_done(self, number: int, loss: float, metric: float) -> None:
        """Move the bar on."""
        self._bar.update(self._task, completed=number, numbers=self._numbers(loss, metric))


def choose(progress: bool | Progress | None, epochs: int, metric: Any) -> Progress:
    """Return what shows the progress: by default a bar in a terminal and lines elsewhere."""
    if isinstance(progress, Progress):
        return progress
    if progress not in (None, True, False):
        raise DTypeError(f"fit: expected progress to be True, False or None, got {type(progress).__name__}")
    name = None if metric is None else getattr(metric, "__name__", "metric")
    if progress is False:
        return Progress(epochs, name)
    terminal = sys.stdout is not None and sys.stdout.isatty()  # None: a program without a console
    return (Bar if terminal else Lines)(epochs, name)
