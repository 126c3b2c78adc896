"""``pullback train``: train a network on a data set or a CSV file, measure it on rows that it has not seen, save it."""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pullback import nn
from pullback.cli import INTERRUPTED
from pullback.core.state import no_grad
from pullback.data import Batches, Dataset, load_breast_cancer, load_digits, read_csv
from pullback.errors import ArgumentError
from pullback.files import check_writable
from pullback.io import save_weights
from pullback.optim import AdamW
from pullback.train import History, accuracy, fit, predicted_classes
from pullback.view.notation import clean

_BUILT_IN = {"digits": load_digits, "breast-cancer": load_breast_cancer}
_HELD_OUT = 0.2
_SPLIT_SEED = 0
"""The split is the same for every --seed: results of different seeds can be compared."""
_EPOCHS, _STEPS = 30, 1000
"""Unless --epochs says otherwise: so many epochs, and not fewer steps of the optimizer than this."""
_WEIGHT_DECAY = 0.1
_SMOOTHING = 0.1
"""The share of a label that is spread over all classes [Szegedy et al. 2016, https://arxiv.org/abs/1512.00567]."""


@dataclass(frozen=True)
class _Settings:
    seed: int
    epochs: int | None
    batch_size: int
    lr: float
    hidden: int
    eager: bool
    log: bool


@click.command()
@click.argument("what")
@click.option("--target", metavar="COLUMN", help="The column of a CSV file that is to be predicted.")
@click.option("--ignore", metavar="COLUMN", multiple=True, help="A column of a CSV file to leave out; may be repeated.")
@click.option("--seed", default=0, show_default=True, help="Decides the first weights and the order of the rows.")
@click.option("--epochs", type=int, help="How often each row is seen.  [default: 30, more for few rows]")
@click.option("--batch-size", default=32, show_default=True, help="Rows for each step of the optimizer.")
@click.option("--lr", default=0.002, show_default=True, help="The learning rate of AdamW.")
@click.option("--hidden", default=128, show_default=True, help="The number of hidden units.")
@click.option("--eager", is_flag=True, help="Run the steps operation by operation, not compiled.")
@click.option("--output", metavar="FILE", help="Where the weights go.  [default: WHAT.safetensors, in this directory]")
@click.option("--html", metavar="FILE", help="Write a page that shows the loss, the weights and the network.")
def train(
    what: str, target: str | None, ignore: tuple[str, ...], output: str | None, html: str | None, **settings: Any
) -> int:
    """Train a network with one hidden layer, and show how well it does on rows that it has not seen.

    WHAT is `digits` (1,797 handwritten digits), `breast-cancer` (569 tumours), or a CSV file with a line of column
    names, of which --target says what is to be predicted: a word, or a number.

    A fifth of the rows is held out, always the same. Ctrl-C stops the training; what was learned until then is
    measured and saved.
    """
    chosen = _Settings(log=html is not None, **settings)
    _check(chosen)
    if html is not None:
        _check_page(html)
    data = _load(what, target, ignore)
    output = f"{data.name}.safetensors" if output is None else output
    check_writable(output)
    if what not in _BUILT_IN and os.path.exists(output) and os.path.samefile(what, output):
        raise ArgumentError(f"--output: {output!r} is the file that is read. Give the weights another name")
    console = Console(highlight=False, soft_wrap=True)
    training, held_out = data.split(_HELD_OUT, _SPLIT_SEED)
    job = _Job(training, chosen)
    _announce(console, data, training, held_out, job)
    history = job.run()
    console.print()
    if history.interrupted:
        done = f"{history.epochs} of {job.epochs} epochs"
        console.print(f"Interrupted after {done}: what was learned is kept.\n", style="yellow")
    save_weights(output, job.model.state_dict(), _metadata(data, job))  # first of all: now nothing can be lost
    console.print(_scores(console, job.model, held_out, training))
    size = os.path.getsize(output)
    where = Text.assemble("\nTrained in ", f"{history.seconds:.1f} s. Weights in ", (clean(output), "bold"))
    console.print(where.append(f" ({size / 1000:,.0f} kB)."))
    if html is not None:
        history.save(html)
        console.print(Text.assemble("The page is ", (clean(html), "bold"), "."))
    return INTERRUPTED if history.interrupted else 0


# What comes in --------------------------------------------------------------------------------------------------------


def _check(settings: _Settings) -> None:
    bounds = {"seed": (0, 2**64 - 1), "epochs": (1, None), "batch_size": (1, None), "hidden": (1, 16384)}
    for name, (low, high) in bounds.items():
        value = getattr(settings, name)
        if value is None:
            continue
        if value < low or (high is not None and value > high):
            expected = f"{low} or more" if high is None else f"{low} to {high}"
            raise ArgumentError(f"--{name.replace('_', '-')}: expected {expected}, got {value}")
    if not 0 < settings.lr < float("inf"):
        raise ArgumentError(f"--lr: expected a positive number, got {settings.lr}")


def _check_page(html: str) -> None:
    if os.path.splitext(html)[1].lower() != ".html":
        raise ArgumentError(f"--html: expected the name of a file that ends in .html, got {html!r}")
    check_writable(html)


def _load(what: str, target: str | None, ignore: tuple[str, ...]) -> Dataset:
    if what in _BUILT_IN:
        if target is not None or ignore:
            raise ArgumentError(f"--target and --ignore name columns of a CSV file: {what} has its own target")
        return _BUILT_IN[what]()
    if not os.path.exists(what):
        near = difflib.get_close_matches(what, _BUILT_IN, 1)
        hint = f". Did you mean {near[0]}?" if near else ""
        raise ArgumentError(f"expected digits, breast-cancer or a CSV file, but there is no file {what!r}{hint}")
    if os.path.isdir(what):
        raise ArgumentError(f"expected digits, breast-cancer or a CSV file, got the directory {what!r}")
    if target is None:
        raise ArgumentError(f"{what}: say which column is to be predicted, with --target COLUMN")
    return read_csv(what, target, ignore)


# The work -------------------------------------------------------------------------------------------------------------


class _Job:
    """A network for a data set, with its loss, and the run that trains it."""

    def __init__(self, data: Dataset, settings: _Settings) -> None:
        self.data = data
        self.settings = settings
        batches = -(-len(data) // settings.batch_size)
        self.epochs = settings.epochs if settings.epochs is not None else max(_EPOCHS, -(-_STEPS // batches))
        self.kind = "number" if data.classes is None else "two classes" if len(data.classes) == 2 else "classes"
        largest = float(np.abs(data.targets).max())
        if self.kind == "number" and not 1e-30 < largest < 1e30:  # the network answers in single precision
            raise ArgumentError(
                f"{data.name}: {data.target!r} has numbers of up to {largest:g}. Give it in other units"
            )
        self.outputs = len(data.classes) if data.classes is not None and self.kind == "classes" else 1
        rng = np.random.Generator(np.random.Philox(settings.seed))
        scaling = nn.Standardize.of(data.inputs, data.one_unit)
        words = np.flatnonzero(~data.numeric)  # columns of 0 and 1 stay as they are
        scaling.mean[words] = 0.0
        scaling.scale[words] = 1.0
        self.model = nn.Sequential(
            scaling,
            nn.Linear(len(data.features), settings.hidden, rng=rng),
            nn.ReLU(),
            nn.Linear(settings.hidden, self.outputs, rng=rng, init="glorot"),
        )

    @property
    def network(self) -> str:
        """The network in words."""
        end = {"number": "", "two classes": " and sigmoid", "classes": " and softmax"}[self.kind]
        return f"{len(self.data.features)}-{self.settings.hidden}-{self.outputs}, relu{end}"

    @property
    def loss(self) -> str:
        """What is made small."""
        names = {
            "number": "mean squared error, of the target in standard deviations",
            "two classes": "binary cross-entropy",
            "classes": f"cross-entropy, labels smoothed by {_SMOOTHING:g}",
        }
        return names[self.kind]

    def run(self) -> History:
        """Train the network."""
        settings = self.settings
        targets = self.data.targets
        center, scale = float(targets.mean()), float(targets.std()) or 1.0
        if self.kind == "number":
            targets = ((targets - center) / scale).astype(np.float32)[:, None]
            loss: Any = nn.mse
        elif self.kind == "two classes":
            targets = targets.astype(np.float32)[:, None]
            loss = nn.binary_cross_entropy_with_logits
        else:
            share = _SMOOTHING / self.outputs
            targets = np.where(targets[:, None] == np.arange(self.outputs), 1 - _SMOOTHING + share, share)
            targets = targets.astype(np.float32)
            loss = nn.cross_entropy_with_logits
        history = fit(
            self.model,
            loss,
            AdamW(self.model.parameters(), lr=settings.lr, weight_decay=_WEIGHT_DECAY),
            Batches((self.data.inputs, targets), settings.batch_size, settings.seed),
            self.epochs,
            metric=None if self.kind == "number" else accuracy,
            compiled=not settings.eager,
            log=settings.log,
        )
        if self.kind == "number":
            # The network learned the standardised target; its last layer is made to answer in the target's units.
            last = self.model[-1]
            last.weight.assign(last.weight.detach() * scale)
            last.bias.assign(last.bias.detach() * scale + center)
        return history


def _outputs(model: nn.Module, inputs: Any) -> np.ndarray[Any, Any]:
    with no_grad():
        result: np.ndarray[Any, Any] = model(inputs).numpy()
    return result


# What comes out -------------------------------------------------------------------------------------------------------


def _announce(console: Console, data: Dataset, training: Dataset, held_out: Dataset, job: _Job) -> None:
    settings = job.settings
    kind = "a number" if data.classes is None else f"one of {len(data.classes)} classes"
    size = sum(one.size for one in job.model.parameters() if one.trainable)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    for word, text in (
        ("data", f"{data.name}: {len(data.features)} features, {data.target!r} is {kind}"),
        ("rows", f"{len(training):,} to train on, {len(held_out):,} held out"),
        ("network", f"{job.network}, {size:,} parameters"),
        ("loss", job.loss),
        (
            "training",
            f"AdamW, learning rate {settings.lr:g}, batches of {settings.batch_size}, {job.epochs} epochs, "
            f"seed {settings.seed}",
        ),
    ):
        grid.add_row(word, Text(clean(text)))  # as it is: a name may look like markup
    console.print(grid)
    console.print()


def _scores(console: Console, model: nn.Module, held_out: Dataset, training: Dataset) -> Table:
    outputs = _outputs(model, held_out.inputs)
    if held_out.classes is None:
        return _number_scores(outputs.reshape(-1), held_out, float(training.targets.mean()))
    most_frequent = int(np.bincount(training.targets).argmax())
    return _class_scores(console, predicted_classes(outputs), held_out, most_frequent)


def _table(title: str) -> Table:
    return Table(
        box=SIMPLE,
        show_edge=False,
        title=f"{title}\n",
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        caption_style="dim",
    )


def _class_scores(console: Console, found: Any, held_out: Dataset, most_frequent: int) -> Table:
    assert held_out.classes is not None
    right = found == held_out.targets
    base = np.mean(held_out.targets == most_frequent)
    table = _table("On the rows held out")
    table.show_footer = True
    table.add_column(Text(clean(held_out.target)), footer="all")
    table.add_column("rows", footer=f"{len(right):,}", justify="right")
    table.add_column("right", footer=f"{right.sum():,}", justify="right")
    table.add_column("accuracy", footer=f"{right.mean():.1%}", justify="right")
    table.add_column("", footer=_bar(right.mean(), console))
    for number, name in enumerate(held_out.classes):
        rows = right[held_out.targets == number]
        share = (f"{rows.mean():.1%}", _bar(rows.mean(), console)) if len(rows) else ("-", "")
        table.add_row(Text(clean(name)), f"{len(rows):,}", f"{rows.sum():,}", *share)
    table.caption = Text(f"\nAlways saying {clean(held_out.classes[most_frequent])} would be right for {base:.1%}.")
    return table


def _bar(share: float, console: Console) -> Text:
    dash = "━" if console.encoding.startswith("utf") else "#"
    return Text(dash * round(share * 20), "green" if share >= 0.5 else "yellow")


def _number_scores(found: Any, held_out: Dataset, mean: float) -> Table:
    error = found - held_out.targets
    base = mean - held_out.targets  # what is wrong when one always says the mean of the rows trained on
    table = _table("On the rows held out")
    table.add_column(Text(f"error of {clean(held_out.target)}"))
    table.add_column("network", justify="right")
    table.add_column("always the mean", justify="right")
    table.add_row("mean absolute", *(_rounded(np.abs(one).mean()) for one in (error, base)))
    table.add_row("root mean square", *(_rounded(np.sqrt(np.square(one).mean())) for one in (error, base)))
    spread = np.square(held_out.targets - held_out.targets.mean()).sum()
    if spread:
        shares = (f"{1 - np.square(one).sum() / spread:.1%}" for one in (error, base))
        table.add_row("share explained (R²)", *shares)
    return table


def _rounded(number: float) -> str:
    return f"{number:,.0f}" if 1e4 <= number < 1e12 else f"{number:,.4g}"


def _metadata(data: Dataset, job: _Job) -> dict[str, str]:
    return {
        "data": clean(data.name),  # a file name may hold bytes that are no text
        "network": job.network,
        "features": json.dumps(data.features),
        "target": data.target,
        "classes": json.dumps(data.classes),
    }
